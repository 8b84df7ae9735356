"""What is wrong with a gradient, in words: not "False", but "missing: road 3".

    verdict = diagnose(yours, right, parts={"road 1": …, "road 2": …}, factors={"1/m": 1 / m})
    print(verdict.ok, verdict.verdict, verdict.sentence)

`right` holds the right numbers; `parts` are named summands of them, `factors` named numbers or
arrays that occur in their formula, `wrong` known mistakes, as phrases, and what they give. All but
`yours` and `right` may be left out. The verdict is one of these words:

    right       in any algebraic form: rounding does not count
    factor      right but for a factor: "yours lacks the factor 1/m"
    sign        of all of it, or of some parts
    missing     some parts: "missing: roads 2 and 3 (the statistics were held still)"
    part        a wrong factor in some parts: "yours lacks the factor 1/m in road 3"
    zero        0 everywhere, and why, if `wrong` has it
    transposed  and whether the numbers are right then
    order       the right numbers in other places
    axis        not summed over an axis, or over one too many
    known       one of the mistakes in `wrong`
    shape       of the answer
    type        of the answer: None, a tuple, complex numbers, …
    nan         or infinity, where the right answer is a number
    ambiguous   explanations of different kinds fit these numbers: all of them are given
    close       nearly equal, but too far off for rounding
    different   none of these: how far, the three worst cells, and a map

For usual operations all of this is known: `diagnose(yours, **known.softmax_dx(x, dy))`. The dict
may be changed before: `case["wrong"]["x in place of y"] = …` is reported as "known mistake: x in
place of y". A phrase "remark: …" is added in parentheses to what the structure says. Where few
numbers are wrong, an explanation may fit by accident: then it begins with "perhaps".

The room needs NumPy and nothing else, minigrad included.

    comparing  when arrays are equal, and how cells and names are written
    structure  explanations by structure: factors, parts, axes
    verdicts   `diagnose`: the order in which explanations are tried
    cases      what is known of one right answer, as a dict
    normalizations, softmaxes, products, elementwise, optimizers  the operations
    known      all of them under one name
    recognition  `recognize`: which operation is this, by its values
"""

from . import known
from .comparing import Verdict
from .recognition import recognize
from .verdicts import diagnose

__all__ = ["Verdict", "diagnose", "known", "recognize"]
