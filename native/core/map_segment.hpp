// A hash map in this process: its memfd, mapped as far as it may ever reach.
//
// Nothing that is read from it is believed: a space lies within the mapping and within the
// file, or the map is corrupted (I5). The file only grows, so what was within it once stays so.
// Protocol: docs/protocols/map.md.
#pragma once

#include <random>
#include <span>

#include "core/map_layout.hpp"
#include "core/segment.hpp"
#include "core/untrusted.hpp"

namespace interlock {

// A space, as it was when somebody looked; bounds-checked.
struct Space {
  u64 generation;
  std::byte* base;
  u64 bytes, slots;
  Atomic<u64>& slot(u64 number) const {
    return reinterpret_cast<Atomic<u64>*>(base)[number & (slots - 1)];
  }
};

struct MapRecord {
  u64 hash;
  std::span<const std::byte> key, value;
  u64 order = 0;
  u64 length() const { return length_of(key.size(), value.size()); }
  static u64 length_of(u64 key_bytes, u64 value_bytes) {
    return (sizeof(MapRecordHeader) + key_bytes + value_bytes + 7) / 8 * 8;
  }
};

class MapSegment {
 public:
  static constexpr u64 MAX_BYTES_MOST = u64{1} << 40;

  static MapSegment create(u64 max_bytes) {
    MapSegment segment(memfd_with_room(SPACES_AT));
    if (!reserve_pages(segment.fd(), 0, SPACES_AT)) throw OutOfPages();
    segment.map(max_bytes);
    std::random_device random;
    MapHeader& header = segment.header();
    for (auto& word : header.id) word.set(u64{random()} << 32 | random());
    header.seed.set(u64{random()} << 32 | random());
    header.max_bytes.set(max_bytes);
    header.version.set(MAP_LAYOUT_VERSION);
    header.magic.set(MAP_MAGIC);
    segment.read_header();
    return segment;
  }
  static MapSegment attach(Descriptor fd) {
    MapSegment segment(std::move(fd));
    if (!memfd_is_sealed(segment.fd()) || file_size(segment.fd()) < SPACES_AT)
      throw SegmentCorrupted("the descriptor is no map of Interlock");
    const Mapping first(segment.fd(), 0, SPACES_AT);
    const auto& header = *reinterpret_cast<const MapHeader*>(first.base());
    if (header.magic.load() != MAP_MAGIC || header.version.load() != MAP_LAYOUT_VERSION)
      throw SegmentCorrupted("the map was made by another release of Interlock");
    segment.map(Untrusted(header.max_bytes.load()).checked(MAX_BYTES_MOST, "a map without bounds"));
    segment.read_header();
    return segment;
  }

  int fd() const { return fd_.get(); }
  const SegmentId& id() const { return id_; }
  u64 seed() const { return seed_; }
  u64 max_bytes() const { return max_bytes_; }
  u64 reach() const { return mapping_.length(); }
  MapWords& words() const { return *reinterpret_cast<MapWords*>(mapping_.base() + MAP_WORDS_AT); }
  std::byte* at(u64 offset) const { return mapping_.base() + offset; }

  // The current space. No memory of it is touched.
  Space current() {
    for (;;) {
      // SYNC map.generation: pairs with the release of who switches spaces
      const u64 generation = words().generation.load(Order::acquire);
      const SpaceWords& its = words().spaces[generation % 2];
      const u64 begin = its.begin.load(), bytes = its.bytes.load(), slots = its.slots.load();
      if (words().generation.load() != generation) continue;
      const bool sound = begin >= SPACES_AT && begin % PAGE == 0 && begin <= reach() &&
                         bytes <= reach() - begin && slots != 0 && (slots & (slots - 1)) == 0 &&
                         slots < bytes / 8 && is_within_file(begin + bytes);
      if (!sound) throw SegmentCorrupted("a map's space is not within its memory");
      return {generation, at(begin), bytes, slots};
    }
  }
  bool is_current(const Space& space) const {
    // What was read before this lay in a space that nobody had begun to write over.
    acquire_fence();
    return words().generation.load() == space.generation;
  }

  // The record that a slot's word leads to. False: it is not within the space.
  static bool read(const Space& space, u64 word, MapRecord& record) {
    schedule_step();  // others may write while this one reads
    const u64 place = word & PLACE_MASK;
    if (place % 8 != 0 || place < space.slots * 8 || place > space.bytes - sizeof(MapRecordHeader))
      return false;
    MapRecordHeader header;
    std::memcpy(&header, space.base + place, sizeof header);
    const u64 room = space.bytes - place - sizeof header;
    if (header.key_bytes > room || header.value_bytes > room - header.key_bytes) return false;
    const std::byte* const key = space.base + place + sizeof header;
    record = {header.hash,
              {key, header.key_bytes},
              {key + header.key_bytes, header.value_bytes},
              header.order};
    return true;
  }

 private:
  explicit MapSegment(Descriptor fd) : fd_(std::move(fd)) {}

  MapHeader& header() const { return *reinterpret_cast<MapHeader*>(mapping_.base()); }
  void map(u64 max_bytes) {
    // The current space, one before it that is smaller than the next, and the next.
    mapping_ = Mapping(fd(), 0, SPACES_AT + 3 * ((max_bytes + PAGE - 1) / PAGE * PAGE));
    max_bytes_ = max_bytes;
  }
  void read_header() {
    id_ = {header().id[0].peek(), header().id[1].peek()};
    seed_ = header().seed.peek();
  }
  bool is_within_file(u64 end) {
    if (end <= known_.peek()) return true;
    known_.set(file_size(fd()));
    return end <= known_.peek();
  }

  Descriptor fd_;
  Mapping mapping_;
  SegmentId id_{};
  u64 seed_ = 0;
  u64 max_bytes_ = 0;
  Atomic<u64> known_{};  // so large the file was when this process looked
};

}  // namespace interlock
