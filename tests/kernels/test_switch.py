"""The one switch of the kernels: under "reference" no compiled loop of theirs runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad as mg
from minigrad import _kernels

TESTS = Path(__file__).parents[1]
PACKAGE = Path(mg.__file__).parent

# The rooms from which C code calls a loop without Python in between.
ROOMS = {
    "_runtime/matmul.pyx": {"linear"},
    "_runtime/convolution.pyx": {"conv2d_room", "conv2d_tiles"},
    "ops/math/elementwise.pyx": {"elementwise"},
}
CONSTANTS = {
    "ADD",
    "DIV",
    "MUL",
    "SUB",
    "SIGNAL_INTERVAL",
    "Operation",
    "Operand",
    "Matrix",
    "Convolution",
    "real",
}
RULES = [
    path
    for path in sorted(PACKAGE.rglob("*"))
    if path.suffix in {".py", ".pyx", ".pxd"} and path.parent.name != "_kernels"
]


@for_each("path", RULES)
def test_kernels_are_reached_by_the_switch(path):
    """Everyone else calls `active.<kernel>`."""
    room = path.relative_to(PACKAGE).as_posix()
    source = path.read_text(encoding="utf-8")
    form = r"from \.+_kernels(?:\.(\w+))? (c?import) (\([^)]*\)|[^\n]*)"
    for subject, how, names in re.findall(form, source):
        names = set(re.findall(r"[A-Za-z_]\w*", names.partition("#")[0].replace(" as kernels", "")))
        if room == "book/subject.py":  # shows the text of the twins
            assert names == {"SUBJECTS", "reference"}
        elif how == "import":
            assert not subject and names <= {
                "active",
                "use_kernels",
                "LARGEST_STEP",
                "AdamOptions",
                "RMSpropOptions",
                "SGDOptions",
            }, names
        elif subject == "switch":
            assert room in ROOMS
        elif not names <= CONSTANTS:
            assert subject in ROOMS.get(room, ()), f"{room} takes {names} of {subject}"
            assert "switch.compiled" in source


def test_there_is_one_state():
    assert mg.use_kernels.current == "compiled" and _kernels.active.compiled
    with mg.use_kernels("reference") as chosen:
        assert mg.use_kernels.current == chosen.current == "reference"
        assert not _kernels.active.compiled
        for name, twin in _kernels._reference.items():
            assert getattr(_kernels.active, name) is twin
        with pytest.raises(AttributeError):
            _kernels.active.compiled = True
    for name, kernel in _kernels._compiled.items():
        assert getattr(_kernels.active, name) is kernel


# The kernels' modules are loaded first, and each C function that they offer is replaced by one that
# counts and computes nothing; then the rest of the package is loaded, which takes these.
COUNTING = r"""
import ctypes, importlib, json, sys, types
from collections import Counter
from pathlib import Path

calls, kept = Counter(), []
root = Path(sys.argv[1])
for name in ("minigrad", "minigrad._kernels"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [str(root / name.replace(".", "/"))]

new, pointer = ctypes.pythonapi.PyCapsule_New, ctypes.pythonapi.PyCapsule_GetPointer
new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
name_of = ctypes.pythonapi.PyCapsule_GetName
name_of.restype, name_of.argtypes = ctypes.c_void_p, (ctypes.py_object,)


def counting(name):
    def count():
        calls[name] += 1
        return 1

    return ctypes.CFUNCTYPE(ctypes.c_int)(count)


for path in sorted((root / "minigrad/_kernels").glob("*.pyx")):
    module = importlib.import_module(f"minigrad._kernels.{path.stem}")
    offered = getattr(module, "__pyx_capi__", {})
    for name, capsule in offered.items():
        signature = ctypes.cast(name_of(capsule), ctypes.c_char_p).value
        if b"(" in signature:   # a function, not the switch
            kept += [counting(f"{path.stem}.{name}"), signature]
            offered[name] = new(ctypes.cast(kept[-2], ctypes.c_void_p), kept[-1], None)
del sys.modules["minigrad"], sys.modules["minigrad._kernels"]

import numpy as np
import minigrad as m
from minigrad import _kernels


def counted(name, kernel):
    def call(*arguments):
        calls[name] += 1
        return kernel(*arguments)

    return call


for name, kernel in _kernels._compiled.items():
    _kernels._compiled[name] = counted(name, kernel)
m.use_kernels("compiled")   # and with these


def everything():
    "A call of each operation with its gradients, and a step of each optimizer."
    from helpers.derivatives import cotangents, floating, tensors
    from helpers.operations import OPERATIONS
    from promises.test_every_operation import arrays_of

    for samples in OPERATIONS.values():
        ys = floating(samples[0].call(m, *tensors(m, arrays_of(samples[0]))))
        for y, dy in zip(ys, cotangents(ys, 1), strict=True):
            if y.requires_grad:
                y.backward(m.tensor(dy).to(y.dtype), retain_graph=True)
    model = m.nn.Sequential(m.nn.Linear(40, 40), m.nn.BatchNorm1d(40), m.nn.ReLU())
    for optimizer in (m.optim.SGD, m.optim.Adam, m.optim.AdamW):
        step = optimizer(model.parameters(), lr=0.1)
        model(m.randn(40, 40)).sum().backward()
        step.step()


with m.use_kernels("reference"):
    everything()
reference, calls = dict(calls), Counter()
x = m.ones(64, 64)
x + x, x @ x, m.nn.functional.linear(x, x, x[0]), m.relu(x)
m.nn.functional.conv2d(m.ones(1, 2, 7, 6), m.ones(64, 2, 3, 2))    # in columns
m.nn.functional.conv2d(m.ones(1, 32, 7, 6), m.ones(64, 32, 3, 2))  # in tiles
print(json.dumps([reference, calls]))
"""


def test_under_reference_no_compiled_loop_runs():
    """Not one, of all operations; the same counters do count a few compiled ones afterwards."""
    path = os.pathsep.join([str(TESTS), str(PACKAGE.parent)])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COUNTING, str(PACKAGE.parent)],
        env={**os.environ, "PYTHONPATH": path, "MINIGRAD_PRODUCTS": "minigrad"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    reference, compiled = json.loads(run.stdout.splitlines()[-1])
    assert reference == {}
    loops = {name.partition("[")[0] for name in compiled}  # [float *] of those for two dtypes
    assert {"elementwise.elementwise", "linear.multiply", "linear.add_bias"} <= loops
    assert {"relu_forward", "conv2d_gather", "conv2d_tiles.forward"} <= loops


def test_what_a_layer_gives_is_the_same_within_rounding():
    x, weight, bias = (mg.tensor(np.random.default_rng(0).standard_normal(s)) for s in
                       ((40, 33), (35, 33), (35,)))  # fmt: skip
    expected = mg.nn.functional.linear(x, weight, bias)
    with mg.use_kernels("reference"):
        y = mg.nn.functional.linear(x, weight, bias)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
