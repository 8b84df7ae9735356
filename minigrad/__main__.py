"""`python -m minigrad book`, to read. `learn`, to build. `doctor`: is everything in order here?"""

import sys

from . import doctor
from .book.commands import book
from .learn.commands import learn

USAGE = """\
usage: python -m minigrad doctor
       python -m minigrad learn [STEP]
       python -m minigrad book [PAGE]

learn     build it yourself: pages, exercises, and what is wrong with an answer (learn --help)
book      derivations beside the lines that compute them, in a browser (book --help)
doctor    versions, compiler, processor, BLAS and kernels in use, whether they work, and hints"""


def main(words: list[str]) -> int:
    """The status for the shell: 0, 1 if the doctor found an error, 2 for words not understood."""
    if words == ["doctor"]:
        return doctor.main()
    if words[:1] == ["learn"]:
        return learn(words[1:])
    if words[:1] == ["book"]:
        return book(words[1:])
    if not words or words in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    asked = " ".join(words)
    print(f"python -m minigrad: there is no command {asked!r}\n\n{USAGE}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
