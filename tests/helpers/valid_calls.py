"""A valid call of everything public, one a line: what malformed calls are made from."""

import atexit
import functools
import os
import shutil
import tempfile

import numpy as np

import minigrad as m
from minigrad import nn, optim
from minigrad.optim import lr_scheduler as schedule
from minigrad.utils import data

FOLDER = tempfile.mkdtemp()  # what calls may write to
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

# A name is made anew for every call: see FRESH.
VALID = """
m.tensor([[1.0, 2.0]], dtype=m.float64, requires_grad=True)
m.as_tensor([1, 2], dtype=m.float32)
m.from_numpy(a)
m.from_dlpack(a)
m.Tensor([1.0, 2.0])
m.Tensor(2, 3)
m.zeros(2, 3, dtype=m.float64)
m.ones((2, 3), requires_grad=True)
m.empty(2, 3)
m.full((2, 3), 7.5, dtype=m.float32)
m.zeros_like(x)
m.ones_like(x, dtype=m.float32)
m.empty_like(x)
m.full_like(x, 3.0)
m.eye(3, 4)
m.arange(0, 5, 2, dtype=m.float32)
m.linspace(0.0, 1.0, 5)
m.rand(2, 3, generator=g)
m.randn(2, 3, generator=g)
m.rand_like(x)
m.randn_like(x)
m.randint(0, 5, (2, 3), generator=g)
m.randperm(5, generator=g)
m.multinomial(p, 2, replacement=True, generator=g)
m.manual_seed(3)
m.initial_seed()
m.get_rng_state()
m.set_rng_state(state)
m.Generator("cpu")
g.manual_seed(3)
g.set_state(state)
g.get_state()
g.seed()
g.initial_seed()
m.device("cpu")
m.cuda.is_available()
m.dtype("float32")
m.get_default_dtype()
m.set_default_dtype(m.float64)
m.promote_types(m.int64, m.float32)
m.set_printoptions(precision=3, threshold=10, edgeitems=2, linewidth=60)
m.use_kernels("compiled")
m.set_num_threads(2)
m.get_num_threads()
m.is_grad_enabled()
m.no_grad(f)
m.enable_grad(f)
m.set_grad_enabled(True)
m.Size((2, 3))
m.add(x, y, alpha=2)
m.sub(x, 2.0, alpha=2)
m.mul(x, y)
m.div(x, y, rounding_mode="floor")
m.floor_divide(x, 2)
m.remainder(x, 2)
m.pow(x, 2.0)
m.neg(x)
m.exp(x)
m.log(x)
m.sqrt(x)
m.abs(x)
m.sin(x)
m.cos(x)
m.sign(x)
m.tanh(x)
m.sigmoid(x)
m.relu(x)
m.softmax(x, 1, dtype=m.float64)
m.log_softmax(x, -1)
m.logsumexp(x, (0, 1), keepdim=True)
m.matmul(x, w)
m.mm(x, w)
m.t(x)
m.transpose(x, 0, 1)
m.permute(x, (1, 0))
m.reshape(x, (3, 2))
m.flatten(x, 0, 1)
m.squeeze(x, 0)
m.unsqueeze(x, 0)
m.broadcast_to(x, (4, 2, 3))
m.numel(x)
m.sum(x, 1, keepdim=True, dtype=m.float64)
m.mean(x, (0, 1))
m.var(x, 0, correction=1)
m.std(x, 0, unbiased=False)
m.norm(x, 2, 1)
m.max(x, 1, keepdim=True)
m.min(x, y)
m.amax(x, 1)
m.amin(x, (0, 1))
m.argmax(x, 1)
m.argmin(x)
m.any(x, 0)
m.all(x)
m.maximum(x, y)
m.minimum(x, y)
m.where(b, x, y)
m.clamp(x, -1.0, 1.0)
m.cat([x, y], 1)
m.stack((x, y), dim=0)
m.split(x, 2, dim=1)
m.chunk(x, 2, 0)
m.unbind(x, 1)
m.eq(x, y)
m.ne(x, 1)
m.lt(x, y)
m.le(x, y)
m.gt(x, 0.5)
m.ge(x, y)
m.equal(x, y)
m.isclose(x, y, rtol=1e-3, atol=1e-3, equal_nan=True)
m.allclose(x, y, 1e-3, 1e-3)
m.isnan(x)
m.isinf(x)
m.isfinite(x)
m.logical_not(b)
m.logical_and(b, x)
m.logical_or(b, x)
m.logical_xor(b, x)
m.bitwise_and(i, 3)
m.bitwise_or(i, i)
m.bitwise_xor(i, 1)
m.bitwise_not(i)
m.gather(x, 1, i)
m.index_select(x, 1, k)
m.masked_fill(x, b, 0.0)
m.clone(x)
x.add(y)
x.__add__(2)
x.__radd__(a)
z.__iadd__(y)
z.__matmul__(w)
x.__getitem__((0, slice(0, 2)))
x.__getitem__(b)
x.__getitem__([0, 1])
z.__setitem__((0, slice(0, 2)), 5.0)
z.__setitem__(b, k[0].double())
z.__setitem__(k, 1)
z.add_(y, alpha=2)
z.sub_(y)
z.mul_(2)
z.div_(y)
z.pow_(2)
z.floor_divide_(2)
z.remainder_(2)
m.ones_like(b).bitwise_and_(b)
m.ones_like(b).bitwise_or_(b)
m.ones_like(b).bitwise_xor_(b)
z.copy_(y)
z.fill_(3.0)
z.zero_()
z.normal_(0.0, 1.0, generator=g)
z.uniform_(0.0, 1.0)
z.masked_fill_(b, 2.0)
z.scatter_(1, i, 1.0)
z.scatter_(1, i, x.detach())
x.backward(y)
x.sum().backward(None, True, False)
x.register_hook(f)
x.retain_grad()
x.requires_grad_(True)
x.detach()
x.numpy(force=True)
z.numpy()
z.tolist()
x[0, 0].item()
x.to(m.float32, copy=True)
x.to("cpu")
x.type(m.float64)
x.float()
x.double()
x.int()
x.long()
x.bool()
x.byte()
x.cpu()
x.view(3, 2)
x.view_as(y)
x.reshape(-1)
x.expand(2, 2, 3)
x.expand_as(y)
x.broadcast_to((2, 3))
x.squeeze(0)
x.size(0)
x.dim()
x.numel()
x.nelement()
x.stride(1)
x.element_size()
x.data_ptr()
x.is_contiguous()
x.contiguous()
x.graph(x=x)
x.graph().save(path)
x.sum().walk()
z.__array__(None)
z.__dlpack__()
z.__format__("")
x.__contains__(1.0)
x.__len__()
x.__array_ufunc__(np.add, "__call__", x, 1)
np.add(a, z)
np.multiply(x, a)
np.exp(x)
np.sum(x, axis=0)
np.stack([z, z])
setattr(x, "grad", y)
setattr(z, "data", y)
setattr(x, "requires_grad", False)
m.autograd.grad(x.sum(), x, None, True, False, True)
m.autograd.grad([x * 2], [x], [y])
m.autograd.backward([x * 2, x.sum()], [y, None], True, False)
m.autograd.gradcheck(square, (d,), eps=1e-6, atol=1e-5)
m.autograd.gradgradcheck(square, (d,))
m.autograd.detect_anomaly(True)
Double.apply(x)
F.relu(x, inplace=False)
F.leaky_relu(x, 0.1, False)
F.sigmoid(x)
F.tanh(x)
F.gelu(x, approximate="tanh")
F.softmax(x, dim=1)
F.log_softmax(x, 1)
F.dropout(x, 0.5, True, False)
F.linear(x, v, c)
F.flatten(x)
F.one_hot(labels, 3)
F.batch_norm(x, rm, rv, gamma, beta, True, 0.1, 1e-5, axis=1)
F.batch_norm(x, rm, rv, training=False)
F.batch_renorm(x, rm, rv, gamma, beta, True, 0.1, 1e-5, 3.0, 5.0)
F.layer_norm(x, (3,), gamma, beta, 1e-5)
F.group_norm(x, 3, gamma, beta, 1e-5)
F.conv2d(image, filters, c, stride=1, padding=1, dilation=1, groups=1)
F.max_pool2d(image, 2, stride=2, padding=1, dilation=1, ceil_mode=True, return_indices=True)
F.cross_entropy(x, labels, gamma, ignore_index=-100, reduction="mean", label_smoothing=0.1)
F.nll_loss(x, labels, gamma, ignore_index=1, reduction="sum")
F.mse_loss(x, y, reduction="none", weight=y)
F.binary_cross_entropy_with_logits(x, y, y, reduction="mean", pos_weight=gamma)
nn.Linear(3, 2, bias=True, dtype=m.float64)
nn.Linear(3, 2, dtype=m.float64)(x)
nn.ReLU(inplace=False)(x)
nn.LeakyReLU(0.1, False)(x)
nn.Sigmoid()(x)
nn.Tanh()(x)
nn.GELU(approximate="tanh")
nn.GELU()(x)
nn.Softmax(1)(x)
nn.LogSoftmax(dim=1)(x)
nn.Dropout(0.5, False)(x)
nn.Flatten(0, 1)(x)
nn.Identity(1, two=2)(x)
nn.BatchNorm1d(3, 1e-5, 0.1, True, True, bias=True, axis=1, unbiased_running_var=False)
nn.BatchNorm1d.from_keras(3, axis=1, momentum=0.9, epsilon=1e-3, center=True, scale=True)
bn(x)
nn.BatchNorm2d(2, eps=1e-5, momentum=None, affine=True, track_running_stats=True)
bn2(image)
nn.BatchRenorm1d(3, eps=1e-5, momentum=0.1, r_max=3.0, d_max=5.0)
renorm(x)
nn.BatchRenorm2d(2, eps=1e-5, affine=False)
nn.LayerNorm((3,), eps=1e-5, elementwise_affine=True, bias=True, dtype=m.float64)
nn.LayerNorm(3, dtype=m.float64)(x)
nn.GroupNorm(3, 3, eps=1e-5, affine=True, dtype=m.float64)
nn.GroupNorm(3, 3, dtype=m.float64)(x)
nn.Conv2d(2, 4, 3, stride=1, padding=1, dilation=1, groups=2, bias=False, dtype=m.float64)
nn.Conv2d(2, 4, (2, 2), padding="same", dtype=m.float64)(image)
nn.MaxPool2d(2, 2, 1, 1, True, False)
nn.MaxPool2d(2)(image)
nn.CrossEntropyLoss(gamma, ignore_index=-100, reduction="mean", label_smoothing=0.1)
nn.CrossEntropyLoss()(x, labels)
nn.NLLLoss(gamma, reduction="sum")(x, labels)
nn.MSELoss(reduction="mean")(x, y)
nn.BCEWithLogitsLoss(y, reduction="mean", pos_weight=gamma)(x, y)
nn.Sequential(linear, relu)
sequence(x)
sequence.__getitem__(0)
sequence.__setitem__(0, relu)
sequence.append(relu)
sequence.extend([relu])
sequence.insert(1, relu)
sequence.pop(0)
nn.ModuleList([linear, relu])
nn.ModuleDict({"a": linear})
nn.ModuleDict({"a": relu}).pop("a")
nn.ModuleDict({"a": relu}).update({"b": relu})
nn.Parameter(z, True)
nn.Module()
nn.summary(sequence, (2, 3))
nn.inspect_batch_norm(norms, [z])
nn.lint(sequence, f, adam, z, ignore=["dead-units"])
linear.register_buffer("u", y, persistent=False)
linear.register_parameter("u", parameter)
linear.register_module("u", relu)
linear.add_module("u", relu)
linear.register_forward_hook(f)
linear.register_forward_pre_hook(f)
linear.get_parameter("weight")
sequence.get_submodule("0")
bn.get_buffer("running_mean")
sequence.parameters(True)
sequence.named_parameters("a", True)
sequence.buffers()
sequence.named_buffers("a")
sequence.children()
sequence.named_children()
sequence.modules()
sequence.named_modules()
sequence.apply(f)
sequence.train(True)
sequence.eval()
sequence.requires_grad_(False)
sequence.zero_grad(True)
sequence.to(m.float32)
sequence.float()
sequence.double()
norms.state_dict(prefix="a.")
norms.load_state_dict(weights, strict=True, allow_nonfinite=False)
bn.load_state_dict(bn.state_dict())
setattr(linear, "weight", parameter)
setattr(bn, "running_mean", rm)
init.uniform_(z, 0.0, 1.0, generator=g)
init.normal_(z, 0.0, 1.0)
init.constant_(z, 2.0)
init.ones_(z)
init.zeros_(z)
init.xavier_uniform_(z, gain=1.0)
init.xavier_normal_(z, 1.0)
init.kaiming_uniform_(z, a=0.1, mode="fan_in", nonlinearity="leaky_relu")
init.kaiming_normal_(z, 0.1, "fan_out")
init.calculate_gain("leaky_relu", 0.1)
nn.utils.clip_grad_norm_(linear.parameters(), 1.0, 2.0, False)
nn.utils.clip_grad_norm_([graded], 0.5, norm_type=1.0)
nn.utils.parameters_to_vector(sequence.parameters())
nn.utils.vector_to_parameters(vector, [parameter])
nn.utils.recalibrate(norms, [z])
nn.utils.fold_batch_norm(norms)
optim.SGD(linear.parameters(), 0.1, 0.9, 0.0, 0.1, True, maximize=False)
optim.Adam([parameter], lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, amsgrad=True)
optim.AdamW([{"params": [parameter], "lr": 0.5}], lr=0.1)
sgd.step(f)
adam.step()
adam.zero_grad(set_to_none=False)
adam.add_param_group({"params": [parameter], "lr": 0.1})
adam.load_state_dict(adam_state)
sgd.load_state_dict(sgd.state_dict())
schedule.StepLR(sgd, 3, gamma=0.5, last_epoch=-1)
schedule.MultiStepLR(sgd, [2, 5], 0.1)
schedule.ExponentialLR(sgd, 0.9)
schedule.CosineAnnealingLR(sgd, 10, eta_min=0.0)
schedule.LambdaLR(sgd, rate)
steps.step()
steps.load_state_dict(steps.state_dict())
steps.get_last_lr()
data.TensorDataset(z, labels)
data.Subset(dataset, [0, 1])
data.random_split(dataset, [1, 1], generator=g)
data.DataLoader(dataset, 2, True, False, g, None, num_workers=0, pin_memory=False)
data.DataLoader(dataset, batch_size=2, collate_fn=None).__iter__().__next__()
loader.load_state_dict(loader.state_dict())
data.default_collate([1, 2])
dataset.__getitem__(0)
m.datasets.spirals(6, 3, 0.1, generator=g)
m.datasets.moons(6, 0.1, generator=g)
m.datasets.blobs(6, 2, 1.0, generator=g)
m.datasets.digits()
m.datasets.MNIST(folder, train=True, download=False)
m.save({"a": z, "b": [1, "c", None]}, path)
m.load(path, verify=True)
m.save(norms.state_dict(), path)
m.save(adam_state, path)
"""

