"""Rows of logits on which softmax and its relatives are tested, and what is exact there."""

import numpy as np

INF, NAN = np.inf, np.nan

# Around every width at which a loop changes its course: four sums at a time, blocks of 64.
SHAPES = [(1, 1), (3, 2), (4, 3), (5, 10), (2, 63), (3, 64), (3, 65), (2, 129), (2, 1000)]

# Shapes, and the dimension along which the rows run.
DIMENSIONS = [
    ((), 0), ((), -1), ((5,), 0), ((1,), -1), ((3, 4), 1), ((3, 4), 0), ((3, 4), -2),
    ((2, 3, 4), 0), ((2, 3, 4), 1), ((2, 3, 4), -1), ((3, 1, 2), 1), ((2, 1, 3, 2), -3),
]  # fmt: skip

# Rows that have no softmax.
IMPOSSIBLE = [
    [-INF, -INF, -INF],
    [INF, 0.0, 1.0],
    [0.0, 1.0, INF],
    [INF, INF, -INF],
    [NAN, 0.0, 1.0],
    [0.0, NAN, 1.0],
    [0.0, 1.0, NAN],
    [NAN, NAN, NAN],
    [NAN, INF, -INF],
    [-INF, NAN, -INF],
]


def logits(shape, dtype, seed=0):
    """Rows that go from undecided to sure beyond the reach of float32, each with other offsets."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    spread = np.geomspace(0.1, 60, max(rows, 1))[:rows, None]
    offset = rng.choice([0, 0, 5, -300, 1e4], size=(rows, 1))
    return (spread * rng.standard_normal((rows, columns)) + offset).astype(dtype)


def sure(seed=0):
    """Float32 rows whose largest logit leads by 0 to 100: probabilities next to 0 and to 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((400, 10)).astype(np.float32)
    lead = np.linspace(0, 100, 400, dtype=np.float32)
    x[np.arange(400), rng.integers(0, 10, 400)] += lead
    return x


def exact_log_softmax(x):
    """Minus the log of 1 + Σ exp(x_k − x_j) over the others, in long double."""
    x = np.asarray(x, dtype=np.longdouble)
    differences = x[:, None, :] - x[:, :, None]
    m = np.maximum(differences.max(axis=2), 0)
    e = np.exp(differences - m[:, :, None])
    e[:, np.arange(x.shape[1]), np.arange(x.shape[1])] = 0
    return -(m + np.log1p(e.sum(axis=2) + np.expm1(-m))).astype(np.float64)


def exact_softmax(x):
    """The definition, in long double after a shift."""
    x = np.asarray(x, dtype=np.longdouble)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float64)


def exact_loss(x, t, weight=None, reduction="mean", label_smoothing=0.0, ignore_index=-100):
    """The loss by its definition, in float64 from log-probabilities in long double."""
    h = -exact_log_softmax(x)
    classes = x.shape[1]
    weight = np.ones(classes) if weight is None else weight.astype(np.float64)
    loss, total = [], 0.0
    for row, label in zip(h, t, strict=True):
        target = np.full(classes, label_smoothing / classes)
        target[label if label != ignore_index else 0] += 1 - label_smoothing
        terms = [w * q * each for w, q, each in zip(weight, target, row, strict=True) if q]
        loss.append(0.0 if label == ignore_index else sum(terms))
        total += 0.0 if label == ignore_index else weight[label]
    if reduction == "none":
        return np.array(loss)
    return np.array([sum(loss) / (total if reduction == "mean" else 1)])
