"""The README prints the truth, begins to read early, and is pleasant to read, like all of docs/."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from minigrad import __version__

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "docs"
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/NOTES.md")]
PAGES += sorted(DOCS.rglob("*.md"))
PAGES = [page for page in PAGES if page.exists()]  # the tests of a wheel have no changelog
SOURCES = {".py", ".pyx", ".pxd"}  # neither stubs nor what the build writes

in_the_tree = pytest.mark.skipif(not (ROOT / "minigrad").exists(), reason="needs the source tree")

EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_the_examples_print_what_the_readme_says(code, printed):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed


def test_fifteen_lines_are_fifteen():
    assert "## Fifteen lines" in README
    assert len([line for line in EXAMPLES[0][0].splitlines() if line]) == 15


@in_the_tree
def test_links_lead_to_files():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        prose = re.sub(r"<!--.*?-->|```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#]+)", prose):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links {target}"


def test_links_to_headings_lead_to_headings():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8")):
            other = (page.parent / target) if target else page
            if not other.exists():
                continue  # for the test above
            headings = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
            assert anchor in anchors, f"{page.name} links {target}#{anchor}"


# --- the reading order ---------------------------------------------------------------------------


def steps(text):
    """The numbered steps of a page, as one text."""
    return "\n".join(re.findall(r"^\d+\. .*(?:\n   .*)*", text, re.MULTILINE))


def derivations_in_order(page):
    """The derivations that the steps of a page link, in the order of their first mention."""
    links = re.findall(r"\]\(([^)#]+\.md)", steps(page.read_text(encoding="utf-8")))
    targets = [(page.parent / link).resolve() for link in links]
    pages = [p for p in targets if p.parent == DOCS / "derivations" and p.name != "README.md"]
    return list(dict.fromkeys(page.stem for page in pages))


def test_there_is_one_reading_order_and_it_names_every_derivation():
    order = derivations_in_order(DOCS / "derivations" / "README.md")
    assert derivations_in_order(ROOT / "README.md") == order
    assert set(order) == {page.stem for page in (DOCS / "derivations").glob("[a-z]*.md")}


def test_reading_begins_above_line_55_and_with_the_spine():
    lines = README.splitlines()
    first = next(number for number, line in enumerate(lines, 1) if re.match(r"\d+\. ", line))
    assert lines[first - 3].startswith("## Read the source")
    assert first < 55
    assert "](minigrad/spine.py)" in lines[first - 1]


def lines_of(path):
    """Lines of a source, or of all sources of a folder and its folders."""
    paths = [path] if path.is_file() else path.rglob("*")
    sources = [p for p in paths if p.suffix in SOURCES and p.name != "_build_info.py"]
    return sum(len(source.read_text(encoding="utf-8").splitlines()) for source in sources)


@in_the_tree
def test_line_counts_are_right():
    """To the line, or, where the README says "about", to one part in twenty (of all: in fifty)."""
    said = re.findall(r"\]\((minigrad[^)]*)\) \((about )?([\d,]+) lines\)", README)
    assert len(said) == len(re.findall(r"\d lines\)", README)), "a count without a link"
    assert {"minigrad", "minigrad/spine.py"} <= {name for name, _, _ in said}
    for name, about, number in said:
        counted, number = lines_of(ROOT / name), int(number.replace(",", ""))
        allowed = counted / (50 if name == "minigrad" else 20) if about else 0
        assert abs(counted - number) <= allowed, f"{name} has {counted} lines, not {number}"


def test_the_table_of_contents_has_everything():
    contents = DOCS / "README.md"
    links = re.findall(r"\]\(([^)#]+)", contents.read_text(encoding="utf-8"))
    linked = {(DOCS / link).resolve() for link in links}
    examples = ROOT / "examples"
    wanted = {*DOCS.rglob("*.md"), *examples.glob("[a-z]*.py"), *examples.glob("*.ipynb")}
    assert {str(p.relative_to(ROOT)) for p in wanted - linked - {contents}} == set()


@in_the_tree
def test_the_changelog_has_cut_this_version_and_there_is_one_source_of_it():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, latest = re.findall(r"^## (.*)$", changelog, re.MULTILINE)[:2]
    assert unreleased == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d", latest), latest
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "minigrad.__version__"}


# --- the language --------------------------------------------------------------------------------

LONGEST = 35  # words per sentence

BRITISH = re.compile(
    r"\b\w*(?:optimis|vectoris|normalis|initialis|generalis|regularis|recognis|summaris|minimis"
    r"|maximis|colour|behaviour|neighbour|favour|grey|licence|centre)\w*",
    re.IGNORECASE,
)
THINGS = (
    "array batch call channel class column dimension element entry epoch equation file group image"
    " input layer line operation output page parameter point processor product row sample second"
    " step subject tensor unit word"
).split()
DISTRIBUTIVE = re.compile(  # "a loop an equation", "once an array", "seconds a call"
    rf"\b(?:(?:an?|one|two|three|\d+|several|some|no) (?:{'|'.join([*THINGS, 'loop', 'rung'])}"
    rf"|value|number|index|rate|pass|test|µs|bit|copy|walk)s?|once|twice|seconds|minutes|µs)"
    rf" an? (?:{'|'.join(THINGS)})\b",
    re.IGNORECASE,
)


def prose(text):
    """The paragraphs of a page, without comments, code, tables, formulas, headings and markers."""
    text = re.sub(r"<!--.*?-->", "\n", text, flags=re.DOTALL)
    text = re.sub(r"^( *)(`{3,}|\${2})[^`$\n]*\n.*?^\1\2 *$", "\n", text, flags=re.S | re.M)
    text = re.sub(r"^ *(\||#|<).*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"^ *(?:[-*]|\d+\.) +", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"^ *> ?", "", text, flags=re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"(`+)[^`].*?\1|\$[^$]+\$", "□", text, flags=re.DOTALL)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def sentences(text):
    """Every sentence. It ends with a full stop, a question mark, or its paragraph."""
    ends = r"(?<=[.!?])[\"”’)*_\]]*\s+(?=[\"“‘(*_\[]*[A-Z0-9□\u0370-\u03ff])"
    return [part for paragraph in prose(text) for part in re.split(ends, paragraph)]


def words(sentence):
    return len(re.findall(r"[^\W\d_][\w'’.-]*|\d[\d,.]*", sentence))


def blemishes(text):
    """Sentences that are too long, British spellings, and the distributive "a" of a page."""
    found = [f"{words(each)} words: {each}" for each in sentences(text) if words(each) > LONGEST]
    for form in (BRITISH, DISTRIBUTIVE):
        found += [match[0] for paragraph in prose(text) for match in form.finditer(paragraph)]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_sentences_are_short_and_words_are_american(page):
    assert blemishes(page.read_text(encoding="utf-8")) == []


def test_sources_are_american():
    """Names, comments and strings; a comment's marks do not part "a loop" from "an equation"."""
    found = {}
    for folder in ("minigrad", "tests", "tools", "benchmarks", "examples"):
        for path in (ROOT / folder).rglob("*.p*"):
            if path.suffix in SOURCES and path != Path(__file__):
                text = path.read_text(encoding="utf-8")
                lines = " ".join(re.sub(r"^\s*#+ ?", "", text, flags=re.MULTILINE).split())
                words = [
                    match[0] for match in (*BRITISH.finditer(text), *DISTRIBUTIVE.finditer(lines))
                ]
                if words:
                    found[str(path.relative_to(ROOT))] = words
    assert found == {}


def test_blemishes_are_found():
    many = "word " * 20
    assert blemishes(f"Two {many}sentences. And {many}words.") == []
    assert blemishes(f"- One {many}\n- and {many}\n\n{many}\n\n{many}") == []
    assert len(blemishes(f"One {many}\nsentence, {many}words.")) == 1
    assert len(blemishes(f"> 1. One [{many}](page.md) and, as e.g. {many}has, more.")) == 1
    assert blemishes(f"Code `{many}grey` and ${many}$, {many}\n```text\n{many}grey\n```") == []
    assert blemishes(f"| {many}colour | {many} |\n## {many} {many}") == []
    assert blemishes("The optimiser Normalises the colour of its Neighbours.") == [
        "optimiser", "Normalises", "colour", "Neighbours",
    ]  # fmt: skip
    assert blemishes("A loop an equation, once an array; seconds a call, 2 rows a class.") == [
        "A loop an equation", "once an array", "seconds a call", "2 rows a class",
    ]  # fmt: skip
    assert blemishes("One loop per equation is one. A page gives a loop. 3 times a row.") == []
