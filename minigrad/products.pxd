cimport numpy as cnp


cdef cnp.ndarray product(cnp.ndarray a, cnp.ndarray b)
cdef cnp.ndarray products(cnp.ndarray a, cnp.ndarray b, cnp.ndarray y)
