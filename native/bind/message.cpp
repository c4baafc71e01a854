// Encoding and decoding of messages, and the buffers that stay in shared memory.
#include "bind/message.hpp"

#include "bind/bind.hpp"

namespace interlock::bind {

namespace {

constexpr u64 BUFFER_ALIGN = 64;
constexpr u64 BUFFERS_MAX = 1 << 16;

// At the head of a pickle in a block: how many buffers, how long the pickle is, and for
// each buffer its length and whether the receiver may write to it.
struct BufferTable {
  u64 count;
  u64 pickle_length;
};
struct BufferEntry {
  u64 length;
  u64 writable;
};

u64 align_buffer(u64 offset) { return (offset + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN; }

// Encoders are reused; a thread that encodes while it encodes makes another.
std::unique_ptr<codec::Writer>& spare_writer() {
  static thread_local std::unique_ptr<codec::Writer> spare;
  return spare;
}

const std::byte* as_bytes(const void* data) { return static_cast<const std::byte*>(data); }

}  // namespace

Message::~Message() {
  if (writer_ != nullptr) {
    writer_->reset();
    spare_writer() = std::move(writer_);
  }
  for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
  if (raw_.obj != nullptr) PyBuffer_Release(&raw_);
}

bool Message::encode(PyObject* object) {
  writer_ = std::move(spare_writer());
  if (writer_ == nullptr) writer_ = std::make_unique<codec::Writer>();
  if (writer_->write(object)) [[likely]] {
    encoding_ = Encoding::native;
    length_ = writer_->size();
    return true;
  }
  if (PyErr_Occurred() != nullptr) return false;
  writer_->reset();
  return encode_by_pickle(object);
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
  length_ += sizeof(BufferTable) + static_cast<u64>(count) * sizeof(BufferEntry);
  buffers_.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_buffer view;
    if (PyObject_GetBuffer(PyList_GET_ITEM(buffers, i), &view, PyBUF_SIMPLE) != 0) return false;
    buffers_.push_back(view);
    length_ = align_buffer(length_) + static_cast<u64>(view.len);
  }
  return true;
}

bool Message::encode_bytes(PyObject* buffer, Py_ssize_t offset, Py_ssize_t size) {
  if (PyObject_GetBuffer(buffer, &raw_, PyBUF_SIMPLE) != 0) return false;
  encoding_ = Encoding::bytes;
  raw_offset_ = static_cast<u64>(offset);
  length_ = static_cast<u64>(size < 0 ? raw_.len - offset : size);
  return true;
}

template <class Put>
void Message::each_piece(Put&& put) const {
  if (encoding_ == Encoding::native) {
    writer_->each_piece(put);
    return;
  }
  if (encoding_ == Encoding::bytes) {
    put(0, as_bytes(raw_.buf) + raw_offset_, length_);
    return;
  }
  const auto pickle_length = static_cast<u64>(PyBytes_GET_SIZE(pickled_.ptr()));
  const std::byte* pickle = as_bytes(PyBytes_AS_STRING(pickled_.ptr()));
  if (!is_long()) {
    put(0, pickle, pickle_length);
    return;
  }
  const BufferTable table{buffers_.size(), pickle_length};
  put(0, as_bytes(&table), sizeof table);
  u64 at = sizeof table;
  for (const Py_buffer& buffer : buffers_) {
    const BufferEntry entry{static_cast<u64>(buffer.len), buffer.readonly == 0};
    put(at, as_bytes(&entry), sizeof entry);
    at += sizeof entry;
  }
  put(at, pickle, pickle_length);
  at += pickle_length;
  for (const Py_buffer& buffer : buffers_) {
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

// The pickle and its buffers out of a block; every length is checked against the block.
PyObject* decode_with_buffers(const Incoming& message) {
  const u64 size = message.body.size();
  std::byte* base = const_cast<std::byte*>(message.body.data());
  BufferTable table;
  if (size < sizeof table) throw SegmentCorrupted("message without its table");
  std::memcpy(&table, base, sizeof table);
  const u64 count = Untrusted(table.count).checked(BUFFERS_MAX, "number of buffers");
  u64 at = sizeof table + count * sizeof(BufferEntry);
  if (at > size) throw SegmentCorrupted("table longer than its message");
  const u64 pickle_length = Untrusted(table.pickle_length).checked(size - at, "pickle length");
  // A copy: the unpickler must not see bytes that change under it.
  nb::object pickled = nb::steal(PyBytes_FromStringAndSize(reinterpret_cast<char*>(base + at),
                                                           static_cast<Py_ssize_t>(pickle_length)));
  at += pickle_length;
  nb::list buffers;
  for (u64 i = 0; i < count; ++i) {
    BufferEntry entry;
    std::memcpy(&entry, base + sizeof table + i * sizeof entry, sizeof entry);
    at = align_buffer(at);
    const u64 start = Untrusted(at).checked(size, "buffer offset");
    const u64 length = Untrusted(entry.length).checked(size - start, "buffer length");
    buffers.append(nb::cast(SharedBuffer{
        message.loan, {base + start, length}, message.writable && entry.writable != 0}));
    at = start + length;
  }
  return call_decode(std::move(pickled), std::move(buffers));
}

}  // namespace

PyObject* Incoming::object() const {
  if (encoding == Encoding::native) return codec::read(body);
  if (encoding == Encoding::pickle && loan != nullptr) return decode_with_buffers(*this);
  // A pickle (or bytes that somebody pickled, sent by send_bytes) without buffers.
  nb::object pickled = nb::steal(PyBytes_FromStringAndSize(
      reinterpret_cast<const char*>(body.data()), static_cast<Py_ssize_t>(body.size())));
  return call_decode(std::move(pickled), nb::list());
}

PyObject* Incoming::bytes() const {
  if (encoding == Encoding::bytes)
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(body.data()),
                                     static_cast<Py_ssize_t>(body.size()));
  const nb::object value = nb::steal(object());
  if (!value.is_valid()) return nullptr;
  const nb::object pickle = codec_function("pickle_bytes");
  return pickle.is_valid() ? PyObject_CallOneArg(pickle.ptr(), value.ptr()) : nullptr;
}

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
