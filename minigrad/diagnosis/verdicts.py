"""What is wrong with an answer: the order in which explanations are tried.

Shapes come before values, and structure before the catalogue of known mistakes. Where two
explanations of different kinds fit the same numbers, both are given. Where none fits, the verdict
is "different" and shows the cells. It is better to say less than to say something wrong.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .comparing import (
    DOUBLE,
    RTOL,
    Array,
    Problem,
    Verdict,
    as_array,
    as_arrays,
    axis_sets,
    axis_word,
    cell,
    distinct,
    largest_size,
    map_of,
    written,
)
from .structure import (
    CLOSE,
    Explanation,
    added,
    added_below,
    along_axes,
    elsewhere,
    factor_along_an_axis,
    factor_of_all,
    one_factor,
    parts_along_an_axis,
    parts_by_least_squares,
    parts_of,
    ratio,
    slices,
)

REMARK = "remark: "
INPUTS = {"dy", "x", "x̂", "a", "b"}  # names of factors that are inputs
ENOUGH = 3  # different numbers that are wrong: with fewer, an explanation begins with "perhaps"
ROUNDED = 1e-13  # of the largest right number: what is left of a sum that is 0


def diagnose(
    yours: Any,
    right: Any,
    *,
    parts: Mapping[str, Any] | None = None,
    factors: Mapping[str, Any] | None = None,
    wrong: Mapping[str, Any] | None = None,
    name: str = "",
    rtol: float | None = None,
) -> Verdict:
    """The Verdict on `yours`, an answer of any kind, where `right` holds the right numbers.

    parts: named arrays whose sum is right. factors: named numbers or arrays that occur in the
    right formula. wrong: known mistakes, as phrases, and what they give; one that begins with
    "remark: " is added in parentheses to what the structure says. name: of the answer.
    rtol: how far rounding may go; by default 1e-9, or 2e-5 for an answer in float32.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = verdict_on(yours, right, parts, factors, wrong, rtol)
    sentence = f"{name}: {found.sentence}" if name else found.sentence
    return Verdict(found.word == "right", found.word, sentence)


def verdict_on(
    yours: Any, right: Any, parts: Any, factors: Any, wrong: Any, rtol: float | None
) -> Explanation:
    right = as_array("right", right)
    numbers = real_numbers_of(yours)
    if isinstance(numbers, Explanation):
        return numbers
    usual = RTOL.get(numbers.dtype.char, DOUBLE)
    p = Problem(
        numbers.astype(np.float64),
        right,
        as_arrays(parts, right.shape),
        as_arrays(factors, right.shape),
        as_arrays(wrong, None),
        usual if rtol is None else max(rtol, usual if numbers.dtype.char in RTOL else rtol),
    )
    return explained(p)


def real_numbers_of(yours: Any) -> Array | Explanation:
    """The answer as an array of real numbers, or why it is none."""
    kind = type(yours).__name__
    if yours is None:
        return Explanation("type", "yours is None: is a return missing?")
    if isinstance(yours, tuple):
        return Explanation("type", f"yours is a tuple of {len(yours)}; one array is expected")
    if callable(yours) and not hasattr(yours, "__array__"):
        return Explanation("type", "yours is a function that was not called")
    try:
        array = np.asarray(yours.detach() if hasattr(yours, "detach") else yours)
        if array.dtype.kind == "O" and array.size and isinstance(yours, (list, np.ndarray)):
            array = array.astype(np.float64)
    except Exception:
        return Explanation("type", f"yours is a {kind} that cannot be read as numbers")
    if array.dtype.kind == "b":
        return Explanation("type", "yours holds True and False; numbers are expected")
    if array.dtype.kind == "c":
        return Explanation("type", "yours holds complex numbers; real ones are expected")
    if array.dtype.kind not in "fiu":
        return Explanation("type", f"yours is a {kind}; an array of numbers is expected")
    return array


