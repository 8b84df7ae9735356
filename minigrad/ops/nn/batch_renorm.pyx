"""Batch renormalization: batch norm, brought back to the running statistics.

y = gamma · (R · x_hat + D) + beta with R and D constant for the gradient: so it *is* batch norm,
with the scale gamma · R and the shift beta + gamma · D, and needs no rule of its own. R and D are
computed in `_kernels/batch_renorm.pyx`; derivation: docs/derivations/batch_renorm.md.
"""

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ...tensor cimport Tensor, wrap
from ..math.broadcasting cimport contiguous_array
from .batch_norm cimport batch_normalized


def batch_renorm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
    eps=1e-5, r_max=3.0, d_max=5.0, *, axis=1, unbiased_running_var=True
):
    """y = weight · (R · (input − mean) / √(var + eps) + D) + bias, channel by channel.

    training: mean and var are those of the batch; R = √(var + eps) / √(running_var + eps), within
    1/r_max and r_max, and D = (mean − running_mean) / √(running_var + eps), within ±d_max, bring
    them near the running statistics, as these were before the call; the gradient takes R and D as
    constants. r_max=1, d_max=0 is batch_norm; without limits (float("inf")) y is what evaluation
    gives. Otherwise it is batch_norm's evaluation. The other arguments, the update of the running
    statistics and the errors are batch_norm's; ValueError also for r_max below 1, d_max below 0 and
    without running statistics. Ioffe 2017, arXiv:1702.03275; torch has no such function.
    """
    cdef double greatest_r = _checks.limit("batch_renorm", "r_max", r_max, at_least=1)
    cdef double greatest_d = _checks.limit("batch_renorm", "d_max", d_max, at_least=0)
    if running_mean is None or running_var is None:
        raise ValueError("batch_renorm: running_mean and running_var must be given")

    def corrected(Tensor gamma, Tensor beta, mean, var, Tensor old_mean, Tensor old_var, eps):
        """Scale and shift of the batch norm that this is."""
        R, D = np.empty((2, len(mean)), (<object>gamma.array).dtype)
        kernels.batch_renorm_correction(
            mean, var, contiguous_array(old_mean), contiguous_array(
                old_var), R, D, eps, greatest_r, greatest_d)
        return gamma * wrap(R), beta + gamma * wrap(D)

    return batch_normalized(
        "batch_renorm", input, running_mean, running_var, weight, bias, training, momentum, eps,
        axis, unbiased_running_var, corrected)
