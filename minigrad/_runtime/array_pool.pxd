cimport numpy as cnp

cdef enum:
    MAX_DIMENSIONS = 64   # of an array: NumPy's limit


cdef cnp.ndarray empty_array(int ndim, const cnp.npy_intp *dims, int type_number)
cdef cnp.ndarray empty_array_of(tuple shape, int type_number)
cdef cnp.ndarray copied(cnp.ndarray array)
cdef object made(object make, tuple shape, object dtype, Py_ssize_t size)
