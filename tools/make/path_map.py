"""The table of docs/path/15_map.md: a learner's lines, the spine's, the package's, all counted.

    python tools/make/path_map.py    writes the table into the page; a test compares both

Lines are counted without blank lines, comments and docstrings. Only the last column is written by
hand, in ROWS; a name that is nowhere defined is an error.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from minigrad.display.terminal import command_line  # noqa: E402
from minigrad.learn.course import steps_of  # noqa: E402
from minigrad.learn.places import page_texts  # noqa: E402

FOLDER = ROOT / "docs" / "path"
PAGE = FOLDER / "15_map.md"
BEGIN, END = "<!-- written by tools/make/path_map.py -->\n\n", "\n<!-- until here -->"
SPINE = "minigrad/spine.py"


@dataclass
class Row:
    """The names of one thing in three places, and what the package's other lines are for."""

    yours: list[str]
    spine: list[str]
    package: dict[str, list[str]]  # of each file
    others: str


ROWS = [
    Row(
        ["Tensor"],
        ["Tensor"],
        {"minigrad/tensor.pyx": ["Tensor", "Function"]},
        "*torch*: dtypes, views, leaves. *Promise*: a saved value that was changed is noticed",
    ),
    Row(
        ["topological_order"],
        ["topological_order", "backward"],
        {
            "minigrad/autograd/engine.pyx": [
                "topological_order",
                "propagate",
                "accumulate",
                "commit",
            ]
        },
        "*torch*: hooks, gradients of gradients. *Promise*: a pass that fails changes nothing",
    ),
    Row(
        ["operation", "unbroadcast"],
        ["Add", "Mul", "unbroadcast"],
        {
            "minigrad/ops/math/arithmetic.pyx": ["Add", "add", "Mul", "mul"],
            "minigrad/ops/math/broadcasting.pyx": ["unbroadcast"],
        },
        "*torch*: integers, `alpha`. *Speed*: what was not repeated is not summed",
    ),
    Row(
        ["Linear"],
        ["LinearRule", "Linear"],
        {
            "minigrad/ops/math/linear.pyx": ["Linear", "linear"],
            "minigrad/nn/layers.py": ["Linear"],
        },
        "*torch*: any number of dimensions. *Promise*: errors that name both shapes",
    ),
    Row(
        ["relu"],
        ["Relu", "ReLU"],
        {"minigrad/ops/nn/activations.pyx": ["Relu", "relu"]},
        "*torch*: `inplace`. *Promise*: NaN stays NaN",
    ),
    Row(
        ["cross_entropy"],
        ["CrossEntropy"],
        {"minigrad/ops/nn/cross_entropy.pyx": ["CrossEntropy", "cross_entropy", "of_labels"]},
        "*torch*: class weights, smoothing, labels to ignore. *Promise*: a wrong label is named",
    ),
    Row(
        ["normalize", "batch_norm_dx", "evaluation_dx"],
        ["BatchNorm"],
        {
            "minigrad/ops/nn/batch_norm.pyx": [
                "BatchNorm",
                "batch_normalized",
                "batch_norm_gradients",
            ]
        },
        "*torch*: images, no γ, no β. *Promise*: the statistics of this call, whatever comes later",
    ),
    Row(
        ["statistics", "output", "sums", "gradient_faster"],
        [],
        {"minigrad/_kernels/batch_norm.pyx": ["_statistics", "_forward", "_backward"]},
        "*Speed*: panels of 1,024 columns, float32. *Promise*: a mean of 10,000,000 costs no digit",
    ),
    Row(
        ["moved", "BatchNorm"],
        ["BatchNorm1d"],
        {"minigrad/nn/batch_norm.py": ["_BatchNorm"]},
        "*torch*: `momentum=None`, buffers. *Promise*: a single sample is refused in words",
    ),
    Row(
        ["Module"],
        ["Module"],
        {"minigrad/nn/module.py": ["Module"]},
        "*torch*: names, hooks, state dicts, `train`, `eval`",
    ),
    Row(
        ["Adam"],
        ["Adam"],
        {
            "minigrad/optim/adam.py": ["Adam"],
            "minigrad/_kernels/adam.pyx": ["_adam_step"],
        },
        "*torch*: groups, weight decay, AMSGrad. *Promise*: all parameters move, or none",
    ),
]


def code_lines(text):
    """How many lines of code: no blank ones, no comments, no docstrings."""
    text = re.sub(r'^\s*"""(?:[^"]|"(?!""))*"""\s*$', "", text, flags=re.MULTILINE)
    return sum(not re.fullmatch(r"\s*(#.*)?", line) for line in text.splitlines())


def definition(text, name):
    """The source of a function or class of the top level, Python or Cython; "" if there is none."""
    head = rf"^(?:def|class|cdef|cpdef)\b[^(:=\n]*\b{name}\b\s*[(:\[]"
    found = re.search(head, text, re.MULTILINE)
    if not found:
        return ""
    lines = text[found.start() :].splitlines(keepends=True)
    for end, line in enumerate(lines[1:], 1):
        if re.match(r"[^\s)#]", line):
            return "".join(lines[:end])
    return "".join(lines)


def counted(source, names, where):
    """The lines of some definitions, together."""
    found = [definition(source, name) for name in names]
    missing = [name for name, text in zip(names, found, strict=True) if not text]
    if missing:
        raise LookupError(f"{where} has no {', '.join(missing)}")
    return sum(map(code_lines, found))


def code(names):
    return ", ".join(f"`{name}`" for name in names)


def table(yours, read):
    """The lines of the table, from the learner's source and a reader of the repository's files."""
    yield "| yours | lines | the spine | lines | the package | lines | what the others are for |"
    yield "|---|---:|---|---:|---|---:|---|"
    sums = [0, 0, 0]
    for row in ROWS:
        links = [
            f"[{path.rpartition('/')[2]}](../../{path}): {code(names)}"
            for path, names in row.package.items()
        ]
        lines = [
            counted(yours, row.yours, "the path"),
            counted(read(SPINE), row.spine, SPINE),
            sum(counted(read(path), names, path) for path, names in row.package.items()),
        ]
        sums = [total + more for total, more in zip(sums, lines, strict=True)]
        cells = [code(row.yours), lines[0], code(row.spine) or "–", lines[1] or "–"]
        cells += ["; ".join(links), lines[2], row.others]
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield f"| together | {sums[0]} | | {sums[1]} | | {sums[2]} | |"


def learner():
    """The engine at the end of the path, and the Cython of step 14."""
    steps = {step.number: step for step in steps_of(page_texts(FOLDER))}
    typed = [
        block.source.replace('"""', "") for block in steps[14].blocks if "cdef" in block.source
    ]
    return "\n".join([steps[14].engine.source, *typed])


def written(page):
    """The page with the table as it is now."""
    lines = table(learner(), lambda path: (ROOT / path).read_text(encoding="utf-8"))
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:start] + "\n".join(lines) + "\n" + page[end:]


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
