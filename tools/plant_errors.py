"""Plant errors in the source, one at a time, and see whether the tests notice.

    python tools/plant_errors.py minigrad/_kernels/batch_norm.pyx
    python tools/plant_errors.py minigrad/nn minigrad/optim --sample 200

In a kernel every line that carries the number of an equation is spoiled, in other files every line:
a sign swapped, a product made a quotient, a bound moved by one, a condition turned round. Works on
a copy of the tree. An error counts as found if the file's own tests fail, or else the whole suite.
Survivors are printed; tools/equivalent_errors.txt holds those that change nothing, with the reason.
Needs git and a C compiler; `--sample` takes so many errors at random (seed 0), Ctrl-C ends early.
"""

import argparse
import contextlib
import io
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_errors.txt")
SWAPS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "**": "*", "@": "-",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=",
    "and": "or", "or": "and", "not": "", "is": "is not", "in": "not in",
    "True": "False", "False": "True", "min": "max", "max": "min", "break": "continue",
}  # fmt: skip
CASTS = re.compile(r"<\s*(?:const )?\w+\s*\**\s*>")
TIMEOUT = 300  # seconds; an endless loop counts as noticed


def errors_in(path):
    """(line number, line, spoiled line) for every error that can be planted in a file."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    kernel = path.parent.name == "_kernels" and path.suffix == ".pyx"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (number, start), (_, end) = token.start, token.end
        line = lines[number - 1] if number <= len(lines) else ""
        if kernel and not re.search(r"# \(\d", line):
            continue
        code = line.split("  # ")[0]
        if re.match(r"\s*(cdef |c?import |from |@|raise |def |class |cimport )", code):
            if not (kernel and "=" in code):
                continue
        if any(cast.start() <= start < cast.end() for cast in CASTS.finditer(line)):
            continue
        spoiled = None
        if token.type == tokenize.NUMBER and token.string.isdigit():
            spoiled = str(int(token.string) + 1)
        elif token.string in SWAPS and token.type in (tokenize.OP, tokenize.NAME):
            spoiled = SWAPS[token.string]
        if token.string in "*-/" and code[:start].rstrip()[-1:] in ("(", ",", "*", ""):
            spoiled = None  # an unpacking, or the slash of a signature
        if spoiled is not None and start < len(code):
            yield number, line, line[:start] + spoiled + line[end:]


def tests_of(path):
    """The test files that belong to a source file."""
    stem = path.stem.removesuffix("_")
    names = [f"test_{stem}*.py", f"test_nn_{stem}*.py"]
    return sorted({str(test) for name in names for test in Path("tests").glob(name)})


class Tree:
    """A copy of the repository, built, in which one file at a time is spoiled."""

    def __init__(self, folder):
        self.folder = Path(folder)
        names = self.output("git", "ls-files", "-z", cwd=ROOT).split("\0")
        built = ("build/**/*", "minigrad/**/*.so", "minigrad/**/*.pyd", "minigrad/_build_info.py")
        made = [path.relative_to(ROOT) for pattern in built for path in ROOT.glob(pattern)]
        for name in [*filter(None, names), *made]:  # with their times: what is built stays built
            if (ROOT / name).is_file():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        if not self.builds():
            sys.exit("plant_errors: the tree does not build")

    @staticmethod
    def output(*command, cwd):
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

    def builds(self):
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        return not subprocess.run(command, cwd=self.folder, capture_output=True).returncode

    def passes(self, *tests):
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            run = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return False
        return run.returncode == 0

    def verdict(self, name, number, spoiled):
        """ "found", "survived", or "invalid" for what does not compile."""
        path = self.folder / name
        before = path.read_text(encoding="utf-8")
        lines = before.splitlines(keepends=True)
        lines[number - 1] = spoiled + "\n"
        path.write_text("".join(lines), encoding="utf-8")
        try:
            if path.suffix == ".pyx" and not self.builds():
                return "invalid"
            own = tests_of(Path(name))
            if own and not self.passes(*own):
                return "found"
            return "survived" if self.passes() else "found"
        finally:
            path.write_text(before, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders of minigrad/")
    parser.add_argument("--sample", type=int, help="plant so many, chosen at random")
    parser.add_argument("--list", action="store_true", help="only print what would be planted")
    args = parser.parse_args()
    files = [
        file.resolve().relative_to(ROOT)
        for path in args.paths
        for file in (sorted(path.rglob("*.py*")) if path.is_dir() else [path])
        if file.suffix in (".py", ".pyx")
    ]
    excused = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    planted = [
        (file, number, line, spoiled)
        for file in files
        for number, line, spoiled in errors_in(ROOT / file)
        if f"{file.as_posix()}: {' '.join(spoiled.split())}" not in excused
    ]
    if args.sample is not None and args.sample < len(planted):
        planted = random.Random(0).sample(planted, args.sample)
    if args.list:
        for file, number, _, spoiled in planted:
            print(f"{file}:{number}: {spoiled.strip()}")
        print(f"{len(planted)} errors")
        return
    counts = dict.fromkeys(("found", "survived", "invalid"), 0)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        tree = Tree(folder)
        for file, number, line, spoiled in planted:
            verdict = tree.verdict(file, number, spoiled)
            counts[verdict] += 1
            if verdict == "survived":
                print(f"{file}:{number}: {line.strip()}\n    {spoiled.strip()}", flush=True)
            if sys.stderr.isatty():
                print(counts, end="\r", file=sys.stderr, flush=True)
    valid = counts["found"] + counts["survived"]
    print(
        f"{counts['found']} of {valid} planted errors found ({counts['invalid']} do not compile), "
        f"{(time.monotonic() - start) / 60:.0f} minutes"
    )
    sys.exit(counts["survived"] > 0)


if __name__ == "__main__":
    main()
