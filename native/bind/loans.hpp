// Blocks that this process reads in place, and what a fork does to them.
//
// A received array refers to its block until the last view of it goes; the process is
// then a holder of the block (core/blocks.hpp), once, however many views there are, so
// they are counted here. A forked child has the views as well. It is made a holder before
// the fork, by a place in the process table that the parent reserves and the child adopts:
// otherwise a parent that drops its views (as Process.start() drops its arguments) would
// free a block that the child still reads. A child may be killed before it has adopted
// anything, and a fork may fail: so the parent waits until the child has, or takes back what
// it reserved.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/channel.hpp"
#include "platform/lifeline.hpp"

namespace interlock::bind {

// Guarded by the interpreter's lock, or by a mutex of its own where there is none.
class Loans {
 public:
  static Loans& of_this_process();

  void add(const std::shared_ptr<Channel>& channel, u32 block);
  void drop(const std::shared_ptr<Channel>& channel, u32 block);

  // Nothing runs between the first of these and the fork; nothing is thrown by the others.
  void before_fork();
  void after_fork_in_parent() noexcept;
  void after_fork_in_child() noexcept;

 private:
  // A child needs some hundred microseconds; one that is stopped is not waited for.
  static constexpr int BORN_WITHIN_MS = 1000;

  struct Reserved {
    std::shared_ptr<Channel> channel;
    Owner place;
  };
  using Key = std::pair<Channel*, u32>;
  void take_back() noexcept;

  std::map<Key, std::pair<std::shared_ptr<Channel>, u32>> counts_;
  std::vector<Reserved> reserved_;
  Lifeline child_;
  u32 forking_ = 0;
  ForkSafeMutex mutex_;
};

}  // namespace interlock::bind
