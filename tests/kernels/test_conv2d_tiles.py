"""The kernels of convolution without columns: against their twins, with good and bad input."""

import numpy as np
import pytest
from helpers.layouts import normal

from minigrad._kernels import active, reference


def geometry(seed):
    """Shapes of x, weight and y, and steps; windows may lie anywhere, also outside."""
    rng = np.random.default_rng(seed)
    groups, N, C, H, outs, kernel_h, kernel_w, P = (int(n) for n in rng.integers(1, 6, 8))
    W, Q = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    steps = [*rng.integers(1, 4, 2), *rng.integers(0, 6, 2), *rng.integers(1, 4, 2)]
    shapes = (N, groups * C, H, W), (groups * 3 * outs, C, kernel_h, kernel_w)
    return *shapes, (N, groups * 3 * outs, P, Q), [int(n) for n in steps]


def calls(x, weight, y, dtype):
    """Name -> what a kernel reads, and what it writes."""
    groups, outputs = x[1] // weight[1], weight[0]
    images, weights, dy = (normal(*shape, seed=1, dtype=dtype) for shape in (x, weight, y))
    bias = normal(outputs, seed=2, dtype=dtype)
    return {
        "conv2d_forward": ([images, weights, bias], np.full(y, np.nan, dtype)),
        "conv2d_image_gradient": ([dy, weights], np.full(x, np.nan, dtype)),
        "conv2d_weight_gradient": (
            [dy, images],
            np.ones((groups, *weight[1:], outputs // groups)),
        ),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_is_its_reference(dtype):
    tolerance = 1e-11 if dtype == np.float64 else 1e-4
    for seed in range(60):
        *shapes, steps = geometry(seed)
        for name, (given, found) in calls(*shapes, dtype).items():
            expected = found.copy()
            getattr(active, name)(*given, found, *steps)
            getattr(reference, name)(*given, expected, *steps)
            np.testing.assert_allclose(
                found, expected, rtol=tolerance, atol=tolerance, err_msg=f"{name}, seed {seed}"
            )


@pytest.mark.parametrize(("outputs", "width"), [(17, 18), (32, 18), (70, 18), (40, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_outputs_than_a_tile_has_and_wider_rows_than_a_sum_has_terms(outputs, width, dtype):
    shapes = (2, 3, 7, width + 2), (outputs, 3, 3, 3), (2, outputs, 5, width)
    tolerance = 1e-11 if dtype == np.float64 else 1e-4
    for name, (given, found) in calls(*shapes, dtype).items():
        expected = found.copy()
        getattr(active, name)(*given, found, 1, 1, 0, 0, 1, 1)
        getattr(reference, name)(*given, expected, 1, 1, 0, 0, 1, 1)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)


def test_rows_of_windows_that_do_not_fit_into_the_room_together():
    shapes = (2, 40, 70, 75), (10, 40, 3, 3), (2, 10, 70, 75)
    for name, (given, found) in calls(*shapes, np.float32).items():
        expected = found.copy()
        getattr(active, name)(*given, found, 1, 1, 1, 1, 1, 1)
        getattr(reference, name)(*given, expected, 1, 1, 1, 1, 1, 1)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=1e-5 * scale, err_msg=name)


def test_the_bias_may_be_absent():
    given, found = calls((2, 3, 6, 6), (4, 3, 3, 3), (2, 4, 4, 4), np.float64)["conv2d_forward"]
    with_bias = found.copy()
    active.conv2d_forward(*given, with_bias, 1, 1, 0, 0, 1, 1)
    active.conv2d_forward(given[0], given[1], None, found, 1, 1, 0, 0, 1, 1)
    np.testing.assert_allclose(found + given[2][:, None, None], with_bias, atol=1e-14)


def test_kernels_refuse_nonsense():
    """The loops read and write without looking: what does not fit must not reach them."""
    steps = [1, 1, 0, 0, 1, 1]
    shapes = (2, 3, 6, 6), (4, 3, 3, 3), (2, 4, 4, 4)
    for name, (given, found) in calls(*shapes, np.float64).items():
        kernel = getattr(active, name)
        kernel(*given, found, *steps)
        for i, array in enumerate([*given, found]):
            for wrong in (array[:0], array.astype(np.float32), array[..., ::-1], 3, "x"):
                changed = [*given, found]
                changed[i] = wrong
                with pytest.raises((ValueError, TypeError, AttributeError)):
                    kernel(*changed, *steps)
        for position in range(6):
            for wrong in (-1, 2**31, 2**62, -(2**62), 2**80, None, "1"):
                changed = [*steps[:position], wrong, *steps[position + 1 :]]
                with pytest.raises((ValueError, TypeError, OverflowError)):
                    kernel(*given, found, *changed)
    given, found = calls(*shapes, np.float64)["conv2d_forward"]
    with pytest.raises(ValueError, match="conv2d_forward: y has 4 channels, bias 3"):
        active.conv2d_forward(given[0], given[1], given[2][:3], found, *steps)
    with pytest.raises(ValueError, match="stride 1000000"):  # the room would be too large
        active.conv2d_forward(*given, found, 1000000, 1000000, 0, 0, 1, 1)
