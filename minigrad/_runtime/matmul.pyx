"""Products of two matrices, and what computes them.

MKL does, where it is installed (the extra `mkl`). Otherwise `_kernels/linear.pyx` multiplies, if
its loops in use are those for AVX-512, large products in parts on several threads (`workers.pyx`).
Two cases still go to BLAS: shapes that would fill too little of the tiles, and very large products,
for which it packs both factors. Without AVX-512 BLAS computes everything. Stacks of
matrices go to `numpy.matmul`, except those of convolution, which are multiplied one by one where
the loops of `_kernels/linear.pyx` are meant for them.

BLAS is called by a pointer to its `cblas_sgemm` or `cblas_dgemm`: MKL's, or that of the OpenBLAS
inside NumPy's wheels, which NumPy has loaded already. Without either, `numpy.matmul` computes, with
whatever it was built on. All results are the same within rounding. MINIGRAD_PRODUCTS=mkl, minigrad,
openblas or numpy chooses; `python -m minigrad doctor` says which is in use, and times the others.

Why not always NumPy? It reads the floating-point settings of the thread and warns about products of
infinities, and `numpy.dot` first fills its result with zeros.
"""

import ctypes
import os
import site
import sys
from pathlib import Path

cimport numpy as cnp
from libc.stdint cimport int64_t

import numpy as np

from .._kernels.linear cimport (
    Matrix, add_bias, has_wide_vectors, multiply, transposed, worthwhile,
)
from .._kernels.switch cimport switch
from .array_pool cimport copied, empty_array_of
from .fp_warnings import quietly
from .workers cimport Part, begin_of, enough_parts, in_parts

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

cdef struct Product:
    Matrix a, b, y
    bint single

cdef struct Stack:
    Product first
    Py_ssize_t count, groups                            # pairs of matrices: n and g together
    Py_ssize_t[2] a_step, b_step, y_step                # in bytes, from n to n + 1 and from g

cdef struct ForBlas:
    int form
    int64_t step  # from a row (of a transposed matrix: a column) to the next, in elements

cdef bint ours = False   # whether our loops take the products that suit them
cdef Sgemm sgemm = NULL
cdef Dgemm dgemm = NULL


# --- the product -------------------------------------------------------------------------------

