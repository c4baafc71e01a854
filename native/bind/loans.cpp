// Blocks that this process reads in place, and what a fork does to them.
#include "bind/loans.hpp"

namespace interlock::bind {

Loans& Loans::of_this_process() {
  static Loans& loans = *new Loans;  // outlives every view, those of the interpreter's end too
  return loans;
}

void Loans::add(const std::shared_ptr<Channel>& channel, u32 block) {
  const std::lock_guard guard(mutex_);
  auto& [kept, count] = counts_[{channel.get(), block}];
  kept = channel;
  ++count;
}

void Loans::drop(const std::shared_ptr<Channel>& channel, u32 block) {
  {
    const std::lock_guard guard(mutex_);
    const auto found = counts_.find({channel.get(), block});
    if (found == counts_.end() || --found->second.second > 0) return;
    counts_.erase(found);
  }
  channel->blocks().end_borrow(block, channel->processes().me());
}

void Loans::before_fork() {
  forking_ = this_process().pid;
  for (const auto& [key, entry] : counts_) {
    const auto& [channel, count] = entry;
    if (reserved_.empty() || reserved_.back().channel != channel)
      reserved_.push_back({channel, channel->processes().reserve_for_child()});
    channel->blocks().hold(key.second, reserved_.back().place);
  }
}

void Loans::after_fork_in_parent() { reserved_.clear(); }

void Loans::after_fork_in_child() {
  for (const Reserved& reserved : reserved_)
    reserved.channel->processes().adopt(reserved.place, forking_);
  reserved_.clear();
}

}  // namespace interlock::bind
