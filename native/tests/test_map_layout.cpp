// The words of a map's memory: each has its own place, and they fit.
#include "core/map_layout.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

void the_parts_follow_each_other(Run&) {
  check(sizeof(MapHeader) <= MAP_WORDS_AT, "the header");
  check(MAP_WORDS_AT + sizeof(MapWords) <= SPACES_AT, "the words of both spaces");
  check_equal(MAP_WORDS_AT % CACHE_LINE, u64{0}, "the mutex has a line of its own");
  check_equal(SPACES_AT % PAGE, u64{0}, "spaces are whole pages");
  check_equal(sizeof(SpaceWords), std::size_t{CACHE_LINE},
              "no space's words are on another's line");
}

void a_place_is_told_from_an_empty_slot(Run&) {
  check(SLOT_EMPTY != SLOT_DELETED, "states are told apart");
  check_equal(SLOT_EMPTY, u64{0}, "new memory is empty");
  check(SLOTS_MIN * 8 > SLOT_DELETED, "no record lies where these would lead to");
  check_equal(SLOTS_MIN & (SLOTS_MIN - 1), u64{0}, "a power of two");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"the parts follow each other", the_parts_follow_each_other, 1, 1},
      {"a place is told from an empty slot", a_place_is_told_from_an_empty_slot, 1, 1},
  });
}
