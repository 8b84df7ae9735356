"""Files from the network: received whole, checked, and only then written."""

import os
import queue
import secrets
import sys
import threading
import time
from pathlib import Path

ANSWER = 10  # seconds until a mirror must have answered, and the longest silence after that
WHOLE = 300  # seconds for a whole file
CHUNK = 1 << 16


def cache_folder():
    """The folder for downloads: MINIGRAD_HOME, else "minigrad" in the platform's cache folder."""
    home = os.environ.get("MINIGRAD_HOME")
    if home:
        return Path(home).expanduser()
    variable, inside = {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": (None, "Library/Caches"),
    }.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    base = variable and os.environ.get(variable)
    if not base:
        try:
            base = Path.home() / inside
        except RuntimeError:
            raise FileNotFoundError(
                "no home folder for downloads: name one in MINIGRAD_HOME"
            ) from None
    return Path(base) / "minigrad"


def write_whole(path, content):
    """Write `content` so that at every moment `path` is the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def receive(urls, limit, check):
    """(content, check(content)) from the first of `urls` whose content `check` accepts.

    A mirror fails by an error, by silence, by more than `limit` bytes, by a ValueError of `check`.
    When all have failed: FileNotFoundError that lists each with its reason.
    """
    from http.client import HTTPException

    failures = []
    for url in urls:
        try:
            content = _receive(url, limit)
            return content, check(content)
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{url}: {error or type(error).__name__}")
    raise FileNotFoundError("no mirror gave the file:\n  " + "\n  ".join(failures))


def _receive(url, limit):
    deadline = time.monotonic() + WHOLE
    content = bytearray()
    with _open(url) as response:
        length = response.headers.get("Content-Length", "")
        total = f" of {int(length) / 1e6:.1f}" if length.isdecimal() else ""
        with _StatusLine() as status:
            # read1 gives what has arrived; read(n) would wait for n bytes, however slow they are.
            while chunk := response.read1(CHUNK):
                content += chunk
                if len(content) > limit:
                    raise ValueError(f"longer than the {limit:,} bytes that the file can have")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not complete after {WHOLE} s")
                status.show(f"{url}: {len(content) / 1e6:.1f}{total} MB")
    return bytes(content)


def _open(url):
    """The server's response, or TimeoutError.

    urlopen's own time-out begins anew with each address of a name, and does not count its look-up.
    """
    from urllib.request import Request, urlopen

    answer = queue.SimpleQueue()

    def ask():
        try:
            answer.put(urlopen(Request(url, headers={"User-Agent": "minigrad"}), timeout=ANSWER))
        except Exception as error:
            if hasattr(error, "close"):  # an HTTPError is a response too
                error.close()
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        response = answer.get(timeout=ANSWER)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER} s") from None
    if isinstance(response, Exception):
        raise response
    return response


class _StatusLine:
    """A progress line: rewritten in place, on a terminal only, and erased at the end."""

    def __init__(self):
        self.terminal = sys.stderr.isatty()
        self.shown = 0.0

    def __enter__(self):
        return self

    def show(self, text):
        if self.terminal and time.monotonic() - self.shown > 0.1:
            self.shown = time.monotonic()
            print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)

    def __exit__(self, *exception):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
