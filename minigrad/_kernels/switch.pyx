"""The kernels in use, where C code can read whether they are compiled. `use_kernels` sets them."""


cdef class Active:
    """Each kernel by its name, and `compiled`: whether they are the loops or their NumPy twins."""

    def choose(self, kernels, compiled):
        """These from now on."""
        self.compiled = compiled
        for name, kernel in kernels.items():
            setattr(self, name, kernel)


switch = Active()   # its name in C
active = switch     # and in Python
