/* The third way: Interlock's C API. The numbers are copied once, into shared memory, and read
 * there; no pickle is made, so that it travels under trust="registered" too. */
#include "interlock.h"
#include "matrix.h"

/* Version 1 wrote the numbers by write_bytes. Its messages are still read. */
enum { VERSION = 2, VERSION_OF_BYTES = 1 };

static const InterlockAPI* interlock;

/* The matrix is the owner that it names: its memory stays where it is while it lives. What it may
 * not write itself, it does not let others write. */
static int encode(PyObject* object, InterlockWriter* writer) {
  const Matrix* self = (const Matrix*)object;
  if (interlock->write_uint64(writer, (uint64_t)self->shape[0]) < 0) return -1;
  if (interlock->write_uint64(writer, (uint64_t)self->shape[1]) < 0) return -1;
  return interlock->write_buffer(writer, object, self->data, (size_t)matrix_bytes(self),
                                 !self->readonly);
}

/* What a stranger says of the shape, checked against the bytes that there are. */
static int read_shape(InterlockReader* reader, Py_ssize_t* rows, Py_ssize_t* columns,
                      Py_ssize_t* needed) {
  uint64_t said[2];
  if (interlock->read_uint64(reader, &said[0]) < 0) return -1;
  if (interlock->read_uint64(reader, &said[1]) < 0) return -1;
  const int fits = said[0] <= PY_SSIZE_T_MAX && said[1] <= PY_SSIZE_T_MAX;
  *rows = fits ? (Py_ssize_t)said[0] : -1;
  *columns = fits ? (Py_ssize_t)said[1] : -1;
  if (matrix_size(*rows, *columns, needed) == 0) return 0;
  PyErr_Clear(); /* the message is at fault, not a caller here */
  interlock->refuse(reader, "there is no matrix of so many rows and columns");
  return -1;
}

/* Lent memory is used where it lies, if a double may lie there. A little of it (less than 4 KiB)
 * travels within the message, and may lie anywhere: it is copied if need be, and nobody can tell,
 * for a copy is read-only too unless the receiver asked to write. */
static int take(Matrix* self, Py_ssize_t rows, Py_ssize_t columns, void* data, Py_ssize_t size,
                PyObject* owner, int writable) {
  if (owner != NULL && size > 0 && (uintptr_t)data % _Alignof(double) == 0) {
    matrix_borrow(self, rows, columns, data, owner, !writable);
    return 0;
  }
  if (matrix_fill(self, rows, columns, size > 0 ? data : NULL, size) < 0) return -1;
  self->readonly = !writable;
  return 0;
}

static PyObject* decode(InterlockReader* reader, uint32_t version) {
  Py_ssize_t rows, columns, needed;
  if (read_shape(reader, &rows, &columns, &needed) < 0) return NULL;
  void* data = NULL;
  size_t size = 0;
  int writable = 0;
  PyObject* owner = NULL;
  if (version == VERSION_OF_BYTES) {
    const void* bytes = NULL;
    if (interlock->read_bytes(reader, &bytes, &size) < 0) return NULL;
    data = (void*)bytes; /* read only: without an owner it is copied */
  } else {
    owner = interlock->read_buffer(reader, &data, &size, &writable);
    if (owner == NULL) return NULL;
  }
  Matrix* self = NULL;
  if (size != (size_t)needed) {
    interlock->refuse(reader, "a matrix has more or fewer numbers than its shape");
  } else {
    self = (Matrix*)SharedMatrix_Type.tp_alloc(&SharedMatrix_Type, 0);
    if (self != NULL && take(self, rows, columns, data, needed, owner, writable) < 0)
      Py_CLEAR(self);
  }
  Py_XDECREF(owner); /* the matrix keeps one of its own, if it uses the memory */
  return (PyObject*)self;
}

PyTypeObject SharedMatrix_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "matrices.SharedMatrix",
    .tp_doc = "A matrix that travels by Interlock's C API, and arrives without a copy.",
    .tp_basicsize = sizeof(Matrix),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_base = &ReduceMatrix_Type, /* for pickles that Interlock does not make */
};

int shared_register(void) {
  interlock = Interlock_Import();
  if (interlock == NULL) return -1;
  return interlock->register_type(&SharedMatrix_Type, "matrices.SharedMatrix", VERSION, encode,
                                  decode);
}
