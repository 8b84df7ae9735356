"""The polynomial of normal_cdf.pxd, read from its source; its kernel: test_activations.py."""

import math
import re
from pathlib import Path

import numpy as np

import minigrad

SOURCE = (Path(minigrad.__file__).parent / "_kernels/normal_cdf.pxd").read_text(encoding="utf-8")


def test_error_bound_of_the_comment():
    found = re.findall(r"g = (?:g \* t ([+-]) )?(\d\.\d+)", SOURCE)
    coefficients = [float(sign + number) for sign, number in found]
    assert len(coefficients) == 13
    z = np.linspace(0, 37, 20_001)  # beyond 38, float64 has no erfc
    t = 1 / (1 + 0.28 * z)
    tail = np.exp(-(z**2) / 2) * t * np.polyval(coefficients, t)
    truth = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in z])
    error = np.abs(tail / truth - 1)
    assert 1e-11 < error.max() < 1e-9


def test_limit():
    """For large z the tail is e^(-z²/2) / (z √(2π)), and t is 1 / (0.28 z)."""
    (last,) = re.findall(r"g = g \* t \+ (\d\.\d+)\n    return g", SOURCE)
    assert math.isclose(float(last), 0.28 / math.sqrt(2 * math.pi), rel_tol=1e-9)
