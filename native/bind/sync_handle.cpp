// Names, bells and views of what threads take turns by.
#include "bind/sync_handle.hpp"

namespace interlock::bind {

void SyncHandle::introduce_anew() {
  const nb::object name =
      nb::module_::import_("interlock.synchronize.owner").attr("process_name")();
  segment_.introduce(Stamp::mine(), nb::cast<std::string>(name));
  bell_.reset();  // a parent's
  generation_ = process_generation();
}

int SyncHandle::bell() {
  introduce();
  if (bell_.get() < 0) bell_ = bell_new(segment_.bell_name(Stamp::mine().pid()));
  return bell_.get();
}

Seen seen(const SyncSegment& segment, Stamp who, Nanoseconds since) {
  return {who.pid(), segment.name_of(who), who.tid(), since};
}

std::vector<Seen> waiters_of(const SyncSegment& segment) {
  std::vector<Seen> all;
  const Roster roster(segment);
  roster.each([&](u32 index) {
    const Stamp who = roster.stamp(index);
    if (roster.state(index) == EntryState::waiting && !who.nobody() && !who.is_dead())
      all.push_back(seen(segment, who, static_cast<Nanoseconds>(roster.at(index).since.load())));
  });
  return all;
}

std::optional<std::tuple<Seen, Nanoseconds>> abandoned_of(const SyncSegment& segment) {
  const AbandonedWords& record = segment.abandoned();
  const Stamp who = Stamp::of_word(record.stamp.load());
  if (who.nobody()) return std::nullopt;
  return std::tuple(seen(segment, who, static_cast<Nanoseconds>(record.since.load())),
                    static_cast<Nanoseconds>(record.noticed.load()));
}

nb::bytes id_of(const SyncSegment& segment) {
  const SegmentId& id = segment.id();
  return nb::bytes(reinterpret_cast<const char*>(id.data()), sizeof id);
}

}  // namespace interlock::bind
