// Reading chunks and records without trusting a single number in them (I5).
//
// A chunk is a block: its header, then records one behind the other, each aligned to
// RECORD_ALIGN. A short message follows its record; a long one lies in a block that
// the record names. Chunks are linked by `next`, oldest first.
#pragma once

#include "core/blocks.hpp"

namespace interlock {

inline u64 align_record(u64 size) { return (size + RECORD_ALIGN - 1) & ~(RECORD_ALIGN - 1); }

// What a record says, read once and checked.
struct RecordView {
  u32 chunk = NO_BLOCK;
  u32 offset = 0;
  u32 end = 0;                   // where the next record begins
  Record* record = nullptr;
  RecordWord word;
  Encoding encoding{};
  u32 block = NO_BLOCK;
  std::span<std::byte> body;
};

class ChunkView {
 public:
  ChunkView(const Segment& segment, u32 index) : segment_(&segment), index_(index) {
    bytes_ = segment.bytes(index);
    if (bytes_.size() < CHUNK_BYTES) throw SegmentCorrupted("chunk in a block that is too small");
  }

  u32 index() const { return index_; }
  Chunk& header() const { return *reinterpret_cast<Chunk*>(bytes_.data()); }

  // Messages, and the end of the last one. SYNC ring.commit: pairs with the release in
  // Producer::commit(); behind it all bytes of these messages are visible (I1).
  Pair committed() const {
    const Pair pair = Pair::from(header().committed.load(Order::acquire));
    Untrusted(u64{pair.low} - CHUNK_DATA)  // in front of the first it is huge
        .checked(CHUNK_BYTES - CHUNK_DATA, "end of a chunk's messages");
    Untrusted(pair.low % RECORD_ALIGN).checked(0, "place of a chunk's next message");
    Untrusted(u64{pair.high}).checked(CHUNK_BYTES / sizeof(Record), "messages of a chunk");
    return pair;
  }

  // SYNC ring.link: pairs with the release in Producer::add_chunk().
  u32 next() const { return header().next.load(Order::acquire); }

  std::byte* at(u64 offset) const { return bytes_.data() + offset; }

  // The record at `offset`, which lies before `end` (of committed()).
  RecordView record(u32 offset, u32 end) const {
    if (offset < CHUNK_DATA || offset % RECORD_ALIGN != 0 || offset + sizeof(Record) > end)
      throw SegmentCorrupted("record outside its chunk");
    RecordView view;
    view.chunk = index_;
    view.offset = offset;
    view.record = reinterpret_cast<Record*>(at(offset));
    // SYNC record.state: pairs with the releases in Consumer::take(), give_back(), end_record()
    view.word = RecordWord::from(view.record->state.load(Order::acquire));
    view.encoding = static_cast<Encoding>(view.record->encoding.peek());
    view.block = view.record->block.peek();
    const u64 length = view.record->length.peek();
    if (view.block == NO_BLOCK) {
      Untrusted(length).checked(end - offset - sizeof(Record), "length of a message");
      view.body = {at(offset + sizeof(Record)), length};
      view.end = offset + static_cast<u32>(sizeof(Record) + align_record(length));
      Untrusted(view.end).checked(end, "end of a message");
    } else {
      const std::span<std::byte> block = segment_->bytes(view.block);
      Untrusted(length).checked(block.size(), "length of a large message");
      view.body = block.first(length);
      view.end = offset + static_cast<u32>(sizeof(Record));
    }
    return view;
  }

 private:
  const Segment* segment_;
  u32 index_;
  std::span<std::byte> bytes_;
};

// Calls visit(RecordView) for each committed record of a chunk.
template <class Visit>
void each_record(const ChunkView& chunk, Visit visit) {
  const Pair committed = chunk.committed();
  u32 offset = CHUNK_DATA;
  for (u32 count = 0; count < committed.high; ++count) {
    const RecordView view = chunk.record(offset, committed.low);
    visit(view);
    offset = view.end;
  }
}

}  // namespace interlock
