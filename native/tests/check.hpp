// What a native test says of a fact, and the seeded random numbers it draws.
#pragma once

#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "platform/atomic.hpp"

namespace interlock::tests {

using Where = std::source_location;

struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(std::string_view what, const Where& where = Where::current()) {
  std::ostringstream text;
  text << where.file_name() << ':' << where.line() << ": " << what;
  throw Failed(text.str());
}

inline void check(bool fact, std::string_view what, const Where& where = Where::current()) {
  if (!fact) fail(what, where);
}

template <class Seen, class Wanted>
void check_equal(const Seen& seen, const Wanted& wanted, std::string_view what,
                 const Where& where = Where::current()) {
  if (seen == static_cast<Seen>(wanted)) return;
  std::ostringstream text;
  if constexpr (std::is_enum_v<Seen>)
    text << what << ": " << static_cast<int>(seen) << ", not " << static_cast<int>(wanted);
  else
    text << what << ": " << seen << ", not " << wanted;
  fail(text.str(), where);
}

template <class Error, class Call>
void check_throws(Call&& call, std::string_view what, const Where& where = Where::current()) {
  try {
    call();
  } catch (const Error&) {
    return;
  }
  fail(std::string("nothing was thrown: ") + std::string(what), where);
}

// SplitMix64 (Steele, Lea, Flood 2014): one word of state, so a seed is a whole run.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) { next(); }
  u64 next() {
    u64 mixed = state_ += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
  }
  u64 below(u64 limit) { return next() % limit; }
  u64 between(u64 first, u64 last) { return first + below(last - first + 1); }
  bool one_in(u64 times) { return below(times) == 0; }

 private:
  u64 state_;
};

}  // namespace interlock::tests
