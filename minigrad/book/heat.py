"""Heat: how much of each line of Cython still calls Python, by Cython's own annotation.

Cython counts the calls of Python's C interface that a line becomes; 0 is a line of plain C.
"""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from Cython.Compiler.Main import compile as translate

from .. import _build_info
from .code import highlighted
from .contents import Chapter

BLOCK = re.compile(r"^```cython[^\n]*\n(.*?)^```$", re.M | re.S)
WARM, HOT = 10, 40  # scores from which the color is stronger


def of_the_ladder(text: str) -> dict[str, list[int]]:
    """Every rung with the directives of the package; rungs with the same imports in one go."""
    scores: dict[str, list[int]] = {}
    blocks = [block.rstrip("\n") for block in BLOCK.findall(text)]
    for typed in (False, True):
        rungs = [block for block in blocks if ("cimport" in block) == typed]
        named = [block.replace("def forward(", f"def rung_{n}(") for n, block in enumerate(rungs)]
        scores.update(zip(rungs, annotated(named, _build_info.directives), strict=True))
    return scores


def of_the_path(text: str) -> dict[str, list[int]]:
    """All loops of step 14 as one module, with Cython's defaults, as that step compiles them."""
    blocks = [block.rstrip("\n") for block in BLOCK.findall(text)]
    return dict(zip(blocks, annotated(blocks, {"language_level": 3}), strict=True))


LADDERS: dict[str, Callable[[str], dict[str, list[int]]]] = {
    "ladder": of_the_ladder,
    "14_typed": of_the_path,
}


def heat(chapter: Chapter) -> dict[str, list[int]]:
    """Block of Cython -> a score per line; only the ladders have any."""
    return LADDERS[chapter.name](chapter.text) if chapter.name in LADDERS else {}


def annotated(blocks: list[str], directives: dict[str, object]) -> list[list[int]]:
    """The scores of each block's lines; the blocks are one module."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "loops.pyx")
        file.write_text("\n".join(blocks) + "\n", encoding="utf-8")
        result = translate([str(file)], annotate="default", compiler_directives=directives)
        if result.num_errors:
            raise RuntimeError("Cython does not accept the code of a ladder; it says why above")
        html = file.with_suffix(".html").read_text(encoding="utf-8")
    found = [int(score) for score in re.findall(r'class="cython line score-(\d+)"', html)]
    scores = []
    for block in blocks:
        count = block.count("\n") + 1
        scores.append(found[:count])
        found = found[count:]
    return scores


def heated(source: str, scores: list[int]) -> str:
    """The lines with their heat, and how many have any."""
    rows = []
    for line, score in zip(highlighted(source, "cython"), scores, strict=True):
        level = 1 + (score >= WARM) + (score >= HOT)
        said = f'<mark class=h{level} title="score {score}">{line}</mark>'
        rows.append(said if score else line)
    hot = sum(map(bool, scores))
    return (
        f"<pre><code>{chr(10).join(rows)}</code></pre>"
        f'<p class="heat">{hot} of {len(scores)} lines call Python: yellow, by Cython\'s '
        "annotation, and the darker, the more calls.</p>"
    )
