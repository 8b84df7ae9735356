"""Explanations by structure: a factor, a sign, a missing part, an axis, a transposition.

Each function returns the explanations that fit; none, if none fits. A sentence says no more than
the values bear out: "yours lacks the factor m" means that yours times m *is* right in every cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .comparing import (
    Array,
    Problem,
    axis_sets,
    axis_word,
    distinct,
    largest_size,
    listed,
    written,
)

CONDITION = 1e4  # parts that are more alike than this cannot be told apart
BARE = {"2", "½"}  # 4 has more likely causes than 2, twice
CLOSE = 1e-5  # of the largest right number: what is off by less is nearly right
EXACT = 1e-6  # how close to 0, 1, −1 or a factor a fitted number must be


class Explanation(NamedTuple):
    word: str
    sentence: str
    named: bool = True  # False if it only measures: "yours is 1.7 times what is right"
    literal: bool = False  # says no more than the numbers do, be they ever so few


# --- one factor for all cells --------------------------------------------------------------------


def factor_of_all(p: Problem) -> list[Explanation]:
    """yours = ± right · f, for a named factor, two of them, or any number."""
    if p.is_zero():
        return []
    found = one_factor(p, p.right)
    if found:
        return [Explanation("factor", found, literal=True)]
    c = ratio(p.yours, p.right)
    if c is not None and not p.equals(c * p.right):
        c = None
    if c is not None and abs(c + 1) <= EXACT:
        said = "the sign is wrong: yours is −1 times what is right"
        return [Explanation("sign", said, literal=True)]
    found = one_factor(p, -p.right)
    if found:
        return [Explanation("factor", f"the sign is wrong, and {found}", literal=True)]
    two = two_factors(p, p.right) or inverted(p, p.right, np.zeros_like(p.right))
    if c is not None and np.count_nonzero(p.right) > 1:  # one number is a multiple of any other
        perhaps = f"; perhaps {two}" if two else length_like(p, c)
        said = f"yours is {written(c)} times what is right{perhaps}"
        return [Explanation("factor", said, named=False)]
    if two:  # less certain than a known mistake
        return [Explanation("factor", two, named=False)]
    two = two_factors(p, -p.right)
    return [Explanation("factor", f"the sign is wrong, and {two}", named=False)] if two else []


def ratio(yours: Array, right: Array) -> float | None:
    square = float(np.vdot(right, right))
    return float(np.vdot(right, yours)) / square if square > 0 else None


def length_like(p: Problem, c: float) -> str:
    """Which lengths, of the array or in a factor 1/N, the number c reminds of; or those ± 1."""
    lengths = {f"the length of axis {axis}": n for axis, n in enumerate(p.right.shape)}
    if p.right.ndim > 1:
        lengths["the number of cells"] = p.right.size
    within = {
        name.removeprefix("1/"): round(1 / float(f.flat[0]))
        for name, f in telling(p.factors).items()
        if name.startswith("1/") and len(name) == 3 and np.ptp(f) == 0 and f.all()
    }
    k = round(max(abs(c), 1 / abs(c))) if c else 0
    if k > 1 and min(abs(c / k - 1), abs(c * k - 1)) < EXACT:
        same = [what for what, n in {**lengths, **within}.items() if n == k]
        same += [f"1 less than {what}" for what, n in {**lengths, **within}.items() if n - 1 == k]
        same += [f"1 more than {what}" for what, n in {**lengths, **within}.items() if n + 1 == k]
        return f" ({k} is {' or: '.join(same)})" if same else ""
    for name, n in within.items():
        for other, sign in ((n - 1, "−"), (n + 1, "+")):
            if abs(abs(c) * other / n - 1) < EXACT:
                return f" ({name} {sign} 1 in the place of {name})"
    return ""


def one_factor(p: Problem, right: Array) -> str:
    """ "yours lacks the factor m" for yours = right / m, and the like; "" if no name fits."""
    lacks, often = fitting(p, right, np.zeros_like(right))
    return factor_sentence(p, lacks, often) if lacks or often else ""


def inverted(p: Problem, term: Array, rest: Array, where: str = "") -> str:
    """The same for f²: an answer divided by f in the place of multiplied is off by its square."""
    for name, factor in telling(p.factors).items():
        if name in BARE or (np.abs(factor**2 - 1) <= EXACT).all():
            continue
        if where and distinct(np.abs(factor)) > factor.size // 2:  # 1 − 2y = (1 − y)² − y²
            continue
        if factor.all() and p.equals(rest + term / factor**2):
            said = f"lacks the factor {name} twice{where}"
            return f"yours {said}: divided by it in the place of multiplied?"
        if p.equals(rest + term * factor**2):
            said = f"has the factor {name} twice too often{where}"
            return f"yours {said}: multiplied by it in the place of divided?"
    return ""


def two_factors(p: Problem, right: Array) -> str:
    """The same for two factors, if only two of them fit."""
    powers = [
        [(name, e, to_the(f, e)) for e in (-1, 1) if e > 0 or f.all()]
        for name, f in telling(p.factors).items()
    ]
    found = [
        ((a, d), (b, e))
        for one, other in itertools.combinations(powers, 2)
        for (a, d, f), (b, e, g) in itertools.product(one, other)
        if p.equals(right * f * g)
    ]
    if len(found) != 1 or distinct(p.right) < 3:
        return ""
    lacks, often = ([name for name, e in found[0] if e == sign] for sign in (-1, 1))
    said = [f"lacks the factor{'s' * (len(lacks) > 1)} {listed(lacks)}"] if lacks else []
    said += [f"has {listed(often)} once too often"] if often else []
    return f"yours {' and '.join(said)}"


def telling(factors: dict[str, Array]) -> dict[str, Array]:
    """The factors that are not 1 here: no answer can show whether such a one is there."""
    return {name: f for name, f in factors.items() if (np.abs(f - 1) > EXACT).any()}


def to_the(factor: Array, exponent: int) -> Array:
    return factor if exponent > 0 else 1 / factor


def fitting(p: Problem, term: Array, rest: Array) -> tuple[list[str], list[str]]:
    """The names f for which yours = rest + term / f, and those for yours = rest + term · f."""
    lacks, often = [], []
    for name, factor in telling(p.factors).items():
        if largest_size(term * (factor - 1)) <= p.rtol * p.scale:
            continue
        if factor.all() and p.equals(rest + term / factor):
            lacks.append(name)
        if p.equals(rest + term * factor):
            often.append(name)
    return lacks, often


def factor_sentence(p: Problem, lacks: list[str], often: list[str], where: str = "") -> str:
    """In words; names of the same value are joined by "or"."""
    if not where and distinct(np.abs(p.right)) < 2:  # all numbers alike: it might be anything
        c = ratio(p.yours, p.right) or 0.0
        names = [f"{name} is missing" for name in lacks]
        names += [f"{name} is there once too often" for name in often]
        return f"yours is {written(c)} times what is right; perhaps {' or '.join(names)}"
    same = " (the same number here)" if len(lacks) + len(often) > 1 else ""
    said = [f"lacks the factor {listed(lacks, 'or')}{where}"] if lacks else []
    said += [f"has the factor {listed(often, 'or')} once too often{where}"] if often else []
    return f"yours {', or '.join(said)}{same}"


def factor_along_an_axis(p: Problem) -> list[Explanation]:
    """yours = right · f, for a factor that differs only along one axis."""
    for axis in range(p.right.ndim if p.right.ndim > 1 else 0):
        pairs = list(zip(slices(p.yours, axis), slices(p.right, axis), strict=True))
        if len(pairs) < 2 or any(distinct(np.abs(right)) == 1 for _, right in pairs):
            continue
        factors = [ratio(yours, right) for yours, right in pairs]
        shape = [-1 if k == axis else 1 for k in range(p.right.ndim)]
        if p.equals(p.right * np.reshape([c or 0.0 for c in factors], shape)):
            some = ", ".join("?" if c is None else beside_one(c) for c in factors[:4])
            said = f"yours is right but for a factor that differs along axis {axis}: {some}"
            return [Explanation("factor", said + ", …" * (len(factors) > 4), named=False)]
    return []


def beside_one(c: float) -> str:
    """A factor in digits; one near 1 shows how near."""
    if not 0 < abs(c - 1) < 5e-4:
        return written(c)
    return f"1 {'+' if c > 1 else '−'} {written(abs(c - 1))}"


def slices(values: Array, axis: int) -> list[Array]:
    return list(np.moveaxis(values, axis, 0))


# --- something added -----------------------------------------------------------------------------


def added(p: Problem) -> str:
    """yours = right + a number, or numbers that differ along one axis only; or a multiple of
    what the catalogue calls "… itself"."""
    extra = p.yours - p.right
    if extra.size < 3 or largest_size(extra) <= CLOSE * p.scale:
        return ""
    if np.ptp(extra) <= p.rtol * p.scale:
        return f"yours is right but for {written(float(extra.mean()))} added in every cell"
    for phrase, values in p.wrong.items():
        c = ratio(extra, values) if values.shape == extra.shape else None
        if phrase.endswith(" itself") and c is not None and p.equals(p.right + c * values):
            times = "" if abs(c - 1) <= EXACT else f"{written(c)} · "
            return f"yours is right but for {times}{phrase.removesuffix(' itself')}, added"
    for axis in range(extra.ndim if extra.ndim > 1 else 0):
        others = tuple(k for k in range(extra.ndim) if k != axis)
        enough = min(extra.shape[axis], extra.size // extra.shape[axis]) > 1
        if enough and np.ptp(extra, axis=others).max() <= p.rtol * p.scale:
            numbers = np.moveaxis(extra, axis, 0).reshape(extra.shape[axis], -1)[:, 0]
            some = ", ".join(written(float(c)) for c in numbers[:4]) + ", …" * (len(numbers) > 4)
            return f"yours is right but for numbers added that differ along axis {axis}: {some}"
    return ""


def added_below(p: Problem) -> str:
    """The same in a denominator: yours = right · d / (d + a number), for a factor 1/d."""
    for name, factor in p.factors.items():
        if name.startswith("1/") and distinct(factor) >= 3 and factor.all() and p.yours.all():
            number = (p.right / p.yours - 1) / factor
            size = largest_size(number)
            if size > 0 and np.ptp(number) <= 1e-6 * size:
                c = written(float(number.mean()))
                return f"yours is right but for {c} added to {name.removeprefix('1/')}"
    return ""


# --- parts ---------------------------------------------------------------------------------------


def subsets(p: Problem) -> Iterator[list[str]]:
    """Some of the parts, not all; few first."""
    names = [name for name, part in p.parts.items() if largest_size(part) > p.rtol * p.scale]
    for n in range(1, len(names)):
        yield from map(list, itertools.combinations(names, n))


def parts_of(p: Problem) -> list[Explanation]:
    """One thing that is wrong with some of the parts, with all others right."""
    missing, turned, scaled, squares = [], [], [], []
    for names in subsets(p):
        term = sum((p.parts[name] for name in names), np.zeros_like(p.right))
        rest = p.right - term
        if p.equals(rest):
            missing.append(listed(names))
        if p.equals(rest - term):
            turned.append(listed(names))
        lacks, often = fitting(p, term, rest)
        if lacks or often:
            scaled.append(factor_sentence(p, lacks, often, f" in {listed(names)}"))
        elif said := inverted(p, term, rest, f" in {listed(names)}"):
            squares.append(said)
    found = [Explanation("missing", f"missing: {' or: '.join(missing)}")] if missing else []
    if turned:
        found.append(Explanation("sign", f"the sign of {' or of '.join(turned)} is wrong"))
    found += [Explanation("part", each) for each in scaled]
    return found + [Explanation("part", each, named=False) for each in squares]


def parts_by_least_squares(p: Problem) -> list[Explanation]:
    """yours = Σ c · part with one number c per part, all fitted together."""
    names = [name for name, part in p.parts.items() if largest_size(part) > p.rtol * p.scale]
    numbers = fitted(p, p.yours, [p.parts[name] for name in names])
    if numbers is None:
        return []
    said = [in_words(p, name, c) for name, c in zip(names, numbers, strict=True)]
    return explanation_of(said)


def parts_along_an_axis(p: Problem) -> list[Explanation]:
    """The same with numbers that differ along one axis; only if every one of them has a name."""
    names = [name for name, part in p.parts.items() if largest_size(part) > p.rtol * p.scale]
    for axis in range(p.right.ndim if p.right.ndim > 1 else 0):
        rows = []
        for k, yours in enumerate(slices(p.yours, axis)):
            numbers = fitted(p, yours, [slices(p.parts[name], axis)[k] for name in names])
            if numbers is None:
                break
            rows.append(numbers)
        if len(rows) < max(2, p.right.shape[axis]):
            continue
        said = []
        for name, column in zip(names, np.transpose(rows), strict=True):
            said.append(in_words_along(p, name, column, axis))
        found = explanation_of(said)
        if found:
            return found
    return []


def fitted(p: Problem, yours: Array, parts: list[Array]) -> Array | None:
    """The numbers c of yours = Σ c · part, if they are certain."""
    if len(parts) < 2 or distinct(yours) < len(parts) + 1:
        return None
    matrix = np.stack([part.ravel() for part in parts], axis=1)
    sizes = np.linalg.norm(matrix, axis=0)
    if not sizes.all() or np.count_nonzero(np.abs(matrix).any(axis=1)) < len(parts) + 2:
        return None
    numbers, _, rank, singular = np.linalg.lstsq(matrix / sizes, yours.ravel(), rcond=None)
    if rank < len(parts) or singular[0] > CONDITION * singular[-1]:
        return None
    off = largest_size(matrix / sizes @ numbers - yours.ravel())
    allowed = p.rtol * max(largest_size(yours), 1e-3 * p.scale)
    return numbers / sizes if off <= allowed else None


class Said(NamedTuple):
    """What a fitted number says of its part: a form of words, and whether the number has a name."""

    part: str
    form: str  # "" if the part is right
    named: bool = True


def in_words(p: Problem, part: str, c: float) -> Said:
    for number, form in ((1, ""), (0, "missing: {}"), (-1, "the sign of {} is wrong")):
        if abs(c - number) <= EXACT:
            return Said(part, form)
    for name, factor in telling(p.factors).items():
        if np.ptp(factor) == 0:
            form = factor_form(name, c, float(factor.flat[0]))
            if form:
                return Said(part, form)
    return Said(part, f"{{}} is {written(c)} times what is right", named=False)


def factor_form(name: str, c: Array | float, factor: Array | float) -> str:
    scale = EXACT * np.abs(c)
    for sign, turned in ((1, ""), (-1, ", and its sign is wrong")):
        if np.all(np.abs(c * factor - sign) <= EXACT):
            return f"yours lacks the factor {name} in {{}}{turned}"
        if np.all(np.abs(c - sign * factor) <= scale):
            return f"yours has the factor {name} once too often in {{}}{turned}"
    return ""


def in_words_along(p: Problem, part: str, column: Array, axis: int) -> Said:
    if np.ptp(column) <= EXACT * max(1.0, largest_size(column)):
        return in_words(p, part, float(column.mean()))
    for name, factor in telling(p.factors).items():
        first = np.moveaxis(factor, axis, 0).reshape(factor.shape[axis], -1)
        if np.ptp(first, axis=1).max() == 0:
            form = factor_form(name, column, first[:, 0])
            if form:
                return Said(part, form)
    form = f"yours is right but for a multiple of {{}} that differs along axis {axis}"
    return Said(part, form, named=False)


def explanation_of(said: list[Said]) -> list[Explanation]:
    """Parts of which the same is said share a sentence; at most one number may lack a name.

    What says two things or more is less certain than a known mistake.
    """
    forms: dict[str, list[str]] = {}
    for each in said:
        if each.form:
            forms.setdefault(each.form, []).append(each.part)
    unnamed = [each for each in said if not each.named]
    if not forms or len(unnamed) > 1 or (unnamed and len(forms) > 1):
        return []
    if all(each.form for each in said) and len(forms) == 1:
        return []  # one factor for all of it is not the business of parts
    sentence = "; ".join(form.format(listed(names)) for form, names in forms.items())
    only = next(iter(forms))
    alone = len(forms) == 1
    word = "part"
    if alone and only.startswith("missing"):
        word = "missing"
    elif alone and only.startswith("the sign"):
        word = "sign"
    return [Explanation(word, sentence, named=alone and not unnamed)]


# --- places --------------------------------------------------------------------------------------


def elsewhere(p: Problem) -> list[Explanation]:
    """The right numbers in other places of the same shape."""
    if distinct(p.right) < 3 or not p.beside(np.sort(p.yours, None)).equals(np.sort(p.right, None)):
        return []
    for axes in itertools.permutations(range(p.right.ndim)):
        turned = np.transpose(p.right, axes)
        if axes != tuple(range(p.right.ndim)) and p.equals(turned):
            return [Explanation("transposed", "yours is right, but transposed")]
    for axes in axis_sets(p.right.ndim):
        if p.equals(np.flip(p.right, axes)):
            return [Explanation("order", f"yours is right, but backward along {axis_word(axes)}")]
    if p.right.ndim > 1 and p.equals(p.right.T.reshape(p.right.shape)):
        said = "the right numbers in other places: reshape does not transpose"
        return [Explanation("order", said)]
    for axis, n in enumerate(p.right.shape):
        if any(p.equals(np.roll(p.right, shift, axis)) for shift in range(1, n)):
            return [Explanation("order", f"yours is right, but rolled along axis {axis}")]
    return [Explanation("order", "the right numbers, but in other places")]


def along_axes(p: Problem) -> list[Explanation]:
    """A sum or mean over an axis that should not be there, or one that is missing."""
    for axes in axis_sets(p.right.ndim):
        for reduce, done in ((np.sum, "summed"), (np.mean, "averaged")):
            over = np.broadcast_to(reduce(p.right, axes, keepdims=True), p.right.shape)
            if distinct(over) > 1 and p.equals(over):
                if done == "summed" and np.count_nonzero(p.right, axes).max() == 1:
                    said = f"yours has the one number along {axis_word(axes)} in every cell"
                    return [Explanation("axis", f"{said}; it belongs to one cell, as a mask says")]
                said = f"yours is {done} over {axis_word(axes)}, one time too many"
                return [Explanation("axis", said)]
            over = np.broadcast_to(reduce(p.yours, axes, keepdims=True), p.right.shape)
            alone = np.count_nonzero(p.yours, axes).max() == 1  # dy in one row and 0 elsewhere
            if distinct(over) > 1 and not alone and p.beside(over).is_right():
                if distinct(p.right) * 2 <= p.right.size:  # repeated, and perhaps no sum at all
                    what = "sums" if done == "summed" else "means"
                    said = f"the {what} of yours over {axis_word(axes)} are right, its cells differ"
                    return [Explanation("axis", said, named=False)]
                return [Explanation("axis", f"yours is not {done} over {axis_word(axes)}")]
    return []
