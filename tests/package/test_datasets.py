"""datasets: what is used, what is refused, and what a failed download leaves behind (nothing)."""

import gzip
import http.server
import io
import os
import socket
import sys
import threading
import time
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from helpers.rest_slow import rest_slow

import minigrad
from minigrad import datasets
from minigrad.datasets import download, mnist
from minigrad.utils.data import DataLoader

MINIGRAD_DATA = os.environ.get("MINIGRAD_DATA")
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

rng = np.random.default_rng(5)
PIXELS = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
DIGITS = rng.integers(0, 10, 40, dtype=np.uint8)


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


CONTENT = {IMAGES: idx(PIXELS), LABELS: idx(DIGITS)}
SERVED = {f"{name}.gz": gzip.compress(content) for name, content in CONTENT.items()}


@pytest.fixture(autouse=True)
def small_world(monkeypatch, tmp_path):
    """An MNIST of 40 images, an empty cache, no mirror."""
    arrays = {IMAGES: PIXELS, LABELS: DIGITS}
    files = tuple(
        mnist.Idx(name, arrays[name].shape, sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    monkeypatch.setattr(mnist, "FILES", {True: files})
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)


def fill(folder, packed=True, **other):
    """The two files in `folder`; `images` or `plain` replaces the images' content."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENT.items():
        (folder / (f"{name}.gz" if packed else name)).write_bytes(
            SERVED[f"{name}.gz"] if packed else content
        )
    for name, content in other.items():
        (folder / {"images": f"{IMAGES}.gz", "plain": IMAGES}[name]).write_bytes(content)
    return folder


def is_right(data):
    return np.array_equal(data.data.numpy(), PIXELS) and np.array_equal(
        data.targets.numpy(), DIGITS
    )


# Where files come from


@pytest.mark.parametrize("packed", [True, False])
def test_named_folder(tmp_path, packed):
    data = datasets.MNIST(fill(tmp_path / "mine", packed))
    assert len(data) == 40
    assert data.data.dtype is minigrad.uint8 and tuple(data.data.shape) == (40, 28, 28)
    assert data.targets.dtype is minigrad.int64
    assert is_right(data)
    image, digit = data[7]
    assert image.dtype is minigrad.float32 and tuple(image.shape) == (1, 28, 28)
    np.testing.assert_allclose(image.numpy(), PIXELS[7:8] / 255, rtol=1e-6)
    assert digit.item() == DIGITS[7]
    x, y = next(iter(DataLoader(data, batch_size=16)))
    assert tuple(x.shape) == (16, 1, 28, 28) and tuple(y.shape) == (16,)


def test_torchvision_layout(tmp_path):
    fill(tmp_path / "MNIST" / "raw", packed=False)
    assert is_right(datasets.MNIST(str(tmp_path)))


def test_order_of_places(tmp_path, monkeypatch):
    """root, MINIGRAD_DATA, cache: the nearer place is read, whatever lies in the farther one."""
    fill(tmp_path / "root"), fill(tmp_path / "env"), fill(tmp_path / "home" / "mnist")
    read = []
    real = mnist._read
    monkeypatch.setattr(mnist, "_read", lambda path, file: read.append(path) or real(path, file))
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "env"))
    datasets.MNIST(tmp_path / "root")
    datasets.MNIST()
    monkeypatch.delenv("MINIGRAD_DATA")
    datasets.MNIST()
    datasets.MNIST(tmp_path / "empty")
    places = [path.parent.relative_to(tmp_path).parts[0] for path in read[::2]]
    assert places == ["root", "env", "home", "home"]


def test_nothing_anywhere(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"(?s){IMAGES}.*(no mirror|pooch).*MINIGRAD_DATA"):
        datasets.MNIST()
    with pytest.raises(FileNotFoundError, match=f"{IMAGES} in .*sub nor in .*download=False"):
        datasets.MNIST(tmp_path / "sub", download=False)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "arguments, name",
    [({"root": 3}, "root"), ({"train": "test"}, "train"), ({"download": None}, "download")],
)
def test_wrong_arguments(arguments, name):
    with pytest.raises(TypeError, match=f"MNIST: {name} must be"):
        datasets.MNIST(**arguments)


def test_cache_folder(monkeypatch):
    assert download.cache_folder() == Path(os.environ["MINIGRAD_HOME"])
    monkeypatch.delenv("MINIGRAD_HOME")
    monkeypatch.setenv("HOME", "/h")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("LOCALAPPDATA", "/l")
    for platform, folder in {
        "linux": "/x/minigrad",
        "darwin": "/h/Library/Caches/minigrad",
        "win32": "/l/minigrad",
    }.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert download.cache_folder().as_posix() == folder
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert download.cache_folder().as_posix() == "/h/.cache/minigrad"


# Wrong files

TAMPERED = bytearray(CONTENT[IMAGES])
TAMPERED[1000] ^= 1
FLIPPED = bytearray(SERVED[f"{IMAGES}.gz"])
FLIPPED[len(FLIPPED) // 2] ^= 4
HEADER = CONTENT[IMAGES][:16]
BOMB = gzip.compress(HEADER + bytes(20_000_000))

WRONG = {
    "truncated gzip": ("images", SERVED[f"{IMAGES}.gz"][:-200]),
    "gzip without end": ("images", SERVED[f"{IMAGES}.gz"][:-8]),
    "no deflate": ("images", SERVED[f"{IMAGES}.gz"][:10] + bytes([255]) * 100),
    "flipped bit": ("images", bytes(FLIPPED)),
    "tail": ("images", SERVED[f"{IMAGES}.gz"] + b"tail"),
    "other file": ("images", SERVED[f"{LABELS}.gz"]),
    "one pixel": ("images", gzip.compress(bytes(TAMPERED))),
    "gzip twice": ("images", gzip.compress(SERVED[f"{IMAGES}.gz"])),
    "web page": ("images", b"<!DOCTYPE html><p>Not found"),
    "bomb": ("images", BOMB),
    "large": ("images", bytes(200_000)),
    "empty": ("images", b""),
    "one pixel, plain": ("plain", bytes(TAMPERED)),
    "truncated plain": ("plain", CONTENT[IMAGES][:-1]),
    "longer plain": ("plain", CONTENT[IMAGES] + b"\0"),
    "half a header": ("plain", HEADER[:7]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_file_in_named_folder(tmp_path, kind):
    """Refused by name, though the cache has the right one."""
    place, content = WRONG[kind]
    fill(tmp_path / "home" / "mnist")
    folder = fill(tmp_path / "mine", packed=place != "plain", **{place: content})
    with pytest.raises(ValueError, match=f"{folder / IMAGES}.* is refused: "):
        datasets.MNIST(folder)


def test_bomb_is_bounded():
    """A small file that expands to 20 MB is refused after the 31 kB that could be right."""
    file = mnist.FILES[True][0]
    assert len(BOMB) < file.limit
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than"):
        mnist._decode(BOMB, file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_special_files(tmp_path):
    """What is no file is refused, not opened: a FIFO would wait for ever."""
    folder = fill(tmp_path / "mine")
    path = folder / f"{IMAGES}.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match=f"{path} is not a regular file"):
        datasets.MNIST(folder)
    path.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        with pytest.raises(ValueError, match=f"{path} is not a regular file"):
            datasets.MNIST(folder)


# Mirrors


class Mirror(http.server.ThreadingHTTPServer):
    """A local server of the right files; where given, `respond(handler, name)` answers instead."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, respond=None):
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.respond, self.asked, self.closing = respond, [], threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that gives up is what these tests are about


class MirrorHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if self.server.respond:
            self.server.respond(self, name)
        else:
            self.give(SERVED[name])

    def give(self, content, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirror(monkeypatch):
    """Starts a mirror and puts it at the end of the list."""
    pytest.importorskip("pooch")
    started = []

    def start(respond=None):
        started.append(Mirror(respond))
        monkeypatch.setattr(mnist, "MIRRORS", tuple(server.address for server in started))
        return started[-1]

    yield start
    for server in started:
        server.closing.set()
        server.shutdown()
        server.server_close()


def test_download(tmp_path, mirror, capsys):
    server = mirror()
    assert is_right(datasets.MNIST())
    assert server.asked == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    kept = tmp_path / "home" / "mnist"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == SERVED
    assert is_right(datasets.MNIST()) and is_right(datasets.MNIST(download=False))
    assert len(server.asked) == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["truncated gzip", "other file", "one pixel, plain", "bomb"])
def test_damaged_cache(tmp_path, mirror, kind):
    """A wrong file in the cache is downloaded anew; without download it is refused by name."""
    place, content = WRONG[kind]
    cache = fill(tmp_path / "home" / "mnist", packed=place != "plain", **{place: content})
    with pytest.raises(ValueError, match=f"{cache / IMAGES}.* is refused: "):
        datasets.MNIST(download=False)
    server = mirror()
    assert is_right(datasets.MNIST())
    assert server.asked == [f"{IMAGES}.gz"]
    assert (cache / f"{IMAGES}.gz").read_bytes() == SERVED[f"{IMAGES}.gz"]


def drip(handler, name):
    handler.give(b"", length=90_000)
    while not handler.server.closing.wait(0.02):
        handler.wfile.write(b"\x1f" * 500)


def endless(handler, name):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(10_000))


