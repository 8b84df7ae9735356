"""save and load: what comes back, what is refused, what a damaged or hostile file can do."""

import json
import math
import os
import random
import re
import struct
import tracemalloc
from collections import OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import minigrad
from minigrad import CheckpointError, tensor


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def back(value, path):
    minigrad.save(value, path)
    return minigrad.load(path)


def same(a, b):
    """The same kinds, values and bits, all the way down."""
    if isinstance(a, minigrad.Tensor):
        a, b = a.detach(), b.detach()
        equal = (a.dtype, tuple(a.shape)) == (b.dtype, tuple(b.shape))
        return equal and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, dict):
        keys = [(type(k), k) for k in a] == [(type(k), k) for k in b]
        return type(b) is dict and keys and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)[isinstance(a, tuple)]) and all(
            same(x, y) for x, y in zip(a, b, strict=True)
        )
    return type(a) is type(b) and (a == b or a != a and b != b)


NESTED = {
    "model": {"0.weight": tensor([[1.0, 2.0]]), "0.bias": tensor([0.5]).double()},
    "optimizer": {"state": {0: {"step": 3, "exp_avg": tensor([1.0])}, 1: {}}, "param_groups": []},
    1: [1, -2.5, True, None, "text \u00e9 \ud800 \" \\ \0", (), (1,), [], {}],
    "1": {"a.b": tensor([1]), "a": {"b": tensor([2])}},
    "numbers": [2**70, -(2**63), 0.1, 5e-324, math.inf, -math.inf, math.nan, -0.0, 2**24 + 1],
    "": {"": {"__metadata__": tensor([7])}},
    "__metadata__": tensor([8]),
    "checksum": '"checksum":"sha256:' + "0" * 64 + '"',
}


def test_nesting_comes_back(path):
    found = back(NESTED, path)
    assert same(NESTED, found)
    assert math.copysign(1, found["numbers"][7]) == -1


@pytest.mark.parametrize(
    "value", [None, True, 3, 2.5, "x", [], {}, (), tensor(2.0), tensor([]), [[[]]], {0: (None,)}]
)
def test_anything_may_be_the_whole(path, value):
    assert same(value, back(value, path))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3), (1, 1, 1, 1)])
def test_dtypes_and_shapes(path, dtype, shape):
    t = tensor(np.arange(math.prod(shape)).reshape(shape)).to(getattr(minigrad, dtype))
    found = back({"t": t}, path)["t"]
    assert same(t, found)
    found.zero_()  # it is writable, and its own


def test_special_values_and_layouts(path):
    odd = np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324], np.float64)
    signalling = np.array([0x7FA00001], np.uint32).view(np.float32)
    wide = minigrad.as_tensor(np.arange(12.0).reshape(3, 4))
    value = [tensor(odd), tensor(signalling), wide.t(), wide[::2],
             wide[0].expand(2, 4), minigrad.as_tensor(odd[::-1])]  # fmt: skip
    assert same(value, back(value, path))


def test_what_is_loaded_is_a_copy_without_history(path):
    x = tensor([1.0, 2.0], requires_grad=True)
    found = back({"x": x, "y": x * 2}, path)
    assert not found["x"].requires_grad and found["y"].grad_fn is None
    found["x"].fill_(9)
    assert x.tolist() == [1, 2] and minigrad.load(path)["x"].tolist() == [1, 2]


def test_subclasses_of_containers_become_plain(path):
    point = namedtuple("point", "x y")
    found = back(OrderedDict(p=point(1, np.float32(0.5)), n=np.int64(3), b=np.bool_(True)), path)
    assert found == {"p": (1, 0.5), "n": 3, "b": True}
    assert type(found) is dict and type(found["p"]) is tuple


def test_the_official_library_reads_it(path):
    minigrad.save(NESTED, path)
    found = safetensors.numpy.load_file(path)
    np.testing.assert_array_equal(found["model.0.weight"], [[1, 2]])
    np.testing.assert_array_equal(found["optimizer.state.0.exp_avg"], [1])
    assert found["1.a.b"] == 1 and found["1.a.b#2"] == 2
    assert len(found) == 7


