"""The tests, or a script, on a build with AddressSanitizer and UndefinedBehaviorSanitizer.

    python tools/measure/sanitize.py              # all fast tests
    python tools/measure/sanitize.py --quick      # those that reach memory by address
    python tools/measure/sanitize.py tests/nn -x  # any arguments of pytest
    python tools/measure/sanitize.py --run tools/fuzz/files.py --seconds 3600
    python tools/measure/sanitize.py --valgrind   # the kernels' tests under valgrind
    python tools/measure/sanitize.py --valgrind tests/optim/test_sgd.py

For Linux, with gcc or what CC names. A copy of the tree is built in a temporary folder, or in the
one that --folder names, which stays, and is rebuilt only where something has changed. A report ends
the run with a status other than 0, as a failing test does. Without the libraries of the compiler
there is nothing to run: --quick then says so and is content.
"""

import argparse
import filecmp
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Not imported: the package itself is only looked at, in other processes.
command_line = runpy.run_path(str(ROOT / "minigrad" / "display" / "terminal.py"))["command_line"]
# Alignment is left out: the rules align what they are given, and a kernel that is called directly
# reads misaligned arrays as every processor we build for does.
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize=alignment "
SANITIZERS += "-fno-sanitize-recover=undefined -fno-omit-frame-pointer"
KERNELS = (
    "activations adam batch_norm batch_renorm conv2d cross_entropy dropout group_norm layer_norm "
    "linear log_softmax max_pool2d reductions rmsprop sgd softmax"
).split()
QUICK = [*KERNELS, "arithmetic", "checkpoint", "function", "fuzzing", "indexing"]
# torch brings an allocator, threads and an OpenMP of its own into the process; without it, the
# tests that compare with it skip themselves.
WITHOUT_TORCH = 'import sys\n\nsys.modules["torch"] = None\n'


def copy(tree):
    """What the tests need. A file that is there already is left alone, with the time it has."""
    leave = shutil.ignore_patterns("__pycache__", "*.so", "_build_info.py", "*.egg-info")
    for path in ROOT.iterdir():
        if path.name in ("build", "dist") or path.name.startswith(".") and path.name != ".ci":
            continue
        if path.is_dir() and not (path / "pyvenv.cfg").exists():
            shutil.copytree(
                path, tree / path.name, ignore=leave, copy_function=update, dirs_exist_ok=True
            )
        elif path.is_file():
            update(path, tree / path.name)


def update(source, target):
    """Copy if they differ; the copy is then younger than whatever was built from the old one."""
    if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
        shutil.copyfile(source, target)


def build(folder, flags):
    """The tree in `folder`, compiled with flags that come after those of setup.py."""
    tools = folder / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    compiler = tools / "checking-cc"
    compiler.write_text(f'#!/bin/sh\nexec {os.environ.get("CC", "gcc")} "$@" {flags} -O1 -g1\n')
    compiler.chmod(0o755)
    (tools / "without_torch.py").write_text(WITHOUT_TORCH)
    tree = folder / "tree"
    tree.mkdir(exist_ok=True)
    copy(tree)
    environment = {
        **os.environ,
        "MINIGRAD_PORTABLE": "1",  # valgrind does not know every instruction
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "CC": compiler.name,
        "LDSHARED": f"{compiler.name} -shared",
    }
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    return tree, {
        **os.environ,
        "PYTHONMALLOC": "malloc",  # an allocation a block, with its own ends
        "MINIGRAD_KEEP_MB": "0",  # and freed when it is left
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(tools),
    }


def libraries():
    """The libraries to be loaded before Python, or None."""
    compiler = shlex.split(os.environ.get("CC", "gcc"))
    found = []
    for name in ("libasan.so", "libubsan.so"):
        try:
            command = [*compiler, f"-print-file-name={name}"]
            path = subprocess.run(command, capture_output=True, text=True).stdout.strip()
        except FileNotFoundError:
            return None
        if not os.path.isabs(path) or not os.path.exists(path):
            return None
        found.append(path)
    return " ".join(found)


def tests(subjects):
    """Their test files, in whichever room they are."""
    found = [ROOT.glob(f"tests/*/test_{subject}.py") for subject in subjects]
    return [str(path.relative_to(ROOT)) for files in found for path in sorted(files)]


def main():
    parser = command_line(__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--valgrind", action="store_true")
    parser.add_argument("--folder", type=Path, help="build here, and keep it")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="a script and its arguments")
    options, for_pytest = parser.parse_known_args()
    preload = None if options.valgrind else libraries()
    if not options.valgrind and (preload is None or not sys.platform.startswith("linux")):
        print("sanitize: skipped: the compiler has no libasan and libubsan, or this is not Linux")
        sys.exit(not options.quick)
    if options.valgrind and not shutil.which("valgrind"):
        sys.exit("sanitize: there is no valgrind here (apt-get install valgrind)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        tree, environment = build(folder, "" if options.valgrind else SANITIZERS)
        command = [sys.executable]
        if options.valgrind:
            command = ["valgrind", "--quiet", "--error-exitcode=99", "--exit-on-first-error=yes"]
            command += [
                f"--suppressions={tree / 'tools/measure' / 'valgrind.supp'}",
                sys.executable,
            ]
            for_pytest = for_pytest or tests(KERNELS)
        else:
            environment |= {
                "LD_PRELOAD": preload,
                "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:"  # MemoryError, as
                "max_allocation_size_mb=1000",  # without; Python itself never frees all it has
                "UBSAN_OPTIONS": "print_stacktrace=1",
            }
        if options.run:
            command += options.run
        else:
            command += ["-m", "pytest", "-p", "without_torch", *for_pytest]
            command += tests(QUICK) if options.quick else []
        sys.exit(subprocess.run(command, cwd=tree, env=environment).returncode != 0)


if __name__ == "__main__":
    main()
