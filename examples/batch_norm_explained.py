# %% [markdown]
"""What is said about batch normalization, sentence by sentence, and what was measured of it.

    python examples/batch_norm_explained.py

Claims of the lab decide on each sentence. `python -m minigrad lab C5` prints what C5 does, and its
file in minigrad/lab is written to be read. Here they run in their short form, on the small digits
that come with minigrad; docs/lab.md has the whole runs, on MNIST.
"""

# %%
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices this small gain nothing from a second

from _common import command_line

from minigrad.lab.commands import SEED
from minigrad.lab.protocol import Claim, Run, all_claims, carry_out, in_words

WIDTH = 100


class Sentence(NamedTuple):
    """What is said, where, the lab's claims that would bear it out, and those against it."""

    said: str
    where: str
    claims: str
    against: str = ""


# %% [markdown]
# ## What is said
# A claim against a sentence is the experiment of someone who doubted it.

# %%
PAPER = "Ioffe & Szegedy 2015"
SENTENCES = [
    Sentence("γ and β can undo it, so nothing is lost by it.", f"{PAPER}, section 3", "A4"),
    Sentence(
        "Ten times the weights: the same output, and a tenth of the gradient.",
        f"{PAPER}, section 3.3", "A2",
    ),
    Sentence("A bias before it does nothing and learns nothing.", f"{PAPER}, section 3.2", "C1"),
    Sentence("With a single sample in a batch it makes no sense.", "lecture notes", "A9", "C2"),
    Sentence(
        "If the gradient ignores μ and σ, a bias grows without end.", f"{PAPER}, section 2",
        "C3 B11",
    ),
    Sentence(
        "The moving averages lag behind the network; computing them anew repairs that.",
        "Wu & Johnson 2021, section 3", "B7",
    ),
    Sentence(
        "It makes deep networks of sigmoids learn, whose gradient vanishes without it.",
        f"{PAPER}, section 4.2.2", "B3",
    ),
    Sentence("It takes inputs of any scale.", "lecture notes", "B19"),
    Sentence("First weights need less care.", f"{PAPER}, abstract", "C4"),
    Sentence("It allows higher learning rates.", f"{PAPER}, section 3.3", "B4"),
    Sentence(
        "The company of a sample in its batch is noise, more of it in smaller batches.",
        f"{PAPER}, section 3.4", "B16",
    ),
    Sentence("What a layer gets changes less in training.", f"{PAPER}, section 4.1", "B12"),
    Sentence("It helps because what a layer gets changes less.", f"{PAPER}, title", "", "C5"),
]  # fmt: skip


# %%
def verdict(parts: Iterable[bool]) -> str:
    """Of a sentence with these parts."""
    parts = list(parts)
    if all(parts):
        return "holds"
    return "holds partly" if any(parts) else "refuted"


def judge(sentence: Sentence, measure: Callable[[Claim], Run]) -> tuple[str, list[str]]:
    """The verdict, and in lines what was measured.

    Each bound of a claim is a part: kept, it speaks for the sentence, or against it.
    """
    named, parts, lines = {each.name: each for each in all_claims()}, [], []
    for names, speaks in ((sentence.claims, True), (sentence.against, False)):
        for name in names.split():
            run = measure(named[name])
            lines.append(f"  {'' if speaks else 'against it, '}{name}: {run.claim.title}")
            for check in run.checks:
                if check.gates:
                    parts.append(check.ok == speaks)
                    lines.append(f"    {in_words(check)}")
    return verdict(parts), lines


def main(seed: int = SEED) -> dict[str, str]:
    """Judge all sentences, print what was found, and return their verdicts."""
    verdicts = {}
    for sentence in SENTENCES:
        found, lines = judge(
            sentence, lambda claim: carry_out(claim, seed, quick=True, say=lambda line: None)
        )
        verdicts[sentence.said] = found
        print(f"{sentence.said:{WIDTH - 13}}{found:>13}", f"({sentence.where})", *lines, sep="\n")
        print(flush=True)
    return verdicts


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
