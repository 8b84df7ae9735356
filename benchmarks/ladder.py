"""The rungs of the ladders: compiled from their pages, compared with NumPy, and timed.

    python benchmarks/ladder.py                     the table of docs/ladder.md (a minute or two)
    python benchmarks/ladder.py matrix_product      that of docs/matrix_product.md
    python benchmarks/ladder.py --check             compile and compare only

Needs Cython and a C compiler, as building minigrad does. Flags and directives are those of the
build at hand. `ladders/` has a module for each page: problems, expected results, what to compare.
"""

import importlib.util
import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median

import harness

LADDERS = ("batch_norm", "matrix_product")
DOCS = Path(__file__).parents[1] / "docs"


def page(ladder):
    return (DOCS / ladder.PAGE).read_text(encoding="utf-8")


def rungs(text):
    """Title -> (language, code): the block that follows a heading."""
    blocks = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        found = re.search(r"```(python|cython)\n(.*?)```", section, re.S)
        if found:
            blocks[title] = found.groups()
    return blocks


def functions(ladder, folder):
    """Title -> function, in the order of the page, the Cython ones compiled in `folder`."""
    text = page(ladder)
    built, sources = {}, {}
    for number, (title, (language, code)) in enumerate(rungs(text).items()):
        path = Path(folder, f"rung_{number}.{'py' if language == 'python' else 'pyx'}")
        path.write_text(code, encoding="utf-8")
        built[title] = path
        if language == "cython":
            sources[title] = path
    built |= compiled(sources, folder)
    found = {title: load(path, ladder.FUNCTION) for title, path in built.items()}
    titles = re.findall(r"^## (.*)", text, re.M)
    return {t: found.get(t, ladder.kernel) for t in titles if t in found or t == ladder.KERNEL}


def compiled(sources, folder):
    """The same, as extension modules with the flags and directives of minigrad's own."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    from minigrad import _build_info as build

    flags = [*harness.flags(build.command), "-g0"]
    extensions = cythonize(
        [Extension(p.stem, [str(p)], extra_compile_args=flags) for p in sources.values()],
        compiler_directives=build.directives,
        quiet=True,
    )
    command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib = command.build_temp = folder
    command.ensure_finalized()
    command.run()
    return {title: Path(command.get_ext_fullpath(p.stem)) for title, p in sources.items()}


def load(path, function):
    name = path.name.partition(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, function)


def measure(ladder, rungs):
    """A line of the page's table for each rung."""
    times, shapes = {}, ladder.SHAPES
    for shape in shapes:
        arguments = ladder.problem(shape)
        slow = ladder.SLOW if shape in ladder.TOO_LARGE else ()
        calls = {
            title: lambda f=f, a=arguments: f(*a)
            for title, f in rungs.items()
            if not title.startswith(slow)
        }
        calls |= ladder.limits(arguments)
        times[shape] = harness.time_in_turns(calls, 20)
    columns = [str(shape) for shape in shapes]
    yield ["rung", *(f"{c}, µs" for c in columns), f"times the kernel, {columns[1]}", "error"]
    yield ["---"] * (len(shapes) + 3)
    ratios = times[shapes[1]]
    for title in [*rungs, *ladder.limits(arguments)]:
        error = f"{ladder.error(rungs[title], shapes[1]):.0e}" if title in rungs else ""
        ratio = "–"
        if title in ratios:
            ratio = digits(harness.ratio(ratios[title], ratios[ladder.KERNEL]))
        yield [title, *(amount(t.get(title)) for t in times.values()), ratio, error]


def amount(seconds):
    if seconds is None:
        return "–"
    return digits(1e6 * median(seconds))


def digits(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def main():
    parser = harness.command_line(__doc__.splitlines()[0])
    parser.add_argument("ladder", nargs="?", choices=LADDERS, default=LADDERS[0])
    parser.add_argument("--check", action="store_true", help="compile and compare, time nothing")
    options = parser.parse_args()
    harness.use_threads(1)
    ladder = import_module(f"ladders.{options.ladder}")
    with tempfile.TemporaryDirectory() as folder:
        rungs = functions(ladder, folder)
        ladder.check(rungs)
        print(f"{len(rungs)} rungs agree with NumPy in double", file=sys.stderr)
        if options.check:
            return
        machine = harness.machine()
        print(f"{machine['processor']}, {machine['compiler']}, {machine['flags']}\n")
        for row in measure(ladder, rungs):
            print("|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
