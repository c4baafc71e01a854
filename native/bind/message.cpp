// Encoding and decoding of messages, and the buffers that stay in shared memory.
#include "bind/message.hpp"

#include "bind/bind.hpp"
#include "codec/writers.hpp"

namespace interlock::bind {

namespace {

constexpr u64 BUFFER_ALIGN = 64;
constexpr u64 BUFFERS_MAX = 1 << 16;

// At the head of a message with buffers: how many, how long the message itself is, and for
// each buffer its length and whether the receiver may write to it.
struct BufferTable {
  u64 count;
  u64 body_length;
};
struct BufferEntry {
  u64 length;
  u64 writable;
};

u64 align_buffer(u64 offset) { return (offset + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN; }

const std::byte* as_bytes(const void* data) { return static_cast<const std::byte*>(data); }

}  // namespace

Message::~Message() {
  if (writer_ != nullptr) codec::give_back_writer(std::move(writer_));
  for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
  if (raw_.obj != nullptr) PyBuffer_Release(&raw_);
}

bool Message::encode(PyObject* object, const codec::Bounds& bounds) {
  writer_ = codec::take_writer();
  if (writer_->write(object, bounds)) [[likely]] {
    encoding_ = writer_->has_objects() ? Encoding::objects : Encoding::native;
    length_ = writer_->size();
    if (writer_->beside().empty()) [[likely]]
      return true;
    encoding_ = Encoding::framed;
    length_ = length_with_buffers(length_);
    return true;
  }
  if (PyErr_Occurred() != nullptr) return false;
  codec::give_back_writer(std::move(writer_));
  return encode_by_pickle(object);
}

// Of a message with a table: a body of `body` bytes.
u64 Message::length_with_buffers(u64 body) const {
  u64 length = sizeof(BufferTable) + buffers().size() * sizeof(BufferEntry) + body;
  for (const Py_buffer& buffer : buffers())
    length = align_buffer(length) + static_cast<u64>(buffer.len);
  return length;
}

bool Message::encode_by_pickle(PyObject* object) {
  encoding_ = Encoding::pickle;
  const nb::object encode = codec_function("encode");
  if (!encode.is_valid()) return false;
  const nb::object result = nb::steal(PyObject_CallOneArg(encode.ptr(), object));
  if (!result.is_valid()) return false;
  PyObject* buffers = nullptr;
  PyObject* pickled = nullptr;
  if (!PyArg_ParseTuple(result.ptr(), "SO!", &pickled, &PyList_Type, &buffers)) return false;
  pickled_ = nb::borrow(pickled);
  const Py_ssize_t count = PyList_GET_SIZE(buffers);
  length_ = static_cast<u64>(PyBytes_GET_SIZE(pickled));
  if (count == 0 && length_ <= INLINE_MAX) return true;  // not long: no table
  buffers_.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_buffer view;
    if (PyObject_GetBuffer(PyList_GET_ITEM(buffers, i), &view, PyBUF_SIMPLE) != 0) return false;
    buffers_.push_back(view);
  }
  length_ = length_with_buffers(length_);
  return true;
}

bool Message::encode_bytes(PyObject* buffer, Py_ssize_t offset, Py_ssize_t size) {
  if (PyObject_GetBuffer(buffer, &raw_, PyBUF_SIMPLE) != 0) return false;
  encoding_ = Encoding::bytes;
  raw_offset_ = static_cast<u64>(offset);
  length_ = static_cast<u64>(size < 0 ? raw_.len - offset : size);
  return true;
}

// Calls put(offset, data, size) for each piece of the body, in order.
template <class Put>
void Message::each_body_piece(Put&& put) const {
  if (encoding_ == Encoding::bytes)
    put(0, as_bytes(raw_.buf) + raw_offset_, length_);
  else if (encoding_ == Encoding::pickle)
    put(0, as_bytes(PyBytes_AS_STRING(pickled_.ptr())),
        static_cast<u64>(PyBytes_GET_SIZE(pickled_.ptr())));
  else
    writer_->each_piece(put);
}

template <class Put>
void Message::each_piece(Put&& put) const {
  if (!has_table()) [[likely]]
    return each_body_piece(put);
  const u64 body = encoding_ == Encoding::pickle
                       ? static_cast<u64>(PyBytes_GET_SIZE(pickled_.ptr()))
                       : writer_->size();
  const BufferTable table{buffers().size(), body};
  put(0, as_bytes(&table), sizeof table);
  u64 at = sizeof table;
  for (const Py_buffer& buffer : buffers()) {
    const BufferEntry entry{static_cast<u64>(buffer.len), buffer.readonly == 0};
    put(at, as_bytes(&entry), sizeof entry);
    at += sizeof entry;
  }
  each_body_piece(
      [&](u64 offset, const std::byte* data, u64 size) { put(at + offset, data, size); });
  at += body;
  for (const Py_buffer& buffer : buffers()) {
    at = align_buffer(at);
    put(at, as_bytes(buffer.buf), static_cast<u64>(buffer.len));
    at += static_cast<u64>(buffer.len);
  }
}

void Message::copy_to(std::byte* out) const {
  each_piece([out](u64 offset, const std::byte* data, u64 size) {
    std::memcpy(out + offset, data, size);
  });
}

void Message::write_to(int fd, u64 place) const {
  each_piece([fd, place](u64 offset, const std::byte* data, u64 size) {
    if (!write_at(fd, place + offset, data, size)) throw OutOfPages();
  });
}

namespace {

PyObject* call_decode(nb::object pickled, nb::object buffers) {
  const nb::object decode = codec_function("decode");
  if (!decode.is_valid() || !pickled.is_valid() || !buffers.is_valid()) return nullptr;
  return PyObject_CallFunctionObjArgs(decode.ptr(), pickled.ptr(), buffers.ptr(), nullptr);
}

// A message and its buffers out of a block; every length is checked against the block.
struct Framed {
  std::span<const std::byte> body;
  nb::list buffers;
};

Framed take_apart(const Incoming& message) {
  const u64 size = message.body.size();
  std::byte* base = const_cast<std::byte*>(message.body.data());
  BufferTable table;
  if (message.loan == nullptr || size < sizeof table)
    throw SegmentCorrupted("message without its table");
  std::memcpy(&table, base, sizeof table);
  const u64 count = Untrusted(table.count).checked(BUFFERS_MAX, "number of buffers");
  u64 at = sizeof table + count * sizeof(BufferEntry);
  if (at > size) throw SegmentCorrupted("table longer than its message");
  const u64 body_length = Untrusted(table.body_length).checked(size - at, "length of a message");
  Framed framed{{base + at, body_length}, {}};
  at += body_length;
  for (u64 i = 0; i < count; ++i) {
    BufferEntry entry;
    std::memcpy(&entry, base + sizeof table + i * sizeof entry, sizeof entry);
    at = align_buffer(at);
    const u64 start = Untrusted(at).checked(size, "buffer offset");
    const u64 length = Untrusted(entry.length).checked(size - start, "buffer length");
    framed.buffers.append(nb::cast(SharedBuffer{
        message.loan, {base + start, length}, message.reading.writable && entry.writable != 0}));
    at = start + length;
  }
  return framed;
}

// A copy: the unpickler must not see bytes that change under it.
nb::object copy_of(std::span<const std::byte> bytes) {
  return nb::steal(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                             static_cast<Py_ssize_t>(bytes.size())));
}

PyObject* refuse_pickle(std::size_t size) {
  PyErr_Format(python().decode_error,
               "A message of %zu bytes is a pickle or bytes sent as they are, and this side has "
               "trust=\"registered\": it reads plain values and registered types only, so it was "
               "not looked at. Send it from a side of the same trust.",
               size);
  return nullptr;
}

}  // namespace

