"""Models that use a layer and its normalization apart: equal, kept or an error, never silent."""

import copy
import pickle

import numpy as np
import pytest
from nn.test_folding import NORMS, lived_in, norms, same_answers

import minigrad
from minigrad import nn, tensor
from minigrad.nn import functional as F
from minigrad.nn.utils import fold_batch_norm


def body(C=6):
    return [nn.Linear(6, C), nn.BatchNorm1d(C), nn.ReLU()]


class Model(nn.Module):
    """The body of the report; what a subclass does with it is its forward."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*body())
        self.start()

    def start(self):
        pass


class Looped(Model):
    """The report: keeps the value after the first layer."""

    def forward(self, x):
        between = None
        for layer in self.body:
            x = layer(x)
            between = x if between is None else between
        return x + between


class LoopedOnly(Model):
    def forward(self, x):
        for layer in self.body:
            x = layer(x)
        return x


class First(Model):
    def forward(self, x):
        return self.body(x) + self.body[0](x)


class Second(Model):
    def forward(self, x):
        return self.body[1](x)


class Sliced(Model):
    def forward(self, x):
        return self.body[1:](self.body[:1](x)) + self.body[:1](x)


class SlicedBehind(Model):
    def forward(self, x):
        return self.body[1:](x)


class Children(Model):
    def forward(self, x):
        for layer in self.body.children():
            x = layer(x)
        return x


class Named(Model):
    def forward(self, x):
        return self.body.get_submodule("1")(self.body.get_submodule("0")(x))


class Direct(Model):
    """Past __call__."""

    def forward(self, x):
        return self.body[1].forward(self.body[0].forward(x))


class Weights(Model):
    """An autoencoder with tied weights."""

    def forward(self, x):
        return F.linear(self.body(x), self.body[0].weight.t())


class Biased(Model):
    def forward(self, x):
        return self.body(x) + self.body[0].bias


class Assigned(Model):
    """Weights that are made anew each time."""

    def start(self):
        self.direction = nn.Parameter(minigrad.ones(6, 6))

    def forward(self, x):
        self.body[0].weight = nn.Parameter(self.direction.detach() / 2)
        return self.body(x)


class Buffers(Model):
    def forward(self, x):
        return self.body(x) - self.body[1].running_mean


class Inner(nn.Module):
    """The first half in a Sequential of its own."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Linear(6, 6)), nn.BatchNorm1d(6))

    def forward(self, x):
        return self.body(x) + self.body[0](x)


class Method(nn.Sequential):
    """A Sequential with one more method, and a model that calls it."""

    def features(self, x):
        return self[0](x)


