"""nn.inspect_batch_norm: what it foretells happens, what it measures is so, and nothing changes."""

import copy

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import normal

import minigrad
from minigrad import nn, tensor
from minigrad.nn import inspect_batch_norm
from minigrad.utils.data import DataLoader, TensorDataset


def network():
    minigrad.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 4),
        nn.Sequential(nn.BatchNorm1d(4)), nn.LayerNorm(4),
    ).double()  # fmt: skip


def batch(seed=0, rows=20, columns=3):
    return tensor(2 * normal(rows, columns, seed=seed) + 1)


def everything(model):
    return (
        [(k, v.numpy().tobytes(), v._version) for k, v in model.state_dict().items()],
        [(k, p.grad, p.requires_grad) for k, p in model.named_parameters()],
        [(name, module.training, sorted(vars(module))) for name, module in model.named_modules()],
        minigrad.get_rng_state().numpy().tobytes(),
    )


def random_layer(rng):
    layer = nn.BatchNorm1d(
        3,
        momentum=None if rng.integers(3) == 0 else float(rng.uniform(0.01, 1)),
        affine=bool(rng.integers(3)),
        bias=bool(rng.integers(2)),
        track_running_stats=bool(rng.integers(4)),
        unbiased_running_var=bool(rng.integers(2)),
    ).double()
    for seed in range(rng.integers(3)):
        layer(batch(seed))
    if rng.integers(4) == 0:
        layer.track_running_stats = not layer.track_running_stats
    if rng.integers(4) == 0:
        layer.num_batches_tracked = None
    if rng.integers(6) == 0:
        layer.running_mean = layer.running_var = None
    for parameter in layer.parameters():
        parameter.requires_grad_(bool(rng.integers(2)))
    return layer.train(bool(rng.integers(2)))


@for_each("seed", range(60))
def test_what_is_foretold_happens(seed):
    layer = random_layer(np.random.default_rng(seed))
    report = inspect_batch_norm(layer)[""]
    before = {k: v.numpy().copy() for k, v in layer.named_buffers() if v is not None}
    x, wide = batch(99), batch(99).numpy()
    y = copy.deepcopy(layer)(x)
    if report.uses == "running":
        expected = (wide - before["running_mean"]) / np.sqrt(before["running_var"] + layer.eps)
    else:
        expected = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + layer.eps)
    assert np.abs(y.detach().numpy() - expected).max() < 1e-12

    layer(x).sum().backward() if any(report.trained.values()) else layer(x)
    batch_values = {
        "running_mean": wide.mean(axis=0),
        "running_var": wide.var(axis=0, ddof=int(layer.unbiased_running_var)),
    }
    for name, old in before.items():
        weight = report.changes.get(name, 0.0)
        if name == "num_batches_tracked":
            expected = old + weight
            assert report.batches == old
        else:
            expected = (1 - weight) * old + weight * batch_values[name]
        np.testing.assert_allclose(getattr(layer, name).numpy(), expected, rtol=1e-12)
    for name in ("weight", "bias"):
        parameter = getattr(layer, name)
        assert (name in report.trained) == (parameter is not None)
        if parameter is not None:
            assert report.trained[name] == (parameter.grad is not None)


def test_measured_by_hand():
    """Batch, running and recalibrated statistics, in units of what the layer divides by."""
    layer = nn.BatchNorm1d(2, eps=0.1).double()
    layer.running_mean.copy_(tensor([1.0, -2.0]))
    layer.running_var.copy_(tensor([4.0, 0.25]))
    parts = [normal(size, 2, seed=k) * [3, 1] + [0, k] for k, size in enumerate((10, 10, 4))]
    data = inspect_batch_norm(layer, [tensor(part) for part in parts])[""].data
    sizes = [10, 10, 4]
    means = np.array([part.mean(axis=0) for part in parts])
    mean = np.average(means, axis=0, weights=sizes)
    var = np.average([part.var(axis=0, ddof=1) for part in parts], axis=0, weights=sizes)
    std, running = np.sqrt(var + 0.1), np.sqrt(np.array([4.1, 0.35]))
    expected = {
        "mean": mean,
        "var": var,
        "shift": (mean - [1, -2]) / running,
        "ratio": std / running,
        "gap": np.sqrt(((mean - [1, -2]) / running) ** 2 + (std / running - 1) ** 2),
        "spread": np.sqrt(np.average((means - mean) ** 2, axis=0, weights=sizes)) / std,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(data, name), values, rtol=1e-12)
    assert (data.batches, data.values, data.worst) == (3, 24, int(np.argmax(expected["gap"])))


