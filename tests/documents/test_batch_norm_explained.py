"""examples/batch_norm_explained.py: each claim is measured, and that decides on the verdict."""

import functools
import importlib
import math
from pathlib import Path

import numpy as np
import pytest

import minigrad

ROOT = Path(__file__).parents[2]


@pytest.fixture
def explained(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return importlib.import_module("batch_norm_explained")


def test_the_verdict_follows_from_the_parts(explained):
    def verdict(*parts):
        return explained.Finding("claim", "measured", {}, list(parts)).verdict

    assert verdict(True, True) == "holds"
    assert verdict(True, False) == "holds partly"
    assert verdict(False) == verdict(False, False) == "refuted"


def test_identity(explained):
    found = explained.identity()
    assert found.verdict == "holds"
    assert found.numbers["same"] < 1e-14 < 0.05 < found.numbers["another"]


def test_scale_of_weights(explained):
    found = explained.scale_of_weights(k=10.0)
    assert found.verdict == "holds"
    for part in ("output", "inputs", "weights", "turned"):
        assert 0 < found.numbers[part] < 1e-5  # 0 is impossible: ε is not scaled along
    wide, wider = (explained.scale_of_weights(k) for k in (2.0, 100.0))
    assert wide.verdict == wider.verdict == "holds"
    assert "divides dw by 100" in wider.claim


def test_bias_before(explained):
    found = explained.bias_before()
    assert found.verdict == "holds"
    assert found.numbers["gradient"] < 1e-13 * found.numbers["of_weight"]
    assert found.numbers["moved"] < 1e-12


def test_batch_of_one(explained):
    found = explained.batch_of_one()
    assert found.verdict == "holds partly"  # one vector cannot, one sequence can
    assert found.numbers["refused"] and found.numbers["formula"] == 0
    assert 0 < found.numbers["pair"] < 1e-4
    assert abs(found.numbers["sequence"] - 1) < 0.01


def test_ignored_statistics(explained):
    found = explained.ignored_statistics(steps=400)
    assert found.verdict == "holds"
    half, end = found.numbers["half"], found.numbers["end"]
    assert half > 30 and end == pytest.approx(2 * half, rel=1e-6)
    assert found.numbers["change"] < 1e-11 and found.numbers["honest"] < 1e-11


def test_slow_statistics(explained):
    found = explained.slow_statistics()
    assert found.verdict == "holds"
    assert found.numbers["memory"] < found.numbers["batch"] - 0.1
    assert abs(found.numbers["repaired"] - found.numbers["batch"]) < 0.015
    assert explained.slow_statistics(momentum=0.3).verdict == "holds partly"


def test_deep_sigmoids(explained):
    found = explained.deep_sigmoids()
    assert found.verdict == "holds"
    assert found.numbers["kept"] > 1000 * found.numbers["fade"]
    assert found.numbers["without"] < 0.12 and found.numbers["with"] > 0.9


def test_shallow_sigmoids_refute_it(explained):
    """A network of one hidden layer learns without help: the verdict is of this run."""
    assert explained.deep_sigmoids(depth=1).verdict == "holds partly"


@pytest.mark.slow
def test_scale_of_inputs(explained):
    found = explained.scale_of_inputs()
    assert found.verdict == "holds"
    right, wrong = found.numbers["without"]
    assert right > 0.9 and wrong < 0.12
    right, wrong = found.numbers["with"]
    assert right > 0.95 and abs(right - wrong) < 0.01
    assert explained.scale_of_inputs(factor=2.0, steps=100).verdict == "holds partly"


@pytest.mark.slow
def test_width_of_weights(explained):
    found = explained.width_of_weights()
    assert found.verdict == "holds"
    narrow, right, wide = found.numbers["without"]
    assert right > 0.9 and narrow < 0.5 and wide < 0.12
    narrow, right, wide = found.numbers["with"]
    assert right > 0.95 and min(narrow, wide) > 0.92
    assert explained.width_of_weights(widen=1.2, steps=100).verdict == "holds partly"


@pytest.mark.slow
def test_learning_rates(explained):
    found = explained.learning_rates()
    assert found.verdict == "holds"
    assert max(found.numbers["with"]) >= 3 * max(found.numbers["without"])
    assert len(found.numbers["with"]) > len(found.numbers["without"])


@pytest.mark.slow
def test_noise_of_the_batch(explained):
    """The noise is there, but on so small a network it does not help."""
    found = explained.noise_of_the_batch(steps=200, seeds=2)
    calm, noisy = found.numbers["loss"]
    assert noisy > 5 * calm
    calm, noisy = found.numbers["accuracy"]
    assert min(calm, noisy) > 0.9
    assert found.verdict == ("holds" if noisy > calm + 0.005 else "holds partly")


def test_in_groups(explained):
    """Groups are normalized each by itself in training, and by the memory in evaluation."""
    layer, x = explained.InGroups(3, 4), minigrad.randn(8, 3)
    y = layer(x).detach().numpy()
    assert np.abs(y.reshape(2, 4, 3).mean(axis=1)).max() < 1e-6
    assert np.abs(y[:4] - layer.norm(x).detach().numpy()[:4]).max() > 0.01
    with minigrad.no_grad():
        np.testing.assert_array_equal(layer.eval()(x).numpy(), layer.norm(x).numpy())


def test_gaussian_kl(explained):
    """Against the integral of p log(p/q)."""
    x = np.linspace(-30, 30, 60001)

    def density(mean, var):
        return np.exp(-((x - mean) ** 2) / (2 * var)) / math.sqrt(2 * math.pi * var)

    p, q = density(0.5, 2.0), density(-1.0, 3.0)
    integral = (p * np.log(p / q)).sum() * (x[1] - x[0])
    found = explained.gaussian_kl(*minigrad.tensor(np.array([[0.5], [2.0], [-1.0], [3.0]])))
    assert found == pytest.approx(integral, rel=1e-9)
    assert explained.gaussian_kl(*minigrad.tensor(np.array([[0.5], [2.0], [0.5], [2.0]]))) == 0


def test_covariate_shift(explained):
    found = explained.covariate_shift()
    assert found.verdict == "holds"
    for without, normalized in (found.numbers["total"], found.numbers["path"]):
        assert without > 100 * normalized > 0


def test_shift_as_the_reason(explained):
    found = explained.shift_as_the_reason()
    assert found.verdict == "refuted"
    plain, normalized, shaken = found.numbers["path"]
    assert shaken > plain > normalized
    plain, normalized, shaken = found.numbers["accuracy"]
    assert shaken > normalized - 0.02 and shaken > plain


def test_shaken_only_in_training(explained):
    x = minigrad.randn(1000, 3)
    layer = explained.Shaken()
    assert layer.eval()(x) is x
    y = layer.train()(x)
    slopes = (y[1:] - y[:1]) / (x[1:] - x[:1])
    assert slopes.std(0).max().item() < 1e-3 and abs(slopes[0, 0].item() - 1) > 1e-3


def test_looking_changes_nothing(explained):
    """However often the training is looked at, it goes the same way; the path has more steps."""
    often = explained.shift_during_training("batch", steps=31, every=1)
    seldom = explained.shift_during_training("batch", steps=31, every=10)
    assert often[0] == seldom[0] and often[2] == seldom[2]
    assert often[1] != seldom[1]


def test_the_table(explained, capsys, monkeypatch):
    quick = [explained.identity, explained.bias_before]
    monkeypatch.setattr(explained, "CLAIMS", quick)
    assert list(explained.main()) == ["identity", "bias_before"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["claim", "measured", "verdict"]
    assert sum(line.endswith("  holds") for line in lines) == 2
    assert max(map(len, lines)) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_verdicts_do_not_hang_on_the_seed(explained, monkeypatch, seed):
    explained.shift_during_training.cache_clear()
    monkeypatch.setattr(explained, "network", functools.partial(explained.network, seed=seed))
    monkeypatch.setattr(explained, "train", functools.partial(explained.train, seed=seed))
    try:
        verdicts = {claim.__name__: claim().verdict for claim in explained.CLAIMS}
    finally:
        explained.shift_during_training.cache_clear()
    del verdicts["noise_of_the_batch"]  # has three seeds of its own
    assert verdicts.pop("batch_of_one") == "holds partly"
    assert verdicts.pop("shift_as_the_reason") == "refuted"
    assert set(verdicts.values()) == {"holds"}, verdicts


def test_every_claim_is_in_the_table_and_names_its_source(explained):
    assert len(explained.CLAIMS) == len({claim.__name__ for claim in explained.CLAIMS}) >= 10
    for claim in explained.CLAIMS:
        assert any(word in claim.__doc__ for word in ("section", "Lecture notes")), claim
        assert f"def test_{claim.__name__}(" in Path(__file__).read_text(encoding="utf-8")
