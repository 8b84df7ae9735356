"""diagnose: mistakes are named, none is named wrongly, and what is right stays right."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.mistakes import PLANTED, STRANGE, UNNAMED, exercises, read, run

import minigrad
from minigrad.diagnosis import Verdict, diagnose, known

ROOM = Path(minigrad.__file__).parent / "diagnosis"
FOUND = exercises()
MISTAKES, RIGHT = read(PLANTED)
STRANGE_MISTAKES = read(STRANGE)[0]


@pytest.fixture(scope="module")
def planted():
    """A third of them; the slow tests ask for all."""
    return [(mistake, mistake.verdict(FOUND)) for mistake in MISTAKES[::3]]


@pytest.fixture(scope="module")
def strange():
    return [(mistake, mistake.verdict(FOUND)) for mistake in STRANGE_MISTAKES]


# --- planted mistakes ----------------------------------------------------------------------------


def test_planted_mistakes_are_named(planted):
    assert len(MISTAKES) >= 1000 and len(RIGHT) >= 240
    assert [(m.exercise, m.code, found) for m, found in planted if not m.is_named(found)] == []
    named = [m for m in MISTAKES if m.word not in UNNAMED]
    assert len(named) >= 0.9 * len(MISTAKES)
    assert all(m.pieces for m in named), "a name without a piece of its sentence"


def test_strange_mistakes_are_not_misnamed(strange):
    assert len(STRANGE_MISTAKES) >= 90
    assert [(m.exercise, m.code, found) for m, found in strange if m.is_misnamed(found)] == []


def test_no_mistake_is_right_and_no_sentence_is_long(planted, strange):
    for _, found in planted + strange:
        assert not found.ok and not found
        assert found.sentence.count("\n") <= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_other_numbers_get_the_same_verdicts(seed):
    found = exercises(seed)
    assert [m for m in MISTAKES if not m.is_named(m.verdict(found))] == []
    misnamed = [m for m in STRANGE_MISTAKES if m.is_misnamed(m.verdict(found))]
    # Without an x between 0 and 0.5 the mask x > 0.5 is right
    assert [m for m in misnamed if not m.verdict(found).ok] == []


# --- right answers -------------------------------------------------------------------------------


def rewritten(code, names, rng):
    """The right answer in another algebraic form: chosen at random, equal but for rounding."""
    used = [k for k in ("dY", "dAB", "g", "dy") if k in names and re.search(rf"\b{k}\b", code)]
    where = used[0] if used else "dy"
    dy = names[where]
    linear = bool(used) and "lr" not in names and "labels" not in code

    def answer(dy=dy, **others):
        return run(code, {**names, where: dy, **others})

    c = float(rng.uniform(0.1, 30))
    share = rng.uniform(-3, 3, np.shape(dy))
    forms = [
        lambda: answer() * c / c,
        lambda: answer() + 1e4 * c - 1e4 * c,
        lambda: np.longdouble(answer()) / 3 * 3,
        lambda: (answer().T.copy() * 7).T / 7,
        lambda: np.array(answer().tolist()),
        lambda: np.sqrt(answer() ** 2) * np.sign(answer()),
    ]
    if linear:
        forms += [
            lambda: answer(dy * c) / c,
            lambda: answer(dy * share) + answer(dy - dy * share),
            lambda: -answer(-dy),
            lambda: answer(dy + share) - answer(share),
        ]
    stable = not re.search(r"np\.exp\(-?x\)", code)
    if stable and any(word in code for word in ("xhat", "e = np.exp(x - x.max")):
        forms.append(lambda: answer(x=names["x"] + 100 * c))
    return forms[rng.integers(len(forms))]()


def test_what_is_right_is_right_in_any_form():
    rng = np.random.default_rng(0)
    alarms = []
    for number in range(400):
        answer = RIGHT[number % len(RIGHT)]
        names, case = FOUND[answer.exercise]
        found = diagnose(rewritten(answer.code, names, rng), **case)
        if found.verdict != "right":
            alarms.append((answer, found))
    assert alarms == []


@for_each("answer", RIGHT)
def test_what_is_known_is_right_and_adds_up(answer):
    names, case = FOUND[answer.exercise]
    np.testing.assert_allclose(run(answer.code, names), case["right"], rtol=1e-9, atol=1e-12)
    if case["parts"]:
        np.testing.assert_allclose(sum(case["parts"].values()), case["right"], atol=1e-12)
    assert diagnose(case["right"], **case) == Verdict(True, "right", "right")


@pytest.mark.slow
def test_every_known_mistake_is_named():
    for name, (_, case) in FOUND.items():
        for phrase, values in case["wrong"].items():
            found = diagnose(values, **case)
            assert found.ok or found.verdict not in {"different", "close"}, (name, phrase, found)


# --- verdicts one by one -------------------------------------------------------------------------

A = np.array([[1.0, 2.5, -3.0], [0.5, -4.0, 6.0]])


def said(yours, right=A, **known_of_it):
    found = diagnose(yours, right, **known_of_it)
    return found.verdict, found.sentence


@pytest.mark.parametrize(
    ("yours", "word", "piece"),
    [
        (None, "type", "yours is None: is a return missing?"),
        ((A, A), "type", "a tuple of 2"),
        ("abc", "type", "a str"),
        ({}, "type", "a dict"),
        ([[1.0], [2.0, 3.0]], "type", "a list that cannot be read as numbers"),
        (np.sum, "type", "a function that was not called"),
        (A > 0, "type", "True and False"),
        (A + 0j, "type", "complex"),
        (A.astype(object), "right", "right"),
        (np.array([object()]), "type", "cannot be read"),
        (A.tolist(), "right", "right"),
        (A.astype(np.float32), "right", "right"),
        (minigrad.tensor(A, requires_grad=True), "right", "right"),
        (A.astype(np.float32).astype(np.float64) * (1 + 1e-6), "factor", "1 times"),
        (A + 1e-6, "close", "nearly equal: yes"),
        (np.where(A > 5, np.nan, A), "nan", "1 of 6 cells are nan or infinite; the first, at"),
        (A.T, "transposed", "shape (3, 2) in the place of (2, 3)"),
        (A[None], "shape", "the numbers are right"),
        (A.ravel(), "shape", "the numbers are right"),
        (A[:1], "shape", "shape (1, 3) in the place of (2, 3)"),
        (A.sum(0), "axis", "summed over axis 0, one time too many"),
        (A.mean(1), "axis", "averaged over axis 1"),
        (A.sum(), "axis", "axes 0 and 1"),
        (A.sum(0) + 0 * A, "axis", "summed over axis 0, one time too many"),
        (A[::-1], "order", "backward along axis 0"),
        (A.T.reshape(2, 3), "order", "reshape does not transpose"),
        (-A, "sign", "the sign is wrong"),
        (2 * A, "factor", "yours is 2 times what is right (2 is the length of axis 0 or: 1 "
         "less than the length of axis 1)"),
        (A / 6, "factor", "6 is the number of cells"),
        (0 * A, "zero", "0 in every cell"),
        (A * [[2], [3]], "factor", "differs along axis 0: 2, 3"),
        (A * [[1 + 2e-6], [1 + 3e-6]], "factor", "along axis 0: 1 + 2e−06, 1 + 3e−06"),
        (A + [[0, 1, 0], [0, 0, 0]], "different", "1 of 6 cells differ"),
        (7.0, "shape", "shape () in the place of (2, 3)"),
    ],
)  # fmt: skip
def test_answers_of_any_kind(yours, word, piece):
    found = said(yours)
    assert found[0] == word
    assert piece in found[1]


def test_the_generic_text_shows_cells_and_a_map():
    yours = A + [[0, 1, 0], [0, 0, -9]]
    lines = diagnose(yours, A, name="dx").sentence.splitlines()
    assert lines[0] == "dx: 2 of 6 cells differ, by at most 9; equal: no, nearly equal: no"
    assert lines[1] == "worst: [1, 2] yours −3, right 6; [0, 1] yours 3.5, right 2.5"
    assert lines[2] == "where (x is wrong): .x. / ..x"


def test_a_large_map_is_small():
    rng = np.random.default_rng(1)
    right = rng.normal(size=(60, 140))
    yours = right.copy()
    yours[10, 20] += 1
    rows = diagnose(yours, right).sentence.splitlines()[-1].split(": ")[1].split(" / ")
    assert len(rows) == 8 and {len(row) for row in rows} == {16}
    assert "".join(rows).count("x") == 1


def test_sums_over_another_axis():
    right = np.array([3.0, 4.0])
    assert said(np.array([1.0, 2.5, 3.5]), right)[0] == "axis"
    assert "both add up to 7" in said(np.array([1.0, 2.5, 3.5]), right)[1]


def test_one_number_is_not_called_a_multiple_of_another():
    assert said(6.0, 2.0) == ("different", "yours is 6, right is 2")
    assert said(-2.0, 2.0)[0] == "sign"
    assert said(6.0, 2.0, factors={"3": 3}) == (
        "factor", "yours is 3 times what is right; perhaps 3 is there once too often")  # fmt: skip


def test_a_number_reminds_of_all_lengths_it_may_be():
    assert said(A / 4, factors={"1/N": 1 / 5})[1].endswith(
        "(4 is 1 less than N or: 1 more than the length of axis 1)")  # fmt: skip
    assert said(A * 5 / 4, factors={"1/N": 1 / 5})[1].endswith("(N − 1 in the place of N)")


def test_factors_of_the_same_value_are_both_given():
    assert said(A / 6, factors={"m": 6, "N": 6})[1] == (
        "yours lacks the factor m or N (the same number here)"
    )
    assert said(A * 6, factors={"m": 6, "1/N": 1 / 6})[1] == (
        "yours lacks the factor 1/N, or has the factor m once too often (the same number here)"
    )


def test_a_factor_of_1_is_not_missed():
    assert said(2 * A, factors={"m": 1})[1].startswith("yours is 2 times")
    parts = {"road 1": A - 1, "road 2": np.ones_like(A)}
    assert said(A + 1, parts=parts, factors={"m": 1})[1] == "road 2 is 2 times what is right"


def test_parts_that_are_equal_or_alike_are_not_told_apart():
    half = {"road 1": A / 2, "road 2": A / 2}
    assert said(A / 2, parts=half) == ("missing", "missing: road 1 or: road 2")
    assert said(4.0, 8.0, parts={"road 1": 4, "road 2": 4}) == (
        "missing", "perhaps missing: road 1 or: road 2")  # fmt: skip
    alike = {"road 1": A, "road 2": A + 1e-9, "road 3": -A - 1e-9}
    assert said(3 * A, parts=alike)[0] in {"factor", "ambiguous", "sign"}
    nothing = {"road 1": A, "road 2": 0 * A}
    assert said(A, parts=nothing)[0] == "right"


def test_numbers_in_parts_are_fitted_together():
    rng = np.random.default_rng(2)
    parts = {f"road {k}": rng.normal(size=(7, 5)) for k in (1, 2, 3)}
    one, two, three = parts.values()
    right = one + two + three
    assert said(one + two + 1.2 * three, right, parts=parts) == (
        "part", "road 3 is 1.2 times what is right")  # fmt: skip
    factors = {"m": 4, "γ": np.array([1.5, 2, 3, -1, 0.5])}
    found = said(one / factors["γ"] - two, right, parts=parts, factors=factors)
    assert found == ("part", "yours lacks the factor γ in road 1; the sign of road 2 is wrong; "
                             "missing: road 3")  # fmt: skip
    assert said(2 * one + 3 * two + three, right, parts=parts)[0] == "different"


def test_little_evidence_is_not_a_name():
    assert said(np.array([2.0, 1.0]), np.array([1.0, 2.0]))[0] == "different"  # not "backward"
    square = np.array([[1.0, 3.0], [3.0, 1.0]])
    assert said(np.full((2, 2), 4.0), square)[0] == "different"  # both sums are 4
    assert said(A + A**2, wrong={"a division by 0": A * np.inf})[0] == "different"
    one_wrong = A + [[0, 1, 0], [0, 0, 0]]
    assert said(one_wrong, wrong={"a slip": one_wrong}) == ("known", "perhaps this mistake: a slip")
    again = {"f": 2 + A**2, "g": 3 + np.abs(A), "h": 2 + A**2 + 1e-15}
    found = said(A / again["f"] / again["g"], factors=again)
    assert found[0] == "different"  # f and g, or h and g
    del again["h"]
    assert said(A / again["f"] / again["g"], factors=again)[1] == "yours lacks the factors f and g"


def test_a_batch_of_matrices_and_what_is_none():
    rng = np.random.default_rng(4)
    a, b, dy = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5)), rng.normal(size=(2, 3, 5))
    da, db = known.matmul_da(a, b, dy), known.matmul_db(a, b, dy)
    assert diagnose(dy @ b.T, **da).ok
    assert diagnose(np.einsum("nij,nik->jk", a, dy), **db).ok
    for yours, known_of_it, piece in [
        (np.swapaxes(a, 1, 2) @ dy, db, "not summed over axis 0"),
        ((np.swapaxes(a, 1, 2) @ dy).mean(0), db, "1/N once too often"),
        (a.sum(0).T @ dy.sum(0), db, "the batch is summed before the product"),
        (np.ones_like(dy) @ b.T, da, "dy is taken for ones"),
    ]:
        assert piece in diagnose(yours, **known_of_it).sentence
    for arrays, piece in [
        ((a[0, 0], b, dy), "matrices are expected"),
        ((a, b.T, dy), "shape of a"),
    ]:
        with pytest.raises(ValueError, match=piece):
            known.matmul_da(*arrays)


def test_a_factor_beside_a_mistake_is_no_input():
    x, dy = A - 0.3, A.T.reshape(2, 3)
    case = known.log_dx(np.abs(x), dy)
    del case["wrong"]["the quotient is upside down: 1 / (dy · slope)"]
    assert diagnose(np.abs(x) / dy, **case).verdict == "different"
    parts = {"road 1": A**2, "road 2": A + 3}
    factors = {"γ": np.array([2.0, 3, 5]), "m": 6}
    found = said(A**2 / factors["γ"] + (A + 3) * 6 / factors["γ"], A**2 + A + 3, parts=parts,
                 factors=factors)  # fmt: skip
    assert (
        found[1] == "yours lacks the factor γ; and yours has the factor m once too often in road 2"
    )


def test_where_everything_cancels_no_multiple_is_named():
    x, dy = np.array([[1.0], [3.0]]), np.array([[0.5], [2.0]])
    case = known.batch_norm_dx(x, [2.0], dy)  # two values of a channel: dx is what ε leaves
    assert diagnose(np.array([[-3.0], [3.0]]), **case).verdict not in {"factor", "sign"}


def test_a_known_mistake_of_any_shape():
    wrong = {"the first row alone": A[0], "twice": A + 3}
    assert said(A[0], wrong=wrong)[1].endswith("known mistake: the first row alone")
    assert said(A + 3, wrong=wrong) == ("known", "known mistake: twice")
    assert said(-A - 3, wrong=wrong) == ("known", "known mistake: twice; and the sign is wrong")


def test_infinity_may_be_right():
    right = np.array([1.0, np.inf, 2.5, -3])
    assert said(right.copy(), right)[0] == "right"
    assert said(-np.where(np.isinf(right), -np.inf, right), right)[0] == "sign"
    assert said(np.array([1.0, 5, 2.5, -3]), right)[0] == "different"


def test_empty_arrays_are_right():
    assert said(np.zeros((0, 3)), np.zeros((0, 3)))[0] == "right"
    assert said(np.zeros((0, 3)), np.zeros((3, 0)))[0] != "right"


def test_single_precision_is_looser_and_rtol_is_yours():
    assert said(A.astype(np.float32) * np.float32(1 + 1e-6))[0] == "right"
    assert said(A * (1 + 1e-6))[0] == "factor"
    assert said(A * (1 + 1e-6), rtol=1e-5)[0] == "right"


# --- the room ------------------------------------------------------------------------------------


def test_factors_at_the_edge_of_what_can_be_said():
    right, factor = np.arange(1.0, 13).reshape(4, 3) ** 1.5, np.array([0.5, 2, 3])
    for yours, piece in [
        (right / factor**2, "lacks the factor r twice"),
        (right * factor**2, "has the factor r twice too often"),
        (right * [1, 1 + 2e-5, 1 - 3e-6], "along axis 1: 1, 1 + 2e−05, 1 − 3e−06"),
        (right * 1e-17, "0 in every cell, up to rounding"),
    ]:
        assert piece in diagnose(yours, right, factors={"r": factor}).sentence


def test_a_mask_that_is_missing_is_no_sum():
    right = np.diag([3.0, -1, 2, 5])
    found = diagnose(right.sum(1, keepdims=True) + 0 * right, right)
    assert found.verdict == "axis" and "in every cell; it belongs to one cell" in found.sentence


def test_the_room_runs_without_minigrad(tmp_path):
    (tmp_path / "checker").mkdir()
    for path in ROOM.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / "checker" / path.name).write_text(text, encoding="utf-8")
    program = (
        "import sys; sys.modules['minigrad'] = None\n"
        "import numpy as np\n"
        "from checker import diagnose, known\n"
        "x = np.array([[1.0, -2, 0.5]]); dy = np.array([[0.5, 3, -1]])\n"
        "case = known.softmax_dx(x, dy)\n"
        "assert not diagnose(dy, **case) and diagnose(case['right'], **case)\n"
        "assert not [name for name in sys.modules if name.startswith('minigrad.')]\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_the_head_of_the_room_lists_every_word_and_file(planted, strange):
    text = (ROOM / "__init__.py").read_text(encoding="utf-8")
    words = {found.verdict for _, found in planted + strange}
    for word in words | {path.stem for path in ROOM.glob("*.py")} - {"__init__"}:
        assert f"    {word} " in text or f" {word}" in text, word
    assert set(known.__all__) <= set(dir(known))


def test_what_is_no_numbers_is_named():
    with pytest.raises(TypeError, match="diagnose: right must be a number or an .*, got 'relu'"):
        diagnose([1.0], "relu")
    with pytest.raises(TypeError, match="diagnose: a must be a number or an .*, got object"):
        diagnose([1.0], [1.0], parts={"a": object()})
    with pytest.raises(ValueError, match=r"broadcast to right's \(1,\); got a \(2,\)"):
        diagnose([1.0], [1.0], parts={"a": [1.0, 2.0]})
    assert diagnose(np.ones(2), minigrad.ones(2, requires_grad=True))
