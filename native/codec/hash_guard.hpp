// How much work a stranger's keys may cost: hashing them, and comparing those that collide (P4).
//
// Two ways to spend hours of a receiver's time with a short message. A tuple that holds a tuple
// twice, that holds a tuple twice ... is hashed in 2**n steps from 2n bytes: so what a key weighs
// is counted by what it refers to, and the sum is bounded. And keys with one hash (integers that
// differ by a multiple of 2**61 - 1) make a dict compare each with each: so in a large container
// equal hashes are counted.
#pragma once

#include <unordered_map>
#include <vector>

#include "codec/cpython.hpp"

namespace interlock::codec {

// Keys of one container that have one hash.
class Collisions {
 public:
  explicit Collisions(u64 keys) : counts_(keys > FEW) {}

  // False: too many with this one. Throws std::bad_alloc.
  bool admit(Py_hash_t hash) { return !counts_ || ++seen_[hash] <= SAME_HASH_MAX; }

 private:
  static constexpr u64 FEW = 64;             // so few may all collide
  static constexpr u32 SAME_HASH_MAX = 64;   // -1 and -2, 1 and 1.0 and True do
  bool counts_;
  std::unordered_map<Py_hash_t, u32> seen_;
};

class HashGuard {
 public:
  // In a message of this many bytes.
  explicit HashGuard(std::size_t size) : left_(budget(size)) {}
  static u64 budget(std::size_t size) { return BASE + PER_BYTE * u64{size}; }

  // A value's weight: the bytes that it takes, and those of what it refers to.
  u64 mark(std::size_t offset) const { return offset + referred_; }
  void refers_to(std::size_t number) {
    const u64 weight = number < weights_.size() ? weights_[number] : 1;
    if (weight > WEIGHT_MAX - referred_) {
      left_ = 0;   // beyond counting: no further key is hashed
      return;
    }
    referred_ += weight;
  }
  void remembered(std::size_t number, u64 weight) {
    if (number >= weights_.size()) weights_.resize(number + 1, 1);
    weights_[number] = weight;
  }
  // Whether a key of this weight may be hashed.
  bool may_hash(u64 weight) {
    if (weight > left_) return false;
    left_ -= weight;
    return true;
  }

 private:
  static constexpr u64 BASE = 1 << 20;
  static constexpr u64 PER_BYTE = 32;
  static constexpr u64 WEIGHT_MAX = u64{1} << 62;
  u64 left_;
  u64 referred_ = 0;
  std::vector<u64> weights_;
};

}  // namespace interlock::codec
