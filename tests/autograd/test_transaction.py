"""The arrays of the updates are written by memcpy: what does not fit must be refused before."""

import numpy as np
import pytest

from minigrad import DTypeError, ShapeError, tensor
from minigrad.autograd import transaction


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([np.ones(2), np.ones(5000)], ShapeError, r"\(3,\) tensor .* shape \(5000,\)"),
        ([np.ones(2), np.ones(3, np.float32)], DTypeError, "float64 tensor .* float32"),
        ([np.ones(2)], ValueError, "1 arrays for 2 tensors"),
        ([np.ones(2), None], ShapeError, r"shape \(\)"),
    ],
)
def test_assign_writes_nothing_of_what_does_not_fit(arrays, error, message):
    tensors = [tensor(np.zeros(2)), tensor(np.zeros(3))]
    with pytest.raises(error, match=message):
        transaction.assign("load", tensors, arrays)
    assert not any(x.any() or x._version for x in tensors)


def test_assign_keeps_0d_and_strided_tensors():
    values = np.arange(6.0).reshape(2, 3)
    tensors = [tensor(0.0).double(), tensor(np.zeros((3, 2))).t()]
    transaction.assign("load", tensors, [np.array(7.0), values])
    assert tensors[0].item() == 7
    assert (tensors[1].numpy() == values).all()


def test_none_is_refused():
    x, g = tensor([1.0]), tensor([2.0])
    with pytest.raises(TypeError, match="load: expected a Tensor to change, got None"):
        transaction.assign("load", [None], [np.ones(1)])
    with pytest.raises(TypeError, match="step: expected a Tensor to change, got None"):
        transaction.step("step", print, [(g, None)], {}, {}, [])
    with pytest.raises(TypeError, match="step: expected a gradient, got None"):
        transaction.step("step", print, [(None, x)], {}, {}, [])
    with pytest.raises(TypeError, match="zero_grad: expected a Tensor, got None"):
        transaction.clear_gradients([None], True)
