"""Scripts that learners write for torch: with the import changed they print the same.

Each file of tests/documents/learner_scripts runs as it is with torch where that is installed, and
with `import torch` turned into `import minigrad as torch`; words must agree, and numbers to 1e-4.
"""

import contextlib
import io
import re
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent / "learner_scripts").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)")


def run(source):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "script", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def with_minigrad(source):
    source = re.sub(r"^import torch$", "import minigrad as torch", source, flags=re.MULTILINE)
    return re.sub(r"^(import|from) torch\b", r"\1 minigrad", source, flags=re.MULTILINE)


def words_and_numbers(text):
    text = text.replace("minigrad.", "torch.")
    words = re.sub(r"grad_fn=<\w+>", "grad_fn", NUMBER.sub("#", text)).split()
    return words, [float(number) for number in NUMBER.findall(text)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_prints_what_torch_prints(path, torch):
    source = path.read_text(encoding="utf-8")
    words, numbers = words_and_numbers(run(with_minigrad(source)))
    expected_words, expected_numbers = words_and_numbers(run(source))
    assert words == expected_words
    assert numbers == pytest.approx(expected_numbers, rel=1e-4, abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_runs_with_the_import_changed(path):
    assert run(with_minigrad(path.read_text(encoding="utf-8")))
