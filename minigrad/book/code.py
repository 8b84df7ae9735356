"""Highlighted source: one element per kind of word, whose color is in book.css.

Elements of one letter instead of classes: there are some hundred on a page.
"""

from functools import cache
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Operator, String, _TokenType

# The first that contains the token's type decides.
KINDS = [
    (Comment, "i"),
    (String, "q"),
    (Keyword, "b"),
    (Operator.Word, "b"),
    (Name.Function, "u"),
    (Name.Class, "u"),
    (Name.Decorator, "u"),
]
LANGUAGES = {".py": "python", ".pyx": "cython", ".pxd": "cython"}


@cache
def lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@cache
def element(token: _TokenType) -> str:
    return next((letter for family, letter in KINDS if token in family), "")


@cache
def highlighted(source: str, language: str) -> list[str]:
    """Every line of a source as HTML; a string over several lines is colored in each of them."""
    if language not in ("python", "cython", "sh"):
        return [escape(line, quote=False) for line in source.split("\n")]
    lines, before = [""], ""
    for token, text in lexer(language).get_tokens(source):
        letter = element(token)
        for number, part in enumerate(text.split("\n")):
            if number:
                lines[-1] += f"</{before}>" if before else ""
                lines.append("")
                before = ""
            if not part:
                continue
            if letter != before and part.strip():
                lines[-1] += (f"</{before}>" if before else "") + (f"<{letter}>" if letter else "")
                before = letter
            lines[-1] += escape(part, quote=False)
    lines[-1] += f"</{before}>" if before else ""
    return lines


def block(source: str, language: str) -> str:
    return f"<pre><code>{chr(10).join(highlighted(source, language))}</code></pre>"
