/* The buffer protocol: memoryview(matrix) and numpy.asarray(matrix) use its memory, uncopied. */
#include "matrix.h"

static int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  Matrix* self = (Matrix*)object;
  /* Its rows lie one after another, so that "all in Fortran's order" is what it is not. */
  const int fortran = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS;
  const int writable = (flags & PyBUF_WRITABLE) == PyBUF_WRITABLE;
  if ((writable && self->readonly) || fortran) {
    view->obj = NULL;
    PyErr_SetString(PyExc_BufferError, fortran ? "the matrix is stored by rows"
                                               : "the matrix is read-only: receive it writable");
    return -1;
  }
  view->obj = Py_NewRef(object);
  view->buf = self->data;
  view->len = matrix_bytes(self);
  view->readonly = self->readonly;
  view->itemsize = (Py_ssize_t)sizeof(double);
  view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? "d" : NULL;
  view->ndim = 2;
  view->shape = (flags & PyBUF_ND) == PyBUF_ND ? self->shape : NULL;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? self->strides : NULL;
  view->suboffsets = NULL;
  view->internal = NULL;
  self->exports++;
  return 0;
}

static void release_buffer(PyObject* object, Py_buffer* view) {
  (void)view;
  ((Matrix*)object)->exports--;
}

PyBufferProcs matrix_buffer = {get_buffer, release_buffer};
