// A hash map that many read at once and one changes at a time; a death at any step harms nobody.
//
// A record is written once: a changed value is a new record. One store of one slot's word makes the
// change, so there is nothing between before and after (P2). When the space is full, what
// is live goes to another one, and one store of `generation` makes that the current one.
//
// A reader takes no lock: it reads, copies, and looks whether the space is still the current one.
// The space's memory is written over only after it has been left, so if it is, what was read is
// sound; if not, it reads again.
//
// A death, of the one that changes, leaves
//   before the slot's word         nothing but bytes that nobody leads to
//   behind it                      numbers to be counted anew, by the next one with the mutex
//   before `generation`            a space that nobody knows
//   behind it                      pages that are given back later
// Protocol: docs/protocols/map.md.
#pragma once

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/map_segment.hpp"
#include "core/turn.hpp"

namespace interlock {

// What would have to be taken is more than the map may have, or than was allowed.
struct MapFull : std::bad_alloc {};
struct MapWantsRoom : std::bad_alloc {
  explicit MapWantsRoom(u64 bytes) : bytes(bytes) {}
  u64 bytes;
};

using Bytes = std::span<const std::byte>;

// What a key had when somebody looked: for put() and erase() that are to change just that.
struct SeenInMap {
  u64 generation = 0;
  u64 word = SLOT_EMPTY;  // empty: there was no such key
};

class HashMap {
 public:
  static constexpr u64 ROOM_ASKED_FOR = 16 << 20;  // bytes; for more, who changes is asked first
  static constexpr u64 KEPT_FOR_NEXT = 1 << 20;  // bytes of a left space that stay reserved

  explicit HashMap(MapSegment& segment) : segment_(segment) {}

  // To be called once, by who makes it. Throws OutOfPages.
  void begin() { enter(prepare(0, shape(0, 0), SPACES_AT), 0); }

  RobustMutex mutex() { return RobustMutex(segment_.words().mutex); }
  void repair() {
    const Space space = segment_.current();
    SpaceWords& words = words_of(space);
    u64 count = 0, used = 0, live = 0;
    for (u64 number = 0; number < space.slots; ++number) {
      const u64 word = space.slot(number).load();
      used += word != SLOT_EMPTY;
      if (word <= SLOT_DELETED) continue;
      ++count;
      live += record_at(space, word).length();
    }
    words.count.store(count);
    words.used.store(used);
    words.live.store(live);
    segment_.words().changes.fetch_add(1);
  }

  u64 count() { return words_of(segment_.current()).count.load(); }
  // Bytes of what keys have.
  u64 live() { return words_of(segment_.current()).live.load(); }

  using Seen = SeenInMap;

  // Calls take(value) if there is the key; again, if what it took has been written over meanwhile.
  template <class Take>
  Seen find(Bytes key, Take take) {
    const u64 hash = hash_of(key);
    for (;;) {
      const Space space = segment_.current();
      Seen seen{space.generation, SLOT_EMPTY};
      const bool sound = probe(space, key, hash, [&](u64, u64 word, const MapRecord& record) {
        take(record.value);
        seen.word = word;
      });
      if (segment_.is_current(space)) {
        if (!sound) throw SegmentCorrupted("a record of a map is not within its space");
        return seen;
      }
    }
  }

  enum class If { always, unchanged };
  enum class Put { done, changed, busy };
  enum class Erased { yes, no, busy };

  // `busy` when the patience has an end. Throws MapFull, MapWantsRoom if more than `allowed` bytes
  // would be taken, OutOfPages.
  Put put(Bytes key, Bytes value, u64 allowed, If when = If::always, Seen seen = {},
          Patience patience = Patience::as_long_as_it_takes) {
    MapRecord record{hash_of(key), key, value};
    Turn turn(*this, patience);
    if (!turn.held()) return Put::busy;
    const Space space = segment_.current();
    const Found found = find_slot(space, key, record.hash);
    if (when == If::unchanged && !is_as_seen(space, found, seen)) return Put::changed;
    // No two changes have the same number: it is counted up behind each, and by repair().
    record.order =
        found.there() ? record_at(space, found.word).order : segment_.words().changes.load();
    if (has_room(space, record, found))
      write(space, found, record);
    else
      move_with(space, found, record, allowed);
    return Put::done;
  }