class Methodical(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Method(*body())

    def forward(self, x):
        return self.body(x) + self.body.features(x)


class Listed(nn.Module):
    """Layers that are run by hand and never as a whole, in a list of Sequentials."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(*body()), nn.Sequential(*body())])

    def forward(self, x):
        return self.blocks[1][1](self.blocks[1][0](self.blocks[0](x)))


ERRORS = [
    Looped, LoopedOnly, First, Second, Sliced, SlicedBehind, Children, Named, Direct, Weights,
    Biased, Assigned, Inner, Methodical, Listed,
]  # fmt: skip
X = tensor(np.random.default_rng(5).standard_normal((9, 6)).astype(np.float32))


@pytest.mark.parametrize("make", ERRORS, ids=lambda make: make.__name__)
def test_halves_by_themselves_are_an_error(make):
    model = lived_in(make())
    model.eval()(X)
    folded = fold_batch_norm(model)
    assert folded.folding.folded
    with pytest.raises(RuntimeError, match=r"fold_batch_norm put .*body|blocks.*not folded"):
        folded(X)


def test_buffers_of_the_normalization_are_gone():
    folded = fold_batch_norm(lived_in(Buffers()))
    with pytest.raises(AttributeError, match="'Identity' object has no attribute 'running_mean'"):
        folded(X)


def test_the_error_says_what_was_folded_and_what_to_do():
    folded = fold_batch_norm(lived_in(Looped()))
    with pytest.raises(RuntimeError, match=r"put body\.1 into body\.0, .* runs as a whole; call"):
        folded(X)
    folded = fold_batch_norm(lived_in(Weights()))
    with pytest.raises(RuntimeError, match=r"put body\.1 into body\.0, whose weight has been"):
        folded(X)


# --- equal ---------------------------------------------------------------------------------------


class Aliased(Model):
    """The same layers under two names: the second keeps what it has."""

    def start(self):
        self.first, self.norm, self.listed = self.body[0], self.body[1], [self.body[0]]

    def forward(self, x):
        return self.body(x) + self.norm(self.first(x)) + self.first(x) + self.listed[0](x)


class SharedWeight(Model):
    """Another layer has the same Parameter."""

    def start(self):
        self.other = nn.Linear(6, 6)
        self.other.weight = self.body[0].weight

    def forward(self, x):
        return self.other(self.body(x))


class BothHomes(nn.Module):
    """One Sequential in two others, and alone."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(*body())
        self.a, self.b = nn.Sequential(self.block, nn.Tanh()), nn.Sequential(nn.Tanh(), self.block)

    def forward(self, x):
        return self.a(x) + self.b(x) + self.block(x) + self.a[0](x)


class OutsideIn(nn.Module):
    """Nested Sequentials; the inner one, with both halves, is called alone, too."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(*body()), nn.Linear(6, 6), nn.BatchNorm1d(6))

    def forward(self, x):
        return self.body(x) + self.body[0](x) + nn.Sequential.forward(self.body, x)


class Block(nn.Sequential):
    """The usual block of vision networks: only its __init__ is its own."""

    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU())


class FewerEps(nn.BatchNorm1d):
    def __init__(self, features):
        super().__init__(features, eps=1e-3)


EQUAL = {
    "aliased": (Aliased, ["norm"]),
    "shared weight": (SharedWeight, []),
    "both homes": (BothHomes, []),
    "outside in": (OutsideIn, []),
    "block": (lambda: nn.Sequential(Block(6, 4), Block(4, 3)), []),
    "subclass of a norm": (lambda: nn.Sequential(nn.Linear(6, 4), FewerEps(4)), []),
    "across": (
        lambda: nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(6, 4))), nn.BatchNorm1d(4)), []
    ),
    "into": (lambda: nn.Sequential(nn.Linear(6, 4), nn.Sequential(nn.BatchNorm1d(4))), []),
    "three": (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), nn.BatchNorm1d(4)),
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "left"), EQUAL.values(), ids=EQUAL)
def test_equal(make, left):
    model = lived_in(make())
    folded = fold_batch_norm(model)
    assert folded.folding.folded and norms(folded) == left
    assert same_answers(model, folded)


# --- kept ----------------------------------------------------------------------------------------


class Positive(nn.Linear):
    """Its weight is a formula."""

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        return value.abs() if name == "weight" else value


class Unbiased(nn.BatchNorm1d):
    """Its class changes what is normalized."""

    def _normalize(self, input, *arguments, **options):
        return F.batch_norm(input * 2, *arguments, **options)


class Stubborn(nn.BatchNorm1d):
    def train(self, mode=True):
        return super().train(True)


class Called(nn.Sequential):
    def __call__(self, input):
        return super().__call__(input) + self[0](input)


def pre_hooked(model, place):
    model[place].register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))
    return model


def watched(model, place):
    """Features that a hook saves."""
    model.saved = []
    model[place].register_forward_hook(lambda module, inputs, y: model.saved.append(y.sum().item()))
    return model


KEPT = [
    (lambda: nn.Sequential(Positive(6, 4), nn.BatchNorm1d(4)), "the class Positive of the layer"),
    (lambda: nn.Sequential(nn.Linear(6, 4), Unbiased(4)), "its class Unbiased has attributes"),
    (lambda: nn.Sequential(nn.Linear(6, 4), Stubborn(4)), "its class Stubborn has attributes"),
    (lambda: Called(*body()), "the forward of Called decides"),
    (lambda: pre_hooked(nn.Sequential(*body()), 0), "the Linear before it has hooks"),
    (lambda: pre_hooked(nn.Sequential(*body()), 1), "it has hooks"),
    (lambda: watched(nn.Sequential(*body()), 0), "the Linear before it has hooks"),
    (lambda: watched(nn.Sequential(*body()), 1), "it has hooks"),
    (
        lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, track_running_stats=False)),
        "it has no running statistics",
    ),
]


@pytest.mark.parametrize(("make", "why"), KEPT, ids=[why for _, why in KEPT])
def test_kept(make, why):
    model = lived_in(make())
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [] and folded.folding.kept[0][1].startswith(why)
    assert same_answers(model, folded)


def test_a_normalization_that_stays_in_training_mode_is_kept():
    model = lived_in(nn.Sequential(*body()))
    model[1].train = lambda mode=True: model[1]
    folded = fold_batch_norm(model)
    assert folded.folding.kept == [("1", "it stays in training mode")]
    assert same_answers(model, folded)


# --- the folded model is a model -----------------------------------------------------------------


MODELS = {
    "chain": lambda: nn.Sequential(*body(), nn.Sequential(*body(4)), nn.Linear(4, 2)),
    "own forward": BothHomes,
    "convolution": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
    "flat": lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)),
}
models = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def shape_of(make):
    return (5, 1, 6, 6) if make is MODELS["convolution"] else (40, 6)


@models
@pytest.mark.parametrize(
    "again",
    [
        copy.deepcopy,
        lambda folded: pickle.loads(pickle.dumps(folded)),
        fold_batch_norm,
        lambda folded: fold_batch_norm(fold_batch_norm(folded)),
        lambda folded: folded.float(),
    ],
    ids=["deepcopy", "pickle", "folded", "folded twice", "float"],
)
def test_a_copy_of_a_folded_model_answers_as_it(make, again):
    model = lived_in(make(), shape_of(make))
    folded = fold_batch_norm(model)
    other = again(folded)
    assert repr(other) == repr(folded) and list(other.state_dict()) == list(folded.state_dict())
    assert same_answers(model, other, shape_of(make))
    for parameter in other.parameters():  # what it learns or loads is what it answers with
        parameter.data = parameter.data * 0
    answer = other(tensor(np.ones(shape_of(make), np.float32))).detach().numpy()
    assert np.abs(answer).max() == 0


@models
def test_the_state_of_a_folded_model(make, tmp_path):
    """Its keys are those of the layers; a file of it loads into another folded model, and back."""
    model = lived_in(make(), shape_of(make))
    folded, other = fold_batch_norm(model), fold_batch_norm(make())
    inside = [name for name, m in model.named_modules(remove_duplicate=False) if type(m) in NORMS]
    keys = {key for key in model.state_dict() if key.rpartition(".")[0] not in inside}
    assert keys == set(folded.state_dict())
    minigrad.save(folded.state_dict(), tmp_path / "folded.safetensors")
    other.load_state_dict(minigrad.load(tmp_path / "folded.safetensors"))
    assert same_answers(model, other, shape_of(make))
    with pytest.raises(RuntimeError, match="Unexpected key"):
        folded.load_state_dict(model.state_dict())


def test_the_layers_print_as_what_they_are():
    folded = fold_batch_norm(lived_in(BothHomes()))
    assert repr(folded.block) == (
        "Sequential(\n  (0): Linear(in_features=6, out_features=6, bias=True)\n"
        "  (1): Identity()\n  (2): ReLU()\n)"
    )
    assert isinstance(folded.block[0], nn.Linear) and isinstance(folded.block[1], nn.Identity)


def test_in_double_after_folding():
    model = lived_in(nn.Sequential(*body()))
    folded = fold_batch_norm(model).double()
    x = X.double()
    expected = model.eval().double()(x).detach().numpy()
    np.testing.assert_allclose(folded(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_weights_of_a_chain_may_be_read_and_changed():
    folded = fold_batch_norm(lived_in(nn.Sequential(*body())))
    folded[0].weight = nn.Parameter(minigrad.zeros(6, 6))
    folded[0].bias = nn.Parameter(minigrad.arange(6).float() - 3)
    assert folded(X[:1]).tolist() == [[0, 0, 0, 0, 1, 2]]
    assert folded[0].weight is next(folded.parameters())


def test_hooks_of_the_folded_model_run_once():
    folded, seen = fold_batch_norm(lived_in(nn.Sequential(*body()))), []
    for module in folded.modules():
        module.register_forward_hook(lambda module, inputs, output: seen.append(type(module)))
    expected = folded(X)
    assert [kind.__name__ for kind in seen] == ["Linear", "Identity", "ReLU", "Sequential"]
    assert nn.summary(folded, (9, 6)).rows[0].output_shape == tuple(expected.shape)


def test_a_layer_of_a_chain_that_is_folded_runs_in_it_only():
    model = lived_in(nn.Sequential(*body()))
    folded = fold_batch_norm(model)
    for part in (folded[0], folded[:1], folded[1], copy.deepcopy(folded[0]), folded + folded):
        with pytest.raises(RuntimeError, match="put 1 into 0"):
            part(X)
    assert (folded[2](X) == model[2](X)).all()
