// A doorbell: a descriptor that poll(2) finds readable once somebody has rung it.
//
// For whoever cannot sleep on a futex because it waits for other things as well. It is
// level-triggered: it stays readable until it is silenced. An eventfd has no name and can
// be rung from any process that has it. A socket of a pair rings the other end; it also
// tells when the other end is gone, closed or killed.
//
// Source: eventfd(2), unix(7), poll(2).
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "platform/memfd.hpp"

namespace interlock {

inline Descriptor eventfd_new() {
  Descriptor fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (fd.get() < 0) raise_errno("eventfd");
  return fd;
}

// A full counter means that it rings already.
inline void eventfd_ring(int fd) {
  const u64 one = 1;
  [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
}

inline void eventfd_silence(int fd) {
  u64 count;
  [[maybe_unused]] const ssize_t taken = read(fd, &count, sizeof count);
}

// A full buffer means that it rings already; whether the peer is gone is asked elsewhere.
// Who has the descriptor may send others over it (multiprocessing.reduction.send_handle), with a
// byte that tells how many: a ring is a number that no message can carry (SCM_MAX_FD is 253).
inline constexpr char SOCKET_RING = static_cast<char>(255);

inline void socket_ring(int fd) {
  [[maybe_unused]] const ssize_t sent = send(fd, &SOCKET_RING, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Takes what socket_ring() sent and no more.
inline void socket_silence(int fd) {
  char bytes[256];
  for (;;) {
    const ssize_t there = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
    ssize_t rings = 0;
    while (rings < there && bytes[rings] == SOCKET_RING) ++rings;
    if (rings == 0) return;
    const auto taken = recv(fd, bytes, static_cast<std::size_t>(rings), MSG_DONTWAIT);
    if (taken < static_cast<ssize_t>(sizeof bytes)) return;
  }
}

// Whether every process has closed the other end of the pair, or has died.
inline bool socket_peer_is_gone(int fd) {
  pollfd peer{fd, POLLRDHUP, 0};
  return poll(&peer, 1, 0) == 1 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace interlock
