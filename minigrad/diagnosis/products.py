"""Products: linear layers, matrix products, scalar products; and what broadcasting sums."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from .cases import Case, case, false_sums, floats, quiet
from .comparing import Array


def all_products(right: str, shape: tuple[int, ...], **operands: Array) -> dict[str, Array]:
    """Every product of two matrices, transposed or not, that has this shape or its reverse."""
    found = {}
    forms = [(name, u) for name, u in operands.items() if u.ndim == 2]
    forms += [(f"{name}.T", u.T) for name, u in operands.items() if u.ndim == 2]
    for (a, u), (b, v) in itertools.permutations(forms, 2):
        if a.split(".")[0] != b.split(".")[0] and u.shape[1] == v.shape[0]:
            product = u @ v
            if f"{a} @ {b}" != right and product.shape in {shape, shape[::-1]}:
                found[f"{a} @ {b} in the place of {right}"] = product
        if u.shape == v.shape == shape and a < b:
            found[f"{a} * {b}, cell by cell, in the place of {right}"] = u * v
    return found


def rows(x: Array) -> dict[str, float]:
    """Dividing by the number of rows is the most usual factor too many."""
    return {"1/N": 1 / max(len(x), 1)}


def matrices(name: str, *given: Any) -> tuple[Array, Array, Array]:
    """a, b and dy, if dy has the shape of a @ b."""
    a, b, dy = map(floats, given)
    shapes = f"{name}: a has shape {a.shape}, b {b.shape} and dy {dy.shape}"
    if min(a.ndim, b.ndim) < 2:
        raise ValueError(f"{shapes}; matrices are expected: write v[None, :] for a row v")
    try:
        fit = (a @ b).shape == dy.shape
    except ValueError:
        fit = False
    if not fit:
        raise ValueError(f"{shapes}; dy has to have the shape of a @ b")
    return a, b, dy


def batch_product(u: Array, v: Array, shape: tuple[int, ...], ones: Array) -> Case:
    """u @ v for each pair of a batch, summed where an input of this shape was repeated."""
    found = broadcast_sum(u @ v, shape)
    found["wrong"]["dy is taken for ones"] = broadcast_sum(ones, shape)["right"]
    lead = tuple(range(u.ndim - 2))
    if u.ndim == v.ndim > len(shape):
        found["wrong"]["the batch is summed before the product"] = u.sum(lead) @ v.sum(lead)
    return found


def pseudo_inverse(u: Array) -> Array:
    return np.asarray(np.linalg.pinv(u)) if np.isfinite(u).all() else np.full(u.T.shape, np.nan)


@quiet
def matmul_da(a: Any, b: Any, dy: Any) -> Case:
    """da = dy @ b.T of y = a @ b; a and b may be batches of matrices."""
    a, b, dy = matrices("matmul_da", a, b, dy)
    if dy.ndim > 2:
        turned = b.swapaxes(-1, -2)
        return batch_product(dy, turned, a.shape, np.ones_like(dy) @ turned)
    wrong = all_products("dy @ b.T", a.shape, dy=dy, b=b, a=a)
    wrong["dy is taken for ones"] = np.ones_like(dy) @ b.T
    wrong["b is taken for ones"] = dy @ np.ones_like(b).T
    wrong["y in the place of dy"] = a @ b @ b.T
    wrong["the sums are multiplied, not the rows"] = np.outer(dy.sum(1), b.sum(1))
    wrong["a is multiplied in"] = a * (dy @ b.T)
    wrong["the pseudo-inverse of b in the place of b.T"] = dy @ pseudo_inverse(b)
    if a.shape != b.shape:
        wrong["this is db"] = a.T @ dy
    return case(
        dy @ b.T, factors={"1/N": 1 / max(len(a), 1)}, wrong=beside_transposed(wrong, dy @ b.T)
    )


@quiet
def matmul_db(a: Any, b: Any, dy: Any) -> Case:
    """db = a.T @ dy of y = a @ b; a and b may be batches of matrices."""
    a, b, dy = matrices("matmul_db", a, b, dy)
    if dy.ndim > 2:
        turned = a.swapaxes(-1, -2)
        return batch_product(turned, dy, b.shape, turned @ np.ones_like(dy))
    wrong = all_products("a.T @ dy", b.shape, a=a, dy=dy, b=b)
    wrong["dy is taken for ones"] = a.T @ np.ones_like(dy)
    wrong["a is taken for ones"] = np.ones_like(a).T @ dy
    wrong["y in the place of dy"] = a.T @ a @ b
    wrong["the sums are multiplied, not the rows"] = np.outer(a.sum(0), dy.sum(0))
    wrong["b is multiplied in"] = b * (a.T @ dy)
    wrong["the pseudo-inverse of a in the place of a.T"] = pseudo_inverse(a) @ dy
    if a.shape != b.shape:
        wrong["this is da"] = dy @ b.T
    return case(
        a.T @ dy, factors={"1/N": 1 / max(len(a), 1)}, wrong=beside_transposed(wrong, a.T @ dy)
    )


def beside_transposed(wrong: dict[str, Array], right: Array) -> dict[str, Array]:
    """Without the products that are right transposed: that is said in shorter words."""
    return {
        phrase: values
        for phrase, values in wrong.items()
        if values.T.shape != right.shape or not np.allclose(values.T, right)
    }


@quiet
def linear_dx(w: Any, dy: Any, x: Any = None) -> Case:
    """dX = dY @ W of Y = X @ W.T + b, for W of shape (outputs, inputs)."""
    w, dy = floats(w), floats(dy)
    others = {} if x is None else {"X": floats(x)}
    shape = (dy.shape[0], w.shape[1])
    wrong = all_products("dY @ W", shape, dY=dy, W=w, **others)
    wrong["dY is taken for ones"] = np.ones_like(dy) @ w
    wrong["W is taken for ones"] = dy @ np.ones_like(w)
    wrong["|W| in the place of W"] = dy @ np.abs(w)
    wrong["the pseudo-inverse of W in the place of W"] = dy @ pseudo_inverse(w).T
    wrong["the mean is subtracted from dY"] = (dy - dy.mean(0)) @ w
    wrong["the sums are multiplied, not the rows"] = np.outer(dy.sum(1), w.sum(0))
    wrong["the last output is missing"] = dy[:, :-1] @ w[:-1]
    wrong["the first output is missing"] = dy[:, 1:] @ w[1:]
    for X in others.values():
        wrong["X is multiplied in"] = X * (dy @ w)
        if w.shape != shape:
            wrong["this is dW"] = dy.T @ X
        wrong["X times the sums of W's columns"] = X * w.sum(0)
        wrong["Y (without b) in the place of dY"] = X @ w.T @ w
    return case(
        dy @ w, factors={"1/N": 1 / max(len(dy), 1)}, wrong=beside_transposed(wrong, dy @ w)
    )


@quiet
def linear_dw(x: Any, dy: Any, w: Any = None) -> Case:
    """dW = dY.T @ X of Y = X @ W.T + b, for W of shape (outputs, inputs)."""
    x, dy = floats(x), floats(dy)
    others = {} if w is None else {"W": floats(w)}
    wrong = all_products("dY.T @ X", (dy.shape[1], x.shape[1]), dY=dy, X=x, **others)
    wrong["dY is taken for ones"] = np.ones_like(dy).T @ x
    wrong["X is taken for ones"] = dy.T @ np.ones_like(x)
    wrong["the sums over the batch are multiplied, not the rows"] = np.outer(dy.sum(0), x.sum(0))
    wrong["the means over the batch are multiplied, not the rows"] = np.outer(dy.mean(0), x.mean(0))
    wrong["the mean is subtracted from X"] = dy.T @ (x - x.mean(0))
    wrong["the rows of dY stand in reverse order"] = dy[::-1].T @ x
    for W in others.values():
        wrong["W itself"] = W
        wrong["W is multiplied in"] = W * (dy.T @ x)
        if x.shape != W.shape:
            wrong["this is dX"] = dy @ W
        wrong["Y (without b) in the place of dY"] = W @ x.T @ x
    wrong["only the last row of the batch counts"] = np.outer(dy[-1], x[-1])
    wrong["only the first row of the batch counts"] = np.outer(dy[0], x[0])
    wrong["the last row of the batch is missing"] = dy[:-1].T @ x[:-1]
    wrong["the first row of the batch is missing"] = dy[1:].T @ x[1:]
    return case(
        dy.T @ x, factors={"1/N": 1 / max(len(x), 1)}, wrong=beside_transposed(wrong, dy.T @ x)
    )


@quiet
def linear_db(dy: Any) -> Case:
    """db = the sum of dY over the batch."""
    return broadcast_sum(dy, floats(dy).shape[1:])


@quiet
def broadcast_sum(dy: Any, shape: tuple[int, ...]) -> Case:
    """The gradient of an input of this shape that was repeated: dy, summed where it was."""
    dy = floats(dy)
    padded = (1,) * (dy.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1 and dy.shape[i] != 1)
    axes += tuple(i for i in range(dy.ndim - len(shape)) if i not in axes)
    axes = tuple(sorted(axes))
    right = dy.sum(axes, keepdims=True).reshape(shape)
    wrong = false_sums(dy, axes, right)
    wrong["dy is taken for ones"] = np.ones_like(dy).sum(axes, keepdims=True).reshape(shape)
    if axes:
        for what, index in (("first", 0), ("last", -1)):
            only = dy
            for axis in axes:
                only = np.take(only, [index], axis)
            wrong[f"only the {what} of the repeated cells counts"] = only.reshape(shape)
        wrong["1 in every cell"] = np.ones(shape)
        wrong["the largest cell in the place of the sum"] = dy.max(axes).reshape(shape)
        if dy.ndim == 2 and shape == dy.shape[:1] == dy.shape[1:]:
            wrong["the diagonal in the place of the sums"] = np.diag(dy)
    count = int(np.prod([dy.shape[axis] for axis in axes]))
    return case(right, factors={"1/N": 1 / max(count, 1)}, wrong=wrong)


@quiet
def add_da(a: Any, b: Any, dy: Any) -> Case:
    """da of y = a + b, where a may have been repeated; db is `add_da(b, a, dy)`."""
    found = broadcast_sum(dy, floats(a).shape)
    a, b = floats(a), floats(b)
    found["wrong"].update(both_of(a, b))
    found["wrong"]["a is multiplied in"] = a * found["right"]
    found["wrong"]["b is multiplied in"] = broadcast_sum(b * floats(dy), a.shape)["right"]
    return found


def both_of(a: Array, b: Array) -> dict[str, Array]:
    return {"the value of a": a, "the value of b": b}


@quiet
def mul_da(a: Any, b: Any, dy: Any) -> Case:
    """da = dy · b of y = a · b, summed where a was repeated; db is `mul_da(b, a, dy)`."""
    a, b, dy = floats(a), floats(b), floats(dy)
    found = broadcast_sum(dy * b, a.shape)
    wrong = {phrase: u for phrase, u in found["wrong"].items() if "ones" not in phrase}
    for phrase, u in {
        "a in the place of b": dy * a,
        "b is missing": dy + 0 * b,
        "dy is missing": b + 0 * dy,
        "dy + b in the place of dy · b": dy + b,
        "a + b in the place of b": dy * (a + b),
        "y in the place of b": dy * a * b,
        "dy / b in the place of dy · b": dy / b,
        "b is squared": dy * b * b,
        "y in the place of dy": a * b * b,
        "divided by a": dy * b / a,
        **(
            {
                "the sum of b in the place of b": dy * b.sum(),
                "the mean of b in the place of b": dy * b.mean(),
            }
            if b.size > 1
            else {}
        ),
    }.items():
        wrong[phrase] = broadcast_sum(u, a.shape)["right"]
    repeated = a.shape != dy.shape
    if repeated:
        total = broadcast_sum(dy, a.shape)["right"]
        if b.shape != dy.shape or b.size == 1:
            b_here = broadcast_sum(b + 0 * dy, a.shape)["right"]
            wrong["dy and b are summed before they are multiplied"] = total * b_here
        else:
            sums = broadcast_sum(b, a.shape)["right"]
            wrong["dy and b are summed before they are multiplied"] = total * sums
    factors = found["factors"] if repeated else {"b": b, "dy": dy}
    return case(found["right"], factors=factors, wrong=wrong)


def mul_db(a: Any, b: Any, dy: Any) -> Case:
    """db = dy · a of y = a · b: `mul_da` with a and b exchanged, in its sentences, too."""
    found = mul_da(b, a, dy)
    return case(
        found["right"], factors=exchanged(found["factors"]), wrong=exchanged(found["wrong"])
    )


def exchanged(named: dict[str, Any]) -> dict[str, Any]:
    letters = {"a": "b", "b": "a"}
    return {re.sub(r"\b[ab]\b", lambda m: letters[m[0]], name): u for name, u in named.items()}


@quiet
def div_da(a: Any, b: Any, dy: Any) -> Case:
    """da = dy / b of y = a / b, summed where a was repeated."""
    a, b, dy = floats(a), floats(b), floats(dy)
    return quotient(dy / b, (dy, b), a.shape, {"1/b": 1 / b, "dy": dy}, {
        "b in the place of 1/b": dy * b,
        "b is missing": dy + 0 * b,
        "dy is missing": 1 / b + 0 * dy,
        "1/b² in the place of 1/b": dy / b**2,
        "a in the place of b": dy / a,
        "y in the place of 1/b": dy * a / b,
        "// in the place of /": dy // b,
        "this is db": -dy * a / b**2,
    })  # fmt: skip


@quiet
def div_db(a: Any, b: Any, dy: Any) -> Case:
    """db = −dy · a / b² of y = a / b, summed where b was repeated."""
    a, b, dy = floats(a), floats(b), floats(dy)
    return quotient(-dy * a / b**2, (-dy * a, b**2), b.shape, {"1/b": 1 / b, "a": a, "dy": dy}, {
        "this is da": dy / b,
        "a and b are exchanged: −dy · b / a²": -dy * b / a**2,
        "a² in the place of b²": -dy * a / a**2 + 0 * b,
        "dy / a: a in the place of b in da": dy / a + 0 * b,
        "a is missing": -dy / b**2,
        "b² is missing": -dy * a + 0 * b,
        "a · dy, as of a product": dy * a + 0 * b,
        "b² in the place of 1/b²": -dy * a * b**2,
        "2b in the place of b²": -dy * a / (2 * b),
        "log b, as if 1/b were integrated": dy * a * np.log(np.abs(b)),
        "dy is missing: −a/b²": -a / b**2 + 0 * dy,
        "the square of b is missing: −dy · a / b": -dy * a / b,
    })  # fmt: skip


@quiet
def quotient(
    values: Array, parts: tuple[Array, Array], shape: tuple[int, ...],
    factors: dict[str, Any], others: dict[str, Array],
) -> Case:  # fmt: skip
    """`values`, summed to this shape; they are the first of the parts over the second."""
    right = broadcast_sum(values, shape)
    wrong = {phrase: broadcast_sum(u, shape)["right"] for phrase, u in others.items()}
    if shape != values.shape:
        over, below = (broadcast_sum(u + 0 * values, shape)["right"] for u in parts)
        wrong["the sums are divided, not the numbers"] = over / below
        factors = {}
    return case(right["right"], factors={**right["factors"], **factors},
                wrong={**right["wrong"], **wrong})  # fmt: skip


@quiet
def dot_da(a: Any, b: Any, dy: Any = 1.0) -> Case:
    """da = dy · b of y = Σ a · b; db is `dot_da(b, a, dy)`."""
    a, b = floats(a), floats(b)
    wrong = {"a in the place of b": dy * a, "a · b, without the derivative": dy * a * b,
             "a + b": dy * (a + b), "y in every cell": 0 * a + dy * np.sum(a * b),
             "the sum of b in the place of b": 0 * a + dy * b.sum()}  # fmt: skip
    factors: dict[str, Any] = {"1/n": 1 / max(a.size, 1)}
    if floats(dy) != 1:
        factors["dy"] = dy
    return case(dy * b, factors=factors, wrong=wrong)


@quiet
def squared_error_da(a: Any, b: Any, dy: Any = 1.0, reduction: str = "mean") -> Case:
    """da = 2 (a − b) / n · dy of y = Σ (a − b)² / n; db is `squared_error_da(b, a, dy)`."""
    a, b = floats(a), floats(b)
    n = max(a.size, 1) if reduction == "mean" else 1
    scale = 2 / n * floats(dy)
    wrong = {
        "(a − b)² in the place of a − b": scale * (a - b) ** 2,
        "|a − b| in the place of a − b": scale * np.abs(a - b),
        "the sign of a − b": scale / 2 * np.sign(a - b),
        "divided by the number of rows": scale * n * (a - b) / max(len(np.atleast_1d(a)), 1),
        "a + b in the place of a − b": scale * (a + b),
        "the mean of a − b in the place of a − b": scale * n * np.mean(a - b) + 0 * a,
    }
    factors = {"2": 2.0, "1/n": 1 / max(a.size, 1)}
    return case(scale * (a - b), {"a": scale * a, "−b": -scale * b}, factors, wrong)
