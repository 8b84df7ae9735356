"""The page of a walk: everything stands in the text already; the script shows it step by step.

Without scripts the page is the whole walk as a list. State is in the address:
`#step=4&row=2&open=features` is row 2 of step 4, with the module `features` open below the others;
`open=-` opens the module of each step, and `open=*` shows the graph as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .graph import short_number
from .modules import interior, overview
from .svg import STYLE, draw

HERE = Path(__file__).parent
MOST_BOXES = 40  # of a graph that starts as a whole, where there is a model
MOST_BOXES_WHOLE = 150  # of one that is drawn as a whole, then


def page(walks: list[Any], whole: bool = True) -> str:
    """The page as text; not whole: a frame around it, for a notebook."""
    titles = [walk.steps[0]["title"] if walk.steps else "leaf" for walk in walks]
    text = "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>The walk back from {escape(' and '.join(titles))}</title>",
            f"<style>{STYLE}\n{(HERE / 'walk.css').read_text(encoding='utf-8')}</style>",
            "</head>\n<body>",
            "<main>",
            f"<h1>The walk back from {escape(' and '.join(titles))}</h1>",
            CONTROLS,
            *([] if any(step["line"] for walk in walks for step in walk.steps) else [NO_LINES]),
            f'<div class="walks of-{len(walks)}">',
            *(walk_panel(walk, f"w{i}") for i, walk in enumerate(walks)),
            "</div>\n</main>",
            f'<script type="application/json" id="walk">{embedded(walks)}</script>',
            f"<script>\n{(HERE / 'walk.js').read_text(encoding='utf-8')}</script>",
            "</body>\n</html>\n",
        ]
    )
    if whole:
        return text
    return (
        '<iframe title="The walk back" sandbox="allow-scripts" '
        'style="width: 100%; height: 640px; border: 0" '
        f'onload="{TELL_THEME}" srcdoc="{escape(text, quote=True)}"></iframe>'
    )


# A frame does not see whether the notebook around it is dark: the first color under it tells.
TELL_THEME = escape(
    "for (let e = this; e; e = e.parentElement) { "
    "const [r, g, b, alpha = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g); "
    "if (+alpha) { this.contentWindow.postMessage(+r + +g + +b < 384 ? 'dark' : 'light', '*'); "
    "break; } }",
    quote=True,
)


HOW_TO_SEE_LINES = (
    "To see the lines of your program here, run the forward pass within autograd.detect_anomaly()."
)
NO_LINES = f'<p class="lines">{HOW_TO_SEE_LINES}</p>'

CONTROLS = """\
<p class="lead">A step visits one operation. What has arrived there is complete; its rule hands a \
contribution to each input, and where roads meet, contributions add up.</p>
<nav aria-label="Steps" hidden>
<button type="button" data-go="first" title="first step (Home)">first</button>
<button type="button" data-go="back" title="step back (←)">← back</button>
<output id="where" aria-live="polite"></output>
<button type="button" data-go="on" title="next step (→)">next →</button>
<button type="button" data-go="last" title="last step (End)">last</button>
<button type="button" data-go="play" title="play or stop (space)">play</button>
<label><input type="checkbox" id="predict"> predict first</label>
<button type="button" class="of-modules" data-go="modules" \
title="modules or the whole graph (m)">modules</button>
<span class="keys">keys: ← → Home End · ↑ ↓ rows · space plays\
<span class="of-modules"> · m modules</span></span>
</nav>"""


def embedded(walks: list[Any]) -> str:
    """What the page shows, as JSON that cannot end its script element."""
    found = [{"steps": walk.steps, "leaves": walk.leaves} for walk in walks]
    text = json.dumps(found, ensure_ascii=True, allow_nan=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def walk_panel(walk: Any, name: str) -> str:
    steps = [step_item(walk, each, i, name) for i, each in enumerate(walk.steps, 1)]
    steps.append(leaves_item(walk, len(walk.steps) + 1, name))
    start = "-" if walk.groups and len(walk.boxes) > MOST_BOXES else "*"
    return "\n".join(
        [
            f'<section class="walk" id="{name}" data-start="{start}">',
            *pictures(walk, name),
            '<ol class="steps">',
            *steps,
            "</ol>\n</section>",
        ]
    )


def pictures(walk: Any, name: str) -> Iterator[str]:
    """The whole graph; and if there is a model, its modules, and the inside of each one."""
    number = {box: str(i) for i, box in enumerate(walk.boxes)}

    def numbers(meaning):
        return {box: " ".join(number[each] for each in meant) for box, meant in meaning.items()}

    if not walk.groups or len(walk.boxes) <= MOST_BOXES_WHOLE:
        yield picture("whole", "The graph", draw(walk.boxes, name))
    if walk.groups:
        found = numbers(overview(walk.boxes, walk.groups))
        yield picture("modules", "The modules", draw(list(found), f"{name}-modules", found))
        for i, group in enumerate(dict.fromkeys(walk.groups.values())):
            found = numbers(interior(group, walk.groups))
            nodes = " ".join(number[box] for box in group.members)
            svg = draw(list(found), f"{name}-inside-{i}", found)
            data = f' data-node="{nodes}" data-name="{escape(group.name)}"'
            yield picture("inside", f"Inside of {escape(group.name)}", svg, data)


def picture(kind: str, label: str, svg: str, data: str = "") -> str:
    return (
        f'<div class="graph {kind}"{data} tabindex="0" role="region" aria-label="{label}">'
        f"{svg}</div>"
    )


def step_item(walk: Any, found: dict[str, Any], number: int, name: str) -> str:
    line = (
        f'<p class="line">called at <code>{escape(found["line"])}</code></p>'
        if found["line"]
        else ""
    )
    rows = [row_item(each, j, f"{name}-step-{number}") for j, each in enumerate(found["rows"], 1)]
    return "\n".join(
        [
            f'<li class="step" id="{name}-step-{number}" data-node="{found["node"]}">',
            f"<h2>{number}. {escape(found['title'])}</h2>{line}",
            f'<div class="arrived"><span class="label">arrived, dy</span>'
            f"{value_box(found['arrived'])}</div>",
            *rows,
            "</li>",
        ]
    )


def row_item(found: dict[str, Any], number: int, step_name: str) -> str:
    rule = f" <code>{escape(found['rule'])}</code>" if found["rule"] else ""
    parts = [
        f'<details class="row" id="{step_name}-row-{number}" data-to="{found["to"]}">',
        f'<summary><span class="to">→ {escape(found["title"])}</span>{rule}</summary>',
        question(found),
        f'<div class="tell">{derivation(found["book"])}{value_box(found["contribution"])}',
    ]
    for road in found["roads"]:
        parts.append(
            f'<div class="road"><span class="label">{escape(road["rule"])}</span>'
            f"{value_box(road['value'])}{derivation(road['book'])}</div>"
        )
    if found["before"] is not None:
        parts.append(
            f'<div class="before"><span class="label">was</span>{value_box(found["before"])}</div>'
            f'<div class="after"><span class="label">the roads add up to</span>'
            f"{value_box(found['after'])}</div>"
        )
    return "\n".join([*parts, "</div></details>"])


def derivation(places: list[str]) -> str:
    """The commands that open the book where a rule is derived."""
    return "".join(
        f'<p class="book">derived: <code>python -m minigrad book {escape(each)}</code></p>'
        for each in places
    )


def question(found: dict[str, Any]) -> str:
    """A question that the step before can answer: of sign, of zero, or of shape."""
    value = found["contribution"]
    low, high = extremes(value)
    sign = "zero" if low == high == 0 else "positive" if low > 0 else "negative" if high < 0 else ""
    if sign:
        question, answers = "All its numbers are …", ["positive", "negative", "zero"]
        right = answers.index(sign)
    else:
        shape = value["shape"]
        wrong = [[*shape, 1], [*shape, 2]] if shape[::-1] == shape else [shape[::-1], [*shape, 1]]
        question, answers, right = "Its shape is …", [times(each) for each in (shape, *wrong)], 0
        turn = sum(shape) % 3  # not always the first
        answers, right = answers[-turn:] + answers[:-turn], turn
    buttons = "".join(
        f'<button type="button" data-right="{int(i == right)}">{escape(each)}</button>'
        for i, each in enumerate(answers)
    )
    return f'<div class="ask"><span class="label">{question}</span>{buttons}</div>'


def extremes(value: dict[str, Any]) -> tuple[float, float]:
    if value.get("cells") is None:
        return value.get("min", 0.0), value.get("max", 0.0)
    numbers = list(numbers_in(value["cells"]))
    return (min(numbers), max(numbers)) if numbers else (0.0, 0.0)


def numbers_in(cells: Any) -> Iterator[float]:
    if not isinstance(cells, list):
        yield cells
        return
    for each in cells:
        yield from numbers_in(each)


def leaves_item(walk: Any, number: int, name: str) -> str:
    items = []
    for each in walk.leaves:
        update = ""
        if each["update"] is not None:
            update = f'<p class="update">lr · |grad| / |w| = {each["update"]:.2g}</p>'
        items.append(
            f'<div class="leaf" data-node="{each["node"]}"><span class="label">'
            f"{escape(each['title'])}.grad</span>{value_box(each['gradient'])}{update}</div>"
        )
    return (
        f'<li class="step" id="{name}-step-{number}" data-node=""><h2>{number}. The leaves</h2>'
        + "\n".join(items)
        + "</li>"
    )


def value_box(value: dict[str, Any]) -> str:
    """Cells if there are few, else range, strip, share of zeros and a corner."""
    shape = f'<span class="shape">{times(value["shape"])}</span>'
    if value.get("cells") is not None:
        return f'<div class="value">{shape}{cells_table(value["cells"])}</div>'
    if "min" not in value:
        return f'<div class="value">{shape}<span>nothing finite</span></div>'
    tallest = max(value["strip"]) or 1
    bars = "".join(
        f'<rect x="{8 * i}" y="{24 - 24 * n / tallest:.1f}" width="7" '
        f'height="{24 * n / tallest:.1f}"/>'
        for i, n in enumerate(value["strip"])
    )
    label = f"histogram of {len(value['strip'])} bins: {value['strip']}"
    return (
        f'<div class="value">{shape}<dl><dt>min</dt><dd>{short_number(value["min"])}</dd>'
        f"<dt>mean</dt><dd>{short_number(value['mean'])}</dd><dt>max</dt><dd>{short_number(value['max'])}</dd>"
        f"<dt>zeros</dt><dd>{100 * value['zeros']:.0f} %</dd></dl>"
        f'<svg class="strip" viewBox="0 0 64 24" width="64" height="24" role="img" '
        f'aria-label="{label}">{bars}</svg>'
        f'<div class="corner"><span class="label">its corner</span>'
        f"{cells_table(value['corner'])}</div>"
        "</div>"
    )


def cells_table(cells: Any) -> str:
    """Numbers in rows; of more than two dimensions, one table after another."""
    if not isinstance(cells, list):
        cells = [[cells]]
    elif not cells or not isinstance(cells[0], list):
        cells = [cells]
    elif cells[0] and isinstance(cells[0][0], list):
        return "".join(map(cells_table, cells))
    rows = "".join(
        "<tr>"
        + "".join(f'<td class="{sign_class(x)}">{short_number(x)}</td>' for x in each)
        + "</tr>"
        for each in cells
    )
    return f'<div class="cells"><table>{rows}</table></div>'


def sign_class(x: float) -> str:
    return "plus" if x > 0 else "minus" if x < 0 else "zero" if x == 0 else "odd"


def times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) if shape else "one number"
