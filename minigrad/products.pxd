cimport numpy as cnp


cdef cnp.ndarray product(cnp.ndarray a, cnp.ndarray b)
