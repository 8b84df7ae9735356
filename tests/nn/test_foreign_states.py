"""State dicts from elsewhere: from torch before 0.4.1, from Keras, Flax and converters."""

from collections import OrderedDict

import numpy as np
import pytest

import minigrad
from minigrad import ShapeError, nn

COUNTER = "num_batches_tracked"


class Nested(nn.Module):
    """Batch norms at the top, in a Sequential, in a ModuleList, and one that has two names."""

    def __init__(self, nn=nn):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.body = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3, momentum=None)))
        self.heads = nn.ModuleList([nn.BatchNorm1d(3, affine=False)])
        self.again = self.norm


MODELS = {
    "1d": lambda nn=nn: nn.BatchNorm1d(3),
    "2d": lambda nn=nn: nn.BatchNorm2d(3),
    "nested": lambda nn=nn: Nested() if nn is minigrad.nn else None,
    "renorm 1d": lambda nn=nn: getattr(nn, "BatchRenorm1d", lambda _: None)(3),
    "renorm 2d": lambda nn=nn: getattr(nn, "BatchRenorm2d", lambda _: None)(3),
}


def values(model):
    return {key: tensor.tolist() for key, tensor in model.state_dict().items()}


def trained(make):
    """A model that has counted 7 batches, and a state dict of another, without its counters."""
    model, other = make(), make()
    rng = np.random.default_rng(0)
    for key, tensor in model.state_dict().items():
        tensor.fill_(7) if key.endswith(COUNTER) else tensor.uniform_(1, 2)
    state = OrderedDict()
    for key, tensor in other.state_dict().items():
        if not key.endswith(COUNTER):
            state[key] = minigrad.tensor(rng.uniform(1, 2, tensor.shape).astype(np.float32))
            if key.startswith("again."):  # a second name, whose values come last
                state[key] = state[key.replace("again", "norm")]
    return model, state


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("strict", [True, False])
def test_without_a_counter_all_else_is_loaded_and_the_own_counter_stays(name, strict):
    model, state = trained(MODELS[name])
    keys = list(state)
    result = model.load_state_dict(state, strict=strict)
    assert result == ([], []) and repr(result) == "<All keys matched successfully>"
    assert list(state) == keys  # nothing was added to it
    for key, tensor in model.state_dict().items():
        assert tensor.tolist() == (7 if key.endswith(COUNTER) else state[key].tolist())


@pytest.mark.parametrize("name", ["1d", "2d"])
def test_what_may_be_missing_is_torchs(torch, name):
    for drop in ([], [COUNTER], ["running_mean"], [COUNTER, "running_var"], ["weight", COUNTER]):
        for version in (None, 1, 2):
            results = []
            for make in (lambda: MODELS[name](), lambda: MODELS[name](torch.nn)):
                model = make()
                state = OrderedDict((k, v) for k, v in make().state_dict().items() if k not in drop)
                state._metadata = OrderedDict({"": {} if version is None else {"version": version}})
                try:
                    results.append(tuple(model.load_state_dict(state)))
                except RuntimeError as error:
                    results.append(str(error).split(":", 1)[1].strip().rstrip(". "))
                results.append(tuple(map(sorted, model.load_state_dict(state, strict=False))))
            assert results[:2] == results[2:], (drop, version)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("missing", ["running_mean", "running_var"])
def test_a_missing_statistic_stays_an_error_and_changes_nothing(name, missing):
    model, state = trained(MODELS[name])
    key = next(key for key in state if key.endswith(missing))
    del state[key]
    before = values(model)
    with pytest.raises(RuntimeError, match=rf'Missing key\(s\) in state_dict: "{key}"'):
        model.load_state_dict(state)
    assert values(model) == before
    assert model.load_state_dict(state, strict=False) == ([key], [])


def test_without_a_counter_a_shape_that_does_not_fit_changes_nothing():
    model, state = trained(Nested)
    state["body.1.0.running_var"] = minigrad.ones(4)
    before = values(model)
    with pytest.raises(ShapeError, match=r"body.1.0.running_var.*\(4,\)"):
        model.load_state_dict(state)
    assert values(model) == before


def test_only_a_batch_norms_counter_may_be_missing():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer(COUNTER, minigrad.tensor(3))

    with pytest.raises(RuntimeError, match="Missing"):
        Counting().load_state_dict({})


def test_a_layer_that_tracks_nothing_has_no_place_for_statistics(torch):
    for library in (nn, torch.nn):
        state = library.BatchNorm1d(3).state_dict()
        layer = library.BatchNorm1d(3, track_running_stats=False)
        with pytest.raises(RuntimeError, match='Unexpected.*"running_mean", "running_var"'):
            layer.load_state_dict(state)
        assert layer.load_state_dict(state, strict=False).unexpected_keys == list(state)[2:]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_counter_of_any_dtype_with_or_without_a_dimension_is_its_number(torch, dtype, shape):
    for library, layers in ((minigrad, nn), (torch, torch.nn)):
        layer = layers.BatchNorm1d(3)
        counter = library.ones(shape, dtype=getattr(library, dtype)) * 5
        layer.load_state_dict({**layer.state_dict(), COUNTER: counter})
        assert layer.num_batches_tracked.tolist() == 5
        assert layer.num_batches_tracked.dtype is library.int64


