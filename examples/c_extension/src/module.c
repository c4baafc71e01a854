/* The module: three matrices, and how many bytes they hold. */
#include "matrix.h"

static PyObject* get_allocated(PyObject* module, PyObject* unused) {
  (void)module;
  (void)unused;
  return PyLong_FromSsize_t(matrix_allocated());
}

static PyMethodDef functions[] = {
    {"allocated", get_allocated, METH_NOARGS,
     "How many bytes all matrices of this process have allocated: lent memory is not counted."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "matrices",
    .m_doc = "Matrices of doubles that cross a process border in three ways.",
    .m_size = -1, /* static types and one count: one interpreter */
    .m_methods = functions,
};

/* Registered at import: a message may come as soon as the module is there. */
PyMODINIT_FUNC PyInit_matrices(void) {
  PyTypeObject* const types[] = {&Matrix_Type, &StateMatrix_Type, &ReduceMatrix_Type,
                                 &SharedMatrix_Type};
  PyObject* module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (PyModule_AddType(module, types[i]) < 0) goto failed;
  }
  if (shared_register() < 0) goto failed;
  return module;
failed:
  Py_DECREF(module);
  return NULL;
}
