"""Saving and loading: tensors, and whatever is built from them, in files that outlive a crash.

A file is a safetensors file, which the official library reads too: the tensors under their paths
("model.0.weight"), and two strings of metadata: how they nest ("minigrad", JSON) and a checksum of
everything else. Nothing in a file is ever executed, imported or looked up by name.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from .._checks import class_of, flag
from .._runtime.fp_warnings import quietly
from ..errors import CheckpointError
from ..ops.array.creation import as_tensor
from ..tensor import Tensor
from . import atomic_write

DEEPEST = 100  # dictionaries and lists within one another
LARGEST_INTEGER = 10_000  # bits; Python refuses to read what has more than 4,300 digits
LONGEST_HEADER = 100_000_000  # bytes, as in the official library
# As a file has it: as we have it, the smallest dtype of ours that holds every value.
DTYPES: dict[str, Any] = {
    "F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8,
    "BOOL": np.bool_,
    "F16": np.float32, "BF16": np.float32, "I8": np.int32, "I16": np.int32, "U16": np.int32,
    "U32": np.int64,
}  # fmt: skip
STORED: dict[str, Any] = {  # where the bytes are of another one
    "F16": np.float16, "BF16": np.uint16, "I8": np.int8, "I16": np.int16, "U16": np.uint16,
    "U32": np.uint32, "BOOL": np.uint8,
}  # fmt: skip
UNSIGNED = b'"checksum":"sha256:' + b"0" * 64 + b'"'
SIGNATURE = re.compile(rb'"checksum":"sha256:([0-9a-f]{64})"')  # quotes inside strings are escaped


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write `obj` to the file `path`, all of it or, if that fails, nothing.

    obj: tensors, numbers, booleans, strings and None in any nesting of lists, tuples and
    dictionaries with keys that are strings or integers; so every `state_dict()`, and
    `Generator.get_state()`. Values are saved, not histories: a loaded tensor requires no gradient.
    An old file is replaced in one step, whole. Errors: TypeError or ValueError for what cannot be
    saved, with its place; OSError if the writing fails. Counterpart: torch.save.
    """
    path = atomic_write.path_of("save", path)
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    structure = _describe(obj, (), tensors, [])
    metadata = {
        "minigrad": json.dumps({"version": 1, "content": structure}, allow_nan=False),
        "checksum": "sha256:" + "0" * 64,
    }
    content = memoryview(safetensors.numpy.save(tensors, metadata))
    end = 8 + int.from_bytes(content[:8], "little")
    header = bytes(content[:end])
    if header.count(UNSIGNED) != 1:
        raise RuntimeError("save: the safetensors library does not write headers as expected")
    checksum = hashlib.sha256(header)
    checksum.update(content[end:])
    signed = UNSIGNED.replace(b"0" * 64, checksum.hexdigest().encode())
    atomic_write.write(path, [header.replace(UNSIGNED, signed), content[end:]])


