"""`python -m minigrad book`: the derivations beside the lines that compute them, in a browser.

    book                     build the book if it is not there yet, and open its title page
    book batch_norm          open a page
    book batch_norm#eq-8     open it at an equation
    book --path [PAGE]       print where it is, and open nothing
    book --build DIR         build the book into a folder

In a checkout the pages are built at the first call, with markdown-it-py, latex2mathml, Pygments and
Cython (the extra `book`), into the folder `book` of the cache that MINIGRAD_HOME names. Where no
cache can be written, that is a folder for temporary files. An installed wheel has them ready.
"""

import sys
from pathlib import Path

from ..display.terminal import command_line, print_anywhere
from .opening import opened, place_named
from .shelf import BookError, build_into, find_book


def book(words: list[str]) -> int:
    """Carry out a command; the status for the shell."""
    parser = command_line(
        "The book: every derivation beside the lines that compute it.", "python -m minigrad book"
    )
    parser.add_argument("page", nargs="?", default="index", help="for example: batch_norm#eq-8")
    parser.add_argument("--path", action="store_true", help="print where it is, and open nothing")
    parser.add_argument("--build", metavar="DIR", help="build the book into this folder")
    asked = parser.parse_args(words)
    print_anywhere("backslashreplace")  # a path is not spelled in other letters
    try:
        folder = build_into(Path(asked.build).absolute()) if asked.build else find_book()
        page = place_named(folder, asked.page)
    except (BookError, OSError) as problem:
        print(f"python -m minigrad book: {problem}", file=sys.stderr)
        return 2
    file, hash_, anchor = page.partition("#")
    if asked.path or asked.build:
        print(f"{folder / file}.html{hash_}{anchor}")
    else:
        print(opened(folder, page, show=True))
    return 0