def stalled(handler, name):
    handler.give(SERVED[name][:100], length=10_000)
    handler.server.closing.wait()


BAD_MIRRORS = {
    "absent": (lambda handler, name: handler.send_error(404), "404"),
    "error": (lambda handler, name: handler.send_error(500), "500"),
    "other content": (lambda handler, name: handler.give(SERVED[f"{LABELS}.gz"]), "IDX header"),
    "web page": (lambda handler, name: handler.give(b"<html>please log in"), "IDX header"),
    "ends early": (
        lambda handler, name: handler.give(SERVED[name][:-9], length=10**6),
        "IncompleteRead",
    ),
    "bomb": (lambda handler, name: handler.give(BOMB), "more than"),
    "no HTTP": (lambda handler, name: handler.wfile.write(b"220 mail ready\r\n"), "220 mail"),
    "silent": (lambda handler, name: handler.server.closing.wait(), "no answer within|timed out"),
    "stalled": (stalled, "timed out"),
    "drip": (drip, "not complete after"),
    "endless": (endless, "longer than"),
}


@pytest.mark.parametrize("kind", rest_slow(BAD_MIRRORS, ["silent", "endless"]))
def test_second_mirror(tmp_path, mirror, monkeypatch, kind):
    """A bad mirror costs its time-out, is named when all fail, and leaves nothing in the cache."""
    monkeypatch.setattr(download, "SILENCE", 0.2)
    monkeypatch.setattr(download, "WHOLE", 0.2)
    respond, reason = BAD_MIRRORS[kind]
    bad = mirror(respond)
    began = time.monotonic()
    with pytest.raises(FileNotFoundError, match=f"(?s){bad.address}{IMAGES}.gz: .*({reason})"):
        datasets.MNIST()
    assert time.monotonic() - began < 2
    assert not list(tmp_path.rglob("*.gz")) and not list(tmp_path.rglob("*.part"))
    good = mirror()
    assert is_right(datasets.MNIST())
    assert f"{IMAGES}.gz" in good.asked


