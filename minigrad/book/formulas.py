"""From TeX to MathML, which browsers show without any script."""

import re
from functools import cache
from xml.etree import ElementTree

from latex2mathml.converter import convert

ALIGNED = re.compile(r"\\begin\{aligned\}(.*)\\end\{aligned\}", re.S)
# A delimiter of a size of its own is understood as a character, not as a command.
AS_CHARACTERS = {r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉"}
ROWS = ("math", "mrow", "mtd", "msqrt")
BASES = ("mo", "msub", "msup", "msubsup")  # |x|, and |x| with an exponent
SIGNS, OPEN = ("−", "-", "+", "±"), ("=", "≈", "<", ">", "≤", "≥", "(", "[", "{", ",", "→", "·")
SIZED = re.compile(r"(\\[bB]igg?[lrm]?)\s*(\\[lr](?:floor|ceil))")


@cache
def mathml(tex: str, display: bool = False) -> str:
    """A <math> element; what is aligned at & becomes a table."""
    aligned = ALIGNED.fullmatch(tex.strip())
    inner = aligned_rows(aligned[1]) if aligned else elements(tex.strip(), display)
    return f'<math display="block">{inner}</math>' if display else f"<math>{inner}</math>"


def elements(tex: str, display: bool = True) -> str:
    """What latex2mathml makes of it, in fewer bytes and with words as words."""
    tex = SIZED.sub(lambda found: found[1] + AS_CHARACTERS[found[2]], tex)
    text = re.sub(
        r"^<math[^>]*>|</math>$", "", convert(tex, display="block" if display else "inline")
    )
    text = re.sub(r"&#x([0-9A-Fa-f]+);", character, text)
    text = re.sub(r"&(?!amp;|lt;|gt;)", "&amp;", text)
    text = text.replace(" />", "/>").replace('"0.', '".')
    text = re.sub(r"<mrow>(<(m[ino])[^>]*>[^<]*</\2>)</mrow>", r"\1", text)
    text = re.sub(r'(?:<mi mathvariant="normal">\w</mi>){2,}', word, text)
    text = re.sub(r'(?:<mi mathvariant="italic">\w</mi>){2,}', slanted_word, text)
    text = with_forms(text)
    outer = re.fullmatch(r"<mrow>(.*)</mrow>", text, re.S)
    return outer[1] if outer and balanced(outer[1]) else text


def with_forms(text: str) -> str:
    """Bars and signs know which side they belong to, and what grows by itself is not told to."""
    tree = ElementTree.fromstring(f"<math>{text}</math>")
    for each in tree.iter():
        if each.get("stretchy") == "true" or each.get("fence") == "true":
            each.attrib.clear()  # as every delimiter is by itself
    for row in tree.iter():
        if row.tag in ROWS:
            belong(row)
    shown = ElementTree.tostring(tree, encoding="unicode")
    return shown.removeprefix("<math>").removesuffix("</math>").replace(" />", "/>")


def belong(row: ElementTree.Element) -> None:
    """In the middle of a row, |x| would be two relations, and the minus of = −x a difference."""
    bars = [bar for each in row for bar in each.iter("mo") if bar.text == "|" and each.tag in BASES]
    for place, bar in enumerate(bars if len(bars) % 2 == 0 else []):
        bar.set("form", "postfix" if place % 2 else "prefix")
    for before, each in zip(row, row[1:], strict=False):
        if each.tag == "mo" and each.text in SIGNS and before.tag == "mo" and before.text in OPEN:
            each.set("form", "prefix")


def character(found: re.Match[str]) -> str:
    code = chr(int(found[1], 16))
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(code, code)


def word(found: re.Match[str]) -> str:
    return f"<mi>{re.sub('<[^>]*>', '', found[0])}</mi>"


def slanted_word(found: re.Match[str]) -> str:
    return f"<mi class='slanted'>{re.sub('<[^>]*>', '', found[0])}</mi>"


def balanced(text: str) -> bool:
    """Whether no <mrow> of this text is closed before it is opened."""
    depth = 0
    for tag in re.findall(r"</?mrow>", text):
        depth += -1 if tag[1] == "/" else 1
        if depth < 0:
            return False
    return True


def aligned_rows(body: str) -> str:
    """Rows at \\\\ and cells at &, outside of braces and of environments within."""
    rows = []
    for row in cells_of(body, r"\\"):
        cells = [
            f"<mtd>{elements(cell) if cell.strip() else ''}</mtd>" for cell in cells_of(row, "&")
        ]
        rows.append(f"<mtr>{''.join(cells)}</mtr>")
    return f'<mtable class="aligned" displaystyle="true">{"".join(rows)}</mtable>'


def cells_of(body: str, separator: str) -> list[str]:
    parts, depth = [""], 0
    for token in re.findall(r"\\begin|\\end|\\\\(?:\[[^\]]*\])?|\\.|.", body, re.S):
        depth += (token in ("{", r"\begin")) - (token in ("}", r"\end"))
        if depth == 0 and token.startswith(separator):
            parts.append("")
        else:
            parts[-1] += token
    return parts
