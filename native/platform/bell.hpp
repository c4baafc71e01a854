// A doorbell that is rung by its name: nobody but its owner has a descriptor of it.
//
// A datagram socket with an abstract name, which leaves no file and is gone with its process.
// A name is known to whoever shares the memory it is made from; a stranger that guesses it can
// ring, and whoever is rung looks again and finds nothing. Processes in another network
// namespace cannot ring, so who waits also looks by itself now and then.
//
// Source: unix(7), "Abstract sockets"; send(2).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

#include "platform/memfd.hpp"

namespace interlock {

class BellName {
 public:
  BellName(u64 first, u64 second, u32 pid) {
    address_.sun_family = AF_UNIX;
    const int length = std::snprintf(
        address_.sun_path + 1, sizeof address_.sun_path - 1, "interlock-bell-%016llx%016llx-%u",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(second), pid);
    length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path)) + 1 +
              static_cast<socklen_t>(length);
  }
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t length() const { return length_; }

 private:
  sockaddr_un address_{};
  socklen_t length_ = 0;
};

inline Descriptor bell_new(const BellName& name) {
  Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) raise_errno("socket");
  if (::bind(fd.get(), name.address(), name.length()) != 0) raise_errno("bind");
  return fd;
}

inline void bell_silence(int fd) {
  char byte;
  while (recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0) {
  }
}

// False when nobody has that bell any more.
inline bool bell_ring(const BellName& name) {
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return true;  // no descriptor left: who waits looks by itself
  const char byte = 0;
  const auto sent = sendto(fd.get(), &byte, 1, MSG_NOSIGNAL, name.address(), name.length());
  return sent >= 0 || errno != ECONNREFUSED;  // a full one rings already
}

}  // namespace interlock
