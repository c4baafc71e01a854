// By which a parent knows that the child it has just forked has come to life, or never will.
//
// A pipe: the parent lets go of the writing end after the fork, and the child when it has done
// what the parent waits for. When nobody has that end any more the child has done it, or
// is dead, or the fork failed; only then does the reading end say so.
//
// Source: pipe(7), poll(2).
#pragma once

#include <fcntl.h>
#include <poll.h>

#include "platform/memfd.hpp"

namespace interlock {

class Lifeline {
 public:
  Lifeline() = default;

  static Lifeline create() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) raise_errno("pipe2");
    Lifeline line;
    line.reading_ = Descriptor(ends[0]);
    line.writing_ = Descriptor(ends[1]);
    return line;
  }

  // The child: it is born.
  void cut() {
    writing_.reset();
    reading_.reset();
  }

  // The parent. False if the child is alive and has not come so far in that time.
  bool wait_until_cut(int milliseconds) {
    writing_.reset();
    pollfd end{reading_.get(), 0, 0};
    int ready;
    do ready = poll(&end, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    reading_.reset();
    return ready == 1;
  }

 private:
  Descriptor reading_;
  Descriptor writing_;
};

}  // namespace interlock
