"""nn.utils.fold_batch_norm: the same answers without normalizations, and only where it is sure."""

import copy
import os
from collections import OrderedDict

import numpy as np
import pytest
from helpers.layouts import normal

import minigrad
from minigrad import nn, optim, tensor
from minigrad.datasets import MNIST, digits
from minigrad.nn import functional as F
from minigrad.nn.utils import fold_batch_norm, recalibrate
from minigrad.utils.data import DataLoader

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
MINIGRAD_DATA = os.environ.get("MINIGRAD_DATA")


def lived_in(model, shape=(40, 6), seed=0):
    """A model whose weights and statistics are those of no fresh layer; in training mode."""
    rng = np.random.default_rng(seed)
    for module in model.modules():
        if isinstance(module, NORMS) and module.weight is not None:
            module.weight.data = tensor(rng.uniform(-2, 2, module.num_features)).float()
        if isinstance(module, NORMS) and module.bias is not None:
            module.bias.data = tensor(rng.standard_normal(module.num_features)).float()
    if any(isinstance(m, NORMS) and m.running_mean is not None for m in model.modules()):
        recalibrate(model, [tensor(2 * normal(*shape, seed=seed + 7, dtype=np.float32) + 1)])
    return model


def same_answers(model, folded, shape=(30, 6), tolerance=1e-5):
    x = tensor(2 * normal(*shape, seed=99, dtype=np.float32) + 1)
    expected = copy.deepcopy(model).eval()(x).detach().numpy()
    found = folded(x).detach().numpy()
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    return True


def norms(model):
    return [name for name, m in model.named_modules() if isinstance(m, NORMS)]


def plain(model):
    """Every number and mode of a model."""
    return (
        [(k, v.numpy().tobytes(), v._version) for k, v in model.state_dict().items()],
        [(name, m.training, sorted(vars(m))) for name, m in model.named_modules()],
        [(k, p.grad, p.requires_grad) for k, p in model.named_parameters()],
        repr(model),
        minigrad.get_rng_state().numpy().tobytes(),
    )


@pytest.mark.parametrize("norm", [{}, {"affine": False}, {"bias": False}, {"eps": 0.3}])
@pytest.mark.parametrize("bias", [True, False])
def test_one_pair_by_hand_and_torchs(torch, bias, norm):
    model = lived_in(nn.Sequential(nn.Linear(6, 4, bias=bias), nn.BatchNorm1d(4, **norm)))
    linear, layer = model
    folded = fold_batch_norm(model)
    wide = {k: v.numpy().astype(np.float64) for k, v in model.state_dict().items()}
    slope = wide.get("1.weight", 1) / np.sqrt(wide["1.running_var"] + layer.eps)
    expected_weight = slope[:, None] * wide["0.weight"]
    expected_bias = wide.get("1.bias", 0) + slope * (wide.get("0.bias", 0) - wide["1.running_mean"])
    np.testing.assert_array_equal(folded[0].weight.detach().numpy(), np.float32(expected_weight))
    np.testing.assert_array_equal(folded[0].bias.detach().numpy(), np.float32(expected_bias))
    assert same_answers(model, folded)

    theirs = torch.nn.Linear(6, 4, bias=bias).eval(), torch.nn.BatchNorm1d(4, eps=layer.eps).eval()
    for own, their in zip(model, theirs, strict=True):
        state = {k: torch.as_tensor(np.array(v.numpy())) for k, v in own.state_dict().items()}
        their.load_state_dict(state, strict=False)
    fused = torch.nn.utils.fusion.fuse_linear_bn_eval(*theirs)
    for name in ("weight", "bias"):
        expected = getattr(fused, name).detach().numpy()
        found = getattr(folded[0], name).detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_whole_network():
    model = nn.Sequential(
        nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(),
        nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Tanh()),
        nn.Sequential(nn.Sequential(nn.Linear(7, 4, bias=False))),
        nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3),
    )  # fmt: skip
    before = plain(lived_in(model))
    folded = fold_batch_norm(model)
    assert plain(model) == before
    assert norms(folded) == [] and same_answers(model, folded)
    assert folded.folding.folded == [("1", "0"), ("4.1", "4.0"), ("6", "5.0.0")]
    assert folded.folding.kept == []
    assert not any(module.training for module in folded.modules())
    assert [type(layer).__name__ for layer in folded][:3] == ["Linear", "Identity", "ReLU"]
    for key in ("8.weight", "8.bias"):  # the other layers keep their names and values
        np.testing.assert_array_equal(
            folded.state_dict()[key].numpy(), model.state_dict()[key].numpy()
        )
    assert str(folded.folding).splitlines()[1] == "4.1 is folded into 4.0"


