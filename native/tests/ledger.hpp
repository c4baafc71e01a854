// What became of every message of a test: the record that promise P2 is checked against.
//
// A letter is known by its writer and number. The ledger lies in the test's own memory and
// survives the simulated deaths, so it knows what a dead thread had in hand.
#pragma once

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "tests/check.hpp"

namespace interlock::tests {

struct Letter {
  u32 writer = 0;
  u32 number = 0;
  auto operator<=>(const Letter&) const = default;
  std::string name() const { return std::to_string(writer) + "/" + std::to_string(number); }
};

inline int filler(const Letter& letter) {
  return static_cast<int>((letter.writer * 31 + letter.number) & 0xff);
}

inline void write_letter(const Letter& letter, std::byte* out, u64 length) {
  std::memset(out, filler(letter), length);
  std::memcpy(out, &letter, sizeof letter);
}

// I1: every byte is the one that was written.
inline Letter read_letter(std::span<const std::byte> body) {
  check(body.size() >= sizeof(Letter), "a message is shorter than any that was put");
  Letter letter;
  std::memcpy(&letter, body.data(), sizeof letter);
  const auto wanted = static_cast<std::byte>(filler(letter));
  for (const std::byte seen : body.subspan(sizeof letter))
    if (seen != wanted) fail("letter " + letter.name() + " is damaged");
  return letter;
}

class Ledger {
 public:
  void put_begins(Letter letter) {
    const std::lock_guard guard(mutex_);
    fates_[letter];
  }
  void put_returned(Letter letter) {
    const std::lock_guard guard(mutex_);
    fates_[letter].put = true;
    ++put_;
  }
  void put_refused(Letter letter) {
    const std::lock_guard guard(mutex_);
    fates_[letter].refused = true;
  }

  // A reader looks at a letter, under the consumers' lock; what it had before is settled.
  void opened(u32 reader, Letter letter, u32 attempts) {
    const std::lock_guard guard(mutex_);
    check(fates_.contains(letter), "a letter that nobody wrote: " + letter.name());
    check(!fates_[letter].refused, "a letter whose put was refused: " + letter.name());
    check(fates_[letter].delivered == 0, "a letter delivered already: " + letter.name());
    in_hand_[reader] = letter;
    if (attempts != 0) return;
    // I6: for the first time, in the order of the writer's puts. Equal: its reader died.
    u32& last = last_[letter.writer];
    check(letter.number >= last, "letters of one writer out of order: " + letter.name());
    last = letter.number;
  }
  // The reader's call has returned.
  void delivered(u32 reader, Letter letter) {
    const std::lock_guard guard(mutex_);
    check(++fates_[letter].delivered == 1, "a letter delivered twice: " + letter.name());
    in_hand_.erase(reader);
    ++delivered_;
  }
  // The next step of somebody who has a letter ends its task.
  void task_ends() {
    const std::lock_guard guard(mutex_);
    ++tasks_ended_;
  }
  void handed_back(u32 reader) {
    const std::lock_guard guard(mutex_);
    in_hand_.erase(reader);
  }

  u64 put() const {
    const std::lock_guard guard(mutex_);
    return put_;
  }
  u64 delivered() const {
    const std::lock_guard guard(mutex_);
    return delivered_;
  }

  u64 tasks_ended() const {
    const std::lock_guard guard(mutex_);
    return tasks_ended_;
  }

  // Everything is delivered once, but for what a dead reader had in hand (P2).
  void check_complete() const {
    const std::lock_guard guard(mutex_);
    std::set<Letter> in_dead_hands;
    for (const auto& [reader, letter] : in_hand_) in_dead_hands.insert(letter);
    for (const auto& [letter, fate] : fates_)
      if (fate.put && fate.delivered == 0 && !in_dead_hands.contains(letter))
        fail("letter " + letter.name() + " is lost");
  }
  u64 in_dead_hands() const {
    const std::lock_guard guard(mutex_);
    return in_hand_.size();
  }

 private:
  struct Fate {
    bool put = false;
    bool refused = false;
    u32 delivered = 0;
  };
  mutable std::mutex mutex_;
  std::map<Letter, Fate> fates_;
  std::map<u32, Letter> in_hand_;
  std::map<u32, u32> last_;
  u64 put_ = 0;
  u64 delivered_ = 0;
  u64 tasks_ended_ = 0;
};

}  // namespace interlock::tests
