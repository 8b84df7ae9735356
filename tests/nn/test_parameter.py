"""Parameter: a tensor that a module trains."""


import numpy as np
import pytest

import minigrad
from minigrad import nn


def test_parameter():
    data = minigrad.tensor([1.0, 2.0])
    p = nn.Parameter(data)
    assert isinstance(p, minigrad.Tensor) and p.requires_grad and p.is_leaf
    assert repr(p) == f"Parameter containing:\n{minigrad.tensor([1.0, 2.0], requires_grad=True)}"
    data[0] = 5.0
    assert p.tolist() == [5.0, 2.0]
    assert type(p * 2) is minigrad.Tensor
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter(p * 2).is_leaf
    assert nn.Parameter().shape == (0,)
    with minigrad.no_grad():
        assert nn.Parameter(data).requires_grad
    with pytest.raises(TypeError, match="float"):
        nn.Parameter(minigrad.tensor([1, 2]))
    for wrong in ([1.0], np.ones(2), "x", 1.0):
        with pytest.raises(TypeError, match="Parameter: data must be a Tensor"):
            nn.Parameter(wrong)
