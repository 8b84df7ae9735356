"""The path, from a slope to batch norm in typed Cython: pages, exercises, and who checks them.

commands  what `python -m minigrad learn` does, and what `--json` prints
course    a page taken apart: program, stub, exercises with their checks and hints
places    where the pages are: in a checkout, an installed package, a handout
checking  a verdict and one sentence per exercise
process   the learner's process from outside: what it is told, what it says, for how long
child     the same from inside: runs the definitions of a file, and calls what the checks call
sandbox   what a stranger's file may not do there
folder    a learner's files, and how far they are
notebook  a step for Jupyter
handout   a folder for a class, without answers
grading   a folder of hand-ins, as a table

`python -m minigrad learn` is the door. The room needs NumPy, the room `diagnosis` beside it, and
nothing else of minigrad: a handout for a class is these two rooms and the pages.
"""
