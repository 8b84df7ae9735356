"""nn.lint: each mistake of docs/mistakes.md is found, by its code."""

import pytest
from helpers.lint_networks import Scores, data, network, only, sgd, train

import minigrad as mg
from minigrad import datasets, nn, optim
from minigrad.nn import functional as F
from minigrad.optim import lr_scheduler

# --- 1, 11, 12, 13, 16, 19: the graph ------------------------------------------------------------


def written_out(z):
    e = z.exp()
    return e / e.sum(1, keepdim=True)


def lint_of(last, loss, outputs=3, y=None):
    """What lint says of a value, which must be what it says of a function and a batch."""
    mg.manual_seed(0)
    x, labels = data()
    model, y = Scores(last, outputs), labels if y is None else y
    by_value = nn.lint(model, loss(model(x), y))
    assert nn.lint(model, loss, batch=(x, y)).codes == by_value.codes
    return by_value


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (nn.Softmax(1), F.cross_entropy),
        (lambda z: z.softmax(-1), nn.CrossEntropyLoss()),
        (written_out, F.cross_entropy),
        (nn.Softmax(1), lambda z, y: F.cross_entropy(z, y, reduction="sum") / 32),
        (nn.Softmax(1), lambda z, y: F.cross_entropy(z, F.one_hot(y, 3).float())),
        (nn.Sequential(nn.Softmax(1), nn.Flatten()), F.cross_entropy),
        (nn.Softmax(1), lambda z, y: F.nll_loss(F.log_softmax(z, 1), y)),
    ],
)
def test_1_softmax_before_cross_entropy(last, loss):
    finding = only(lint_of(last, loss), "softmax-before-cross-entropy")
    assert finding.layer == "body" and "(32, 3)" in finding.what


@pytest.mark.parametrize(
    "last", [nn.Sigmoid(), lambda z: 1 / (1 + (-z).exp()), lambda z: z.sigmoid().reshape(-1, 1)]
)
def test_11_sigmoid_before_a_loss_of_logits(last):
    y = (data()[0][:, :1] > 0).float()
    only(lint_of(last, F.binary_cross_entropy_with_logits, 1, y), "sigmoid-before-logits-loss")
    loss = nn.BCEWithLogitsLoss(pos_weight=mg.tensor([2.0]))
    only(lint_of(last, loss, 1, y), "sigmoid-before-logits-loss")


@pytest.mark.parametrize("last", [nn.Softmax(1), lambda z: F.softmax(z, 1), written_out])
def test_12_probabilities_into_nll(last):
    only(lint_of(last, F.nll_loss), "probabilities-into-nll")
    only(lint_of(last, nn.NLLLoss(reduction="none")), "probabilities-into-nll")


@pytest.mark.parametrize("last", [nn.LogSoftmax(0), lambda z: z.log_softmax(0)])
@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
def test_13_log_softmax_over_the_batch(last, loss):
    finding = only(lint_of(last, loss), "log-softmax-over-batch")
    assert "over dimension 0 of shape (32, 3)" in finding.what


def test_log_softmax_twice():
    only(lint_of(nn.LogSoftmax(1), F.cross_entropy), "log-softmax-twice")
    only(lint_of(nn.LogSoftmax(1), lambda z, y: F.nll_loss(z.log_softmax(1), y)),
         "log-softmax-twice")  # fmt: skip


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(mg.randn(8, 16)), nn.Parameter(mg.zeros(16))
        self.norm, self.head = nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.norm(x @ self.w + self.b).relu())


