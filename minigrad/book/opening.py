"""From a tensor, or a name, to its page."""

import difflib
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .._checks import flag
from ..display.rules import page_of
from ..tensor import Tensor
from .shelf import BookError, find_book
from .subject import derivation_of


def explain(tensor_or_name: Any, show: bool = True) -> str:
    """Open the page of the book that derives what made a tensor; returns its address.

        minigrad.explain(loss)                  # the operation that made it: cross_entropy
        minigrad.explain("batch_norm#eq-8")     # a page by name, at an equation or a section
        minigrad.explain(nn.BatchNorm1d)        # what minigrad.source takes

    With `show=False` nothing is opened. `python -m minigrad book` does the same for names.
    """
    flag("explain", "show", show)
    book = find_book()
    if isinstance(tensor_or_name, str):
        page = place_named(book, tensor_or_name)
    elif isinstance(tensor_or_name, Tensor):
        page = of_node(tensor_or_name.grad_fn)
    else:
        page = of_subject(tensor_or_name)
    return opened(book, page, show)


def opened(book: Path, page: str, show: bool) -> str:
    file, _, anchor = page.partition("#")
    address = (book / f"{file}.html").resolve().as_uri() + (f"#{quote(anchor)}" if anchor else "")
    if show:
        import webbrowser

        if not webbrowser.open(address):
            print(f"no browser could be opened here; the page is {address}", file=sys.stderr)
    return address


def facts(book: Path) -> dict[str, dict[str, Any]]:
    return json.loads((book / "book.json").read_text(encoding="utf-8"))


def place_named(book: Path, name: str) -> str:
    """`batch_norm#eq-8` of `batch_norm#eq-8`, `Batch_Norm.html#8` or `nn.BatchNorm1d#8`."""
    page, _, anchor = name.partition("#")
    page = page.strip().lower().removesuffix(".html").removesuffix(".md").replace("-", "_")
    pages = list(facts(book)["titles"])
    if page not in pages:
        page = page_of_function(name.partition("#")[0]) or page
    if page not in pages:
        raise BookError(f"the book has no page {page!r}; {instead(page, pages, 'its pages')}")
    if re.fullmatch(r"\d+[a-h]?", anchor):
        anchor = f"eq-{anchor}"
    text = (book / f"{page}.html").read_text(encoding="utf-8")
    if anchor and f'id="{anchor}"' not in text:
        places = re.findall(r'<(?:h[1-4]|div class="equation") id="([^"]+)"', text)
        has = instead(anchor, places, "its sections and equations")
        raise BookError(f"the page {page} has no place {anchor!r}; {has}")
    return f"{page}#{anchor}" if anchor else page


def instead(asked: str, names: list[str], what: str) -> str:
    """What may have been meant; where nothing is near, all there is."""
    near = difflib.get_close_matches(asked, names, 3)
    if near:
        return f"is it {' or '.join(map(repr, near))}?"
    return f"{what} are {', '.join(names)}"


def page_of_function(name: str) -> str | None:
    """`batch_norm` of `nn.BatchNorm1d`, a name that no page has."""
    try:
        return derivation_of(name)
    except (BookError, TypeError):
        return None


def of_subject(x: Any) -> str:
    """The page that derives a function, a layer or an optimizer."""
    if page := derivation_of(x):
        return page
    raise BookError("explain: no page of the book derives it; minigrad.source shows what it does")


def of_node(node: Any) -> str:
    """The page of the operation that a node recorded."""
    if node is None:
        raise BookError(
            "explain: no recorded operation made this tensor; it is a leaf, or was made without "
            "gradients. Give explain a result of it, or the name of a page"
        )
    kind = type(node)
    if page := page_of(kind):
        return page
    raise BookError(
        f"explain: {kind.__name__} of {kind.__module__} has no page of its own; it moves values "
        "and computes nothing, and its gradient takes the same way back"
    )