def explained(p: Problem) -> Explanation:
    if p.yours.shape != p.right.shape:
        return explained_shape(p)
    found = not_finite(p)
    if found:
        return found
    if not np.isfinite(p.right).all():  # the same in yours: these cells are right
        p = only_finite(p)
    if p.is_right():
        return Explanation("right", "right")
    whole = explained_values(p)
    if whole and whole.named:
        return whole
    some = in_some_slices(p)
    if some and some.named:
        return some
    return whole or some or next(iter(factor_along_an_axis(p)), None) or different(p)


def explained_values(p: Problem) -> Explanation | None:
    """The explanation of wrong numbers; None if none is known."""
    known = [phrase for phrase, values in p.wrong.items() if p.equals(values)]
    known = [k for k in known if not any(k != short and k.startswith(short) for short in known)]
    if not largest_size(p.yours):
        why = " or: ".join(phrase for phrase in known if not phrase.startswith(REMARK))
        said = f"yours is 0 in every cell{': perhaps ' if why else ''}{why}"
        return with_remark(Explanation("zero", said), known)
    rounded = largest_size(p.yours) <= ROUNDED * p.scale
    if rounded and not known:
        return Explanation("zero", "yours is 0 in every cell, up to rounding")
    whole = factor_of_all(p)
    pieces = parts_of(p) or ([] if whole else parts_by_least_squares(p) or parts_along_an_axis(p))
    fits = [*whole, *pieces, *elsewhere(p), *([] if whole else along_axes(p))]
    named = [each for each in fits if each.named]
    few = p.evidence() < ENOUGH
    if len(named) > 1:
        both = "; or: ".join(each.sentence for each in named[:3])
        return Explanation("ambiguous", f"more than one explanation fits these numbers: {both}")
    if named:
        perhaps = "perhaps " if few and not named[0].literal else ""
        return with_remark(named[0]._replace(sentence=perhaps + named[0].sentence), known)
    if known:
        measured = f" ({fits[0].sentence})" if fits and not rounded else ""
        measured = re.sub(r"(times what is right) \(.*", r"\1)", measured)
        if "differs along" in measured:  # less than the phrase says
            measured = ""
        phrases = " or: ".join(phrase.removeprefix(REMARK) for phrase in known)
        mistake = "perhaps this mistake" if few or rounded else "known mistake"
        return Explanation("known", f"{mistake}: {phrases}{measured}")
    more = added(p) or added_below(p)
    if more and not fits:
        return Explanation("part", more, named=False)
    if more and "differs along" in fits[0].sentence:
        return fits[0]._replace(sentence=f"{more}; or {fits[0].sentence}")
    return fits[0] if fits else twice(p)


def with_remark(found: Explanation, known: list[str]) -> Explanation:
    """The explanation, with what the catalogue remarks on it."""
    for phrase in known:
        if phrase.startswith(REMARK):
            remark = phrase.removeprefix(REMARK)
            return found._replace(sentence=f"{found.sentence} ({remark})")
    return found


def twice(p: Problem) -> Explanation | None:
    """A transposition, a known mistake or a wrong part, with a factor beside it."""
    # An input is no such factor: x / dy is not "x itself, and lacks the factor dy"
    factors = {name: f for name, f in p.factors.items() if name.removeprefix("1/") not in INPUTS}
    forgettable = replace(p, factors=factors)
    for axes in [tuple(range(p.right.ndim))[::-1]] if p.right.ndim > 1 else []:
        if tuple(p.right.shape[axis] for axis in axes) == p.right.shape:
            found = factor_of_all(p.beside(p.yours.transpose(axes)))
            if found and found[0].named:
                return Explanation("transposed", f"transposed, and {found[0].sentence}")
    for phrase, values in p.wrong.items():
        if values.shape != p.right.shape or distinct(np.abs(values)) < ENOUGH:
            continue
        c = ratio(p.yours, values)
        if c is not None and abs(c + 1) < 1e-6 and p.equals(-values):
            return Explanation("known", f"known mistake: {phrase}; and the sign is wrong")
        beside = one_factor(forgettable, values)
        if beside:
            return Explanation("known", f"known mistake: {phrase}; and {beside}")
    for name, factor in factors.items() if p.evidence() >= ENOUGH else ():
        inner = parts_of(p.beside(p.yours * factor))
        if len(inner) == 1 and inner[0].named:
            return Explanation("part", f"yours lacks the factor {name}; and {inner[0].sentence}")
    return None


