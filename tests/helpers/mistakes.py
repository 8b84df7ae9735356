"""Answers to exercises, with the sentences they are to get: the *_mistakes.txt files."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.diagnosis import Verdict, diagnose, known

N, C, OUT = 6, 4, 3
PLANTED, STRANGE, PATH = (
    Path(__file__).with_name(f"{name}_mistakes.txt") for name in ("planted", "strange", "path")
)
UNNAMED = {"different", "close", "shape", "nan", "type"}


class Answer(NamedTuple):
    exercise: str
    word: str  # the verdict, or "strange"
    pieces: list[str]  # of its sentence
    code: str

    def verdict(self, found: dict) -> Verdict:
        names, case = found[self.exercise]
        return diagnose(run(self.code, names), **case)

    def is_named(self, found: Verdict) -> bool:
        """Does the verdict say what is to be said?"""
        return found.verdict == self.word and all(piece in found.sentence for piece in self.pieces)

    def is_misnamed(self, found: Verdict) -> bool:
        """Does it say something else, and not just that the answer is wrong?"""
        if found.verdict in UNNAMED:
            return False
        return not self.pieces or any(piece not in found.sentence for piece in self.pieces)


def numbers(seed=5):
    """The arrays that the exercises share: none of them has a special value."""
    rng = np.random.default_rng(seed)
    return {
        "np": np, "N": N, "m": N, "C": C, "eps": 1e-3,
        "x": rng.normal(size=(N, C)) * 1.7 + 0.6, "dy": rng.normal(size=(N, C)),
        "gamma": rng.uniform(0.5, 2, C), "beta": rng.normal(size=C),
        "labels": np.array([1, 0, 3, 3, 2, 1]), "W": rng.normal(size=(OUT, C)),
        "dY": rng.normal(size=(N, OUT)), "run_mean": rng.normal(size=C),
        "run_var": rng.uniform(0.5, 2, C), "positive": rng.uniform(0.4, 3, (N, C)),
        "small": rng.normal(size=(N, C)) * 0.1, "squares": rng.uniform(0.01, 0.3, (N, C)),
        "row": rng.normal(size=C), "A": rng.normal(size=(5, C)), "B": rng.normal(size=(C, OUT)),
        "dAB": rng.normal(size=(5, OUT)), "b": rng.normal(size=OUT),
        "column": rng.normal(size=(N, 1)), "images": rng.normal(size=(3, C, 5, 2)) + 0.4,
        "dimages": rng.normal(size=(3, C, 5, 2)), "sequences": rng.normal(size=(2, 3, C)),
        "dsequences": rng.normal(size=(2, 3, C)), "whole": np.round(rng.normal(size=(N, C)) * 1.4),
    }  # fmt: skip


def exercises(seed=5):
    """{name: (the names that its code may use, what is known of the right answer)}."""
    n = numbers(seed)
    x, dy, gamma, eps, labels = n["x"], n["dy"], n["gamma"], n["eps"], n["labels"]
    mean, var, positive, row = n["run_mean"], n["run_var"], n["positive"], n["row"]
    square = {**n, "A": n["A"][:C], "B": x[:C], "dAB": dy[:C]}
    quotient = {**n, "a": x, "b": positive}
    column = n["column"]
    step = {**n, "g": dy, "v": n["small"], "lr": 0.05, "mu": 0.9}
    adam = {**n, "g": dy, "m": n["small"], "v": n["squares"], "lr": 0.1, "b1": 0.9, "b2": 0.99,
            "t": 3}  # fmt: skip
    return {
        "batch norm dx": (n, known.batch_norm_dx(x, gamma, dy, eps)),
        "batch norm dgamma": (n, known.batch_norm_dgamma(x, dy, eps)),
        "batch norm dbeta": (n, known.batch_norm_dbeta(dy)),
        "batch norm dx, evaluation": (
            n, known.batch_norm_eval_dx(x, gamma, dy, mean, var, eps)),
        "layer norm dx": (n, known.layer_norm_dx(x, gamma, dy, eps)),
        "layer norm dgamma": (n, known.layer_norm_dgamma(x, dy, eps)),
        "layer norm dbeta": (n, known.layer_norm_dbeta(dy)),
        "softmax": (n, known.softmax_dx(x, dy)),
        "log softmax": (n, known.log_softmax_dx(x, dy)),
        "cross-entropy, mean": (n, known.cross_entropy_dx(x, labels)),
        "cross-entropy, sum": (n, known.cross_entropy_dx(x, labels, reduction="sum")),
        "cross-entropy, mean, times dy": (
            {**n, "dy": 1.7}, known.cross_entropy_dx(x, labels, 1.7)),
        "cross-entropy, sum, times dy": (
            {**n, "dy": 1.7}, known.cross_entropy_dx(x, labels, 1.7, reduction="sum")),
        "linear dX": (n, known.linear_dx(n["W"], n["dY"], x)),
        "linear dW": (n, known.linear_dw(x, n["dY"], n["W"])),
        "linear db": (n, known.linear_db(n["dY"])),
        "matmul da": (n, known.matmul_da(n["A"], n["B"], n["dAB"])),
        "matmul db": (n, known.matmul_db(n["A"], n["B"], n["dAB"])),
        "square matmul da": (
            square, known.matmul_da(square["A"], square["B"], square["dAB"])),
        "square matmul db": (
            square, known.matmul_db(square["A"], square["B"], square["dAB"])),
        "relu": (n, known.relu_dx(x, dy)),
        "leaky relu": ({**n, "a": 0.1}, known.leaky_relu_dx(x, dy, 0.1)),
        "sigmoid": (n, known.sigmoid_dx(x, dy)),
        "tanh": (n, known.tanh_dx(x, dy)),
        "mean over rows": ({**n, "g": row}, known.mean_dx(x, row, 0)),
        "variance over rows": ({**n, "g": row}, known.var_dx(x, row, 0)),
        "unbiased variance over rows": (
            {**n, "g": row}, known.var_dx(x, row, 0, correction=1)),
        "mean over columns": (
            {**n, "g": column}, known.mean_dx(x, column, 1, keepdims=True)),
        "variance over columns": (
            {**n, "g": column}, known.var_dx(x, column, 1, keepdims=True)),
        "broadcast sum, da": (n, known.add_da(gamma, x, dy)),
        "broadcast product, da": (n, known.mul_da(gamma, x, dy)),
        "broadcast product, db": (n, known.mul_da(x, gamma, dy)),
        "quotient, db": (quotient, known.div_db(x, positive, dy)),
        "cube": (n, known.pow_dx(positive, 3, dy)),
        "log": (n, known.log_dx(positive, dy)),
        "SGD with momentum": (step, known.sgd_step(x, dy, 0.05, n["small"], 0.9)),
        "Adam": (adam, known.adam_step(x, dy, n["small"], n["squares"], 3, 0.1, 0.9, 0.99, eps)),
        **of_other_shapes(n), **of_other_functions(n), **of_other_axes(n),
        **with_decay(step, adam),
    }  # fmt: skip


def of_other_shapes(n):
    """Exercises on images, sequences, and squares, where a wrong axis keeps the shape."""
    images = {**n, "x": n["images"], "dy": n["dimages"], "N": 3, "m": 30}
    sequences = {**n, "x": n["sequences"], "dy": n["dsequences"], "N": 2, "m": C}
    square = {**n, "x": n["x"][:C], "dy": n["dy"][:C], "N": C, "m": C, "g": n["row"]}
    gamma, eps, x, dy, s = n["gamma"], n["eps"], n["x"], n["dy"], square["x"]
    return {
        "batch norm dx of images": (images, known.batch_norm_dx(images["x"], gamma, images["dy"],
                                                                eps)),
        "batch norm dx of a square": (square, known.batch_norm_dx(s, gamma, square["dy"], eps)),
        "batch norm dgamma, evaluation": (
            n, known.batch_norm_eval_dgamma(x, dy, n["run_mean"], n["run_var"], eps)),
        "layer norm dx of sequences": (
            sequences, known.layer_norm_dx(sequences["x"], gamma, sequences["dy"], eps)),
        "softmax of a square": (square, known.softmax_dx(s, square["dy"])),
        "unbiased variance over the columns of a square": (
            square, known.var_dx(s, n["row"], 1, correction=1)),
        "broadcast sum of a square": (square, known.broadcast_sum(square["dy"], (C,))),
        "sum over columns": ({**n, "g": n["column"][:, 0]}, known.sum_dx(x, n["column"][:, 0], 1)),
    }  # fmt: skip


def of_other_functions(n):
    x, dy, positive = n["x"], n["dy"], n["positive"]
    pair = {**n, "a": x, "b": positive}
    return {
        "elu": ({**n, "alpha": 0.6}, known.elu_dx(x, dy, 0.6)),
        "gelu": ({**n, "erf": np.vectorize(math.erf)}, known.gelu_dx(x, dy)),
        "silu": (n, known.silu_dx(x, dy)),
        "softplus": (n, known.softplus_dx(x, dy)),
        "absolute value": (n, known.abs_dx(x, dy)),
        "absolute value, also of 0": ({**n, "x": n["whole"]}, known.abs_dx(n["whole"], dy)),
        "exp": (n, known.exp_dx(x, dy)),
        "square root": (n, known.sqrt_dx(positive, dy)),
        "cube, also of negative numbers": (n, known.pow_dx(x, 3, dy)),
        "product, da": (pair, known.mul_da(x, positive, dy)),
        "quotient, da": (pair, known.div_da(x, positive, dy)),
        "quotient of a row, da": ({**n, "a": n["row"], "b": positive},
                                  known.div_da(n["row"], positive, dy)),
        "standard deviation over rows": ({**n, "g": n["row"]}, known.std_dx(x, n["row"], 0)),
        "squared error": ({**n, "a": x, "b": dy}, known.squared_error_da(x, dy)),
    }  # fmt: skip


def of_other_axes(n):
    """Exercises with a batch, a square, a column, or an axis that the others leave out."""
    x, dy, column, positive, row = (n[k] for k in ("x", "dy", "column", "positive", "row"))
    square = {**n, "x": x[:C], "w": n["positive"][:C], "dy": dy[:C], "N": C}
    sequences = {**n, "dy": n["dsequences"]}
    batch = {**n, "a": n["sequences"], "b": n["B"], "dy": n["dsequences"] @ n["B"]}
    pair, dots = {**n, "a": column, "b": positive}, {**n, "a": row, "b": n["beta"]}
    over_columns = {**n, "g": column, "m": C}
    return {
        "layer norm dbeta of sequences": (sequences, known.layer_norm_dbeta(sequences["dy"])),
        "softmax over axis 0": (n, known.softmax_dx(x, dy, axis=0)),
        "linear dX of a square": (
            square, known.linear_dx(square["w"], square["dy"], square["x"])),
        "linear dW of a square": (
            square, known.linear_dw(square["x"], square["dy"], square["w"])),
        "matmul db of a batch": (batch, known.matmul_db(batch["a"], batch["b"], batch["dy"])),
        "unbiased standard deviation over columns": (
            over_columns, known.std_dx(x, column, 1, correction=1, keepdims=True)),
        "mean over all cells": (n, known.mean_dx(x, 2.5)),
        "broadcast sum of sequences": (sequences, known.broadcast_sum(sequences["dy"], (3, 1))),
        "broadcast sum of a column, da": (pair, known.add_da(column, positive, dy)),
        "broadcast product of a column, da": (pair, known.mul_da(column, positive, dy)),
        "quotient of a column, da": (pair, known.div_da(column, positive, dy)),
        "quotient of a column, db": (pair, known.div_db(column, positive, dy)),
        "scalar product": (dots, known.dot_da(row, n["beta"], 1.7)),
        "velocity": ({**n, "g": dy, "v": n["small"], "mu": 0.9},
                     known.sgd_velocity(dy, n["small"], 0.9)),
    }  # fmt: skip


def with_decay(step, adam):
    """Steps of optimizers with a weight decay, or with Nesterov's look ahead."""
    x, g, v, lr, mu = (step[name] for name in ("x", "g", "v", "lr", "mu"))
    m, squares, wd = adam["m"], adam["v"], 0.1
    return {
        "SGD": (step, known.sgd_step(x, g, lr)),
        "SGD with weight decay": ({**step, "wd": wd}, known.sgd_step(x, g, lr, weight_decay=wd)),
        "SGD with momentum and weight decay": (
            {**step, "wd": wd}, known.sgd_step(x, g, lr, v, mu, wd)),
        "SGD with Nesterov's momentum": (step, known.sgd_step(x, g, lr, v, mu, nesterov=True)),
        "velocity with weight decay": (
            {**step, "wd": wd}, known.sgd_velocity(g, v, mu, x, weight_decay=wd)),
        "m of Adam": (adam, known.adam_m(g, m, 0.9)),
        "v of Adam": (adam, known.adam_v(g, squares, 0.99)),
        "Adam with weight decay": (
            {**adam, "wd": wd},
            known.adam_step(x, g, m, squares, 3, 0.1, 0.9, 0.99, adam["eps"], wd)),
    }  # fmt: skip


def run(code, names):
    """What the code leaves in `out`; the arrays it is given are copies."""
    space = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in names.items()}
    with np.errstate(all="ignore"):
        exec(code, space)
    return space["out"]


def read(path):
    """The mistakes of a file, and the answers in it that are right."""
    answers = []
    for exercise in path.read_text(encoding="utf-8").split("\n# ")[1:]:
        name, *blocks = exercise.replace("\n    ", "\a").splitlines()
        before = ""
        for block in filter(None, blocks):
            head, *lines = block.split("\a")
            word, _, pieces = head.partition(":")
            code = "\n".join(lines)
            if word == "before":
                before = code + "\n"
            else:
                pieces = [piece for piece in pieces.strip().split(" & ") if piece]
                answers.append(Answer(name, word, pieces, before + code))
    mistakes = [each for each in answers if each.word != "right"]
    return mistakes, [each for each in answers if each.word == "right"]
