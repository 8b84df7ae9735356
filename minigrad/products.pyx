"""Products of two matrices: the one place where minigrad meets a BLAS.

BLAS is called by a pointer to its `cblas_sgemm` or `cblas_dgemm`: that of MKL where it is installed
(the extra `mkl`), else that of the OpenBLAS inside NumPy's wheels, which NumPy has loaded already.
Without either `numpy.matmul` computes, with whatever it was built on. The results are the same
within rounding. MINIGRAD_PRODUCTS=mkl, openblas or numpy chooses one; `python -m minigrad doctor`
says which is in use.

Why not always NumPy: it reads the floating-point settings of the thread and warns of what a product
of infinities gives, and `numpy.dot` fills its result with zeros first.
"""

import ctypes
import os
import site
import sys
from pathlib import Path

cimport numpy as cnp
from libc.stdint cimport int64_t

import numpy as np

from .allocation cimport empty
from .quiet import quietly

cnp.import_array()

cdef enum:  # of the C interface to BLAS
    ROW_MAJOR = 101
    AS_IT_IS = 111
    TRANSPOSED = 112

ctypedef void (*Sgemm)(
    int order, int a_form, int b_form, int64_t M, int64_t N, int64_t K,
    float alpha, const void *a, int64_t a_step, const void *b, int64_t b_step,
    float beta, void *y, int64_t y_step) noexcept nogil
ctypedef void (*Dgemm)(
    int order, int a_form, int b_form, int64_t M, int64_t N, int64_t K,
    double alpha, const void *a, int64_t a_step, const void *b, int64_t b_step,
    double beta, void *y, int64_t y_step) noexcept nogil

cdef struct Matrix:
    void *data
    int form
    int64_t step  # from a row (of a transposed matrix: a column) to the next, in elements

cdef Sgemm sgemm = NULL
cdef Dgemm dgemm = NULL


# --- the product -------------------------------------------------------------------------------

cdef bint as_blas(cnp.ndarray x, Matrix *m) noexcept:
    """Whether BLAS can read x where it lies: rows or columns without gaps, one after another."""
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x)
    cdef Py_ssize_t rows = cnp.PyArray_DIM(x, 0), columns = cnp.PyArray_DIM(x, 1)
    cdef Py_ssize_t down = cnp.PyArray_STRIDE(x, 0), along = cnp.PyArray_STRIDE(x, 1)
    # The stride of a dimension of size 1 means nothing and may be anything.
    if columns == 1 or along == size:
        m.form = AS_IT_IS
        if rows == 1:
            down = columns * size
        along = columns * size
    elif rows == 1 or down == size:
        m.form = TRANSPOSED
        if columns == 1:
            along = rows * size
        down, along = along, rows * size
    else:
        return False
    m.data, m.step = cnp.PyArray_DATA(x), down // size
    return down % size == 0 and down >= along


cdef cnp.ndarray product(cnp.ndarray a, cnp.ndarray b):
    """A B of two matrices of one float dtype whose inner sizes agree, as a new C-ordered array."""
    cdef Matrix a_matrix, b_matrix
    cdef cnp.npy_intp[2] shape
    cdef Py_ssize_t K = cnp.PyArray_DIM(a, 1)
    cdef cnp.ndarray y
    # Taken once: another thread may choose another library while this one waits for the GIL.
    cdef Sgemm in_single = sgemm
    cdef Dgemm in_double = dgemm
    if in_single == NULL or in_double == NULL:
        return quietly(np.matmul, a, b)
    shape[0], shape[1] = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 1)
    if shape[0] == 0 or shape[1] == 0 or K == 0:
        return cnp.PyArray_ZEROS(2, shape, cnp.PyArray_TYPE(a), 0)
    if not as_blas(a, &a_matrix):
        a = cnp.PyArray_NewCopy(a, cnp.NPY_CORDER)
        as_blas(a, &a_matrix)
    if not as_blas(b, &b_matrix):
        b = cnp.PyArray_NewCopy(b, cnp.NPY_CORDER)
        as_blas(b, &b_matrix)
    y = empty(2, shape, cnp.PyArray_TYPE(a))
    cdef void *result = cnp.PyArray_DATA(y)
    cdef bint single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    with nogil:
        if single:
            in_single(ROW_MAJOR, a_matrix.form, b_matrix.form, shape[0], shape[1], K,
                      1, a_matrix.data, a_matrix.step, b_matrix.data, b_matrix.step,
                      0, result, shape[1])
        else:
            in_double(ROW_MAJOR, a_matrix.form, b_matrix.form, shape[0], shape[1], K,
                      1, a_matrix.data, a_matrix.step, b_matrix.data, b_matrix.step,
                      0, result, shape[1])
    return y


# --- whose product -----------------------------------------------------------------------------

def _mkl():
    """The library of the extra `mkl`, which pip puts beside Python's own."""
    for base in dict.fromkeys((sys.prefix, site.getuserbase())):
        for pattern in ("lib/libmkl_rt.so*", "lib/libmkl_rt*.dylib", "Library/bin/mkl_rt*.dll"):
            yield from Path(base).glob(pattern)


def _openblas():
    """The library inside NumPy's wheel."""
    numpy = Path(np.__file__).parent
    for folder in (numpy.parent / "numpy.libs", numpy / ".dylibs"):
        yield from folder.glob("libscipy_openblas64_*")


# No library is ever unloaded: ctypes does not, so a pointer stays good.
# Whose -> where its libraries may lie, and how they name the product for 64-bit sizes.
_PROVIDERS = {
    "mkl": (_mkl, "cblas_{}gemm_64"),
    "openblas": (_openblas, "scipy_cblas_{}gemm64_"),
}
_current = "numpy"


def _pointers(name):
    """The addresses of sgemm and dgemm of a provider, or None where they are not to be had."""
    files, symbol = _PROVIDERS[name]
    for path in files():
        try:
            library = ctypes.CDLL(str(path))
            found = [getattr(library, symbol.format(letter)) for letter in "sd"]
        except (OSError, AttributeError):  # for another machine, or without 64-bit sizes
            continue
        return tuple([ctypes.cast(function, ctypes.c_void_p).value for function in found])
    return None


def use(name):
    """Take products from "mkl", "openblas" (NumPy's own) or "numpy" (its matmul) from now on.

    Returns whose they were before. ValueError for another name, ImportError if it is not installed.
    """
    global _current, sgemm, dgemm
    if name != "numpy" and name not in _PROVIDERS:
        expected = ", ".join(map(repr, [*_PROVIDERS, "numpy"]))
        raise ValueError(f"products: got {name!r}, expected one of {expected}")
    found = 0, 0
    if name in _PROVIDERS:
        found = _pointers(name)
        if found is None:
            hint = "; pip install 'minigrad-cython[mkl]' brings it" if name == "mkl" else ""
            raise ImportError(f"products: {name} was not found{hint}")
    before, _current = _current, name
    sgemm = <Sgemm><size_t>found[0]
    dgemm = <Dgemm><size_t>found[1]
    return before


def provider():
    """Whose products are in use: "mkl", "openblas" or "numpy"."""
    return _current


def _choose():
    asked = os.environ.get("MINIGRAD_PRODUCTS")
    if asked:
        use(asked)
        return
    for name in _PROVIDERS:
        try:
            use(name)
            return
        except ImportError:
            continue


_choose()
