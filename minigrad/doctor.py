"""What is built, for which processor, with which BLAS; whether it works, and what could be faster.

    python -m minigrad doctor
    python -m minigrad doctor --json   # the same as an object of objects, and a list of hints
    python minigrad/doctor.py          # also where `import minigrad` fails, and says why

What cannot be found out is reported as unknown: the doctor depends on nothing that it examines.
"""

import json
import os
import platform
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).resolve().parent
TOLERANCE = 1e-4  # of gradients, relative to the largest
SLOWER = 1.15  # times as long is worth a hint

# The shortest time, in µs, of the product of the first layer of an MNIST network.
PRODUCT = """
from time import perf_counter as now
import minigrad as m
a, b = m.ones(256, 784), m.ones(784, 128)
times = [(a @ b, now())[1] for _ in range(100)]
print(min(b - a for a, b in zip(times, times[1:])) * 1e6)
"""


def main(words: Sequence[str] = (), elsewhere: str | None = None) -> int:
    """Print everything that is known. 1 if minigrad cannot be imported or computes wrongly.

    `elsewhere`: what programs import as minigrad, if it is not the package of this file.
    """
    terminal = runpy.run_path(str(PACKAGE / "display" / "terminal.py"))
    description = (__doc__ or "").partition("\n")[0]
    parser = terminal["command_line"](description, "python -m minigrad doctor")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    asked = parser.parse_args(words)
    sections, works = examined()
    if elsewhere:
        sections["minigrad"]["programs import"] = elsewhere
    if asked.json:
        print(json.dumps(sections, indent=1, default=str))
        return 0 if works else 1
    for title, facts in sections.items():
        print(title)
        if isinstance(facts, list):
            facts = dict.fromkeys(facts or ["none"], "")
        width = max(map(len, facts), default=0)
        for name, fact in facts.items():
            print(f"  {name:{width}}  {fact}".rstrip())
        print()
    return 0 if works else 1


def examined() -> tuple[dict[str, Any], bool]:
    """All that is known, by sections; and whether minigrad computes what it should."""
    minigrad: ModuleType | None = None
    facts: dict[str, Any] = {"version": "unknown", "folder": PACKAGE}
    facts["Python"] = platform.python_version()
    try:
        minigrad = import_module("minigrad")
        if problem := another_package(minigrad):
            raise ImportError(problem)
        facts["version"] = minigrad.__version__
    except Exception as problem:  # of whatever kind: it is what the doctor was called for
        minigrad, facts["import fails"] = None, problem
    facts["NumPy"] = sys.modules["numpy"].__version__ if numpy_core() else "cannot be imported"
    info = build_info()
    level, why = kernels_level(minigrad)
    if level in info.get("levels", {}):
        info["features"] = info["levels"][level]  # of the kernels, not of all the rest
    sections = {
        "minigrad": facts,
        "build": build(info, minigrad),
        "processor": processor(info),
        "matrix products": blas(minigrad),
    }
    works = False
    if minigrad:
        error = largest_error(minigrad)
        works = error < TOLERANCE
        verdict = f"{'good' if works else 'WRONG'}: {error:.0e} from the reference kernels"
        in_use = minigrad.use_kernels.current
        level = f"{level}: {why}" if level else why
        sections["kernels"] = {"in use": in_use, "level": level, "gradients": verdict}
    return sections | {"hints": list(hints(info, minigrad))}, works


def another_package(found: ModuleType) -> str:
    """In words, if `import minigrad` has found a package of another project; "" of this one."""
    if hasattr(found, "use_kernels"):
        return ""
    if found.__file__:
        what = f"{found.__file__} is another project's"
    else:
        folder = next(iter(found.__path__))
        what = f"{folder} has lost its __init__.py, perhaps to another project's"
    again = f"`pip install -e .` in {PACKAGE.parent}"
    if not (PACKAGE.parent / "setup.py").exists():
        again = "`pip install --force-reinstall`, as you did before"
    return (
        f"{what} package of the name minigrad. Remove that with `pip uninstall minigrad`, then "
        f"install this one, minigrad-cython, again: {again}"
    )


def build_info() -> dict[str, Any]:
    """What setup.py wrote, read without importing the package; empty if nothing was built."""
    path = PACKAGE / "_build_info.py"
    return runpy.run_path(str(path)) if path.exists() else {}


def numpy_core() -> Any:
    """The compiled module of NumPy that knows processor and BLAS, or None."""
    try:
        return import_module("numpy._core._multiarray_umath")
    except ImportError:
        return None


def kernels_level(minigrad: ModuleType | None) -> tuple[str | None, str]:
    """The level of the kernels in use, and why it is this one."""
    if not minigrad:
        return None, "unknown"
    return minigrad._kernels.levels.current, minigrad._kernels.levels.reason


def build(info: dict[str, Any], minigrad: ModuleType | None) -> dict[str, Any]:
    if not info:
        return {"form": "unknown: setup.py has left no minigrad/_build_info.py"}
    level = [word.partition("=")[2] for word in info["command"].split() if "-march=" in word]
    form = f"for processors with {level[-1]}" if level else "portable"
    if more := ", ".join(info.get("levels", {})):
        form += f", with kernels for {more}"
    changed = (
        minigrad._build_check.changed(minigrad._build_check.sources()) if minigrad else ["unknown"]
    )
    return {
        "form": "debug: indices are checked, everything is slow" if info["debug"] else form,
        "with": f"Cython {info['cython']}, NumPy {info['numpy']}, Python {info['python']}",
        "compiler": info["compiler"],
        "command": info["command"],
        "changed since": ", ".join(changed) or "nothing",
    }


