"""Write docs/lab.md, a page and a figure per claim in docs/lab/, and their numbers, docs/lab.json.

python -m minigrad lab all --folder first
python -m minigrad lab all --folder second --seed 402
python tools/make/lab_page.py first second
python tools/make/lab_page.py               # pages and figures again, from docs/lab.json

Folders hold what runs of the lab left there: each has a seed of its own, and not every claim needs
to be in every folder.
"""

import json
import re
from pathlib import Path

from lab_words import INTRODUCTION, READ, TAKE, UNKNOWN, WHY, bullets, listed, seeds, value

from minigrad.display.terminal import command_line
from minigrad.lab.figure import alt_text, svg_figure, thinned
from minigrad.lab.protocol import all_claims

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HEADINGS = {
    "Paper": "What was published",
    "Papers": "What was published",
    "Here": "What is done here",
    "Must show": "What must show",
}


def collected(folders):
    """The records of all runs in the order of the claims; curves only of the first of each."""
    order = [claim.name for claim in all_claims()]
    found = []
    for folder in folders:
        there = [*Path(folder).glob("*.json")]
        if not there:
            raise SystemExit(f"{folder} holds no runs")
        for path in there:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["quick"]:
                raise SystemExit(f"{path} is a short form: the pages show whole runs")
            found.append(record)
    found.sort(key=lambda each: (order.index(each["claim"]), each["seed"]))
    for runs in by_claim(found).values():
        if len({tuple(check["name"] for check in run["checks"]) for run in runs}) > 1:
            raise SystemExit(f"runs of {runs[0]['claim']} measured different things: run it again")
        runs[0]["panels"] = [thinned(panel) for panel in runs[0]["panels"]]
        for other in runs[1:]:
            other.pop("panels", None)
    return found


def by_claim(records):
    runs = {}
    for record in records:
        runs.setdefault(record["claim"], []).append(record)
    return runs


def pages(records):
    """{file below docs/: its text}: the entry, and a page and a figure per claim."""
    runs = by_claim(records)
    files = {"lab.md": entry(runs)}
    for claim in all_claims():
        if claim.name in runs:
            files[f"lab/{claim.name}.md"] = claim_page(claim, runs)
            files[f"lab/{claim.name}.svg"] = svg_figure(runs[claim.name][0])
    return files


# --- the entry ----------------------------------------------------------------------------------


