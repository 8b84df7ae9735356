"""The right answers that are known, each with its parts, factors and usual mistakes.

    diagnose(yours, **known.batch_norm_dx(x, gamma, dy, eps=1e-5))

Every function takes NumPy arrays (or what becomes one) and returns a dict with the arguments of
`diagnose`. It may be changed before use: `case["wrong"]["a mistake of my own"] = …`.
"""

from .elementwise import (
    abs_dx,
    elu_dx,
    exp_dx,
    gelu_dx,
    leaky_relu_dx,
    log_dx,
    mean_dx,
    pow_dx,
    relu_dx,
    sigmoid_dx,
    silu_dx,
    softplus_dx,
    sqrt_dx,
    std_dx,
    sum_dx,
    tanh_dx,
    var_dx,
)
from .normalizations import (
    batch_norm_dbeta,
    batch_norm_dgamma,
    batch_norm_dx,
    batch_norm_eval_dgamma,
    batch_norm_eval_dx,
    layer_norm_dbeta,
    layer_norm_dgamma,
    layer_norm_dx,
)
from .optimizers import adam_m, adam_step, adam_v, sgd_step, sgd_velocity
from .products import (
    add_da,
    broadcast_sum,
    div_da,
    div_db,
    dot_da,
    linear_db,
    linear_dw,
    linear_dx,
    matmul_da,
    matmul_db,
    mul_da,
    squared_error_da,
)
from .softmaxes import cross_entropy_dx, log_softmax_dx, softmax_dx

__all__ = [
    "abs_dx", "adam_m", "adam_step", "adam_v", "add_da", "batch_norm_dbeta", "batch_norm_dgamma",
    "batch_norm_dx", "batch_norm_eval_dgamma", "batch_norm_eval_dx", "broadcast_sum",
    "cross_entropy_dx", "div_da", "div_db", "dot_da", "elu_dx", "exp_dx", "gelu_dx",
    "layer_norm_dbeta", "layer_norm_dgamma", "layer_norm_dx", "leaky_relu_dx", "linear_db",
    "linear_dw", "linear_dx", "log_dx", "log_softmax_dx", "matmul_da", "matmul_db", "mean_dx",
    "mul_da", "pow_dx", "relu_dx", "sgd_step", "sgd_velocity", "sigmoid_dx", "silu_dx",
    "softmax_dx", "softplus_dx", "sqrt_dx", "squared_error_da", "std_dx", "sum_dx",
    "tanh_dx", "var_dx",
]  # fmt: skip
