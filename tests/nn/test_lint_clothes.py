"""nn.lint: mistakes in other clothes, and right programs that look like mistakes."""

import copy
import math
import threading

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F


class Net(nn.Module):
    """Linear – ReLU – Linear, and a function at the end."""

    def __init__(self, last=lambda z: z, outputs=3):
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, outputs)
        self.last = last

    def forward(self, x):
        return self.last(self.second(F.relu(self.first(x))))


@pytest.fixture
def batch():
    mg.manual_seed(0)
    x = mg.randn(64, 8)
    return x, x[:, :3].argmax(1)


def steps(model, optimizer, x, y, count=3):
    for _ in range(count):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


# --- wrong ---------------------------------------------------------------------------------------


def with_unsqueeze(z):
    e = mg.exp(z - z.amax(1, keepdim=True))
    return e / e.sum(1).unsqueeze(1)


@pytest.mark.parametrize(
    ("last", "loss", "code"),
    [
        (with_unsqueeze, F.cross_entropy, "softmax-before-cross-entropy"),
        (lambda z: (z / 2).softmax(-1), nn.CrossEntropyLoss(label_smoothing=0.1),
         "softmax-before-cross-entropy"),
        (lambda z: z, lambda z, y: F.cross_entropy(z.softmax(1)[mg.arange(9)], y[:9]) + z.mean(),
         "softmax-before-cross-entropy"),
        (lambda z: z.softmax(0).log(), F.nll_loss, "log-softmax-over-batch"),
        (lambda z: z.log_softmax(-2), nn.NLLLoss(), "log-softmax-over-batch"),
        (lambda z: z, lambda z, y: mg.tensor(F.cross_entropy(z, y).item(), requires_grad=True),
         "loss-without-history"),
        (lambda z: z, lambda z, y: 2 * mg.tensor([z.mean().item()], requires_grad=True),
         "loss-without-history"),
        (lambda z: z.softmax(1), lambda p, y: (p / (p * 0)).mean(), "infinite-loss"),
    ],
)  # fmt: skip
def test_in_the_graph(batch, last, loss, code):
    model = Net(last)
    assert nn.lint(model, loss, batch=batch).codes == (code,)
    assert nn.lint(model, loss(model(batch[0]), batch[1])).codes == (code,)


@pytest.mark.parametrize(
    ("last", "loss", "code"),
    [
        (nn.Softmax(1), nn.CrossEntropyLoss(), "softmax-before-cross-entropy"),
        (nn.Softmax(1), F.nll_loss, "probabilities-into-nll"),
        (nn.Sigmoid(), nn.BCEWithLogitsLoss(), "sigmoid-before-logits-loss"),
    ],
)
def test_without_a_batch(last, loss, code):
    model = nn.Sequential(nn.Linear(8, 3), nn.Sequential(nn.ReLU(), last))
    findings = nn.lint(model, loss)
    assert findings.codes == (code,) and findings[0].layer == "1.1"
    assert not nn.lint(model, nn.MSELoss()) and not nn.lint(nn.Sequential(), loss)


def test_one_layer_with_an_absurd_rate(batch):
    model = nn.Linear(8, 3)
    optimizer = optim.SGD(model.parameters(), lr=1e5)
    optimizer.lock = threading.Lock()  # what cannot be copied stays where it is
    assert nn.lint(model, F.cross_entropy, optimizer, batch).codes == ("learning-rate",)
    model.lock = threading.Lock()
    findings = nn.lint(model, F.cross_entropy, optimizer, batch)
    assert findings == [] and "could not be copied" in findings.notes[0]


def test_a_loss_that_has_run_away(batch):
    model = Net()
    steps(model, optim.SGD(model.parameters(), lr=100), *batch, count=6)
    (finding,) = nn.lint(model, F.cross_entropy, batch=batch)
    assert finding.code == "learning-rate"
    assert "after some steps the loss is" in finding.what and "log 3 = 1.1" in finding.what
    loaded = Net()
    loaded.load_state_dict(model.state_dict())
    assert not nn.lint(loaded, F.cross_entropy, batch=batch)


def test_data_that_are_no_numbers(batch):
    finding = nn.lint(Net(), F.cross_entropy, batch=(batch[0] / 0, batch[1]), ignore=[
        "unscaled-input"])[0]  # fmt: skip
    assert finding.what == "the loss is nan, because the batch already holds NaN or infinities"


# --- right ---------------------------------------------------------------------------------------


