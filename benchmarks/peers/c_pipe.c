// Two processes pass eight bytes to and fro over two pipe(2)s: what the kernel takes.
//
// usage: c_pipe ROUND_TRIPS [CPU_OF_PARENT CPU_OF_CHILD]; prints the seconds taken.
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char* what) {
  perror(what);
  _exit(1);
}

static void pin(const char* cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(atoi(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

static void give(int fd, uint64_t value) {
  if (write(fd, &value, sizeof value) != sizeof value) die("write");
}

static uint64_t take(int fd) {
  uint64_t value;
  if (read(fd, &value, sizeof value) != sizeof value) die("read");
  return value;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char** argv) {
  const uint64_t trips = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  const uint64_t warm_up = 100;
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    if (argc > 3) pin(argv[3]);
    for (uint64_t n = 0; n < trips + warm_up; ++n) give(back[1], take(there[0]));
    return 0;
  }
  if (argc > 3) pin(argv[2]);
  double start = 0;
  for (uint64_t n = 0; n < trips + warm_up; ++n) {
    if (n == warm_up) start = now();
    give(there[1], n);
    if (take(back[0]) != n) die("a number came back changed");
  }
  printf("%.9f\n", now() - start);
  return waitpid(child, NULL, 0) == child ? 0 : 1;
}
