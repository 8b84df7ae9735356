"""The lab: every claim is listed, runs, decides; and a wrong kernel changes a verdict."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import __main__ as command_line
from minigrad import _kernels
from minigrad.datasets import mnist
from minigrad.lab import protocol, training
from minigrad.lab.commands import list_of
from minigrad.lab.figure import svg_figure
from minigrad.lab.protocol import Check, all_claims, carry_out

CLAIMS = {each.name: each for each in all_claims()}
DISAGREES = {  # docs/lab.md says so first
    "A3": ["k = 0.1, rate k² η: losses apart"],
    "B2": ["sigmoid, N(0, 0.05²), rate 1, none"],
    "B3": ["none: the ratio falls per layer"],
    "B10": ["relu: change per distance, none / batch norm"],
    "B11": ["relu: accuracy lost"],
    "B18": ["convolutional, pass 2: recalibrated"],
}
EXACT = ["A1", "A2", "A3", "A4", "A5", "A6"]


NUMBERS = Path(__file__).parents[2] / "docs" / "lab.json"


def silent(line):
    pass


def test_every_file_of_a_claim_is_listed_in_order():
    files = {path.stem for path in Path(protocol.__file__).parent.glob("[abc][0-9]*_*.py")}
    assert sorted(protocol.CLAIMS) == sorted(files)
    assert [name.partition("_")[0].upper() for name in protocol.CLAIMS] == list(CLAIMS)
    assert {f"A{number}" for number in range(1, 10)} <= set(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_a_file_reads_like_a_protocol(claim):
    parts = [line.partition(":")[0] for line in claim.protocol.splitlines()]
    assert parts[0] and not parts[1]
    assert {"Here", "Must show"} < set(parts) and {"Paper", "Papers"} & set(parts)
    assert claim.seconds > 0


@pytest.mark.skipif(not NUMBERS.exists(), reason="the pages are those of a source tree")
def test_what_disagrees_is_known():
    missed = {}
    for each in json.loads(NUMBERS.read_text(encoding="utf-8")):
        names = missed.setdefault(each["claim"], [])
        names += [check["name"] for check in each["checks"]
                  if not check["ok"] and check["name"] not in names]  # fmt: skip
    assert {name: checks for name, checks in missed.items() if checks} == DISAGREES


def test_the_list(capsys):
    assert command_line.main(["lab"]) == 0
    out = capsys.readouterr().out
    assert out.rstrip("\n") == list_of(all_claims())
    assert all(f"\n{claim.name:5}  {claim.seconds:7g}" in out for claim in CLAIMS.values())


def test_one_run_writes_numbers_and_a_verdict(tmp_path, capsys):
    threads, state = minigrad.get_num_threads(), minigrad.get_rng_state()
    assert command_line.main(["lab", "a4", "--folder", str(tmp_path / "new"), "--seed", "7"]) == 0
    assert minigrad.get_num_threads() == threads
    assert (minigrad.get_rng_state() == state).all()
    out = capsys.readouterr().out
    assert "\nA4 holds (seed 7, data: none, " in out and CLAIMS["A4"].protocol.strip() in out
    record = json.loads((tmp_path / "new" / "A4.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "holds" and record["seed"] == 7 and not record["quick"]
    assert [each["ok"] for each in record["checks"]] == [True] * len(record["checks"])
    assert record["panels"][0]["curves"][0]["x"] == [8, 32, 128, 512]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"A4.json", "A4.svg"}
    assert svg_figure(record) == (tmp_path / "new" / "A4.svg").read_text(encoding="utf-8")


def test_figure_1_has_its_name(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        "minigrad.lab.commands._run", lambda claims, *rest: asked.extend(claims) or 0
    )
    assert command_line.main(["lab", "Fig1", "a4", "--folder", str(tmp_path)]) == 0
    assert asked == [CLAIMS["B1"], CLAIMS["A4"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["B99"], "there is no claim B99; there are A1, A2"), (["all", "A1"], "all and quick stand"),
     (["A4", "--folder", __file__], "cannot be used: "),
     (["--quick"], "of which claim? `lab quick`")],
)  # fmt: skip
def test_what_cannot_be_carried_out(words, said, capsys):
    assert command_line.main(["lab", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "x", "1.5", "٣", str(2**32)])
def test_a_seed_is_a_whole_number(seed, capsys):
    with pytest.raises(SystemExit, match="^2$"):
        command_line.main(["lab", "A4", f"--seed={seed}"])
    assert "no whole number" in capsys.readouterr().err


def test_bounds_decide():
    low, high = Check("", 2.0, "", 2.0, None, True), Check("", 2.1, "", None, 2.0, True)
    assert low.ok and not high.ok
    assert (low.threshold, high.threshold) == ("≥ 2", "≤ 2")
    assert not Check("", float("nan"), "", 0.0, None, True).ok
    assert Check("", False, "", None, None, False).ok
    assert not Check("", False, "", None, None, True).ok


def test_nothing_decided_is_nothing_shown():
    run = protocol.Run(CLAIMS["A1"], 0, False, silent)
    run.also("something", float("inf"))
    assert run.verdict == "not decided"
    assert run.record()["checks"][0]["measured"] == "inf"
    quick = protocol.Run(CLAIMS["A1"], 0, True, silent)
    quick.must("a", 1.0, at_least=0.0)
    quick.must("b", 1.0, at_least=2.0, whole_only=True)
    assert quick.verdict == "holds (short form)"


@pytest.fixture
def no_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    training._mnist.cache_clear()


def test_whole_runs_say_what_they_need(no_mnist, tmp_path, capsys):
    assert command_line.main(["lab", "B19", "--folder", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "MINIGRAD_DATA" in said and "--quick" in said
    assert not list((tmp_path / "out").iterdir())


def test_the_short_form_needs_nothing_and_is_marked(no_mnist, tmp_path, capsys):
    assert command_line.main(["lab", "A9", "--quick", "--folder", str(tmp_path)]) == 0
    assert "\nA9 holds (short form) (seed 401, data: the embedded" in capsys.readouterr().out
    record = json.loads((tmp_path / "A9.json").read_text(encoding="utf-8"))
    assert record["quick"] and record["data"] == "the embedded digits in place of MNIST"
    assert [protocol.Run(CLAIMS["A9"], 0, quick, silent).steps(9, 3) for quick in (0, 1)] == [9, 3]


def without_the_road_through_the_mean(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training):
    _kernels.reference.batch_norm_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training)
    axes, m, spread = _kernels.reference._batch_norm_layout(x)
    if training and dx is not None:
        dx += (gamma * inv_std * dbeta / m).reshape(spread)


def test_a_wrong_kernel_changes_the_verdict(monkeypatch):
    with minigrad.use_kernels("reference"):
        assert carry_out(CLAIMS["A1"], 3, False, silent).verdict == "holds"
    wrong = without_the_road_through_the_mean
    monkeypatch.setitem(_kernels._reference, "batch_norm_backward", wrong)
    with minigrad.use_kernels("reference"):
        run = carry_out(CLAIMS["A1"], 3, False, silent)
    assert run.verdict == "does not hold"
    failed = [check.name for check in run.checks if not check.ok]
    assert any("|Σ dx|" in name for name in failed) and any("formula" in name for name in failed)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_the_exact_claims_whole(name, mnist_here):
    run = carry_out(CLAIMS[name], 401, False, silent)
    assert [check.name for check in run.checks if not check.ok] == DISAGREES.get(name, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in EXACT])
def test_every_other_claim_in_short(name):
    run = carry_out(CLAIMS[name], 401, True, silent)
    missed = [check.name for check in run.checks if not check.ok]
    assert set(missed) <= set(DISAGREES.get(name, []))
    assert run.verdict.endswith("hold (short form)" if missed else "holds (short form)")
    assert all(np.isfinite(check.measured) for check in run.checks)
    assert ("MNIST" in run.data) == CLAIMS[name].mnist


@pytest.fixture
def mnist_here():
    try:
        minigrad.datasets.MNIST(train=False, download=False)
    except FileNotFoundError:
        pytest.skip("MNIST is not at hand: MINIGRAD_DATA names its folder")