def test_nothing_is_shared_with_the_model():
    model = lived_in(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)))
    folded = fold_batch_norm(model)
    for ours in folded.state_dict().values():
        for theirs in model.state_dict().values():
            assert not np.shares_memory(ours.numpy(), theirs.numpy())


def test_renormalization():
    """In evaluation it is batch norm."""
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchRenorm1d(4))
    recalibrate(model, [tensor(normal(30, 6, seed=0, dtype=np.float32))])
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("1", "0")] and same_answers(model, folded)


def test_several_normalizations_in_a_row():
    model = lived_in(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)))
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("1", "0"), ("2", "0")]
    assert len(folded[0]._forward_pre_hooks) == 1
    assert same_answers(model, folded)


def test_names_of_an_ordered_dict():
    layers = OrderedDict(fc=nn.Linear(6, 4), norm=nn.BatchNorm1d(4), relu=nn.ReLU())
    model = lived_in(nn.Sequential(layers))
    folded = fold_batch_norm(model)
    assert list(folded._modules) == ["fc", "norm", "relu"]
    assert folded.folding.folded == [("norm", "fc")] and same_answers(model, folded)


class Net(nn.Module):
    """Attributes whose order only forward knows, and a Sequential among them."""

    def __init__(self):
        super().__init__()
        self.fc, self.norm = nn.Linear(6, 4), nn.BatchNorm1d(4)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x):
        return self.body(self.norm(self.fc(x).relu()))


def test_attributes_of_a_module_stay():
    model = lived_in(Net())
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("body.1", "body.0")]
    assert folded.folding.kept == [("norm", "the forward of Net decides what comes before it")]
    assert same_answers(model, folded)


class Loud(nn.BatchNorm1d):
    def forward(self, input):
        return 2 * super().forward(input)


class Residual(nn.Sequential):
    def forward(self, input):
        return input + super().forward(input)


class Doubling(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


def hooked(model, place):
    model[place].register_forward_hook(lambda module, inputs, output: output + 1)
    return model


def replaced(layer, forward):
    layer.forward = forward
    return layer


def pair(C=6, **norm):
    return [nn.Linear(6, C), nn.BatchNorm1d(C, **norm)]


KEPT = [
    (lambda: nn.Sequential(nn.BatchNorm1d(6)), "nothing comes before it in its Sequential"),
    (lambda: nn.BatchNorm1d(6), "it is the whole model"),
    (lambda: nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.BatchNorm1d(4)), "it follows a ReLU"),
    (lambda: nn.Sequential(*pair(track_running_stats=False)), "it has no running statistics"),
    (lambda: nn.Sequential(nn.Linear(6, 4), Loud(4)), "it has hooks or a forward of its own"),
    (lambda: nn.Sequential(Doubling(6, 4), nn.BatchNorm1d(4)), "the Doubling before it has hooks"),
    (lambda: Residual(*pair()), "the forward of Residual decides"),
    (
        lambda: nn.Sequential(nn.Linear(6, 4), replaced(nn.BatchNorm1d(4), lambda x: 2 * x)),
        "it has hooks or a forward of its own",
    ),
    (lambda: hooked(nn.Sequential(*pair()), 0), "the Linear before it has hooks"),
    (lambda: hooked(nn.Sequential(*pair()), 1), "it has hooks or a forward of its own"),
    (lambda: nn.Sequential(nn.ModuleList(pair())), "the forward of ModuleList decides"),
]


@pytest.mark.parametrize(("make", "why"), KEPT, ids=[why for _, why in KEPT])
def test_what_is_not_certain_stays(make, why):
    model = lived_in(make()) if "ModuleList" not in why else make()
    folded = fold_batch_norm(model)
    assert folded.folding.folded == []
    assert [text.startswith(why) for _, text in folded.folding.kept] == [True]
    assert repr(folded) == repr(model)
    if "ModuleList" not in why:
        assert same_answers(model, folded)


