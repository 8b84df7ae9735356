"""The spine computes what the package computes, cites what exists, and fits on a few pages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import datasets, nn, optim, spine

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mg.__file__).parent
SOURCE = Path(spine.__file__).read_text(encoding="utf-8")


def package_twin(layer):
    """The package's module for one of the spine, with the same parameters in float64."""
    if isinstance(layer, spine.Sequential):
        return nn.Sequential(*[package_twin(child) for child in layer.children()])
    if isinstance(layer, spine.Linear):
        out_features, in_features = layer.weight.data.shape
        twin = nn.Linear(in_features, out_features, bias=layer.bias is not None).double()
    elif isinstance(layer, spine.BatchNorm1d):
        twin = nn.BatchNorm1d(len(layer.running_mean), layer.eps, layer.momentum).double()
    else:
        twin = nn.ReLU()
    with mg.no_grad():
        for p, q in zip(twin.parameters(), layer.parameters(), strict=True):
            p.copy_(mg.tensor(q.data))
    return twin


def close(a, b, atol=1e-12):
    a, b = (np.asarray(each.detach() if isinstance(each, mg.Tensor) else each) for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=atol)


def test_a_hundred_steps_on_the_digits_are_those_of_the_package():
    images, labels = datasets.digits(train=True).tensors
    images = images.reshape(-1, 64).double()
    ours = spine.Sequential(
        spine.Sequential(spine.Linear(64, 32, bias=False), spine.BatchNorm1d(32)),
        spine.ReLU(),
        spine.Linear(32, 16, bias=False),
        spine.BatchNorm1d(16, momentum=0.3),
        spine.ReLU(),
        spine.Linear(16, 10),
    )
    theirs = package_twin(ours)
    our_adam = spine.Adam(ours.parameters(), lr=0.01)
    their_adam = optim.Adam(theirs.parameters(), lr=0.01)
    losses = []
    for step in range(100):
        rows = slice(step * 64 % 1408, step * 64 % 1408 + 64)
        x, t = images[rows], labels[rows]
        our_loss = spine.CrossEntropy.apply(ours(spine.Tensor(x.numpy())), t.numpy())
        their_loss = nn.functional.cross_entropy(theirs(x), t)
        for adam, loss in ((our_adam, our_loss), (their_adam, their_loss)):
            adam.zero_grad()
            loss.backward()
            adam.step()
        losses.append((our_loss.data, their_loss.item()))
    losses = np.array(losses)
    assert np.abs(losses[:, 0] - losses[:, 1]).max() <= 1e-12
    assert losses[-1, 0] < 0.1 < 2 < losses[0, 0]

    norms = [m for m in theirs.modules() if isinstance(m, nn.BatchNorm1d)]
    for mine, norm in zip(
        [ours.children()[0].children()[1], ours.children()[3]], norms, strict=True
    ):
        close(mine.running_mean, norm.running_mean)
        close(mine.running_var, norm.running_var)
    x, before = images[1408:], norms[0].running_mean.numpy().copy()
    ours.eval()
    theirs.eval()
    logits, their_logits = ours(spine.Tensor(x.numpy())), theirs(x)
    close(logits.data, their_logits)
    our_adam.zero_grad()
    their_adam.zero_grad()
    spine.CrossEntropy.apply(logits, labels[1408:].numpy()).backward()
    nn.functional.cross_entropy(their_logits, labels[1408:]).backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(p.grad.data, q.grad)
    close(ours.children()[0].children()[1].running_mean, before)
    ours.train()
    assert not np.allclose(ours(spine.Tensor(x.numpy())).data, theirs(x).detach().numpy())


def rule(name, training=True):
    """A rule of the spine, the package's operation, and how large their inputs are."""
    labels = np.array([2, 0, 1, 1, 2])
    mean, var = np.array([0.3, -1.0, 2.0]), np.array([0.5, 1.5, 4.0])

    def batch_norm(x, gamma, beta):
        m, v = (x.data.mean(0), x.data.var(0)) if training else (mean, var)
        return spine.BatchNorm.apply(x, gamma, beta, m, v, 1e-5, training)

    def batch_norm_of_the_package(x, gamma, beta):
        stats = (mg.tensor(mean), mg.tensor(var))
        return nn.functional.batch_norm(x, *stats, gamma, beta, training)

    return {
        "add": (lambda a, b: a + b, mg.add, [(5, 3), (3,)]),
        "add, both repeated": (lambda a, b: a + b, mg.add, [(2, 1, 3), (4, 1)]),
        "mul": (lambda a, b: a * b, mg.mul, [(5, 3), (5, 3)]),
        "mul, both repeated": (lambda a, b: a * b, mg.mul, [(5, 1), (1, 3)]),
        "mul by a scalar": (lambda a, b: a * b, mg.mul, [(), (5, 3)]),
        "a value used twice": (lambda a: a * a + a, lambda a: a * a + a, [(5, 3)]),
        "linear": (spine.LinearRule.apply, nn.functional.linear, [(5, 4), (3, 4), (3,)]),
        "linear without bias": (lambda x, w: spine.LinearRule.apply(x, w, None),
                                nn.functional.linear, [(5, 4), (3, 4)]),
        "relu": (spine.Relu.apply, nn.functional.relu, [(5, 3)]),
        "batch_norm": (batch_norm, batch_norm_of_the_package, [(5, 3), (3,), (3,)]),
        "cross_entropy": (lambda x: spine.CrossEntropy.apply(x, labels),
                          lambda x: nn.functional.cross_entropy(x, mg.tensor(labels)), [(5, 3)]),
    }[name]  # fmt: skip


