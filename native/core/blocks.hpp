// Blocks: pieces of the segment for chunks and large messages, kept warm (I3).
//
// Data: BlockSlot says where a block lies, how large it is and what it is doing:
//   FREE -> FILLING(P) -> CHUNK -> FREE                    a chunk of the ring
//   FREE -> FILLING(P) -> QUEUED -> FREE                   a large message, copied out
//                         QUEUED -> BORROWED -> FREE       ... read in place by its holders
// A holder is a bit a process (BlockSlot.holders). A block that is QUEUED may have holders
// too: they read a message that was given back. It is freed when its message is done and
// nobody holds it.
// Only producers allocate, under their lock; anybody frees, with one store, and then
// sets the block's bit in the free hints. A hint may be wrong either way: a set bit
// is checked by compare-exchange, a missing one is found again by repair().
//
// A new block is carved from the last extent; block_count is the commit. It is cold: it has no
// pages. They are reserved before anybody writes to them through the mapping, so that a lack
// of memory is an error here and not SIGBUS later; a large message is written with pwrite(2)
// instead the first time, without the lock, which takes half as long.
// A block's place and capacity never change. Sizes are in quarters of powers of two, and from
// a megabyte on in 32nds: pages that a message leaves over are paid for too.
//
// A death leaves: FILLING(dead), freed by the sweep; a block described but not counted,
// described again by the next; a free block without its hint, found by repair().
// Not chosen: fresh pages for each message (the first copy into new pages runs at an
// eighth of the speed of the second), and a buddy allocator (merging is a step of
// several words; a block that keeps its size is one).
#pragma once

#include <bit>

#include "core/processes.hpp"

namespace interlock {

class Blocks {
 public:
  // The free memory that is kept warm whatever the queue's own bound.
  static constexpr u64 WARM_BYTES = 64 << 20;
  static constexpr u64 LARGE = 1 << 20;
  static constexpr u64 EXTENT_FIRST = 1 << 20;
  static constexpr u64 EXTENT_MAX = 1 << 30;

  explicit Blocks(const Segment& segment) : segment_(segment) {}

  static u64 size_class(u64 size) {
    if (size <= BLOCK_MIN) return BLOCK_MIN;
    const u64 power = std::bit_floor(size - 1);
    const u64 step = power / (power < LARGE ? 4 : 32);
    return (size + step - 1) / step * step;
  }

  // What the caller is to find in a new block: pages, or none, as it will write them itself.
  enum class Pages { reserved, none_yet };

  // Under P. A block of at least `size` bytes, FILLING for `me`; NO_BLOCK if the table
  // is full. Throws OutOfPages.
  u32 allocate(u64 size, Owner me, Pages pages = Pages::reserved) {
    const u64 capacity = size_class(size);
    u32 index = find_free(capacity, me);
    if (index == NO_BLOCK) index = carve(capacity, me);
    if (index == NO_BLOCK || pages == Pages::none_yet || !is_cold(index)) return index;
    try {
      written(index, 0);
    } catch (const OutOfPages&) {
      free(index);
      throw;
    }
    return index;
  }

  // Whether a block has no pages yet; to be asked by who fills it.
  bool is_cold(u32 index) const { return segment_.block(index).cold.load() != 0; }
  // Who fills it has written the first `length` bytes of a cold block: the rest of its pages.
  // Throws OutOfPages.
  void written(u32 index, u64 length) {
    const u64 capacity = segment_.bytes(index).size();
    const u64 rest = Untrusted(length).checked(capacity, "length of a large message");
    if (rest < capacity &&
        !reserve_pages(segment_.fd(), segment_.file_offset(index) + rest, capacity - rest))
      throw OutOfPages();
    segment_.block(index).cold.store(0);
    segment_.producers().committed_memory.fetch_add(capacity);
  }

  // Whoever has the block (or holds the lock that says nobody has) gives it back.
  void free(u32 index) {
    // SYNC block.state: pairs with the exchange in take_free()
    segment_.block(index).state.store(BlockWord{}.word(), Order::release);
    hint(index);
  }

  void set_state(u32 index, BlockState state) {
    // SYNC block.state: pairs with the acquire in state()
    segment_.block(index).state.store(BlockWord{state, {}}.word(), Order::release);
  }

  BlockWord state(u32 index) const {
    // SYNC block.state: pairs with the release in set_state() and leave()
    return BlockWord::from(segment_.block(index).state.load(Order::acquire));
  }

