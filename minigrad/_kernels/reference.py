"""The kernels in NumPy: same names, same arguments, same results; slow, and easy to step through."""
