"""The extension list; the only home of compiler flags and Cython directives."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from copy import copy
from hashlib import sha256
from multiprocessing import get_start_method
from pathlib import Path
from platform import python_version
from shutil import which
from tempfile import TemporaryDirectory

import Cython
import numpy
from Cython.Build import cythonize
from Cython.Build.Dependencies import create_dependency_tree
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import PlatformError

PACKAGE = Path("minigrad")
PATH, DERIVATIONS = Path("docs", "path"), Path("docs", "derivations")
DEBUG = os.environ.get("MINIGRAD_DEBUG", "") not in ("", "0")
PORTABLE = os.environ.get("MINIGRAD_PORTABLE", "") not in ("", "0")

DIRECTIVES = {
    "language_level": 3,
    "embedsignature": True,
    "embedsignature.format": "python",
    "autotestdict": False,
    # A pickle of a node would hold its arrays and none of its checks: there is none.
    "auto_pickle": False,
    # The rules check shapes, dtypes and sizes before a kernel runs; the debug build checks again.
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "overflowcheck": DEBUG,
    "cdivision": not DEBUG,
}

# No -ffast-math: it changes results, and loading one such library flushes denormals in the whole
# process. -ffp-contract=off keeps machines with and without FMA in agreement; the next two only
# drop errno and trap bookkeeping, which nobody reads, so that sqrt vectorizes. Without -g0 Python's
# own -g makes each module three times as large.
GCC = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
GCC += ["-g" if DEBUG else "-g0"]
FLAGS = {"unix": GCC, "mingw32": GCC, "msvc": ["/O2"]}

# Rules are no loops: they gain 2 % or less by -O3, and take twice as long to compile.
RULES = {"unix": ["-O1"], "mingw32": ["-O1"]}

# A build into the source tree is for the processor at hand: the highest of these levels that it
# and the compiler have. As fast as -march=native, and a level says what the import has to look for.
# Wheels, debug builds and MINIGRAD_PORTABLE=1 stay with what every x86-64 has, as other
# architectures do. The bits of all results are the same: no flag here may change that.
LEVELS = ["x86-64-v4", "x86-64-v3", "x86-64-v2"]

# A wheel holds its kernels once more for each of these, in minigrad/_kernels/v3 and v4, and
# minigrad/_kernels/levels.py chooses. Without these instructions on integers: loops over floats
# have no use for them, and NumPy before 2.4 cannot tell which processor has them.
WHEEL_LEVELS = ["v3", "v4"]
UNTOLD = ["-mno-bmi", "-mno-bmi2", "-mno-lzcnt", "-mno-movbe"]
KERNELS = "minigrad._kernels."

# For Intel's processors compilers prefer vectors of half the width, and the matrix product is then
# half as fast. `_runtime/matmul.pyx` counts on all of it wherever there is AVX-512.
WIDE = ["-mprefer-vector-width=512"]

# But these kernels run along rows of a few numbers, and what is left of a row behind the last whole
# vector is done one by one: vectors of 8 floats are twice as fast as vectors of 16.
NARROW = {"minigrad._kernels.max_pool2d": ["-mprefer-vector-width=256"]}

# What the compiler defines for such instructions, and NumPy's name of the feature.
FEATURES = {
    "__SSE3__": "SSE3", "__SSSE3__": "SSSE3", "__SSE4_1__": "SSE41", "__SSE4_2__": "SSE42",
    "__POPCNT__": "POPCNT", "__MOVBE__": "MOVBE", "__LZCNT__": "LZCNT", "__BMI__": "BMI",
    "__BMI2__": "BMI2", "__F16C__": "F16C", "__FMA__": "FMA3", "__AVX__": "AVX",
    "__AVX2__": "AVX2", "__AVX512F__": "AVX512F", "__AVX512CD__": "AVX512CD",
    "__AVX512BW__": "AVX512BW", "__AVX512DQ__": "AVX512DQ", "__AVX512VL__": "AVX512VL",
    "__AVX512IFMA__": "AVX512IFMA", "__AVX512VBMI__": "AVX512VBMI",
    "__AVX512VBMI2__": "AVX512VBMI2", "__AVX512VNNI__": "AVX512VNNI",
    "__AVX512BITALG__": "AVX512BITALG", "__AVX512VPOPCNTDQ__": "AVX512VPOPCNTDQ",
    "__AVX512BF16__": "AVX512BF16", "__AVX512FP16__": "AVX512FP16",
}  # fmt: skip

# What the record of a build holds and no module depends on as a whole: sources are compared one by
# one, and what is compiled beside one NumPy (2.0's interface) runs beside all later ones.
UNCHANGING = ("sources", "numpy")

# Cython's memoryview code, compiled once instead of into every module.
SHARED = "minigrad._memoryviews"


class BuildPackage(build_py):
    """Put the pages that `learn` and `minigrad.source` read into the package."""

    def run(self):
        super().run()
        package = Path(self.build_lib, PACKAGE)
        pages = {PATH: package / "learn" / "pages", DERIVATIONS: package / "book" / "derivations"}
        for here, target in pages.items():
            if here.exists() and not self.editable_mode:  # a checkout reads its own
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(here, target)


def build_book(library):
    """In a process of its own, with the kernels just compiled: the pages show what they compute."""
    target = Path(library, PACKAGE, "book", "site").resolve()
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "minigrad.book.building", os.getcwd(), str(target)]
    run = subprocess.run(command, cwd=library, stderr=subprocess.PIPE, encoding="utf-8")
    if run.returncode:
        problem = run.stderr.rstrip().rpartition("\n")[2]
        if not re.match(r"(ModuleNotFound|Import)Error", problem):
            raise SystemExit(run.stderr)
        print(f"the wheel will hold no book: {problem} (extra `book`)")


class BuildExtensions(build_ext):
    """Choose flags by the compiler in use, compile in parallel, write down what was built."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self):
        self.into_tree = self.inplace  # setuptools takes it back while it compiles
        super().run()
        if self.inplace:
            self.copy_file(str(self.build_info), str(PACKAGE))
        elif DERIVATIONS.exists():
            build_book(self.build_lib)

    def build_extensions(self):
        flags = FLAGS.get(self.compiler.compiler_type, [])
        self.rules = RULES.get(self.compiler.compiler_type, [])
        command = getattr(self.compiler, "compiler_so", [self.compiler.compiler_type])
        check_tools(command)
        levels = {}
        if self.compiler.compiler_type == "unix" and not (PORTABLE or DEBUG):
            if self.into_tree:
                flags = flags + level([*command, *flags])
            else:
                levels = wheel_levels(command, flags)
        flags = in_full_width(command, flags)
        info = describe([*command, *flags]) | {"rules": self.rules, "narrow": NARROW}
        if levels:
            info["levels"] = {name: features([*command, *more]) for name, more in levels.items()}

        self.build_info = Path(self.build_lib, PACKAGE, "_build_info.py")
        stale = self.stale(info)
        translated = translate(stale)
        for extension in stale:
            extension.sources = translated[extension.name].sources
            extension.extra_compile_args = self.flags_of(extension.name, flags)
        self.build_info.unlink(missing_ok=True)
        stale.sort(key=size_of_sources, reverse=True)  # no core waits for a long last one
        everything, self.extensions, self.force = self.extensions, stale, True
        super().build_extensions()
        for name, flags in levels.items():
            self.build_kernels(stale, name, flags)
        self.extensions = everything
        self.build_info.write_text(render(info), encoding="utf-8")

    def build_kernels(self, stale, level, flags):
        """The kernels among the extensions once more, in a folder of that name beside them."""
        self.extensions = [copy(each) for each in stale if each.name.startswith(KERNELS)]
        for extension in self.extensions:
            extension.extra_compile_args = self.flags_of(extension.name, flags)
            extension.name = extension.name.replace(KERNELS, f"{KERNELS}{level}.")
        super().build_extensions()

    def flags_of(self, name, flags):
        """Those of a module: what stands later counts."""
        if is_rule(name):
            return flags + self.rules
        return flags + (NARROW.get(name, []) if WIDE[0] in flags else [])

    def stale(self, info):
        """The extensions to compile: those whose sources changed, by content; all with new flags.

        Times say nothing: pip builds in an environment of its own, whose folders and whose NumPy
        are gone or newer afterwards, and Git sets no times.
        """
        home = Path() if self.into_tree else Path(self.build_lib)
        record = home / PACKAGE / "_build_info.py"
        built = runpy.run_path(str(record)) if record.exists() else {}
        if self.force or any(built.get(k) != info[k] for k in info if k not in UNCHANGING):
            return list(self.extensions)
        stale, tree = [], create_dependency_tree(quiet=True)
        for extension in self.extensions:
            module = home / Path(*extension.name.split(".")).with_suffix(info["suffix"])
            files = extension.sources and tree.all_dependencies(extension.sources[0])
            sources = {Path(file).as_posix() for file in files} & info["sources"].keys()
            changed = any(built["sources"].get(k) != info["sources"][k] for k in sources)
            if changed or not module.exists():
                stale.append(extension)
            elif self.into_tree:  # setuptools copies all of them from there
                target = Path(self.build_lib, *module.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(module, target)  # also over a newer one, which a wheel was made of
        return stale


def translate(extensions):
    """From Cython to C, into build/; done here and not at the top, so that an sdist holds no C."""
    for extension in extensions:
        if extension.name == SHARED:
            extension.sources = [SHARED.replace(".", "/") + ".c"]  # written by Cython
    modules = cythonize(
        extensions,
        # Processes that are not forked would run this file again.
        nthreads=os.cpu_count() if get_start_method() == "fork" else 0,
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives=DIRECTIVES,
        force=True,
        shared_utility_qualified_name=SHARED,
    )
    return {module.name: module for module in modules}


def is_rule(name):
    """Whether a module decides what is computed, and leaves the loops to the kernels."""
    return name.startswith(("minigrad.tensor", "minigrad.autograd.", "minigrad.ops."))


def size_of_sources(extension):
    return sum(Path(source).stat().st_size for source in extension.sources)


def check_tools(command):
    """Say in words what is missing before the compiler says it in its own."""
    if command[0] != "msvc" and not which(command[0]):
        raise PlatformError(
            f"minigrad is compiled from Cython, and there is no C compiler here ({command[0]!r} "
            "was not found). Install one (Debian, Ubuntu: apt-get install gcc libc6-dev; Fedora: "
            "dnf install gcc; macOS: xcode-select --install), or name yours in CC, and run this "
            "again."
        )
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").exists():
        raise PlatformError(
            "minigrad is compiled from Cython, and Python's C headers are not here (no Python.h "
            f"in {include}). Install them (Debian, Ubuntu: apt-get install python3-dev; Fedora: "
            "dnf install python3-devel) and run this again."
        )


def level(command):
    """The flags for the processor at hand; none if CFLAGS choose, or the compiler has none."""
    if any(word.startswith("-march=") for word in command):
        return []
    here = features([*command, "-march=native"])
    for name in LEVELS:
        flags = [f"-march={name}", "-mtune=native"]
        needed = features([*command, *flags])
        if needed and set(needed) <= set(here) and compiles([*command, *flags]):
            return flags
    return []


def wheel_levels(command, flags):
    """The flags of the kernels that a wheel holds beside the portable ones, level by level."""
    if any(word.startswith("-march=") for word in [*command, *flags]):
        return {}
    found = {}
    for name in WHEEL_LEVELS:
        more = in_full_width(command, [*flags, f"-march=x86-64-{name}", *UNTOLD])
        if compiles([*command, *more]):  # compilers for other architectures do not
            found[name] = more
    return found


def in_full_width(command, flags):
    return flags + WIDE if "AVX512F" in features([*command, *flags]) else flags


def features(command):
    """NumPy's names of what the code will need; none if the compiler does not take the flags."""
    if command[0] == "msvc":
        return []
    command = [*command, "-dM", "-E", "-x", "c", os.devnull]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    defined = {line.split()[1] for line in lines if line.startswith("#define ")}
    return [name for macro, name in FEATURES.items() if macro in defined]


def compiles(command):
    """Whether compiler and assembler can do a loop with these flags."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "loop.c"), Path(folder, "loop.o")
        source.write_text("void f(float *x) { for (int i = 0; i < 4096; i++) x[i] *= x[i]; }\n")
        command = [*command, "-c", str(source), "-o", str(target)]
        return subprocess.run(command, capture_output=True).returncode == 0


def describe(command):
    """What the modules are made from: minigrad/_build_check.py compares it at import."""
    sources = [path for kind in ("*.pyx", "*.pxd") for path in sorted(PACKAGE.rglob(kind))]
    return {
        "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
        "python": python_version(),
        "cython": Cython.__version__,
        "numpy": numpy.__version__,
        "compiler": compiler_version(command),
        "command": shlex.join(command),
        "features": features(command),
        "debug": DEBUG,
        "directives": DIRECTIVES,
        "sources": {path.as_posix(): sha256(path.read_bytes()).hexdigest() for path in sources},
    }


def compiler_version(command):
    if command[0] == "msvc":
        return "msvc"
    words = command[:1] + [word for word in command[1:] if not word.startswith(("-", "/"))]
    answer = subprocess.run([*words, "--version"], capture_output=True, text=True)
    return answer.stdout.partition("\n")[0] or "unknown"


def render(info):
    lines = ['"""What the modules were compiled from. Written by setup.py for _build_check.py."""']
    for key, value in info.items():
        if isinstance(value, dict):
            lines += [f"{key} = {{", *(f"    {k!r}: {v!r}," for k, v in value.items()), "}"]
        else:
            lines.append(f"{key} = {value!r}")
    return "\n".join(lines) + "\n"


def extensions():
    for path in sorted(PACKAGE.rglob("*.pyx")):
        yield extension(".".join(path.with_suffix("").parts), [path.as_posix()])
    yield extension(SHARED, [])


def extension(name, sources):
    return Extension(
        name,
        sources,
        include_dirs=[numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    )


setup(
    ext_modules=list(extensions()),
    cmdclass={"build_py": BuildPackage, "build_ext": BuildExtensions},
)
