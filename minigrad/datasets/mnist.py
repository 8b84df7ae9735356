"""MNIST: 70,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes, Burges), in its four files.

A file is known by its content: whatever folder or mirror it comes from, plain or .gz, the SHA-256
of the decompressed bytes decides whether it is used.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import warnings
import zlib
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .._checks import flag
from ..ops.array.creation import from_numpy
from ..serialization.atomic_write import write
from ..tensor import Tensor
from ..utils.data import TensorDataset
from .download import cache_folder, receive

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class Idx(NamedTuple):
    """What an IDX file must contain: a header, then the bytes of an array of this shape."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """Two zeros, the type (8: uint8), the number of dimensions, each size as four bytes."""
        sizes = b"".join(size.to_bytes(4, "big") for size in self.shape)
        return bytes([0, 0, 8, len(self.shape)]) + sizes

    @property
    def size(self) -> int:
        return len(self.header) + math.prod(self.shape)

    @property
    def limit(self) -> int:
        """More bytes than the file has in any form; gzip adds little to what it cannot shorten."""
        return self.size + (1 << 16)


FILES = {
    True: (
        Idx(
            "train-images-idx3-ubyte",
            (60000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        Idx(
            "train-labels-idx1-ubyte",
            (60000,),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    False: (
        Idx(
            "t10k-images-idx3-ubyte",
            (10000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        Idx(
            "t10k-labels-idx1-ubyte",
            (10000,),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
}


class MNIST(TensorDataset):
    """The training images (60,000) or the test images (10,000) of MNIST, with their digits.

    `data` (N, 28, 28) uint8 and `targets` (N,) int64 are as in the files (and as in torchvision).
    As a dataset, `mnist[i]` is (image, digit): float32 (1, 28, 28) from 0 (paper) to 1 (ink), which
    is torchvision's with `transform=ToTensor()`, and int64. All at once: `x, y = mnist.tensors`.

    Each file comes from the first source that has it, plain or .gz: the folder `root`, else the one
    that MINIGRAD_DATA names (in it, or in its MNIST/raw, where torchvision puts it); the cache
    (MINIGRAD_HOME, else the platform's cache folder); with `download` a mirror, through the cache.

    A file in `root` or MINIGRAD_DATA whose content is not MNIST's is a ValueError that names it;
    such a file in the cache is downloaded anew. FileNotFoundError when no source has the file.
    """

    def __init__(
        self, root: str | os.PathLike[str] | None = None, train: bool = True, download: bool = True
    ) -> None:
        if root is not None and not isinstance(root, (str, os.PathLike)):
            raise TypeError(f"MNIST: root must be a folder or None, got {type(root).__name__}")
        flag("MNIST", "train", train)
        flag("MNIST", "download", download)
        folder = root or os.environ.get("MINIGRAD_DATA")
        images, labels = (_find(file, folder, download) for file in FILES[train])
        self.data: Tensor = from_numpy(images)
        self.targets: Tensor = from_numpy(labels.astype(np.int64))
        pixels = np.divide(images[:, None], 255, dtype=np.float32)
        super().__init__(from_numpy(pixels), self.targets)

    def __repr__(self) -> str:
        return f"MNIST({len(self)} images)"


def _find(file, folder, download):
    """The array in `file`: from the folder, else the cache, else the mirrors."""
    for path in _places(file, folder):
        if path.exists():
            return _read(path, file)
    cache = cache_folder() / "mnist"
    damaged = None
    for path in _places(file, cache):
        if path.exists():
            try:
                return _read(path, file)
            except ValueError as error:
                damaged = error
    if download:
        return _download(file, cache / f"{file.name}.gz")
    if damaged:
        raise damaged
    raise FileNotFoundError(
        f"MNIST: no {file.name} in {folder or 'a folder named by MINIGRAD_DATA'} nor in the cache "
        f"{cache}, and download=False"
    )


def _places(file, folder):
    if not folder:
        return
    for inside in (Path(folder), Path(folder, "MNIST", "raw")):
        yield inside / file.name
        yield inside / f"{file.name}.gz"


def _read(path, file):
    """The array in `path`; ValueError with the path unless it is the one that `file` describes."""
    if not path.is_file():
        raise ValueError(f"MNIST: {path} is not a regular file")
    with open(path, "rb") as stream:
        content = stream.read(file.limit + 1)
    try:
        return _decode(content, file)
    except ValueError as error:
        raise ValueError(f"MNIST: {path} is refused: {error}") from None


def _download(file, path):
    try:
        content, array = receive(
            [f"{mirror}{file.name}.gz" for mirror in MIRRORS],
            file.limit,
            lambda content: _decode(content, file),
        )
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"MNIST: {file.name} is not on this machine, and {error}\n"
            "Without network: put the file (or its .gz) in a folder and name that folder in "
            "MINIGRAD_DATA; datasets.digits() needs neither"
        ) from error.__cause__
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, [content])
    except OSError as error:
        warnings.warn(
            f"MNIST: {file.name} was downloaded, not kept: {error}; MINIGRAD_HOME names the cache",
            stacklevel=4,
        )
    return array


def _decode(content, file):
    """The array that `content`, plain or gzip, holds; ValueError if it is not the one of `file`."""
    if content[:2] == b"\x1f\x8b":
        try:
            # At most one byte too many is decompressed, whatever a small file may expand to.
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(file.size + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"damaged gzip data ({error})") from None
    header = content[: len(file.header)]
    if header != file.header:
        raise ValueError(
            f"it begins with {header.hex(' ', 4) or 'nothing'}, but the IDX header of {file.name} "
            f"is {file.header.hex(' ', 4)} (uint8, shape {file.shape})"
        )
    if len(content) != file.size:
        relation = "more" if len(content) > file.size else "fewer"
        raise ValueError(f"it has {relation} than the {file.size:,} bytes of {file.name}")
    digest = sha256(content).hexdigest()
    if digest != file.sha256:
        raise ValueError(f"its content has SHA-256 {digest}, {file.name} has {file.sha256}")
    return np.frombuffer(bytearray(content), np.uint8, offset=len(header)).reshape(file.shape)