// A pickle, or bytes that somebody pickled and sent by send_bytes().
PyObject* Incoming::unpickled() const {
  if (!reading.bounds->trusted) return refuse_pickle(body.size());
  if (encoding == Encoding::bytes || loan == nullptr) return call_decode(copy_of(body), nb::list());
  const Framed framed = take_apart(*this);
  return call_decode(copy_of(framed.body), framed.buffers);
}

PyObject* Incoming::object() const {
  switch (encoding) {
    [[likely]] case Encoding::native:
      return codec::read_plain(body, *reading.bounds);
    case Encoding::objects:
      return codec::read(body, {reading.bounds, {}, reading.writable});
    case Encoding::framed: {
      const Framed framed = take_apart(*this);
      std::vector<PyObject*> buffers;
      for (const nb::handle buffer : framed.buffers) buffers.push_back(buffer.ptr());
      return codec::read(framed.body, {reading.bounds, buffers, reading.writable});
    }
    case Encoding::pickle:
    case Encoding::bytes:
      return unpickled();
  }
  throw SegmentCorrupted("message of no known encoding");
}

// What recv_bytes() gives.
PyObject* Incoming::bytes() const {
  if (encoding == Encoding::bytes) return copy_of(body).release().ptr();
  const nb::object value = nb::steal(object());
  if (!value.is_valid()) return nullptr;
  const nb::object pickle = codec_function("pickle_bytes");
  return pickle.is_valid() ? PyObject_CallOneArg(pickle.ptr(), value.ptr()) : nullptr;
}

PyObject* Incoming::restore() const { return reading.as == As::object ? object() : bytes(); }

namespace {

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  SharedBuffer* buffer = self_of<SharedBuffer>(self);
  if (buffer == nullptr) return -1;
  return PyBuffer_FillInfo(view, self, buffer->bytes.data(),
                           static_cast<Py_ssize_t>(buffer->bytes.size()), !buffer->writable, flags);
}

PyType_Slot shared_buffer_slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {0, nullptr},
};

}  // namespace

void bind_shared_buffer(nb::module_& module) {
  nb::class_<SharedBuffer>(module, "SharedBuffer", nb::type_slots(shared_buffer_slots),
                           "A received buffer, read in place; its block is given back with it.");
}

}  // namespace interlock::bind
