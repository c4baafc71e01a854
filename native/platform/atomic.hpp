// The only source of atomics: words that several processes read and write.
//
// Every order weaker than sequential consistency is named at its use with
// `SYNC <name>`, and its partner carries the same name. In a systematic build
// (INTERLOCK_SYSTEMATIC) each operation first asks the seeded scheduler of
// native/tests/schedule.hpp which thread goes on, so that a test can try every
// interleaving of these operations and repeat the one that failed.
#pragma once

#include <cstdint>
#include <type_traits>

#ifdef INTERLOCK_SYSTEMATIC
#include "platform/systematic.hpp"
#endif

namespace interlock {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

enum class Order : int {
  relaxed = __ATOMIC_RELAXED,
  acquire = __ATOMIC_ACQUIRE,
  release = __ATOMIC_RELEASE,
  acq_rel = __ATOMIC_ACQ_REL,
  seq_cst = __ATOMIC_SEQ_CST,
};

inline void schedule_step() {
#ifdef INTERLOCK_SYSTEMATIC
  systematic::step();
#endif
}

// A word in shared memory. It has no constructor: the memory is zero when new.
template <class T>
  requires(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8))
class Atomic {
 public:
  T load(Order order = Order::seq_cst) const {
    schedule_step();
    return __atomic_load_n(&value_, static_cast<int>(order));
  }
  void store(T value, Order order = Order::seq_cst) {
    schedule_step();
    __atomic_store_n(&value_, value, static_cast<int>(order));
  }
  T exchange(T value, Order order = Order::seq_cst) {
    schedule_step();
    return __atomic_exchange_n(&value_, value, static_cast<int>(order));
  }
  bool compare_exchange(T& expected, T desired, Order order = Order::seq_cst) {
    schedule_step();
    return __atomic_compare_exchange_n(&value_, &expected, desired, false, static_cast<int>(order),
                                       __ATOMIC_RELAXED);
  }
  T fetch_add(T value, Order order = Order::seq_cst) {
    schedule_step();
    return __atomic_fetch_add(&value_, value, static_cast<int>(order));
  }
  T fetch_or(T value, Order order = Order::seq_cst) {
    schedule_step();
    return __atomic_fetch_or(&value_, value, static_cast<int>(order));
  }
  T fetch_and(T value, Order order = Order::seq_cst) {
    schedule_step();
    return __atomic_fetch_and(&value_, value, static_cast<int>(order));
  }

  // For the word's owner while it holds the lock that guards the word, and for
  // hints that are checked again under that lock.
  T peek() const { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  void set(T value) { __atomic_store_n(&value_, value, __ATOMIC_RELAXED); }

  u32* address() { return reinterpret_cast<u32*>(&value_); }
  const T* raw() const { return &value_; }

 private:
  T value_;
};

// What was read before is not read again behind: for who reads memory that is not atomic and then
// looks whether it was his to read.
inline void acquire_fence() { __atomic_thread_fence(__ATOMIC_ACQUIRE); }

// Keeps the compiler, not the processor, from moving stores to thread-private
// words that the kernel reads when the thread dies.
inline void compiler_fence() { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // namespace interlock
