"""House rules that a program can check: an operation has all its pieces."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from helpers import derivations

from minigrad import _kernels

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "minigrad"

if not PACKAGE.exists():
    pytest.skip("the pieces are those of a source tree", allow_module_level=True)

PAGE_NAMES = [path.stem for path in derivations.PAGES]

KERNELS = [
    (subject, name)
    for subject in _kernels.SUBJECTS
    for name, kernel in vars(import_module(f"minigrad._kernels.{subject}")).items()
    if not name.startswith("_") and type(kernel).__name__ == "cython_function_or_method"
]
kernels = pytest.mark.parametrize(("subject", "name"), KERNELS, ids=lambda value: value)


def test_every_kernel_file_is_listed():
    files = {path.stem for path in (PACKAGE / "_kernels").glob("*.pyx")}
    # Reached from C only: elementwise.pyx, whose twin is NumPy itself, and a part of batch norm.
    assert files - {"elementwise", "batch_norm_planes", "switch"} == set(_kernels.SUBJECTS)


@kernels
def test_kernel_has_a_reference_twin_with_the_same_signature(subject, name):
    compiled = getattr(import_module(f"minigrad._kernels.{subject}"), name)
    twin = getattr(_kernels.reference, name, None)
    assert twin is not None, f"_kernels/reference.py has no {name}"
    assert inspect.signature(twin) == inspect.signature(compiled)


def test_reference_has_nothing_else():
    twins = {
        name
        for name, function in vars(_kernels.reference).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    assert twins == {name for _, name in KERNELS}


@kernels
def test_kernel_has_a_derivation(subject, name):
    file = PACKAGE / "_kernels" / f"{subject}.pyx"
    home = derivations.home_of(name, file, PAGE_NAMES)
    assert home in PAGE_NAMES, f"no page docs/derivations/{home}.md for {name}"
    page = derivations.Page(ROOT / "docs" / "derivations" / f"{home}.md")
    assert file in page.links.get("kernel", []), f"{home}.md does not link {file.name} as kernel"


@pytest.mark.parametrize("subject", _kernels.SUBJECTS)
def test_kernel_file_has_a_rule_and_a_test(subject):
    rule = "conv2d" if subject == "conv2d_tiles" else subject  # the rule chooses between the two
    homes = [*PACKAGE.glob(f"ops/*/{rule}.pyx"), *PACKAGE.glob(f"optim/{rule}.py")]
    assert homes, f"neither ops/ nor optim/ has {subject}"
    assert list(ROOT.glob(f"tests/*/test_{subject}.py"))


@pytest.mark.parametrize("subject", ["math/arithmetic", "math/linear", "nn/activations"])
def test_rules_come_first_and_functions_under_their_rules(subject):
    """What one comes to read begins above line 60; machinery has files of its own."""
    lines = (PACKAGE / "ops" / f"{subject}.pyx").read_text(encoding="utf-8").splitlines()
    starts = [(n, re.match(r"(cdef class|def) (\w+)", line)) for n, line in enumerate(lines, 1)]
    starts = [(n, *match.groups()) for n, match in starts if match]
    rules = [n for n, _, _ in starts if "cdef backward(self, Tensor" in "".join(lines[n : n + 8])]
    assert rules[0] < 60
    for (n, kind, rule), (_, following, function) in zip(starts, starts[1:], strict=False):
        if n in rules and kind == "cdef class" and not rule.endswith(("Backward", "Quotient")):
            name = rule.lower().replace("_", "")
            names = {"pow": "power", "abs": "absolute"}.get(name, name)
            assert following == "def" and function.replace("_", "") == names, f"{rule}: {function}"


@pytest.mark.parametrize("path", [*derivations.PAGES, derivations.INDEX], ids=lambda p: p.stem)
def test_links_of_pages_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert "://" in link or (path.parent / link).exists(), f"{path.name} links {link}"


# --- length --------------------------------------------------------------------------------------

LIMIT = 500
FOLDERS = ("minigrad", "tests", "tools", "benchmarks", "examples")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.p*[yxd]"))]


def lines_of_code(source):
    """How many lines are left without docstrings, comments and blank lines."""
    source = re.sub(r'^\s*"""(?:.|\n)*?"""', "", source, flags=re.M)
    return sum(not re.fullmatch(r"\s*(#.*)?", line) for line in source.splitlines())


def test_no_file_is_too_long_to_read():
    lengths = {
        str(path.relative_to(ROOT)): lines_of_code(path.read_text(encoding="utf-8"))
        for path in FILES
        if path.suffix in {".py", ".pyx", ".pxd"} and path.name != "_build_info.py"
    }
    assert len(lengths) > 200
    assert {name: length for name, length in lengths.items() if length > LIMIT} == {}
    assert lengths["minigrad/_kernels/batch_norm.pyx"] <= 220  # the one that is read as an example


def test_only_code_is_counted():
    source = '"""A\n\nb."""\n\nimport re  # c\n\n\ndef f():\n    """d"""\n    # e\n    return re\n'
    assert lines_of_code(source) == 3