# --- shapes --------------------------------------------------------------------------------------


def explained_shape(p: Problem) -> Explanation:
    """Why the shape is another one; the numbers are looked at where they can be compared."""
    yours, right = p.yours, p.right
    shapes = f"shape {yours.shape} in the place of {right.shape}"
    known = [phrase for phrase, values in p.wrong.items() if p.equals(values)]
    if known:
        phrases = " or: ".join(phrase.removeprefix(REMARK) for phrase in known)
        return Explanation("known", f"{shapes}; known mistake: {phrases}")
    if [n for n in yours.shape if n != 1] == [n for n in right.shape if n != 1]:
        inner = explained(p.beside(yours.reshape(right.shape)))
        return Explanation("shape", f"{shapes}; {numbers_are(inner)}")
    if yours.ndim == right.ndim and yours.ndim > 1:
        axes = tuple(range(yours.ndim))[::-1]
        if yours.transpose(axes).shape == right.shape:
            inner = explained(p.beside(yours.transpose(axes)))
            if inner.word == "right":
                return Explanation("transposed", f"transposed: {shapes}")
            if inner.word not in {"different", "close", "nan"}:
                return Explanation("transposed", f"transposed ({shapes}), and {inner.sentence}")
            return Explanation("shape", f"{shapes}; transposed, the numbers are others")
    found = right_but_for_shape(p, shapes) or not_summed(p, shapes) or summed_too_often(p, shapes)
    return found or Explanation("shape", shapes)


def numbers_are(inner: Explanation) -> str:
    return "the numbers are right" if inner.word == "right" else inner.sentence


def not_summed(p: Problem, shapes: str) -> Explanation | None:
    """Is right a sum of yours over some axes?"""
    candidates = [
        (axes, reduce)
        for axes in axis_sets(p.yours.ndim)
        for reduce in (np.sum, np.mean)
        if squeezed(np.sum(p.yours, axes).shape) == squeezed(p.right.shape)
    ]
    near: Explanation | None = None
    for axes, reduce in candidates:
        done = "summed" if reduce is np.sum else "averaged"
        inner = explained(p.beside(reduce(p.yours, axes).reshape(p.right.shape)))
        if inner.word == "right":
            return Explanation("axis", f"yours is not {done} over {axis_word(axes)}: {shapes}")
        if reduce is np.sum and inner.word in {"factor", "sign", "missing", "part", "known"}:
            said = f"yours is not summed over {axis_word(axes)}: {shapes}; and {inner.sentence}"
            near = near or Explanation("axis", said)
    return near


