"""The 66 bad inputs and edge cases of the promises, by number: each is an error here, or elsewhere.

REFUSED holds the calls that must raise: (number, call, error, words of the message). Each is made
twice; nothing that it was given may change, and a training step afterwards must be right. COVERED
names the tests of what is no error, or needs more than one line; the names are looked up.
"""

# ruff: noqa: B008  the default arguments below are what a call is made with

import ast
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.call_promises import fingerprint, settings, training
from helpers.fresh_values import FRESH, float64
from helpers.layouts import leaf_of as leaf

import minigrad as m
from minigrad import DTypeError, GraphError, ShapeError, nn, optim
from minigrad.nn import functional as F

NAN, INF = math.nan, math.inf


def used():
    y = (leaf(1.0, 2.0) * 2).sum()
    y.backward()
    return y


def saved_then(change):
    """A product whose factor is changed before backward."""
    w = nn.Linear(2, 2, dtype=m.float64)
    x = leaf(1.0, 2.0)
    y = (w.weight * x).sum()
    w.weight.grad = m.ones(2, 2, dtype=m.float64)
    change(w)
    return y


def in_place(w):
    with m.no_grad():
        w.weight.mul_(2)


def by_index(w):
    with m.no_grad():
        w.weight[0] = 5


def by_operator(w):
    with m.no_grad():
        weight = w.weight
        weight += 1


def by_step(w):
    optim.SGD(w.parameters(), 0.1).step()


def by_load(w):
    w.load_state_dict(nn.Linear(2, 2, dtype=m.float64).state_dict())


def by_data(w):
    w.weight.data.mul_(3)


def new_data(w):
    w.weight.data = m.zeros(2, 2, dtype=m.float64)


def bn(C=3, training=True, **options):
    return nn.BatchNorm1d(C, dtype=m.float64, **options).train(training)


def images(*shape):
    return m.ones(*shape, dtype=m.float64)


def tensors(*names):
    return [FRESH[name]() for name in names]


def norm(x=None, rm=None, rv=None, gamma=None, beta=None, **options):
    """F.batch_norm of valid arguments but those given."""
    x = FRESH["z"]() if x is None else x
    return lambda: F.batch_norm(x, rm, rv, gamma, beta, **{"training": True, **options})


def loss(labels, **options):
    x = leaf([1.0, 2.0, 0.5], [0.1, 0.2, 0.3])
    return lambda: F.cross_entropy(x, m.tensor(labels), **options)


def sgd(**options):
    return lambda: optim.SGD([nn.Parameter(m.ones(2))], **options)


def adam(**options):
    return lambda: optim.Adam([nn.Parameter(m.ones(2))], **options)


def loaded(change):
    """load_state_dict of a small network with a state dict that was changed."""
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    change(state)
    return lambda: model.load_state_dict(state)


def drop_and_bend(state):
    del state["0.bias"]
    state["9.weight"] = m.ones(1)
    state["1.weight"] = m.ones(4)
    state["2.weight"] = m.ones(7, 7)


def optimizer_state(change):
    optimizer = FRESH["adam"]()
    state = optimizer.state_dict()
    change(state)
    return lambda: optimizer.load_state_dict(state)


MATRIX = lambda: m.ones(2, 3)  # noqa: E731
IMAGE = lambda: images(1, 2, 4, 4)  # noqa: E731

