"""What became of a .grad: one number per leaf, which `nn.lint` asks for forgotten `zero_grad()`.

It is written where .grad is read or written anyway, and says what happened last:

    0         nothing to report
    c + 1     a step used .grad, whose version was c then
    −(c + 1)  after that step backward added to it; its version is c now
    REUSED    a step used such a sum
    DROPPED   zero_grad() forgot a .grad that no step had used

A version that has changed in between means that somebody zeroed or scaled .grad by hand, which is
right. What optimizers and layers note for lint: see nn/linting/record.py.
"""

from ..tensor cimport Tensor


cdef enum:
    REUSED = -2147483647
    DROPPED = -2147483646


cdef inline int version_after(Tensor gradient) noexcept:
    """The version of a .grad, plus 1."""
    return 1 if gradient.version is None else <int>gradient.version.count + 1


cdef inline int note_step(Tensor x) noexcept:
    """A step has used x.grad."""
    if x.gradient_use < 0:
        if x.gradient_use > DROPPED:
            x.gradient_use = REUSED
    elif x.gradient is not None:
        x.gradient_use = version_after(x.gradient)
    return 0


cdef inline bint is_used(Tensor x) noexcept:
    """Whether a step has used x.grad as it is, so that adding to it is a mistake, or will be one.

    If not, what is known is forgotten.
    """
    cdef int use = x.gradient_use
    if use == 0:
        return False
    if x.gradient is not None and use != DROPPED:
        if use == REUSED:
            return False
        if (use if use > 0 else -use) == version_after(x.gradient):
            return True
    x.gradient_use = 0
    return False


cdef inline int note_drop(Tensor x) noexcept:
    """zero_grad() forgets x.grad."""
    if x.gradient is not None and x.gradient_use == 0:
        x.gradient_use = DROPPED
    return 0
