"""Plant errors in the source, one at a time, and see whether the tests notice.

    python tools/measure/mutation_test.py minigrad/_kernels/batch_norm*.p*
    python tools/measure/mutation_test.py minigrad/nn minigrad/optim --sample 200
    python tools/measure/mutation_test.py minigrad/ops --sample 80 \
        --witness tests/promises/test_every_operation.py

In a kernel every line that carries the number of an equation is spoiled, in other files every line:
a sign swapped, a product made a quotient, a bound moved by one, a condition turned round. Works on
a copy of the tree. An error counts as found if one of the file's own tests fails, or else any test:
of a Python file, any that runs the spoiled line, which one run of all tests under a trace shows.
With --witness only the tests of these files count, beside a file's own: sooner done, fewer found.
Survivors are printed; tools/measure/equivalent_errors.txt holds those that change nothing, with the
reason. Needs git, a C compiler, and fork (no Windows); `--sample` takes so many errors at random
(seed 0), Ctrl-C ends early.
"""

import collections
import contextlib
import io
import itertools
import json
import os
import random
import re
import resource
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Not imported: the package itself is only looked at, in other processes.
command_line = runpy.run_path(str(ROOT / "minigrad" / "display" / "terminal.py"))["command_line"]
EQUIVALENT = Path(__file__).with_name("equivalent_errors.txt")
SWAPS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "**": "*", "@": "-",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=",
    "and": "or", "or": "and", "not": "", "is": "is not", "in": "not in",
    "True": "False", "False": "True", "min": "max", "max": "min", "break": "continue",
}  # fmt: skip
CASTS = re.compile(r"<\s*(?:const )?\w+\s*\**\s*>")
OPTIONS = ["-q", "-p", "no:cacheprovider", "--basetemp", ".scratch"]
SECONDS = 300  # of the processor; an endless loop counts as noticed


def errors_in(path):
    """(line number, line, spoiled line) for every error that can be planted in a file."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    kernel = path.parent.name == "_kernels" and path.suffix in (".pyx", ".pxd")
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


def equivalents():
    """The errors that change nothing: lines of "file: spoiled line", each after its reason."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Reached:
    """Plugin: which tests run which lines of these files, as {(file, line): {test, …}}."""

    def __init__(self, files):
        self.names = {str(file): file for file in files}
        self.lines = collections.defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.test = item.nodeid
        threading.settrace(self.call)
        sys.settrace(self.call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def call(self, frame, event, argument):
        if frame.f_code.co_filename in self.names:
            self.line(frame, event, argument)
            return self.line

    def line(self, frame, event, argument):
        self.lines[frame.f_code.co_filename, frame.f_lineno].add(self.test)
        return self.line


class Chosen:
    """Plugin: only `tests` are run (None: all), none of `without`; `failed` are those that fail."""

    def __init__(self, tests, without):
        self.tests, self.without, self.failed = tests, without, []

    def pytest_collection_modifyitems(self, items):
        items[:] = [
            item
            for item in items
            if (self.tests is None or item.nodeid in self.tests) and item.nodeid not in self.without
        ]

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)