  // Calls take(key, value) before it goes. `no`: there is no such key, or not as it was seen.
  template <class Take>
  Erased erase(Bytes key, Take take, If when = If::always, Seen seen = {},
               Patience patience = Patience::as_long_as_it_takes) {
    Turn turn(*this, patience);
    if (!turn.held()) return Erased::busy;
    const Space space = segment_.current();
    const Found found = find_slot(space, key, hash_of(key));
    if (when == If::unchanged && !is_as_seen(space, found, seen)) return Erased::no;
    if (!found.there()) return Erased::no;
    remove(space, found.number, found.word, take);
    return Erased::yes;
  }
  // Any key, beginning to look at a slot.
  template <class Take>
  Erased erase_any(u64 from, Take take, Patience patience = Patience::as_long_as_it_takes) {
    Turn turn(*this, patience);
    if (!turn.held()) return Erased::busy;
    const Space space = segment_.current();
    for (u64 number = from; number < from + space.slots; ++number)
      if (const u64 word = space.slot(number).load(); word > SLOT_DELETED) {
        remove(space, number, word, take);
        return Erased::yes;
      }
    return Erased::no;
  }
  void clear() {
    Turn turn(*this, Patience::as_long_as_it_takes);
    const Space old = segment_.current();
    const Shape empty = shape(0, 0);
    enter(prepare(old.generation + 1, empty, place_for(old, empty)), 0);
    leave(old);
  }

  // Calls begin() and then take(key, value) for each of the keys there are at one moment, in the
  // order in which they were first put; all of it again, if that moment cannot be told.
  template <class Begin, class Take>
  void snapshot(Begin begin, Take take) {
    at_one_moment([&](const Space& space, const std::vector<u64>& index) {
      std::vector<std::pair<u64, u64>> ordered;
      ordered.reserve(index.size());
      MapRecord record;
      for (const u64 word : index) {
        if (!MapSegment::read(space, word, record)) return false;
        ordered.emplace_back(record.order, word);
      }
      std::sort(ordered.begin(), ordered.end());
      begin(ordered.size());
      for (const auto& [order, word] : ordered) {
        if (!MapSegment::read(space, word, record)) return false;
        take(record.key, record.value);
      }
      return true;
    });
  }
  // Calls take(key, value) for the key that was put last; again, as find() does.
  template <class Take>
  Seen last(Take take) {
    Seen seen;
    at_one_moment([&](const Space& space, const std::vector<u64>& index) {
      seen = {space.generation, SLOT_EMPTY};
      MapRecord record, latest;
      for (const u64 word : index) {
        if (!MapSegment::read(space, word, record)) return false;
        if (seen.word != SLOT_EMPTY && record.order < latest.order) continue;
        latest = record;
        seen.word = word;
      }
      if (seen.word != SLOT_EMPTY) take(latest.key, latest.value);
      return true;
    });
    return seen;
  }

 private:
  static constexpr u32 PATIENT_ATTEMPTS = 16;
  static constexpr u64 NO_SLOT = ~u64{0};

  struct Found {
    u64 number = NO_SLOT;  // its slot, or the one where it would go
    u64 word = SLOT_EMPTY;  // what is in it
    bool there() const { return word > SLOT_DELETED; }
  };
  struct Shape {
    u64 bytes, slots;
  };

  // Calls look(space, words) with the words of all keys at one moment, until what it saw was not
  // written over meanwhile. It returns false where a word led out of the space.
  template <class Look>
  void at_one_moment(Look look) {
    std::vector<u64> index;
    for (u32 attempt = 0;; ++attempt) {
      const Space space = segment_.current();
      if (!copy_index(space, index, attempt >= PATIENT_ATTEMPTS)) continue;
      const bool sound = look(space, index);
      if (!segment_.is_current(space)) continue;
      if (!sound) throw SegmentCorrupted("a record of a map is not within its space");
      return;
    }
  }

  SpaceWords& words_of(const Space& space) { return segment_.words().spaces[space.generation % 2]; }

  u64 hash_of(Bytes key) const {
    u64 hash = segment_.seed() ^ key.size() * 0x9e3779b97f4a7c15ull;
    for (std::size_t at = 0; at < key.size(); at += 8) {
      u64 piece = 0;
      std::memcpy(&piece, key.data() + at, std::min<std::size_t>(8, key.size() - at));
      hash = mixed(hash ^ piece);
    }
    return mixed(hash ^ segment_.seed() >> 32);
  }
  static u64 mixed(u64 value) {
    value = (value ^ value >> 32) * 0xd6e8feb86659fd93ull;
    value = (value ^ value >> 29) * 0xa0761d6478bd642full;
    return value ^ value >> 32;
  }
  static u64 tag_of(u64 hash) { return hash >> TAG_SHIFT << TAG_SHIFT; }