def test_torch_users_read_it_and_are_read(torch, path):
    from safetensors.torch import load_file, save_file

    model = minigrad.nn.Sequential(minigrad.nn.Linear(3, 4), minigrad.nn.BatchNorm1d(4))
    minigrad.save(model.state_dict(), path)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    theirs.load_state_dict(load_file(path))
    np.testing.assert_array_equal(theirs[0].weight.detach(), model[0].weight.detach())
    save_file({k: v * 2 for k, v in theirs.state_dict().items()}, path)
    with pytest.raises(CheckpointError, match=r"no checksum of minigrad's; .*verify=False"):
        minigrad.load(path)
    model.load_state_dict(minigrad.load(path, verify=False))
    np.testing.assert_array_equal(model[0].weight.detach() / 2, theirs[0].weight.detach())


# --- what cannot be saved ------------------------------------------------------------------------


class Odd:
    pass


def endless():
    value = []
    value.append({"again": value})
    return value


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [1, Odd()]}, TypeError, r"obj\['a'\]\[1\] is of type Odd; only tensors"),
        ({"a": {1, 2}}, TypeError, r"obj\['a'\] is of type set"),
        (np.ones(2), TypeError, r"obj is of type ndarray; .*as_tensor\(array\)"),
        (minigrad.nn.Linear(1, 1), TypeError, r"of type Linear; .*its state_dict\(\)"),
        (b"bytes", TypeError, "of type bytes"),
        (1j, TypeError, "of type complex"),
        (print, TypeError, "of type builtin_function_or_method"),
        ({(1, 2): 3}, TypeError, r"obj has the key \(1, 2\); keys must be strings or integers"),
        ({"a": {None: 3}}, TypeError, r"obj\['a'\] has the key None"),
        ({True: 3}, TypeError, "has the key True"),
        (endless(), ValueError, r"obj\[0\]\['again'\] contains itself"),
        (deep(101), ValueError, "nested deeper than 100 levels"),
        (deep(100_000), ValueError, "nested deeper than 100 levels"),
        ({"n": 1 << 20_000}, ValueError, r"obj\['n'\] is an integer of 20001 bits"),
    ],
)
def test_what_cannot_be_saved(path, value, error, message):
    minigrad.save("old", path)
    with pytest.raises(error, match=f"^save: .*{message}") as caught:
        minigrad.save(value, path)
    assert caught.type is error
    assert minigrad.load(path) == "old" and os.listdir(path.parent) == [path.name]


def test_deepest_allowed(path):
    assert same(deep(100), back(deep(100), path))


@pytest.mark.parametrize("bad", [None, 3, b"x", ["x"], open])
def test_a_path_that_is_none(bad):
    for call in (lambda: minigrad.save(1, bad), lambda: minigrad.load(bad)):
        with pytest.raises(TypeError, match="path must be a string or a Path, got"):
            call()


def test_other_arguments(path):
    minigrad.save(1, path)
    assert minigrad.load(str(path), map_location="cpu", weights_only=True) == 1
    with pytest.raises(ValueError, match="map_location must be None or 'cpu', got 'cuda'"):
        minigrad.load(path, map_location="cuda")
    with pytest.raises(ValueError, match="would run a pickle, which is never done"):
        minigrad.load(path, weights_only=False)
    with pytest.raises(TypeError, match="verify must be True or False, got 1"):
        minigrad.load(path, verify=1)
    with pytest.raises(ValueError, match="null character"):
        minigrad.load("a\0b")


# --- what cannot be loaded -----------------------------------------------------------------------


def test_no_file(path):
    with pytest.raises(FileNotFoundError):
        minigrad.load(path)


def test_special_files(path, tmp_path):
    with pytest.raises(CheckpointError, match="is a directory|is not a regular file"):
        minigrad.load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        with pytest.raises(CheckpointError, match="is not a regular file"):
            minigrad.load(path)
        with pytest.raises(OSError, match="is not a regular file"):
            minigrad.save(1, path)
    if os.path.exists("/dev/zero"):
        with pytest.raises(CheckpointError, match="is not a regular file"):
            minigrad.load("/dev/zero")


