"""The kernels in NumPy: same names, same arguments, same results; slow, and easy to step through."""

import numpy as np


# --- optimisers ----------------------------------------------------------------------------------


def sgd_step(updates):
    for g, p, buf, lr, momentum, dampening, weight_decay, nesterov, maximize in updates:
        d = (-g if maximize else g) + weight_decay * p
        if buf is None:
            p -= lr * d
            continue
        buf[...] = momentum * buf + (1 - dampening) * d
        p -= lr * (d + momentum * buf if nesterov else buf)


def adam_step(updates):
    for update in updates:
        g, p, m, v, v_max, t, lr, beta1, beta2, eps, weight_decay, decoupled, maximize = update
        d = (-g if maximize else g) + (0 if decoupled else weight_decay * p)
        m[...] = beta1 * m + (1 - beta1) * d
        v[...] = beta2 * v + (1 - beta2) * d**2
        largest = v if v_max is None else np.maximum(v_max, v, out=v_max)
        keep = 1 - lr * weight_decay if decoupled else 1
        denominator = np.sqrt(largest) / (1 - beta2**t) ** 0.5 + eps
        p[...] = keep * p - lr / (1 - beta1**t) * m / denominator
