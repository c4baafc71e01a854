// A thread of the seeded scheduler: a stack of its own, run by the one real thread.
//
// Switching costs a system call less than a hand-over between real threads, and a thread
// whose process was killed is simply never switched to again, as the kernel leaves it:
// its destructors do not run, so what it held on the heap is lost (leaks are expected).
#pragma once

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "platform/atomic.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace interlock::tests {

struct Fiber {
  enum class State { ready, asleep, ended, dead };
  static constexpr std::size_t STACK = 512 * 1024;

  std::string name;
  u32 id = 0;
  u32 process = 0;
  std::function<void()> body;
  State state = State::ready;

  // While asleep.
  u64 word = 0;
  std::int64_t wake_at = 0;
  std::int64_t timeout = 0;
  bool timed_out = false;

  u32* pending = nullptr;  // the robust list's one entry (platform/robust_list.hpp)

  ucontext_t context{};
  std::byte* stack = nullptr;
  std::size_t stack_size = 0;
  std::byte exceptions[16]{};  // what is being thrown and caught, per thread (C++ ABI)
  void* fake_stack = nullptr;
  void* in_thread_sanitizer = nullptr;
};

// Stacks outlive their fibers, for the next run.
inline std::vector<std::byte*>& spare_stacks() {
  static std::vector<std::byte*> spare;
  return spare;
}

inline void give_stack(Fiber& fiber) {
  auto& spare = spare_stacks();
  if (spare.empty()) {
    void* at = mmap(nullptr, Fiber::STACK, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    spare.push_back(static_cast<std::byte*>(at));
  }
  fiber.stack = spare.back();
  fiber.stack_size = Fiber::STACK;
  spare.pop_back();
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_size);  // an abandoned one's frames
#endif
#if defined(__SANITIZE_THREAD__)
  fiber.in_thread_sanitizer = __tsan_create_fiber(0);
#endif
}

inline void take_stack(Fiber& fiber) {
  if (fiber.stack != nullptr) spare_stacks().push_back(fiber.stack);
#if defined(__SANITIZE_THREAD__)
  if (fiber.in_thread_sanitizer != nullptr) __tsan_destroy_fiber(fiber.in_thread_sanitizer);
#endif
}

// Called first thing on the new stack: `left` is the fiber that was switched from.
inline void arrive([[maybe_unused]] Fiber& here, [[maybe_unused]] Fiber& left) {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(here.fake_stack, &bottom, &size);
  left.stack_size = size;
  left.stack = static_cast<std::byte*>(const_cast<void*>(bottom));
#endif
}

// Leaves `from` for `to`; returns when somebody switches back. `left` names that somebody.
inline void switch_fiber(Fiber& from, Fiber& to, Fiber*& left) {
  void* globals = __cxxabiv1::__cxa_get_globals();
  std::memcpy(from.exceptions, globals, sizeof from.exceptions);
  std::memcpy(globals, to.exceptions, sizeof to.exceptions);
  left = &from;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_size);
#endif
#if defined(__SANITIZE_THREAD__)
  if (from.in_thread_sanitizer == nullptr) from.in_thread_sanitizer = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.in_thread_sanitizer, 0);
#endif
  swapcontext(&from.context, &to.context);
  arrive(from, *left);
}

}  // namespace interlock::tests