class Shared(nn.Module):
    """The normalization is not the only one that sees the bias."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, x):
        h = self.first(x)
        return self.head(self.norm(h).relu() + h)


class OverLength(nn.Module):
    """The channels of the normalization are positions, so each bias stays."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(4, 6), nn.BatchNorm1d(2), nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.norm(self.first(x.reshape(-1, 2, 4))).flatten(1))


class Standardized(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        return self.net((x - 128) / 64)


def focal(z, y):
    picked = z.log_softmax(1)[mg.arange(len(y)), y]
    return -((1 - picked.exp()) ** 2 * picked).mean()


def contrastive(z, y):
    z = z / z.norm(2, 1, keepdim=True)
    same = mg.tensor([[i == j for j in range(len(z))] for i in range(len(z))])
    return F.cross_entropy((z @ z.t() / 0.1).masked_fill(same, -math.inf), mg.arange(63, -1, -1))


@pytest.mark.parametrize("model", [
    Shared(), OverLength(), nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 3)),
    nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 3)),
    nn.Sequential(*[each for _ in range(4) for each in (nn.Linear(8, 8), nn.ReLU())]),
    Net(lambda z: z.t().log_softmax(0).t()),
])  # fmt: skip
def test_models(batch, model):
    loss = F.nll_loss if isinstance(model, Net) else F.cross_entropy
    assert not nn.lint(model, loss, optim.Adam(model.parameters()), batch)
    if isinstance(model, (Shared, OverLength)):
        assert not nn.lint(model, loss(model(batch[0]), batch[1]))


@pytest.mark.parametrize("loss", [focal, contrastive])
def test_losses(batch, loss):
    assert not nn.lint(Net(), loss, batch=batch)


def test_pixels_that_the_model_scales(batch):
    pixels = mg.randint(0, 256, (64, 8)).float()
    assert not nn.lint(Standardized(), F.cross_entropy, batch=(pixels, batch[1]))


def test_features_of_a_frozen_body(batch):
    """They may be large. Dead units in front of them are found all the same."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    with mg.no_grad():
        model[0].requires_grad_(False).weight.mul_(100)
    assert not nn.lint(model, F.cross_entropy(model(batch[0]), batch[1]), ignore=["first-loss"])
    with mg.no_grad():
        model[1].bias.fill_(-1000)
    assert nn.lint(model, F.cross_entropy(model(batch[0]), batch[1])).codes == ("dead-units",)


def test_a_batch_of_equal_samples():
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
    assert not nn.lint(model, batch=mg.zeros(64, 8)) and not nn.lint(model, batch=mg.zeros(0, 8))


def test_a_network_that_knows_too_much(batch):
    """Sure and wrong on other data, but trained: that is no first loss."""
    model, (x, _) = Net(), batch
    noise = mg.randint(0, 3, (64,))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    steps(model, optimizer, x, noise, 200)
    assert F.cross_entropy(model(3 * x), 2 - noise).item() > 3 * math.log(3)
    assert not nn.lint(model, F.cross_entropy, optimizer, (3 * x, 2 - noise))


def test_a_teacher_in_evaluation_mode(batch):
    x, y = batch
    teacher = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    steps(teacher, optim.Adam(teacher.parameters()), x, y)
    teacher.eval()
    student = copy.deepcopy(teacher).train()
    optimizer = optim.SGD(student.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(student(x), teacher(x).detach().softmax(1)).backward()
        optimizer.step()
    assert not nn.lint(teacher) and not nn.lint(student, None, optimizer)


def test_one_part_after_the_other(batch):
    model = Net()
    first = optim.SGD(model.first.parameters(), lr=0.1)
    second = optim.Adam(model.second.parameters())
    for k in range(6):
        model.zero_grad()
        F.cross_entropy(model(batch[0]), batch[1]).backward()
        (first, second)[k % 2].step()
    assert not nn.lint(model, None, first) and not nn.lint(model, None, second)


def test_an_optimizer_of_one_s_own(batch):
    class Mine(optim.Optimizer):
        def step(self, closure=None):
            with mg.no_grad():
                for p in self.param_groups[0]["params"]:
                    p -= 0.1 * p.grad

    model = Net()
    optimizer = Mine(model.parameters(), {"lr": 0.1})
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    steps(model, optimizer, *batch)
    schedule.step()
    steps(model, optimizer, *batch)
    assert not nn.lint(model, F.cross_entropy, optimizer, batch)
