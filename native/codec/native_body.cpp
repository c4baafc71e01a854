// What a C function writes of its object.
#include "codec/native_body.hpp"

#include "codec/writer_container.hpp"

using interlock::codec::put;
using interlock::codec::put_number;
using interlock::codec::Tag;
namespace codec = interlock::codec;

std::byte* InterlockWriter::write(PyObject* object, const codec::Kind& kind) {
  const int written = kind.native_encode(object, this);
  if (at_ == nullptr || written != 0) {
    // Only what it raised itself: what its parts met with is kept already.
    if (PyErr_Occurred() != nullptr && writer_.raised_ == nullptr && writer_.refused_ == nullptr)
      return writer_.failed();
    if (at_ != nullptr && writer_.raised_ == nullptr && writer_.refused_ == nullptr) {
      PyErr_Format(PyExc_SystemError, "the C function that encodes %s returned -1 without an error",
                   kind.name.c_str());
      return writer_.failed();
    }
    PyErr_Clear();
    return nullptr;
  }
  if (PyErr_Occurred() != nullptr) return writer_.failed();
  if ((at_ = writer_.scratch_.reserve(at_, codec::VALUE_ROOM)) == nullptr)
    return writer_.no_memory();
  return put(at_, Tag::end);
}

template <class Put>
int InterlockWriter::append(std::size_t room, Put&& put) {
  if (at_ == nullptr) return -1;
  if (!writer_.has_room_for(1)) {
    at_ = writer_.refuse(Py_None, codec::TOO_MANY_ITEMS);
    return -1;
  }
  at_ = writer_.scratch_.reserve(at_, room + codec::VALUE_ROOM);
  if (at_ == nullptr) {
    writer_.no_memory();
    writer_.failed();
    return -1;
  }
  at_ = put(at_);
  if (at_ == nullptr)
    writer_.lost([this](codec::Path& path) {
      path.at_part(("<part " + std::to_string(part_) + ">").c_str());
    });
  ++part_;
  return at_ != nullptr ? 0 : -1;
}

int InterlockWriter::bytes(const void* data, std::size_t size) {
  if (size > writer_.bounds_->string) {
    at_ = writer_.refuse(Py_None, codec::TOO_LONG);
    return -1;
  }
  return append(size, [=](std::byte* at) {
    at = put_number(put(at, Tag::bytes), std::uint64_t{size});
    return codec::put_bytes(at, data, size);
  });
}

int InterlockWriter::int64(std::int64_t value) {
  return append(0, [=](std::byte* at) { return put_number(put(at, Tag::int64), value); });
}

int InterlockWriter::uint64(std::uint64_t value) {
  return append(0, [=](std::byte* at) {
    at = put_number(put(at, Tag::big_int), std::uint64_t{sizeof value + 1});
    return put(put_number(at, value), std::uint8_t{0});
  });
}

int InterlockWriter::real(double value) {
  return append(0, [=](std::byte* at) { return put_number(put(at, Tag::real), value); });
}

int InterlockWriter::object(PyObject* object) {
  return append(0, [=, this](std::byte* at) { return writer_.value(object, at); });
}

int InterlockWriter::buffer(PyObject* owner, const void* data, std::size_t size, bool writable) {
  return append(0, [=, this](std::byte* at) {
    Py_buffer view{};
    view.buf = const_cast<void*>(data);
    view.len = static_cast<Py_ssize_t>(size);
    view.readonly = !writable;
    view.obj = Py_NewRef(owner);
    view.itemsize = 1;
    return writer_.take_buffer(view, at);
  });
}
