"""ONNX files compute what the model computes, or are refused in words."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, ShapeError, nn
from minigrad.nn import functional as F

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

ROWS, WORDS, IMAGES, ODD_IMAGES = (3, 8), (3, 4, 6), (2, 4, 8, 8), (2, 3, 7, 8)


def example(shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def labels(shape=(3, 5)):
    return mg.tensor(np.random.default_rng(0).integers(0, 10, shape))


class Of(nn.Module):
    """A module that computes a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def trained(model, seed=0):
    """The model in evaluation, as if it had been trained: nothing in it is 0 or 1."""
    rng = np.random.default_rng(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(mg.tensor(rng.uniform(0.5, 2, tensor.shape)))
        elif tensor.dtype.is_floating_point and tensor.ndim == 1:
            tensor.copy_(mg.tensor(rng.normal(size=tensor.shape)))
    return model.eval()


def largest_difference(model, inputs, path, **options):
    """Between minigrad and onnxruntime, as a share of the largest number; three batches."""
    mg.onnx.export(model, inputs, path, **options)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    sizes = [len(inputs[0]), 1, 5] if options.get("dynamic_batch", True) else [0]
    for size in sizes:
        batch = [np.resize(x.numpy(), (size, *x.shape[1:])) if size else x.numpy() for x in inputs]
        ours = model(*map(mg.tensor, batch))
        ours = list(ours) if isinstance(ours, (tuple, list)) else [ours]
        feed = {each.name: x for each, x in zip(session.get_inputs(), batch, strict=True)}
        for theirs, y in zip(session.run(None, feed), ours, strict=True):
            y = y.detach().numpy()
            assert theirs.shape == y.shape and theirs.dtype == y.dtype
            worst = max(worst, np.abs(theirs - y).max() / max(1, np.abs(y).max()))
    return worst


LAYERS = [  # each of minigrad.nn, with an input; see the test below
    (nn.Linear(8, 5), ROWS), (nn.Linear(6, 5), WORDS), (nn.Linear(8, 5, bias=False), ROWS),
    (nn.Identity(), ROWS), (nn.Flatten(), IMAGES), (nn.Flatten(2), IMAGES),
    (nn.ReLU(), ROWS), (nn.LeakyReLU(0.2), ROWS), (nn.Sigmoid(), ROWS), (nn.Tanh(), ROWS),
    (nn.GELU(), ROWS), (nn.GELU("tanh"), ROWS), (nn.Softmax(1), WORDS), (nn.LogSoftmax(-1), WORDS),
    (nn.Dropout(), ROWS), (nn.Dropout2d(), IMAGES),
    (nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 2)), ROWS),
    (nn.BatchNorm1d(8), ROWS), (nn.BatchNorm1d(4), WORDS), (nn.BatchNorm1d(6, axis=-1), WORDS),
    (nn.BatchNorm1d(8, affine=False), ROWS), (nn.BatchNorm1d.from_keras(8, scale=False), ROWS),
    (nn.BatchNorm2d(4), IMAGES), (nn.BatchNorm2d(8, axis=-1), IMAGES),
    (nn.BatchRenorm1d(8), ROWS), (nn.BatchRenorm2d(4), IMAGES),
    (nn.LayerNorm(6), WORDS), (nn.LayerNorm((4, 6)), WORDS),
    (nn.LayerNorm(6, elementwise_affine=False), WORDS),
    (nn.GroupNorm(2, 4), IMAGES), (nn.GroupNorm(2, 8), ROWS), (nn.GroupNorm(4, 4), WORDS),
    (nn.Conv2d(4, 6, 3), IMAGES), (nn.Conv2d(4, 6, 4, padding="same"), IMAGES),
    (nn.Conv2d(4, 6, 3, stride=3, padding=1), IMAGES),
    (nn.Conv2d(4, 8, (3, 2), dilation=(2, 1), groups=2, bias=False), IMAGES),
    (nn.ConvTranspose2d(4, 6, 3), IMAGES),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), IMAGES),
    (nn.ConvTranspose2d(4, 6, 3, stride=3, output_padding=2, groups=2, dilation=2), IMAGES),
    (nn.MaxPool2d(2), IMAGES), (nn.MaxPool2d(3, 2, 1), IMAGES), (nn.MaxPool2d(2, 1, 0, 2), IMAGES),
    (nn.MaxPool2d(3, 3, 1, ceil_mode=True), ODD_IMAGES),
    (nn.AvgPool2d(2), IMAGES), (nn.AvgPool2d(3, 2, 1), IMAGES),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGES),
    (nn.AvgPool2d(3, 3, 1, ceil_mode=True, count_include_pad=False), ODD_IMAGES),
    (nn.AvgPool2d(3, 2, 1, divisor_override=4), IMAGES),
    (nn.AvgPool2d(2, ceil_mode=True), ODD_IMAGES),
    (nn.AdaptiveAvgPool2d(1), IMAGES), (nn.AdaptiveAvgPool2d((2, 4)), IMAGES),
]  # fmt: skip

