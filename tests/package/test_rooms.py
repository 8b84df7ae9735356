"""House rules on where things are: rooms, the order of their floors, and what is found in them."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest
from helpers.grids import for_each

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "minigrad"
GENERATED = {"_build_info.py"}

if not PACKAGE.exists():
    pytest.skip("the rooms are those of a source tree", allow_module_level=True)

# Data flows one way. A file imports from its own room, and from rooms on floors below its own.
# A name is a folder of minigrad/, or else one of its files.
FLOORS = [
    [
        "absent",
        "backends",
        "cuda",
        "devices",
        "errors",
        "_size",
        "_build_check",
        "spine",
        "diagnosis",
    ],
    ["_runtime/workers"],  # large work in parts: kernels and products do theirs so
    ["_kernels"],
    ["_checks", "dtypes"],
    ["_runtime"],
    ["tensor"],
    ["random"],
    ["autograd"],
    ["ops/math"],
    ["ops/nn", "ops/array"],
    ["serialization"],
    ["display"],
    ["optim", "utils"],
    ["ops/__init__"],  # hands operators and the text of a tensor over to Tensor
    ["nn"],
    ["datasets", "onnx", "sklearn"],
    ["book"],
    ["__init__"],
    ["lab", "learn"],
    ["doctor"],
    ["__main__"],
]
DESTRUCTORS = "_runtime/deallocation.pyx"  # those of Tensor and Function: a part of tensor.pyx
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}

# The files of the README's reading order, and what a reader comes for.
NAMED = {
    "minigrad/spine.py": r"class Tensor\b",
    "minigrad/tensor.pyx": r"cdef class Tensor\b",
    "minigrad/autograd/engine.pyx": r"\bint propagate\(|\blist topological_order\(",
    "minigrad/ops/math/arithmetic.pyx": r"cdef class Add\b",
    "minigrad/ops/math/broadcasting.pyx": r"\bunbroadcast\(",
    "minigrad/ops/math/linear.pyx": r"cdef class \w*(Matmul|Linear)\b",
    "minigrad/ops/nn/activations.pyx": r"cdef class Relu\b",
    "minigrad/ops/nn/cross_entropy.pyx": r"cdef class CrossEntropy\b",
    "minigrad/ops/nn/batch_norm.pyx": r"def batch_norm\(",
    "minigrad/_kernels/batch_norm.pyx": r"# \(1\)",
    "minigrad/_kernels/reference.py": r"def batch_norm_forward\b",
    "minigrad/nn/module.py": r"class Module\b",
    "minigrad/nn/layers.py": r"class Linear\b",
    "minigrad/nn/batch_norm.py": r"class (BatchNorm1d|_BatchNorm)\b",
    "minigrad/nn/init.py": r"def \w+_\(",
    "minigrad/optim/sgd.py": r"class SGD\b",
    "minigrad/optim/adam.py": r"class Adam\b",
}
ELSEWHERE = {"minigrad/_kernels/reference.py"}  # in the order of the kernels

# A name that two files define: one of the two is the door of the other.
DOORS = {
    "linear_forward": "_runtime/matmul asks the kernel, or NumPy in its place",
    "conv2d_forward": "_runtime/convolution asks the kernel, or its NumPy twin",
    "conv2d_image_gradient": "likewise",
    "conv2d_weight_gradient": "likewise",
    "is_available": "cuda, and three back ends: none of them is",
    "manual_seed": "of all, and of the GPUs that are not there",
    "scatter": "torch's name, and the gradient of an index",
    "main": "python -m minigrad is the doctor",
    "matmul": "the rule and its kernel",
    "normal_": "nn.init checks a parameter, and asks Tensor.normal_",
    "uniform_": "nn.init checks a parameter, and asks Tensor.uniform_",
    **{
        f"{subject}_backward": "the rule and its kernel"
        for subject in (
            "cross_entropy", "dropout", "gelu", "leaky_relu", "log_softmax", "relu", "sigmoid",
            "softmax", "tanh",
        )
    },
}  # fmt: skip

SOURCES = [
    path
    for path in sorted(PACKAGE.rglob("*"))
    if path.suffix in {".py", ".pyx", ".pxd"} and path.name not in GENERATED
]


def room(parts):
    """`("ops", "math", "linear")` -> "ops/math"; `("tensor",)` -> "tensor"."""
    if parts[:1] == ("ops",):
        return "ops/" + (parts[1] if len(parts) > 1 else "__init__")
    if parts[:2] == ("_runtime", "workers"):
        return "_runtime/workers"
    return parts[0] if parts else "__init__"


def room_of(path):
    if path.relative_to(PACKAGE).as_posix() == DESTRUCTORS:
        return "tensor"
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return room(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imported(path, source):
    """The (line number, room) of everything of minigrad that a file imports or cimports."""
    here = ("minigrad", *path.relative_to(PACKAGE).parts[:-1])
    form = r"^\s*(?:from\s+([.\w]+)\s+c?import\s+(\([^)]*\)|[^\n]*)|c?import\s+([.\w]+))"
    for match in re.finditer(form, source, re.MULTILINE):
        number = source.count("\n", 0, match.start(1 if match[1] else 3)) + 1
        origin, names, plain = match.groups()
        module = origin or plain
        dots = len(module) - len(module.lstrip("."))
        base = here[: len(here) - dots + 1] if dots else ()
        parts = (*base, *filter(None, module[dots:].split(".")))
        if parts[0] != "minigrad":
            continue
        names = re.sub(r"#[^\n]*", "", names or "").strip("() \n")
        several = parts in (("minigrad",), ("minigrad", "ops")) and names
        for name in filter(None, map(str.strip, names.split(","))) if several else [""]:
            found = room((*parts[1:], *name.split()[:1]))
            if f"{found}.py" in GENERATED:
                continue
            yield number, found if found in FLOOR_OF else room(parts[1:])


def test_every_file_is_in_one_room():
    assert len(FLOOR_OF) == sum(map(len, FLOORS))
    for path in SOURCES:
        assert room_of(path) in FLOOR_OF, f"{path.relative_to(ROOT)} is on no floor"
    rooms = {room_of(path) for path in SOURCES}
    assert set(FLOOR_OF) - rooms <= {"spine"}, "a floor names rooms that are not there"


@for_each("path", SOURCES)
def test_no_file_imports_upward(path):
    here = room_of(path)
    for number, there in imported(path, path.read_text(encoding="utf-8")):
        if there != here:
            where = f"{path.name}:{number}: {here} imports {there}"
            assert FLOOR_OF[there] < FLOOR_OF[here], where


def test_the_import_reader_sees_every_form():
    source = "\n".join(
        [
            "import numpy as np",
            "from .arguments cimport operand, unbroadcast",
            "from ..._kernels import active as kernels",
            "from ...nn import functional",
            "    from ... import optim, errors",
            "cimport minigrad.tensor",
            "from minigrad.utils.data import Dataset",
            "from ... import (  # why",
            "    _checks,",
            "    dtypes as d,",
            ")",
            "from .. import nn",
        ]
    )
    found = imported(PACKAGE / "ops" / "math" / "x.pyx", source)
    assert [f"{line} {room}" for line, room in found] == [
        "2 ops/math", "3 _kernels", "4 nn", "5 optim", "5 errors", "6 tensor", "7 utils",
        "8 _checks", "8 dtypes", "12 ops/nn",
    ]  # fmt: skip


def test_a_dozen_modules_beside_the_folders():
    modules = {path.stem for path in PACKAGE.glob("*.py*") if path.name not in GENERATED}
    assert len(modules - {"__init__"}) <= 12, sorted(modules)


@pytest.mark.parametrize("folder", ["autograd", "ops/math", "ops/nn", "ops/array", "_runtime",
                                    "nn", "nn/utils", "nn/linting", "display", "serialization",
                                    "lab", "learn", "onnx", "sklearn"])  # fmt: skip
def test_a_room_lists_what_is_in_it(folder):
    """In reading order: in ops/ nothing is used before it is listed."""
    text = ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text("utf-8")))
    listed = re.findall(r"^ *(\w+)  ", text, re.MULTILINE)
    files = {path.stem for path in (PACKAGE / folder).glob("*.py*")} - {"__init__"}
    assert len(listed) == len(set(listed))
    assert set(listed) == files


@pytest.mark.parametrize("name", NAMED)
def test_what_a_file_is_read_for_comes_first(name):
    if not (ROOT / name).exists():
        pytest.skip(f"{name} is not there")
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if re.search(NAMED[name], line)]
    assert found, f"{name} has no {NAMED[name]}"
    assert name in ELSEWHERE or found[0] < 60, f"{name}: {NAMED[name]} starts at line {found[0]}"


def test_the_readers_files_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\d+\. .*$", readme, re.MULTILINE)
    linked = {link for step in steps for link in re.findall(r"\]\((minigrad/[^)#]+)\)", step)}
    assert linked, "the README's reading order links no source"
    assert {link for link in linked if link.endswith((".py", ".pyx"))} <= set(NAMED)


def functions(path):
    """Names of the module-level functions of a file that are not private to it."""
    form = r"^(?:cdef|cpdef|def)\s+(?:[\w.\[\], *]*[\s*])?(\w+)\("
    names = re.findall(form, path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for name in names if not name.startswith("_")}


def test_a_function_s_name_stands_for_one_function():
    """What only its own file calls may be private, with an underscore."""
    homes = defaultdict(list)
    for path in SOURCES:
        # `diagnosis` calls what it knows of a right answer by the name of that answer.
        apart = path.stem in {"reference", "spine"} or room_of(path) == "diagnosis"
        if path.suffix in {".py", ".pyx"} and not apart:
            for name in functions(path):
                homes[name].append(str(path.relative_to(PACKAGE)))
    shared = {name: files for name, files in homes.items() if len(files) > 1}
    assert {name: files for name, files in shared.items() if name not in DOORS} == {}
    assert sorted(DOORS) == sorted(set(DOORS) & set(shared)), "a door that leads nowhere"
