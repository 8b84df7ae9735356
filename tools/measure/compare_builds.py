"""Digests of the bits that the kernels and a short training give: builds that agree print the same.

    python tools/measure/compare_builds.py
    python tools/measure/compare_builds.py --portable
    python tools/measure/compare_builds.py --levels

One line per kernel and dtype, and one for the training. With --portable the portable form is
built in a temporary folder, too, and compared: the status is not 0 if a line differs. With --levels
all the levels of an installed wheel that run here are compared (MINIGRAD_LEVEL).

Compiler flags must not change a result. What a build for this processor computes with AVX-512 is,
bit for bit, what a wheel computes with SSE2. (The matrix products are our own here, in both: what
BLAS computes depends on its version, the processor and the number of threads.)
"""

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np

os.environ["MINIGRAD_PRODUCTS"] = "minigrad"
import minigrad as m  # noqa: E402
from minigrad import _kernels, nn, optim  # noqa: E402
from minigrad._kernels import levels  # noqa: E402
from minigrad.display.terminal import command_line  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from helpers.kernel_calls import CALLS  # noqa: E402

SIZE = 10_007  # no multiple of any vector's length


def arrays_in(arguments):
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from arrays_in(argument)
        elif isinstance(argument, np.ndarray):
            yield argument


def as_double(argument):
    if isinstance(argument, list | tuple):
        return type(argument)(map(as_double, argument))
    single = isinstance(argument, np.ndarray) and argument.dtype == np.float32
    return argument.astype(np.float64) if single else argument


def digest(arrays):
    bits = sha256()
    for array in arrays:
        bits.update(array.tobytes())
    return bits.hexdigest()[:16]


def of_kernel(name, double):
    """Whatever stands in the arrays of a call after it, inputs included."""
    arguments = CALLS[name](SIZE)
    arguments = as_double(arguments) if double else arguments
    rng = np.random.default_rng(0)
    for array in arrays_in(arguments):
        if array.dtype.kind == "f":
            array[:] = rng.uniform(0.1, 2, array.shape)
        else:
            array[:] = rng.integers(0, 2, array.shape)
    getattr(_kernels.active, name)(*arguments)
    return digest(arrays_in(arguments))


def of_training():
    """All weights and statistics after 30 steps; every product fills our own tiles."""
    m.manual_seed(0)
    rng = np.random.default_rng(0)
    x = m.from_numpy(rng.standard_normal((37, 3, 11, 11), dtype=np.float32))
    y = m.from_numpy(rng.integers(0, 5, 37))
    model = nn.Sequential(
        nn.Conv2d(3, 33, 3), nn.BatchNorm2d(33), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(528, 37), nn.BatchNorm1d(37), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(37, 40), nn.LayerNorm(40), nn.Tanh(), nn.Linear(40, 24),
    )  # fmt: skip
    adam = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        adam.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        adam.step()
    return digest(value.numpy() for value in model.state_dict().values())


def lines():
    for name in sorted(CALLS):
        for double in (False, True):
            yield f"{of_kernel(name, double)}  {name}, float{64 if double else 32}"
    yield f"{of_training()}  30 steps of training"


def printed(script, **environment):
    """The lines of another process."""
    command, environment = [sys.executable, script], os.environ | environment
    run = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout.splitlines()


def lines_of_the_portable_build():
    from sanitize import copy

    with tempfile.TemporaryDirectory() as folder:
        copy(Path(folder))
        environment = os.environ | {"MINIGRAD_PORTABLE": "1"}
        build = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        subprocess.run(build, cwd=folder, env=environment, check=True)
        script = Path(folder, "tools", "measure", "compare_builds.py")
        return printed(script, PYTHONPATH=folder)


def main():
    parser = command_line(__doc__)
    parser.add_argument("--portable", action="store_true")
    parser.add_argument("--levels", action="store_true")
    asked, here, others = parser.parse_args(), list(lines()), {}
    if asked.portable:
        others["the portable build"] = lines_of_the_portable_build()
    if asked.levels:
        others |= {level: printed(__file__, MINIGRAD_LEVEL=level) for level in levels.here()}
    if not asked.portable and not asked.levels:
        print(*here, sep="\n")
    different = False
    for name, there in others.items():
        differing = [line for line in here if line not in there]
        print(*differing, sep="\n", end="\n" if differing else "")
        print(f"{len(here)} results, {len(differing)} not those of {name}")
        different |= bool(differing) or len(here) != len(there)
    sys.exit(different)


if __name__ == "__main__":
    main()
