"""NumPy calls without floating-point warnings.

log(0) is -inf here and nothing is printed, whatever `np.seterr` says outside. NumPy keeps that
setting in a context variable, so it is enough to run the call in a context of our own. That costs a
fraction of `np.errstate`.
"""

import contextvars

import numpy as np

_context = contextvars.Context()
_context.run(np.seterr, all="ignore")


def quietly(function, *arguments, **options):
    """function(*arguments, **options) with all floating-point warnings off."""
    # A context cannot be entered twice at once; a copy is cheap and belongs to this call alone.
    return _context.copy().run(function, *arguments, **options)