RULES = [
    "add", "add, both repeated", "mul", "mul, both repeated", "mul by a scalar",
    "a value used twice", "linear", "linear without bias", "relu", "batch_norm", "cross_entropy",
]  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_that_of_the_package(name, training):
    ours, theirs, shapes = rule(name, training)
    rng = np.random.default_rng(7)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    mine = [spine.Tensor(a, requires_grad=True) for a in arrays]
    their = [mg.tensor(a, dtype=mg.float64, requires_grad=True) for a in arrays]
    y, u = ours(*mine), theirs(*their)
    close(y.data, u)
    dy = rng.standard_normal(y.data.shape)
    (y * spine.Tensor(dy)).backward()  # its first cotangent is 1, so that of y is dy
    u.backward(mg.tensor(dy, dtype=mg.float64))
    for a, b in zip(mine, their, strict=True):
        close(a.grad.data, b.grad)


def test_gradients_accumulate_and_stop_where_none_is_wanted():
    a, b = spine.Tensor([1.0, 2.0], requires_grad=True), spine.Tensor([3.0, 4.0])
    for count in (1, 2):
        (a * b).backward()
        assert a.grad.data.tolist() == [3.0 * count, 4.0 * count] and b.grad is None
    assert (b * b).grad_fn is None and not (b * b).requires_grad


def test_the_walk_is_deep_and_walks_no_road_twice():
    x = y = spine.Tensor(1.0, requires_grad=True)
    for _ in range(20):
        y = y + y
    y.backward()
    assert x.grad.data == 2.0**20
    z = x
    for _ in range(1500):
        z = z + x
    z.backward()
    assert x.grad.data == 2.0**20 + 1501


def test_parameters_come_in_the_order_of_the_package():
    model = spine.Sequential(spine.Linear(2, 3), spine.Sequential(spine.BatchNorm1d(3)))
    shapes = [p.data.shape for p in model.parameters()]
    assert shapes == [tuple(p.shape) for p in package_twin(model).parameters()]
    model.eval()
    assert not any(child.training for child in model.children())


# --- what it says of itself -----


def test_it_fits_on_a_few_pages():
    assert len(SOURCE.splitlines()) <= 250


def test_its_names_are_those_of_the_package():
    for name in ("Linear", "BatchNorm1d", "ReLU", "Sequential", "Module"):
        assert hasattr(spine, name) and hasattr(nn, name)
    assert hasattr(optim, "Adam") and hasattr(mg, "Tensor") and hasattr(mg.autograd, "Function")
    for name in ("topological_order", "backward", "unbroadcast"):
        assert hasattr(spine, name)


PARTS = re.split(r"\n\n\n(?=# )", SOURCE)[1:]
PAGES = ROOT / "docs" / "derivations"
BEFORE = {  # where a file lies that has not moved into its room yet
    "autograd/engine.pyx": "autograd/engine.pyx",
    "ops/math/broadcasting.pyx": "ops/math/broadcasting.pyx",
    "ops/math/arithmetic.pyx": "ops/math/arithmetic.pyx",
    "ops/math/linear.pyx": "ops/math/linear.pyx",
    "ops/nn/activations.pyx": "ops/nn/activations.pyx",
    "ops/nn/batch_norm.pyx": "ops/nn/batch_norm.pyx",
    "ops/nn/cross_entropy.pyx": "ops/nn/cross_entropy.pyx",
}


def test_each_part_names_files_that_exist():
    named = re.findall(r"minigrad/([\w/]+\.pyx?)", SOURCE)
    assert len(named) == len(set(named)) == 14
    for path in named:
        places = [path, BEFORE.get(path, path)]
        assert any((PACKAGE / place).is_file() for place in places), path


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.split()[1].rpartition("/")[2])
def test_each_equation_that_it_cites_stands_on_the_page_of_its_part(part):
    cited = re.findall(r"\((\d+\w?)\)", " ".join(re.findall(r"  # (\(.*)", part)))
    page = re.search(r"Page (\w+\.md)", part)
    if page is None:
        assert not cited
        return
    tags = re.findall(r"\\tag\{(\w+)\}", (PAGES / page[1]).read_text(encoding="utf-8"))
    assert cited and not set(cited) - set(tags)


def run(*arguments, keys=""):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, input=keys,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_it_runs_by_itself():
    loss = re.fullmatch(r"loss after 100 steps: (0\.\d+)\n", run("-m", "minigrad.spine"))
    assert loss is not None and float(loss[1]) < 0.1


def test_a_debugger_steps_from_the_loss_to_a_gradient():
    node = r"p type(node).__name__"
    keys = ["b backward", "c", "n", "n", "n", node, "b LinearRule.backward", "c", "p dy.shape", "q"]
    said = run("-m", "pdb", "-m", "minigrad.spine", keys="\n".join(keys) + "\n")
    assert "'CrossEntropy'" in said and "(1797, 10)" in said, said


def test_importing_the_package_does_not_import_it():
    code = "import minigrad, sys; sys.exit('minigrad.spine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
