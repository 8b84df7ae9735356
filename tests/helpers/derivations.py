"""Reads and executes the pages of docs/derivations.

A page is prose, numbered equations (```math blocks with a \\tag{3}) and Python blocks. All Python
blocks run in order in one namespace. Assigning a name that already has a value claims that both are
equal; that is how an equation is checked against its neighbors, finite differences and the kernel.
"""

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad._kernels import active
from minigrad.book.citations import (
    NUMBER,
    comment_citations,
    docstring_citations,
    home_of,
    top_level,
)
from minigrad.book.measured import differences

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "derivations" / "README.md"
PAGES = sorted(set(INDEX.parent.glob("*.md")) - {INDEX})


class DerivationError(AssertionError):
    """A page breaks the form or makes a claim that does not hold; begins with `file:line`."""


@dataclass
class Equation:
    number: str
    line: int


@dataclass
class Block:
    source: str
    line: int  # of its first line of code


class Page:
    """One page: equations and blocks in the order of the text, and the files its header links."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.stem
        self.parts = []
        self.lines = self.path.read_text(encoding="utf-8").splitlines()
        header = "\n".join(line for line in self.lines if line.startswith(">"))
        self.links = {}  # "kernel", "rule", ... -> paths, from "kernel [`softmax.pyx`](../..)"
        for label, link in re.findall(r"(\w+) \[[^\]]*\]\(([^)#]*)", header):
            self.links.setdefault(label, []).append((self.path.parent / link).resolve())
        self._read()

    def fail(self, line, message):
        raise DerivationError(f"{self.path.name}:{line}: {message}")

    def _read(self):
        fence = start = None
        for number, line in enumerate(self.lines, 1):
            if fence is None and line.startswith("```"):
                fence, start = line, number
            elif fence is None:
                self._check_prose(number, line)
            elif line == "```":
                text = "\n".join(self.lines[start : number - 1])
                if fence == "```python":
                    self.parts.append(Block(text, start + 1))
                elif fence == "```math":
                    self.parts.append(self._equation(start, text))
                fence = None
        if fence is not None:
            self.fail(start, f"{fence} is not closed")

    def _equation(self, line, text):
        tags = re.findall(r"\\tag\{([^}]*)\}", text)
        if len(tags) != 1 or not re.fullmatch(NUMBER, f"({tags[0]})"):
            self.fail(line, f"an equation needs one \\tag{{number}}, found {tags}")
        if "operatorname" in text:
            self.fail(line, "GitHub does not allow \\operatorname; use \\mathrm")
        return Equation(tags[0], line)

    def _check_prose(self, number, line):
        """What GitHub's Markdown does not show as TeX although LaTeX would."""
        if "$$" in line:
            self.fail(number, "write ```math blocks: between $$, GitHub eats \\\\ and \\,")
        if line.count("$") % 2:
            self.fail(number, "GitHub shows no inline TeX that runs over the end of a line")
        if "operatorname" in line:
            self.fail(number, "GitHub does not allow \\operatorname; use \\mathrm")
        for inline in re.findall(r"\$([^$]+)\$", line):
            if not inline.startswith("`") and re.search(r"\\[^\w\s]", inline):
                self.fail(number, f"GitHub eats a backslash in ${inline}$; write $`{inline}`$")

    @property
    def equations(self):
        return [part for part in self.parts if isinstance(part, Equation)]

    def check_form(self):
        """Numbers are unique, and each equation is followed by a block that cites it as `# (n)`."""
        seen = {}
        for equation in self.equations:
            number = equation.number
            if number in seen:
                self.fail(equation.line, f"({number}) is also the number of line {seen[number]}")
            seen[number] = equation.line
        for part, following in zip(self.parts, self.parts[1:] + [None], strict=True):
            if not isinstance(part, Equation):
                continue
            if not isinstance(following, Block):
                self.fail(part.line, f"equation ({part.number}) is not followed by a python block")
            if part.number not in comment_citations(following.source):
                self.fail(following.line, f"no line of this block ends with # ({part.number})")
        blocks = [part.source for part in self.parts if isinstance(part, Block)]
        if "kernel" in self.links and not any("kernels." in source for source in blocks):
            self.fail(1, "the header links a kernel, but no block calls it")

    def run(self):
        """Execute every block; a claim that does not hold raises with both values."""
        names = {"np": np, "rng": np.random.default_rng(0), "kernels": active}
        names["differences"] = differences
        approximate = {}  # name -> line where finite differences gave its present value
        number = "setting"
        for part in self.parts:
            if isinstance(part, Equation):
                number = part.number
                continue
            blank = "\n" * (part.line - 1)  # so that Python's messages name the line of the page
            for statement in ast.parse(blank + part.source, filename=str(self.path)).body:
                cited = comment_citations(self.lines[statement.end_lineno - 1])
                self._execute(statement, names, approximate, max(cited, default=number))
        for name, line in approximate.items():
            self.fail(line, f"{name} comes from differences and is never claimed again")

    def _execute(self, statement, names, approximate, number):
        if isinstance(statement, ast.AugAssign):
            self.fail(statement.lineno, "changes a value in place, so claims nothing; name it anew")
        before = dict(names)
        # Warnings are errors, whatever a test before this one has left behind in this process.
        with warnings.catch_warnings(), np.errstate(divide="warn", invalid="warn"):
            warnings.simplefilter("error")
            exec(compile(ast.Module([statement], []), str(self.path), "exec"), names)
        by_differences = "differences" in {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name)
        }
        for target in getattr(statement, "targets", []):
            for name in [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]:
                if isinstance(target, ast.Subscript):
                    continue
                rough = by_differences or approximate.pop(name, None) is not None
                if name in before:
                    problem = disagreement(before[name], names[name], rough)
                    if problem:
                        self.fail(statement.lineno, f"equation ({number}), {name}: {problem}")
                elif by_differences:
                    approximate[name] = statement.lineno


