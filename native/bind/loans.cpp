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
  reserved_.clear();
  if (counts_.empty()) return;
  forking_ = this_process().pid;
  child_ = Lifeline::create();
  for (const auto& [key, entry] : counts_) {
    const auto& [channel, count] = entry;
    if (reserved_.empty() || reserved_.back().channel != channel)
      reserved_.push_back({channel, channel->processes().reserve_for_child()});
    channel->blocks().hold(key.second, reserved_.back().place);
  }
}

void Loans::after_fork_in_parent() noexcept {
  if (reserved_.empty()) return;
  if (child_.wait_until_cut(BORN_WITHIN_MS)) take_back();
  reserved_.clear();
}

// What no child has adopted.
void Loans::take_back() noexcept {
  for (const Reserved& reserved : reserved_) {
    Processes& processes = reserved.channel->processes();
    if (!processes.still_there(reserved.place, forking_)) continue;
    for (const auto& [key, entry] : counts_)
      if (entry.first == reserved.channel)
        reserved.channel->blocks().end_borrow(key.second, reserved.place);
    processes.release(reserved.place);
  }
}

void Loans::after_fork_in_child() noexcept {
  if (reserved_.empty()) return;
  for (const Reserved& reserved : reserved_)
    reserved.channel->processes().adopt(reserved.place, forking_);
  reserved_.clear();
  child_.cut();
}

}  // namespace interlock::bind
