"""nn.utils.recalibrate: against NumPy by hand and torch's update_bn; and nothing half done."""

import gc

import numpy as np
import pytest
from helpers.layouts import normal

import minigrad
from minigrad import nn, tensor
from minigrad.nn.utils import recalibrate
from minigrad.nn.utils.recalibration import Population
from minigrad.utils.data import DataLoader, TensorDataset


def network(**options):
    minigrad.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 5),
        nn.BatchNorm1d(5, **options),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(5, 4),
        nn.BatchNorm1d(4, **options),
    ).double()


def batches(*sizes):
    return [tensor(2 * normal(size, 3, seed=k) + 1) for k, size in enumerate(sizes)]


def everything(model):
    """All that a call may not change without saying so."""
    return (
        [(k, v.numpy().tobytes(), v._version) for k, v in model.state_dict().items()],
        [(k, p.grad, p.requires_grad) for k, p in model.named_parameters()],
        [(name, module.training, sorted(vars(module))) for name, module in model.named_modules()],
        [list(module._forward_hooks) for module in model.modules()],
        minigrad.get_rng_state().numpy().tobytes(),
        minigrad.is_grad_enabled(),
    )


def by_hand(model, arrays, unbiased=True):
    """(mean, var) of both normalizations in NumPy: dropout off, normalized by the batch."""
    first, second, eps = model[0], model[4], model[1].eps
    found = [([], []), ([], [])]
    for x in arrays:
        for place, linear in enumerate((first, second)):
            x = x @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
            found[place][0].append(x.mean(axis=0))
            found[place][1].append(x.var(axis=0, ddof=int(unbiased)))
            x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
            x = np.maximum(x, 0)
    sizes = [len(x) for x in arrays]
    return [[np.average(u, axis=0, weights=sizes) for u in pair] for pair in found]


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("sizes", [(7,), (8, 8, 8), (10, 10, 2)])
def test_by_hand(sizes, unbiased):
    model, data = network(unbiased_running_var=unbiased), batches(*sizes)
    model[1].momentum, model[5].momentum = None, 0.9  # which plays no part
    assert recalibrate(model, data) == {"1": sum(sizes), "5": sum(sizes)}
    expected = by_hand(model, [x.numpy() for x in data], unbiased)
    for layer, (mean, var) in zip((model[1], model[5]), expected, strict=True):
        np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)
        assert layer.num_batches_tracked.item() == len(sizes)


def test_a_short_last_batch_counts_by_its_size():
    """Two rows among a hundred: the average of batches would give them half of the say."""
    layer = nn.BatchNorm1d(3).double()
    data = [tensor(normal(100, 3, seed=0)), tensor(normal(2, 3, seed=1) + 50)]
    recalibrate(layer, data)
    rows = np.concatenate([x.numpy() for x in data])
    np.testing.assert_allclose(layer.running_mean.numpy(), rows.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(8, 4), (8, 4, 5)])
def test_as_torchs_update_bn(torch, shape):
    """Equal batches and no dropout: where torch's way has no fault, both agree."""
    from torch.optim.swa_utils import update_bn

    ours, theirs = nn.BatchNorm1d(4).double(), torch.nn.BatchNorm1d(4).double()
    arrays = [3 * normal(*shape, seed=k) + 1 for k in range(5)]
    update_bn([(torch.as_tensor(x),) for x in arrays], theirs)
    recalibrate(ours, [(tensor(x),) for x in arrays])
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-12)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(4, axis=-1), nn.BatchNorm1d(4, axis=2)])
def test_another_axis(layer):
    x = normal(6, 5, 4, seed=0)
    recalibrate(layer.double(), [tensor(x)])
    np.testing.assert_allclose(layer.running_mean.numpy(), x.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), x.var(axis=(0, 1), ddof=1), rtol=1e-12)


def test_images():
    layer, x = nn.BatchNorm2d(3).double(), normal(2, 3, 5, 4, seed=0)
    assert recalibrate(layer, [tensor(x)]) == {"": 40}
    np.testing.assert_allclose(layer.running_mean.numpy(), x.mean(axis=(0, 2, 3)), rtol=1e-12)


@pytest.mark.parametrize("offset", [0, 1e4, 1e7])
def test_accumulated_in_double(offset):
    layer = nn.BatchNorm1d(2)
    arrays = [(normal(50, 2, seed=k) + offset).astype(np.float32) for k in range(40)]
    recalibrate(layer, [tensor(x) for x in arrays])
    wide = np.array(arrays, np.float64)
    np.testing.assert_array_equal(
        layer.running_mean.numpy(), wide.mean(axis=(0, 1)).astype(np.float32)
    )
    var = wide.var(axis=1, ddof=1).mean(axis=0)
    np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-7)


def test_training_and_evaluation_agree_afterwards():
    model, data = network(), batches(500)
    apart = np.abs((model.train()(data[0]) - model.eval()(data[0])).detach().numpy()).max()
    model[3].p = 0.0
    recalibrate(model, data)
    difference = model.train()(data[0]) - model.eval()(data[0])
    assert np.abs(difference.detach().numpy()).max() < 0.01 < 0.5 < apart