def disagreement(old, new, rough):
    """None if both values are equal to rounding, else a sentence with the place and the values."""
    try:
        old, new = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    except (TypeError, ValueError):
        return "assigned twice, and the values are no numbers to compare"
    if old.shape != new.shape:
        return f"shape {new.shape}, before {old.shape}"
    rtol, atol = (1e-6, 1e-9) if rough else (1e-7, 1e-12)
    scale = np.abs(old[np.isfinite(old)]).max(initial=0.0)
    close = np.isclose(new, old, rtol=0, atol=atol + rtol * scale, equal_nan=True)
    if close.all():
        return None
    wrong = np.argwhere(~close)
    where = tuple(map(int, wrong[0]))
    place = f"at {list(where)} " if where else ""
    rest = f" ({len(wrong)} of {close.size} values differ)" if close.size > 1 else ""
    return f"{place}now {new[where]:.10g}, before {old[where]:.10g}{rest}"


def check_citations(page, page_names):
    """What a page numbers without letters is what its kernel (or, without one, its rule) cites.

    Beside a kernel, the rule of the page's name may execute an equation, cited the same way.
    """
    every = {equation.number for equation in page.equations}
    plain = {number for number in every if number.isdigit()}
    if "kernel" in page.links:
        files, kernel = page.links["kernel"], True
    elif "rule" in page.links:
        files, kernel = page.links["rule"], False
    else:
        page.fail(1, "the header (the lines that begin with >) links no kernel and no rule")
    documented, commented = set(), set()
    for file in files:
        if not file.is_file():
            page.fail(1, f"the header links {file.name}, which does not exist")
        source = file.read_text(encoding="utf-8")
        if kernel:
            pieces = top_level(source).items()
            source = "\n".join(t for f, t in pieces if home_of(f, file, page_names) == page.name)
        documented |= docstring_citations(source)
        commented |= comment_citations(source)
    names = ", ".join(file.name for file in files)
    unknown = sorted((documented | commented) - every)
    if unknown:
        raise DerivationError(f"{names} cites {unknown}: no such equation in {page.path.name}")
    cited = documented & commented if kernel else documented | commented
    for file in page.links.get("rule", []) if kernel else []:
        if file.stem == page.name and file.is_file():
            source = file.read_text(encoding="utf-8")
            cited |= docstring_citations(source) & comment_citations(source)
    for equation in page.equations:
        if equation.number in plain - cited:
            missing = (
                "nowhere"
                if equation.number not in documented | commented
                else (
                    "in no docstring" if equation.number in commented else "in no trailing comment"
                )
            )
            page.fail(equation.line, f"equation ({equation.number}) is cited {missing} of {names}")
