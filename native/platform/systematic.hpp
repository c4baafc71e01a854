// What a systematic build asks of the seeded scheduler in native/tests/schedule.hpp:
// which thread goes on, who sleeps on which word, what the kernel does at a death.
#pragma once

#include <cstdint>

namespace interlock::systematic {

void step();                    // another thread may go on here
void probe(const char* name);   // this thread's process may die here
bool futex_wait(std::uint32_t* word, std::uint32_t expected, std::int64_t timeout);
int futex_wake(std::uint32_t* word, int count);
std::uint32_t thread_id();      // never 0
void set_pending(std::uint32_t* word);
std::uint32_t process_id();     // never 0; several threads may be one process
bool process_is_dead(std::uint32_t pid);
std::int64_t now();             // moves on only when everybody sleeps

}  // namespace interlock::systematic
