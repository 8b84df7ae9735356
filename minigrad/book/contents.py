"""Which pages there are, and the one order in which they are read."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Chapter:
    """A page to be: its file name, its Markdown and the folder that its links start from."""

    name: str  # of the HTML file, without .html
    part: str
    text: str
    source: Path  # of the Markdown, from the root of the repository
    title: str = field(init=False)

    def __post_init__(self) -> None:
        first = re.search(r"^# (.*)$", self.text, re.M)
        self.title = first[1] if first else self.name

    @property
    def file(self) -> str:
        return f"{self.name}.html"

    @property
    def derives(self) -> bool:
        """Whether its equations have sources beside them."""
        return self.part == DERIVATIONS and self.name != "derivations"


START, PATH, DERIVATIONS, BESIDE = "Start", "The path", "Derivations", "Beside the derivations"
LAB = "The lab"
PARTS = (START, PATH, DERIVATIONS, BESIDE, LAB)
LATER = (
    "autograd_words", "coming_from", "where_to_start", "mistakes", "batch_norm_conventions",
    "why_batch_norm", "articles", "scikit_learn", "ladder", "matrix_product", "speed", "promises",
)  # fmt: skip


def chapters(root: Path) -> list[Chapter]:
    """All of them; a page that is in docs/ and on no list comes last in its part."""
    docs = root / "docs"

    def chapter(path: Path, part: str, name: str = "") -> Chapter:
        text = path.read_text(encoding="utf-8")
        return Chapter(name or path.stem, part, text, path.relative_to(root))

    readme = Path("README.md")
    words = (root / readme).read_text(encoding="utf-8")
    rules = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = [
        Chapter("index", START, "# minigrad\n\n" + opening(words), readme),
        Chapter("guide", START, section(words, "Read the source in this order", "A guide"), readme),
    ]
    steps = sorted((docs / "path").glob("[0-9][0-9]_*.md"))
    if steps:
        found.append(chapter(docs / "path" / "README.md", PATH, "path"))
        found += [chapter(path, PATH) for path in steps]
        found.append(chapter(docs / "path" / "TEACHING.md", PATH, "teaching"))
    index = docs / "derivations" / "README.md"
    found.append(chapter(index, DERIVATIONS, "derivations"))
    listed = list(dict.fromkeys(re.findall(r"\]\((\w+)\.md\)", found[-1].text)))
    listed += sorted({path.stem for path in index.parent.glob("*.md")} - {"README", *listed})
    found += [chapter(index.parent / f"{name}.md", DERIVATIONS) for name in listed]
    rest = sorted({path.stem for path in docs.glob("*.md")} - {"README", "lab", *LATER})
    for name in (*LATER, *rest):
        if (docs / f"{name}.md").exists():
            found.append(chapter(docs / f"{name}.md", BESIDE))
    found.append(
        Chapter("glossary", BESIDE, section(rules, "Words", "Glossary"), Path("CONTRIBUTING.md"))
    )
    found.append(chapter(docs / "lab.md", LAB))
    claims = {path.stem: path for path in (docs / "lab").glob("*.md")}
    for name in sorted(claims, key=lambda name: (name[0], int(name[1:]))):
        found.append(chapter(claims[name], LAB, name.lower()))
    return found


def section(text: str, heading: str, title: str) -> str:
    """One section of a page as a page of its own."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return f"# {title}\n{found[1] if found else ''}"


def opening(readme: str) -> str:
    """What a title page needs of the README: what this is, and the fifteen lines."""
    first = readme.partition("\n## ")[0].partition("\n")[2].strip()
    return (
        first + "\n\n" + section(readme, "Fifteen lines", "").replace("# ", "## Fifteen lines", 1)
    )
