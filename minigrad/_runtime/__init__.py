"""The machine room; skip it on first reading.

    matmul        who multiplies matrices: our loops, NumPy, or a BLAS
    array_pool    freed memory of large arrays waits for the next array of its size
    fp_warnings   floating-point operations without warnings
    deallocation  a graph of any depth is freed on a small stack
    versions      memory that several tensors share, and how often it was written
"""
