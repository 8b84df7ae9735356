"""The rungs of docs/ladder.md: compiled from the page, compared with NumPy in double, and timed.

    python benchmarks/ladder.py             the table of the page (a minute or two)
    python benchmarks/ladder.py --check     compile and compare only

Needs Cython and a C compiler, as building minigrad does. Flags and directives are those of the
build at hand.
"""

import argparse
import importlib.util
import re
import sys
import tempfile
from pathlib import Path
from statistics import median

import harness

PAGE = Path(__file__).parents[1] / "docs" / "ladder.md"
SHAPES = [(64, 128), (1024, 256), (8192, 512)]
FAR = 1000  # the mean, in standard deviations, of the data by which errors are measured
EPS = 1e-5
KERNEL = "8. The kernel"
SLOW = ("1. ", "3. ")  # left out where a call would take several seconds


def rungs(text):
    """Title -> (language, code): the block that follows a heading."""
    blocks = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        found = re.search(r"```(python|cython)\n(.*?)```", section, re.S)
        if found:
            blocks[title] = found.groups()
    return blocks


def functions(text, folder):
    """Title -> forward(x, gamma, beta, y, mean, var, eps), the Cython ones compiled in `folder`."""
    built, sources = {}, {}
    for number, (title, (language, code)) in enumerate(rungs(text).items()):
        path = Path(folder, f"rung_{number}.{'py' if language == 'python' else 'pyx'}")
        path.write_text(code, encoding="utf-8")
        built[title] = path
        if language == "cython":
            sources[title] = path
    built |= compiled(sources, folder)
    forward = {title: load(path) for title, path in built.items()}
    titles = list(forward)
    forward[KERNEL] = kernel
    return {title: forward[title] for title in [*titles[:-1], KERNEL, titles[-1]]}


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


def load(path):
    name = path.name.partition(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.forward


def kernel(x, gamma, beta, y, mean, var, eps):
    """Minigrad's, which hands over 1 / √(var + eps) as well."""
    import numpy as np

    from minigrad._kernels import active

    active.batch_norm_forward(x, gamma, beta, y, mean, var, np.empty_like(var), eps, True)


def problem(shape, mean):
    """Arguments for a rung, and the y that they must lead to."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = (mean + rng.standard_normal(shape)).astype(np.float32)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(np.float32)
    wide = x.astype(float)
    wide -= wide.mean(axis=0)
    expected = gamma * (wide / np.sqrt((wide**2).mean(axis=0) + EPS)) + beta
    return [x, gamma, beta, np.empty_like(x), *np.empty((2, shape[1])), EPS], expected


def error(forward, shape, mean):
    """The largest error of y."""
    import numpy as np

    arguments, expected = problem(shape, mean)
    forward(*arguments)
    return np.abs(arguments[3] - expected).max()


def check(forward, shapes):
    """Every rung is right to rounding, also far from 0, where the last one is not."""
    for title, function in forward.items():
        for shape in shapes:
            assert error(function, shape, 0) < 5e-6, f"{title}, {shape}"
            far = error(function, shape, FAR)
            taken = title[0].isdigit()
            assert (far < 5e-6) == taken, f"{title}, {shape}, mean {FAR}: error {far:.1e}"


def same_bits(forward, shape):
    """Rungs 4 and 5 differ in the order of their loops, and in no bit."""
    import numpy as np

    results = []
    for title in forward:
        if title.startswith(("4. ", "5. ")):
            arguments, _ = problem(shape, FAR)
            forward[title](*arguments)
            results.append(arguments[3:6])
    for by_columns, by_rows in zip(*results, strict=True):
        assert np.array_equal(by_columns, by_rows)


def measure(forward, shapes):
    """A line of the page's table for each rung."""
    import numpy as np

    times = {}
    for shape in shapes:
        arguments, _ = problem(shape, 0)
        x, copy = arguments[0], np.empty_like(arguments[0])
        calls = {title: lambda f=f, a=arguments: f(*a) for title, f in forward.items()}
        if x.size > 1e6:
            calls = {title: call for title, call in calls.items() if not title.startswith(SLOW)}
        calls["a copy of x"] = lambda copy=copy, x=x: np.copyto(copy, x)
        times[shape] = harness.time_in_turns(calls, 20)
    columns = [f"({N}, {C})" for N, C in shapes]
    yield ["rung", *(f"{c}, µs" for c in columns), f"times rung 8, {columns[1]}", "error"]
    yield ["---"] * (len(shapes) + 3)
    ratios = times[shapes[1]]
    for title in [*forward, "a copy of x"]:
        far = f"{error(forward[title], shapes[1], FAR):.0e}" if title in forward else ""
        ratio = f"{harness.ratio(ratios[title], ratios[KERNEL]):.3g}"
        yield [title, *(amount(t.get(title)) for t in times.values()), ratio, far]


def amount(seconds):
    if seconds is None:
        return "–"
    microseconds = 1e6 * median(seconds)
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compile and compare, time nothing")
    options = parser.parse_args()
    harness.use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        forward = functions(PAGE.read_text(encoding="utf-8"), folder)
        check(forward, SHAPES[: 1 if options.check else 2])
        same_bits(forward, SHAPES[0])
        print(f"{len(forward)} rungs agree with NumPy in double", file=sys.stderr)
        if options.check:
            return
        machine = harness.machine()
        print(f"{machine['processor']}, {machine['compiler']}, {machine['flags']}\n")
        for row in measure(forward, SHAPES):
            print("|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
