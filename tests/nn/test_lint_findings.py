"""What nn.lint gives back: findings to read, to count and to send; asking changes nothing."""

import json
import random
import warnings

import numpy as np
import pytest
from helpers.lint_networks import Scores, data, network, only, sgd, train

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.nn.linting.finding import MISTAKES

# --- the findings --------------------------------------------------------------------------------


def test_a_finding_is_to_be_read_kept_and_passed_on():
    model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4))
    findings = nn.lint(model, F.cross_entropy)
    text = str(findings)
    assert text.startswith("bias-before-norm in '0': a trained bias of 4 numbers")
    assert "cure  Make the layer with bias=False" in text and repr(findings) == text
    assert "more  docs/mistakes.md#16-a-bias-before-batch-normalization" in text
    assert text.splitlines()[-1].startswith("note: a loss function is used on a batch")
    told = json.loads(findings.to_json())
    assert told["findings"][0]["layer"] == "0" and told["notes"] == list(findings.notes)
    silent = nn.lint(model, ignore=("bias-before-norm",))
    assert silent == [] and str(silent) == "lint finds nothing."
    assert len(findings) == 1 and list(findings)[0] is findings[0]


def test_a_graph_that_is_used_up():
    model, (x, y) = Scores(nn.Softmax(1)), data()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    findings = nn.lint(model, loss)
    only(findings, "softmax-before-cross-entropy")
    assert findings.notes[0].startswith("backward() has freed the values")
    assert not nn.lint(model, F.cross_entropy(model(x).log(), y)).notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model",), "lint: model must be a Module, got str"),
        ((nn.Linear,), "lint: model must be a Module, got type"),
        ((network(), 3.0), "lint: loss must be a Tensor, a function loss.* got float"),
        ((network(), None, "sgd"), "lint: optimizer must be an Optimizer or None, got str"),
        ((network(), None, [1]), "call lint once for each"),
        ((network(), None, None, 3), "lint: batch must be .*; got int"),
        ((network(), None, None, ()), "got tuple without items"),
        ((network(), None, None, (np.ones(3), 1)), "got tuple that begins with ndarray"),
        ((network(), None, None, {"x": 1}), "got dict"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(TypeError, match=message):
        nn.lint(*arguments)


def test_wrong_codes():
    with pytest.raises(
        TypeError, match="ignore must be codes in a tuple or list, got 'dead-units'"
    ):
        nn.lint(network(), ignore="dead-units")
    with pytest.raises(ValueError, match="ignore has 'dead', which is no code; they are softmax-b"):
        nn.lint(network(), ignore=("dead",))


def test_every_code_has_words():
    for mistake in MISTAKES.values():
        assert mistake.why.endswith(".") and mistake.cure.endswith(".")
        sentences = f"{mistake.why} {mistake.cure}".split(". ")
        assert max(len(each.split()) for each in sentences) <= 35


# --- nothing changes -----------------------------------------------------------------------------


def everything(model, optimizer, x, loss=None):
    """All that lint might change: bits, versions, gradients, modes, records, generators."""
    tensors = [*model.parameters(), *model.buffers(), x]
    state = [each.detach().numpy().tobytes() for each in tensors]
    state += [each._version for each in tensors]
    state += [None if each._grad is None else each._grad.numpy().tobytes() for each in tensors]
    state += [id(each._grad) for each in tensors]
    state += [(each.training, each._record, sorted(vars(each))) for each in model.modules()]
    state += [mg.get_rng_state().numpy().tobytes(), str(np.random.get_state()), random.getstate()]
    state += [mg.is_grad_enabled(), optimizer._idle, repr(optimizer.state_dict())]
    return state


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.calls = nn.BatchNorm1d(8), 0

    def forward(self, x):
        self.calls += 1
        x += mg.rand(1)
        np.random.rand(), random.random()
        self.norm(x)
        raise RuntimeError("on purpose")


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_asking_changes_nothing(recorded, training):
    model, (x, y) = network(norm=True, dropout=0.5), data()
    optimizer = optim.Adam(model.parameters())
    train(model, optimizer)
    optimizer.param_groups[0]["lr"] = 10.0
    model.train(training)
    x = x * 100
    loss = F.cross_entropy(model(x), y)
    with mg.set_grad_enabled(recorded), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = everything(model, optimizer, x)
        findings = nn.lint(model, F.cross_entropy, optimizer, (x, y))
        nn.lint(model, loss, optimizer, [x, y])
        nn.lint(model, loss, optimizer, x)
        assert everything(model, optimizer, x) == before
    assert set(findings.codes) == {"unscaled-input", "learning-rate"}
    loss.backward()  # its graph is as it was


def test_a_model_that_raises_changes_nothing():
    model, (x, _) = Raises(), data()
    optimizer = sgd(model)
    before = everything(model, optimizer, x)
    findings = nn.lint(model, F.mse_loss, optimizer, (x, x))
    assert everything(model, optimizer, x) == before and model.calls == 0
    assert findings.notes == ("the model raised an error on the batch: RuntimeError: on purpose",)
    for loss, note in [(lambda out, y: 1 / 0, "ZeroDivisionError"), (lambda out, y: 3, "gave 3,"),
                       (lambda out, y: out, r"gave shape (32, 3)")]:  # fmt: skip
        assert note in nn.lint(network(), loss, batch=data()).notes[0]


def test_hooks_do_not_run():
    model, seen = network(), []
    model.register_forward_hook(lambda *_: seen.append(1))
    nn.lint(model, batch=data())
    assert seen == [] and len(model._forward_hooks) == 1
