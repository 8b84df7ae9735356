"""Softmax, log-softmax and cross-entropy: an own part, and one that all classes share.

p and y are softmax(x); onehot is 1 at the label and 0 elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, case, floats, quiet, summed_parts
from .comparing import Array

OWN, SHARED = "the own part y·dy", "the shared part −y·Σ(y·dy)"
ACROSS = "the sum of the shared part is laid along the wrong axis: keepdims is missing"


def probabilities(x: Array, axis: int | None) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True))


@quiet
def false_probabilities(x: Array, axis: int) -> dict[str, Array]:
    """What stands in the place of y by mistake, other than y."""
    y = probabilities(x, axis)
    found = {
        "e^x was not divided by its sum": np.exp(x),
        "e^(x − max) was not divided by its sum": np.exp(x - x.max(axis, keepdims=True)),
        "x in the place of y": x,
        "log y in the place of y": np.log(y),
        "x is divided by its sum: the exponential is missing": x / x.sum(axis, keepdims=True),
        "y went through softmax twice": probabilities(y, axis),
        "e^x is divided by its mean": y * x.shape[axis],
        "e^x is divided by the sum over all cells": probabilities(x, None),
    }
    for other in range(x.ndim):
        if other != axis % x.ndim:
            found[f"softmax is taken over axis {other}"] = probabilities(x, other)
    return found


@quiet
def softmax_dx(x: Any, dy: Any, axis: int = -1) -> Case:
    """dx = y · (dy − Σ y·dy)."""
    x, dy = floats(x), floats(dy)
    y = probabilities(x, axis)
    parts = {OWN: y * dy, SHARED: -y * np.sum(y * dy, axis, keepdims=True)}
    n = x.shape[axis]
    others: dict[str, Any] = {
        "the shared part has Σ dy, without y": -y * np.sum(dy, axis, keepdims=True),
        "the shared part has Σ y²": -y * np.sum(y * y, axis, keepdims=True),
        "the shared part has Σ y, which is 1": -y * np.sum(y, axis, keepdims=True),
        "the shared part has a mean in the place of the sum": parts[SHARED] / n,
        "the shared part has the mean of dy": -y * np.mean(dy, axis, keepdims=True),
        "the shared part has −y² in front of its sum": y * parts[SHARED],
        "the sum of the shared part is taken over all cells": -y * np.sum(y * dy),
        "only the diagonal of the Jacobian, y(1 − y)·dy": -y * y * dy,
        "the shared part has dy in front of its sum": -dy * np.sum(y * dy, axis, keepdims=True),
    }
    for other in range(x.ndim):
        if other != axis % x.ndim:
            others[f"the sum of the shared part is taken over axis {other}"] = -y * np.sum(
                y * dy, other, keepdims=True
            )
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        others[ACROSS] = -y * np.sum(y * dy, axis, keepdims=True).T
    wrong = summed_parts(parts, {SHARED: others})
    for phrase, u in false_probabilities(x, axis).items():
        wrong[phrase] = u * (dy - np.sum(u * dy, axis, keepdims=True))
        if phrase.startswith("e^"):
            wrong[f"{phrase}, in front of the bracket"] = u * (
                dy - np.sum(y * dy, axis, keepdims=True)
            )
            wrong[f"{phrase}, in the sum"] = y * (dy - np.sum(u * dy, axis, keepdims=True))
    for other in range(x.ndim):
        if other != axis % x.ndim:
            u = probabilities(x, other)
            wrong[f"softmax and the sum are taken over axis {other}"] = u * (
                dy - np.sum(u * dy, other, keepdims=True)
            )
    wrong["dy − y, as if it were cross-entropy"] = dy - y
    wrong["dy − y·Σdy, the gradient of log-softmax"] = dy - y * np.sum(dy, axis, keepdims=True)
    wrong["y − dy, as if it were cross-entropy"] = y - dy
    wrong["y(1 − y): only the diagonal of the Jacobian, and dy is missing"] = y * (1 - y)
    return case(sum(parts.values()), parts, {"y": y, "1 − y": 1 - y, "dy": dy, "C": n}, wrong)


@quiet
def log_softmax_dx(x: Any, dy: Any, axis: int = -1) -> Case:
    """dx = dy − y · Σ dy."""
    x, dy = floats(x), floats(dy)
    y = probabilities(x, axis)
    own, shared = "the own part dy", "the shared part −y·Σdy"
    parts = {own: dy, shared: -y * np.sum(dy, axis, keepdims=True)}
    others: dict[str, Any] = {
        "the shared part has Σ(y·dy), as in softmax": -y * np.sum(y * dy, axis, keepdims=True),
        "the shared part has dy in the place of its sum": -y * dy,
        "the shared part has 1 in the place of Σdy": -y,
        "the own part has the sum of dy, too": (1 - y) * np.sum(dy, axis, keepdims=True) - dy,
        "the shared part has Σ(y·dy), without y in front": 0 * x
        - np.sum(y * dy, axis, keepdims=True),
        "the shared part has a mean in the place of the sum": parts[shared] / x.shape[axis],
        "the sum of the shared part is taken over all cells": -y * np.sum(dy),
    }
    for other in range(x.ndim):
        if other != axis % x.ndim:
            others[f"the sum of the shared part is taken over axis {other}"] = -y * np.sum(
                dy, other, keepdims=True
            )
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        others[ACROSS] = -y * np.sum(dy, axis, keepdims=True).T
    for phrase, u in false_probabilities(x, axis).items():
        others[phrase] = -u * np.sum(dy, axis, keepdims=True)
    wrong = summed_parts(parts, {shared: others})
    wrong["the gradient of softmax: the log is missing"] = softmax_dx(x, dy, axis)["right"]
    wrong["the softmax rule, with log y in the place of y"] = np.log(y) * (
        dy - np.sum(np.log(y) * dy, axis, keepdims=True)
    )
    wrong["dy / y: only the log is differentiated"] = dy / y
    wrong["dy is taken for ones: 1 − C·y"] = 1 - x.shape[axis] * y
    wrong["1 − y"] = 1 - y
    for other in range(x.ndim):
        if other != axis % x.ndim:
            wrong[f"softmax and the sum are taken over axis {other}"] = dy - probabilities(
                x, other
            ) * np.sum(dy, other, keepdims=True)
    return case(sum(parts.values()), parts, {"y": y, "C": x.shape[axis]}, wrong)


@quiet
def cross_entropy_dx(
    logits: Any, labels: Any, dy: Any = 1.0, reduction: str = "mean"
) -> Case:  # fmt: skip
    """dx = (p − onehot) · dy, divided by N if the loss is the mean over N rows."""
    x, labels = floats(logits), np.asarray(labels).astype(int)
    n, classes = x.shape
    rows = np.arange(n)
    scale = (1 / max(n, 1) if reduction == "mean" else 1.0) * np.reshape(floats(dy), (-1, 1))
    p, onehot = probabilities(x, 1), np.zeros_like(x)
    onehot[rows, labels] = 1
    parts = {"p": p * scale, "−onehot": -onehot * scale}
    wrong = {
        f"{phrase}": (u - onehot) * scale
        for phrase, u in renamed(false_probabilities(x, 1)).items()
    }
    wrong["the sigmoid of each logit in the place of p"] = (1 / (1 + np.exp(-x)) - onehot) * scale
    column, swapped = p.copy(), np.zeros_like(x)
    column[:, labels] -= 1
    wrong["1 is subtracted in whole columns: p[:, labels]"] = column * scale
    if labels.max(initial=0) < n:
        in_rows = p.copy()
        in_rows[labels] -= 1
        wrong["1 is subtracted in whole rows: p[labels]"] = in_rows * scale
    wrong["1 is subtracted at [i, i], not at [i, labels[i]]"] = (p - np.eye(n, classes)) * scale
    if reduction == "mean" and n > 1:
        wrong["divided by N − 1"] = (p - onehot) * scale * n / (n - 1)
        if classes != n:
            by_classes = (p - onehot) * scale * n / classes
            wrong[f"divided by {classes}, the number of classes"] = by_classes
    weight = -np.log(np.sum(p * onehot, axis=1, keepdims=True))
    wrong["each row is multiplied by its loss"] = (p - onehot) * weight * scale
    off = np.roll(onehot, 1, axis=1)
    wrong["the labels are one too large"] = (p - off) * scale
    wrong["the labels are one too small"] = (p - np.roll(onehot, -1, axis=1)) * scale
    predicted = np.zeros_like(x)
    predicted[rows, x.argmax(1)] = 1
    wrong["the predicted class in the place of the label"] = (p - predicted) * scale
    wrong["only the label's cells: p − 1 there and 0 elsewhere"] = (p - 1) * onehot * scale
    wrong["the label's cells are missing: p elsewhere, 0 there"] = p * (1 - onehot) * scale
    wrong["1 is subtracted everywhere"] = (p - 1) * scale
    wrong["the label itself is subtracted, not its onehot row"] = (p - labels[:, None]) * scale
    wrong["−onehot/p, the gradient for p and not for the logits"] = -onehot / p * scale
    wrong["the softmax rule is applied to onehot alone"] = softmax_dx(x, onehot * scale)["right"]
    wrong["the square loss of p: softmax's rule on 2(p − onehot)"] = softmax_dx(
        x, 2 * (p - onehot) * scale
    )["right"]
    wrong["softmax's rule is applied to p − onehot once more"] = softmax_dx(
        x, (p - onehot) * scale
    )["right"]
    wrong["p · (1 − p): the slope of a sigmoid"] = p * (1 - p) * scale
    wrong["(p − onehot) · p · (1 − p)"] = (p - onehot) * p * (1 - p) * scale
    wrong["the sum of p − onehot over the batch, repeated"] = swapped + np.sum(
        (p - onehot) * scale, axis=0, keepdims=True
    )
    factors: dict[str, Any] = {"1/N": 1 / max(n, 1), "1/C": 1 / max(classes, 1), "2": 2.0}
    if np.size(dy) > 1 or float(np.ravel(dy)[0]) != 1:
        factors["dy"] = np.reshape(floats(dy), (-1, 1))
    return case(sum(parts.values()), parts, factors, wrong)


def renamed(found: dict[str, Array]) -> dict[str, Array]:
    """Phrases about y as phrases about p."""
    return {
        "p went through softmax twice" if "twice" in phrase else phrase.replace(" y", " p"): u
        for phrase, u in found.items()
    }
