"""What tools/measure/accuracy.py prints is what is promised."""

import importlib.util
from pathlib import Path

import pytest

import minigrad as mg

PATH = Path(__file__).parents[2] / "tools" / "measure" / "accuracy.py"
spec = importlib.util.spec_from_file_location("accuracy", PATH)
accuracy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(accuracy)


def test_one_unit_in_the_last_place():
    """float32: sigmoid, tanh, softmax, log_softmax, cross_entropy; the best possible is 0.5."""
    found = accuracy.worst(accuracy.minigrads)
    assert set(found) == {"sigmoid", "tanh", "softmax", "log_softmax", "cross_entropy"}
    for name, errors in found.items():
        assert 0.4 < errors[0] <= 0.51, name
        assert errors[1] <= 0.51, name


def test_a_worse_library_is_seen():
    def plain(name, *arrays):
        if name == "sigmoid":
            return 1 / (1 + accuracy.np.exp(-arrays[0]))
        return accuracy.minigrads(name, *arrays)

    assert accuracy.worst(plain)["sigmoid"][0] > 1


@pytest.mark.parametrize("offset", accuracy.OFFSETS)
@pytest.mark.parametrize("shape", [(512, 8), (16, 8, 6, 6)])
def test_batch_norm_far_from_zero(offset, shape):
    y, dx = accuracy.batch_norm_errors(mg, offset, shape)
    assert y <= 1e-6
    assert dx <= 1e-6


@pytest.mark.slow
def test_as_a_command(capsys):
    accuracy.main()
    out = capsys.readouterr().out
    assert out.count("\n") == 2 + 5 + 3 + len(accuracy.OFFSETS)
