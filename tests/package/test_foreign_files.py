"""Safetensors files of other programs, and dtypes that minigrad lacks."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

import minigrad
from minigrad import CheckpointError

OWN = {
    "float16": "float32",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "float32": "float32",
    "float64": "float64",
    "int32": "int32",
    "int64": "int64",
    "uint8": "uint8",
    "bool": "bool",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.safetensors"


def values(dtype):
    """Every value of a small dtype, the ends and some between of others."""
    dtype = np.dtype(dtype)
    if dtype.itemsize <= 2 and dtype.kind != "b":
        bits = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}")
        return bits.view(dtype)
    ends = [0, 1] if dtype.kind in "fb" else [np.iinfo(dtype).min, np.iinfo(dtype).max, 1]
    return np.array(ends, dtype)


@pytest.mark.parametrize("dtype", OWN)
@pytest.mark.parametrize("shape", [(-1,), (2, 1, -1), (), (0, 3)])
def test_every_value_of_every_dtype_is_read_exactly(path, dtype, shape):
    array = values(dtype)
    array = array[:0] if 0 in shape else array[:1] if shape == () else array
    array = array.reshape(shape) if array.size % 2 == 0 or len(shape) != 3 else array
    safetensors.numpy.save_file({"first.weight": array, "b": np.ones(3, np.float32)}, path)
    found = minigrad.load(path, verify=False)
    assert set(found) == {"first.weight", "b"}
    tensor = found["first.weight"]
    assert tensor.dtype is getattr(minigrad, OWN[dtype]) and tuple(tensor.shape) == array.shape
    np.testing.assert_array_equal(tensor.numpy(), array)
    if dtype == "float16":
        np.testing.assert_array_equal(np.signbit(tensor.numpy()), np.signbit(array))
    tensor.zero_()  # it is writable, and its own


def test_bfloat16_is_read_as_torch_reads_it(torch, path):
    from safetensors.torch import save_file

    bits = np.arange(1 << 16, dtype=np.uint16).view(np.int16)
    theirs = torch.tensor(bits).view(torch.bfloat16)
    save_file({"w": theirs.reshape(256, 256), "h": theirs[:4].half()}, path)
    found = minigrad.load(path, verify=False)
    assert found["w"].dtype is found["h"].dtype is minigrad.float32
    expected = theirs.float().numpy()
    np.testing.assert_array_equal(found["w"].numpy().ravel(), expected)
    np.testing.assert_array_equal(np.signbit(found["w"].numpy().ravel()), np.signbit(expected))


def file_of(tensors, metadata=None):
    """A file from {name: (dtype, shape, bytes)}, made by hand."""
    header, data = {} if metadata is None else {"__metadata__": metadata}, b""
    for name, (dtype, shape, part) in tensors.items():
        offsets = [len(data), len(data) + len(part)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


BY_HAND = {
    "F16": (b"\x00\x3c\x01\x00", [1.0, 2.0**-24]),
    "BF16": (b"\x80\x3f\x80\xff", [1.0, float("-inf")]),
    "I8": (b"\x80\x7f", [-128, 127]),
    "I16": (b"\x00\x80\xff\x7f", [-(2**15), 2**15 - 1]),
    "U16": (b"\x00\x00\xff\xff", [0, 2**16 - 1]),
    "U32": (b"\x01\x00\x00\x00\xff\xff\xff\xff", [1, 2**32 - 1]),
}


@pytest.mark.parametrize("dtype", BY_HAND)
def test_bytes_are_little_endian_in_every_nesting(path, dtype):
    part, expected = BY_HAND[dtype]
    content = ["dict", [["a", ["list", [["tensor", "x"], 3]]], [0, ["tuple", [["tensor", "y"]]]]]]
    description = {"minigrad": json.dumps({"version": 1, "content": content})}
    tensors = {"x": (dtype, [2], part), "y": (dtype, [2, 1], part)}
    for metadata in (None, {"format": "pt"}, description):
        path.write_bytes(file_of(tensors, metadata))
        found = minigrad.load(path, verify=False)
        nested = metadata is description
        x, y = (found["a"][0], found[0][0]) if nested else (found["x"], found["y"])
        assert x.tolist() == y.reshape(-1).tolist() == expected
        with pytest.raises(CheckpointError, match="no checksum of minigrad's"):
            minigrad.load(path)


def test_half_precision_weights_load_into_a_model(torch, path):
    from safetensors.torch import save_file

    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    for half in (torch.float16, torch.bfloat16):
        state = {key: value.to(half) for key, value in theirs.state_dict().items()}
        save_file(state, path)
        ours = minigrad.nn.Sequential(minigrad.nn.Linear(3, 4), minigrad.nn.BatchNorm1d(4))
        ours.load_state_dict(minigrad.load(path, verify=False))
        for key, tensor in ours.state_dict().items():
            np.testing.assert_array_equal(tensor.numpy(), state[key].float().numpy())


@pytest.mark.parametrize("dtype", ["U64", "F8_E4M3", "F8_E5M2", "F4", "C64"])
def test_a_dtype_without_counterpart_is_refused_in_words(path, dtype):
    path.write_bytes(file_of({"x.y": (dtype, [1], b"\0" * 8)}))
    message = f"'x.y' of dtype {dtype}, which has no counterpart here; known are F32, .*U32: conv"
    with pytest.raises(CheckpointError, match=message):
        minigrad.load(path, verify=False)


@pytest.mark.parametrize("wrong", [2, 128, 255])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_bool_is_0_or_1_in_a_file(path, wrong, place):
    data = bytearray(b"\0\1" * 4)
    path.write_bytes(file_of({"mask": ("BOOL", [2, 4], bytes(data))}))
    assert minigrad.load(path, verify=False)["mask"].tolist() == [[False, True] * 2] * 2
    data[place] = wrong
    path.write_bytes(file_of({"mask": ("BOOL", [2, 4], bytes(data))}))
    with pytest.raises(CheckpointError, match="'mask' of dtype BOOL with bytes other than 0 and 1"):
        minigrad.load(path, verify=False)
