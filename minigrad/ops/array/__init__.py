"""What else arrays can do; skip it on first reading. In reading order:

    creation   tensors from values: tensor, zeros, arange, …
    sampling   tensors of random numbers
    typed      FloatTensor, LongTensor, …: torch's older constructors
    indexing   x[key] and x[key] = value
    gathering  gather, index_select, masked_fill, scatter_
    ordering   flip, sort, topk, unique, nonzero
    joining    cat, stack, split, chunk, unbind
    interop    to and from NumPy, DLPack and Python's lists
    casting    other dtypes, devices and memory: to, clone, contiguous
    inplace    add_, mul_, …: what writes into a tensor
    refused    cuda, squeeze_, …: errors that say what to write
"""