LOSSES = {"CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "MSELoss", "L1Loss",
          "SmoothL1Loss"}  # fmt: skip
CONTAINERS = {"Module", "Sequential", "ModuleList", "ModuleDict", "Parameter", "ParameterDict"}


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda each: str(each)[:50])
def test_every_layer(layer, shape, tmp_path):
    assert largest_difference(trained(layer), [example(shape)], tmp_path / "m.onnx") <= 1e-6


def test_every_layer_is_in_the_list():
    listed = {type(module).__name__ for layer, _ in LAYERS for module in layer.modules()}
    public = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    layers = {name for name in public if issubclass(getattr(nn, name), nn.Module)}
    assert layers - LOSSES - CONTAINERS - {"Embedding"} == listed - CONTAINERS


FUNCTIONS = {
    "arithmetic": lambda x: (x * 2 + 1 - x / 3) ** 2 - (-x).abs().sqrt() + 1 / (x**2 + 1),
    "functions": lambda x: x.exp().log() + x.sin() * x.cos() + x.sign(),
    "reductions": lambda x: (
        x.sum(1, keepdim=True) + x.mean(-1, keepdim=True) + x.var(1, keepdim=True)
        + x.std(1, keepdim=True) + x.norm(dim=1, keepdim=True) + x.amax(1, keepdim=True)
        + x.min(1, keepdim=True)[0] + x.logsumexp(1, keepdim=True)
        + x.norm(1, dim=1, keepdim=True) + x.norm(3, dim=1, keepdim=True)
    ),
    "of everything": lambda x: x.sum() * x.mean() + x.max(),
    "over the batch": lambda x: x.mean(0, keepdim=True).expand(x.shape) - x,
    "columns": lambda x: x.reshape(x.shape[0], -1).unsqueeze(1).squeeze(1)[:, 1:5:2],
    "indices": lambda x: x[:, 0] + x[:, -1] + x[:, [2]][:, 0] + x[:, 2:3, None][:, 0, 0],
    "every other": lambda x: x[::2],
    "joined": lambda x: mg.stack([mg.cat([x, x * 2], 1), mg.cat(x.repeat(1, 2).chunk(2, 1), 1)], 1),
    "products": lambda x: (x.unsqueeze(2) @ x.unsqueeze(1)).transpose(1, 2).permute(2, 0, 1) @ x.T,
    "vector": lambda x: x @ mg.arange(8.0),
    "bounded": lambda x: mg.maximum(mg.minimum(x, 1.0), -0.5) + mg.where(mg.arange(8) > 3, x, -x),
    "running": lambda x: x.cumsum(1).double().prod(1),
    "results": lambda x: (x, x, x * 1, x.split(3, 1)[1]),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_module_of_ones_own(name, tmp_path):
    model = Of(FUNCTIONS[name]).eval()
    assert largest_difference(model, [example(ROWS)], tmp_path / "m.onnx") <= 1e-6


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.max_pool2d(F.relu(x), 2),
        lambda x: F.avg_pool2d(x, 2, divisor_override=3),
        lambda x: F.adaptive_avg_pool2d(x, 2),
        lambda x: F.dropout(F.layer_norm(x, (8, 8)), 0.5, False),
    ],
)
def test_functions_instead_of_layers(function, tmp_path):
    model = Of(function).eval()
    assert largest_difference(model, [example(IMAGES)], tmp_path / "m.onnx") <= 1e-6


@pytest.mark.parametrize("frozen", [False, True])
def test_words_become_vectors(frozen, tmp_path):
    model = nn.Sequential(nn.Embedding(10, 4, padding_idx=1), nn.Linear(4, 2)).eval()
    model.requires_grad_(not frozen)
    assert largest_difference(model, [labels()], tmp_path / "m.onnx") <= 1e-6


def test_several_inputs_and_names(tmp_path):
    model, path = Of(lambda x, y: (x * y, x - y)).eval(), tmp_path / "m.onnx"
    inputs = [example(ROWS), example(ROWS, 1)]
    assert largest_difference(model, inputs, path, input_names=["a", "b"]) <= 1e-6
    graph = onnx.load(path).graph
    assert [each.name for each in graph.input] == ["a", "b"]
    assert [each.name for each in graph.output] == ["output_0", "output_1"]


