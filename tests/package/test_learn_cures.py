"""What `learn` adds to the messages of Python that beginners of the path meet most."""

import numpy as np
import pytest

from minigrad.learn.child import CURES, cure, own_words


class Value:
    def __init__(self, number):
        self.number = number


class Tensor:
    pass


MISTAKES = {
    "NoneType": lambda: float(None),
    "'tuple' object has no attribute": lambda: (Value(1), 2.0).backward(1.0),
    "has no attribute 'number'": lambda: (2.0).number,
    "ndarray' object is not callable": lambda: np.ones(3)(1.0),
    r"unsupported operand.*'Value'": lambda: Value(1) / Value(2),
    r"unsupported operand.*'Tensor'": lambda: Tensor() ** 2,
    r"ufunc.*Tensor": lambda: np.exp(Tensor()),
}


@pytest.mark.parametrize("pattern", CURES)
def test_the_mistake_is_met_by_its_words(pattern):
    with pytest.raises((AttributeError, TypeError)) as caught:
        MISTAKES[pattern]()
    said = own_words(caught.value, __file__)
    assert said.splitlines()[1:] == [CURES[pattern]]
    assert ", in <lambda>: " in said


def test_other_errors_stay_as_they_are():
    assert cure(TypeError("f() takes no arguments"), "f() takes no arguments") == ""
    assert cure(KeyError("NoneType"), "'NoneType'") == ""
