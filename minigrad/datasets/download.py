"""Files from the network, by pooch: received whole, and checked by whoever asked."""

from __future__ import annotations

import io
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._checks import installing

ANSWER = 3  # seconds until an address of a mirror must have taken the connection
SILENCE = 10  # the longest pause after that
WHOLE = 300  # seconds for a whole file


def cache_folder() -> Path:
    """The folder for downloads: MINIGRAD_HOME, else "minigrad" in the platform's cache folder."""
    home = os.environ.get("MINIGRAD_HOME")
    if home:
        return Path(home).expanduser()
    variable, inside = {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": (None, "Library/Caches"),
    }.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    base: str | Path | None = variable and os.environ.get(variable)
    if not base:
        try:
            base = Path.home() / inside
        except RuntimeError:
            raise FileNotFoundError(
                "no home folder for downloads: name one in MINIGRAD_HOME"
            ) from None
    return Path(base) / "minigrad"


def receive(urls: list[str], limit: int, check: Callable[[bytes], Any]) -> tuple[bytes, Any]:
    """(content, check(content)) from the first of `urls` whose content `check` accepts.

    A mirror fails by an error, by silence, by more than `limit` bytes, by a ValueError of `check`.
    When all have failed: FileNotFoundError that lists each with its reason; also without pooch.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # in a notebook tqdm asks for widgets
            from pooch import HTTPDownloader
        from tqdm import tqdm
    except ImportError as error:
        raise FileNotFoundError(
            f"downloads need pooch and tqdm ({error}): {installing('examples')}"
        ) from error
    failures = []
    form = {"unit": "B", "unit_scale": True, "leave": False, "disable": None}
    for url in urls:
        name = url.rpartition("/")[2]
        try:
            with tqdm(desc=name, total=limit, **form) as bar, _Bounded(limit) as file:
                HTTPDownloader(bar, timeout=(ANSWER, SILENCE))(url, file, None)
                content = file.getvalue()
            return content, check(content)
        except (OSError, ValueError) as error:  # those of requests are OSErrors
            failures.append(f"{url}: {error or type(error).__name__}")
    raise FileNotFoundError("no mirror gave the file:\n  " + "\n  ".join(failures))


class _Bounded(io.BytesIO):
    """Takes what arrives, but no more than `limit` bytes, and not for ever."""

    def __init__(self, limit):
        super().__init__()
        self.limit, self.end = limit, time.monotonic() + WHOLE

    def write(self, chunk):
        if self.tell() + len(chunk) > self.limit:
            raise ValueError(f"longer than the {self.limit:,} bytes that the file can have")
        if time.monotonic() > self.end:
            raise TimeoutError(f"not complete after {WHOLE} s")
        return super().write(chunk)
