// The seeded scheduler of systematic builds: threads, futexes, processes, deaths and time.
//
// One thread runs at a time. Before every access to a shared word (platform/atomic.hpp)
// another may be chosen by a seeded random number, so a seed is an interleaving, and the
// same seed gives it again. The parts of the kernel that the core stands on:
//   futex     who sleeps on which word, told apart by its place in the segment, since each
//             process has a mapping of its own; who is woken is chosen at random
//   time      stands still while anybody can run
//   death     kill() at a named probe or at the n-th step of a process: its threads are never
//             run again, no destructor runs, the pending robust-list word is treated as
//             kernel/futex/core.c does (exit_robust_list), process_is_dead() is true, as it is
//             of a process whose threads have all ended
//   deadlock  all asleep and nothing left that would end a sleep
// Every sleep of the core is bounded by 50 ms, which would hide a lost wake-up (I4). So
// such a sleep does not time out until some process has died: then, and only then, is
// the bound the cure that the protocols name.
#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "platform/systematic.hpp"
#include "tests/check.hpp"
#include "tests/fibers.hpp"

namespace interlock::tests {

class Scheduler {
 public:
  static constexpr std::int64_t RECHECK = 50'000'000;  // the core's bound on a sleep
  static constexpr std::int64_t FIRST_MOMENT = 1'000'000'000;
  static constexpr u32 FIRST_PROCESS = 100;
  static constexpr u32 FIRST_THREAD = 1000;
  static constexpr u32 MAIN = 1;
  static constexpr u32 TID_MASK = 0x3fffffffu;
  static constexpr u32 OWNER_DIED = 0x40000000u;
  static constexpr u32 WAITERS = 0x80000000u;