def squeezed(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def summed_too_often(p: Problem, shapes: str) -> Explanation | None:
    """Is yours a sum of right over some axes, or over others than it should be?"""
    for axes in axis_sets(p.right.ndim):
        for reduce, done in ((np.sum, "summed"), (np.mean, "averaged")):
            over = reduce(p.right, axes)
            if squeezed(over.shape) == squeezed(p.yours.shape) and p.equals(
                over.reshape(p.yours.shape)
            ):
                said = f"yours is {done} over {axis_word(axes)}, one time too many: {shapes}"
                return Explanation("axis", said)
    if p.yours.size > 1 and p.right.size > 1:
        ours, theirs = float(p.right.sum()), float(p.yours.sum())
        if abs(ours) > 1e-3 * p.scale and abs(ours - theirs) <= p.rtol * abs(ours):
            said = f"summed over another axis? {shapes}, and both add up to {written(ours)}"
            return Explanation("axis", said)
    return None


def right_but_for_shape(p: Problem, shapes: str) -> Explanation | None:
    if p.yours.size == p.right.size and p.beside(p.yours.reshape(p.right.shape)).is_right():
        return Explanation("shape", f"{shapes}; the numbers are right")
    if p.yours.ndim > p.right.ndim:
        return None
    for axes in itertools.combinations(range(p.right.ndim), p.right.ndim - p.yours.ndim):
        try:
            repeated = np.broadcast_to(np.expand_dims(p.yours, axes), p.right.shape)
        except ValueError:
            continue
        if p.beside(repeated).is_right():
            return Explanation("shape", f"{shapes}; the numbers are right, and have to be repeated")
    return None


# --- cells ---------------------------------------------------------------------------------------


def not_finite(p: Problem) -> Explanation | None:
    same = (p.yours == p.right) | (np.isnan(p.yours) & np.isnan(p.right))
    bad = ~np.isfinite(p.yours) & ~same
    if bad.any():
        first = tuple(np.argwhere(bad)[0])
        what = f"{np.count_nonzero(bad)} of {bad.size} cells are nan or infinite"
        said = f"{what}; the first, at {cell(first)}, is {p.yours[first]} and should be "
        return Explanation("nan", f"{said}{written(p.right[first])}")
    if (~np.isfinite(p.right) & ~same).any():
        first = tuple(np.argwhere(~np.isfinite(p.right) & ~same)[0])
        said = f"at {cell(first)} {p.right[first]} is right, and yours is {written(p.yours[first])}"
        return Explanation("different", said)
    return None


def only_finite(p: Problem) -> Problem:
    keep = np.isfinite(p.right)

    def kept(values: Array) -> Array:
        return np.where(keep, values, 0.0) if values.shape == keep.shape else values

    parts, factors, wrong = (
        {name: kept(values) for name, values in named.items()}
        for named in (p.parts, p.factors, p.wrong)
    )
    factors = {name: f for name, f in factors.items() if np.isfinite(f).all()}
    return Problem(kept(p.yours), kept(p.right), parts, factors, wrong, p.rtol)


def wrong_cells(p: Problem) -> Array:
    return np.abs(p.yours - p.right) > p.rtol * p.scale


def in_some_slices(p: Problem) -> Explanation | None:
    """Right but for some rows, columns, …: what is wrong there?

    Few cells are little evidence, so the catalogue of mistakes is not asked.
    """
    bad = wrong_cells(p)
    for axis in range(p.right.ndim if p.right.ndim > 1 else 0):
        where = [k for k, each in enumerate(slices(bad, axis)) if each.any()]
        if not 0 < len(where) <= p.right.shape[axis] // 2:
            continue

        def taken(values: Array, axis: int = axis, where: list[int] = where) -> Array:
            return np.take(values, where, axis)

        parts, factors = (
            {name: taken(values) for name, values in named.items()}
            for named in (p.parts, p.factors)
        )
        there = Problem(taken(p.yours), taken(p.right), parts, factors, {}, p.rtol)
        index = ", ".join(str(where if k == axis else ":") for k in range(p.right.ndim))
        inner = explained_values(there) if distinct(there.right) > 2 else None
        if inner:
            return inner._replace(sentence=f"only at [{index}]: {inner.sentence}")
        found = different(p)
        return found._replace(sentence=f"right but for [{index}]; {found.sentence}")
    return None


def different(p: Problem) -> Explanation:
    """Nothing is known: how far, where, and the three worst cells."""
    off = np.abs(p.yours - p.right)
    close = largest_size(off) <= CLOSE * p.scale
    word = "close" if close else "different"
    if off.ndim == 0:
        said = f"yours is {written(float(p.yours))}, right is {written(float(p.right))}"
        return Explanation(word, said, named=False)
    bad = wrong_cells(p)
    head = (
        f"{np.count_nonzero(bad)} of {bad.size} cells differ, by at most {written(off.max())}; "
        f"equal: no, nearly equal: {'yes' if close else 'no'}"
    )
    order = np.argsort(-off, axis=None)[: min(3, np.count_nonzero(bad))]
    worst = [tuple(int(i) for i in np.unravel_index(k, off.shape)) for k in order]
    cells = "; ".join(
        f"{cell(at)} yours {written(p.yours[at])}, right {written(p.right[at])}" for at in worst
    )
    lines = [head, f"worst: {cells}", f"where (x is wrong): {map_of(bad)}"]
    return Explanation(word, "\n".join(lines), named=False)
