"""The numbers in _kernels/exponential.pxd: where they come from and how good they are.

The compiled function itself is held to 1 ULP through the kernels that use it (sigmoid, softmax).
"""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from numpy.polynomial.polynomial import polyval

import minigrad

SOURCE = (Path(minigrad.__file__).parent / "_kernels/exponential.pxd").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def coefficients():
    (polynomial,) = re.findall(r"return f \* \((.*?)\)+\n", SOURCE, re.S)
    return np.array([float(number) for number in re.findall(r"\d\.\d+(?:e-\d+)?", polynomial)])


def test_coefficients_interpolate_at_the_chebyshev_points(coefficients):
    def g(s):  # (2^f - 1) / f at f = s/2; the limit at 0 is log 2
        f = np.where(s == 0, 1e-30, s / 2)
        return np.expm1(f * np.log(2)) / f

    in_s = chebyshev.cheb2poly(chebyshev.chebinterpolate(g, deg=6))
    np.testing.assert_allclose(coefficients, in_s * 2.0 ** np.arange(7), rtol=1e-9, atol=1e-12)


def test_error_bound_of_the_comment(coefficients):
    f = np.linspace(-0.5, 0.5, 100_001)
    error = np.abs((1 + f * polyval(f, coefficients)) / np.exp2(f) - 1)
    assert 1e-11 < error.max() < 2e-10


def test_accurate_next_to_one(coefficients):
    f = np.geomspace(1e-12, 1e-5, 1001)
    f = np.concatenate([-f, f])
    q = f * polyval(f, coefficients)
    np.testing.assert_allclose(q, np.expm1(f * np.log(2)), rtol=1e-12)
