def set_num_threads(count: int, /) -> None:
    """Work on large matrix products with at most so many threads, from now on.

    No result depends on it. The threads of NumPy's BLAS are its own: OPENBLAS_NUM_THREADS, or
    `threadpoolctl`. Errors: TypeError, ValueError. torch.set_num_threads.
    """

def get_num_threads() -> int:
    """With how many threads large matrix products are computed at most. torch.get_num_threads.

    At first MINIGRAD_THREADS, or the number of processors that this process may use.
    """
