// Shared memory without a name: the kernel frees it with its last user.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>
#include <utility>

#include "platform/atomic.hpp"

namespace interlock {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

[[noreturn]] inline void raise_errno(const char* call) {
  if (errno == ENOMEM) throw std::bad_alloc();
  throw std::system_error(errno, std::generic_category(), call);
}

// Sealed against shrinking: no holder can take pages from under another (SIGBUS).
inline Descriptor memfd_new(u64 size) {
  Descriptor fd(memfd_create("interlock", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) raise_errno("memfd_create");
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) raise_errno("ftruncate");
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) raise_errno("F_ADD_SEALS");
  return fd;
}

// As memfd_new(), for what a program may have thousands of: where this process's soft limit of
// descriptors is in the way, it becomes the hard one. select(2) finds no descriptor above
// 1023, but without the higher limit there would be none to look for.
inline Descriptor memfd_with_room(u64 size) {
  try {
    return memfd_new(size);
  } catch (const std::system_error& error) {
    rlimit limit;
    if (error.code().value() != EMFILE || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == limit.rlim_max)
      throw;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) throw;
    return memfd_new(size);
  }
}

inline bool memfd_is_sealed(int fd) {
  const int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

inline u64 file_size(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) raise_errno("fstat");
  return static_cast<u64>(status.st_size);
}

// Takes the pages now, so that a lack of memory is an error here, not SIGBUS later.
inline bool reserve_pages(int fd, u64 offset, u64 length) {
  int result;
  do {
    result = fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(length));
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

// Writes all of it; the kernel takes pages as it goes. A page that is written before it is
// mapped is not filled with zeros first, and costs no fault.
inline bool write_at(int fd, u64 offset, const std::byte* data, u64 length) {
  while (length > 0) {
    const ssize_t written = pwrite(fd, data, length, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    offset += static_cast<u64>(written);
    length -= static_cast<u64>(written);
  }
  return true;
}

inline bool give_back_pages(int fd, u64 offset, u64 length) {
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                   static_cast<off_t>(length)) == 0;
}

// A range of the file in this process's address space.
class Mapping {
 public:
  Mapping() = default;
  Mapping(int fd, u64 offset, u64 length) : length_(length) {
    void* at =
        mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (at == MAP_FAILED) raise_errno("mmap");
    base_ = static_cast<std::byte*>(at);
  }
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), length_(other.length_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(length_, other.length_);
    return *this;
  }
  ~Mapping() {
    if (base_ != nullptr) munmap(base_, length_);
  }
  std::byte* base() const { return base_; }
  u64 length() const { return length_; }

 private:
  std::byte* base_ = nullptr;
  u64 length_ = 0;
};

}  // namespace interlock
