/* The first way: __getstate__ and __setstate__. Pickle makes an empty object and fills it. */
#include "matrix.h"

static PyObject* get_state(PyObject* self, PyObject* unused) {
  (void)unused;
  return matrix_parts((Matrix*)self);
}

/* Anybody may call it, at any time and with anything: it checks as the constructor does, and
 * changes nothing unless all is well. */
static PyObject* set_state(PyObject* self, PyObject* state) {
  Py_ssize_t rows, columns;
  Py_buffer data = {0};
  if (!PyTuple_Check(state)) {
    PyErr_SetString(PyExc_TypeError, "the state is (rows, columns, bytes)");
    return NULL;
  }
  if (!PyArg_ParseTuple(state, "nny*:__setstate__", &rows, &columns, &data)) return NULL;
  const int done = matrix_fill((Matrix*)self, rows, columns, data.buf, data.len);
  PyBuffer_Release(&data);
  if (done < 0) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"__getstate__", get_state, METH_NOARGS, "(rows, columns, bytes)"},
    {"__setstate__", set_state, METH_O, "Become what the state says."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject StateMatrix_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "matrices.StateMatrix",
    .tp_doc = "A matrix that is pickled by __getstate__ and __setstate__.",
    .tp_basicsize = sizeof(Matrix),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_base = &Matrix_Type,
    .tp_methods = methods,
};