  // A process reads the block in place, for longer than it has the message.
  void hold(u32 index, Owner holder) {
    segment_.block(index).holders[holder.slot / 64].fetch_or(u64{1} << holder.slot % 64);
    INTERLOCK_PROBE("get.borrowed");
  }

  // Under C: its message is done.
  void leave(u32 index) {
    if (state(index).state != BlockState::queued) return;
    if (is_held(index)) {
      // SYNC block.state: pairs with the exchange in free_if_unheld()
      segment_.block(index).state.store(borrowed_word(index), Order::release);
      free_if_unheld(index);  // the last holder may have gone before it saw that state
    } else {
      free(index);
    }
  }

  // The last holder frees a block whose message is done. Two last holders race to one
  // compare-exchange.
  void end_borrow(u32 index, Owner holder) {
    BlockSlot& slot = segment_.block(index);
    slot.holders[holder.slot / 64].fetch_and(~(u64{1} << holder.slot % 64));
    INTERLOCK_PROBE("borrow.released");
    free_if_unheld(index);
  }

  void clear_holders(u32 index) {
    for (auto& word : segment_.block(index).holders) word.set(0);
  }

  u32 count() const {
    // SYNC block.count: pairs with the store in carve()
    return Untrusted(segment_.producers().block_count.load(Order::acquire))
        .checked(BLOCK_SLOTS, "block count");
  }

  // Under C: everything a dead process was filling or borrowing goes back. It may have freed a
  // block and not hinted at it.
  void sweep(Owner dead) {
    const u64 bit = u64{1} << dead.slot % 64;
    for (u32 index = 0, end = count(); index < end; ++index) {
      BlockSlot& slot = segment_.block(index);
      u64 seen = slot.state.load();
      const BlockWord word = BlockWord::from(seen);
      if (word.state == BlockState::filling && word.owner == dead) {
        if (slot.state.compare_exchange(seen, BlockWord{}.word())) hint(index);
      } else if ((slot.holders[dead.slot / 64].load() & bit) != 0) {
        end_borrow(index, dead);
      } else if (word.state == BlockState::borrowed) {
        free_if_unheld(index);  // it died between leaving the block and looking for holders
      } else if (word.state == BlockState::free) {
        hint(index);
      }
    }
  }

  // Under P, after a death: bits for all free blocks, and the derived words.
  void repair() {
    ProducerSide& p = segment_.producers();
    u64 used = 0;
    const u32 extents = extent_count();
    for (u32 index = 0, end = count(); index < end; ++index) {
      const BlockSlot& slot = segment_.block(index);
      const u64 place = slot.place.load();
      if (extents > 0 && place >> 56 == extents - 1)
        used = std::max(used, (place & OFFSET_MASK) + slot.capacity.load());
      if (state(index).state == BlockState::free) hint(index);
    }
    p.committed_memory.set(count_committed());
    p.extent_used.set(used);
  }

  // Gives the pages of free blocks back to the kernel until `target` bytes are left. Counts
  // anew first: who fills a block may die before it has counted the pages.
  void trim(u64 target, Owner me) {
    u64 left = count_committed();
    for (u32 index = count(); index-- > 0 && left > target;) {
      BlockSlot& slot = segment_.block(index);
      const u64 capacity = slot.capacity.load();
      if (slot.cold.load() == 0 && capacity >= CHUNK_BYTES && take_free(index, me)) {
        if (cool(index)) left -= std::min(left, capacity);
        free(index);
      }
    }
    segment_.producers().committed_memory.set(left);
  }

  u64 committed() const { return segment_.producers().committed_memory.peek(); }

 private:
  static constexpr u64 OFFSET_MASK = (u64{1} << 56) - 1;

  void hint(u32 index) { segment_.free_hint(index / 64).fetch_or(u64{1} << index % 64); }

  u32 extent_count() const {
    return Untrusted(segment_.producers().extent_count.load())
        .checked(EXTENT_SLOTS, "extent count");
  }

  bool is_held(u32 index) const {
    for (const auto& word : segment_.block(index).holders)
      if (word.load() != 0) return true;
    return false;
  }

  // With the message's number in place of an owner: the block may be freed, used again and
  // borrowed by somebody else while a thread stands between its look and its exchange.
  u64 borrowed_word(u32 index) const {
    const u64 sequence = segment_.block(index).sequence.load();
    const Owner number{static_cast<u32>(sequence >> 32 & 0xffff), static_cast<u32>(sequence)};
    return BlockWord{BlockState::borrowed, number}.word();
  }