  // Calls found(slot, word, record) for the key's. False: a word led out of the space.
  template <class Act>
  static bool probe(const Space& space, Bytes key, u64 hash, Act found, u64* free = nullptr) {
    for (u64 i = 0; i < space.slots; ++i) {
      // SYNC map.slot: pairs with the release in commit()
      const u64 word = space.slot(hash + i).load(Order::acquire);
      if (free != nullptr && *free == NO_SLOT && word <= SLOT_DELETED) *free = hash + i;
      if (word == SLOT_EMPTY) return true;
      if (word == SLOT_DELETED || (word & ~PLACE_MASK) != tag_of(hash)) continue;
      MapRecord record;
      if (!MapSegment::read(space, word, record)) return false;
      if (record.hash != hash || record.key.size() != key.size() ||
          std::memcmp(record.key.data(), key.data(), key.size()) != 0)
        continue;
      found(hash + i, word, record);
      return true;
    }
    return true;
  }

  // ---- under the mutex ---------------------------------------------------------------------

  static MapRecord record_at(const Space& space, u64 word) {
    MapRecord record;
    if (!MapSegment::read(space, word, record))
      throw SegmentCorrupted("a record of a map is not within its space");
    return record;
  }
  Found find_slot(const Space& space, Bytes key, u64 hash) const {
    Found found;
    u64 free = NO_SLOT;
    const bool sound = probe(
        space, key, hash, [&](u64 number, u64 word, const MapRecord&) { found = {number, word}; },
        &free);
    if (!sound) throw SegmentCorrupted("a record of a map is not within its space");
    if (!found.there() && free != NO_SLOT) found = {free, space.slot(free).load()};
    return found;
  }
  static bool is_as_seen(const Space& space, const Found& found, const Seen& seen) {
    if (seen.word == SLOT_EMPTY) return !found.there();
    return space.generation == seen.generation && found.word == seen.word;
  }

  struct Sum {
    u64 live, keys;
  };
  Sum sum_after(const Space& space, const Found& found, const MapRecord& record) {
    const SpaceWords& words = words_of(space);
    const u64 replaced = found.there() ? record_at(space, found.word).length() : 0;
    return {words.live.load() + record.length() - replaced, words.count.load() + !found.there()};
  }
  bool has_room(const Space& space, const MapRecord& record, const Found& found) {
    const SpaceWords& words = words_of(space);
    const bool has_slot = found.number != NO_SLOT &&
                          (found.word != SLOT_EMPTY || (words.used.load() + 1) * 2 <= space.slots);
    const u64 tail = words.tail.load();
    if (!has_slot || tail > space.bytes || record.length() > space.bytes - tail) return false;
    // Near the bound, too, there must be a space to move on to.
    const Sum after = sum_after(space, found, record);
    return least_of(after.live, slots_for(after.keys)) <= most();
  }

  void write(const Space& space, const Found& found, const MapRecord& record) {
    SpaceWords& words = words_of(space);
    const Sum after = sum_after(space, found, record);
    const u64 place = append(space, words.tail.load(), record);
    words.tail.store(place + record.length());
    INTERLOCK_PROBE("map.written");
    commit(space, found.number, place | tag_of(record.hash));
    words.count.store(after.keys);
    words.used.store(words.used.load() + (found.word == SLOT_EMPTY));
    words.live.store(after.live);
  }
  static u64 append(const Space& space, u64 place, const MapRecord& record) {
    if (place % 8 != 0 || place < space.slots * 8 || place > space.bytes ||
        record.length() > space.bytes - place)
      throw SegmentCorrupted("a map's space ends beyond its memory");
    const MapRecordHeader header{record.hash, record.value.size(),
                                 static_cast<u32>(record.key.size()), 0, record.order};
    std::byte* to = space.base + place;
    std::memcpy(to, &header, sizeof header);
    if (!record.key.empty()) std::memcpy(to + sizeof header, record.key.data(), record.key.size());
    if (!record.value.empty())
      std::memcpy(to + sizeof header + record.key.size(), record.value.data(), record.value.size());
    return place;
  }
  template <class Take>
  void remove(const Space& space, u64 number, u64 word, Take take) {
    const MapRecord record = record_at(space, word);
    take(record.key, record.value);
    const u64 length = record.length();
    commit(space, number, SLOT_DELETED);
    SpaceWords& words = words_of(space);
    words.count.store(words.count.load() - 1);
    words.live.store(words.live.load() - length);
  }
  void commit(const Space& space, u64 number, u64 word) {
    // SYNC map.slot: pairs with the acquire in probe()
    space.slot(number).store(word, Order::release);
    INTERLOCK_PROBE("map.committed");
    segment_.words().changes.fetch_add(1);
  }

