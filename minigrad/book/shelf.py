"""Where the pages are: ready in a wheel; in a checkout, built into the cache at the first use."""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from .._checks import installing
from ..datasets.download import cache_folder

HERE = Path(__file__).resolve().parent
READY = HERE / "site"  # in a wheel
STAMP = "made-from"


class BookError(RuntimeError):
    """There is no book, or no such page; the message says what can be done about it."""


def find_book() -> Path:
    """The folder of the book; builds it where it is missing or older than its sources."""
    if READY.is_dir():
        return READY
    root = checkout()
    stamp = made_from(root)
    for folder in places():
        if (folder / STAMP).is_file() and (folder / STAMP).read_text(encoding="utf-8") == stamp:
            return folder
    for folder in places():
        try:
            return build_into(folder, root, stamp)
        except OSError as problem:  # a home that is read-only, or full
            last = problem
    raise BookError(f"no folder for the book can be written ({last}): name one with --build DIR")


def places() -> list[Path]:
    """The cache, and the folder for temporary files where the cache cannot be written."""
    try:
        first = [cache_folder() / "book"]
    except FileNotFoundError:
        first = []
    name = f"minigrad-book-{os.getuid()}" if hasattr(os, "getuid") else "minigrad-book"
    return [*first, Path(tempfile.gettempdir()) / name]


def checkout() -> Path:
    root = HERE.parents[1]
    if not (root / "docs" / "derivations" / "README.md").is_file():
        raise BookError(
            "this installation holds no book: it was made without markdown-it-py, latex2mathml, "
            "Pygments or Cython. Install them and minigrad again, or read docs/ in the repository"
        )
    return root


def made_from(root: Path) -> str:
    """A digest of everything that the pages are made from."""
    digest = hashlib.sha256()
    files = [root / "README.md", root / "CONTRIBUTING.md"]
    for folder, kinds in (
        ("docs", ("*",)),
        ("minigrad", ("*.py", "*.pyx", "*.pxd", "*.css", "*.js")),
        ("examples", ("*.py",)),
        ("tests", ("*.py",)),
    ):
        for kind in kinds:
            files += [path for path in sorted((root / folder).rglob(kind)) if path.is_file()]
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def build_into(folder: Path, root: Path | None = None, stamp: str = "") -> Path:
    """Build beside the folder, then put it in its place, so that no half book is ever found."""
    root = root or checkout()
    if folder.exists() and not folder.is_dir():
        raise BookError(f"{folder} is a file; name a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / STAMP).exists():
        raise BookError(f"{folder} holds something else, and would be overwritten; name another")
    try:
        from .building import write_book
    except ModuleNotFoundError as missing:
        raise BookError(
            "the book is built with markdown-it-py, latex2mathml, Pygments and Cython, and "
            f"{missing.name} is not installed: {installing('book')}"
        ) from None
    print("making the book; this takes a while, and only once", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".book-", dir=folder.parent))
    try:
        write_book(root, part)
        (part / STAMP).write_text(stamp or made_from(root), encoding="utf-8")
        os.chmod(part, 0o755)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