def test_refused_connection(monkeypatch):
    pytest.importorskip("pooch")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    monkeypatch.setattr(mnist, "MIRRORS", (address,))
    with pytest.raises(FileNotFoundError, match=f"(?s){address}{IMAGES}.gz: .*refused"):
        datasets.MNIST()


def test_progress_only_on_a_terminal(mirror, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    mirror()
    monkeypatch.setattr(sys, "stderr", Terminal())
    datasets.MNIST()
    shown = sys.stderr.getvalue()
    assert f"{IMAGES}.gz:   0%" in shown and "\x1b" not in shown
    assert shown.endswith(" \r"), "the line is gone at the end"


def test_cache_that_cannot_be_written(tmp_path, mirror, monkeypatch):
    """The data is used all the same, and a warning says why it will be downloaded again."""
    mirror()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="not kept: .*MINIGRAD_HOME"):
        assert is_right(datasets.MNIST())


@pytest.mark.parametrize("missing", ["pooch", "tqdm"])
def test_without_the_extra(tmp_path, monkeypatch, missing):
    """Only a download needs it, and names it; files that are there are read without."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(FileNotFoundError, match=r"downloads need pooch .*cython\[examples\]"):
        datasets.MNIST()
    assert is_right(datasets.MNIST(fill(tmp_path / "mine")))


# The real files


@pytest.mark.skipif(not MINIGRAD_DATA, reason="MINIGRAD_DATA names no folder with the MNIST files")
def test_real_mnist(monkeypatch):
    monkeypatch.undo()
    train, test = datasets.MNIST(), datasets.MNIST(train=False)
    assert tuple(train.data.shape) == (60000, 28, 28) and tuple(test.data.shape) == (10000, 28, 28)
    assert train.targets.numpy()[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert round(float(train.data.numpy().mean() / 255), 4) == 0.1307  # known from many tutorials
    x, y = test.tensors
    assert x.numpy().min() == 0 and x.numpy().max() == 1
    assert np.bincount(y.numpy()).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