@pytest.mark.parametrize(
    ("norm", "why"),
    [
        (nn.BatchNorm1d(5), "it has 5 channels, the Linear 4 outputs"),
        (nn.BatchNorm1d(4, axis=2), "its channels are along axis 2, the outputs of Linear are not"),
        (nn.BatchNorm1d(4, axis=-2), "its channels are along axis -2"),
        (nn.BatchNorm2d(4), "its channels are along axis 1"),
        (nn.BatchNorm1d(4).double(), "it is minigrad.float64, the Linear is minigrad.float32"),
    ],
)
def test_pairs_that_do_not_fit_stay(norm, why):
    folded = fold_batch_norm(nn.Sequential(nn.Linear(6, 4), norm))
    assert folded.folding.folded == [] and folded.folding.kept[0][1].startswith(why)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_bad_statistics_stay(value):
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
    model[1].running_var.fill_(1)
    model[1].running_mean[2] = value if value > 0 else 0.0
    model[1].running_var[2] = 1.0 if value > 0 else value
    folded = fold_batch_norm(model)
    assert folded.folding.kept == [("1", "its statistics make values that are not finite")]


def test_hooks_of_a_sequential_do_not_hinder_what_is_inside():
    seen = []
    inner = nn.Sequential(*pair())
    inner.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    model = lived_in(nn.Sequential(inner, nn.BatchNorm1d(6)))
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("0.1", "0.0")]
    assert folded.folding.kept == [("1", "it follows a Sequential")]
    seen.clear()
    assert same_answers(model, folded) and len(seen) == 2


# --- shared layers -------------------------------------------------------------------------------


def test_a_shared_linear_becomes_two():
    linear = nn.Linear(6, 6)
    model = nn.Sequential(linear, nn.BatchNorm1d(6), nn.ReLU(), linear, nn.BatchNorm1d(6), linear)
    folded = fold_batch_norm(lived_in(model))
    assert folded.folding.folded == [("1", "0"), ("4", "3")]
    assert folded[0] is not folded[3] and same_answers(model, folded)
    np.testing.assert_array_equal(folded[5].weight.detach().numpy(), linear.weight.detach().numpy())


def test_a_shared_normalization_is_folded_at_both_places():
    norm = nn.BatchNorm1d(6)
    model = nn.Sequential(nn.Linear(6, 6), norm, nn.ReLU(), nn.Linear(6, 6), norm)
    folded = fold_batch_norm(lived_in(model))
    assert folded.folding.folded == [("1", "0"), ("4", "3")] and same_answers(model, folded)


def test_a_shared_block_is_folded_once():
    block = nn.Sequential(*pair())
    model = lived_in(nn.Sequential(block, nn.ReLU(), block, nn.Sequential(nn.ReLU(), block)))
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("0.1", "0.0")] and folded.folding.kept == []
    assert folded[0] is folded[2] and same_answers(model, folded)


def test_the_end_of_a_shared_block_is_not_certain():
    """The Linear is followed by another normalization at each of its places."""
    block = nn.Sequential(nn.ReLU(), nn.Linear(6, 6))
    model = lived_in(nn.Sequential(block, nn.BatchNorm1d(6), block, nn.BatchNorm1d(6)))
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [] and len(folded.folding.kept) == 2
    assert "several places" in folded.folding.kept[0][1] and same_answers(model, folded)


def test_a_layer_that_a_module_also_uses_alone():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 6)
            self.body = nn.Sequential(self.fc, nn.BatchNorm1d(6))

        def forward(self, x):
            return self.body(x) + self.fc(x)

    model = lived_in(Tied())
    folded = fold_batch_norm(model)
    assert folded.folding.folded == [("body.1", "body.0")] and same_answers(model, folded)


# --- dimensions ----------------------------------------------------------------------------------


def test_channels_last():
    """Linear's outputs are the last axis, and so are the channels: right for any dimensions."""
    model = lived_in(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, axis=-1)), (9, 5, 6))
    folded = fold_batch_norm(model)
    assert norms(folded) == [] and not folded[0]._forward_pre_hooks
    assert same_answers(model, folded, (9, 5, 6)) and same_answers(model, folded, (9, 6))


def test_channels_in_the_middle_are_refused_in_words():
    """(N, C, L) with C = L: torch's fusion would answer with other numbers, without a word."""
    folded = fold_batch_norm(lived_in(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))))
    for shape in [(3, 4, 6), (6,)]:
        with pytest.raises(minigrad.ShapeError, match="folded into this layer.* 2D inputs only"):
            folded(minigrad.ones(*shape))


CONVOLUTIONS = [
    {},
    {"bias": False},
    {"stride": 2, "padding": 1},
    {"padding": "same", "dilation": 2},
    {"groups": 2},
]


