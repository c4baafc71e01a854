// A stamp: which thread of which process, in one 64-bit word, so that a lock's owner is
// entered by one compare-exchange.
//
//   bits 0-21   thread id          bits 32-53  process id
//   bits 22-30  birth, low part    bits 54-63  birth, high part
//   bit 31      FUTEX_WAITERS: not part of the stamp, but of the word it is in
//
// Thread and process ids are less than 2^22 (PID_MAX_LIMIT, linux/threads.h). A process id
// comes back after a while, so the stamp has 19 bits of the process's start time too: a process
// that got a dead one's pid is taken for it once in half a million such accidents, and then the
// lock waits for it to end.
//
// There is no table of processes, so a death leaves nothing to be swept but the word itself.
// A forked child has another pid: it owns nothing of its parent's.
// Protocol: docs/protocols/locks.md. Source: proc_pid_stat(5), pidfd_open(2), tgkill(2).
#pragma once

#include "platform/pidfd.hpp"
#include "platform/robust_list.hpp"

namespace interlock {

class Stamp {
 public:
  constexpr Stamp() = default;
  // Whatever flag is in the word.
  static constexpr Stamp of_word(u64 word) { return Stamp(word & ~u64{FUTEX_WAITERS}); }
  static Stamp make(const ProcessIdentity& process, u32 tid) {
    const u64 birth = process.start_time & BIRTH_MASK;
    return Stamp(u64{tid & ID_MASK} | (birth & 0x1ff) << 22 | u64{process.pid & ID_MASK} << 32 |
                 (birth >> 9) << 54);
  }
  // The calling thread's.
  static Stamp mine() {
#ifdef INTERLOCK_SYSTEMATIC
    return make(this_process(), ThreadInKernel::self().id());
#else
    if (made_in_ != process_generation()) [[unlikely]] {
      mine_ = make(this_process(), ThreadInKernel::self().id()).word();
      made_in_ = process_generation();
    }
    return Stamp(mine_);
#endif
  }

  constexpr u64 word() const { return word_; }
  constexpr bool nobody() const { return word_ == 0; }
  constexpr u32 pid() const { return static_cast<u32>(word_ >> 32) & ID_MASK; }
  constexpr u32 tid() const { return static_cast<u32>(word_) & ID_MASK; }
  // The same for all threads of a process.
  constexpr u64 process() const { return word_ & ~u64{ID_MASK}; }

  // Whether the process, or this thread of it, has ended.
  bool is_dead() const { return is_process_dead() || thread_is_dead(pid(), tid()); }
  bool is_process_dead() const {
    const u64 born = (word_ >> 22 & 0x1ff) | (word_ >> 54) << 9;
    return process_is_dead(pid(), [&](u64 start) { return (start & BIRTH_MASK) == born; });
  }
  bool operator==(const Stamp&) const = default;

 private:
  static constexpr u32 ID_MASK = (1u << 22) - 1;
  static constexpr u64 BIRTH_MASK = (u64{1} << 19) - 1;
  explicit constexpr Stamp(u64 word) : word_(word) {}
  u64 word_ = 0;
  static thread_local u64 mine_;
  static thread_local u64 made_in_;
};

inline thread_local u64 Stamp::mine_ = 0;
inline thread_local u64 Stamp::made_in_ = 0;

// Whether that thread has died while its stamp was in the word. The word is read again behind the
// death: one that takes its stamp back and ends, while somebody looks, has left nothing.
inline bool died_in(const Atomic<u64>& word, Stamp whose) {
  return !whose.nobody() && whose.is_dead() && Stamp::of_word(word.load()) == whose;
}

}  // namespace interlock
