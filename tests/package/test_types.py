"""What type checkers and editors say: nothing of right programs, and the mistakes of wrong ones."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import pytest
from helpers.language_server import LanguageServer

import minigrad
from minigrad import nn
from minigrad.learn.places import find_course
from minigrad.nn import functional as F

ROOT = Path(__file__).parents[2]
PLACE = Path(minigrad.__file__).parents[1]
TYPED = Path(__file__).parent / "typed"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FILES = [str(path) for path in (*sorted(TYPED.glob("*.py")), *EXAMPLES)]
NEEDS = {  # what a checker reads beside minigrad and NumPy
    "_common": ("matplotlib", "IPython"),
    "data_parallel": ("mpi4py",),
    "grid_search": ("sklearn",),
    "spiral": ("matplotlib",),
}


def needs(checker):
    return pytest.mark.skipif(not find_spec(checker), reason=f"{checker} is not installed")


def checked(*command):
    """What a type checker prints; it is to find the package where this test found it."""
    found = {} if "site-packages" in PLACE.parts else {"MYPYPATH": str(PLACE)}
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PLACE if found else ROOT,
        env=os.environ | found,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return run.stdout


def errors(printed, file):
    """The numbers of the lines of `file` that have errors."""
    form = rf"\b{re.escape(file.name)}:(\d+):.*\berror\b"
    return {int(number) for number in re.findall(form, printed)}


def mistakes(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if "# mistake" in line}


@cache
def mypy():
    return checked("mypy", "--strict", *FILES)


@cache
def pyright():
    return checked("pyright", "--pythonpath", sys.executable, *FILES)


CHECKERS = [pytest.param(check, marks=needs(check.__name__)) for check in (mypy, pyright)]


def test_the_learners_script_runs(capsys):
    run_path(str(TYPED / "learner.py"))
    assert "minigrad.Size([4, 2, 3])" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKERS)
def test_right_programs_are_right(check):
    assert errors(check(), TYPED / "learner.py") == set(), check()


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKERS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_right(check, example):
    for package in NEEDS.get(example.stem, ()):
        pytest.importorskip(package)
    assert errors(check(), example) == set(), check()


@pytest.mark.slow
@needs("pyright")
def test_programs_of_the_path_are_right(tmp_path):
    """Without annotations: the pages keep the names short that learners type.

    A class grows from block to block there, under one name. pyright is told to let it.
    """
    for step in find_course().steps:
        (tmp_path / step.file).write_text(step.program, encoding="utf-8")
    settings = {"reportRedeclaration": False, "extraPaths": [str(PLACE)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    printed = checked("pyright", "--pythonpath", sys.executable, "--project", str(tmp_path))
    assert re.search("^0 errors", printed, re.MULTILINE), printed


UNANNOTATED = ("untyped-defs", "incomplete-defs", "untyped-calls")
AT_THE_END = {
    "02_one_road": "x.gard",
    "07_matrix_product": "Tensor([1.0]).backwards()",
    "10_module_and_adam": "network.paramaters()",
    "13_two_modes": "BatchNorm(3).runing_mean",
    "15_map": "from minigrad import nn as layers; layers.Linear('3', 2)",
}


def with_a_name_per_version(program):
    """`program` as mypy can read it: it takes the first class of a name for all that come later.

    So a class that is there again has a name of its own from that line on, `Value_2`. Lines stay.
    """
    made, version, lines = set(), {}, []
    for line in program.splitlines():
        if found := re.match(r"class (\w+)", line):
            name = found[1]
            if name in made:
                version[name] = version.get(name, 1) + 1
            made.add(name)
        for name, number in version.items():
            line = re.sub(rf"(?<![\w.\"']){name}\b", f"{name}_{number}", line)
        lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.slow
@needs("mypy")
def test_mypy_knows_the_programs_of_the_path(tmp_path):
    """All that --strict asks but annotations; and what is wrong at the end of one is reported."""
    wrong = []
    for step in find_course().steps:
        program = step.program
        (tmp_path / step.file).write_text(with_a_name_per_version(program), encoding="utf-8")
        if step.name in AT_THE_END:
            file, line = tmp_path / f"{step.name}_wrong.py", len(program.splitlines()) + 1
            program += AT_THE_END[step.name]
            file.write_text(with_a_name_per_version(program), encoding="utf-8")
            wrong.append((file, line))
    allowed = [f"--allow-{each}" for each in UNANNOTATED]
    printed = checked("mypy", "--strict", "--allow-redefinition", *allowed, str(tmp_path))
    assert len(wrong) == len(AT_THE_END)
    assert printed.count(" error: ") == len(wrong), printed
    for file, line in wrong:
        assert errors(printed, file) == {line}, printed


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKERS)
def test_each_mistake_is_reported_and_nothing_else(check):
    file = TYPED / "mistakes.py"
    assert len(mistakes(file)) > 10
    assert errors(check(), file) == mistakes(file)


@pytest.mark.slow
@needs("pyright")
def test_an_editor_shows_the_first_line_of_the_docstring():
    lines = {
        "mg.tensor": minigrad.tensor.__doc__.split("\n\n")[1],
        "F.cross_entropy": F.cross_entropy.__doc__.split("\n\n")[1],
        "nn.Linear": nn.Linear.__doc__.splitlines()[0],
        "t.relu": minigrad.Tensor.relu.__doc__.split("\n\n")[1],
    }
    text = "import minigrad as mg\nfrom minigrad import nn\nimport minigrad.nn.functional as F\n"
    text += "t = mg.tensor([1.0])\nF.cross_entropy(t, t)\nnn.Linear(1, 1)(t.relu())\n"
    with LanguageServer(ROOT) as server:
        for word, shown in zip(lines, server.hover(text, lines), strict=True):
            assert lines[word] in shown, f"{word}: {shown}"


@pytest.mark.slow
@needs("pyright")
def test_nearly_all_that_is_public_has_a_type():
    """What has none: `spine.py`, which is to be short, and the inside of a few reports."""
    printed = checked("pyright", "--verifytypes", "minigrad", "--ignoreexternal")
    score = re.search(r"Type completeness score: ([\d.]+)%", printed)
    assert score and float(score[1]) >= 95, printed[-2000:]
