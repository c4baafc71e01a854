// One lock, semaphore, condition, event or barrier in this process: its memfd, mapped.
//
// One descriptor and one page as long as nobody has to wait for it; 36 KiB from then on. The
// pages are reserved when they are needed, so that a lack of memory is an error at the
// call that needs them and not SIGBUS later. The kernel frees it with its last user.
//
// Who awaits it (asyncio, Trio) has a bell of its own and enters its process here; who
// releases rings all of them. A descriptor for that in each lock would be one more that every
// process has to have.
//
// Source: memfd_create(2), fcntl(2) F_ADD_SEALS, fallocate(2).
#pragma once

#include <string>
#include <string_view>

#include "core/segment.hpp"
#include "core/stamp.hpp"
#include "core/sync_layout.hpp"
#include "platform/bell.hpp"

namespace interlock {

struct NoPagesForLock : OutOfPages {};

class SyncSegment {
 public:
  static SyncSegment create(SyncKind kind, u32 flags, u64 initial = 0) {
    SyncSegment segment(memfd_with_room(SYNC_BYTES));
    if (!reserve_pages(segment.fd(), 0, PAGE)) throw NoPagesForLock();
    segment.map();
    SyncHeader& header = segment.header();
    std::random_device random;
    for (auto& word : header.id) word.set(u64{random()} << 32 | random());
    header.version.set(SYNC_LAYOUT_VERSION);
    header.kind.set(static_cast<u32>(kind));
    header.flags.set(flags);
    header.initial.set(initial);
    header.magic.set(SYNC_MAGIC);
    segment.read_header();
    return segment;
  }

  static SyncSegment attach(Descriptor fd) {
    SyncSegment segment(std::move(fd));
    if (!memfd_is_sealed(segment.fd()) || file_size(segment.fd()) != SYNC_BYTES)
      throw SegmentCorrupted("the descriptor is no lock of Interlock");
    segment.map();
    if (segment.header().magic.load() != SYNC_MAGIC ||
        segment.header().version.load() != SYNC_LAYOUT_VERSION)
      throw SegmentCorrupted("the lock was made by another release of Interlock");
    segment.read_header();
    return segment;
  }

  int fd() const { return fd_.get(); }
  const SegmentId& id() const { return id_; }
  SyncKind kind() const { return kind_; }
  bool has(u32 flag) const { return (flags_ & flag) != 0; }
  u64 initial() const { return initial_; }

  SyncHeader& header() const { return at<SyncHeader>(0); }
  OwnerWords& owner() const { return at<OwnerWords>(OWNER_AT); }
  SharedWords& shared() const { return at<SharedWords>(SHARED_AT); }
  AbandonedWords& abandoned() const { return at<AbandonedWords>(ABANDONED_AT); }
  Atomic<u64>& bell(u32 number) const { return (&at<Atomic<u64>>(BELLS_AT))[number]; }
  Entry* entries() const { return &at<Entry>(ENTRIES_AT); }

  // To be called before the first entry is used. Throws NoPagesForLock.
  void need_entries() const {
    if (shared().tables_ready.peek() != 0) [[likely]]
      return;
    if (!reserve_pages(fd(), ENTRIES_AT, SYNC_BYTES - ENTRIES_AT)) throw NoPagesForLock();
    shared().tables_ready.store(1);
  }
  bool has_entries() const { return shared().tables_ready.load() != 0; }

  // A dead owner: what is there to be known about it.
  void note_abandoned(Stamp dead, u64 since) const {
    AbandonedWords& record = abandoned();
    record.since.set(since);
    record.noticed.set(static_cast<u64>(now()));
    record.count.fetch_add(1);
    record.stamp.store(dead.word());
  }

  // ---- bells ---------------------------------------------------------------------------

  // The name of a process's bell for this lock; equal for all its threads.
  BellName bell_name(u32 pid) const { return BellName(id_[0], id_[1], pid); }
  // False when there is no place: then it has to look by itself now and then.
  bool enter_bell(Stamp me) const {
    for (u32 number = 0; number < BELLS; ++number) {
      u64 seen = 0;
      if (bell(number).compare_exchange(seen, me.process()) || seen == me.process()) return true;
    }
    return false;
  }
  void ring_bells() const {
    if (shared().polled.load() == 0 || shared().polled.exchange(0) == 0) return;
    for (u32 number = 0; number < BELLS; ++number) {
      u64 whose = bell(number).load();
      if (whose != 0 && !bell_ring(bell_name(Stamp::of_word(whose).pid())))
        bell(number).compare_exchange(whose, 0);
    }
  }

  // ---- names, for who looks on ---------------------------------------------------------

  // Its own place, a free one, or that of the one that was there first.
  void introduce(Stamp who, std::string_view name) const {
    NameSlot& slot = *name_slot(who);
    u64 version = slot.version.load();
    // Another one writes here, or has died at it: then the name is not known, no more.
    if (version % 2 == 1 || !slot.version.compare_exchange(version, version + 1)) return;
    u64 words[NAME_BYTES / 8] = {};
    std::memcpy(words, name.data(), std::min<std::size_t>(name.size(), NAME_BYTES));
    slot.process.store(who.process());
    for (u32 i = 0; i < NAME_BYTES / 8; ++i) slot.name[i].store(words[i]);
    slot.version.store(version + 2);
  }

  // Empty when it is not known.
  std::string name_of(Stamp who) const {
    const NameSlot& slot = *name_slot(who);
    const u64 version = slot.version.load();
    u64 words[NAME_BYTES / 8];
    for (u32 i = 0; i < NAME_BYTES / 8; ++i) words[i] = slot.name[i].load();
    const bool whole =
        slot.process.load() == who.process() && version % 2 == 0 && slot.version.load() == version;
    const char* const text = reinterpret_cast<const char*>(words);
    return whole ? std::string(text, strnlen(text, NAME_BYTES)) : std::string();
  }

 private:
  explicit SyncSegment(Descriptor fd) : fd_(std::move(fd)) {}

  template <class T>
  T& at(u64 offset) const {
    return *reinterpret_cast<T*>(mapping_.base() + offset);
  }
  NameSlot* name_slot(Stamp who) const {
    NameSlot* const names = &at<NameSlot>(NAMES_AT);
    NameSlot* const first = names + who.pid() % NAME_SLOTS;
    NameSlot* free = nullptr;
    for (u32 i = 0; i < NAME_SLOTS; ++i) {
      NameSlot* const slot = names + (who.pid() + i) % NAME_SLOTS;
      const u64 whose = slot->process.load();
      if (whose == who.process()) return slot;
      if (whose == 0 && free == nullptr) free = slot;
    }
    return free != nullptr ? free : first;
  }
  void map() { mapping_ = Mapping(fd(), 0, SYNC_BYTES); }
  void read_header() {
    const SyncHeader& h = header();
    id_ = {h.id[0].peek(), h.id[1].peek()};
    kind_ = static_cast<SyncKind>(h.kind.peek());
    flags_ = h.flags.peek();
    initial_ = h.initial.peek();
  }

  Descriptor fd_;
  Mapping mapping_;
  SegmentId id_{};
  SyncKind kind_{};
  u32 flags_ = 0;
  u64 initial_ = 0;
};

}  // namespace interlock
