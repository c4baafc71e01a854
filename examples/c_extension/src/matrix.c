/* Matrix: rows, columns and their numbers. It has none of the three ways, so pickle refuses it. */
#include "matrix.h"

#include <string.h>

/* Matrix(rows=0, columns=0, data=None): zeros, or a copy of what a buffer holds. Without
 * arguments it is empty: so pickle makes the object that __setstate__ fills. */
static PyObject* matrix_new(PyTypeObject* type, PyObject* args, PyObject* names) {
  static char* keywords[] = {"rows", "columns", "data", NULL};
  Py_ssize_t rows = 0, columns = 0;
  Py_buffer data = {0};
  if (!PyArg_ParseTupleAndKeywords(args, names, "|nny*:Matrix", keywords, &rows, &columns, &data))
    return NULL;
  Matrix* self = (Matrix*)type->tp_alloc(type, 0);
  if (self != NULL && matrix_fill(self, rows, columns, data.buf, data.len) < 0) Py_CLEAR(self);
  PyBuffer_Release(&data); /* without one it does nothing */
  return (PyObject*)self;
}

static void matrix_dealloc(PyObject* self) {
  matrix_clear((Matrix*)self);
  Py_TYPE(self)->tp_free(self);
}

static PyObject* matrix_repr(PyObject* object) {
  const Matrix* self = (const Matrix*)object;
  return PyUnicode_FromFormat("<%s of %zd rows and %zd columns>", Py_TYPE(self)->tp_name,
                              self->shape[0], self->shape[1]);
}

/* Equal in shape and in each number, whatever way they travel. NaN equals nothing, as always. */
static PyObject* matrix_compare(PyObject* one, PyObject* other, int operation) {
  if ((operation != Py_EQ && operation != Py_NE) || !PyObject_TypeCheck(other, &Matrix_Type))
    Py_RETURN_NOTIMPLEMENTED;
  const Matrix *a = (const Matrix*)one, *b = (const Matrix*)other;
  int equal = memcmp(a->shape, b->shape, sizeof a->shape) == 0;
  const Py_ssize_t numbers = equal ? matrix_bytes(a) / (Py_ssize_t)sizeof(double) : 0;
  for (Py_ssize_t i = 0; equal && i < numbers; i++) equal = a->data[i] == b->data[i];
  return PyBool_FromLong(equal == (operation == Py_EQ));
}

PyObject* matrix_parts(Matrix* self) {
  return Py_BuildValue("nny#", self->shape[0], self->shape[1], (const char*)self->data,
                       matrix_bytes(self));
}

static PyObject* get_rows(PyObject* self, void* closure) {
  (void)closure;
  return PyLong_FromSsize_t(((Matrix*)self)->shape[0]);
}

static PyObject* get_columns(PyObject* self, void* closure) {
  (void)closure;
  return PyLong_FromSsize_t(((Matrix*)self)->shape[1]);
}

static PyGetSetDef attributes[] = {
    {"rows", get_rows, NULL, "How many rows it has.", NULL},
    {"columns", get_columns, NULL, "How many numbers a row has.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject Matrix_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "matrices.Matrix",
    .tp_doc = "Matrix(rows=0, columns=0, data=None): doubles in memory of C's.",
    .tp_basicsize = sizeof(Matrix),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = matrix_new,
    .tp_dealloc = matrix_dealloc,
    .tp_repr = matrix_repr,
    .tp_richcompare = matrix_compare,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getset = attributes,
    .tp_as_buffer = &matrix_buffer,
};
