"""Files appear whole or not at all: after kill -9, on a full disk, beside other writers."""

import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import minigrad
from minigrad import tensor
from minigrad.serialization import atomic_write

posix = pytest.mark.skipif(os.name != "posix", reason="a POSIX system's files and signals")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def start(*script, **options):
    command = [sys.executable, "-c", "\n".join(script)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


SAVER = """
import sys, minigrad
path, version = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
while True:
    version += 1
    minigrad.save({"version": version, "values": minigrad.full((2_000_000,), version)}, path)
"""


@pytest.mark.slow
@posix
@pytest.mark.parametrize("times", [2, 60])
def test_a_killed_process_leaves_an_old_or_a_new_file(path, times):
    rng = random.Random(0)
    version = 0
    minigrad.save({"version": 0, "values": minigrad.full((2_000_000,), 0)}, path)
    abandoned = 0
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path), str(version)], stdout=subprocess.PIPE
        )
        with process:
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
        found = minigrad.load(path)
        assert found["version"] >= version
        version = found["version"]
        np.testing.assert_array_equal(found["values"], np.full(2_000_000, version, np.float32))
        abandoned += len(os.listdir(path.parent)) - 1
    assert times < 60 or version > 0 and abandoned > 0  # some died while they wrote
    minigrad.save(1, path)
    assert os.listdir(path.parent) == [path.name]


@posix
@pytest.mark.parametrize("limit", range(0, 400_000, 8000))
def test_a_full_disk_leaves_the_old_file(path, limit):
    """The limit of a file's size stands for a disk that is full after so many bytes."""
    import resource

    minigrad.save("old", path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        with pytest.raises(OSError, match="too large|space") as caught:
            minigrad.save(minigrad.zeros(100_000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert f"{str(path)!r} was not written" in caught.value.__notes__[0]
    assert minigrad.load(path) == "old" and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("failing", ["fsync", "replace", "open"])
def test_any_failure_leaves_the_old_file(path, failing, monkeypatch):
    minigrad.save("old", path)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write.os, failing, fail)
        with pytest.raises(OSError, match="No space left"):
            minigrad.save("new", path)
    assert minigrad.load(path) == "old" and os.listdir(path.parent) == [path.name]


def test_an_interrupt_leaves_the_old_file(path, monkeypatch):
    minigrad.save("old", path)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            minigrad.save("new", path)
    assert minigrad.load(path) == "old" and os.listdir(path.parent) == [path.name]


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        minigrad.save(1, tmp_path / "none" / "state.safetensors")
    with pytest.raises(OSError, match="is not a regular file"):
        minigrad.save(1, tmp_path)
    assert os.listdir(tmp_path) == []


@posix
def test_modes(path):
    """A new file gets what the umask leaves, an old one keeps what it has."""
    before = os.umask(0o027)
    try:
        minigrad.save(1, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o400)
    minigrad.save(2, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400 and minigrad.load(path) == 2


@posix
def test_a_symbolic_link_stays(path, tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    minigrad.save(1, target)
    link.symlink_to("target")
    minigrad.save(2, link)
    assert link.is_symlink() and minigrad.load(target) == 2


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    minigrad.save(1, "state")
    assert minigrad.load("state") == 1 and os.listdir(tmp_path) == ["state"]


def test_a_long_name(tmp_path):
    path = tmp_path / ("n" * 250)
    minigrad.save(1, path)
    assert minigrad.load(path) == 1


def test_what_another_process_writes_is_not_removed(path):
    """Its temporary file is locked; one that nobody holds is gone after the next save."""
    left = path.parent / f".{path.name}.0123{atomic_write.SUFFIX}"
    left.write_bytes(b"half")
    other = path.parent / f".other.0123{atomic_write.SUFFIX}"
    other.write_bytes(b"half")
    descriptor, writing = atomic_write._create(str(path.parent), path.name)
    minigrad.save(1, path)
    assert sorted(os.listdir(path.parent)) == sorted(
        [os.path.basename(writing), other.name, path.name]
    )
    os.close(descriptor)
    minigrad.save(2, path)
    assert sorted(os.listdir(path.parent)) == sorted([other.name, path.name])


def test_threads_may_save_to_one_path(path):
    def write(number):
        for _ in range(10):
            minigrad.save([number, tensor(np.full(1000, number))], path)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            number, values = minigrad.load(path)
            assert (values.numpy() == number).all()
    for thread in threads:
        thread.join()
    assert os.listdir(path.parent) == [path.name]
