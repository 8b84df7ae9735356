"""What a stranger's file may not do while it is graded, as far as Python and the platform can say.

Prevented, in the process of the file:

- Working or waiting longer than it may: the process is ended, on POSIX with those it started.
- Network: sockets are refused.
- Other programs: `subprocess`, `os.system`, fork, exec, and signals to processes are refused.
- Writing, renaming and deleting outside a scratch folder, which is removed afterwards.
- Reading anything but Python, NumPy and the data of the step: not your files, not the answers.
- C code by way of `ctypes` or of foreign extension modules; SQLite; `import minigrad`.
- Where the platform has such limits (Linux; macOS in part): more than 2 GB of memory, files over
  16 MB, core dumps; and on Linux new processes and threads, unless root grades.
- Your environment variables are not there, and sys.path holds Python and NumPy alone.

Not prevented: an audit hook and limits are no jail. Who corrupts memory, or digs in the frames of
the interpreter, gets past a hook. On Windows nothing limits the memory. A file may also read what
its own process holds: the checks, that is their inputs; the answers are not there, except where a
check builds its inputs with the page's program. The file hands back numbers, never objects, so
nothing of it runs where the verdict is made. For hand-ins of people whom you do not know, grade in
a container or a virtual machine without network, as a user without rights.
"""

import os
import sys
from typing import Any

MEMORY = 2 << 30
LARGEST_FILE = 16 << 20

REFUSED = (
    "socket.", "subprocess.", "ctypes.", "sqlite3.", "pty.", "winreg.", "_winapi.", "gc.get_",
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.kill",
    "os.symlink", "os.link", "os.chown", "os.setxattr", "os.putenv", "os.chdir", "os.fchdir",
    "signal.pthread_kill",
)  # fmt: skip
WRITES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.utime",
    "os.removexattr", "os.chflags", "tempfile.", "shutil.",
)  # fmt: skip
READS = ("os.listdir", "os.scandir")
FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def set_limits() -> None:
    """Set what this platform can limit; what it does not know is left out."""
    try:
        import resource
    except ImportError:
        return
    limits = {"RLIMIT_AS": MEMORY, "RLIMIT_FSIZE": LARGEST_FILE, "RLIMIT_CORE": 0}
    if sys.platform == "linux":
        limits["RLIMIT_NPROC"] = 0  # it counts threads, too
    for name, most in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, OSError, ValueError):
            pass


def close_sandbox(scratch: str, readable: list[str], refused: str) -> None:
    """From now on, refuse what the docstring of this file says. The process stays in `scratch`."""
    set_limits()
    sys.modules["minigrad"] = None  # type: ignore[assignment]
    pages = _forms([os.path.dirname(__file__), refused])
    inside = (*_forms([scratch]), without_dots(os.devnull, ""))
    readable = [*readable, *sys.path, sys.prefix, sys.base_prefix]
    roots = (*inside, *_forms(readable))
    here = without_dots(os.path.realpath(scratch), "")

    def allowed(path: Any, write: bool) -> bool:
        if path is None or type(path) is int:
            return True
        if type(path) not in (str, bytes):  # it might say another name when it is asked again
            return False
        place = without_dots(path, here)
        if write:
            return lies_in(place, inside)
        return lies_in(place, roots) and not lies_in(place, pages)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            write = bool((flags or 0) & FLAGS) or any(each in (mode or "") for each in "wax+")
            if not allowed(path, write):
                raise PermissionError(f"{'writing' if write else 'reading'} {path!r} is refused")
        elif event == "import":
            if not allowed(arguments[1], False):  # the file of a compiled module
                raise PermissionError(f"loading {arguments[1]!r} is refused")
        elif event.startswith(REFUSED):
            raise PermissionError(f"{event} is refused while a hand-in is graded")
        elif event.startswith(WRITES):
            paths = arguments[:2] if event == "os.rename" else arguments[:1]
            if not all(allowed(path, True) for path in paths):
                raise PermissionError(f"{event} is refused outside the scratch folder")
        elif event.startswith(READS) and not all(allowed(each, False) for each in arguments[:1]):
            raise PermissionError(f"{event} is refused here")

    sys.addaudithook(hook)


def without_dots(path: str | bytes, here: str) -> str:
    """An absolute path with / between its parts and without `.` and `..`; no file is looked at."""
    text = path if type(path) is str else path.decode("utf-8", "replace")  # type: ignore[union-attr]
    if os.name == "nt":
        text = text.lower().replace("\\", "/")
    if not text.startswith("/") and text[1:2] != ":":
        text = f"{here}/{text}"
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def lies_in(place: str, folders: tuple[str, ...]) -> bool:
    return any(place == each or place.startswith(each + "/") for each in folders)


def _forms(folders: list[str]) -> tuple[str, ...]:
    """Folders as they are named, and as they are called without links."""
    named = [os.path.abspath(each) for each in folders if each]
    return tuple(without_dots(each, "") for each in [*named, *map(os.path.realpath, named)])
