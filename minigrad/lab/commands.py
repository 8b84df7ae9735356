"""`python -m minigrad lab`: what is said of batch normalization, measured on this machine.

    lab                 the claims, and what each costs
    lab A7              run one, or several: protocol, measured values, verdict
    lab fig1            B1, by the name under which most people know it
    lab all             run all of them
    lab quick           all of them in a short form: fewer steps, small digits, fewer decisions
    lab A9 --quick      one of them so
    lab A7 --seed 5     with other random numbers

Each run writes its numbers and its curves, A7.json, and a figure, A7.svg, into the folder `lab`
where the command is called, or into `--folder FOLDER`. Any browser shows the figure. A9 and others
learn from MNIST, which MINIGRAD_DATA finds, or the network; in the short form from the 8 × 8 digits
that come with minigrad.

The status is 0 if all claims that were run hold, 1 if one does not, 2 if the command cannot be
carried out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..display.terminal import command_line
from .protocol import Claim, all_claims, carry_out
from .writing import write_figure, write_record

PROGRAM = "python -m minigrad lab"
FOLDER, SEED = "lab", 401


def lab(words: list[str]) -> int:
    """Carry out a command; the status for the shell."""
    asked = _parser().parse_args(words)
    claims = all_claims()
    try:
        chosen = _chosen(claims, asked.claim)
        if asked.quick and not chosen:
            raise Refused("--quick of which claim? `lab quick` takes all of them in the short form")
        if not chosen:
            print(list_of(claims))
            return 0
        folder = Path(asked.folder)
        folder.mkdir(parents=True, exist_ok=True)
        quick = asked.quick or "quick" in asked.claim
        return _run(chosen, folder, asked.seed, quick)
    except BrokenPipeError:
        raise  # display/terminal.py knows what to do
    except (Refused, OSError, ValueError) as problem:
        print(f"{PROGRAM}: {_in_words(problem)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


class Refused(Exception):
    """What cannot be done, and what can be done about it."""


def _in_words(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.filename and problem.strerror:
        return f"{Path(problem.filename).absolute()} cannot be used: {problem.strerror}"
    if isinstance(problem, FileNotFoundError):  # MNIST
        return f"{problem}\nThe short form, --quick, takes digits that come with minigrad"
    return str(problem)


def list_of(claims: list[Claim]) -> str:
    """The table of the claims, with what a run costs."""
    lines = ["claim  seconds  needs", ""]
    for each in claims:
        needs = "MNIST" if each.mnist else "–"
        lines.append(f"{each.name:5}  {each.seconds:7g}  {needs:5}  {each.title} ({each.paper})")
    total = sum(each.seconds for each in claims)
    lines += ["", f"all of them: {total:.0f} seconds of one core, where they were measured"]
    return "\n".join([*lines, f"run one: {PROGRAM} {claims[0].name}"])


def _parser() -> argparse.ArgumentParser:
    parser = command_line(__doc__, PROGRAM)
    add = parser.add_argument
    add("claim", nargs="*", help="the names of claims, or all, or quick; without one, a list")
    add("--folder", default=FOLDER, help=f"where numbers and figures go; without it {FOLDER}")
    add("--seed", type=_seed, default=SEED, help=f"of weights and batches; without it {SEED}")
    add("--quick", action="store_true", help="the short form; marked as such in what is written")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 to 4294967295")
    return int(text)


def _chosen(claims: list[Claim], words: list[str]) -> list[Claim]:
    if {"all", "quick"} & {word.lower() for word in words}:
        if len(words) > 1:
            raise Refused(f"`{' '.join(words)}`: all and quick stand alone, for they take them all")
        return claims
    named = {each.name.lower(): each for each in claims}
    named["fig1"] = named["b1"]
    for word in words:
        if word.lower() not in named:
            there = ", ".join(each.name for each in claims)
            raise Refused(f"there is no claim {word}; there are {there}, and all, and quick")
    return [named[word.lower()] for word in words]


def _run(claims: list[Claim], folder: Path, seed: int, quick: bool) -> int:
    verdicts = []
    for claim in claims:
        print(f"{claim.name}  {claim.title}\n\n{claim.protocol.strip()}\n")
        if claim.analogue:
            print(f"An analogue: {claim.analogue}\n")
        run = carry_out(claim, seed, quick)
        print(f"\n{claim.name} {run.verdict}", end="")
        print(f" (seed {seed}, data: {run.data}, {run.seconds:.1f} s of one core)")
        print(f"written: {write_record(folder, run)}")
        print(f"written: {write_figure(folder, run)}\n")
        verdicts.append((claim, run))
    if len(verdicts) > 1:
        for claim, run in verdicts:
            print(f"{claim.name:5} {run.verdict:{len('does not hold (short form)')}} {claim.title}")
    return int(not all(run.holds for _, run in verdicts))
