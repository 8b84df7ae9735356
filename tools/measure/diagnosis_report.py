"""How many planted mistakes the diagnosis names: a table of the exercises of the tests.

    python tools/measure/diagnosis_report.py

Planted mistakes are to be named with the right sentence. Strange ones (two mistakes at once, noise,
one row only) may be left unnamed, but must not be named wrongly.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in (".", "tests")]
from helpers.mistakes import PLANTED, STRANGE, exercises, read  # noqa: E402

from minigrad.display.terminal import command_line  # noqa: E402

COLUMNS = ("planted", "named", "strange", "named ", "misnamed")


def main(everything):
    found, table = exercises(), {name: Counter() for name in exercises()}
    for path, kind, named in ((PLANTED, "planted", "named"), (STRANGE, "strange", "named ")):
        for mistake in read(path)[0]:
            verdict, row = mistake.verdict(found), table[mistake.exercise]
            row[kind] += 1
            row["misnamed"] += mistake.is_misnamed(verdict)
            if path is PLANTED:
                row[named] += mistake.word != "different" and mistake.is_named(verdict)
            else:
                row[named] += verdict.verdict not in {"different", "close"}
            if everything:
                code = "\n    ".join(mistake.code.splitlines())
                print(f"{mistake.exercise}\n    {code}\n{verdict.verdict}: {verdict}\n")
    width = max(map(len, table))
    print(f"{'':{width}} {' '.join(f'{column:>8}' for column in COLUMNS)}")
    for name, row in [*table.items(), ("all", sum(table.values(), Counter()))]:
        print(f"{name:{width}} {' '.join(f'{row[column]:8}' for column in COLUMNS)}")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--all", action="store_true", help="print every verdict")
    main(parser.parse_args().all)