REFUSED = [
    # A. Graph
    (1, lambda: (leaf(1.0, 2.0) * 2).backward, GraphError, r"backward: .*shape \(2,\).*gradient="),
    (2, lambda: m.ones(1).backward, GraphError, "backward: .*requires_grad=True"),
    (3, lambda: used().backward, GraphError, "retain_graph=True"),
    (4, lambda: lambda: leaf(1.0, 2.0).backward(m.ones(3, dtype=m.float64)), ShapeError,
     r"backward: .*\(2,\).*\(3,\)"),
    (4, lambda: lambda: leaf(1.0, 2.0).backward(m.ones(2)), DTypeError, "float64.*float32"),
    (4, lambda: lambda: leaf(1.0).backward("a"), TypeError, "gradient must be a Tensor.*str"),
    (5, lambda: lambda x=leaf(1.0): x.add_(1), GraphError, r"add_: .*no_grad\(\)"),
    (5, lambda: lambda x=leaf(1.0): x.__setitem__(0, 1), GraphError, r"setitem: .*no_grad"),
    *[(6, lambda change=change: saved_then(change).backward, GraphError,
       rf"Mul\.backward: .*in place by {words}.*version 2, expected 1")
      for change, words in [
          (in_place, "mul_"), (by_index, "setitem"), (by_operator, "add_"),
          (by_step, r"SGD\.step"), (by_load, "load_state_dict")]],
    (7, lambda: saved_then(by_data).backward, GraphError, "Mul.backward: .*in place by mul_"),
    (7, lambda: saved_then(new_data).backward, GraphError, r"Mul.backward: .*assignment to \.data"),
    (11, lambda: lambda: m.tensor([1, 2], requires_grad=True), DTypeError,
     "requires_grad: .*int64"),
    (11, lambda: lambda: m.tensor([True]).requires_grad_(), DTypeError, "requires_grad: .*bool"),
    (12, lambda: leaf(1.0).numpy, GraphError, r"numpy: .*\.detach\(\)"),
    (12, lambda: lambda x=leaf(1.0): np.asarray(x), GraphError, r"\.detach\(\)"),
    (13, lambda: lambda: bool(m.ones(2)), ValueError, "bool: .*2 elements"),
    (13, lambda: lambda: float(m.ones(2, 3)), ValueError, "item: .*one element, got 6"),
    (13, lambda: m.zeros(0).item, ValueError, "item: .*one element, got 0"),
    (14, lambda: lambda x=leaf(1.0): setattr(x, "grad", m.ones(2)), ShapeError,
     r"grad: .*\(1,\).*\(2,\)"),
    (14, lambda: lambda x=leaf(1.0): setattr(x, "grad", m.ones(1)), DTypeError, "float64.*float32"),
    (14, lambda: lambda x=leaf(1.0): setattr(x, "grad", [1.0]), TypeError, "grad: .*Tensor.*list"),
    # B. Shapes and dtypes
    (18, lambda: lambda: m.ones(3) + m.ones(4), ShapeError,
     r"add: shapes \(3,\) and \(4,\).*3 and 4 at dimension -1"),
    (19, lambda: lambda: MATRIX() @ m.ones(4, 5), ShapeError,
     r"matmul: shapes \(2, 3\) and \(4, 5\).*inner sizes are 3 and 4"),
    (19, lambda: lambda: m.tensor(1.0) @ m.ones(3), ShapeError, r"matmul: .*1 dimension.*\(\)"),
    (21, lambda: lambda: MATRIX().sum(2), IndexError, "sum: dim 2 .*2-d.*-2 to 1"),
    (21, lambda: lambda: MATRIX().mean((0, -3)), IndexError, "mean: dim -3 is out of range"),
    (21, lambda: lambda: MATRIX().sum((0, -2)), ValueError, r"sum: dim \(0, -2\) .*twice"),
    (22, lambda: lambda: MATRIX().reshape(4, 2), ShapeError, r"reshape: 6 .*\(2, 3\).*\(4, 2\)"),
    (22, lambda: lambda: MATRIX().reshape(-1, -1), ValueError, "reshape: only one size can be -1"),
    (22, lambda: lambda: m.zeros(0, 3).reshape(-1, 0), ValueError, "reshape: .*ambiguous"),
    (23, lambda: m.zeros(0).max, ValueError, "max: "),
    (24, lambda: lambda: m.zeros(-1), ValueError, r"zeros: sizes must be >= 0, got \(-1,\)"),
    (24, lambda: lambda: m.zeros(2**40, 2**40), MemoryError, "zeros: .*overflows"),
    (24, lambda: lambda: m.zeros(2**40), MemoryError, "zeros: no memory .*4398046511104 bytes"),
    (24, lambda: lambda: m.ones((1,) * 65), ValueError, "ones: .*65 dimensions"),
    (25, lambda: lambda: m.tensor([[1], [2, 3]]), ShapeError, "tensor: the lists in data differ"),
    (25, lambda: lambda: m.tensor(np.array([None])), DTypeError, "tensor: .*object"),
    (25, lambda: lambda: m.tensor(np.array(["a"])), DTypeError, "tensor: .*<U1"),
    (25, lambda: lambda: m.tensor([1.0, None]), TypeError, "tensor: .*NoneType"),
    (25, lambda: lambda: m.tensor([1j]), TypeError, "tensor: .*complex"),
    (25, lambda: lambda: m.from_numpy(np.ones(2, complex)), DTypeError, "from_numpy: .*complex128"),
    (26, lambda: lambda: m.tensor(np.ma.masked_array([1.0], [True])), TypeError, "masked"),
    (28, lambda: lambda layer=nn.Linear(3, 2): layer(m.ones(2, 4)), ShapeError,
     r"Linear.*3.*\(2, 4\)"),
    (28, lambda: lambda layer=nn.Linear(3, 2): layer(m.ones(2, 3).long()), DTypeError,
     "linear: .*int64"),
    (28, lambda: lambda layer=nn.Linear(3, 2): layer(m.ones(2, 3).double()), DTypeError,
     "float32.*float64"),
    (28, lambda: lambda: nn.Linear(-1, 2), ValueError, "Linear: in_features must be >= 0, got -1"),
    (28, lambda: lambda: nn.Linear(2.5, 2), TypeError, "Linear: in_features .*integer, got 2.5"),
    (28, lambda: lambda: nn.Linear(2, True), TypeError, "Linear: out_features .*got True"),
    (28, lambda: lambda: nn.Linear(10**6, 10**9), MemoryError, "bytes"),
    (29, lambda: lambda: MATRIX()[2], IndexError, "index: 2 is out of range for dim 0 of size 2"),
    (29, lambda: lambda: MATRIX()[:, [0, 7]], IndexError, "index: 7 .*dim 1 of size 3"),
    (29, lambda: lambda: MATRIX()[m.tensor([True])], IndexError, r"mask of shape \(1,\)"),
    (30, lambda: lambda: F.max_pool2d(IMAGE(), 5), ShapeError, "max_pool2d: .*kernel_size 5.*4, 4"),
    (30, lambda: lambda: F.max_pool2d(IMAGE(), 2, 0), ValueError,
     "max_pool2d: stride .*>= 1, got 0"),
    (30, lambda: lambda: F.max_pool2d(IMAGE(), 2, padding=2), ValueError,
     "max_pool2d: padding 2 .*half of kernel_size 2"),
    (30, lambda: lambda: F.max_pool2d(IMAGE(), 2, dilation=0), ValueError, "max_pool2d: dilation"),
    (30, lambda: lambda: F.conv2d(IMAGE(), images(1, 2, 5, 5)), ShapeError,
     "conv2d: .*5 × 5 .*4 × 4"),
    (30, lambda: lambda: F.conv2d(IMAGE(), images(1, 2, 3, 3), stride=0), ValueError,
     "conv2d: stride .*>= 1, got 0"),
    (30, lambda: lambda: F.conv2d(IMAGE(), images(1, 2, 3, 3), padding=-1), ValueError,
     "conv2d: padding .*>= 0, got -1"),
    (30, lambda: lambda: F.conv2d(IMAGE(), images(3, 1, 3, 3), groups=2), ShapeError,
     "conv2d: .*3 output channels.*groups = 2"),
    # D. Cross-entropy
    (39, lambda: loss([0, 3]), IndexError, "cross_entropy: label 3 .*1.*2"),
    (39, lambda: loss([-1, 0], reduction="none"), IndexError, "cross_entropy: label -1"),
    (39, lambda: loss([0, 2**40], reduction="sum"), IndexError, "label 1099511627776"),
    (41, lambda: loss([0.0, 1.0]), DTypeError, "cross_entropy: class labels .*float32"),
    (41, lambda: loss([True, False]), DTypeError, "cross_entropy: class labels .*bool"),
    (42, lambda: loss([[0], [1]]), ShapeError, r"cross_entropy: .*\(2, 1\).*squeeze"),
    (42, lambda: loss([0, 1, 2]), ShapeError, r"cross_entropy: .*3.*2|cross_entropy: .*2.*3"),
    (42, lambda: loss([[0, 1, 0], [1, 0, 0]]), DTypeError, "cross_entropy: .*probabilities"),
    (43, lambda: lambda: F.cross_entropy(m.zeros(2, 0), m.tensor([0, 0])), ShapeError,
     r"cross_entropy: .*\(2, 0\) has no classes"),
    (45, lambda: loss([0, 1], reduction="meen"), ValueError, "reduction.*'meen'"),
    (45, lambda: loss([0, 1], weight=m.ones(2, dtype=m.float64)), ShapeError, r"weight.*\(3,\).*2"),
    (45, lambda: loss([0, 1], label_smoothing=1.5), ValueError, "label_smoothing.*1, got 1.5"),
    (45, lambda: loss([0, 1], label_smoothing=NAN), ValueError, "label_smoothing.*got nan"),
    # E. BatchNorm
    (46, lambda: lambda layer=bn(): layer(images(1, 3)), ValueError,
     r"more than 1 value per channel.*\(1, 3\)"),
    (46, lambda: lambda layer=nn.BatchNorm2d(2, dtype=m.float64): layer(images(1, 2, 1, 1)),
     ValueError, "more than 1 value per channel"),
    (48, lambda: lambda layer=bn(): layer(images(3)), ShapeError, "BatchNorm1d: .*2D or 3D.*1D"),
    (48, lambda: lambda layer=bn(): layer(images(2, 3, 1, 1)), ShapeError, "2D or 3D.*4D"),
    (48, lambda: lambda layer=nn.BatchNorm2d(2): layer(images(2, 2)), ShapeError, "4D.*2D"),
    (48, lambda: lambda layer=bn(): layer(images(2, 4)), ShapeError, "expected 3 channels.*got 4"),
    (49, lambda: lambda layer=bn(): layer(m.ones(2, 3).long()), DTypeError, "int64"),
    (49, lambda: lambda layer=nn.BatchNorm1d(3): layer(images(2, 3)), DTypeError,
     "float64.*float32|float32.*float64"),
    *[(50, lambda name=name, n=n: norm(**{"rm": FRESH["rm"](), "rv": FRESH["rv"](),
                                          "gamma": FRESH["gamma"](), "beta": FRESH["beta"](),
                                          name: images(n)}), ShapeError,
       rf"batch_norm: {words} has shape \({n},\), expected \(3,\)")
      for n in (0, 2, 4)
      for name, words in [("rm", "running_mean"), ("rv", "running_var"), ("gamma", "weight"),
                          ("beta", "bias")]],
    (51, lambda: norm(training=False), ValueError, "batch_norm: .*running_mean"),
    *[(52, lambda eps=eps: lambda: nn.BatchNorm1d(3, eps=eps), ValueError, "BatchNorm1d: eps")
      for eps in (0.0, -1.0, NAN, INF)],
    *[(52, lambda v=v: lambda: nn.BatchNorm1d(3, momentum=v), ValueError, "BatchNorm1d: momentum")
      for v in (-0.1, 1.2, NAN)],
    (52, lambda: lambda: nn.BatchNorm1d(0), ValueError, "num_features must be >= 1, got 0"),
    (52, lambda: lambda: nn.BatchNorm1d(2.5), TypeError, "num_features .*integer, got 2.5"),
    (52, lambda: lambda: nn.BatchNorm1d(True), TypeError, "num_features .*integer, got True"),
    (56, lambda: norm(rm=FRESH["rm"](), rv=float64([1.0, -0.5, 1.0]), training=False), ValueError,
     "batch_norm: running_var.*-0.5.*1|batch_norm: running_var.*1.*-0.5"),
    # F. Optimizers
    *[(61, lambda v=v: sgd(lr=v), ValueError, "SGD: lr must be finite and >= 0")
      for v in (-1.0, NAN, INF)],
    *[(61, lambda v=v: adam(lr=v), TypeError, "Adam: lr must be a number") for v in (1j, "1")],
    *[(61, lambda v=v: adam(betas=v), ValueError, "Adam: betas")
      for v in ((1.0, 0.9), (0.9, -1.0))],
    *[(61, lambda v=v: adam(eps=v), ValueError, "Adam: eps") for v in (-1.0, NAN)],
    (61, lambda: adam(weight_decay=-1.0), ValueError, "Adam: weight_decay"),
    (61, lambda: sgd(momentum=-1.0), ValueError, "SGD: momentum"),
    (61, lambda: sgd(nesterov=True), ValueError, "SGD: nesterov.*momentum"),
    (61, lambda: sgd(nesterov=True, momentum=0.9, dampening=0.5), ValueError,
     "nesterov.*dampening"),
    (61, lambda: lambda: optim.SGD([]), ValueError, "SGD: params is empty"),
    (61, lambda: lambda: optim.SGD(m.ones(2)), TypeError, "SGD: params"),
    (61, lambda: lambda: optim.SGD([1]), TypeError, r"SGD: params\[0\] must be a Tensor, got int"),
    (61, lambda: lambda: optim.SGD([leaf(1.0) * 2]), ValueError, r"SGD: params\[0\] is not a leaf"),
    (61, lambda: lambda p=nn.Parameter(m.ones(1)): optim.SGD([p, p]), ValueError, "appears twice"),
    (61, lambda: lambda p=nn.Parameter(m.ones(1)): optim.SGD([{"params": [p]}, {"params": [p]}]),
     ValueError, "appears twice"),
    (63, lambda: optimizer_state(lambda s: s["param_groups"].append(s["param_groups"][0])),
     ValueError, "Adam.load_state_dict: .*2 parameter groups.*1"),
    (63, lambda: optimizer_state(lambda s: s["param_groups"][0]["params"].append(7)), ValueError,
     "group 0 .*2 parameters, of the optimizer 1"),
    (63, lambda: optimizer_state(lambda s: s["state"][0].update(exp_avg=m.ones(9))), ShapeError,
     r"parameter 0: 'exp_avg' has shape \(9,\), the parameter \(1, 3\)"),
    # G. State
    (64, lambda: loaded(drop_and_bend), ShapeError,
     r'(?s)9\.weight.*0\.bias.*1\.weight.*\(4,\).*\(3,\).*2\.weight.*\(7, 7\).*\(1, 3\)'),
    (64, lambda: loaded(lambda s: s.update({"0.bias": float64([1e300, 0.0, 0.0])})), ValueError,
     "0.bias: .*float64 values that overflow"),
    (64, lambda: loaded(lambda s: s.update({"0.bias": m.tensor([NAN, 0.0, 0.0])})), ValueError,
     "0.bias: NaN.*allow_nonfinite=True"),
    # H. Runtime
    (66, lambda: (leaf(1.0) * 2).__reduce_ex__, TypeError, ""),
]  # fmt: skip


