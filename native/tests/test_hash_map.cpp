// The hash map: what is read was written, at one moment, whoever dies at which step.
#include "core/hash_map.hpp"

#include <map>
#include <string>

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

constexpr u64 PLENTY = 64 << 20;
constexpr u64 UNASKED = ~u64{0};

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string text_of(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// One process's hold on a map.
struct Handle {
  explicit Handle(MapSegment& its) : segment(its), map(segment) {}
  MapSegment& segment;
  HashMap map;

  void put(const std::string& key, const std::string& value) {
    map.put(bytes_of(key), bytes_of(value), UNASKED);
  }
  // The value, or "none".
  std::string get(const std::string& key, HashMap::Seen* seen = nullptr) {
    std::string value = "none";
    const HashMap::Seen what =
        map.find(bytes_of(key), [&](Bytes found) { value = text_of(found); });
    if (seen != nullptr) *seen = what;
    return what.word == SLOT_EMPTY ? "none" : value;
  }
  bool erase(const std::string& key) {
    return map.erase(bytes_of(key), [](Bytes, Bytes) {}) == HashMap::Erased::yes;
  }
  std::map<std::string, std::string> everything() {
    std::map<std::string, std::string> all;
    map.snapshot([&](u64) { all.clear(); },
                 [&](Bytes key, Bytes value) { all[text_of(key)] = text_of(value); });
    return all;
  }
};

MapSegment new_map(u64 max_bytes = PLENTY) {
  MapSegment segment = MapSegment::create(max_bytes);
  HashMap(segment).begin();
  return segment;
}

// A large value of one letter: three of them fill a space, so that it is left again and again.
std::string large(u32 number) { return std::string(20'000, static_cast<char>('a' + number % 26)); }
void check_whole(const std::string& value) {
  check(value == "none" || value == std::string(20'000, value[0]), "a value is one that was put");
}

void it_is_a_map(Run& run) {
  MapSegment segment = new_map();
  Handle handle(segment);
  std::map<std::string, std::string> model;
  for (u32 step = 0; step < (SYSTEMATIC ? 400 : 20'000); ++step) {
    const std::string key = "key " + std::to_string(run.random.below(60));
    switch (run.random.below(8)) {
      case 0:
        check_equal(handle.erase(key), model.erase(key) == 1, "whether there was one");
        break;
      case 1:
        handle.put(key, model[key] = large(step));
        break;
      default:
        handle.put(key, model[key] = "value " + std::to_string(step));
    }
    const auto found = model.find(key);
    check(handle.get(key) == (found == model.end() ? "none" : found->second), "its value");
    check_equal(handle.map.count(), static_cast<u64>(model.size()), "keys");
  }
  check(handle.everything() == model, "all of it");
  handle.map.clear();
  check(handle.everything().empty() && handle.map.count() == 0, "nothing is left");
}

// A new value keeps a key's place, also in another space; one that was erased comes last.
void keys_stay_in_their_order(Run& run) {
  MapSegment segment = new_map();
  Handle handle(segment);
  std::vector<std::string> model;
  for (u32 step = 0; step < (SYSTEMATIC ? 200 : 5'000); ++step) {
    const std::string key = std::to_string(run.random.below(30));
    const auto at = std::find(model.begin(), model.end(), key);
    if (run.random.below(3) == 0) {
      handle.erase(key);
      if (at != model.end()) model.erase(at);
    } else {
      handle.put(key, run.random.below(8) == 0 ? large(step) : "small");
      if (at == model.end()) model.push_back(key);
    }
    std::string last = "none";
    handle.map.last([&](Bytes found, Bytes) { last = text_of(found); });
    check_equal(last, model.empty() ? "none" : model.back(), "the last one");
  }
  std::vector<std::string> keys;
  handle.map.snapshot([&](u64) { keys.clear(); },
                      [&](Bytes key, Bytes) { keys.push_back(text_of(key)); });
  check(keys == model, "all keys, in their order");
}

void many_keys_and_none_lost(Run& run) {
  MapSegment segment = new_map();
  const u32 keys = SYSTEMATIC ? 300 : 20'000;
  for (u32 writer = 0; writer < 2; ++writer)
    run.thread(run.new_process(), "writer", [&, writer] {
      Handle handle(segment);
      for (u32 i = 0; i < keys; ++i) {
        const std::string key = std::to_string(writer) + "/" + std::to_string(i);
        handle.put(key, key);
        if (i % 3 == 0) check(handle.erase(key), "it was there");
      }
    });
  run.go();
  Handle handle(segment);
  check_equal(handle.map.count(), u64{2} * (keys - (keys + 2) / 3), "keys");
  for (const auto& [key, value] : handle.everything()) check_equal(value, key, "each its own");
}

void a_reader_finds_what_was_put(Run& run) {
  MapSegment segment = new_map();
  const u32 rounds = SYSTEMATIC ? 12 : 2'000;
  Atomic<u32> done{};
  Handle(segment).put("stays", large(7));
  run.thread(run.new_process(), "writer", [&] {
    Handle handle(segment);
    for (u32 i = 0; i < rounds; ++i) {
      handle.put("changes", large(i));
      if (i % 5 == 4) handle.erase("changes");
    }
    done.store(1);
  });
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "reader", [&] {
      Handle handle(segment);
      for (u32 i = 0; done.load() == 0 && i < 100 * rounds; ++i) {
        check_whole(handle.get("changes"));
        check(handle.get("stays") == large(7), "what nobody changes");
      }
    });
  run.go();
}

// Each adds to a number that it has read, if it is still what it read.
void no_change_is_lost(Run& run) {
  MapSegment segment = new_map();
  const u32 each = SYSTEMATIC ? 10 : 5'000, threads = 3;
  Handle(segment).put("number", "0");
  for (u32 number = 0; number < threads; ++number)
    run.thread(run.new_process(), "adder", [&] {
      Handle handle(segment);
      for (u32 i = 0; i < each;) {
        HashMap::Seen seen;
        const std::string more = std::to_string(std::stoul(handle.get("number", &seen)) + 1);
        if (i % 4 == 3) handle.put("fills", large(i));
        i += handle.map.put(bytes_of("number"), bytes_of(more), UNASKED, HashMap::If::unchanged,
                            seen) == HashMap::Put::done;
      }
    });
  run.go();
  check_equal(Handle(segment).get("number"), std::to_string(threads * each), "the sum");
}

// One that is not there is put once.
void one_of_many_puts_it(Run& run) {
  MapSegment segment = new_map();
  Atomic<u32> won{};
  for (u32 number = 0; number < 3; ++number)
    run.thread(run.new_process(), "putter", [&] {
      Handle handle(segment);
      if (handle.map.put(bytes_of("it"), bytes_of("value"), UNASKED, HashMap::If::unchanged) ==
          HashMap::Put::done)
        won.fetch_add(1);
    });
  run.go();
  check_equal(won.peek(), 1u, "who put it");
}

void a_snapshot_is_of_one_moment(Run& run) {
  MapSegment segment = new_map();
  const u32 rounds = SYSTEMATIC ? 25 : 3'000;
  Atomic<u32> done{};
  run.thread(run.new_process(), "writer", [&] {
    Handle handle(segment);
    for (u32 i = 1; i <= rounds; ++i) {
      handle.put("first", std::to_string(i));
      handle.put("fills", large(i));
      handle.put("second", std::to_string(i));
    }
    done.store(1);
  });
  for (int number = 0; number < 2; ++number)
    run.thread(run.new_process(), "reader", [&] {
      Handle handle(segment);
      for (u32 i = 0; done.load() == 0 && i < 100 * rounds; ++i) {
        auto all = handle.everything();
        const u64 first = all.count("first") ? std::stoul(all["first"]) : 0;
        const u64 second = all.count("second") ? std::stoul(all["second"]) : 0;
        check(first == second || first == second + 1,
              "no moment had " + std::to_string(first) + " and " + std::to_string(second));
      }
    });
  run.go();
}

// Killed at any step of changing: others go on, each value is one that was put, and the numbers
// are right again.
void a_death_at_any_step_harms_nobody(Run& run) {
  MapSegment segment = new_map();
  const u32 doomed = run.new_process();
  Handle(segment).put("stays", "here");
  run.thread(doomed, "doomed", [&] {
    Handle handle(segment);
    for (u32 i = 0;; ++i) {
      handle.put("large", large(i));
      handle.put("small " + std::to_string(i % 5), "value");
      if (i % 2 == 1) handle.erase("small " + std::to_string(i % 3));
      if (i % 9 == 8) handle.map.clear(), handle.put("stays", "here");
    }
  });
  run.kill_at_step(doomed, run.random.below(900));
  run.thread(run.new_process(), "survivor", [&] {
    Handle handle(segment);
    for (u32 i = 0; i < 3 || !run.is_dead(doomed); ++i) {
      check_whole(handle.get("large"));
      handle.put("mine", std::to_string(i));
    }
  });
  run.go();
  Handle handle(segment);
  handle.put("last", "value");   // by the first one with the mutex after the death
  const auto all = handle.everything();
  check_equal(handle.map.count(), static_cast<u64>(all.size()), "keys");
  for (u32 i = 0; i < 8; ++i) handle.put("fills", large(i));
  check_equal(handle.get("last"), std::string("value"), "it goes on");
}

void its_bound_is_kept(Run&) {
  constexpr u64 BOUND = 256 * 1024;
  MapSegment segment = new_map(BOUND);
  Handle handle(segment);
  u32 keys = 0;
  try {
    for (;; ++keys) handle.put(std::to_string(keys), std::string(1'000, 'x'));
  } catch (const MapFull&) {
  }
  check(keys > 180 && keys < 256, "keys that had room: " + std::to_string(keys));
  check_equal(handle.map.count(), u64{keys}, "keys");
  check(file_size(handle.segment.fd()) <= SPACES_AT + 3 * BOUND, "bytes of the file");
  for (u32 round = 0; round < 1'000; ++round)   // what is there can be changed for ever
    handle.put(std::to_string(round % keys), std::string(1'000, 'y'));
  check(handle.erase("0") && handle.erase("1"), "and taken away");
  handle.put("new", "value");
}

void more_room_is_asked_for(Run&) {
  MapSegment segment = new_map();
  Handle handle(segment);
  const std::string value(12 << 20, 'x');
  u64 asked = 0;
  try {
    handle.map.put(bytes_of("key"), bytes_of(value), 0);
  } catch (const MapWantsRoom& wish) {
    asked = wish.bytes;
  }
  check(asked > value.size(), "as much as it would take");
  check_equal(handle.get("key"), std::string("none"), "nothing was done");
  handle.map.put(bytes_of("key"), bytes_of(value), asked);
  check_equal(handle.get("key").size(), value.size(), "then it is there");
}

// Any byte may be another one: what it says may be wrong, and no memory but the map's is touched.
void scribbled_bytes_are_refused_or_harmless(Run& run) {
  MapSegment segment = new_map();
  Handle handle(segment);
  for (u32 i = 0; i < 40; ++i) handle.put("key " + std::to_string(i), "value");
  for (u32 i = 0; i < 8; ++i) {
    const u64 at = run.random.below(2) == 0 ? MAP_WORDS_AT + 64 + run.random.below(192)
                                            : SPACES_AT + run.random.below(8 * 1024);
    *handle.segment.at(at) = static_cast<std::byte>(run.random.below(256));
  }
  const auto tried = [](auto act) {
    try {
      act();
    } catch (const SegmentCorrupted&) {
    } catch (const std::bad_alloc&) {   // a number that says how much to take
    }
  };
  for (u32 i = 0; i < 45; ++i) {
    tried([&] { handle.get("key " + std::to_string(i)); });
    tried([&] { handle.put("key " + std::to_string(i), "other"); });
    tried([&] { handle.erase("key " + std::to_string(i / 2)); });
  }
  tried([&] { handle.everything(); });
  tried([&] { handle.map.erase_any(run.random.next(), [](Bytes, Bytes) {}); });
  tried([&] { handle.map.repair(); });
  tried([&] { handle.map.clear(); });
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"keys stay in their order", keys_stay_in_their_order, 20, 20},
      {"it is a map", it_is_a_map, 20, 5},
      {"many keys, and none is lost", many_keys_and_none_lost, 10, 3},
      {"a reader finds what was put", a_reader_finds_what_was_put, 300, 5},
      {"no change is lost", no_change_is_lost, 200, 5},
      {"one of many puts it", one_of_many_puts_it, 300, 20},
      {"a snapshot is of one moment", a_snapshot_is_of_one_moment, 1500, 5},
      {"a death at any step harms nobody", a_death_at_any_step_harms_nobody, 1500, 0},
      {"its bound is kept", its_bound_is_kept, 1, 1},
      {"more room is asked for", more_room_is_asked_for, 1, 1},
      {"scribbled bytes are refused or harmless", scribbled_bytes_are_refused_or_harmless, 500,
       100},
  });
}
