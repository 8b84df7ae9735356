"""Comparison with torch: one array as a leaf of both libraries, results held side by side."""

import numpy as np

import minigrad


def leaves(array, torch, requires_grad=None):
    """(ours, theirs): tensors with these values, `array`'s own memory and layout in ours."""
    array = np.asarray(array)
    if requires_grad is None:
        requires_grad = array.dtype.kind == "f"
    ours = minigrad.from_numpy(array).requires_grad_(requires_grad)
    theirs = torch.tensor(np.array(array), requires_grad=requires_grad)
    return ours, theirs


def assert_same(ours, theirs, rtol=0.0, atol=0.0):
    """Shape, dtype and values agree (to the bit unless a tolerance is given)."""
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(
        ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol, equal_nan=True
    )


def layouts(array):
    """The same values in every memory layout: {name: array}."""
    array = np.asarray(array)
    padded = np.zeros(tuple(2 * size for size in array.shape), array.dtype)
    inner = padded[(*(slice(None, None, 2) for _ in array.shape), ...)]
    inner[...] = array
    flipped = np.flip(array).copy()
    readonly = array.copy()
    readonly.flags.writeable = False
    return {
        "contiguous": array.copy(),
        "fortran": np.asfortranarray(array),
        "sliced": inner,
        "flipped": np.flip(flipped),
        "readonly": readonly,
    }


def outcome(function):
    """What a call gives: (result, None), or (None, the exception)."""
    try:
        return function(), None
    except Exception as error:
        return None, error