RIGHT = training()


@pytest.mark.parametrize(("number", "make", "error", "words"), REFUSED)
def test_refused(number, make, error, words):
    call = make()
    given = [getattr(call, name, None) for name in ("__self__", "__defaults__")]
    given += [cell.cell_contents for cell in getattr(call, "__closure__", None) or ()]
    before = fingerprint(given), settings()
    for _ in range(2):
        with pytest.raises(Exception) as raised:
            call()
        assert type(raised.value) is error, repr(raised.value)
        assert re.search(words, str(raised.value)), str(raised.value)
    assert (fingerprint(given), settings()) == before
    assert training() == RIGHT


# Tests elsewhere, and in this file, of what is no error or takes more than one call.
COVERED = {
    3: "autograd/test_engine::test_a_freed_graph",
    6: "ops/test_inplace::test_a_saved_value_that_was_changed_is_an_error",
    7: "promises/test_bad_inputs::test_an_alias_of_numpy",
    8: "autograd/test_engine::test_roads_add_up",
    9: "autograd/test_engine::test_backwards_accumulate_until_the_gradient_is_reset",
    10: "autograd/test_engine::test_gradients_of_two_leaves",
    12: "ops/test_interop::test_numpy_shares_and_cannot_be_written",
    15: "autograd/test_grad_mode::test_an_exception_restores_the_mode",
    16: "promises/test_depth::test_a_chain_of_1_000_000",
    17: "promises/test_memory::test_a_deleted_tensor_is_freed_at_once",
    20: "ops/test_arithmetic::test_broadcast_pairs",
    21: "ops/test_reductions::test_values_and_gradients_as_torch",
    23: "promises/test_bad_inputs::test_nothing_at_all",
    26: "ops/test_arguments::test_odd_memory",
    27: "ops/test_arithmetic::test_numbers_never_widen",
    28: "ops/test_linear::test_no_features",
    29: "ops/test_indexing::test_repeated_indices_add_up",
    31: "ops/test_activations::test_far_ends",
    32: "ops/test_softmax::test_kernel_extremes",
    33: "ops/test_arithmetic::test_the_logarithm_of_nothing_and_less",
    34: "ops/test_activations::test_nan_stays_nan",
    35: "ops/test_minmax::test_ties_and_nan_as_torch",
    36: "ops/test_arithmetic::test_powers_as_torch",
    37: "ops/test_reductions::test_ten_million_tenths",
    38: "ops/test_arithmetic::test_edges_of_one_tensor_as_torch",
    39: "kernels/test_cross_entropy::test_kernel_writes_nothing_when_a_label_is_outside",
    40: "ops/test_cross_entropy::test_when_nothing_counts",
    41: "ops/test_cross_entropy::test_labels_of_every_integer_dtype",
    43: "ops/test_cross_entropy::test_empty_batch",
    44: "promises/test_bad_inputs::test_logits_of_any_size",
    46: "nn/test_batch_norm::test_a_refused_call_counts_nothing",
    47: "nn/test_batch_norm::test_an_empty_batch_counts_nothing",
    50: "kernels/test_batch_norm::test_kernel_refuses_nonsense",
    51: "nn/test_batch_norm::test_without_statistics_evaluation_asks_the_batch",
    53: "nn/test_batch_norm::test_constant_channel",
    54: "kernels/test_batch_norm::test_accuracy_at_any_offset",
    55: "ops/test_batch_norm::test_a_nan_stays_in_its_channel",
    56: "nn/test_batch_norm::test_a_negative_variance_is_noticed",
    57: "ops/test_batch_norm::test_memory_layout_does_not_matter",
    58: "ops/test_batch_norm::test_evaluation_remembers_its_own_statistics",
    59: "nn/test_batch_norm::test_cumulative_average",
    60: "nn/test_batch_norm::test_threads_may_share_a_layer",
    61: "optim/test_optimizer::test_bad_options_are_refused_everywhere",
    62: "optim/test_optimizer::test_a_frozen_parameter_keeps_its_state",
    63: "optim/test_optimizer_state::test_steps_count_exactly",
    64: "nn/test_module::test_load_lists_every_problem_and_changes_nothing",
    65: "package/test_checkpoint::test_every_flipped_bit_is_refused",
    66: "promises/test_runtime::test_fork",
}


