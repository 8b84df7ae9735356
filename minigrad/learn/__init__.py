"""The path, from a slope to batch norm in typed Cython: pages, exercises, and who checks them.

    course    a page taken apart: program, stub, exercises with their checks and hints
    child     runs a learner's file in a process of its own
    checking  a verdict and one sentence per exercise

`python -m minigrad learn` is the door. The room needs NumPy, the room `diagnosis` beside it, and
nothing else of minigrad: a handout for a class is these two rooms and the pages.
"""