def test_what_is_in_the_file(tmp_path):
    model = trained(nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.ReLU()))
    state, before = mg.get_rng_state(), [p.tolist() for p in model.state_dict().values()]
    mg.onnx.export(model, example(ROWS), tmp_path / "m.onnx")
    assert (mg.get_rng_state() == state).all() and not model[0]._forward_hooks
    assert before == [p.tolist() for p in model.state_dict().values()]
    assert all(p.grad is None for p in model.parameters())
    file = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(file, full_check=True)
    assert [each.op_type for each in file.graph.node] == ["Gemm", "BatchNormalization", "Relu"]
    names = {each.name for each in file.graph.initializer}
    assert names == {key for key in model.state_dict() if not key.endswith("tracked")}
    for value, size in ((file.graph.input[0], 8), (file.graph.output[0], 4)):
        batch, features = value.type.tensor_type.shape.dim
        assert (batch.dim_param, features.dim_value) == ("batch", size)


def test_what_is_drawn_leaves_the_generator_as_it_was(tmp_path):
    state = mg.get_rng_state()
    model = Of(lambda x: (x * 1, mg.randn(2))[0]).eval()
    assert largest_difference(model, [example(ROWS)], tmp_path / "m.onnx") == 0
    mg.set_rng_state(state)
    mg.onnx.export(model, example(ROWS), tmp_path / "m.onnx")
    assert (mg.get_rng_state() == state).all()


def test_one_size_of_the_batch(tmp_path):
    path = tmp_path / "m.onnx"
    image = nn.Sequential(nn.Conv2d(4, 2, 3), nn.MaxPool2d(2)).eval()
    assert largest_difference(image, [example((4, 8, 8))], path, dynamic_batch=False) <= 1e-6
    rows = Of(lambda x: x.reshape(3, 2, 4).sum(0)).eval()
    assert largest_difference(rows, [example(ROWS)], path, dynamic_batch=False) <= 1e-6
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3


