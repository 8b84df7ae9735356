"""Products of two matrices: who computes them.

MKL does where it is installed (the extra `mkl`). Else, in a build for a processor with AVX-512, the
loops of `_kernels/linear.pyx` do, which for the matrices of a small network are faster than the
BLAS of NumPy's wheels; they leave to it what would fill less than half of their tiles, and what is
so large that its threads pay. In other builds all goes to BLAS. So do stacks of matrices, through
`numpy.matmul`, except those of convolution.

BLAS is called by a pointer to its `cblas_sgemm` or `cblas_dgemm`: MKL's, or that of the OpenBLAS
inside NumPy's wheels, which NumPy has loaded already. Without either `numpy.matmul` computes, with
whatever it was built on. All results are the same within rounding. MINIGRAD_PRODUCTS=mkl, minigrad,
openblas or numpy chooses; `python -m minigrad doctor` says which is in use, and times the others.

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

from ._kernels.elementwise cimport in_use
from ._kernels.linear cimport Matrix, fills_tiles, multiply
from .allocation cimport empty, empty_of
from .quiet import quietly

cnp.import_array()

cdef extern from *:
    """
    #ifdef __AVX512F__
    #define MINIGRAD_HAS_WIDE_VECTORS 1
    #else
    #define MINIGRAD_HAS_WIDE_VECTORS 0
    #endif
    """
    const bint WIDE_VECTORS "MINIGRAD_HAS_WIDE_VECTORS"

cdef enum:
    LARGEST = 1073741824   # multiplications that our loops take, 1024³: 11 ms in float32

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

cdef struct ForBlas:
    int form
    int64_t step  # from a row (of a transposed matrix: a column) to the next, in elements

cdef bint ours = False   # whether our loops take what suits them
cdef Sgemm sgemm = NULL
cdef Dgemm dgemm = NULL


# --- the product -------------------------------------------------------------------------------

cdef Matrix matrix(cnp.ndarray x):
    """x, or the first matrix of a stack, where it lies; aligned, hence in whole steps."""
    cdef int ndim = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x)
    return Matrix(
        cnp.PyArray_DATA(x), cnp.PyArray_DIM(x, ndim - 2), cnp.PyArray_DIM(x, ndim - 1),
        cnp.PyArray_STRIDE(x, ndim - 2) // size, cnp.PyArray_STRIDE(x, ndim - 1) // size)


cdef bint suits(Matrix a, Matrix b, bint single) noexcept:
    """Whether our loops compute this product."""
    return (ours and in_use() and a.columns > 0 and fills_tiles(a, b, single)
            and <double>a.rows * b.columns * a.columns <= LARGEST)


cdef bint as_blas(Matrix x, ForBlas *m) noexcept:
    """Whether BLAS can read x where it lies: rows or columns without gaps, one after another."""
    # The stride of a dimension of size 1 means nothing and may be anything.
    if x.columns == 1 or x.along == 1:
        m.form, m.step = AS_IT_IS, x.columns if x.rows == 1 else x.down
        return m.step >= x.columns
    if x.rows == 1 or x.down == 1:
        m.form, m.step = TRANSPOSED, x.along
        return m.step >= x.rows
    return False


cdef cnp.ndarray product(cnp.ndarray a, cnp.ndarray b):
    """A B of two matrices of one float dtype whose inner sizes agree, as a new C-ordered array."""
    cdef ForBlas a_blas, b_blas
    cdef cnp.npy_intp[2] shape
    cdef cnp.ndarray y
    # Taken once: another thread may choose another library while this one waits for the GIL.
    cdef Sgemm in_single = sgemm
    cdef Dgemm in_double = dgemm
    cdef bint single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    cdef Matrix A = matrix(a), B = matrix(b), Y
    shape[0], shape[1] = A.rows, B.columns
    if A.rows == 0 or B.columns == 0 or A.columns == 0:
        return cnp.PyArray_ZEROS(2, shape, cnp.PyArray_TYPE(a), 0)
    cdef bint by_loops = suits(A, B, single)
    if not by_loops and (in_single == NULL or in_double == NULL or not in_use()):
        return quietly(np.matmul, a, b)
    y = empty(2, shape, cnp.PyArray_TYPE(a))   # before any copy: it may be too large
    Y = matrix(y)
    if by_loops:
        with nogil:
            multiply(A, B, Y, single)
        return y
    if not as_blas(A, &a_blas):
        a = cnp.PyArray_NewCopy(a, cnp.NPY_CORDER)
        A = matrix(a)
        as_blas(A, &a_blas)
    if not as_blas(B, &b_blas):
        b = cnp.PyArray_NewCopy(b, cnp.NPY_CORDER)
        B = matrix(b)
        as_blas(B, &b_blas)
    with nogil:
        if single:
            in_single(ROW_MAJOR, a_blas.form, b_blas.form, A.rows, B.columns, A.columns,
                      1, A.data, a_blas.step, B.data, b_blas.step, 0, Y.data, B.columns)
        else:
            in_double(ROW_MAJOR, a_blas.form, b_blas.form, A.rows, B.columns, A.columns,
                      1, A.data, a_blas.step, B.data, b_blas.step, 0, Y.data, B.columns)
    return y


cdef cnp.ndarray products(cnp.ndarray a, cnp.ndarray b, cnp.ndarray y):
    """y = a b for each pair of matrices of two stacks (n, groups, …) of aligned floats.

    A stack of n = 1 is repeated. Without y (None), a new array.
    """
    cdef Matrix A = matrix(a), B = matrix(b), Y
    cdef Py_ssize_t n, g, stacks = max(cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 0))
    cdef Py_ssize_t a_step = cnp.PyArray_STRIDE(a, 0) if cnp.PyArray_DIM(a, 0) > 1 else 0
    cdef Py_ssize_t b_step = cnp.PyArray_STRIDE(b, 0) if cnp.PyArray_DIM(b, 0) > 1 else 0
    cdef bint single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    if not suits(A, B, single):
        return quietly(np.matmul, a, b, y)
    if y is None:
        y = empty_of((stacks, cnp.PyArray_DIM(a, 1), A.rows, B.columns), cnp.PyArray_TYPE(a))
    Y = matrix(y)
    with nogil:
        for n in range(stacks):
            for g in range(cnp.PyArray_DIM(a, 1)):
                A.data = cnp.PyArray_BYTES(a) + n * a_step + g * cnp.PyArray_STRIDE(a, 1)
                B.data = cnp.PyArray_BYTES(b) + n * b_step + g * cnp.PyArray_STRIDE(b, 1)
                Y.data = (cnp.PyArray_BYTES(y) + n * cnp.PyArray_STRIDE(y, 0)
                          + g * cnp.PyArray_STRIDE(y, 1))
                multiply(A, B, Y, single)
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
_LIBRARIES = {
    "mkl": (_mkl, "cblas_{}gemm_64"),
    "openblas": (_openblas, "scipy_cblas_{}gemm64_"),
}
_PROVIDERS = ("mkl", "minigrad", "openblas", "numpy")   # whom to ask first
_current = "numpy"


def _pointers(name):
    """The addresses of sgemm and dgemm of a library, or None where they are not to be had."""
    files, symbol = _LIBRARIES[name]
    for path in files():
        try:
            library = ctypes.CDLL(str(path))
            found = [getattr(library, symbol.format(letter)) for letter in "sd"]
        except (OSError, AttributeError):  # for another machine, or without 64-bit sizes
            continue
        return tuple([ctypes.cast(function, ctypes.c_void_p).value for function in found])
    return None


def use(name):
    """Take products from "mkl", "minigrad" (our loops, and "openblas" for what they leave),
    "openblas" (NumPy's own) or "numpy" (its matmul) from now on.

    Returns whose they were before. ValueError for another name, ImportError if it is not installed.
    """
    global _current, ours, sgemm, dgemm
    if name not in _PROVIDERS:
        expected = ", ".join(map(repr, _PROVIDERS))
        raise ValueError(f"products: got {name!r}, expected one of {expected}")
    library = "openblas" if name == "minigrad" else name
    found = _pointers(library) if library in _LIBRARIES else (0, 0)
    if found is None and library == name:
        hint = "; pip install 'minigrad-cython[mkl]' brings it" if name == "mkl" else ""
        raise ImportError(f"products: {name} was not found{hint}")
    before, _current = _current, name
    ours = name == "minigrad"
    found = found or (0, 0)
    sgemm, dgemm = <Sgemm><size_t>found[0], <Dgemm><size_t>found[1]
    return before


def provider():
    """Whose products are in use: "mkl", "minigrad", "openblas" or "numpy"."""
    return _current


def _choose():
    asked = os.environ.get("MINIGRAD_PRODUCTS")
    for name in [asked] if asked else _PROVIDERS:
        if name == "minigrad" and not asked and not WIDE_VECTORS:
            continue
        try:
            use(name)
            return
        except ImportError:
            if asked:
                raise


_choose()
