"""The tests can be collected on a platform that lacks what only Unix has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad

ROOT = Path(__file__).parents[2]

# NumPy and the standard library look for some of these when they are imported: they come first.
WITHOUT = """
import os, signal, sys
import numpy, subprocess, tempfile

for name in ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "readline", "syslog"):
    sys.modules[name] = None
for name in ("fork", "mkfifo", "getuid", "geteuid", "nice", "sched_getaffinity", "sysconf"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("setitimer", "ITIMER_REAL", "SIGALRM", "SIGKILL", "SIGXFSZ", "pthread_kill"):
    if hasattr(signal, name):
        delattr(signal, name)

import pytest

sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "-m", ""]))
"""


@pytest.mark.slow
def test_all_tests_are_collected_without_the_modules_of_unix():
    path = os.pathsep.join([str(Path(minigrad.__file__).parents[1]), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, cwd=ROOT,
        # Plugins that happen to be installed ask their platform, too, and are none of ours.
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert "error" not in run.stdout.lower().splitlines()[-1]
