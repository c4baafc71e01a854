// Who is this process, and is that one still alive?
//
// A process is its pid and its start time: a pid alone comes back after a
// while. Death is read from a pidfd, which becomes readable when the process
// ends, zombies included; kill(pid, 0) calls a zombie alive.
#pragma once

#include "platform/clock.hpp"

#ifndef INTERLOCK_SYSTEMATIC
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "platform/robust_list.hpp"
#endif

namespace interlock {

struct ProcessIdentity {
  u32 pid = 0;
  u64 start_time = 0;  // clock ticks since boot; 0: not known
};

#ifdef INTERLOCK_SYSTEMATIC

inline ProcessIdentity this_process() { return {systematic::process_id(), 1}; }
inline bool process_is_dead(const ProcessIdentity& who) {
  return systematic::process_is_dead(who.pid);
}
template <class Same>
bool process_is_dead(u32 pid, Same) {
  return systematic::process_is_dead(pid);
}
// Threads of a process that goes on do not die here.
inline bool thread_is_dead(u32, u32) { return false; }
// A number that changes when the process does: in a forked child.
inline u64 process_generation() { return systematic::process_id(); }

#else

// Field 22 of /proc/PID/stat; 0 when there is no such process or no /proc.
inline u64 read_start_time(u32 pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = 0;
  const char* field = std::strrchr(text, ')');  // the name before it may hold anything
  for (int number = 2; field != nullptr && number < 22; ++number)
    field = std::strchr(field + 1, ' ');
  return field == nullptr ? 0 : std::strtoull(field + 1, nullptr, 10);
}

namespace detail {
inline u64 generation = 1;
inline ProcessIdentity self;
inline void forget_parent() {
  ++generation;
  self = {};
  ThreadInKernel::forget();
}
}  // namespace detail

namespace detail {
inline const int forks_are_seen = pthread_atfork(nullptr, nullptr, forget_parent);
}

// A number that changes when the process does: in a forked child.
inline u64 process_generation() { return detail::generation; }

inline ProcessIdentity this_process() {
  if (detail::self.pid == 0) {
    const u32 pid = static_cast<u32>(getpid());
    detail::self = {pid, read_start_time(pid)};
  }
  return detail::self;
}

// `same(start_time)` says whether a process of this pid that began then is the one meant.
template <class Same>
bool process_is_dead(u32 pid, Same same) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
  if (fd < 0) return errno == ESRCH;
  pollfd ended{fd, POLLIN, 0};
  bool dead = poll(&ended, 1, 0) == 1;
  if (!dead) {  // read while the pidfd holds the pid
    const u64 start_time = read_start_time(pid);
    dead = start_time != 0 && !same(start_time);
  }
  close(fd);
  return dead;
}

inline bool process_is_dead(const ProcessIdentity& who) {
  return process_is_dead(
      who.pid, [&](u64 start_time) { return who.start_time == 0 || start_time == who.start_time; });
}

// A thread that has ended, of a process that goes on.
inline bool thread_is_dead(u32 pid, u32 tid) {
  return syscall(SYS_tgkill, static_cast<pid_t>(pid), static_cast<pid_t>(tid), 0) != 0 &&
         errno == ESRCH;
}

#endif

}  // namespace interlock
