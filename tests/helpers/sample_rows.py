"""Rows to learn from, for tests of estimators."""

import numpy as np


def three_classes():
    """61 rows of 3 columns, and their classes 0, 1 and 2."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(61) % 3)
    return rng.standard_normal((61, 3)) + 2 * np.eye(3)[labels], labels