class Called(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(F.relu(self.norm(self.first(x))))


def test_16_a_bias_before_batch_norm():
    x, y = data()
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    finding = only(nn.lint(model), "bias-before-norm")
    assert finding.layer == "0" and "16 numbers" in finding.what
    only(nn.lint(model, F.cross_entropy, batch=(x, y)), "bias-before-norm")  # seen twice, said once
    only(nn.lint(Called(), F.cross_entropy, batch=(x, y)), "bias-before-norm")
    only(nn.lint(ByHand(), F.cross_entropy, batch=(x, y)), "bias-before-norm")
    images = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    only(nn.lint(nn.Sequential(images, nn.ReLU())), "bias-before-norm")


def test_19_batch_norm_probed_by_its_sum():
    x, _ = data()
    model = nn.Sequential(nn.BatchNorm1d(8))
    for probe in (lambda y: y.sum(), lambda y: y.mean(), lambda y: y.sum(0).sum()):
        only(nn.lint(model, probe(model(x))), "norm-probed-by-sum")
    only(nn.lint(model, lambda out, y: out.mean(), batch=(x, x)), "norm-probed-by-sum")
    assert not nn.lint(model, (model(x) * mg.randn(32, 8)).sum())
    model.eval()
    assert not nn.lint(model, model(x).sum())


# --- 2, 3, 4, 18, 21, 22: optimizer and gradients ------------------------------------------------


def test_2_zero_grad_is_missing():
    model, (x, y) = network(), data()
    optimizer = sgd(model)
    for step in range(3):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        assert bool(nn.lint(model, None, optimizer)) == (step > 1)
        optimizer.step()
    finding = only(nn.lint(model), "zero-grad-missing")
    assert "'0.weight' and 3 more" in finding.what
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    assert not nn.lint(model, None, optimizer)


@pytest.mark.parametrize("by_hand", [
    lambda p: p.grad.zero_(), lambda p: p.grad.fill_(0), lambda p: p.grad.data.zero_(),
    lambda p: setattr(p, "grad", None), lambda p: setattr(p, "grad", mg.zeros_like(p)),
    lambda p: p.grad.mul_(0.9),
])  # fmt: skip
def test_2_gradients_forgotten_by_hand(by_hand):
    model, (x, y) = network(), data()
    optimizer = sgd(model)
    for _ in range(4):
        F.cross_entropy(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        for p in model.parameters():
            by_hand(p)
    assert not nn.lint(model, None, optimizer)


def test_2_also_with_clipped_gradients():
    model, (x, y) = network(), data()
    optimizer = optim.Adam(model.parameters())
    for _ in range(3):
        F.cross_entropy(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
    only(nn.lint(model, None, optimizer), "zero-grad-missing")


def in_order(order, model, optimizer, zero_grad, times=3):
    x, y = data()
    lines = {
        "zero": zero_grad,
        "step": optimizer.step,
        "backward": lambda: F.cross_entropy(model(x), y).backward(),
    }
    for _ in range(times):
        for line in order.split():
            lines[line]()


@pytest.mark.parametrize("forget", ["optimizer", "model"])
@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize(
    "order", ["backward zero step", "zero step backward", "step backward zero"]
)
def test_3_the_right_lines_in_the_wrong_order(order, set_to_none, forget):
    model = network()
    optimizer = sgd(model)
    zero_grad = (optimizer if forget == "optimizer" else model).zero_grad
    in_order(order, model, optimizer, lambda: zero_grad(set_to_none=set_to_none))
    finding = only(nn.lint(model, None, optimizer), "step-order")
    assert " 3 steps found" in finding.what or " 2 steps found" in finding.what
    nothing = "no gradient" if set_to_none or "backward" in order.split()[-1] else "only zeros"
    assert nothing in finding.what


@pytest.mark.parametrize(
    "order", ["zero backward step", "backward step zero", "step zero backward"]
)
def test_3_filled_with_zeros_in_the_right_order(order):
    model = network()
    optimizer = sgd(model)
    in_order(order, model, optimizer, lambda: optimizer.zero_grad(set_to_none=False))
    assert not nn.lint(model, None, optimizer)


def test_3_zeros_that_something_was_written_into():
    model = network()
    optimizer = sgd(model)

    def zero_grad():
        optimizer.zero_grad(set_to_none=False)
        model[0].weight.grad += 1

    in_order("backward zero step", model, optimizer, zero_grad)
    assert not nn.lint(model, None, optimizer)


def test_4_another_model_s_parameters():
    model = network()
    optimizer = sgd(model)
    finding = only(nn.lint(network(), optimizer=optimizer), "foreign-optimizer")
    assert "none of the 4 tensors of SGD" in finding.what
    assert not nn.lint(model, optimizer=sgd(model[2]))  # a part is right
    assert not nn.lint(model, optimizer=optim.SGD([mg.ones(2, requires_grad=True)]))  # an input


def test_18_a_loss_rebuilt_from_a_number():
    model, (x, y) = network(), data()
    loss = F.cross_entropy(model(x), y)
    rebuilt = mg.tensor(loss.item(), requires_grad=True)
    finding = only(nn.lint(model, rebuilt), "loss-without-history")
    assert f"{loss.item():.4g}" in finding.what
    optimizer = sgd(model)
    for _ in range(2):
        optimizer.zero_grad()
        mg.tensor(F.cross_entropy(model(x), y).item(), requires_grad=True).backward()
        optimizer.step()
    assert "2 steps found" in only(nn.lint(model, None, optimizer), "loss-without-history").what


@pytest.mark.parametrize("optimizer", [lambda p: optim.SGD(p, lr=1e4), lambda p: optim.Adam(p, 5)])
def test_21_a_rate_far_too_large(optimizer):
    model, (x, y) = network(), data()
    optimizer = optimizer(model.parameters())
    by_batch = nn.lint(model, F.cross_entropy, optimizer, (x, y))
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    assert nn.lint(model, loss, optimizer)[0] == only(by_batch, "learning-rate")
    assert "2 of 2 weight tensors" in by_batch[0].what


def test_21_a_large_rate_alone_is_silent():
    model, (x, y) = network(norm=True), data()
    assert not nn.lint(model, F.cross_entropy, sgd(model, lr=1.0), (x, y))


def test_22_the_schedule_before_the_optimizer():
    model = network()
    optimizer = sgd(model)
    schedule = lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="a schedule made its step before the optimizer") as seen:
        for _ in range(3):
            schedule.step()
            train(model, optimizer, 1)
    assert len(seen) == 1 and seen[0].filename == train.__code__.co_filename


def test_22_what_is_right():
    optimizer = sgd(network())
    schedule = lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):  # only looked at, or wound forward to go on
        schedule.step()
    train(network(), optimizer, 1)
    model = network()
    optimizer = sgd(model)
    schedule = lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        train(model, optimizer, 1)
        schedule.step()


# --- 5, 6, 7, 8, 9, 15: the model ----------------------------------------------------------------


class InAList(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden, self.head = hidden, nn.Linear(8, 3)


@pytest.mark.parametrize("hidden", [
    [nn.Linear(8, 8), nn.Linear(8, 8)], {"a": nn.Linear(8, 8)}, [[nn.Linear(8, 8)]],
    (nn.Parameter(mg.ones(2)),), [nn.Dropout()],
])  # fmt: skip
def test_5_layers_in_a_list(hidden):
    finding = only(nn.lint(InAList(hidden)), "unregistered-layers")
    assert finding.layer == "hidden" and f"the {type(hidden).__name__} self.hidden" in finding.what


def test_5_what_is_right():
    layer, frozen = nn.Linear(8, 8), nn.Linear(8, 8).requires_grad_(False)
    for right in ([nn.ReLU(), mg.relu], nn.ModuleList([layer]), [frozen], ["a", 1, None]):
        assert not nn.lint(InAList(right))
    model = InAList([layer])
    model.again = layer
    assert not nn.lint(model)
    model = InAList([layer])
    both = optim.SGD([*model.parameters(), *layer.parameters()])
    assert not nn.lint(model, optimizer=both)


@pytest.mark.parametrize(("norm", "dropout"), [(True, 0), (False, 0.5)])
def test_6_and_7_evaluation_in_training_mode(norm, dropout):
    model, (x, _) = network(norm, dropout), data()
    train(model, sgd(model))
    model.eval  # noqa: B018 - the parentheses are what is missing
    with mg.no_grad():
        model(x)
        model(x)
    finding = only(nn.lint(model), "evaluation-in-training-mode")
    assert finding.layer == "1" and "in its last 2 calls" in finding.what
    train(model, sgd(model))
    assert not nn.lint(model)


def test_7_what_is_right():
    x, _ = data()
    model = network()
    with mg.no_grad():
        model(x)  # without dropout and batch norm the mode does not matter
    assert not nn.lint(model)
    model = network(norm=True)
    train(model, sgd(model))
    model.eval()
    with mg.no_grad():
        model(x)
    model.train()
    assert not nn.lint(model)
    model[1].reset_running_stats()  # statistics gathered anew, by hand
    with mg.no_grad():
        model(x)
    assert not nn.lint(model)


@pytest.mark.parametrize(("norm", "dropout"), [(True, 0), (False, 0.5)])
def test_8_training_goes_on_in_evaluation_mode(norm, dropout):
    model, (x, _) = network(norm, dropout), data()
    optimizer = sgd(model)
    for _ in range(2):
        train(model, optimizer)
        model.eval()
        with mg.no_grad():
            model(x)
    finding = only(nn.lint(model), "training-in-evaluation-mode")
    assert finding.layer == "1" and finding.what.startswith("2 steps of an optimizer since eval()")
    model.train()
    assert not nn.lint(model)


def test_8_frozen_layers_are_right():
    model = network(norm=True)
    model[1].eval()
    train(model, sgd(model))
    assert not nn.lint(model)
    model.eval()
    model[1].requires_grad_(False)
    train(model, sgd(model[3]))
    assert not nn.lint(model)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_9_equal_weights(value):
    model = network()
    for p in model.parameters():
        nn.init.constant_(p, value)
    finding = only(nn.lint(model), "equal-weights")
    assert finding.layer == "0" and f"all weights are {value:g} in all 16 units" in finding.what


def test_9_what_is_right():
    alone = nn.Sequential(nn.Linear(8, 3))
    nn.init.zeros_(alone[0].weight)
    last = network()
    nn.init.zeros_(last[2].weight)
    assert not nn.lint(alone) and not nn.lint(last)


def test_15_momentum_of_keras():
    finding = only(nn.lint(nn.Sequential(nn.BatchNorm1d(4, momentum=0.99))), "keras-momentum")
    assert "0.99" in finding.what and finding.layer == "0"
    assert not nn.lint(
        nn.Sequential(nn.BatchNorm1d.from_keras(4), nn.BatchNorm1d(4, momentum=None))
    )


# --- 10, 14, 23 and more: numbers ----------------------------------------------------------------


def test_10_dead_units():
    model, (x, y) = network(), data()
    with mg.no_grad():
        model[0].bias[:8] -= 100
    finding = only(nn.lint(model, F.cross_entropy, batch=(x, y)), "dead-units")
    assert finding.what.startswith("8 of 16 units are 0 for all 32 samples")
    only(nn.lint(model, batch=x), "dead-units")
    only(nn.lint(model, F.cross_entropy(model(x), y)), "dead-units")
    with mg.no_grad():
        model[0].bias[1:8] += 100
    assert not nn.lint(model, batch=x)


def test_14_unscaled_pixels():
    x, y = datasets.digits(train=False)[:32]
    mg.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    assert not nn.lint(model, F.cross_entropy, batch=(x, y))
    findings = nn.lint(model, F.cross_entropy, batch=(x * 255, y))
    assert "unscaled-input" in findings.codes
    assert "inputs from 0 to 255" in findings[findings.codes.index("unscaled-input")].what
    assert "unscaled-input" in nn.lint(model, F.cross_entropy(model(x * 255), y)).codes
    normalized = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), *model[1:])
    assert not nn.lint(normalized, F.cross_entropy, batch=(x * 255, y))


