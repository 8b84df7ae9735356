"""From Markdown, as GitHub shows it, to HTML: headings with anchors, formulas, code, links."""

import re
from collections.abc import Callable, Sequence
from html import escape, unescape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from .citations import NUMBER
from .code import block
from .formulas import mathml

HINT = re.compile(r"<!-- hint ([\d.]+) (.*?)-->", re.S)
YOURS = re.compile(r"^( *).*# yours\n(?:.*# yours\n)*", re.M)  # lines of an answer
FILE = re.compile(r"\.\w+$|^README$")  # a link's text that names a file
LONG = 30  # characters of TeX in a line: wider than a small screen, perhaps
Resolve = Callable[[str], str | None]  # a link as written -> an address in the book, or None


class Text:
    """One page's Markdown as HTML, with the headings that were met on the way."""

    def __init__(
        self,
        source: str,
        resolve: Resolve,
        numbers: list[str],
        beside: Callable[[str, str], str] | None = None,
        heat: dict[str, str] | None = None,
    ) -> None:
        self.resolve: Resolve = resolve
        self.numbers: set[str] = set(numbers)
        self.heat: dict[str, str] = heat or {}  # code -> HTML of its own
        # HTML to stand beside an equation, by its number and code.
        self.beside: Callable[[str, str], str] = beside or (lambda number, code: "")
        self.headings: list[tuple[int, str, str]] = []  # level, anchor, HTML
        self.equation: str | None = None
        self.exercise: bool = False  # whether what comes is the code of an exercise
        self.shown: set[int] = set()  # tokens that an exercise has taken to itself
        self.code_of_dead: bool = False
        self.scripts: list[str] = []  # that the page needs beside those of all pages
        parser = MarkdownIt("commonmark").enable("table")
        parser.inline.ruler.before("escape", "formula", formula)
        rules = {
            "fence": self.fence, "formula": self.formula, "text": self.text,
            "heading_open": self.heading, "link_open": self.link, "link_close": self.link_end,
            "image": self.image, "html_block": self.html, "html_inline": self.html,
            "table_open": self.table, "table_close": self.table_end,
        }  # fmt: skip
        for name, rule in rules.items():
            parser.add_render_rule(name, lambda renderer, *rest, rule=rule: rule(*rest))
        self.dead: list[bool] = []  # for each open link, whether it leads to no page
        shown = parser.render(source)
        self.html_text: str = shown.replace(' style="text-align:right"', " class=r")

    def append(self, html: str) -> None:
        """A last section, written in HTML."""
        self.html_text += html
        for level, anchor, title in re.findall(r'<h([2-4]) id="([^"]*)">(.*?)</h', html):
            self.headings.append((int(level), anchor, title))

    # Rules of the renderer: (tokens, index, options, environment) -> HTML.

    def fence(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        if index in self.shown:
            return ""
        language = (token.info.split() or [""])[0]
        source = token.content.rstrip("\n")
        if language == "math":
            return self.display(source)
        warm = self.heat.get(source) if language == "cython" else None
        shown = warm or block(source, language)
        if self.exercise and YOURS.search(token.content):
            return self.folded(tokens, index, shown)
        kind = {"text": "printed", "python": "code", "cython": "code"}.get(language, "code")
        html = f'<div class="{kind}">{shown}</div>\n'
        if self.equation and language == "python":
            html += self.beside(self.equation, source)
            self.equation = None
        return html

    def folded(self, tokens: Sequence[Any], index: int, shown: str) -> str:
        """An exercise: what is given, its hint, and the answer behind a line to open."""
        language, *_ = tokens[index].info.split()
        given = YOURS.sub(lambda run: f"{run[1]}...  # yours\n", tokens[index].content)
        parts = [f'<div class="code">{block(given.rstrip(), language)}</div>\n']
        answer = f'<div class="code">{shown}</div>\n'
        for place in range(index + 1, len(tokens)):
            token = tokens[place]
            if token.type == "heading_open":
                break
            if place == index + 1 and token.type == "fence" and token.info == "text":
                answer += self.fence(tokens, place, None, None)
                self.shown.add(place)
            if token.type == "html_block" and HINT.match(token.content):
                parts.append(self.html(tokens, place, None, None))
                self.shown.add(place)
                break
        summary = "<summary>Show the answer</summary>"
        return "".join(parts) + f'<details class="answer">{summary}\n{answer}</details>\n'

    def display(self, tex: str) -> str:
        tag = re.search(r"\\tag\{([^}]*)\}", tex)
        shown = mathml(tex.replace(tag[0], "") if tag else tex, display=True)
        if not tag:
            return f'<div class="equation"><div>{shown}</div></div>\n'
        number = self.equation = tag[1]
        return (
            f'<div class="equation" id="eq-{number}"><div>{shown}</div>'
            f'<a class="number" href="#eq-{number}">({number})</a></div>\n'
        )

    def formula(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        tex = tokens[index].content
        return f"<span class=long>{mathml(tex)}</span>" if len(tex) > LONG else mathml(tex)

    def text(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        shown = escape(tokens[index].content, quote=False)
        if self.dead or not self.numbers:
            return shown
        return re.sub(NUMBER, self.to_equation, shown)

    def to_equation(self, found: re.Match[str]) -> str:
        number = found[1]
        return f'<a href="#eq-{number}">({number})</a>' if number in self.numbers else found[0]

    def heading(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        inline = tokens[index + 1]
        above = self.headings[-1][0] if self.headings else 0
        level, content = min(int(tokens[index].tag[1]), above + 1), inline.content
        tokens[index + 2].tag = f"h{level}"
        anchor = slug(content)
        taken = [each for _, each, _ in self.headings]
        while anchor in taken:
            anchor += "-1"
        self.headings.append((level, anchor, inline_html(without_links(content))))
        self.exercise = content.startswith("Exercise ")
        return f'<h{level} id="{anchor}">'

    def link(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        address = self.resolve(unescape(tokens[index].attrGet("href")))
        self.dead.append(address is None)
        if address is None:  # a file of the repository: its name, and no link
            name = tokens[index + 1].content
            self.code_of_dead = tokens[index + 1].type == "text" and bool(FILE.search(name))
            return "<code>" if self.code_of_dead else "<span>"
        return f'<a href="{escape(address)}">'

    def link_end(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        if not self.dead.pop():
            return "</a>"
        return "</code>" if self.code_of_dead else "</span>"

    def image(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        address = self.resolve(token.attrGet("src")) or ""
        return f'<img src="{escape(address)}" alt="{escape(token.content)}">'

    def html(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        """Comments of the source are not for readers, but for the hint of an exercise."""
        content = tokens[index].content
        if tokens[index].type == "html_block" and index in self.shown:
            return ""
        hint = HINT.match(content)
        if hint:
            text = inline_html(hint[2])
            return f"<details><summary>A hint for {hint[1]}</summary><p>{text}</p></details>\n"
        return "" if content.lstrip().startswith("<!--") else escape(content)

    def table(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        first = next(t.content for t in tokens[index:] if t.type == "inline")
        return f'<div class="wide"><table{" class=symbols" if first == "symbol" else ""}>'

    def table_end(self, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


def formula(state: StateInline, silent: bool) -> bool:
    """`$…$` and `` $`…`$ `` in a line."""
    found = re.compile(r"\$`([^`]+)`\$|\$([^$`\n]+)\$").match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = found[1] or found[2]
    state.pos = found.end()
    return True


def slug(heading: str) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", without_links(heading).lower()).strip().replace(" ", "-")


def without_links(text: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def inline_html(text: str) -> str:
    """A line of Markdown that holds words, code and formulas, and nothing else."""
    parser = MarkdownIt("commonmark")
    parser.inline.ruler.before("escape", "formula", formula)
    parser.add_render_rule("formula", lambda self, t, i, o, e: mathml(t[i].content))
    return parser.renderInline(text.strip())