class Tree:
    """A copy of the repository, built, in which one file at a time is spoiled."""

    def __init__(self, folder, witnesses):
        self.folder = Path(folder).resolve()
        self.witnesses = witnesses
        self.spoilings = 0
        self.doubtful = set()  # tests seen to fail without a planted error
        names = self.output("git", "ls-files", "-z", cwd=ROOT).split("\0")
        built = ("build/**/*", "minigrad/**/*.so", "minigrad/**/*.pyd", "minigrad/_build_info.py")
        made = [path.relative_to(ROOT) for pattern in built for path in ROOT.glob(pattern)]
        for name in [*filter(None, names), *made]:  # with their times: what is built stays built
            if (ROOT / name).is_file():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        if not self.builds():
            sys.exit("mutation_test: the tree does not build")

    @staticmethod
    def output(*command, cwd):
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

    def builds(self):
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        return not subprocess.run(command, cwd=self.folder, capture_output=True).returncode

    def tests_of(self, path):
        """The test files that belong to a source file: those of a_b for a_b_c, if it has none."""
        stem = path.stem.removesuffix("_")
        while stem:
            found = set((self.folder / "tests").glob(f"*/test_{stem}*.py"))
            if found:
                return sorted(str(test.relative_to(self.folder)) for test in found)
            stem = stem.rpartition("_")[0]
        return []

    def in_child(self, function, seconds=resource.RLIM_INFINITY):
        """What `function()` gives, in a fork of this process, which has torch loaded already."""
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
                    os.chdir(self.folder)
                    sys.path.insert(0, str(self.folder))
                    with open(os.devnull, "w") as nothing:
                        os.dup2(nothing.fileno(), 1)
                        os.dup2(nothing.fileno(), 2)
                    json.dump(function(), output)
                    output.flush()
                    status = 0
                finally:
                    os._exit(status)
            patience = threading.Timer(5 * seconds, os.kill, (child, signal.SIGKILL))
            if seconds > 0:
                patience.start()
            _, status = os.waitpid(child, 0)
            patience.cancel()
            output.seek(0)
            return None if status else json.load(output)

    def first_failure(self, files, tests):
        """The first of these tests that fails, or "". A run that ends otherwise counts, too."""

        def run():
            chosen = Chosen(tests, self.doubtful)
            result = pytest.main(["-x", *OPTIONS, *files], [chosen])
            return [*chosen.failed, "" if result in (0, 5) else "the run itself"][0]

        answer = self.in_child(run, SECONDS)
        return "the process" if answer is None else answer

    def first_run(self, files):
        """{(file, line): {test, …}} for Python files; a test that fails already is no witness."""
        traced = [self.folder / file for file in files if file.suffix == ".py"]
        counted = self.witnesses and {*self.witnesses, *itertools.chain(*map(self.tests_of, files))}

        def run():
            reached, chosen = Reached(traced), Chosen(None, ())
            pytest.main([*OPTIONS, *sorted(counted)], [reached, chosen] if traced else [chosen])
            return chosen.failed, [[*place, *tests] for place, tests in reached.lines.items()]

        answer = self.in_child(run)
        if answer is None:
            sys.exit("mutation_test: the tests do not run")
        failed, reached = answer
        self.doubtful.update(failed)
        folder = self.folder
        return {(Path(name).relative_to(folder), n): set(tests) for name, n, *tests in reached}

    def verdict(self, name, number, spoiled, reached):
        """ "found", "survived", or "invalid" for what does not compile."""
        path = self.folder / name
        before, times = path.read_text(encoding="utf-8"), path.stat()
        lines = before.splitlines(keepends=True)
        lines[number - 1] = spoiled + "\n"
        path.write_text("".join(lines), encoding="utf-8")
        if path.suffix == ".py":  # a time of its own: bytecode is known by time and size
            self.spoilings += 1
            os.utime(path, (times.st_atime, times.st_mtime + self.spoilings))
        try:
            if path.suffix != ".py" and not self.builds():
                return "invalid"
            tests = reached.get((name, number))  # None: reached at import, or by no test
            files = sorted({test.partition("::")[0] for test in tests or ()})
            own = [file for file in self.tests_of(name) if tests is None or file in files]
            if own and self.first_failure(own, tests):
                return "found"
            rest = [file for file in files if file not in own]
            if tests is None:
                rest = self.witnesses  # or else all
            while (tests is None or rest) and (failed := self.first_failure(rest, tests)):
                file = failed.partition("::")[0]
                if file == failed or self.first_failure([file], {failed}):
                    return "found"
                self.doubtful.add(failed)
            return "survived"
        finally:
            path.write_text(before, encoding="utf-8")
            if path.suffix == ".py":
                os.utime(path, (times.st_atime, times.st_mtime))


def main():
    parser = command_line(__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders of minigrad/")
    parser.add_argument("--sample", type=int, help="plant so many, chosen at random")
    parser.add_argument("--witness", action="append", default=[], help="a test file that counts")
    parser.add_argument("--list", action="store_true", help="only print what would be planted")
    args = parser.parse_args()
    homes = {  # file: the path under which it was asked for
        file.resolve().relative_to(ROOT): path
        for path in args.paths
        for file in (sorted(path.rglob("*.p*")) if path.is_dir() else [path])
        if file.suffix in (".py", ".pyx")
        or (file.suffix == ".pxd" and file.parent.name == "_kernels")
    }
    excused = equivalents()
    planted = [
        (file, number, line, spoiled)
        for file in homes
        for number, line, spoiled in errors_in(ROOT / file)
        if f"{file.as_posix()}: {' '.join(spoiled.split())}" not in excused
    ]
    if args.sample is not None and args.sample < len(planted):
        planted = sorted(random.Random(0).sample(planted, args.sample))
    if args.list:
        for file, number, _, spoiled in planted:
            print(f"{file}:{number}: {spoiled.strip()}")
        print(f"{len(planted)} errors")
        return
    counts = collections.Counter()
    start = time.monotonic()
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401  (once, for all the runs)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        tree = Tree(folder, args.witness)
        reached = tree.first_run({file for file, *_ in planted})
        for done, (file, number, line, spoiled) in enumerate(planted):
            if sys.stderr.isatty():
                print(f"{done} of {len(planted)}", end="\r", file=sys.stderr, flush=True)
            verdict = tree.verdict(file, number, spoiled, reached)
            counts[homes[file], verdict] += 1
            if verdict == "survived":
                print(f"{file}:{number}: {line.strip()}\n    {spoiled.strip()}", flush=True)
    for path in args.paths:
        found, survived = counts[path, "found"], counts[path, "survived"]
        print(
            f"{path}: {found} of {found + survived} planted errors found "
            f"({counts[path, 'invalid']} do not compile)"
        )
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")
    sys.exit(any(verdict == "survived" for _, verdict in counts))


if __name__ == "__main__":
    main()
