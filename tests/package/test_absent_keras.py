"""Who comes from Keras and writes what is written there is told what to write here."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, nn, optim
from minigrad.absent.hints import HINTS
from minigrad.absent.keras import ARGUMENTS, KERAS
from minigrad.nn import functional as F

SGD = optim.SGD([mg.ones(1, requires_grad=True)])
OWNERS = {"Module": nn.Sequential(), "Optimizer": SGD}
OWNERS |= {owner: importlib.import_module(owner) for owner in KERAS if owner not in OWNERS}


@pytest.mark.parametrize("owner", KERAS)
def test_names(owner):
    for name, hint in KERAS[owner].items():
        assert name not in HINTS.get(owner, ()), f"{name}: torch's table answers first"
        assert not hasattr(OWNERS[owner], name), f"{owner} has {name}: the table is out of date"
        with pytest.raises(AttributeError, match=f"{name}.*: Keras has it, minigrad") as error:
            getattr(OWNERS[owner], name)
        assert str(error.value).endswith(hint)


def test_the_names_are_not_torch_s(torch):
    theirs = {"Module": torch.nn.Module, "Optimizer": torch.optim.Optimizer}
    for owner, names in KERAS.items():
        where = theirs.get(owner, torch)
        for part in owner.split(".")[1:]:
            where = getattr(where, part)
        assert not [name for name in names if hasattr(where, name)]


def test_other_names_are_answered_as_usual():
    with pytest.raises(AttributeError, match="^'Linear' object has no attribute 'fitt'$"):
        nn.Linear(1, 1).fitt  # noqa: B018
    with pytest.raises(AttributeError, match="^'SGD' object has no attribute 'zebra'$"):
        SGD.zebra  # noqa: B018


OPTIONS = [(SGD, name, name) for name in SGD.defaults]
OPTIONS += [(SGD, "learning_rate", "lr"), (optim.Adam([mg.ones(1)]), "beta_1", "betas")]


@pytest.mark.parametrize(("optimizer", "name", "option"), OPTIONS)
def test_an_option_belongs_to_the_groups(optimizer, name, option):
    with pytest.raises(AttributeError, match=f'setting {name} would.*: group."{option}". = …$'):
        setattr(optimizer, name, 0.1)
    assert name not in vars(optimizer)
    with pytest.raises(AttributeError, match=rf'param_groups\[0\]\["{option}"\]$'):
        getattr(optimizer, name)


@pytest.mark.parametrize(
    ("module", "name", "value", "hint"),
    [
        (nn.Linear(1, 1), "trainable", False, "requires_grad_"),
        (nn.Sequential(nn.Linear(1, 1)), "requires_grad", False, "requires_grad_"),
        (nn.Linear(1, 1), "activation", "relu", "nn.ReLU"),
        (nn.Linear(1, 1), "use_bias", False, "it is bias here"),
        (nn.Dropout(), "rate", 0.3, "it is p here"),
        (nn.BatchNorm1d(1), "epsilon", 0.3, "it is eps here"),
    ],
)
def test_an_attribute_that_a_layer_does_not_look_at(module, name, value, hint):
    with pytest.raises(AttributeError, match=f"setting {name} would change nothing; .*{hint}"):
        setattr(module, name, value)
    assert not hasattr(module, name)


def test_classes_of_yours_may_have_such_attributes():
    class Block(nn.Module):
        pass

    class Descent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})
            self.lr = lr

    block, layer = Block(), nn.Linear(1, 1)
    block.trainable = block.requires_grad = block.rate = layer.rate = False
    layer.activation = F.relu
    assert Descent([mg.ones(1)], 0.1).lr == 0.1


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    for call in (nn.Linear, nn.Conv2d, nn.MaxPool2d, nn.BatchNorm1d, optim.SGD, nn.MSELoss):
        with pytest.raises(
            TypeError, match=f"^{call.__name__}: there is no argument {name}; "
        ) as e:
            call(**{name: 1})
        assert str(e.value).endswith(ARGUMENTS[name])


def test_arguments_that_a_class_has_are_its_own():
    class Block(nn.Module):
        def __init__(self, units, activation=None):
            super().__init__()
            self.units = units

    class Loose(nn.Module):
        def __init__(self, **options):
            super().__init__()
            self.options = options

    assert Block(units=3, activation="relu").units == 3
    assert Loose(rate=1).options == {"rate": 1}
    nn.Identity(64, activation="relu")
    with pytest.raises(TypeError, match="unexpected keyword argument 'inn'"):
        nn.Linear(inn=1)
    layer = Block(units=3)
    assert copy.deepcopy(layer).units == copy.copy(layer).units == 3
    assert pickle.loads(pickle.dumps(SGD)).param_groups[0]["lr"] == SGD.param_groups[0]["lr"]


def test_a_base_with_a_new_of_its_own_gets_the_arguments():
    class Counted:
        def __new__(cls, *args, **kwargs):
            made = super().__new__(cls)
            made.__dict__["given"] = args, kwargs
            return made

    class Layer(nn.Linear, Counted):
        pass

    assert Layer(2, 3, bias=False).given == ((2, 3), {"bias": False})


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ([nn.ReLU()], r"Sequential\(\*layers\), with the star"),
        (nn.ReLU, r"this is a class: write ReLU\(\)"),
        ("relu", r"activations are layers here: ReLU\(\)"),
        (F.relu, r"activations are layers here: ReLU\(\)"),
        (3, r"\(Module or None expected\)$"),
    ],
)
def test_what_is_almost_a_layer(wrong, cure):
    with pytest.raises(TypeError, match=f"cannot assign .* as module '1' .*{cure}"):
        nn.Sequential(nn.Linear(2, 3), wrong)


@pytest.mark.parametrize(
    ("layer", "shape", "cure"),
    [
        (nn.Conv2d(3, 4, 1), (2, 5, 6, 3), r"x.permute\(0, 3, 1, 2\)"),
        (nn.ConvTranspose2d(3, 4, 1), (2, 5, 6, 3), r"x.permute\(0, 3, 1, 2\)"),
        (nn.Conv2d(3, 4, 1), (5, 6, 3), r"x.permute\(2, 0, 1\)"),
        (nn.Conv2d(1, 4, 1), (2, 6, 6), r"x.unsqueeze\(1\)"),
        (nn.BatchNorm2d(3), (2, 5, 6, 3), "for channels that come last there is axis=-1"),
        (nn.BatchNorm2d.from_keras(3), (2, 3, 5, 6), "axis=1 has 3: channels come second here"),
    ],
)
def test_channels_in_another_place(layer, shape, cure):
    with pytest.raises(ShapeError, match=cure):
        layer(mg.ones(shape))


def test_channels_that_are_nowhere_get_no_hint():
    for layer in (nn.Conv2d(3, 4, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3, axis=-1)):
        with pytest.raises(ShapeError) as error:
            layer(mg.ones(2, 5, 6, 7))
        assert "permute" not in str(error.value) and "; " not in str(error.value)


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_targets_of_yes_or_no(loss):
    scores = mg.full((4, 1), 0.5)
    with pytest.raises(ShapeError, match=r"shape \(4, 1\), got \(4,\); target.unsqueeze\(-1\)"):
        loss(scores, mg.ones(4))
    with pytest.raises(ShapeError, match=r"shape \(4, 1\), got \(3,\)$"):
        loss(scores, mg.ones(3))


def test_other_first_tries():
    model = nn.Sequential(nn.Linear(2, 3))
    with pytest.raises(TypeError, match=r"got Sequential; write model.parameters\(\)"):
        optim.Adam(model)
    with pytest.raises(TypeError, match=r"must be a list of numbers, as \[0.9, 0.1\], got 0.1"):
        mg.utils.data.random_split(mg.ones(10), 0.1)
    with pytest.raises(TypeError, match=r"input_shape .* as \(128, 784\); got \(None, 2\)$"):
        nn.summary(model, (None, 2))
    with pytest.raises(TypeError, match="input_shape .* got ndarray: give its shape, .*4, 2"):
        nn.summary(model, np.ones((4, 2)))