  void free_if_unheld(u32 index) {
    BlockSlot& slot = segment_.block(index);
    u64 seen = slot.state.load();
    if (BlockWord::from(seen).state != BlockState::borrowed || is_held(index)) return;
    if (slot.state.compare_exchange(seen, BlockWord{}.word())) hint(index);
  }

  bool take_free(u32 index, Owner me) {
    u64 free = BlockWord{}.word();
    return segment_.block(index).state.compare_exchange(free,
                                                        BlockWord{BlockState::filling, me}.word());
  }

  u32 find_free(u64 capacity, Owner me) {
    for (u32 word = 0, words = (count() + 63) / 64; word < words; ++word) {
      Atomic<u64>& hints = segment_.free_hint(word);
      for (u64 bits = hints.load(Order::relaxed); bits != 0; bits &= bits - 1) {
        const u32 index = word * 64 + static_cast<u32>(std::countr_zero(bits));
        const u64 has = segment_.block(index).capacity.load(Order::relaxed);
        // Twice too large at the most, and a chunk only from a chunk's class.
        if (has < capacity || has > 2 * capacity || (capacity == CHUNK_BYTES && has != capacity))
          continue;
        hints.fetch_and(~(u64{1} << index % 64));
        INTERLOCK_PROBE("block.hint_cleared");
        if (take_free(index, me)) return index;
      }
    }
    return NO_BLOCK;
  }

  u64 count_committed() const {
    u64 bytes = 0;
    for (u32 index = 0, end = count(); index < end; ++index) {
      const BlockSlot& slot = segment_.block(index);
      if (slot.cold.load() == 0) bytes += slot.capacity.load();
    }
    return bytes;
  }

  bool cool(u32 index) {
    const u64 capacity = segment_.bytes(index).size();
    // First the mark: a death in between must not leave a block that seems to have pages.
    segment_.block(index).cold.store(1);
    const bool cooled = give_back_pages(segment_.fd(), segment_.file_offset(index), capacity);
    if (!cooled) segment_.block(index).cold.store(0);
    return cooled;
  }

  u32 carve(u64 capacity, Owner me) {
    ProducerSide& p = segment_.producers();
    const u32 index = count();
    if (index == BLOCK_SLOTS) return NO_BLOCK;
    const u64 limit = segment_.limits().queue_bytes_max;
    const u64 keep = std::max(limit + limit / 4, WARM_BYTES);
    if (committed() + capacity > keep) trim(keep > capacity ? keep - capacity : 0, me);
    if (!make_extent_room(capacity)) return NO_BLOCK;
    const u32 extent = extent_count() - 1;
    const u64 offset = p.extent_used.peek();
    // The table entry's own page.
    if (!reserve_pages(segment_.fd(), BLOCKS_AT + index * sizeof(BlockSlot), sizeof(BlockSlot)))
      throw OutOfPages();
    BlockSlot& slot = segment_.block(index);
    slot.place.set(u64{extent} << 56 | offset);
    slot.capacity.set(capacity);
    slot.cold.set(1);
    clear_holders(index);
    slot.state.store(BlockWord{BlockState::filling, me}.word());
    INTERLOCK_PROBE("block.described");
    p.block_count.store(index + 1);  // SYNC block.count: pairs with the acquire in count()
    INTERLOCK_PROBE("chunk.carved");
    p.extent_used.set(offset + capacity);
    return index;
  }

  // Room for `capacity` bytes in the last extent; a new extent where there is none.
  bool make_extent_room(u64 capacity) {
    ProducerSide& p = segment_.producers();
    const u32 number = extent_count();
    u64 end = CONTROL_BYTES;
    u64 length = EXTENT_FIRST;
    if (number > 0) {
      const Extent& last = p.extents[number - 1];
      if (p.extent_used.peek() + capacity <= last.length.load()) return true;
      if (number == EXTENT_SLOTS) return false;
      end = last.offset.load() + last.length.load();
      length = std::min(2 * last.length.load(), EXTENT_MAX);
    }
    length = std::max(length, (capacity + PAGE - 1) / PAGE * PAGE);
    if (end < CONTROL_BYTES || end > BLOCK_MAX || length > BLOCK_MAX)
      throw SegmentCorrupted("extent table");
    if (file_size(segment_.fd()) < end + length &&
        ftruncate(segment_.fd(), static_cast<off_t>(end + length)) != 0)
      throw OutOfPages();
    p.extents[number].offset.set(end);
    p.extents[number].length.set(length);
    INTERLOCK_PROBE("extent.grown");
    p.extent_used.set(0);
    p.extent_count.store(number + 1);
    return true;
  }

  const Segment& segment_;
};

}  // namespace interlock
