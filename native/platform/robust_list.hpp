// Telling the kernel which lock this thread is about to take, holds, or is
// about to release, so that it marks the lock when the thread dies.
//
// The kernel's robust futex protocol (Documentation/locking/robust-futex-ABI)
// has a list of held locks and one "pending" entry a thread. The list's links
// would lie in shared memory, where another process could bend them; the pending
// entry lies in this thread's own memory. It is honoured for as long as it is
// set, so we keep it set from before the lock is taken until after it is
// released, and a thread holds at most one such lock at a time.
//
// At the thread's end (exit, SIGKILL, exec) the kernel looks at the lock word:
// if its low 30 bits are the thread's id, it sets FUTEX_OWNER_DIED, clears the
// id and wakes one sleeper; if the word is 0 it wakes one sleeper.
//
// glibc registers the list head of each thread and expects its own offset from
// a link to the lock word; the offset is read from the head, never assumed.
#pragma once

#include "platform/futex.hpp"

#ifndef INTERLOCK_SYSTEMATIC
#include <pthread.h>
#endif

namespace interlock {

#ifdef INTERLOCK_SYSTEMATIC

constexpr u32 FUTEX_WAITERS = 0x80000000u;
constexpr u32 FUTEX_OWNER_DIED = 0x40000000u;
constexpr u32 FUTEX_TID_MASK = 0x3fffffffu;

class ThreadInKernel {
 public:
  static ThreadInKernel self() { return {}; }
  u32 id() const { return systematic::thread_id(); }
  void set_pending(Atomic<u32>& word) { systematic::set_pending(word.address()); }
  void clear_pending() { systematic::set_pending(nullptr); }
};

#else

class ThreadInKernel {
 public:
  // The calling thread's entry; one system call the first time, none later.
  static ThreadInKernel& self() {
    if (current_.head_ == nullptr) [[unlikely]]
      current_.enter();
    return current_;
  }
  u32 id() const { return id_; }
  void set_pending(Atomic<u32>& word) {
    auto* entry = reinterpret_cast<char*>(word.address()) - head_->futex_offset;
    head_->list_op_pending = reinterpret_cast<robust_list*>(entry);
    compiler_fence();
  }
  void clear_pending() {
    compiler_fence();
    head_->list_op_pending = nullptr;
  }
  // A forked child's only thread has a new id.
  static void forget() { current_ = {}; }

 private:
  void enter() {
    std::size_t length = 0;
    robust_list_head* head = nullptr;
    syscall(SYS_get_robust_list, 0, &head, &length);
    if (head == nullptr) {  // a C library that registers none until it needs one
      own_head_.list.next = &own_head_.list;
      own_head_.futex_offset = 0;
      own_head_.list_op_pending = nullptr;
      syscall(SYS_set_robust_list, &own_head_, sizeof(own_head_));
      head = &own_head_;
    }
    id_ = static_cast<u32>(syscall(SYS_gettid));
    head_ = head;
  }

  robust_list_head* head_ = nullptr;
  u32 id_ = 0;
  static thread_local robust_list_head own_head_;
  static thread_local ThreadInKernel current_;
};

inline thread_local robust_list_head ThreadInKernel::own_head_{};
inline thread_local ThreadInKernel ThreadInKernel::current_{};

#endif

}  // namespace interlock
