"""Large arrays are made in memory that earlier ones have left.

A training step makes and drops the same large arrays again and again. Memory that goes back to the
system in between returns as pages that the system has to find, fill with zeros and enter one by
one, which can take a third of the step. So the blocks of large arrays of ours wait here for the
next array of exactly their size: the newest of them, and not more bytes than `keep` allows
(MINIGRAD_KEEP_MB at import, 128 if it is not set, 0 to keep none), of which one takes a quarter at
most.

This is a data-memory handler of NumPy (its enhancement proposal 49) that is set only while one of
our arrays is made: neither other arrays of the program nor other libraries notice. What it hands on
to is the handler that was set when minigrad was imported. Everything here happens under the GIL.
"""

import os

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.string cimport memmove, strcpy

from . import checks

cnp.import_array()

cdef enum:
    LARGE = 65536  # bytes: smaller blocks are quickly had from the C library
    PLACES = 64

cdef struct Block:
    void *data
    size_t size

cdef Block[PLACES] waiting  # the oldest first
cdef int count = 0
cdef size_t total = 0, limit = 0


# --- the blocks that wait ----------------------------------------------------------------------

cdef void *taken(int i) noexcept:
    """The memory of a waiting block, which waits no longer."""
    global count, total
    cdef Block block = waiting[i]
    count -= 1
    total -= block.size
    memmove(&waiting[i], &waiting[i + 1], (count - i) * sizeof(Block))
    return block.data


cdef void drop_until(size_t most, int places) noexcept:
    """Give the oldest blocks back until no more than these bytes and places are in use."""
    cdef size_t dropped
    while count > 0 and (total > most or count > places):
        dropped = waiting[0].size
        theirs.free(theirs.ctx, taken(0), dropped)


# --- what NumPy calls --------------------------------------------------------------------------

cdef void *allocate(void *context, size_t size) noexcept:
    cdef int i
    cdef void *data
    for i in range(count - 1, -1, -1):  # the newest is the most likely to be in a cache
        if waiting[i].size == size:
            return taken(i)
    data = theirs.malloc(theirs.ctx, size)
    if data == NULL and count > 0:
        drop_until(0, 0)
        data = theirs.malloc(theirs.ctx, size)
    return data


cdef void *allocate_zeros(void *context, size_t items, size_t size) noexcept:
    return theirs.calloc(theirs.ctx, items, size)


cdef void *reallocate(void *context, void *data, size_t size) noexcept:
    return theirs.realloc(theirs.ctx, data, size)


cdef void release(void *context, void *data, size_t size) noexcept:
    global count, total
    if data == NULL or size < LARGE or size > limit // 4:  # one for a whole data set never returns
        theirs.free(theirs.ctx, data, size)
        return
    drop_until(limit - size, PLACES - 1)
    waiting[count].data, waiting[count].size = data, size
    count += 1
    total += size


cdef object their_handler = cnp.PyDataMem_GetHandler()
cdef cnp.PyDataMemAllocator theirs = (
    <cnp.PyDataMem_Handler *>PyCapsule_GetPointer(their_handler, "mem_handler")).allocator
cdef cnp.PyDataMem_Handler handler
strcpy(handler.name, b"minigrad")
handler.version = 1
handler.allocator.ctx = NULL
handler.allocator.malloc = allocate
handler.allocator.calloc = allocate_zeros
handler.allocator.realloc = reallocate
handler.allocator.free = release
cdef object our_handler = PyCapsule_New(&handler, "mem_handler", NULL)


# --- arrays ------------------------------------------------------------------------------------

cdef cnp.ndarray empty(int ndim, const cnp.npy_intp *dims, int type_number):
    """A new C-ordered array, values undefined; if it is large, in a block that waited for it."""
    cdef double elements = 1
    cdef int i
    for i in range(ndim):
        elements *= dims[i]
    if elements * 8 < LARGE or limit == 0:
        return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>dims, type_number, 0)
    before = cnp.PyDataMem_SetHandler(our_handler)
    try:
        return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>dims, type_number, 0)
    finally:
        cnp.PyDataMem_SetHandler(before)


cdef cnp.ndarray empty_of(tuple shape, int type_number):
    """The same for a shape."""
    cdef cnp.npy_intp[64] dims
    cdef int i
    for i in range(len(shape)):
        dims[i] = shape[i]
    return empty(len(shape), dims, type_number)


def keep(megabytes):
    """From now on let no more than so many MiB wait (0: none); returns what the limit was."""
    global limit
    cdef size_t before = limit
    limit = min(checks.size("keep", "megabytes", megabytes), 2**40) * 1048576
    drop_until(limit, PLACES)
    return before // 1048576


def kept():
    """How many bytes wait now."""
    return total


def _from_environment():
    asked = os.environ.get("MINIGRAD_KEEP_MB", "")
    if asked and not asked.isdecimal():
        raise ValueError(f"MINIGRAD_KEEP_MB must be a number of MiB, got {asked!r}")
    keep(int(asked or 128))


_from_environment()