  // ---- another space -------------------------------------------------------------------------

  // For so many bytes of records and so many keys: half of it free, or less near the bound.
  Shape shape(u64 live, u64 keys) const {
    const u64 slots = slots_for(keys);
    const u64 good = slots * 8 + std::max(2 * live, RECORDS_MIN);
    if (least_of(live, slots) > most()) throw MapFull();
    return {std::min((good + PAGE - 1) / PAGE * PAGE, most()), slots};
  }
  static u64 slots_for(u64 keys) {
    return std::max(SLOTS_MIN, std::bit_ceil(4 * std::min(keys, MapSegment::MAX_BYTES_MOST)));
  }
  static u64 least_of(u64 live, u64 slots) { return slots * 8 + live + live / 8; }
  u64 most() const { return segment_.max_bytes() / PAGE * PAGE; }
  u64 place_for(const Space& old, const Shape& shape) const {
    const u64 begin = static_cast<u64>(old.base - segment_.at(0));
    return begin - SPACES_AT >= shape.bytes ? SPACES_AT : begin + old.bytes;
  }

  // Moves what is live to another space, with a record in the place of the one that is found.
  void move_with(const Space& old, const Found& found, const MapRecord& more, u64 allowed) {
    const Sum after = sum_after(old, found, more);
    const Shape next = shape(after.live, after.keys);
    if (next.bytes > ROOM_ASKED_FOR && next.bytes > allowed) throw MapWantsRoom(next.bytes);
    const Space space = prepare(old.generation + 1, next, place_for(old, next));
    SpaceWords& its = words_of(space);
    u64 tail = its.tail.load(), count = 0;
    const auto add = [&](const MapRecord& record) {
      const u64 place = append(space, tail, record);
      tail = place + record.length();
      u64 to = record.hash;
      while (space.slot(to).peek() != SLOT_EMPTY) ++to;
      space.slot(to).set(place | tag_of(record.hash));
      if (++count * 2 > space.slots) throw SegmentCorrupted("a map has more keys than it says");
    };
    for (u64 number = 0; number < old.slots; ++number) {
      const u64 word = old.slot(number).load();
      if (word > SLOT_DELETED && (!found.there() || word != found.word)) add(record_at(old, word));
    }
    add(more);
    its.tail.store(tail);
    its.live.store(tail - space.slots * 8);
    its.used.store(count);
    enter(space, count);
    leave(old);
  }
  // One with nothing in it, that nobody knows yet.
  Space prepare(u64 generation, const Shape& shape, u64 begin) {
    if (begin > segment_.reach() || shape.bytes > segment_.reach() - begin) throw MapFull();
    if (!reserve_pages(segment_.fd(), begin, shape.bytes)) throw OutOfPages();
    const Space space{generation, segment_.at(begin), shape.bytes, shape.slots};
    std::memset(space.base, 0, shape.slots * 8);
    SpaceWords& words = words_of(space);
    words.begin.store(begin);
    words.bytes.store(shape.bytes);
    words.slots.store(shape.slots);
    words.tail.store(shape.slots * 8);
    words.used.store(0);
    words.live.store(0);
    return space;
  }
  void enter(const Space& space, u64 count) {
    words_of(space).count.store(count);
    INTERLOCK_PROBE("map.prepared");
    // SYNC map.generation: pairs with the acquire in current()
    segment_.words().generation.store(space.generation, Order::release);
    INTERLOCK_PROBE("map.switched");
    segment_.words().changes.fetch_add(1);
  }
  void leave(const Space& old) {
    if (old.bytes > KEPT_FOR_NEXT)
      give_back_pages(segment_.fd(), static_cast<u64>(old.base - segment_.at(0)), old.bytes);
  }

  // The words of all keys at one moment. False: that moment cannot be told.
  bool copy_index(const Space& space, std::vector<u64>& index, bool with_mutex) {
    if (with_mutex) {
      Turn turn(*this, Patience::as_long_as_it_takes);
      if (segment_.current().generation != space.generation) return false;
      read_index(space, index);
      return true;
    }
    const u64 changes = segment_.words().changes.load();
    read_index(space, index);
    acquire_fence();
    return segment_.words().changes.load() == changes;
  }
  static void read_index(const Space& space, std::vector<u64>& index) {
    index.clear();
    for (u64 number = 0; number < space.slots; ++number) {
      // SYNC map.slot: pairs with the release in commit()
      const u64 word = space.slot(number).load(Order::acquire);
      if (word > SLOT_DELETED) index.push_back(word);
    }
  }

  MapSegment& segment_;
};

}  // namespace interlock