float64 = functools.partial(m.tensor, dtype=m.float64)


class Double(m.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, dy):
        return dy * 2


def with_gradient(tensor, value=0.5):
    tensor.grad = m.full_like(tensor, value)
    return tensor


def trained_adam():
    parameter = with_gradient(nn.Parameter(float64([[1.0, 2.0, 3.0]])))
    adam = optim.Adam([parameter])
    adam.step()
    return adam


def norm_model():
    return nn.Sequential(nn.Linear(3, 2, dtype=m.float64), nn.BatchNorm1d(2, dtype=m.float64))


FRESH = {
    "x": lambda: float64([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]], requires_grad=True),
    "y": lambda: float64([[3.0, 1.0, 4.0], [1.5, 9.0, 2.0]]),
    "z": lambda: float64([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]]),
    "d": lambda: float64([1.0, 2.0], requires_grad=True),
    "w": lambda: float64([[1.0], [2.0], [3.0]]),
    "v": lambda: float64([[1.0, 2.0, 3.0]] * 4),
    "c": lambda: float64([1.0, 2.0, 3.0, 4.0]),
    "b": lambda: m.tensor([[True, False, True], [False, False, True]]),
    "i": lambda: m.tensor([[0, 1, 1], [1, 0, 0]]),
    "k": lambda: m.tensor([0, 1]),
    "p": lambda: m.tensor([0.5, 0.5, 1.0]),
    "a": lambda: np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    "labels": lambda: m.tensor([0, 2]),
    "image": lambda: m.arange(64, dtype=m.float64).reshape(2, 2, 4, 4).requires_grad_(),
    "filters": lambda: m.ones(4, 2, 3, 3, dtype=m.float64),
    "rm": lambda: float64([0.0, 0.1, 0.2]),
    "rv": lambda: float64([1.0, 1.1, 1.2]),
    "gamma": lambda: float64([1.0, 2.0, 3.0]),
    "beta": lambda: float64([0.0, 1.0, 2.0]),
    "vector": lambda: float64([5.0, 6.0, 7.0]),
    "parameter": lambda: nn.Parameter(float64([[1.0, 2.0, 3.0]])),
    "graded": lambda: with_gradient(nn.Parameter(float64([[1.0, 2.0, 3.0]]))),
    "g": lambda: m.Generator().manual_seed(5),
    "state": lambda: m.Generator().manual_seed(6).get_state(),
    "f": lambda: lambda *_: None,
    "rate": lambda: lambda epoch: 0.5,
    "square": lambda: lambda x: x * x,
    "linear": lambda: nn.Linear(3, 2, dtype=m.float64),
    "relu": lambda: nn.ReLU(),
    "sequence": lambda: nn.Sequential(nn.Linear(3, 2, dtype=m.float64), nn.ReLU()),
    "norms": norm_model,
    "weights": lambda: norm_model().state_dict(),
    "bn": lambda: nn.BatchNorm1d(3, dtype=m.float64),
    "bn2": lambda: nn.BatchNorm2d(2, dtype=m.float64),
    "renorm": lambda: nn.BatchRenorm1d(3, dtype=m.float64),
    "sgd": lambda: optim.SGD([with_gradient(nn.Parameter(float64([1.0, 2.0])))], 0.1, 0.9),
    "adam": trained_adam,
    "adam_state": lambda: trained_adam().state_dict(),
    "steps": lambda: schedule.StepLR(optim.SGD([nn.Parameter(float64([1.0]))]), 2),
    "dataset": lambda: data.TensorDataset(m.zeros(2, 3), m.tensor([0, 1])),
    "loader": lambda: data.DataLoader(data.TensorDataset(m.zeros(2, 3)), shuffle=True),
    "path": lambda: saved(os.path.join(FOLDER, "file.svg")),
    "folder": lambda: os.path.join(FOLDER, "folder"),
}


def saved(path):
    if not os.path.exists(path):
        m.save({"a": m.zeros(2)}, path)
    return path
