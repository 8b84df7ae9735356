cimport numpy as cnp


cdef cnp.ndarray empty(int ndim, const cnp.npy_intp *dims, int type_number)
cdef cnp.ndarray empty_of(tuple shape, int type_number)