def entry(runs):
    """What disagrees comes first."""
    told = [" ".join(each.split()) for each in INTRODUCTION.strip().split("\n\n")]
    parts = [*told, "## Where a bound was missed"]
    for name, found in runs.items():
        if missed(found):
            heading, text = known(name)
            parts.append(f"**[{name}. {found[0]['title']}](lab/{name}.md)**")
            parts += [bullets(missed(found)), f"{heading}: {text}"]
    if parts[-1].startswith("##"):
        parts.append("Nowhere.")
    rows = ["| | claim | verdict | seeds | seconds |", "| --- " * 5 + "|"]
    for name, found in runs.items():
        numbers = ", ".join(str(each["seed"]) for each in found)
        title = found[0]["title"].replace("|", "\\|")
        cells = [f"[{name}](lab/{name}.md)", title, verdict(found), numbers, seconds(found)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n\n".join([*parts, "## All claims", "\n".join(rows)]) + "\n"


def missed(found):
    """A sentence per bound that was missed, with the seeds that missed it."""
    sentences = []
    for checks in zip(*(each["checks"] for each in found), strict=True):
        bad = [(run, check) for run, check in zip(found, checks, strict=True) if not check["ok"]]
        if bad:
            first = bad[0][1]
            values = listed(value(check) for _, check in bad)
            sentences.append(
                f"{first['name']} is {values} ({seeds([run for run, _ in bad])}), and must be "
                f"{first['threshold']}."
            )
    return sentences


def known(name):
    """A heading, and what is known about a miss, or why it is one."""
    heading, text = WHY.get(name, UNKNOWN)
    return heading, " ".join(text.split())


def verdict(found):
    """One word for all seeds, or what each of them says."""
    said = {}
    for each in found:
        said.setdefault(each["verdict"], []).append(str(each["seed"]))
    if len(said) == 1:
        return found[0]["verdict"]
    return ", ".join(f"{words} ({', '.join(with_)})" for words, with_ in said.items())


def seconds(found):
    """The longest of the runs, rounded."""
    longest = max(0.01, *(each["seconds"] for each in found))
    return f"{longest:.0f}" if longest >= 10 else f"{longest:.2g}"


# --- a claim ------------------------------------------------------------------------------------


def claim_page(claim, runs):
    """The protocol, which is the docstring of the claim's file; then what came out."""
    found = runs[claim.name]
    first, *sections = protocol(claim)
    source = f"minigrad/lab/{claim.measure.__module__.rpartition('.')[2]}.py"
    where = f"[The lab](../lab.md) · {claim.paper} · **{verdict(found)}**"
    parts = [f"# {claim.name}. {claim.title}", where, first]
    for heading, text in sections:
        parts += [f"## {heading}", *paragraphs(heading, text)]
        if heading == HEADINGS["Here"]:
            data = found[0]["data"]
            data = "It needs no data." if data == "none" else f"It learns from {data}."
            parts.append(
                f"`python -m minigrad lab {claim.name}` does all of it, in {seconds(found)} "
                f"seconds of one core. {data} The code is [{source}](../../{source})."
            )
            if claim.analogue:
                parts.append(f"This is an analogue: {claim.analogue}.")
    parts += ["## What came out", outcome(found), f"![{alt_text(found[0])}]({claim.name}.svg)"]
    parts.append(table(found))
    if missed(found):
        heading, text = known(claim.name)
        parts += [f"## {heading}", text]
    parts += ["## To take along", TAKE[claim.name]]
    return "\n\n".join([*parts, "## Read on", bullets(further(claim.name, runs))]) + "\n"


def protocol(claim):
    """The first sentence of the docstring, and (heading, text) of its labeled parts."""
    first, *rest = re.split(rf"^({'|'.join(HEADINGS)}): ", claim.protocol.strip(), flags=re.M)
    texts = [" ".join(each.split()) for each in rest[1::2]]
    return [first.strip(), *zip((HEADINGS[each] for each in rest[::2]), texts, strict=True)]


def paragraphs(heading, text):
    """Prose; of what must show first a list, and then what its last sentences add."""
    if heading != HEADINGS["Must show"]:
        return [capital(text)]
    bounds, _, more = re.sub(r"(?<=[\w)]\.) (?=[A-Z(])", "\n", text, count=1).partition("\n")
    items = bullets(capital(each) for each in bounds.rstrip(".").split("; "))
    return [items, more] if more else [items]


def capital(text):
    """With a capital letter, where a word begins it and no formula."""
    return text[0].upper() + text[1:] if re.match(r"[a-z]{3,}|a |at |to ", text) else text


def outcome(found):
    """The verdict; where the seeds disagree, which says what."""
    holding = [each for each in found if each["verdict"] == "holds"]
    said = f"**It {found[0]['verdict']}**, with {seeds(found)}."
    if 0 < len(holding) < len(found):
        rest = [each for each in found if each not in holding]
        said = "**It depends on the seed.** "
        said += f"It holds with {seeds(holding)}, and not with {seeds(rest)}."
    return "\n\n".join([said, bullets(f"Missed: {each}" for each in missed(found))]).rstrip()


def table(found):
    """A row per measured value."""
    columns = ["measured", "published", "must be", *(f"seed {each['seed']}" for each in found)]
    rows = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for checks in zip(*(each["checks"] for each in found), strict=True):
        first = checks[0]
        cells = [first["name"].replace("|", "\\|"), first["published"], first["threshold"]]
        cells += [value(each) if each["ok"] else f"**{value(each)}**" for each in checks]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def further(name, runs):
    """Links to claims and to pages of the documentation."""
    for each in READ[name].split():
        if each in runs:
            yield f"[{each}]({each}.md): {runs[each][0]['title']}."
        else:
            title = re.search(r"^# (.*)$", (DOCS / each).read_text(encoding="utf-8"), re.M)[1]
            yield f"[{title}](../{each})"


def main():
    parser = command_line(__doc__)
    parser.add_argument("folder", nargs="*", help="of runs, each with a seed of its own")
    folders = parser.parse_args().folder
    numbers = DOCS / "lab.json"
    if folders:
        lines = [json.dumps(record, ensure_ascii=False) for record in collected(folders)]
        numbers.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8", newline="\n")
    files = pages(json.loads(numbers.read_text(encoding="utf-8")))
    (DOCS / "lab").mkdir(exist_ok=True)
    for old in {*(DOCS / "lab").iterdir()} - {DOCS / name for name in files}:
        old.unlink()
    for name, text in files.items():
        (DOCS / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"written: {len(files)} files, of which {DOCS / 'lab.md'} is the entry")


if __name__ == "__main__":
    main()
