// One memfd in this process: the control area mapped whole, extents mapped when first used.
//
// A mapping never moves while the segment is attached, so a pointer into a block
// stays good for as long as somebody keeps the Segment. The file only grows, and is
// sealed against shrinking. What is read from the control area is checked against
// the file's real size once, when the extent is mapped; from then on the private
// copy counts (I5).
//
// Source: memfd_create(2), fcntl(2) F_ADD_SEALS, fallocate(2).
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <span>

#include "core/layout.hpp"
#include "core/untrusted.hpp"
#include "platform/fork_safe_mutex.hpp"
#include "platform/memfd.hpp"

namespace interlock {

struct OutOfPages : std::bad_alloc {
  const char* what() const noexcept override { return "the kernel has no more pages to give"; }
};

using SegmentId = std::array<u64, 2>;

struct Limits {
  u64 messages_max = 0;       // 0: no bound
  u64 message_bytes_max = 0;  // of one message
  u64 queue_bytes_max = 0;    // of all messages together
  u64 deliveries_max = 0;     // 0: no bound
  u32 flags = 0;
};

class Segment {
 public:
  // A new segment: one empty chunk, room for more.
  static Segment create(const Limits& limits) {
    Segment segment(memfd_new(CONTROL_BYTES));
    // The block table is sparse: its pages are reserved as it grows (Blocks::carve).
    if (!reserve_pages(segment.fd(), 0, BLOCKS_AT)) throw OutOfPages();
    segment.control_ = Mapping(segment.fd(), 0, CONTROL_BYTES);
    Header& header = segment.header();
    std::random_device random;
    for (auto& word : header.id) word.set(u64{random()} << 32 | random());
    header.version.set(LAYOUT_VERSION);
    header.flags.set(limits.flags);
    header.messages_max.set(limits.messages_max);
    header.message_bytes_max.set(limits.message_bytes_max);
    header.queue_bytes_max.set(limits.queue_bytes_max);
    header.deliveries_max.set(limits.deliveries_max);
    header.magic.set(SEGMENT_MAGIC);
    segment.read_header();
    return segment;
  }

  static Segment attach(Descriptor fd) {
    Segment segment(std::move(fd));
    if (!memfd_is_sealed(segment.fd()) || file_size(segment.fd()) < CONTROL_BYTES)
      throw SegmentCorrupted("the descriptor is not a sealed Interlock segment");
    segment.control_ = Mapping(segment.fd(), 0, CONTROL_BYTES);
    if (segment.header().magic.load() != SEGMENT_MAGIC ||
        segment.header().version.load() != LAYOUT_VERSION)
      throw SegmentCorrupted("the segment was made by another release of Interlock");
    segment.read_header();
    return segment;
  }

  int fd() const { return fd_.get(); }
  const SegmentId& id() const { return id_; }
  const Limits& limits() const { return limits_; }

  Header& header() const { return at<Header>(HEADER_AT); }
  ProducerSide& producers() const { return at<ProducerSide>(PRODUCER_AT); }
  ConsumerSide& consumers() const { return at<ConsumerSide>(CONSUMER_AT); }
  ProcessSlot& process(u32 slot) const { return (&at<ProcessSlot>(PROCESSES_AT))[slot]; }
  Atomic<u64>& free_hint(u32 word) const { return (&at<Atomic<u64>>(HINTS_AT))[word]; }
  BlockSlot& block(u32 index) const { return (&at<BlockSlot>(BLOCKS_AT))[index]; }

  // The bytes of a block, mapped and inside the file whatever the table says.
  std::span<std::byte> bytes(u32 index) const {
    const Place place = checked(index);
    return {reinterpret_cast<std::byte*>(place.extent.base.peek()) + place.start, place.length};
  }

  // Where the same bytes lie in the file.
  u64 file_offset(u32 index) const {
    const Place place = checked(index);
    return place.extent.offset + place.start;
  }

 private:
  struct View {
    Atomic<u64> base;  // address in this process; 0: not mapped yet
    u64 offset, length;
    Mapping mapping;
  };
  struct Place {
    const View& extent;
    u64 start, length;  // within the extent
  };

  explicit Segment(Descriptor fd)
      : fd_(std::move(fd)), views_(new View[EXTENT_SLOTS]()), mapping_mutex_(new ForkSafeMutex) {}

  template <class T>
  T& at(u64 offset) const {
    return *reinterpret_cast<T*>(control_.base() + offset);
  }

  void read_header() {
    const Header& h = header();
    id_ = {h.id[0].peek(), h.id[1].peek()};
    limits_ = {h.messages_max.peek(), h.message_bytes_max.peek(), h.queue_bytes_max.peek(),
               h.deliveries_max.peek(), h.flags.peek()};
  }

  Place checked(u32 index) const {
    const BlockSlot& slot = block(Untrusted(index).checked(BLOCK_SLOTS - 1, "block index"));
    const u64 place = slot.place.load(Order::relaxed);
    const u64 offset = place & ((u64{1} << 56) - 1);
    const u64 capacity = slot.capacity.load(Order::relaxed);
    const View& extent = view(static_cast<u32>(place >> 56));
    const u64 start = Untrusted(offset).checked(extent.length, "block offset");
    Untrusted(offset % CACHE_LINE).checked(0, "alignment of a block");
    return {extent, start, Untrusted(capacity).checked(extent.length - start, "block capacity")};
  }

  const View& view(u32 number) const {
    View& view = views_[Untrusted(number).checked(EXTENT_SLOTS - 1, "extent")];
    // SYNC segment.view: pairs with the release in map(); between threads of this process
    if (view.base.load(Order::acquire) == 0) [[unlikely]]
      map(number, view);
    return view;
  }

  void map(u32 number, View& view) const {
    const std::lock_guard guard(*mapping_mutex_);
    if (view.base.peek() != 0) return;
    const Extent& extent = producers().extents[number];
    const u64 size = file_size(fd());
    const u64 offset = Untrusted(extent.offset.load()).checked(size, "extent offset");
    const u64 length = Untrusted(extent.length.load()).checked(size - offset, "extent length");
    if (length == 0 || offset % PAGE != 0 || offset < CONTROL_BYTES)  // never over the tables
      throw SegmentCorrupted("extent that is not there");
    view.mapping = Mapping(fd(), offset, length);
    view.offset = offset;
    view.length = length;
    // SYNC segment.view: pairs with the acquire in view()
    view.base.store(reinterpret_cast<u64>(view.mapping.base()), Order::release);
  }

  Descriptor fd_;
  Mapping control_;
  std::unique_ptr<View[]> views_;
  std::unique_ptr<ForkSafeMutex> mapping_mutex_;
  SegmentId id_{};
  Limits limits_;
};

}  // namespace interlock