  explicit Scheduler(u64 seed) : random_(seed) {
    constexpr u64 RARE[] = {1, 2, 4, 16, 64, 256};  // steps between switches, one choice a run
    switch_every_ = RARE[random_.below(std::size(RARE))];
    main_.name = "main";
    main_.id = main_.process = MAIN;
    current_ = &main_;
    active = this;
#if defined(__SANITIZE_THREAD__)
    main_.in_thread_sanitizer = __tsan_get_current_fiber();
#endif
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() {
    for (auto& fiber : fibers_) take_stack(*fiber);
    active = nullptr;
  }

  static inline Scheduler* active = nullptr;

  // ---- setting up ---------------------------------------------------------------------

  u32 new_process() { return FIRST_PROCESS + processes_++; }

  void add(u32 process, std::string name, std::function<void()> body) {
    auto fiber = std::make_unique<Fiber>();
    fiber->name = std::move(name);
    fiber->id = FIRST_THREAD + static_cast<u32>(fibers_.size());
    fiber->process = process;
    fiber->body = std::move(body);
    give_stack(*fiber);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = fiber->stack_size;
    makecontext(&fiber->context, &Scheduler::entry, 0);
    fibers_.push_back(std::move(fiber));
  }

  // A mapping of the shared memory: equal distances from its base are one word.
  void mapped(const void* base, u64 length) {
    mappings_.push_back({reinterpret_cast<u64>(base), length});
  }
  void name_word(const void* word, std::string name) { names_[place(word)] = std::move(name); }

  // The process that passes `probe` for the nth time (from 0, all processes together) dies.
  void kill_at(std::string probe, u64 nth) { at_probe_[std::move(probe)].push_back(nth); }
  // The process dies before its nth step, wherever that is.
  void kill_at_step(u32 process, u64 nth) { at_step_[process] = nth; }
  // One that is part of the test's frame: nobody kills it.
  void protect(u32 process) { protected_.push_back(process); }
  void limit_steps(u64 most) { steps_max_ = most; }

  // Runs until every thread has ended or is dead. Throws Failed for what went wrong.
  void go() {
    switch_to(choose());
    if (!failure_.empty()) throw Failed(failure_);
  }

  bool is_dead(u32 process) const {
    return std::find(dead_.begin(), dead_.end(), process) != dead_.end();
  }
  // Killed, or all its threads have ended.
  bool is_gone(u32 process) const {
    bool lives = false, known = is_dead(process);
    for (const auto& fiber : fibers_) {
      if (fiber->process != process) continue;
      known = true;
      lives = lives || fiber->state == Fiber::State::ready || fiber->state == Fiber::State::asleep;
    }
    return known && !lives;
  }
  u64 deaths() const { return dead_.size(); }
  const std::map<std::string, u64>& probes_passed() const { return passed_; }
  u64 steps_of(u32 process) const {
    const auto found = steps_by_process_.find(process);
    return found == steps_by_process_.end() ? 0 : found->second;
  }
  void advance(std::int64_t by) { moment_ += by; }

  // ---- what platform/ asks --------------------------------------------------------------

  void step() {
    if (current_ == &main_) return;
    if (++steps_ > steps_max_) end_run("livelock: nobody gets on", true);
    const u64 mine = steps_by_process_[current_->process]++;
    if (!at_step_.empty()) {
      const auto found = at_step_.find(current_->process);
      if (found != at_step_.end() && found->second == mine) kill(current_->process);
    }
    if (countdown_-- > 0) return;
    countdown_ = random_.below(2 * switch_every_);
    switch_to(choose());
  }

  void probe(const char* name) {
    if (current_ == &main_) return;
    const u64 nth = passed_[name]++;
    const auto found = at_probe_.find(name);
    if (found == at_probe_.end()) return;
    if (std::find(found->second.begin(), found->second.end(), nth) != found->second.end())
      kill(current_->process);
  }

  bool wait(u32* word, u32 expected, std::int64_t timeout) {
    step();
    if (*static_cast<volatile u32*>(word) != expected) return true;
    if (current_ == &main_) fail("main would sleep on " + name_of(place(word)));
    Fiber& me = *current_;
    me.word = place(word);
    me.timeout = timeout;
    me.wake_at = timeout >= RECHECK && dead_.empty() ? NEVER : moment_ + timeout;
    me.state = Fiber::State::asleep;
    me.timed_out = false;
    switch_to(choose());
    return !me.timed_out;
  }

  int wake(u32* word, int count) {
    step();
    return wake_at_place(place(word), count);
  }

  u32 thread_id() const { return current_->id; }
  u32 process_id() const { return current_->process; }
  void set_pending(u32* word) { current_->pending = word; }
  std::int64_t now() const { return moment_; }

  void kill(u32 process) {
    if (std::find(protected_.begin(), protected_.end(), process) != protected_.end()) return;
    dead_.push_back(process);
    for (auto& fiber : fibers_) {
      if (fiber->state == Fiber::State::asleep && fiber->wake_at == NEVER)
        fiber->wake_at = moment_ + fiber->timeout;  // from now on the bound is needed
      if (fiber->process != process || fiber->state == Fiber::State::ended) continue;
      fiber->state = Fiber::State::dead;
      let_kernel_see(*fiber);
    }
    if (current_->process == process) switch_to(choose());
  }

 private:
  static constexpr std::int64_t NEVER = INT64_MAX;
  static constexpr u64 STEPS_MAX = 3'000'000;

  struct Range {
    u64 base, length;
  };

  static void entry() {
    Scheduler& self = *active;
    arrive(*self.current_, *self.left_);
    Fiber& me = *self.current_;
    try {
      me.body();
    } catch (const std::exception& error) {
      self.end_run(me.name + ": " + error.what(), false);
    }
    me.state = Fiber::State::ended;
    self.let_kernel_see(me);
    me.pending = nullptr;
    self.switch_to(self.choose());
  }

  // kernel/futex/core.c, exit_robust_list() and handle_futex_death(), of the one entry.
  void let_kernel_see(Fiber& fiber) {
    if (fiber.pending == nullptr) return;
    volatile u32& word = *fiber.pending;
    const u32 seen = word;
    if ((seen & TID_MASK) == fiber.id) {
      word = (seen & WAITERS) | OWNER_DIED;
      if ((seen & WAITERS) != 0) wake_at_place(place(fiber.pending), 1);
    } else if (seen == 0) {
      wake_at_place(place(fiber.pending), 1);
    }
  }

  int wake_at_place(u64 word, int count) {
    int woken = 0;
    for (; woken < count; ++woken) {
      std::vector<Fiber*> asleep;
      for (auto& fiber : fibers_)
        if (fiber->state == Fiber::State::asleep && fiber->word == word)
          asleep.push_back(fiber.get());
      if (asleep.empty()) break;
      asleep[random_.below(asleep.size())]->state = Fiber::State::ready;
    }
    return woken;
  }

  void switch_to(Fiber& to) {
    if (&to == current_) return;
    Fiber& from = *current_;
    current_ = &to;
    switch_fiber(from, to, left_);
  }

  // Who goes on: a ready thread, else the sleeper whose time comes first, else main.
  Fiber& choose() {
    if (!failure_.empty()) return main_;
    std::size_t ready = 0;
    for (auto& fiber : fibers_) ready += fiber->state == Fiber::State::ready;
    if (ready == 0) return end_a_sleep();
    std::size_t chosen = random_.below(ready);
    for (auto& fiber : fibers_)
      if (fiber->state == Fiber::State::ready && chosen-- == 0) return *fiber;
    return main_;
  }

  Fiber& end_a_sleep() {
    Fiber* first = nullptr;
    for (auto& fiber : fibers_)
      if (fiber->state == Fiber::State::asleep &&
          (first == nullptr || fiber->wake_at < first->wake_at))
        first = fiber.get();
    if (first == nullptr) return main_;
    if (first->wake_at == NEVER) {
      failure_ = "deadlock: everybody is asleep" + told();
      return main_;
    }
    moment_ = std::max(moment_, first->wake_at);
    first->timed_out = true;
    first->state = Fiber::State::ready;
    return *first;
  }

  void end_run(const std::string& why, bool tell) {
    failure_ = tell ? why + told() : why;
    switch_to(main_);
  }

  std::string told() const {
    std::string text;
    for (const auto& fiber : fibers_) {
      text += "\n    " + fiber->name + " (process " + std::to_string(fiber->process) + ") ";
      if (fiber->state == Fiber::State::asleep) text += "sleeps on " + name_of(fiber->word);
      if (fiber->state == Fiber::State::ready) text += "can run";
      if (fiber->state == Fiber::State::ended) text += "has ended";
      if (fiber->state == Fiber::State::dead) text += "was killed";
    }
    return text;
  }

  u64 place(const void* word) const {
    const u64 address = reinterpret_cast<u64>(word);
    for (const Range& range : mappings_)
      if (address - range.base < range.length) return address - range.base;
    return address;
  }
  std::string name_of(u64 word) const {
    const auto found = names_.find(word);
    return found == names_.end() ? "the word at " + std::to_string(word) : found->second;
  }

  Random random_;
  Fiber main_;
  Fiber* current_ = nullptr;
  Fiber* left_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Range> mappings_;
  std::map<u64, std::string> names_;
  std::map<std::string, std::vector<u64>> at_probe_;
  std::map<u32, u64> at_step_;
  std::map<std::string, u64> passed_;
  std::map<u32, u64> steps_by_process_;
  std::vector<u32> dead_;
  std::vector<u32> protected_;
  std::string failure_;
  u64 switch_every_ = 1;
  u64 countdown_ = 0;
  u64 steps_ = 0;
  u64 steps_max_ = STEPS_MAX;
  std::int64_t moment_ = FIRST_MOMENT;
  u32 processes_ = 0;
};

}  // namespace interlock::tests

// ---- the functions of platform/systematic.hpp ---------------------------------------------

namespace interlock::systematic {

using tests::Scheduler;

inline Scheduler* scheduler() { return Scheduler::active; }

void step() {
  if (scheduler() != nullptr) scheduler()->step();
}
void probe(const char* name) {
  if (scheduler() != nullptr) scheduler()->probe(name);
}
bool futex_wait(std::uint32_t* word, std::uint32_t expected, std::int64_t timeout) {
  if (scheduler() == nullptr) tests::fail("a sleep outside of a run");
  return scheduler()->wait(word, expected, timeout);
}
int futex_wake(std::uint32_t* word, int count) {
  return scheduler() == nullptr ? 0 : scheduler()->wake(word, count);
}
std::uint32_t thread_id() {
  return scheduler() == nullptr ? Scheduler::MAIN : scheduler()->thread_id();
}
void set_pending(std::uint32_t* word) {
  if (scheduler() != nullptr) scheduler()->set_pending(word);
}
std::uint32_t process_id() {
  return scheduler() == nullptr ? Scheduler::MAIN : scheduler()->process_id();
}
bool process_is_dead(std::uint32_t pid) {
  step();
  return scheduler() != nullptr && scheduler()->is_gone(pid);
}
std::int64_t now() { return scheduler() == nullptr ? Scheduler::FIRST_MOMENT : scheduler()->now(); }

}  // namespace interlock::systematic
