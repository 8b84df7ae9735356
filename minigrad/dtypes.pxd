# The order of dtypes that promotion knows, for C code: a kind above another decides.

cimport numpy as cnp


cdef inline int kind_of(int type_number) noexcept:
    """0 for bool, 1 for integers, 2 for floats."""
    if type_number in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        return 2
    return 0 if type_number == cnp.NPY_BOOL else 1
