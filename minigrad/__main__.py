"""`python -m minigrad book`, to read. `learn`, to build. `lab`, to measure. `doctor`: all well?"""

import argparse
import sys
from importlib import import_module

from . import doctor
from .display.terminal import command_line

COMMANDS = """
learn     build it yourself: pages, exercises, and what is wrong with an answer
book      derivations beside the lines that compute them, in a browser
lab       what is said of batch normalization, measured here: bounds, values, verdicts
doctor    versions, compiler, processor, BLAS and kernels in use, whether they work, and hints

Each has its own --help."""
PROGRAM = "python -m minigrad"


def main(words: list[str]) -> int:
    """The status for the shell: 0, 1 if something is wrong, 2 for what cannot be carried out."""
    package = import_module("minigrad")
    if words[:1] == ["doctor"]:
        return doctor.main(words[1:])
    if problem := doctor.another_package(package):
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return 2
    parser = command_line(COMMANDS, PROGRAM)
    version = f"minigrad {package.__version__}"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument("command", choices=["learn", "book", "lab", "doctor"], nargs="?")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="what the command takes")
    asked = parser.parse_args(words)
    if not asked.command:
        parser.print_help()
        return 0
    if asked.command == "learn":
        from .learn.commands import learn

        return learn(asked.words)
    if asked.command == "lab":
        from .lab.commands import lab

        return lab(asked.words)
    from .book.commands import book

    return book(asked.words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