def test_only_the_statistics_change():
    model = network()
    model[1].eval()  # frozen: recalibration was asked for by name, so it counts nevertheless
    model(batches(9)[0]).sum().backward()
    before = everything(model)
    with minigrad.enable_grad():
        recalibrate(model, DataLoader(TensorDataset(tensor(normal(20, 3, seed=0))), batch_size=6))
    after = everything(model)
    assert before[1:] == after[1:]
    changed = {a[0] for a, b in zip(after[0], before[0], strict=True) if a != b}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert changed == {f"{layer}.{name}" for layer in (1, 5) for name in statistics}


def test_dropout_is_off_and_draws_nothing():
    first, second = network(), network()
    for model in (first, second):
        minigrad.manual_seed(id(model) % 1000)
        recalibrate(model, batches(20))
    np.testing.assert_array_equal(first[5].running_mean.numpy(), second[5].running_mean.numpy())


# --- shared layers, layers that are not called, layers without statistics ------------------------


class Twice(nn.Module):
    """Calls one normalization twice per batch, and one not at all."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.also = self.norm
        self.idle = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(input=3 * self.also(x) + 7)


def test_a_layer_called_twice():
    model, arrays = Twice().double(), [normal(8, 3, seed=0), normal(4, 3, seed=1)]
    before = everything(model.idle)
    assert recalibrate(model, map(tensor, arrays)) == {"norm": 24, "idle": 0}
    calls = [y for x in arrays for y in (x, 3 * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + 7)]
    weights = [len(x) for x in calls]
    mean = np.average([x.mean(axis=0) for x in calls], axis=0, weights=weights)
    var = np.average([x.var(axis=0, ddof=1) for x in calls], axis=0, weights=weights)
    np.testing.assert_allclose(model.norm.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(model.norm.running_var.numpy(), var, rtol=1e-12)
    assert model.norm.num_batches_tracked.item() == 4  # as training would count
    assert everything(model.idle) == before


def test_layers_without_statistics_take_part():
    model = nn.Sequential(
        nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3, affine=False)
    ).double()
    x = 5 * normal(30, 3, seed=0) + 4
    assert recalibrate(model, [tensor(x)]) == {"1": 30}
    np.testing.assert_allclose(model[1].running_mean.numpy(), np.zeros(3), atol=1e-14)


def test_statistics_that_only_evaluation_uses():
    layer = nn.BatchNorm1d(3).double()
    layer.track_running_stats = False
    layer.num_batches_tracked = None
    x = normal(30, 3, seed=0)
    recalibrate(layer, [tensor(x)])
    np.testing.assert_allclose(layer.running_mean.numpy(), x.mean(axis=0), rtol=1e-12)


class Loud(nn.BatchNorm1d):
    """A subclass with a forward of its own."""

    def forward(self, input):
        return 2 * super().forward(input)


def test_a_subclass():
    model = nn.Sequential(Loud(3), nn.BatchNorm1d(3)).double()
    recalibrate(model, [tensor(normal(30, 3, seed=0))])
    np.testing.assert_allclose(model[1].running_var.numpy(), np.full(3, 4 * 30 / 29), rtol=1e-4)


def test_renormalization():
    """It uses its memory in training, too; what is old in it must not flow into the next layer."""
    renorm = nn.BatchRenorm1d(3, eps=1e-9, r_max_steps=None, d_max_steps=None)
    model = nn.Sequential(renorm, nn.BatchNorm1d(3)).double()
    recalibrate(model, [tensor(5 * normal(30, 3, seed=k) + 4) for k in range(3)])
    np.testing.assert_allclose(model[1].running_mean.numpy(), np.zeros(3), atol=1e-8)
    np.testing.assert_allclose(model[1].running_var.numpy(), np.full(3, 30 / 29), rtol=1e-4)


def test_far_from_zero():
    """In float32 the mean of a batch is not exact enough to normalize by; the layer knows more."""
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    recalibrate(model, [tensor((normal(50, 2, seed=k) + 3e7).astype(np.float32)) for k in range(3)])
    np.testing.assert_allclose(model[1].running_mean.numpy(), np.zeros(2), atol=1e-6)


def test_empty_batches_count_for_nothing():
    first, second = network(), network()
    recalibrate(first, batches(8, 0, 5))
    recalibrate(second, [batches(8, 0, 5)[k] for k in (0, 2)])
    for key, value in first.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), second.state_dict()[key].numpy())


def test_hooks_run():
    class Record:
        def __init__(self):
            self.seen = []

        def __call__(self, module, inputs, output):
            self.seen.append((*output.shape, output.requires_grad, minigrad.is_grad_enabled()))

    model, record = network(), Record()
    model[2].register_forward_hook(record)
    model[1].register_forward_pre_hook(lambda module, inputs: (inputs[0] + 100,))
    recalibrate(model, batches(6, 7))
    assert record.seen == [(6, 5, False, False), (7, 5, False, False)]
    assert model[1].running_mean.numpy().min() > 90  # what the layer got, not what was sent


# --- errors --------------------------------------------------------------------------------------


def interrupted():
    yield from batches(6, 5)
    raise KeyboardInterrupt


BAD_LOADERS = [
    (lambda: tensor(normal(5, 3, seed=0)), TypeError, r"got Tensor; for one batch x write \[x\]"),
    (lambda: normal(5, 3, seed=0), TypeError, "got ndarray"),
    (lambda: 5, TypeError, "expected a DataLoader or another iterable of batches, got int"),
    (lambda: None, TypeError, "got NoneType"),
    (lambda: {"x": 1}, TypeError, "got dict"),
    (lambda: TensorDataset(tensor(normal(5, 3, seed=0))), TypeError, "got TensorDataset"),
    (lambda: [*batches(5), 3], TypeError, "batch 1 must be a Tensor, .* got int"),
    (lambda: [*batches(5), ()], TypeError, "batch 1 must be .* got tuple$"),
    (lambda: [[None]], TypeError, "batch 0 must be .* got list that begins with NoneType"),
    (lambda: [{"x": 1}], TypeError, "batch 0 must be .* got dict"),
    (lambda: [], ValueError, "the loader gave no batch"),
    (lambda: batches(0, 0), ValueError, "the loader gave no batch"),
    (lambda: batches(5, 1), ValueError, "layer '1' one value per channel.*drop_last=True"),
    (lambda: [*batches(5), tensor(normal(5, 4, seed=0))], minigrad.ShapeError, "in_features=3"),
    (lambda: [*batches(5), tensor(np.full((5, 3), np.nan))], ValueError, "layer '1', channel 0"),
    (lambda: [tensor(1.0)], minigrad.ShapeError, "in_features=3"),
    (interrupted, KeyboardInterrupt, None),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD_LOADERS)
def test_after_an_error_all_is_as_it_was(make, error, message):
    model = network()
    model(batches(9)[0]).sum().backward()
    model[1].eval()
    before = everything(model)
    with pytest.raises(error, match=message):
        recalibrate(model, make())
    assert everything(model) == before


def test_a_forward_that_raises():
    class Fragile(nn.Sequential):
        calls = 0

        def forward(self, x):
            type(self).calls += 1
            if self.calls == 3:
                raise MemoryError("here")
            return super().forward(x)

    model = Fragile(*network())
    before = everything(model)
    with pytest.raises(MemoryError, match="here"):
        recalibrate(model, batches(5, 5, 5))
    assert everything(model) == before


def test_a_wrong_input_is_answered_by_the_layer():
    with pytest.raises(minigrad.ShapeError, match=r"BatchNorm1d: expected 2D or 3D input \(got 1D"):
        recalibrate(nn.BatchNorm1d(3).double(), [tensor(normal(3, seed=0))])


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Sequential(nn.Linear(3, 2)), ValueError, "Sequential has no batch normalization with"),
        (nn.BatchNorm1d(3, track_running_stats=False), ValueError, "running statistics"),
        (None, TypeError, "model must be a Module, got NoneType"),
        (lambda x: x, TypeError, "model must be a Module, got function"),
    ],
)
def test_bad_models(model, error, message):
    with pytest.raises(error, match=message):
        recalibrate(model, batches(5))


# --- the pieces ----------------------------------------------------------------------------------


def test_population_against_all_at_once():
    layer = nn.BatchNorm1d(4)
    population = Population(layer)
    parts = [normal(size, 4, seed=k) + k for k, size in enumerate((3, 10, 2, 7))]
    for part in parts:
        population.add(part.mean(axis=0), part.var(axis=0), len(part))
    weights = [len(part) for part in parts]
    means = np.array([part.mean(axis=0) for part in parts])
    mean = np.average(means, axis=0, weights=weights)
    np.testing.assert_allclose(population.mean, mean, rtol=1e-12)
    scatter = np.average((means - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(population.scatter, scatter, rtol=1e-12)
    assert (population.calls, population.values) == (4, 22)


@pytest.mark.parametrize("sizes", [pytest.param((5, 5), marks=pytest.mark.slow), (5, 1)])
def test_nothing_waits_for_the_garbage_collector(sizes):
    def alive():
        return sum(issubclass(type(thing), nn.Module) for thing in gc.get_objects())

    model, data = network(), batches(*sizes)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        try:
            recalibrate(model, data)
        except ValueError:
            assert sizes[-1] == 1
        assert alive() == before
    finally:
        gc.enable()


def test_a_layer_that_is_not_reached_is_named():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm = nn.Linear(3, 3), nn.BatchNorm1d(3)

        def forward(self, x):
            return self.layer(x)

    with pytest.raises(ValueError, match="recalibrate: no batch reaches 'norm'; does forward call"):
        recalibrate(Unused().double(), batches(4))
    with pytest.raises(ValueError, match="recalibrate: the loader gave no batch with values"):
        recalibrate(Unused().double(), batches(0))
