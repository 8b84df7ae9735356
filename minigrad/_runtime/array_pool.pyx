"""Large arrays start at a cache line, and reuse the memory that earlier ones have freed.

A training step makes and drops the same large arrays again and again. Memory that goes back to the
system in between returns as pages that the system has to find, fill with zeros and map one by one
(page faults), which can take a third of the step. Freed blocks are therefore cached and reused for
the next array of exactly the same size. The cache holds at most MINIGRAD_KEEP_MB (default 128; 0
disables it); a single block may take a quarter of that; the oldest blocks are dropped first.

Larger idle blocks are marked MADV_FREE where the system supports it: it may reclaim their pages
under memory pressure; otherwise the next array reuses them without page faults. Marked and used
blocks together are never more than what was once in use.

A vector of 64 bytes that does not start at a cache line touches two of them. NumPy's arrays start
at multiples of 16 bytes, by chance; ours, unless they are small, at multiples of 64.

This is a data-memory handler of NumPy (its enhancement proposal 49) that is set only while one of
our arrays is made: neither other arrays of the program nor other libraries notice. Below it is the
handler that was set when minigrad was imported. Everything here happens under the GIL.
"""

import os

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport SIZE_MAX
from libc.string cimport memmove, memset, strcpy

from .. import _checks

cnp.import_array()

cdef enum:
    LARGE = 65536  # bytes: for smaller blocks the C library is quick enough
    SMALL = 4096   # elements: fewer are not worth a handler of our own
    LINE = 64      # bytes, of a cache line
    MAX_BLOCKS = 64

cdef struct Block:
    void *data
    size_t size

cdef struct Shelf:  # blocks that wait for an array, the oldest first
    Block[MAX_BLOCKS] blocks
    int count
    size_t total