def load(
    path: str | os.PathLike[str],
    map_location: Any = None,
    *,
    weights_only: bool = True,
    verify: bool = True,
) -> Any:
    """What `save` has written to the file `path`: new tensors in the same nesting.

    Any safetensors file will do with verify=False, which skips the checksum: a dictionary of its
    tensors, F16 and BF16 as float32, I8, I16 and U16 as int32, U32 as int64, which hold all their
    values. CheckpointError for a damaged or hostile file, and for what is not a file (a folder,
    a device, a pipe), before anything is allocated; OSError if it cannot be opened. `map_location`
    and `weights_only` take what is true of every load here: "cpu" and True. As torch.load.
    """
    path = atomic_write.path_of("load", path)
    if map_location is not None and str(map_location) != "cpu":
        raise ValueError(f"load: map_location must be None or 'cpu', got {map_location!r}")
    if not flag("load", "weights_only", weights_only):
        raise ValueError("load: weights_only=False would run a pickle, which is never done")
    verify = flag("load", "verify", verify)
    # O_NONBLOCK: a pipe without a writer is refused, not waited for.
    mode = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, mode)
    except (IsADirectoryError, PermissionError):
        if os.path.isdir(path):  # Windows calls it a lack of permission
            raise CheckpointError(f"load: {path!r} is a directory, not a file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CheckpointError(f"load: {path!r} is not a regular file")
    with open(descriptor, "rb") as file:
        try:
            return _read(file, os.fstat(descriptor).st_size, verify)
        except _Damage as damage:
            raise CheckpointError(f"load: {path!r} {damage}") from None


class _Damage(Exception):
    """What is wrong with the file being read."""


# --- nesting <-> description ---------------------------------------------------------------------


def _describe(value, keys, tensors, around):
    """`value` in JSON, in which a tensor is its name; the arrays are put into `tensors`.

    None, booleans, integers, strings and finite floats are themselves; anything else is a list of
    two, what it is and what it holds. `keys` lead here, `around` the containers.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is int and value.bit_length() > LARGEST_INTEGER:
        raise ValueError(f"save: {_where(keys)} is an integer of {value.bit_length()} bits")
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else ["float", repr(value)]
    if isinstance(value, Tensor):
        name = _name(keys, tensors)
        tensors[name] = np.asarray(value.detach().numpy(), order="C")
        return ["tensor", name]
    if isinstance(value, (bool, int, float, str)):  # an enum, or another subclass with a meaning
        raise TypeError(f"save: {_where(keys)} is a {type(value).__name__}, which would be lost")
    if not isinstance(value, (dict, list, tuple)):
        kind = class_of(value).partition(";")[0]
        raise TypeError(
            f"save: {_where(keys)} is of type {kind}; only tensors, numbers, "
            "strings, None and dictionaries, lists and tuples of them are saved (for a module or "
            "an optimizer: its state_dict(); for an array: as_tensor(array))"
        )
    if any(value is container for container in around):
        raise ValueError(f"save: {_where(keys)} contains itself")
    if len(around) == DEEPEST:
        raise ValueError(f"save: {_where(keys)} is nested deeper than {DEEPEST} levels")
    around = [*around, value]
    if not isinstance(value, dict):
        kind = "tuple" if isinstance(value, tuple) else "list"
        items = enumerate(value)
        return [kind, [_describe(v, (*keys, k), tensors, around) for k, v in items]]
    for key in value:
        if type(key) not in (int, str):
            raise TypeError(
                f"save: {_where(keys)} has the key {key!r}; keys must be strings or integers"
            )
    items = value.items()
    return ["dict", [[k, _describe(v, (*keys, k), tensors, around)] for k, v in items]]


def _where(keys):
    return "obj" + "".join(f"[{key!r}]" for key in keys)


def _name(keys, taken):
    """The path of a tensor, as a state dict writes it, made unique."""
    path = ".".join(map(str, keys)) or "tensor"
    path = path.encode("utf-8", "replace").decode()  # lone surrogates have no place in a file
    name, count = path, 1
    while name in taken or name == "__metadata__":
        count += 1
        name = f"{path}#{count}"
    return name


def _build(description, tensors, depth=0):
    """The value that `_describe` described; takes each tensor out of `tensors`."""
    if description is None or type(description) in (bool, int, float, str):
        return description
    if depth > DEEPEST or type(description) is not list or len(description) != 2:
        raise _Damage("holds a description that save does not write")
    kind, content = description
    if kind == "tensor" and type(content) is str and content in tensors:
        return tensors.pop(content)
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind in ("list", "tuple") and type(content) is list:
        values = [_build(value, tensors, depth + 1) for value in content]
        return values if kind == "list" else tuple(values)
    if kind == "dict" and type(content) is list:
        items = [_build_item(item, tensors, depth + 1) for item in content]
        if len(dict(items)) == len(items):
            return dict(items)
    raise _Damage("holds a description that save does not write")


def _build_item(item, tensors, depth):
    if type(item) is not list or len(item) != 2 or type(item[0]) not in (int, str):
        raise _Damage("holds a description that save does not write")
    return item[0], _build(item[1], tensors, depth)


# --- reading -------------------------------------------------------------------------------------


def _read(file, size, verify):
    start = file.read(8)
    end = 8 + int.from_bytes(start, "little")
    if len(start) < 8 or end > min(size, LONGEST_HEADER):
        raise _Damage(_kind(start + file.read(4000)))
    header = start + file.read(end - 8)
    if verify:
        _check_sum(file, header)
    metadata, dtypes = _parse(header[8:])
    for name, dtype in dtypes.items():
        if type(dtype) is not str or dtype not in DTYPES:
            raise _Damage(
                f"holds the tensor {name!r} of dtype {dtype}, which has no counterpart here; known "
                f"are {', '.join(DTYPES)}: convert it where the file was made"
            )
    file.seek(0)
    try:
        views = safetensors.deserialize(file.read(size))
    except SafetensorError as error:
        raise _Damage(f"is not a safetensors file: {error}") from None
    tensors = {}
    for name, view in views:
        tensors[name] = as_tensor(_array(name, view))
    if "minigrad" not in metadata:
        return tensors
    value = _build(_content(metadata["minigrad"]), tensors)
    if tensors:
        raise _Damage(f"holds tensors that nothing refers to: {list(tensors)}")
    return value


def _array(name, view):
    """The values of one tensor of a file, in a dtype of ours, exactly."""
    kind, own = view["dtype"], DTYPES[view["dtype"]]
    stored = np.dtype(STORED.get(kind, own)).newbyteorder("<")
    array = np.frombuffer(view["data"], stored)
    if kind == "BOOL" and array.max(initial=0) > 1:
        raise _Damage(f"holds the tensor {name!r} of dtype BOOL with bytes other than 0 and 1")
    if kind == "BF16":  # the upper half of a float32
        array = (array.astype(np.uint32) << 16).view(np.float32)
    try:
        return quietly(array.reshape(view["shape"]).astype, own, copy=False)
    except ValueError as error:  # a shape that only an empty tensor can have, (0, 2⁶³)
        raise _Damage(f"holds the tensor {name!r} of a shape beyond NumPy's: {error}") from None


KINDS = [  # how files begin that are often taken for safetensors, and what to do with them
    (rb"PK\x03\x04.*\.npy", "is an .npz file: numpy.load reads it, and as_tensor an array"),
    (rb"PK\x03\x04.{26}metadata\.json", "is a model of Keras: load it there, and "
     "nn.utils.weights_from_keras(model, keras_model.get_weights()) takes its weights"),
    (rb"\x89HDF", "is an HDF5 file: load it with Keras, and nn.utils.weights_from_keras(model, "
     "keras_model.get_weights()) takes the weights, or with h5py, whose arrays as_tensor takes"),
    (rb"\x08[\x01-\x14][\x12:B]", "is an ONNX file; onnx.numpy_helper.to_array makes an array of "
     "each initializer, and load_state_dict takes a dictionary of arrays"),
    (rb'\s*\{.*"weight_map"', "is the index of a model in several files: load each of them with "
     "verify=False, and join the dictionaries with |"),
    (rb"PK\x03\x04", "is a file of torch.save, a pickle, which is never run here; where torch is, "
     "safetensors.torch.save_file(torch.load(path), new_path) converts a dictionary of tensors, "
     "and minigrad.load(new_path, verify=False) reads it"),
    (rb"\x93NUMPY", "is an .npy file: numpy.load reads it, and as_tensor takes the array"),
    (rb"\x80[\x02-\x05]", "is a pickle, which is never run here; where it was made, "
     "safetensors.torch.save_file or safetensors.numpy.save_file writes a dictionary of tensors or "
     "arrays, and minigrad.load(path, verify=False) reads it"),
    (rb"\s*<(!|\?|[A-Za-z])", "is a web page: the download answered with an error or a login"),
    (rb"version https://git-lfs", "is a pointer of Git LFS, not the file; `git lfs pull` gets it"),
    (rb"(\.git/|/)?annex/objects/", "is a pointer of git-annex, not the file; `git annex get` "
     "fetches it"),
]  # fmt: skip


def _kind(start):
    """What a file is that begins like this."""
    if not start:
        return "is empty"
    for form, words in KINDS:
        if re.match(form, start, re.DOTALL):
            return words
    return "is not a safetensors file, or is cut off"


def _check_sum(file, header):
    signatures = SIGNATURE.findall(header)
    if len(signatures) != 1:
        raise _Damage(
            "has no checksum of minigrad's; if it comes from elsewhere, load(path, verify=False)"
        )
    checksum = hashlib.sha256(SIGNATURE.sub(UNSIGNED, header))
    while piece := file.read(1 << 20):
        checksum.update(piece)
    if checksum.hexdigest().encode() != signatures[0]:
        raise _Damage("is damaged: its checksum does not fit its content")


def _json(text):
    def distinct(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=distinct)
    except (ValueError, RecursionError) as error:
        raise _Damage(f"has an unreadable header: {error}") from None


def _parse(text):
    """The metadata and the dtype of each tensor."""
    header = _json(text)
    if type(header) is not dict:
        raise _Damage("has a header that is not a dictionary")
    metadata = header.pop("__metadata__", {})
    if type(metadata) is not dict or not all(type(entry) is dict for entry in header.values()):
        raise _Damage("has a header of another form")
    return metadata, {name: entry.get("dtype") for name, entry in header.items()}


def _content(text):
    description = _json(text) if type(text) is str else None
    if type(description) is not dict or description.keys() != {"version", "content"}:
        raise _Damage("holds a description that save does not write")
    if description["version"] != 1:
        raise _Damage(f"was saved by a newer minigrad (version {description['version']!r})")
    return description["content"]
