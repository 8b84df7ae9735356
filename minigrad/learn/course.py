"""The pages of the path, taken apart: a page is program, stub, exercises and their checks in one.

A `Step` is one page. Its `program` is what a learner's file holds: the engine of the steps before,
then the page's own python blocks in order. Its `stub` is the program with every answer, that is
every run of lines that end in `# yours`, replaced by one line that raises NotImplementedError.
"""

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

NUMPY_ALONE = 13  # the last step that needs nothing else, and so the last of a handout
YOURS = "  # yours"
NAME = re.compile(r"(\d\d)_\w+")
TITLE = re.compile(r"# Step (\d+): (.+)")
EXERCISE = re.compile(r"### Exercise (\d+\.\d+): (.+)")
CODE = re.compile(r"```(?:python( engine)?|cython (\w+))")
HEADING = re.compile(r"#{1,6} ")
COMMENT = re.compile(r"<!-- (check|hint|library|engine drops)\b *([\d.]*)(.*?)-->", re.DOTALL)


class PageError(Exception):
    """A page that has not the form of a step: which page, which line, and what it should be."""


@dataclass
class Block:
    """Code of a page, from `line` on, and the text block under it that says what it prints.

    A block ```` ```cython NAME ```` is a text in the program, under that name.
    """

    line: int
    body: str
    engine: bool = False
    text_name: str = ""
    exercise: str = ""
    printed: str | None = None

    @property
    def source(self) -> str:
        return self.in_program(self.body)

    def in_program(self, body: str) -> str:
        """The block as the program has it, with this body."""
        return f'{self.text_name} = """\n{body}"""\n' if self.text_name else body


@dataclass
class Exercise:
    """What a learner writes: the `# yours` lines of the blocks under one heading."""

    number: str
    title: str
    line: int
    check: str = ""
    hint: str = ""
    check_line: int = 0

    @property
    def anchor(self) -> str:
        """The heading's fragment, as GitHub makes it."""
        words = f"Exercise {self.number}: {self.title}".lower()
        return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


@dataclass
class Step:
    """One page of the path."""

    name: str
    text: str
    before: "Step | None" = None
    number: int = 0
    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    exercises: list[Exercise] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    library: list[str] = field(default_factory=list)
    prose: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = int(self.name[:2])
        _read(self)

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.name}.py"

    @property
    def words(self) -> int:
        """How many words of prose the page has; code, headings and tables are not counted."""
        lines = (line for _, line in self.prose if not line.startswith(("#", "|")))
        text = re.sub(r"\$[^$]+\$", "x", "\n".join(lines))  # a formula is one word
        text = re.sub(r"\]\([^)]*\)|<[^>]*>", "", text)
        return len(re.findall(r"\S*\w\S*", text))

    @cached_property
    def engine(self) -> "Engine":
        """What the steps up to this one have built."""
        engine = self.before.engine if self.before else Engine()
        engine = engine.without(self.drops, self.name)
        for block in self.blocks:
            if block.engine:
                engine = engine.then(block.source, f"{self.name}.md, line {block.line}")
        return engine

    @property
    def program(self) -> str:
        """The step's whole program, with the answers; their marks stay."""
        return self.assembled(block.source for block in self.blocks)

    @property
    def stub(self) -> str:
        """The program with every answer still to be written."""
        return self.assembled(self.opened(block) for block in self.blocks)

    def assembled(self, sources: Iterable[str]) -> str:
        """The engine of the steps before, and then these blocks."""
        head = f'"""Step {self.number}: {self.title}"""\n'
        if self.before and self.before.engine.source:
            head += f"\n# --- built in the steps before\n\n{self.before.engine.source}\n\n"
            head += f"# --- step {self.number}\n"
        return head + "\n" + "\n\n".join(sources)

    def exercise(self, number: str) -> Exercise:
        return next(each for each in self.exercises if each.number == number)

    def opened(self, block: Block) -> str:
        """The block as the stub has it."""
        if not block.exercise:
            return block.source
        note = f"{block.exercise} {self.exercise(block.exercise).title}".replace('"', "'")
        return block.in_program(hidden(block.body, f'raise NotImplementedError("{note}")'))

    def without_line(self, block: Block, index: int) -> str:
        """The program without one line of one block."""
        lines = block.body.splitlines(keepends=True)
        shorter = block.in_program("".join(lines[:index] + lines[index + 1 :]))
        return self.assembled(shorter if b is block else b.source for b in self.blocks)

    def answers(self) -> Iterable[tuple[Block, int]]:
        """Every line of an answer: its block, and its place in it."""
        for block in self.blocks:
            for index, line in enumerate(block.body.splitlines()):
                if line.endswith(YOURS):
                    yield block, index


