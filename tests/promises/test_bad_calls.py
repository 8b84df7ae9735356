"""Nothing public dies, hangs, warns or leaves a trace when it is called wrongly."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import kernel_calls, limits
from helpers.valid_calls import VALID

import minigrad
from minigrad import _kernels, autograd, datasets, nn, optim
from minigrad.nn import functional, init, utils
from minigrad.optim import lr_scheduler
from minigrad.utils import data

FILE = Path(__file__).parents[1] / "helpers" / "malformed.py"
needs_limits = pytest.mark.skipif(
    not limits.HERE, reason="calls that ask for all memory or never end need limits"
)


def batch(tmp_path, seed, calls, timeout):
    """The summary of a batch of malformed calls, made in a process of its own."""
    last = tmp_path / "last call"
    path = os.pathsep.join([str(Path(minigrad.__file__).parents[1]), *sys.path])
    run = subprocess.run(
        [sys.executable, FILE, "--calls", str(calls), "--seed", str(seed), "--last", last],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
        timeout=timeout,
    )
    assert run.returncode == 0, (last.read_text().strip(), run.stderr[-2000:])
    return json.loads(run.stdout)


def check(found, calls):
    assert found["problems"] == []
    assert found["calls"] == calls
    assert sum(found["raised"].values()) > 0.75 * calls  # or they are not malformed
    assert found["kernels"] > 0.2 * calls


@needs_limits
def test_malformed_calls(tmp_path):
    found = batch(tmp_path, seed=0, calls=1500, timeout=120)
    check(found, 1500)
    assert found["functions"] > 250


@needs_limits
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_many_malformed_calls(tmp_path, seed):
    check(batch(tmp_path, seed, calls=2500, timeout=600), 2500)


def names_of(module):
    """What it says is public; if it does not say, what it defines."""
    own = [k for k, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    return [name for name in getattr(module, "__all__", own) if not name.startswith("_")]


def called(name):
    return re.search(rf"(?<!\w){name}\(", VALID) is not None


@pytest.mark.parametrize(
    "module",
    [minigrad, autograd, nn, functional, init, utils, optim, lr_scheduler, data, datasets],
    ids=lambda module: module.__name__,
)
def test_everything_public_is_called(module):
    """Of a module's own functions and classes none is missing in VALID."""
    missing = [
        name
        for name in names_of(module)
        if callable(getattr(module, name))
        and not (isinstance(getattr(module, name), type) and name.endswith("Error"))
        and getattr(getattr(module, name), "__module__", "minigrad").startswith("minigrad")
        and not called(name)
    ]
    # made by subclasses, or by others
    bases = {"Function", "Dataset", "Indexable", "Optimizer", "LRScheduler", "Pass"}
    elsewhere = {
        "explain",  # opens a browser, and needs the book: tests/documents/test_book.py
        "source",  # tests/package/test_source.py
        "weights_from_keras",  # tests/nn/test_keras_weights.py
        "weights_to_keras",
    }
    assert set(missing) <= bases | elsewhere, missing


def test_every_method_is_called():
    methods = [
        name
        for name in dir(minigrad.Tensor)
        if not name.startswith("_") and callable(getattr(minigrad.Tensor, name, None))
    ]
    inherited = {name for name in methods if re.search(rf"\bm\.{name}\(", VALID)}
    inherited |= {"cuda", "squeeze_", "unsqueeze_"}  # errors, whatever they are called with
    assert [name for name in methods if not called(name) and name not in inherited] == []


def test_every_kernel_is_called():
    assert sorted(kernel_calls.CALLS) == sorted(_kernels._compiled)
    for name, call in kernel_calls.CALLS.items():
        for kernels in (_kernels._compiled, _kernels._reference):
            kernels[name](*call(130))


def test_the_search_finds_what_it_looks_for(monkeypatch):
    """A library with planted faults: each kind of fault is reported."""
    from helpers import call_promises, malformed

    calls = [malformed.random_call(1, k) for k in range(200)]
    again = [malformed.random_call(1, k) for k in range(200)]
    assert list(map(str, calls)) == list(map(str, again))  # a seed is enough to see it again
    call = next(call for call in calls if not call.text.startswith("np."))
    for error in (
        AttributeError("x"), SystemError(), AssertionError(), UnboundLocalError("x"),
        malformed.Hang(), RecursionError(), RuntimeWarning("x"), ZeroDivisionError(),
    ):  # fmt: skip
        assert malformed.problem_of(error, call)
    assert malformed.problem_of(TypeError("x"), call) is None
    tensor = minigrad.tensor([1.0], requires_grad=True)
    before = call_promises.fingerprint([tensor])
    assert call_promises.fingerprint([tensor]) == before
    tensor.grad = minigrad.tensor([1.0])
    assert call_promises.fingerprint([tensor]) != before