# Cached blocks stay ours; offered ones, the larger, the system may take back (MADV_FREE).
cdef Shelf cached, offered
cdef size_t limit = 0, in_use = 0, most_in_use = 0  # bytes

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
    #include <sys/mman.h>
    #include <unistd.h>
    #endif

    /* Whether the system has noted that it may take back the pages that lie in a block. */
    static int offer_pages(void *data, size_t size) {
    #ifdef MADV_FREE
        size_t page = (size_t) sysconf(_SC_PAGESIZE);
        size_t first = ((size_t) data + page - 1) / page * page;
        size_t last = ((size_t) data + size) / page * page;
        return first < last && madvise((void *) first, last - first, MADV_FREE) == 0;
    #else
        return 0;
    #endif
    }
    """
    bint offer_pages(void *data, size_t size) noexcept nogil


# --- blocks that start at a line ---------------------------------------------------------------
# A block of the handler below us is LINE bytes longer. Where it starts stands before the data.

cdef void *first_line(void *block) noexcept:
    """Where the first line begins that leaves room for an address before it."""
    return <void *>(<size_t>block // LINE * LINE + LINE)


cdef void *line_in(void *block) noexcept:
    """The data of a block, which then knows its block; NULL for NULL."""
    if block == NULL:
        return NULL
    cdef void *data = first_line(block)
    (<void **>data - 1)[0] = block
    return data


cdef void *block_of(void *data) noexcept:
    return (<void **>data - 1)[0]


cdef void *new_line(size_t size) noexcept:
    return line_in(theirs.malloc(theirs.ctx, size + LINE)) if size <= SIZE_MAX - LINE else NULL


cdef void free_line(void *data, size_t size) noexcept:
    theirs.free(theirs.ctx, block_of(data), size + LINE)


# --- the blocks that wait ----------------------------------------------------------------------

cdef void *take(Shelf *shelf, int i) noexcept:
    """Remove a block from the shelf; returns its memory."""
    cdef Block block = shelf.blocks[i]
    shelf.count -= 1
    shelf.total -= block.size
    memmove(&shelf.blocks[i], &shelf.blocks[i + 1], (shelf.count - i) * sizeof(Block))
    return block.data


cdef void drop_until(Shelf *shelf, size_t most, int blocks) noexcept:
    """Free the oldest blocks until at most so many bytes, and blocks, are left."""
    cdef size_t dropped
    while shelf.count > 0 and (shelf.total > most or shelf.count > blocks):
        dropped = shelf.blocks[0].size
        free_line(take(shelf, 0), dropped)


cdef void shelve(Shelf *shelf, void *data, size_t size) noexcept:
    """Add a block to the shelf."""
    drop_until(shelf, SIZE_MAX, MAX_BLOCKS - 1)
    shelf.blocks[shelf.count].data, shelf.blocks[shelf.count].size = data, size
    shelf.count += 1
    shelf.total += size


# --- what NumPy calls --------------------------------------------------------------------------

cdef void *counted(void *data, size_t size) noexcept:
    """data; unless it is NULL, so many bytes more are in use."""
    global in_use, most_in_use
    if data != NULL:
        in_use += size
        most_in_use = max(most_in_use, in_use)
    return data


cdef void *waiting(Shelf *shelf, size_t size) noexcept:
    """A block of that size from the shelf, or NULL."""
    cdef int i
    for i in range(shelf.count - 1, -1, -1):  # the newest is most likely in a cache
        if shelf.blocks[i].size == size:
            return take(shelf, i)
    return NULL


cdef void *allocate(void *context, size_t size) noexcept:
    cdef void *data = waiting(&offered if size > limit // 4 else &cached, size)
    if data != NULL:
        return counted(data, size)
    drop_until(&offered, most_in_use - min(in_use + size, most_in_use), MAX_BLOCKS)
    data = new_line(size)
    if data == NULL and cached.count + offered.count > 0:
        drop_until(&cached, 0, 0)
        drop_until(&offered, 0, 0)
        data = new_line(size)
    return counted(data, size)


cdef void *allocate_zeros(void *context, size_t items, size_t size) noexcept:
    if size > 0 and items > (SIZE_MAX - LINE) // size:
        return NULL
    size *= items
    cdef void *data = waiting(&cached, size)
    if data != NULL:
        memset(data, 0, size)
    else:  # pages that the system has zeroed, and maps when they are touched
        data = line_in(theirs.calloc(theirs.ctx, 1, size + LINE))
    return counted(data, size)


cdef void *reallocate(void *context, void *data, size_t size) noexcept:
    cdef void *block
    cdef size_t offset = <size_t>data - <size_t>block_of(data)
    if size > SIZE_MAX - LINE:
        return NULL
    block = theirs.realloc(theirs.ctx, block_of(data), size + LINE)
    if block != NULL:  # the values are as far from the start of the block as before
        memmove(first_line(block), <char *>block + offset, size)
    return line_in(block)


cdef void release(void *context, void *data, size_t size) noexcept:
    global in_use
    in_use -= min(size, in_use)
    if data != NULL and LARGE <= size <= limit // 4:
        drop_until(&cached, limit - size, MAX_BLOCKS)
        shelve(&cached, data, size)
    elif data != NULL and size > limit // 4 > 0 and offer_pages(data, size):
        shelve(&offered, data, size)
    elif data != NULL:
        free_line(data, size)


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

cdef cnp.ndarray empty_array(int ndim, const cnp.npy_intp *dims, int type_number):
    """A new C-ordered array, values undefined; a large one reuses a cached block of its size."""
    if is_small(ndim, dims):
        return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>dims, type_number, 0)
    before = cnp.PyDataMem_SetHandler(our_handler)
    try:
        return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp *>dims, type_number, 0)
    finally:
        cnp.PyDataMem_SetHandler(before)


cdef bint is_small(int ndim, const cnp.npy_intp *dims) noexcept:
    """Whether an array is left to NumPy, as all are without a cache: with ends of its own."""
    cdef double elements = 1
    cdef int i
    for i in range(ndim):
        elements *= dims[i]
    return elements < SMALL or limit == 0


cdef cnp.ndarray copied(cnp.ndarray array):
    """A new C-ordered array with the same values."""
    if is_small(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array)):
        return cnp.PyArray_NewCopy(array, cnp.NPY_CORDER)
    before = cnp.PyDataMem_SetHandler(our_handler)
    try:
        return cnp.PyArray_NewCopy(array, cnp.NPY_CORDER)
    finally:
        cnp.PyDataMem_SetHandler(before)


cdef object made(object make, tuple shape, object dtype, Py_ssize_t size):
    """make(shape, dtype) of `size` bytes: what np.empty or np.zeros gives, but at a cache line."""
    if size < SMALL * 4 or limit == 0:
        return make(shape, dtype)
    before = cnp.PyDataMem_SetHandler(our_handler)
    try:
        return make(shape, dtype)
    finally:
        cnp.PyDataMem_SetHandler(before)


cdef cnp.ndarray empty_array_of(tuple shape, int type_number):
    """The same for a shape."""
    cdef cnp.npy_intp[MAX_DIMENSIONS] dims
    cdef int i
    for i in range(len(shape)):
        dims[i] = shape[i]
    return empty_array(len(shape), dims, type_number)


def set_limit(megabytes):
    """Cache at most so many MiB from now on (0: none); returns what the limit was.

    Offered blocks do not count; they are freed here and now.
    """
    global limit, most_in_use
    cdef size_t before = limit
    limit = min(_checks.integer("set_limit", "megabytes", megabytes), 2**40) * 1048576
    drop_until(&cached, limit, MAX_BLOCKS)
    drop_until(&offered, 0, 0)
    most_in_use = in_use
    return before // 1048576


def cached_bytes():
    """How many bytes are cached."""
    return cached.total


def reclaimable_bytes():
    """How many bytes wait in blocks whose pages the system may take back."""
    return offered.total


def _from_environment():
    asked = os.environ.get("MINIGRAD_KEEP_MB", "")
    if asked and not asked.isdecimal():
        raise ValueError(f"MINIGRAD_KEEP_MB must be a number of MiB, got {asked!r}")
    set_limit(int(asked or 128))


_from_environment()
