// The memory of a lock: who attaches it sees the same, and what is none is refused.
#include "core/sync_segment.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

Descriptor another(int fd) { return Descriptor(dup(fd)); }

void both_who_attach_it_see_the_same(Run&) {
  const SyncSegment one = SyncSegment::create(SyncKind::recursive_lock, SYNC_FAIR, 7);
  const SyncSegment other = SyncSegment::attach(another(one.fd()));
  check(other.id() == one.id(), "its id");
  check_equal(other.kind(), SyncKind::recursive_lock, "its kind");
  check_equal(other.initial(), u64{7}, "its places");
  check(other.has(SYNC_FAIR) && !other.has(SYNC_RAISE), "its flags");
  one.owner().owner.store(17);
  check_equal(other.owner().owner.load(), u64{17}, "a word");
  check(!other.has_entries(), "nobody has waited yet");
  one.need_entries();
  one.entries()[ENTRIES - 1].ticket.store(18);
  check(other.has_entries(), "somebody has");
  check_equal(other.entries()[ENTRIES - 1].ticket.load(), u64{18}, "the last entry");
}

void what_is_no_lock_is_refused(Run&) {
  const auto refused = [](Descriptor fd) {
    check_throws<SegmentCorrupted>([&] { SyncSegment::attach(std::move(fd)); }, "attach()");
  };
  refused(memfd_new(SYNC_BYTES));  // zeros
  refused(memfd_new(PAGE));        // too small
  refused(another(Segment::create({}).fd()));
  const SyncSegment old = SyncSegment::create(SyncKind::lock, 0);
  old.header().version.set(SYNC_LAYOUT_VERSION + 1);
  refused(another(old.fd()));
}

void names_are_found_by_process(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const auto process = [](u32 pid) { return Stamp::make({pid, 5}, pid); };
  const auto first = static_cast<u32>(run.random.between(1, 100'000));
  for (u32 i = 0; i < NAME_SLOTS; ++i)
    segment.introduce(process(first + i), "Process-" + std::to_string(i));
  for (u32 i = 0; i < NAME_SLOTS; ++i)
    check_equal(segment.name_of(process(first + i)), "Process-" + std::to_string(i), "its name");
  check_equal(segment.name_of(process(first + NAME_SLOTS)), std::string(), "of a stranger");
  const std::string longest(NAME_BYTES + 10, 'x');
  segment.introduce(process(first), longest);
  check_equal(segment.name_of(process(first)), longest.substr(0, NAME_BYTES), "cut short");
  segment.introduce(process(first + NAME_SLOTS), "one too many");
  check_equal(segment.name_of(process(first + NAME_SLOTS)), std::string("one too many"),
              "the last");
}

// The two words of a name may be of two processes for a moment; nobody gets such a name.
void a_name_is_never_of_two(Run& run) {
  const SyncSegment segment = SyncSegment::create(SyncKind::lock, 0);
  const Stamp one = Stamp::make({1, 5}, 1), other = Stamp::make({1 + NAME_SLOTS, 5}, 1);
  for (u32 i = 2; i <= NAME_SLOTS; ++i)  // no place is free: they share one
    segment.introduce(Stamp::make({i, 5}, i), "x");
  run.thread(run.new_process(), "writer", [&] {
    for (int i = 0; i < 10; ++i) {
      segment.introduce(one, "oneoneoneoneone");
      segment.introduce(other, "otherotherother");
    }
  });
  run.thread(run.new_process(), "reader", [&] {
    for (int i = 0; i < 20; ++i) {
      const std::string name = segment.name_of(one);
      check(name.empty() || name == "oneoneoneoneone", "one's name is " + name);
    }
  });
  run.go();
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"both who attach it see the same", both_who_attach_it_see_the_same, 2, 2},
      {"what is no lock is refused", what_is_no_lock_is_refused, 1, 1},
      {"names are found by process", names_are_found_by_process, 20, 20},
      {"a name is never of two", a_name_is_never_of_two, 1000, 20},
  });
}