def refused(path, content):
    """Whether loading this content, with or without the checksum, ends in nothing but our error."""
    path.write_bytes(content)
    try:
        minigrad.load(path)
    except CheckpointError as error:
        assert repr(str(path)) in str(error)
        return True
    return False


@pytest.fixture
def content(path):
    state = {0: {"step": 3, "m": tensor([1, 2])}, "s": "x"}
    value = {"w": tensor(np.arange(100.0)), "state": state}
    minigrad.save(value, path)
    return path.read_bytes()


@pytest.mark.parametrize("share", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_every_truncation_is_refused(path, content, share):
    for end in range(0, len(content), share):
        assert refused(path, content[:end]), end
    assert refused(path, content + b"\0")
    assert not refused(path, content)


def flipped(content, bit):
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("share", [151, pytest.param(1, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_refused(path, content, share):
    assert 8 * len(content) > 10_000
    for bit in range(0, 8 * len(content), share):
        assert refused(path, flipped(content, bit)), bit


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_splices_are_refused(path, content, count):
    rng = random.Random(0)
    for _ in range(count):
        damaged = bytearray(content)
        start, size = rng.randrange(len(content)), rng.randrange(1, 40)
        kind, other = rng.randrange(4), rng.randrange(len(content))
        if kind == 0:
            damaged[start : start + size] = rng.randbytes(size)
        elif kind == 1:
            damaged[start:start] = damaged[other : other + size]
        elif kind == 2:
            del damaged[start : start + size]
        else:
            damaged[start : start + size] = damaged[other : other + size]
        assert bytes(damaged) == content or refused(path, bytes(damaged))
        try:
            minigrad.load(path, verify=False)  # no crash, and no other error
        except CheckpointError:
            pass


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
ZEROS = b"\0" * 8


def described(content, **tensors):
    text = json.dumps({"version": 1, "content": content})
    return file_of({"__metadata__": {"minigrad": text}, **tensors}, ZEROS * len(tensors))


HOSTILE = {
    "nothing": b"",
    "zeros": b"\0" * 100,
    "a pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93.",
    "a zip": b"PK\x03\x04" + b"\0" * 60,
    "a header of 1 GB": struct.pack("<Q", 1 << 30) + b"{}" + b" " * 2000,
    "a header of 2^64": b"\xff" * 8 + b"{}",
    "no JSON": file_of(b"{"),
    "a list": file_of([]),
    "deep JSON": file_of(b"[" * 100_000),
    "deep description": described(None).replace(b"null", b"[" * 50_000 + b"]" * 50_000),
    "a string for a tensor": file_of({"a": "F32"}),
    "metadata of numbers": file_of({"__metadata__": {"a": 1}}),
    "metadata that is a list": file_of({"__metadata__": []}),
    "names twice": file_of(b'{"a":' + json.dumps(F32).encode() + b',"a":' +
                           json.dumps(F32).encode() + b"}", ZEROS),
    "overlapping": file_of({"a": F32, "b": F32}, ZEROS),
    "a hole": file_of({"a": {**F32, "data_offsets": [8, 16]}}, ZEROS * 2),
    "reversed offsets": file_of({"a": {**F32, "data_offsets": [8, 0]}}, ZEROS),
    "negative offsets": file_of({"a": {**F32, "data_offsets": [-8, 0]}}, ZEROS),
    "offsets outside": file_of({"a": {**F32, "data_offsets": [0, 1 << 40]}}, ZEROS),
    "trailing garbage": file_of({"a": F32}, ZEROS + b"PK"),
    "a shape that overflows": file_of({"a": {**F32, "shape": [1 << 62, 1 << 62]}}, ZEROS),
    "an empty tensor, too large": file_of(
        {"a": {**F32, "shape": [0, 2**64 - 1], "data_offsets": [0, 0]}}
    ),
    "an empty tensor of 99 dimensions": file_of(
        {"a": {**F32, "shape": [0] * 99, "data_offsets": [0, 0]}}
    ),
    "a negative shape": file_of({"a": {**F32, "shape": [-2]}}, ZEROS),
    "a shape too large": file_of({"a": {**F32, "shape": [3]}}, ZEROS),
    "no shape": file_of({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, ZEROS),
    "an unknown dtype": file_of({"a": {**F32, "dtype": "O"}}, ZEROS),
    "a dtype that is a number": file_of({"a": {**F32, "dtype": 3}}, ZEROS),
    "a dtype that is a list": file_of({"a": {**F32, "dtype": ["F32"]}}, ZEROS),
    **{f"{name}, too few": file_of({"a": {**F32, "shape": [8], "dtype": name}}, ZEROS)
       for name in ("F16", "BF16", "I16", "U16", "U32")},
    **{name: file_of({"a": {**F32, "shape": [8 // size], "dtype": name}}, ZEROS)
       for name, size in [("U64", 8), ("F8_E4M3", 1), ("F8_E5M2", 1), ("C64", 8)]},
    "an empty tensor, too large as float32": file_of(
        {"a": {**F32, "dtype": "F16", "shape": [0, 2**61], "data_offsets": [0, 0]}}
    ),
    "half an exabyte": file_of({"a": {**F32, "dtype": "F16", "shape": [1 << 58]}}, ZEROS),
    "a bool of 2": file_of({"a": {**F32, "dtype": "BOOL", "shape": [8]}}, b"\0" * 7 + b"\2"),
    "description: no JSON": file_of({"__metadata__": {"minigrad": "{"}}),
    "description: a list": file_of({"__metadata__": {"minigrad": "[]"}}),
    "description: newer": file_of({"__metadata__": {"minigrad": '{"version":2,"content":null}'}}),
    "description: unknown tensor": described(["tensor", "a"]),
    "description: unhashable name": described(["tensor", ["a"]]),
    "description: tensor twice": described(["list", [["tensor", "a"]] * 2], a=F32),
    "description: tensor left over": described(None, a=F32),
    "description: unknown kind": described(["object", "os.system"]),
    "description: an empty list": described([]),
    "description: an object": described({"a": 1}),
    "description: a float": described(["float", "1.0"]),
    "description: a list of a string": described(["list", "abc"]),
    "description: keys of lists": described(["dict", [[[1], 2]]]),
    "description: a key twice": described(["dict", [["a", 2], ["a", 3]]]),
    "description: items of three": described(["dict", [["a", 2, 3]]]),
    "description: too deep": described(
        json.loads('["list",[' * 150 + "]]" * 150)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verify", [True, False])
def test_hostile_files(path, name, verify):
    path.write_bytes(HOSTILE[name])
    with pytest.raises(CheckpointError, match=r"^load: '.*state.safetensors' \w") as caught:
        minigrad.load(path, verify=verify)
    assert len(str(caught.value)) < 1000


def test_hostile_is_not_what_is_plain(path):
    """The files above are refused for their fault, not for what they have in common."""
    path.write_bytes(file_of({"a": F32}, ZEROS))
    assert minigrad.load(path, verify=False)["a"].tolist() == [0, 0]
    path.write_bytes(described(["dict", [["x", ["tensor", "a"]]]], a=F32))
    assert minigrad.load(path, verify=False)["x"].tolist() == [0, 0]


@pytest.mark.parametrize("name", [
    "a header of 1 GB", "a header of 2^64", "a shape that overflows", "half an exabyte"
])  # fmt: skip
def test_no_memory_is_taken_on_the_word_of_a_file(path, name):
    path.write_bytes(HOSTILE[name])
    tracemalloc.start()
    with pytest.raises(CheckpointError):
        minigrad.load(path, verify=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_nothing_in_the_package_runs_what_a_file_says():
    """No pickle, no eval; modules are imported by fixed names alone.

    But a learner's program is run, and the blocks of our derivations when the book is built.
    """
    runs = re.compile(
        r"(import|from) +(pickle|marshal|shelve|yaml|joblib)|\b(pickle|marshal)\.|"
        r"(?<!def )(?<![.\w])(eval|exec|compile|__import__)\((?!\))"
    )
    assert runs.search("x = eval(text)") and runs.search("import pickle")
    package = Path(minigrad.__file__).parent
    sources = [*package.rglob("*.py"), *package.rglob("*.pyx")]
    assert len(sources) > 50
    found = {s.name for s in sources if runs.search(s.read_text(encoding="utf-8"))}
    assert found == {"child.py", "measured.py"}
