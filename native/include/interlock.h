/* Interlock's C API: how a type written in C crosses a process border without pickle.
 *
 * A type is registered once, with a name, a version, and two functions: one that writes an
 * object's parts, and one that reads them and makes an object again. Both sides of the border
 * must have registered it. Then its objects travel through every queue, pipe and
 * interlock.serialize.dumps(), under trust="process" and trust="registered" alike.
 *
 *     static int matrix_encode(PyObject *self, InterlockWriter *writer) {
 *         Matrix *m = (Matrix *)self;
 *         if (interlock->write_uint64(writer, m->rows) < 0) return -1;
 *         return interlock->write_buffer(writer, self, m->data, m->bytes, 1);
 *     }
 *
 * Find this header with interlock.get_include(), or with CMake:
 *     execute_process(COMMAND python -c "import interlock; print(interlock.get_include())" ...)
 * or find_package(interlock CONFIG) with interlock_DIR set to what
 * `python -c "import interlock; print(interlock.get_cmake_dir())"` prints.
 *
 * The rules for all functions of InterlockAPI:
 *   - GIL: call them with an attached thread state (the GIL, where there is one), and only from
 *     within the encode or decode function that was given the writer or reader. A writer or
 *     reader belongs to one thread, and is gone when that function returns.
 *   - Free threading: encode may run in several threads at once for one object. If your type is
 *     mutable, lock it yourself (Py_BEGIN_CRITICAL_SECTION).
 *   - Errors: an int function returns 0, or -1; a PyObject* function returns NULL. Then return
 *     -1 or NULL from yours at once, and do not look for a Python exception: Interlock keeps the
 *     cause, and raises it with the path to your object. Your own function may set an exception
 *     and return -1 or NULL likewise.
 *   - Ownership: what a function takes it borrows, unless it says otherwise; a PyObject* that is
 *     returned is a new reference.
 *   - Trust: bytes that are read may come from a stranger. Interlock checks that a part is of the
 *     type that you ask for and lies within the message; what it means is for you to check.
 *
 * The order of reading is the order of writing. Parts left unread are skipped, so that a newer
 * version of your type may append some; its version number reaches decode.
 */
#ifndef INTERLOCK_H
#define INTERLOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows by one when functions are appended; what is there never changes its meaning. */
#define INTERLOCK_API_VERSION 1
#define INTERLOCK_API_CAPSULE "interlock._native.C_API"

/* Where an object's parts are written to, and read from. */
typedef struct InterlockWriter InterlockWriter;
typedef struct InterlockReader InterlockReader;

/* Writes the parts of `self`. 0, or -1 (see Errors). May be called twice for one message, when
 * it has to be begun again: it must not change the object. */
typedef int (*InterlockEncode)(PyObject* self, InterlockWriter* writer);

/* Reads the parts and makes the object: a new reference, or NULL (see Errors). `version` is that
 * of the writer: the registered one, or an older one. */
typedef PyObject* (*InterlockDecode)(InterlockReader* reader, uint32_t version);

typedef struct InterlockAPI {
  /* INTERLOCK_API_VERSION of the installed Interlock, and the size of this struct there. */
  uint32_t api_version;
  uint32_t size;

  /* Registers a type for the life of the process, and keeps a reference to it.
     *
   * `name` is what messages call it, such as "mypackage.Matrix": the same on both sides,
   * whatever the module is called. `version` is at least 1; raise it when the parts change.
   * Messages of older versions are given to `decode`, newer ones are refused by name.
   * Raises ValueError if the name is taken by another type, TypeError for no type. */
  int (*register_type)(PyTypeObject* type, const char* name, uint32_t version,
                       InterlockEncode encode, InterlockDecode decode);

  /* Appends bytes; they are copied now. */
  int (*write_bytes)(InterlockWriter* writer, const void* data, size_t size);
  int (*write_int64)(InterlockWriter* writer, int64_t value);
  int (*write_uint64)(InterlockWriter* writer, uint64_t value);
  int (*write_double)(InterlockWriter* writer, double value);

  /* Appends an object of any type that may travel here. Sharing with other parts of the
   * message is kept; an object of a C type cannot contain itself. */
  int (*write_object)(InterlockWriter* writer, PyObject* object);

  /* Hands over a buffer without a copy: it is copied once, straight into shared memory.
     *
   * `owner` is kept until the message was sent or dropped, and must keep `data` where it is and
   * unchanged in size for that long. `writable`: whether a receiver may ask to write to its
   * copy; 0 for memory that you may not write to yourself. Buffers of less than 4 KiB go within the message, by a copy. */
  int (*write_buffer)(InterlockWriter* writer, PyObject* owner, const void* data, size_t size,
                      int writable);

  /* The next part, if it is of that type; otherwise the message is refused (-1).
     *
   * read_bytes borrows: `*data` is valid until decode returns, has no alignment, and may lie in
   * memory that its writer can still change: copy what you check before you rely on it. */
  int (*read_bytes)(InterlockReader* reader, const void** data, size_t* size);
  int (*read_int64)(InterlockReader* reader, int64_t* value);
  int (*read_uint64)(InterlockReader* reader, uint64_t* value);
  int (*read_double)(InterlockReader* reader, double* value);

  /* The next part as an object: a new reference, or NULL. */
  PyObject* (*read_object)(InterlockReader* reader);

  /* A buffer without a copy: a new reference to its owner, which keeps `*data` valid, or NULL.
     *
   * `*data` is aligned to 16 bytes at least where it was handed over as 4 KiB or more, and to
   * nothing where it was less. Write to it only if `*writable` is set to 1: the receiver asked
   * for that (writable=True). Any of the three pointers may be NULL. Keep the owner in your
   * object for as long as it uses the memory, then Py_DECREF it: the block is given back to its
   * queue with the last owner, or when this process ends. */
  PyObject* (*read_buffer)(InterlockReader* reader, void** data, size_t* size, int* writable);

  /* 1 if there is another part, otherwise 0. */
  int (*has_more)(InterlockReader* reader);

  /* For decode to say that the parts make no object: refuses the message with `reason` (UTF-8)
   * and returns NULL, to be returned. */
  PyObject* (*refuse)(InterlockReader* reader, const char* reason);
} InterlockAPI;

/* The API, or NULL with an ImportError set: Interlock is not installed, or too old. Call it in
 * your module's init function, and keep the pointer: it stays valid. */
static inline const InterlockAPI* Interlock_Import(void) {
  PyObject* module = PyImport_ImportModule("interlock._native");  /* loaded on first use */
  if (module == NULL) return NULL;
  Py_DECREF(module);
  const InterlockAPI* api = (const InterlockAPI*)PyCapsule_Import(INTERLOCK_API_CAPSULE, 0);
  if (api == NULL) return NULL;
  if (api->api_version < INTERLOCK_API_VERSION) {
    PyErr_Format(PyExc_ImportError,
                 "Interlock's C API is of version %u here, and this module was built for "
                 "version %u. Install a newer interlock.",
                 (unsigned)api->api_version, (unsigned)INTERLOCK_API_VERSION);
    return NULL;
  }
  return api;
}

#ifdef __cplusplus
}
#endif

#endif