@dataclass(frozen=True)
class Engine:
    """Imports and definitions, in the order in which the steps made them."""

    imports: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        parts = ["\n".join(self.imports)] if self.imports else []
        return "\n\n\n".join([*parts, *self.definitions.values()]) + "\n" if parts or self else ""

    def __bool__(self) -> bool:
        return bool(self.imports or self.definitions)

    @property
    def lines(self) -> int:
        """Its length without blank lines and lines that are only a comment."""
        return sum(not re.fullmatch(r"\s*(#.*)?", line) for line in self.source.splitlines())

    def then(self, source: str, where: str) -> "Engine":
        """This engine with the imports and definitions of `source`; a known name is replaced."""
        lines = re.sub(rf"{YOURS}$", "", source, flags=re.MULTILINE).splitlines()
        imports, definitions = list(self.imports), dict(self.definitions)
        try:
            statements = ast.parse(source).body
        except SyntaxError as error:
            raise PageError(f"{where}: the engine block is not Python: {error}") from None
        for node in statements:
            first = node.lineno
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first = min([first, *(each.lineno for each in node.decorator_list)])
                while first > 1 and lines[first - 2].startswith("#"):
                    first -= 1
            text = "\n".join(lines[first - 1 : node.end_lineno])
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports += [text] if text not in imports else []
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                definitions[node.name] = text
            else:
                raise PageError(f"{where}: an engine block holds def, class and import, not {text}")
        return Engine(tuple(imports), definitions)

    def without(self, names: Iterable[str], where: str) -> "Engine":
        """This engine without some definitions, and without the imports nobody needs then."""
        for name in names:
            if name not in self.definitions:
                raise PageError(f"{where}.md drops {name}, which the engine does not have")
        kept = {name: text for name, text in self.definitions.items() if name not in names}
        words = set(re.findall(r"\w+", "\n".join(kept.values())))
        needed = (line for line in self.imports if re.findall(r"\w+", line)[-1] in words)
        return Engine(tuple(needed) if names else self.imports, kept)

    def changes(self, before: "Engine") -> int:
        """How many of its lines are new or different from those of `before`."""
        pairs = difflib.SequenceMatcher(
            None, before.source.splitlines(), self.source.splitlines(), autojunk=False
        )
        return sum(j2 - j1 for tag, _, _, j1, j2 in pairs.get_opcodes() if tag != "equal")


def hidden(source: str, line: str) -> str:
    """`source` with each run of `# yours` lines replaced by one line, indented as its first."""
    kept: list[str] = []
    inside = False
    for each in source.splitlines():
        if not each.endswith(YOURS):
            kept.append(each)
        elif not inside:
            kept.append(each[: len(each) - len(each.lstrip())] + line)
        inside = each.endswith(YOURS)
    return "\n".join(kept) + "\n"


def steps_of(texts: Mapping[str, str]) -> list[Step]:
    """The steps, in order, of pages given by name (`05_arrays`) and text."""
    steps: list[Step] = []
    for name in sorted(name for name in texts if NAME.fullmatch(name)):
        steps.append(Step(name, texts[name], steps[-1] if steps else None))
    return steps


def _read(step: Step) -> None:
    """Fill a step from the text of its page."""

    def fault(line: int, what: str) -> PageError:
        return PageError(f"{step.name}.md, line {line}: {what}")

    lines = step.text.splitlines()
    title = TITLE.fullmatch(lines[0]) if lines else None
    if not title or int(title[1]) != step.number:
        raise fault(1, f"the first line is `# Step {step.number}: <title>`")
    step.title = title[2]
    open_exercise, index, under = "", 1, 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("```"):
            end = next((i for i in range(index + 1, len(lines)) if lines[i] == "```"), None)
            if end is None:
                raise fault(index + 1, "a block without its closing ```")
            body = "".join(each + "\n" for each in lines[index + 1 : end])
            if match := CODE.fullmatch(line):
                yours = re.search(rf"{YOURS}$", body, re.MULTILINE)
                if yours and not open_exercise:
                    raise fault(index + 1, "`# yours` outside an exercise")
                exercise = open_exercise if yours else ""
                engine, name = bool(match[1]), match[2] or ""
                step.blocks.append(Block(index + 2, body, engine, name, exercise))
                under = end + 2  # where a text block would say what it prints
            elif line == "```text" and index == under:
                step.blocks[-1].printed = body
            index = end + 1
        elif line.startswith("<!--"):
            end = next((i for i in range(index, len(lines)) if "-->" in lines[i]), None)
            if end is None:
                raise fault(index + 1, "a comment without its end")
            _remark(step, "\n".join(lines[index : end + 1]), index + 1, fault)
            index = end + 1
        else:
            if match := EXERCISE.fullmatch(line):
                open_exercise = match[1]
                step.exercises.append(Exercise(match[1], match[2], index + 1))
            elif HEADING.match(line):
                open_exercise = ""
            step.prose.append((index + 1, line))
            index += 1


def _remark(step: Step, text: str, line: int, fault) -> None:
    """What an HTML comment says to the machinery; others are the author's."""
    match = COMMENT.fullmatch(text)
    if not match:
        return
    kind, number, rest = match.groups()
    if kind == "library":
        step.library.append("\n" * (line - 1) + number + rest)
    elif kind == "engine drops":
        step.drops += re.findall(r"\w+", rest)
    else:
        known = [each for each in step.exercises if each.number == number]
        if not known:
            raise fault(line, f"a {kind} for {number or 'no exercise'}, which is not above it")
        if getattr(known[0], kind):
            raise fault(line, f"a second {kind} for {number}")
        if kind == "check":
            known[0].check, known[0].check_line = rest.lstrip(" "), line
        else:
            known[0].hint = " ".join(rest.split())