@pytest.mark.parametrize("shape", [(0,), (2,), (1, 1)])
def test_a_counter_of_other_shapes_is_a_shape_error(torch, shape):
    for library, layers, error in ((minigrad, nn, ShapeError), (torch, torch.nn, RuntimeError)):
        layer = layers.BatchNorm1d(3)
        with pytest.raises(error, match=f"size mismatch for {COUNTER}"):
            layer.load_state_dict({**layer.state_dict(), COUNTER: library.ones(shape)})


def test_one_value_of_shape_1_fits_a_scalar_parameter_and_not_the_other_way_round(torch):
    for library, layers, error in ((minigrad, nn, ShapeError), (torch, torch.nn, RuntimeError)):
        model = layers.Module()
        model.scale = layers.Parameter(library.tensor(2.0))
        model.load_state_dict({"scale": library.tensor([3.0])})
        assert model.scale.tolist() == 3 and tuple(model.scale.shape) == ()
        model.scale = layers.Parameter(library.tensor([2.0]))
        with pytest.raises(error, match="size mismatch for scale"):
            model.load_state_dict({"scale": library.tensor(3.0)})


def test_double_statistics_are_rounded_to_the_layers_dtype():
    layer = nn.BatchNorm1d(2)
    mean = minigrad.tensor([0.1, 1e-3], dtype=minigrad.float64)
    layer.load_state_dict({**layer.state_dict(), "running_mean": mean})
    assert layer.running_mean.dtype is minigrad.float32
    np.testing.assert_array_equal(layer.running_mean.numpy(), mean.numpy().astype(np.float32))


def test_a_negative_counter_is_an_error_in_words_where_it_is_used():
    layer = nn.BatchNorm1d(2, momentum=None)
    layer.load_state_dict({**layer.state_dict(), COUNTER: minigrad.tensor(-1)})
    before = values(layer)
    with pytest.raises(ValueError, match="BatchNorm1d: num_batches_tracked must be >= 0, got -1"):
        layer(minigrad.randn(4, 2))
    assert values(layer) == before


# --- values that are no Tensors -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", ">f4"])
def test_arrays_are_loaded_as_tensors_are(dtype):
    model, state = trained(Nested)
    arrays = {key: (8 * value.numpy()).astype(dtype)[::-1] for key, value in state.items()}
    model.load_state_dict({**arrays, "norm." + COUNTER: np.int32(5)})
    for key, tensor in model.state_dict().items():
        if not key.endswith(COUNTER):
            np.testing.assert_array_equal(tensor.numpy(), arrays[key])
    assert model.norm.num_batches_tracked.item() == 5
    arrays["norm.weight"][:] = 0
    assert model.norm.weight.detach().numpy().all()  # a copy


def test_torchs_tensors_are_loaded_and_those_that_numpy_lacks_are_named(torch):
    theirs = torch.nn.BatchNorm1d(3)
    ours = nn.BatchNorm1d(3)
    theirs.train()(torch.randn(8, 3))
    ours.load_state_dict(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(keep_vars=True))  # parameters that require gradients
    for key, tensor in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), tensor.numpy())
    before = values(ours)
    with pytest.raises(TypeError, match="running_mean: NumPy cannot read the Tensor: .*meta"):
        ours.load_state_dict({**theirs.state_dict(), "running_mean": torch.ones(3, device="meta")})
    assert values(ours) == before
    for half in (torch.float16, torch.bfloat16):
        state = {key: value.to(half) for key, value in theirs.state_dict().items()}
        ours.load_state_dict(state)
        np.testing.assert_array_equal(ours.weight.detach().numpy(), state["weight"].float().numpy())


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones(3, complex), TypeError, "expected real numbers, got ndarray of complex128"),
        (np.array(["a", "b", "c"]), TypeError, "expected real numbers, got ndarray of <U1"),
        (np.array([None] * 3), TypeError, "expected real numbers, got ndarray of object"),
        (np.ma.masked_array([1.0] * 3), TypeError, "Tensor or an array, got MaskedArray"),
        (np.float32, TypeError, "expected a Tensor or an array, got type"),
        ([1.0] * 3, TypeError, "expected a Tensor or an array, got list"),
        (np.ones(4), ShapeError, r"size mismatch for running_mean: .*\(4,\).*\(3,\)"),
        (np.full(3, 1e300), ValueError, "float64 values that overflow minigrad.float32"),
        (np.full(3, np.nan, np.float16), ValueError, "NaN or infinite values"),
    ],
)
def test_an_array_that_does_not_fit_changes_nothing(value, error, message):
    layer = nn.BatchNorm1d(3)
    before = values(layer)
    with pytest.raises(error, match=message):
        layer.load_state_dict({**layer.state_dict(), "running_mean": value})
    assert values(layer) == before
    large = np.uint64(2**64 - 1)
    with pytest.raises(ValueError, match=f"{COUNTER}: uint64 values that minigrad.int64 cannot"):
        layer.load_state_dict({**layer.state_dict(), COUNTER: large})
