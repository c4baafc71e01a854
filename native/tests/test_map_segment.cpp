// The memory of a map: who attaches it sees the same, and what lies outside is refused.
#include "core/map_segment.hpp"

#include "core/hash_map.hpp"
#include "core/sync_segment.hpp"
#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

Descriptor another(int fd) { return Descriptor(dup(fd)); }

void both_who_attach_it_see_the_same(Run&) {
  MapSegment one = MapSegment::create(1 << 20);
  HashMap(one).begin();
  MapSegment other = MapSegment::attach(another(one.fd()));
  check(other.id() == one.id(), "its id");
  check_equal(other.seed(), one.seed(), "its seed");
  check_equal(other.max_bytes(), one.max_bytes(), "its bound");
  const Space mine = one.current(), theirs = other.current();
  check_equal(theirs.bytes, mine.bytes, "its space");
  mine.slot(5).store(17);
  check_equal(theirs.slot(5).load(), u64{17}, "a word");
  check(other.is_current(theirs), "it is the current one");
}

void what_is_no_map_is_refused(Run&) {
  const auto refused = [](Descriptor fd) {
    check_throws<SegmentCorrupted>([&] { MapSegment::attach(std::move(fd)); }, "attach()");
  };
  refused(memfd_new(SPACES_AT));  // zeros
  refused(memfd_new(8));          // too small
  refused(another(SyncSegment::create(SyncKind::lock, 0).fd()));
}

void a_space_outside_is_refused(Run& run) {
  MapSegment segment = MapSegment::create(1 << 20);
  HashMap(segment).begin();
  SpaceWords& words = segment.words().spaces[0];
  Atomic<u64>* const scribbled[] = {&words.begin, &words.bytes, &words.slots};
  Atomic<u64>& word = *scribbled[run.random.below(3)];
  const u64 values[] = {0, 12, u64{3} << 20, u64{1} << 40, ~u64{0}, PAGE + 4};
  word.set(values[run.random.below(std::size(values))]);
  check_throws<SegmentCorrupted>([&] { segment.current(); }, "current()");
}

void a_record_outside_is_refused(Run& run) {
  MapSegment segment = MapSegment::create(1 << 20);
  HashMap(segment).begin();
  const Space space = segment.current();
  MapRecord record;
  const u64 place = space.slots * 8;
  const MapRecordHeader sound{1, 100, 10, 0, 7};
  std::memcpy(space.base + place, &sound, sizeof sound);
  check(MapSegment::read(space, place, record), "within the space");
  check_equal(record.length(), u64{144}, "its length");
  check_equal(record.order, u64{7}, "its order");
  for (const u64 outside : {u64{0}, place - 8, place + 1, space.bytes, space.bytes - 8, PLACE_MASK})
    check(!MapSegment::read(space, outside, record), "outside of it");
  MapRecordHeader longer = sound;
  longer.value_bytes = run.random.below(2) == 0 ? space.bytes : ~u64{0} - 5;
  std::memcpy(space.base + place, &longer, sizeof longer);
  check(!MapSegment::read(space, place, record), "one that would reach out of it");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"both who attach it see the same", both_who_attach_it_see_the_same, 1, 1},
      {"what is no map is refused", what_is_no_map_is_refused, 1, 1},
      {"a space outside is refused", a_space_outside_is_refused, 50, 50},
      {"a record outside is refused", a_record_outside_is_refused, 10, 10},
  });
}
