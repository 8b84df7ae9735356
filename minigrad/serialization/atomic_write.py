"""Files that are there whole or not at all, whenever the process, the disk or the power fails."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from types import ModuleType
from typing import Any

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted anyway
    fcntl = None

SUFFIX = ".minigrad-unfinished"


def path_of(operation: str, path: Any) -> str:
    """`path` as text, for an operation that is to open a file of this name."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{operation}: path must be a string or a Path, got {type(path).__name__}")
    path = os.fspath(path)
    if isinstance(path, bytes):
        raise TypeError(f"{operation}: path must be a string or a Path, got bytes")
    if "\0" in path:
        raise ValueError(f"{operation}: path {path!r} holds a null character")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError(f"{operation}: path {path!r} is not a valid file name") from None
    return path


def write(path: str | os.PathLike[str], parts: Iterable[bytes | memoryview]) -> None:
    """Make `path` a file of these parts (bytes-like), or leave it as it is and raise an OSError.

    They are written to a temporary file in the same folder, forced onto the disk, and only then
    given the name; a symbolic link stays, its target is replaced. The temporary file is locked
    while it is written: one without a lock was left by a process that died, and is removed.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(f"save: {path!r} is not a regular file")
        _remove_abandoned(folder, name)
        descriptor, temporary = _create(folder, name)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                for part in parts:
                    _write_all(file, part)
                if os.path.exists(path):
                    _keep_mode(file, path)
                os.fsync(file.fileno())
                if fcntl:  # replaced while still locked: no other process takes it for abandoned
                    os.replace(temporary, path)
            if not fcntl:
                os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.remove(temporary)
            raise
    except OSError as error:
        error.add_note(f"save: {path!r} was not written; what was there is unchanged")
        raise
    _force_onto_disk(folder)


def _create(folder, name):
    mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}{SUFFIX}")
        descriptor = os.open(temporary, mode | getattr(os, "O_CLOEXEC", 0), 0o666)
        if not fcntl:
            return descriptor, temporary
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for a process that is cleaning up
        except OSError:  # the file system has no locks
            pass
        if os.fstat(descriptor).st_nlink:
            return descriptor, temporary
        os.close(descriptor)


def _write_all(file, part):
    view = memoryview(part).cast("B")
    while len(view):
        view = view[file.write(view) :]


def _keep_mode(file, path):
    with contextlib.suppress(OSError, AttributeError):  # another user's file; Windows
        os.fchmod(file.fileno(), stat.S_IMODE(os.stat(path).st_mode))


def _remove_abandoned(folder, name):
    start = f".{name[:100]}."
    entries = []
    with contextlib.suppress(OSError):  # a folder that may be written to, but not listed
        entries = os.listdir(folder)
    for entry in entries:
        if entry.startswith(start) and entry.endswith(SUFFIX):
            with contextlib.suppress(OSError):
                _remove_if_unlocked(os.path.join(folder, entry))


def _remove_if_unlocked(path):
    if not fcntl:
        os.remove(path)
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while another process writes
        os.remove(path)
    finally:
        os.close(descriptor)


def _force_onto_disk(folder):
    """The new name too; Windows has no such call for folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