def test_the_gap_is_what_lies_between_the_outputs():
    layer = nn.BatchNorm1d(3, unbiased_running_var=False).double()
    layer(batch(5, rows=50))
    x = batch(1, rows=200)
    data = inspect_batch_norm(layer, x)[""].data
    difference = (copy.deepcopy(layer)(x) - layer.eval()(x)).detach().numpy()
    np.testing.assert_allclose(data.gap, np.sqrt((difference**2).mean(axis=0)), rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_changes(training):
    model = network().train(training)
    model(batch()).sum().backward()
    loader = DataLoader(TensorDataset(batch(rows=30)), batch_size=7)
    before = everything(model)
    for data in (None, batch(), (batch(), 3), [batch(), batch(1)], loader):
        str(inspect_batch_norm(model, data))
        assert everything(model) == before
    with pytest.raises(ValueError, match="inspect_batch_norm: a batch gives layer '1' one value"):
        inspect_batch_norm(model, batch(rows=1))
    with pytest.raises(TypeError, match="inspect_batch_norm: batch 1 must be a Tensor"):
        inspect_batch_norm(model, [batch(), None])
    with pytest.raises(TypeError, match="inspect_batch_norm: expected a DataLoader"):
        inspect_batch_norm(model, 3)
    assert everything(model) == before


def test_names_and_kinds():
    found = inspect_batch_norm(network())
    assert [layer.name for layer in found.layers] == ["1", "5.0", "6"]
    assert [layer.kind for layer in found.layers] == [
        "BatchNorm1d(5)",
        "BatchNorm1d(4)",
        "LayerNorm((4,))",
    ]
    assert [layer.uses for layer in found.layers] == ["batch", "batch", "sample"]
    assert found["6"].changes == {} and found["6"].batches is None
    with pytest.raises(KeyError, match="no normalization '2'"):
        found["2"]


def text(model, data=None):
    return " ".join(str(inspect_batch_norm(model, data)).split())


def test_what_people_ask_first():
    model = network()
    assert "normalizes by mean and variance of the batch changes running ←" in text(model)
    assert "running ← 0.9 · running + 0.1 · batch" in text(model)
    assert "momentum 0.1 here and in torch; Keras, Flax, ONNX: 0.9" in text(model)
    assert "num_batches_tracked 0 → 1 trained weight, bias" in text(model)
    assert "its variance of m values is divided by m − 1 (unbiased)" in text(model)
    assert "the running statistics (0 batches seen)" in text(model.eval())
    keras = nn.BatchNorm1d.from_keras(3, scale=False)
    assert "momentum 0.01 here and in torch; Keras, Flax, ONNX: 0.99" in text(keras)
    assert "divided by m (biased)" in text(keras) and "trained bias" in text(keras)
    cumulative = nn.BatchNorm1d(3, momentum=None)
    cumulative(batch().float())
    assert "running ← 0.5 · running + 0.5 · batch momentum None: every batch" in text(cumulative)
    bare = nn.BatchNorm1d(3, affine=False, track_running_stats=False).eval()
    assert "also in evaluation: it has no running statistics changes nothing" in text(bare)
    assert "neither weight (γ) nor bias (β)" in text(bare)
    assert text(nn.Linear(1, 1)) == "The model has no normalization."
    assert "mean and variance of each group of channels of each" in text(nn.GroupNorm(2, 4))
    assert text(nn.LayerNorm(3), None).startswith("(the model): LayerNorm((3,)) in training mode")


def test_a_report_stays_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.BatchRenorm1d(3, warmup_steps=0)).double()
    found = inspect_batch_norm(model, batch())
    before, gap = str(found), found["0"].data.gap.copy()
    model[0].momentum = None
    for seed in range(3):
        model(batch(seed))
    assert str(found) == before and str(inspect_batch_norm(model)) != before
    np.testing.assert_array_equal(found["0"].data.gap, gap)


def test_frozen_layers():
    model = network()
    assert "frozen" not in text(model)
    model[1].eval()
    assert "training mode, but the statistics of '1' are frozen: eval() was called" in text(model)
    model[1].requires_grad_(False)
    assert "trained nothing; frozen (requires_grad=False): weight, bias" in text(model)
    model[1].weight.requires_grad_(True)
    assert "trained weight; frozen (requires_grad=False): bias" in text(model)
    assert "eval() was called" not in text(model.eval())


def test_the_answer_to_disagreement():
    model, loader = network(), [batch(k) for k in range(3)]
    said = text(model, loader)
    assert "Training and evaluation disagree in '1', '5.0'" in said
    assert "on this data 3 batches, 60 values per channel outputs in training and" in said
    nn.utils.recalibrate(model, loader)
    said = text(model, loader)
    assert "disagree" not in said and "are 0 standard deviations (σ) apart" in said
    assert "means of single batches" in said and "means of single" not in text(model, batch())


@pytest.mark.parametrize(("r", "d"), [(1, 0), (1.5, 0.3), (3, 5), (float("inf"), float("inf"))])
def test_renormalization(r, d):
    """Its training corrects itself; what remains is the gap to evaluation."""
    layer = nn.BatchRenorm1d(
        3, unbiased_running_var=False, r_max=r, d_max=d, r_max_steps=None, d_max_steps=None
    ).double()
    layer(batch(5, rows=50))
    x = batch(1, rows=200)
    data = inspect_batch_norm(layer, x)[""].data
    difference = (copy.deepcopy(layer)(x) - layer.eval()(x)).detach().numpy()
    expected = np.sqrt((difference**2).mean(axis=0))
    np.testing.assert_allclose(data.gap, expected, rtol=1e-4, atol=1e-12)
    said = text(layer.train())
    assert ("not yet corrected" in said) == ((r, d) == (1, 0))
    assert (f"a factor of at most {r:g}, the mean by at most {d:g} σ" in said) == ((r, d) != (1, 0))
    assert "corrected" not in text(layer.eval())


def test_layers_that_the_model_did_not_call():
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.BatchNorm1d(3).double(), nn.BatchNorm1d(3).double()

        def forward(self, x):
            return self.used(x)

    found = inspect_batch_norm(Partly(), batch())
    assert found["idle"].data is None and found["used"].data.values == 20


def test_data_without_anything_to_compare():
    with pytest.raises(ValueError, match="LayerNorm has no batch normalization with running"):
        inspect_batch_norm(nn.LayerNorm(3), batch().float())


def test_a_line_fits_the_screen():
    model = network()
    model[1].eval()
    assert max(map(len, str(inspect_batch_norm(model, batch())).splitlines())) <= 110


@pytest.mark.parametrize("model", [None, "net", print])
def test_no_module(model):
    with pytest.raises(TypeError, match="inspect_batch_norm: model must be a Module, got"):
        inspect_batch_norm(model)