def test_every_number_is_covered():
    here = Path(__file__).parents[1]
    assert {number for number, *_ in REFUSED} | set(COVERED) == set(range(1, 67))
    for file, names in itertools.groupby(sorted(COVERED.values()), lambda n: n.partition("::")[0]):
        tree = ast.parse((here / f"{file}.py").read_text(encoding="utf-8"))
        found = {f"{file}::{each.name}" for each in tree.body if isinstance(each, ast.FunctionDef)}
        assert set(names) <= found, file


def test_an_alias_of_numpy():
    """Memory shared on purpose is the one open door: `.data` and `.numpy()` leave none open."""
    x = m.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    for view in (x.detach().numpy(), np.asarray(x.detach()), x.data.numpy()):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            view.flags.writeable = True
    array = np.array([1.0, 2.0])
    copy = m.tensor(array)
    array[0] = 100
    assert copy.tolist() == [1, 2]
    y.backward()
    assert x.grad.tolist() == [2, 4]


def test_nothing_at_all():
    x = m.zeros(0, 3, dtype=m.float64, requires_grad=True)
    layer = nn.Linear(3, 2, dtype=m.float64)
    y = F.softmax(layer(x).relu(), 1)
    assert tuple(y.shape) == (0, 2)
    assert tuple(bn().eval()(x).shape) == (0, 3)
    y.sum().backward()
    assert tuple(x.grad.shape) == (0, 3)
    assert not layer.weight.grad.any() and tuple(layer.weight.grad.shape) == (2, 3)
    assert y.sum().item() == 0
    assert math.isnan(y.mean().item())  # and no warning, which would be an error here


def test_logits_of_any_size():
    x = m.tensor([[1e4, -1e4]], requires_grad=True)
    assert F.cross_entropy(x, m.tensor([1])).item() == 20000
    for value in (NAN, INF):
        assert math.isnan(F.cross_entropy(m.tensor([[value, value]]), m.tensor([0])).item())
    with m.autograd.detect_anomaly(), pytest.raises(GraphError, match="Mul"):
        F.cross_entropy(x * 1e30 * 1e30, m.tensor([0]))