@pytest.mark.parametrize("axis", [1, -3])
@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_convolutions(torch, options, axis):
    model = nn.Sequential(nn.Conv2d(4, 6, 3, **options), nn.BatchNorm2d(6, axis=axis), nn.ReLU())
    lived_in(model, (5, 4, 8, 7))
    folded = fold_batch_norm(model)
    assert norms(folded) == [] and same_answers(model, folded, (3, 4, 8, 7))
    assert repr(folded[0]) == repr(nn.Conv2d(4, 6, 3, **{**options, "bias": True}))

    theirs = torch.nn.Conv2d(4, 6, 3, **options).eval(), torch.nn.BatchNorm2d(6).eval()
    for own, their in zip(model, theirs, strict=False):
        state = {k: torch.as_tensor(np.array(v.numpy())) for k, v in own.state_dict().items()}
        their.load_state_dict(state)
    fused = torch.nn.utils.fusion.fuse_conv_bn_eval(*theirs)
    for name in ("weight", "bias"):
        expected = getattr(fused, name).detach().numpy()
        found = getattr(folded[0], name).detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_network_of_the_article():
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(72, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10),
    )  # fmt: skip
    folded = fold_batch_norm(lived_in(model, (30, 1, 8, 8)))
    assert folded.folding.folded == [("1", "0"), ("6", "5")]
    assert same_answers(model, folded, (9, 1, 8, 8))


@pytest.mark.parametrize(
    ("norm", "why"),
    [
        (nn.BatchNorm2d(4, axis=-1), "its channels are along axis -1, the outputs of Conv2d are"),
        (nn.BatchNorm2d(4, axis=2), "its channels are along axis 2"),
        (nn.BatchNorm1d(4), "its channels are along axis 1"),
        (nn.BatchNorm2d(3), "it has 3 channels, the Conv2d 4 outputs"),
    ],
)
def test_convolutions_that_do_not_fit(norm, why):
    folded = fold_batch_norm(nn.Sequential(nn.Conv2d(2, 4, 3), norm))
    assert folded.folding.folded == [] and folded.folding.kept[0][1].startswith(why)


def test_gradients_may_still_be_asked_for():
    model = lived_in(nn.Sequential(*pair(4), nn.Linear(4, 2)))
    model[0].requires_grad_(False)
    folded = fold_batch_norm(model)
    assert [p.requires_grad for p in folded.parameters()] == [False, False, True, True]
    x = tensor(normal(5, 6, seed=0, dtype=np.float32), requires_grad=True)
    folded(x).sum().backward()
    assert x.grad is not None and folded[0].weight.grad is None


def test_in_double():
    model = nn.Sequential(*pair(4)).double()
    recalibrate(model, [tensor(normal(30, 6, seed=0))])
    x = tensor(normal(10, 6, seed=1))
    found = fold_batch_norm(model)(x).detach().numpy()
    np.testing.assert_allclose(found, model.eval()(x).detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("model", [None, "net", lambda x: x, [nn.Linear(1, 1)]])
def test_no_module(model):
    with pytest.raises(TypeError, match="fold_batch_norm: model must be a Module, got"):
        fold_batch_norm(model)


def test_a_model_without_any():
    folded = fold_batch_norm(nn.Linear(6, 2))
    assert str(folded.folding) == "there is no batch normalization" and not folded.training


# --- trained networks ----------------------------------------------------------------------------


def briefly_trained(dataset, steps):
    minigrad.manual_seed(0)
    pixels = dataset[0][0].numel()
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(pixels, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(),
        nn.Linear(64, 10), nn.BatchNorm1d(10),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    batches = DataLoader(dataset, batch_size=64, shuffle=True, drop_last=True)
    for _, (images, labels) in zip(range(steps), batches, strict=False):
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def agreement(model, images, labels):
    """The share of right answers, after a check that the folded model gives the very same ones."""
    folded = fold_batch_norm(model)
    assert norms(folded) == []
    with minigrad.no_grad():
        expected, found = model(images), folded(images)
    assert (found - expected).abs().max().item() <= 1e-5 * expected.abs().max().item()
    np.testing.assert_array_equal(found.argmax(1).numpy(), expected.argmax(1).numpy())
    return (found.argmax(1) == labels).float().mean().item()


def test_digits():
    model = briefly_trained(digits(train=True), steps=20)
    assert agreement(model, *digits().tensors) > 0.9


@pytest.mark.slow
@pytest.mark.skipif(not MINIGRAD_DATA, reason="MINIGRAD_DATA names no folder with the MNIST files")
def test_mnist():
    """The same answer to all 10,000 test images."""
    model = briefly_trained(MNIST(train=True), steps=400)
    assert agreement(model, *MNIST(train=False).tensors) > 0.95
