"""How far a float32 result is from the exact value, in units of its last place."""

import numpy as np


def ulps(result, exact):
    """The largest error of `result` (float32) against `exact` (float64); NaN must meet NaN."""
    assert result.dtype == np.float32
    assert exact.dtype == np.float64
    assert np.array_equal(np.isnan(result), np.isnan(exact))
    infinite = np.isinf(exact)
    assert np.array_equal(result[infinite], exact[infinite])
    finite = np.isfinite(exact)
    result, exact = result[finite].astype(np.float64), exact[finite]
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return (np.abs(result - exact) / unit).max(initial=0.0)
