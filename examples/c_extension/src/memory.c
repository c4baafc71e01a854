/* The memory of a matrix: how much it needs, whose it is, and how much is allocated in all. */
#include "matrix.h" /* Python.h comes before the standard headers */

#include <stdlib.h>
#include <string.h>

/* The GIL guards it. The module does not claim to do without one, so that a free-threaded
 * interpreter switches it on when it imports the module. */
static Py_ssize_t allocated;

Py_ssize_t matrix_allocated(void) { return allocated; }

Py_ssize_t matrix_bytes(const Matrix* self) { return self->shape[0] * self->strides[0]; }

/* The one place where rows and columns become a number of bytes, since they may come from anybody:
 * what it lets through overflows nowhere else, the bytes of a row of an empty matrix included. */
int matrix_size(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t* size) {
  const Py_ssize_t most = PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(double);
  if (rows < 0 || columns < 0 || columns > most || (columns > 0 && rows > most / columns)) {
    PyErr_Format(PyExc_ValueError, "there is no matrix of %zd rows and %zd columns", rows, columns);
    return -1;
  }
  *size = rows * columns * (Py_ssize_t)sizeof(double);
  return 0;
}

static void set_shape(Matrix* self, Py_ssize_t rows, Py_ssize_t columns) {
  self->shape[0] = rows;
  self->shape[1] = columns;
  self->strides[0] = columns * (Py_ssize_t)sizeof(double);
  self->strides[1] = (Py_ssize_t)sizeof(double);
}

/* Gives the matrix memory of its own, with a copy of data; or with zeros, if data is NULL. */
int matrix_fill(Matrix* self, Py_ssize_t rows, Py_ssize_t columns, const void* data,
                Py_ssize_t size) {
  Py_ssize_t needed;
  if (matrix_size(rows, columns, &needed) < 0) return -1;
  if (data != NULL && size != needed) {
    PyErr_Format(PyExc_ValueError, "%zd rows of %zd doubles are %zd bytes, not %zd", rows, columns,
                 needed, size);
    return -1;
  }
  if (self->exports > 0) {
    PyErr_SetString(PyExc_BufferError, "a buffer of the matrix is in use");
    return -1;
  }
  /* At least one byte: a buffer must have an address, and calloc(0) may have none. */
  double* fresh = calloc(needed > 0 ? (size_t)needed : 1, 1);
  if (fresh == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  if (data != NULL) memcpy(fresh, data, (size_t)needed);
  matrix_clear(self);
  self->data = fresh;
  self->readonly = 0;
  set_shape(self, rows, columns);
  allocated += needed;
  return 0;
}

/* Uses memory that owner keeps valid. The size was checked; the matrix is new. */
void matrix_borrow(Matrix* self, Py_ssize_t rows, Py_ssize_t columns, void* data, PyObject* owner,
                   int readonly) {
  self->data = data;
  self->owner = Py_NewRef(owner);
  self->readonly = readonly;
  set_shape(self, rows, columns);
}

/* Frees the memory, or gives it back to whoever lent it. */
void matrix_clear(Matrix* self) {
  if (self->owner != NULL) {
    Py_CLEAR(self->owner);
  } else if (self->data != NULL) {
    allocated -= matrix_bytes(self);
    free(self->data);
  }
  self->data = NULL;
}
