/* A matrix of doubles, and what the files of this module have of one another. */
#ifndef MATRIX_H
#define MATRIX_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* One struct for all the types: they differ only in how they cross a process border.
 *
 * Its memory is its own (owner is NULL, and data comes from malloc), or is lent by another object
 * (owner keeps data valid). An owner never refers to the matrix, so there is no cycle to collect.
 */
typedef struct {
  PyObject_HEAD double* data;
  PyObject* owner;
  Py_ssize_t shape[2];   /* rows, columns */
  Py_ssize_t strides[2]; /* in bytes; buffers point at both, so they stay while one is out */
  Py_ssize_t exports;    /* buffers that are out */
  int readonly;
} Matrix;

/* matrix.c: what the types have in common. */
extern PyTypeObject Matrix_Type;
PyObject* matrix_parts(Matrix* self); /* (rows, columns, bytes): what Matrix() takes */

/* buffer.c */
extern PyBufferProcs matrix_buffer;

/* memory.c: functions with an int return 0, or -1 with an exception set. */
int matrix_size(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t* size);
int matrix_fill(Matrix* self, Py_ssize_t rows, Py_ssize_t columns, const void* data,
                Py_ssize_t size);
void matrix_borrow(Matrix* self, Py_ssize_t rows, Py_ssize_t columns, void* data, PyObject* owner,
                   int readonly);
void matrix_clear(Matrix* self);
Py_ssize_t matrix_bytes(const Matrix* self);
Py_ssize_t matrix_allocated(void);

/* state.c, reduce.c, shared.c: three ways across a process border. */
extern PyTypeObject StateMatrix_Type;
extern PyTypeObject ReduceMatrix_Type;
extern PyTypeObject SharedMatrix_Type;
int shared_register(void);

#endif
