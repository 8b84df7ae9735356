"""The machine room; skip it on first reading.

    matmul        what multiplies matrices: our loops, NumPy, or a BLAS
    convolution   convolutions by our loops, for which no columns are made
    array_pool    the memory of large arrays, cached for the next array of the same size
    fp_warnings   floating-point operations without warnings
    deallocation  a graph of any depth is freed on a small stack
    workers       large work in parts, on plain threads
    threads       how many of them
    versions      memory that several tensors share, and how often it was written
"""
