// A number from shared memory is used only after it was checked (I5).
#include "core/untrusted.hpp"

#include "tests/harness.hpp"

namespace interlock::tests {
namespace {

void a_number_within_its_limit_is_given(Run& run) {
  for (int i = 0; i < 100; ++i) {
    const u64 limit = run.random.next();
    const u64 number = limit == 0 ? 0 : run.random.below(limit);
    check_equal(Untrusted(number).checked(limit, "number"), number, "a number below its limit");
    check_equal(Untrusted(limit).checked(limit, "number"), limit, "the limit itself");
  }
}

void one_beyond_it_is_corruption(Run& run) {
  for (int i = 0; i < 100; ++i) {
    const u64 limit = run.random.below(~u64{0});
    const u64 number = limit + 1 + run.random.below(~u64{0} - limit);
    check_throws<SegmentCorrupted>([&] { Untrusted(number).checked(limit, "length"); },
                                   "a number beyond its limit");
  }
  try {
    Untrusted(u32{8}).checked(7u, "offset of something");
  } catch (const SegmentCorrupted& error) {
    check(std::string_view(error.what()) == "offset of something", "the error says what it was");
    return;
  }
  fail("eight passed for seven");
}

}  // namespace
}  // namespace interlock::tests

int main() {
  using namespace interlock::tests;
  return run_tests({
      {"a number within its limit is given", a_number_within_its_limit_is_given, 5, 5},
      {"one beyond it is corruption, by name", one_beyond_it_is_corruption, 5, 5},
  });
}
