// How a native test is run: many seeds, one body for real threads and for the scheduler.
//
//   int main() { return interlock::tests::run_tests({{"a sentence", body}, ...}); }
//
// A body gets a Run: it adds threads to processes, says where one of them is killed, lets
// them go() and looks at what is left. In a concurrent build the threads are real and
// all in one process, and nobody is killed. INTERLOCK_SEED and INTERLOCK_RUNS repeat a run.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <vector>

#include "tests/check.hpp"

#ifdef INTERLOCK_SYSTEMATIC
#include "tests/schedule.hpp"
#else
#include <thread>
#endif

#ifdef __SANITIZE_ADDRESS__
// A fiber's switch costs twenty times as much, and the plain build does all interleavings.
constexpr unsigned SYSTEMATIC_SHARE = 20;
// A killed thread's destructors never run, so what it had on the heap is lost: expected.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#else
constexpr unsigned SYSTEMATIC_SHARE = 1;
#endif

namespace interlock::tests {

// What the running test is called, and the command that repeats its run.
struct Running {
  const char* sentence = "";
  std::string repeat;
  void tell_failure(const std::string& why) const {
    std::printf("FAILED: %s\n%s\nrepeat it with: %s\n", sentence, why.c_str(), repeat.c_str());
    std::fflush(stdout);
  }
};
inline Running running;

#ifdef INTERLOCK_SYSTEMATIC

constexpr bool SYSTEMATIC = true;

class Run {
 public:
  explicit Run(u64 seed) : random(seed), scheduler_(random.next()) {}
  Random random;

  u32 new_process() { return scheduler_.new_process(); }
  void thread(u32 process, std::string name, std::function<void()> body) {
    scheduler_.add(process, std::move(name), std::move(body));
  }
  void go() { scheduler_.go(); }
  bool is_dead(u32 process) const { return scheduler_.is_dead(process); }
  // The process dies before its nth access to a shared word.
  void kill_at_step(u32 process, u64 nth) { scheduler_.kill_at_step(process, nth); }
  u64 steps_of(u32 process) const { return scheduler_.steps_of(process); }
  // Whoever passes the probe for the nth time dies there.
  void kill_at(const char* probe, u64 nth) { scheduler_.kill_at(probe, nth); }
  void protect(u32 process) { scheduler_.protect(process); }
  u64 deaths() const { return scheduler_.deaths(); }
  void advance(std::int64_t by) { scheduler_.advance(by); }
  Scheduler& scheduler() { return scheduler_; }

 private:
  Scheduler scheduler_;
};

#else

constexpr bool SYSTEMATIC = false;

class Run {
 public:
  explicit Run(u64 seed) : random(seed) {}
  Random random;

  u32 new_process() { return ++processes_; }
  void thread(u32, std::string name, std::function<void()> body) {
    bodies_.push_back({std::move(name), std::move(body)});
  }
  void go() {
    std::vector<std::thread> threads;
    for (auto& each : bodies_) threads.emplace_back([&each] { guard(each); });
    for (auto& thread : threads) thread.join();
    bodies_.clear();
  }
  bool is_dead(u32) const { return false; }
  void kill_at_step(u32, u64) { fail(NO_DEATHS); }
  u64 steps_of(u32) const { return 0; }
  void kill_at(const char*, u64) { fail(NO_DEATHS); }
  void protect(u32) {}
  u64 deaths() const { return 0; }
  void advance(std::int64_t) {}  // it does by itself

 private:
  static constexpr const char* NO_DEATHS = "a test of deaths is for the systematic build alone";
  struct Named {
    std::string name;
    std::function<void()> body;
  };
  static void guard(const Named& thread) {
    try {
      thread.body();
    } catch (const std::exception& error) {
      // The others may wait for this one for ever: the whole program ends here.
      running.tell_failure(thread.name + ": " + error.what());
      std::_Exit(1);
    }
  }

  std::vector<Named> bodies_;
  u32 processes_ = 0;
};

#endif

struct Test {
  const char* sentence;
  void (*body)(Run&);
  u32 runs_systematic = 100;
  u32 runs_concurrent = 5;
};

inline u64 number_from_environment(const char* name, u64 otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == 0 ? otherwise : std::strtoull(text, nullptr, 0);
}

inline int run_tests(const std::vector<Test>& tests) {
  constexpr u64 SEED = 20260101;  // the same commit gives the same result
  const u64 seed = number_from_environment("INTERLOCK_SEED", SEED);
  std::printf("INTERLOCK_SEED=%llu\n", static_cast<unsigned long long>(seed));
  for (const Test& test : tests) {
    const u64 usual = SYSTEMATIC ? (test.runs_systematic + SYSTEMATIC_SHARE - 1) / SYSTEMATIC_SHARE
                                 : test.runs_concurrent;
    const u64 runs = number_from_environment("INTERLOCK_RUNS", usual);
    std::printf("%s (%llu runs)\n", test.sentence, static_cast<unsigned long long>(runs));
    std::fflush(stdout);
    for (u64 i = 0; i < runs && usual != 0; ++i) {
      running = {test.sentence, "INTERLOCK_SEED=" + std::to_string(seed + i) +
                                    " INTERLOCK_RUNS=1 " + program_invocation_name};
      try {
        Run run(seed + i);
        test.body(run);
      } catch (const std::exception& error) {
        running.tell_failure(error.what());
        return 1;
      }
    }
  }
  return 0;
}

}  // namespace interlock::tests