cdef Matrix matrix(cnp.ndarray x) noexcept:
    """x, or the first matrix of a stack, where it lies; aligned, hence in whole steps."""
    cdef int ndim = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(x)
    return Matrix(
        cnp.PyArray_DATA(x), cnp.PyArray_DIM(x, ndim - 2), cnp.PyArray_DIM(x, ndim - 1),
        cnp.PyArray_STRIDE(x, ndim - 2) // size, cnp.PyArray_STRIDE(x, ndim - 1) // size)


cdef bint as_blas(Matrix x, ForBlas *m) noexcept:
    """Whether BLAS can read x where it lies: rows or columns without gaps, one after another."""
    # The stride of a dimension of size 1 means nothing and may be anything.
    if x.columns == 1 or x.column_stride == 1:
        m.form, m.step = AS_IT_IS, x.columns if x.rows == 1 else x.row_stride
        return m.step >= x.columns
    if x.rows == 1 or x.row_stride == 1:
        m.form, m.step = TRANSPOSED, x.column_stride
        return m.step >= x.rows
    return False


cdef int some_columns(void *task, int part, int parts) except -1 nogil:
    """A part of a product."""
    cdef Product *p = <Product *>task
    return multiply(p.a, p.b, p.y, p.single, part, parts)


cdef int some_products(void *task, int part, int parts) except -1 nogil:
    """A part of the products of two stacks."""
    cdef Stack *s = <Stack *>task
    cdef Product p = s.first
    cdef Py_ssize_t i, n, g
    for i in range(begin_of(part, parts, s.count, 1), begin_of(part + 1, parts, s.count, 1)):
        n, g = i // s.groups, i % s.groups
        p.a.data = <char *>s.first.a.data + n * s.a_step[0] + g * s.a_step[1]
        p.b.data = <char *>s.first.b.data + n * s.b_step[0] + g * s.b_step[1]
        p.y.data = <char *>s.first.y.data + n * s.y_step[0] + g * s.y_step[1]
        multiply(p.a, p.b, p.y, p.single)
    return 0


cdef bint by_our_loops() noexcept:
    """Whether our loops take the products that suit them."""
    return ours


cdef double multiplications(Matrix a, Matrix b) noexcept nogil:
    return <double>a.rows * a.columns * b.columns


cpdef int linear_forward(
    cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray y, bint turned
) except -1:
    """Y = X Wᵀ + b for matrices X and W, a row b or None, and a C-ordered Y; of one float dtype.

    turned: `weight` is Wᵀ already, so that Y = A B is a linear layer without a bias.
    """
    if not switch.compiled:
        if bias is None:
            (<object>switch).matmul(x, weight if turned else (<object>weight).T, y)
        else:
            (<object>switch).linear_forward(x, weight, bias, y)
        return 0
    # Taken once: another thread may choose another library while this one waits for the GIL.
    cdef Sgemm in_single = sgemm
    cdef Dgemm in_double = dgemm
    cdef ForBlas x_blas, w_blas
    cdef bint single = cnp.PyArray_TYPE(y) == cnp.NPY_FLOAT32, by_loops, by_blas
    cdef Matrix A = matrix(x), B = matrix(weight), Y = matrix(y)
    if not turned:
        B = transposed(B)
    if Y.rows == 0 or Y.columns == 0:
        return 0
    by_loops = ours and A.columns > 0 and worthwhile(A, B, single)
    by_blas = not by_loops and A.columns > 0 and in_single != NULL and in_double != NULL
    if by_blas and not as_blas(A, &x_blas):
        x = copied(x)
        A = matrix(x)
        as_blas(A, &x_blas)
    if by_blas and not as_blas(B, &w_blas):
        weight = copied(weight)
        B = matrix(weight) if turned else transposed(matrix(weight))
        as_blas(B, &w_blas)
    if not by_loops and not by_blas:
        quietly(np.matmul, x, weight if turned else (<object>weight).T, y)
    if bias is not None and not cnp.PyArray_ISCARRAY_RO(bias):
        bias = copied(bias)
    cdef const void *row = NULL if bias is None else cnp.PyArray_DATA(bias)
    cdef Product product = Product(A, B, Y, single)
    cdef int parts = enough_parts(multiplications(A, B), SHARE) if by_loops else 1
    with nogil:
        if by_loops:
            in_parts(<Part>some_columns, &product, parts)
        elif by_blas and single:
            in_single(ROW_MAJOR, x_blas.form, w_blas.form, A.rows, B.columns, A.columns,
                      1, A.data, x_blas.step, B.data, w_blas.step, 0, Y.data, B.columns)
        elif by_blas:
            in_double(ROW_MAJOR, x_blas.form, w_blas.form, A.rows, B.columns, A.columns,
                      1, A.data, x_blas.step, B.data, w_blas.step, 0, Y.data, B.columns)
        if row != NULL and single:
            add_bias(<const float *>row, <float *>Y.data, Y.rows, Y.columns)
        elif row != NULL:
            add_bias(<const double *>row, <double *>Y.data, Y.rows, Y.columns)
    return 0


cpdef cnp.ndarray products(cnp.ndarray a, cnp.ndarray b, cnp.ndarray y):
    """y = a b for each pair of matrices of two stacks (n, groups, …) of aligned floats.

    A stack of n = 1 is repeated. Without y (None), a new array.
    """
    cdef Matrix A = matrix(a), B = matrix(b)
    cdef Py_ssize_t groups = cnp.PyArray_DIM(a, 1)
    cdef Stack stack
    cdef int i, parts
    cdef bint single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    if not (ours and switch.compiled and A.columns > 0 and worthwhile(A, B, single)):
        return quietly(np.matmul, a, b, y)
    stack.count = max(cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(b, 0))
    if y is None:
        y = empty_array_of((stack.count, groups, A.rows, B.columns), cnp.PyArray_TYPE(a))
    stack.count, stack.groups = stack.count * groups, groups
    stack.first = Product(A, B, matrix(y), single)
    for i in range(2):
        stack.a_step[i], stack.b_step[i] = to_next(a, i), to_next(b, i)
        stack.y_step[i] = to_next(y, i)
    parts = enough_parts(stack.count * multiplications(A, B), SHARE)
    with nogil:
        in_parts(<Part>some_products, &stack, parts)
    return y


cdef Py_ssize_t to_next(cnp.ndarray x, int dimension) noexcept:
    """Bytes to the next matrix of a stack: 0 in a dimension of one, which is repeated."""
    return cnp.PyArray_STRIDE(x, dimension) if cnp.PyArray_DIM(x, dimension) > 1 else 0


# --- which library -----------------------------------------------------------------------------

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
    """The addresses of sgemm and dgemm of a library, or None if it is not there."""
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

    Returns which it was before. ValueError for another name, ImportError if it is not installed.
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
    """Which products are in use: "mkl", "minigrad", "openblas" or "numpy"."""
    return _current


def _choose():
    asked = os.environ.get("MINIGRAD_PRODUCTS")
    for name in [asked] if asked else _PROVIDERS:
        if name == "minigrad" and not asked and not has_wide_vectors():
            continue
        try:
            use(name)
            return
        except ImportError:
            if asked:
                raise


_choose()
