// A segment attached twice, and descriptors and tables that lie (I5).
#include "core/segment.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

void both_see_the_same_bytes(Run&) {
  const auto one = Channel::create({7, 1000, 2000, 3, FLAG_JOINABLE});
  const auto other = Channel::attach(another(one->segment().fd()));
  check(one->segment().id() == other->segment().id(), "one segment has one name");
  const Limits& limits = other->segment().limits();
  check(limits.messages_max == 7 && limits.message_bytes_max == 1000 &&
            limits.queue_bytes_max == 2000 && limits.deliveries_max == 3 &&
            limits.flags == FLAG_JOINABLE,
        "the limits travel with it");
  const u32 block = one->claim_block(100'000);
  const auto here = one->segment().bytes(block);
  const auto there = other->segment().bytes(block);
  check_equal(there.size(), here.size(), "its size");
  check(here.data() != there.data(), "two mappings");
  here[99'999] = std::byte{42};
  check(there[99'999] == std::byte{42}, "of the same memory");
  check(Channel::create({})->segment().id() != one->segment().id(), "another has another name");
}

Descriptor unsealed(u64 size) {
  Descriptor fd(memfd_create("not-ours", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  check(ftruncate(fd.get(), static_cast<off_t>(size)) == 0, "ftruncate");
  return fd;
}

void what_is_no_segment_is_refused(Run&) {
  const auto attach = [](Descriptor fd) {
    check_throws<SegmentCorrupted>([&] { Channel::attach(std::move(fd)); }, "attaching");
  };
  attach(unsealed(CONTROL_BYTES));  // it could be shortened under our hands
  attach(memfd_new(PAGE));          // too small for the control area
  attach(memfd_new(CONTROL_BYTES));  // zeros
  const auto old = Channel::create({});
  old->segment().header().version.set(LAYOUT_VERSION + 1);
  attach(another(old->segment().fd()));
}

void a_segment_cannot_be_shortened(Run&) {
  const auto one = Channel::create({});
  check(ftruncate(one->segment().fd(), 0) != 0, "nobody can take its memory away");
}

// Whatever the block table says, bytes() gives memory of the file or an error.
void a_lying_table_is_found_out(Run& run) {
  const auto one = Channel::create(roomy());
  const u32 block = one->claim_block(50'000);
  const Segment& segment = one->segment();
  BlockSlot& slot = segment.block(block);
  const u64 place = slot.place.peek(), capacity = slot.capacity.peek();
  for (int i = 0; i < 200; ++i) {
    const bool lie_of_place = run.random.one_in(2);
    const u64 shift = run.random.below(64);
    slot.place.set(lie_of_place ? run.random.next() >> shift : place);
    slot.capacity.set(lie_of_place ? capacity : run.random.next() >> shift);
    std::span<std::byte> bytes;
    try {
      bytes = segment.bytes(block);
    } catch (const SegmentCorrupted&) {
      continue;
    }
    check_equal(reinterpret_cast<std::uintptr_t>(bytes.data()) % CACHE_LINE, 0u, "its alignment");
    if (bytes.empty()) continue;
    [[maybe_unused]] const auto first = static_cast<volatile std::byte&>(bytes.front());
    [[maybe_unused]] const auto last = static_cast<volatile std::byte&>(bytes.back());
  }
  slot.place.set(place);
  slot.capacity.set(capacity);
  check_throws<SegmentCorrupted>([&] { segment.bytes(BLOCK_SLOTS); }, "a block beyond the table");
  check_throws<SegmentCorrupted>([&] { segment.bytes(NO_BLOCK); }, "no block");
}

void a_lying_extent_is_found_out(Run& run) {
  for (int i = 0; i < 50; ++i) {
    const auto one = Channel::create(roomy());
    const auto other = Channel::attach(another(one->segment().fd()));
    Extent& extent = one->segment().producers().extents[0];
    const u64 lie = run.random.next() >> run.random.below(64);
    if (run.random.one_in(2))
      extent.offset.set(lie | 1);  // a place no mapping can begin at
    else
      extent.length.set(file_size(one->segment().fd()) + 1 + lie % 1'000'000);
    check_throws<SegmentCorrupted>([&] { other->segment().bytes(0); }, "a lying extent");
  }
}

// A block over the words that processes lock by would be written with a message.
void no_extent_lies_over_the_tables(Run& run) {
  const auto one = Channel::create(roomy());
  const auto other = Channel::attach(another(one->segment().fd()));
  Extent& extent = one->segment().producers().extents[0];
  extent.offset.set(PAGE * run.random.below(CONTROL_BYTES / PAGE));
  check_throws<SegmentCorrupted>([&] { other->segment().bytes(0); }, "an extent over the tables");
}

// Large messages are written into the file, by a place that was checked when it was mapped.
void an_extent_that_moves_is_not_followed(Run& run) {
  const auto one = Channel::create(roomy());
  const Segment& segment = one->segment();
  const u32 block = one->claim_block(50'000);
  const u64 place = segment.file_offset(block);
  check(place >= CONTROL_BYTES, "a place behind the tables");
  check(place + segment.bytes(block).size() <= file_size(segment.fd()), "a place in the file");
  segment.producers().extents[0].offset.set(run.random.next());
  check_equal(segment.file_offset(block), place, "the place in the file");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"both who attach it see the same bytes", both_see_the_same_bytes, 2, 2},
      {"what is no segment is refused", what_is_no_segment_is_refused, 1, 1},
      {"a segment cannot be shortened", a_segment_cannot_be_shortened, 1, 1},
      {"a lying block table is found out", a_lying_table_is_found_out, 20, 10},
      {"a lying extent is found out", a_lying_extent_is_found_out, 3, 3},
      {"no extent lies over the tables", no_extent_lies_over_the_tables, 20, 3},
      {"an extent that moves is not followed", an_extent_that_moves_is_not_followed, 3, 3},
  });
}
