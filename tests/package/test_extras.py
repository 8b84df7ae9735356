"""What an extra brings is loaded by who asks for it, and its absence names the extra."""

import subprocess
import sys


def test_minigrad_does_not_load_it_and_without_scikit_learn_it_names_the_extra():
    script = (
        "import sys, minigrad\n"
        "assert not {'sklearn', 'minigrad.sklearn'} & set(sys.modules)\n"
        "sys.modules['sklearn'] = None\n"
        "try: import minigrad.sklearn\n"
        "except ImportError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert "minigrad.sklearn needs scikit-learn" in run.stdout, run.stderr
    assert 'pip install "minigrad-cython[sklearn]"' in run.stdout