def features() -> list[str]:
    """NumPy's names of what this processor has, without those for several features at once."""
    known = getattr(numpy_core(), "__cpu_features__", {})
    return [name for name, present in known.items() if present and "_" not in name]


def processor(info: dict[str, Any]) -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    model = models[0] if models else platform.processor() or platform.machine()
    used = info.get("features", [])
    unused = [name for name in features() if name not in [*used, "MMX", "SSE", "SSE2"]]
    return {
        "model": f"{model}, {cpus()} CPUs for this process",
        "build uses": " ".join(used) or "the baseline of its architecture",
        "unused": " ".join(unused) or ("nothing" if features() else "unknown"),
    }


def cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def blas(minigrad: ModuleType | None) -> dict[str, Any]:
    config = import_module("numpy").show_config(mode="dicts") if numpy_core() else {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    loaded = [
        f"{each['internal_api']} {each['version']}, kernels {each.get('architecture', 'unknown')}, "
        f"threads {each['num_threads']}"
        for each in blas_loaded()
    ]
    return {
        "provider": minigrad._runtime.matmul.provider() if minigrad else "unknown",
        "NumPy's BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}",
        "BLAS loaded": "; ".join(loaded) or "unknown; `pip install threadpoolctl` finds out",
        "our threads": minigrad.get_num_threads() if minigrad else "unknown",
    }


def blas_loaded() -> list[dict[str, Any]]:
    """What threadpoolctl says of the BLAS libraries in this process; nothing without it."""
    try:
        threadpoolctl = import_module("threadpoolctl")
    except ImportError:
        return []
    return [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]


def largest_error(m: ModuleType) -> float:
    """How far gradients by the compiled kernels are from those by the reference kernels."""
    np, nn, found = import_module("numpy"), m.nn, []
    generator = m.Generator().manual_seed(0)
    x = m.randn(16, 8, generator=generator)
    hidden = nn.Linear(8, 12, bias=False), nn.BatchNorm1d(12), nn.ReLU()
    model = nn.Sequential(*hidden, nn.Linear(12, 3))
    with m.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    for kernels in ("compiled", "reference"):
        with m.use_kernels(kernels):
            loss = nn.functional.cross_entropy(model(x), m.arange(16) % 3)
            gradients = m.autograd.grad(loss, list(model.parameters()))
            found.append(np.concatenate([dp.numpy().ravel() for dp in gradients]))
    compiled, reference = found
    return float(np.abs(compiled - reference).max() / np.abs(reference).max())


def hints(info: dict[str, Any], minigrad: ModuleType | None) -> Iterator[str]:
    has = features()
    once = info and not info["debug"] and not info.get("levels")
    if once and "AVX2" in has and "AVX2" not in info.get("features", []):
        cloned = (PACKAGE.parent / "setup.py").exists()
        where = PACKAGE.parent if cloned else "a clone of the repository"
        yield f"portable build: `pip install -e .` in {where} compiles for this processor"
    if not minigrad:
        return
    provider = minigrad._runtime.matmul.provider()
    others = {"numpy", "openblas", "mkl"} - {provider}
    if "AVX512F" in info.get("features", []):
        others |= {"minigrad"} - {provider}
    trials = [f"MINIGRAD_PRODUCTS={name}" for name in sorted(others)]
    loaded = blas_loaded()
    avx2_alone = any(each.get("architecture") in ("Haswell", "Zen") for each in loaded)
    if provider == "openblas" and avx2_alone and {"AVX512F", "AVX512BW", "AVX512VL"} <= set(has):
        trials.append("OPENBLAS_CORETYPE=SkylakeX")
    times = product_times(["", *trials])
    for trial in trials:
        if times[trial] * SLOWER < times[""]:
            yield (
                f"{trial} in the environment makes matrix products faster: {times[trial]:.0f} µs "
                f"instead of {times['']:.0f} for (256, 784) by (784, 128)"
            )
    threads = max((each["num_threads"] for each in loaded), default=1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    if threads > 1 and load > cpus():
        yield (
            f"{threads} BLAS threads, and the CPUs are busy (load {load:.1f}): with "
            "OPENBLAS_NUM_THREADS=1 no thread waits for another"
        )


def product_times(settings: list[str]) -> dict[str, float]:
    """The shortest µs of a product with each setting; inf for what cannot be had."""
    times = dict.fromkeys(settings, float("inf"))
    for setting in settings * 3:
        words = [f"PYTHONPATH={os.pathsep.join(sys.path)}", *([setting] if setting else [])]
        environment = {**os.environ, **dict(word.split("=", 1) for word in words)}
        command = [sys.executable, "-c", PRODUCT]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        times[setting] = min(times[setting], float("inf" if run.returncode else run.stdout))
    return times


def as_a_program(words: list[str]) -> int:
    """`python minigrad/doctor.py`: looks at its own package, whatever programs import."""
    # Python has put this folder first in its path, where `random` is not the one that it means.
    sys.path = [entry for entry in sys.path if Path(entry) != PACKAGE]
    spec = PathFinder.find_spec("minigrad")
    found = (spec.origin or "a folder without __init__.py") if spec else None
    sys.path.insert(0, str(PACKAGE.parent))
    return main(words, None if found == str(PACKAGE / "__init__.py") else found)


if __name__ == "__main__":
    sys.exit(as_a_program(sys.argv[1:]))
