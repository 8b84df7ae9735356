"""The extension list; the only home of compiler flags and Cython directives."""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
DEBUG = os.environ.get("MINIGRAD_DEBUG", "") not in ("", "0")

DIRECTIVES = {
    "language_level": 3,
    "embedsignature": True,
    "embedsignature.format": "python",
    "autotestdict": False,
    # The rules check shapes, dtypes and sizes before a kernel runs; the debug build checks again.
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "overflowcheck": DEBUG,
    "cdivision": not DEBUG,
}

# No -ffast-math: it changes results, and loading one such library flushes denormals in the whole
# process. -ffp-contract=off keeps machines with and without FMA in agreement; the other two only
# drop errno and trap bookkeeping, which nobody reads, so that sqrt vectorises.
FLAGS = {
    "unix": ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"],
    "msvc": ["/O2"],
}


class BuildExtensions(build_ext):
    """Chooses flags by the compiler in use, not by the platform."""

    def build_extensions(self):
        flags = FLAGS.get(self.compiler.compiler_type, [])
        for extension in self.extensions:
            extension.extra_compile_args = list(flags)
        super().build_extensions()


def extensions():
    for source in sorted((ROOT / "minigrad").rglob("*.pyx")):
        path = source.relative_to(ROOT)
        yield Extension(
            ".".join(path.with_suffix("").parts),
            [path.as_posix()],
            include_dirs=[numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        )


setup(
    ext_modules=cythonize(
        list(extensions()),
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives=DIRECTIVES,
    ),
    cmdclass={"build_ext": BuildExtensions},
)