def test_14_bytes_are_told_to_be_scaled():
    pixels = mg.zeros(4, 8, dtype=mg.uint8)
    with pytest.raises(mg.DTypeError, match=r"\.float\(\), and pixels with \.float\(\) / 255"):
        network()(pixels)
    assert "pixels with .float() / 255" in nn.lint(network(), batch=pixels).notes[0]


def test_23_the_operation_that_made_the_infinity():
    x = mg.tensor([[1000.0, 0.0, 0.0]])
    model = Scores(nn.Softmax(1))

    def loss(p, y):
        return -(p.log()[0, 1] + 0 * p.sum())

    with mg.no_grad():
        model.body.weight.zero_()
        model.body.weight[0] += 1
    batch = mg.ones(4, 8) * 20
    batch[:, 0] = 1000 * x[0, 0]
    finding = nn.lint(model, loss, batch=(batch, batch), ignore=["unscaled-input"])
    assert "log is given 8 zeros, shape (4, 3)" in only(finding, "infinite-loss").what
    assert f"{__file__}:" in finding[0].line
    with mg.no_grad():
        model.body.weight.mul_(float("nan"))
    finding = only(nn.lint(model, model(batch).sum(), ignore=["unscaled-input"]), "infinite-loss")
    assert "'body.weight' already holds NaN" in finding.what


def test_more_that_lint_sees():
    x, y = data()
    model = network()
    with mg.no_grad():
        model[2].weight.mul_(100)
    assert "log 3 = 1.1" in only(nn.lint(model, F.cross_entropy, batch=(x, y)), "first-loss").what
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    with mg.no_grad():
        model[0].weight.mul_(1000)
    assert "saturated-units" in nn.lint(model, F.cross_entropy, batch=(x, y)).codes
    deep = nn.Sequential(*[each for _ in range(8) for each in (nn.Linear(8, 8), nn.Sigmoid())])
    finding = only(nn.lint(deep, F.mse_loss, batch=(x, x)), "gradient-scale")
    assert "'14.weight'" in finding.what and finding.layer == "0"