class Square(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x


def first_to_zero(x):
    y = x * 1
    y[:, 0] = 0
    return y


UNRECORDED = "reads numbers that were computed from the input without being recorded"
OTHER_WAY = "with other values of the input the model takes another way"
NOT_RECORDED = "the output is not recorded as computed from the input"
REFUSED = {
    "mask": (lambda x: x * (x > 0).float(), UNRECORDED),
    "rare mask": (lambda x: x * (x > 100).float(), UNRECORDED),
    "clamp": (lambda x: x.clamp(0, 1), f"WhereBackward0 .*test_onnx.py.*{UNRECORDED}.*maximum"),
    "detach": (lambda x: x - x.detach().mean(), UNRECORDED),
    "number": (lambda x: x * x.sum().item(), UNRECORDED),
    "random": (lambda x: x + mg.randn(8), "or drawn at random"),
    "dropout": (lambda x: F.dropout(x), "Dropout.*takes training=self.training"),
    "argmax": (lambda x: x.argmax(1), NOT_RECORDED),
    "no_grad": (lambda x: mg.no_grad()(lambda: x * 2)(), NOT_RECORDED),
    "if": (lambda x: x if x.sum() > 0 else x * 2, OTHER_WAY),
    "choice": (lambda x: [x * 1, x * 2][int(x.sum() > 0)], OTHER_WAY),
    "custom": (Square.apply, "SquareBackward .* has no counterpart in ONNX: it is an autograd"),
    "in place": (first_to_zero, "it writes in place; join"),
    "several": (lambda x: x[[0, 1], [0, 1]], "an index of several tensors"),
    "rounded": (lambda x: x // 2, "RoundedQuotientBackward0 .* has no counterpart in ONNX$"),
    "loop": (lambda x: sum(row for row in x), "the way through the model|depends on the size"),
    "constant": (lambda x: x + mg.zeros(x.shape[0], 8), "AddBackward0 .*may have one row"),
    "squeezed": (lambda x: x[:1].squeeze(0) * x.var(0), "VarBackward0 .*size of the batch"),
    "loss": (lambda x: F.cross_entropy(x, mg.zeros(len(x)).long()), "a loss is for training"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_cannot_say_is_refused(name, tmp_path):
    function, message = REFUSED[name]
    with pytest.raises(GraphError, match=f"export: .*{message}|export: ({message})"):
        mg.onnx.export(Of(function).eval(), example(ROWS), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_layers_that_are_refused(tmp_path):
    for layer, shape, message in (
        (nn.BatchNorm1d(8, track_running_stats=False), ROWS, "give it running statistics"),
        (nn.AdaptiveAvgPool2d(3), IMAGES, "windows of several sizes from an image of 8"),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True), IMAGES, "reach beyond the padding"),
    ):
        with pytest.raises(GraphError, match=f"export: .*has no counterpart in ONNX: .*{message}"):
            mg.onnx.export(nn.Sequential(layer).eval(), example(shape), tmp_path / "m.onnx")


def test_wrong_arguments(tmp_path):
    model, x, path = nn.Linear(8, 2).eval(), example(ROWS), tmp_path / "m.onnx"
    norm = nn.Sequential(nn.Linear(8, 2), nn.BatchNorm1d(2)).eval()
    norm[1].train()
    for error, message, arguments, options in (
        (ValueError, r"layer '1', is in training mode, .*model.eval\(\)", (norm, x, path), {}),
        (TypeError, "model must be a Module, got function", (lambda x: x, x, path), {}),
        (TypeError, "args must be a Tensor .* got ndarray", (model, x.numpy(), path), {}),
        (ValueError, "args is empty", (model, (), path), {}),
        (ShapeError, r"example of shape \(0, 8\) is empty", (model, x[:0], path), {}),
        (TypeError, "path must be a string or a Path, got int", (model, x, 3), {}),
        (ValueError, "holds a null character", (model, x, "a\0b"), {}),
        (ValueError, "names of their own", (model, x, path), {"input_names": ["weight"]}),
        (ValueError, "must be 1 strings", (model, x, path), {"output_names": ["a", "b"]}),
        (ShapeError, "does not run with a batch of 11 instead of 8 .*dynamic_batch=False",
         (model, x[0], path), {}),
        (ShapeError, "no dimension for a batch", (Of(abs).eval(), mg.tensor(1.0), path), {}),
        (TypeError, "forward must return a Tensor.* got dict", (Of(lambda x: {}).eval(), x, path),
         {}),
    ):  # fmt: skip
        with pytest.raises(error, match=f"export: .*{message}"):
            mg.onnx.export(*arguments, **options)
    assert not list(tmp_path.iterdir())


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'export: .* pip install "minigrad-cython\[onnx\]"'):
        mg.onnx.export(nn.Linear(8, 2).eval(), example(ROWS), tmp_path / "m.onnx")


# --- models at random ----------------------------------------------------------------------------


def random_model(rng):
    """A network and the shape of its input: convolutions or not, then a residual MLP."""
    layers, size = [], int(rng.integers(2, 12))
    shape = (int(rng.integers(1, 4)), size)
    if rng.random() < 0.6:
        channels, side = int(rng.integers(1, 4)), int(rng.integers(7, 12))
        shape = (shape[0], channels, side, side)
        for _ in range(rng.integers(1, 3)):
            more = 2 * int(rng.integers(1, 4))
            layers.append(nn.Conv2d(channels, more, 3, stride=int(rng.integers(1, 3)), padding=1))
            layers += [[nn.BatchNorm2d(more)], [nn.GroupNorm(2, more)], []][rng.integers(3)]
            layers.append(activation(rng))
            channels = more
        pools = nn.MaxPool2d(2, 1), nn.AvgPool2d(2, 1), nn.AdaptiveAvgPool2d(1), nn.Identity()
        layers += [pools[rng.integers(len(pools))], nn.Flatten()]
        size = nn.Sequential(*layers)(mg.zeros(2, *shape[1:])).shape[1]
    for _ in range(rng.integers(1, 4)):
        width = int(rng.integers(2, 12))
        layers += [nn.Linear(size, width, bias=bool(rng.random() < 0.7)), Residual(width, rng)]
        size = width
    return nn.Sequential(*layers), shape


def activation(rng):
    kinds = nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.GELU
    return kinds[rng.integers(len(kinds))]()


class Residual(nn.Module):
    """x + f(x), some of it by layers and some by operations."""

    def __init__(self, size, rng):
        super().__init__()
        norms = nn.BatchNorm1d(size), nn.LayerNorm(size), nn.Identity()
        self.norm = norms[rng.integers(len(norms))]
        self.body = nn.Sequential(nn.Linear(size, 2 * size), activation(rng), nn.Dropout())
        self.gated = bool(rng.random() < 0.5)

    def forward(self, x):
        a, b = self.body(self.norm(x)).chunk(2, 1)
        y = a * F.softmax(b, 1) if self.gated else (a - b) / (1 + x.norm(dim=1, keepdim=True))
        return x + y


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_random_models(seed, tmp_path):
    rng = np.random.default_rng(seed)
    mg.manual_seed(seed)
    model, shape = random_model(rng)
    inputs = [example(shape, seed)]
    assert largest_difference(trained(model, seed), inputs, tmp_path / "m.onnx") <= 1e-6
