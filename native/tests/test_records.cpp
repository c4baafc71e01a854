// Chunks and records whose every number may be a lie (I5).
#include "core/records.hpp"

#include "tests/audit.hpp"

namespace interlock::tests {
namespace {

// A chunk with `count` letters of a writer, and its channel.
std::unique_ptr<Channel> with_letters(u32 count, u64 length) {
  auto channel = Channel::create(roomy());
  for (u32 number = 1; number <= count; ++number) {
    u32 block = NO_BLOCK;
    check_equal(try_send(*channel, {0, number}, length, block), Put::done, "put");
  }
  return channel;
}

ChunkView first_chunk(Channel& channel) {
  return ChunkView(channel.segment(), channel.segment().consumers().first_chunk.peek());
}

void every_record_is_visited_in_order(Run& run) {
  const u32 count = static_cast<u32>(run.random.between(1, 40));
  const auto channel = with_letters(count, run.random.between(8, 200));
  u32 seen = 0;
  each_record(first_chunk(*channel), [&](const RecordView& view) {
    check(read_letter(view.body) == Letter{0, ++seen}, "in the order of the puts");
    check_equal(view.word.state, RecordState::ready, "state");
    check(view.end > view.offset && view.end % RECORD_ALIGN == 0, "where it ends");
  });
  check_equal(seen, count, "records");
}

void a_large_message_lies_in_its_block(Run&) {
  const auto channel = with_letters(1, 100'000);
  each_record(first_chunk(*channel), [&](const RecordView& view) {
    check(view.block != NO_BLOCK, "a block of its own");
    check_equal(view.body.size(), 100'000u, "its length");
    check(read_letter(view.body) == Letter{0, 1}, "its letter");
  });
}

void an_offset_is_checked(Run& run) {
  const auto channel = with_letters(3, 64);
  const ChunkView chunk = first_chunk(*channel);
  const u32 end = chunk.committed().low;
  for (int i = 0; i < 200; ++i) {
    const u32 offset = static_cast<u32>(run.random.next() >> run.random.below(64));
    const bool possible =
        offset >= CHUNK_DATA && offset % RECORD_ALIGN == 0 && offset + sizeof(Record) <= end;
    if (possible) continue;
    if (offset + sizeof(Record) < offset) continue;  // asked of no caller: offsets are below 64 KiB
    check_throws<SegmentCorrupted>([&] { chunk.record(offset, end); }, "an impossible offset");
  }
}

// A record with random numbers: what is given lies in the segment, or an error comes.
void a_lying_record_is_found_out(Run& run) {
  const auto channel = with_letters(5, 64);
  const ChunkView chunk = first_chunk(*channel);
  const Pair committed = chunk.committed();
  Record* record = chunk.record(CHUNK_DATA, committed.low).record;
  for (int i = 0; i < 500; ++i) {
    record->length.set(run.random.next() >> run.random.below(64));
    record->block.set(run.random.one_in(2)
                          ? NO_BLOCK
                          : static_cast<u32>(run.random.next() >> run.random.below(64)));
    record->state.set(run.random.next());
    record->encoding.set(static_cast<u32>(run.random.next()));
    try {
      const RecordView view = chunk.record(CHUNK_DATA, committed.low);
      check(view.end <= committed.low, "it ends within the chunk");
      const std::byte* data = view.body.data();
      const std::span<std::byte> in = view.block == NO_BLOCK
                                          ? channel->segment().bytes(chunk.index())
                                          : channel->segment().bytes(view.block);
      check(view.body.empty() ||
                (data >= in.data() && data + view.body.size() <= in.data() + in.size()),
            "its body lies in the segment");
    } catch (const SegmentCorrupted&) {
      continue;
    }
  }
}

void a_lying_commit_word_is_found_out(Run& run) {
  const auto channel = with_letters(2, 64);
  const ChunkView chunk = first_chunk(*channel);
  for (int i = 0; i < 200; ++i) {
    const u32 count = static_cast<u32>(run.random.next() >> run.random.below(64));
    const u32 end = static_cast<u32>(run.random.next() >> run.random.below(64));
    chunk.header().committed.set(Pair{count, end}.word());
    u32 visited = 0;
    try {
      each_record(chunk, [&](const RecordView&) { ++visited; });
      check_equal(visited, count, "as many as it says");
    } catch (const SegmentCorrupted&) {
      continue;
    }
    check(end <= CHUNK_BYTES && end >= CHUNK_DATA, "an end within the chunk");
    check_equal(end % RECORD_ALIGN, 0u, "a place where a record may lie");
  }
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"every record is visited in order", every_record_is_visited_in_order, 20, 20},
      {"a large message lies in its block", a_large_message_lies_in_its_block, 1, 1},
      {"an offset is checked", an_offset_is_checked, 10, 10},
      {"a lying record is found out", a_lying_record_is_found_out, 20, 20},
      {"a lying commit word is found out", a_lying_commit_word_is_found_out, 20, 20},
  });
}
