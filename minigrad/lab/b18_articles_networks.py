"""The networks of two articles, corrected: they learn, and have the parameters they should have.

Papers: an article on batch norm in Keras, whose convolutional network normalizes after the softmax
(347,186 parameters); and one with a layer of its own, whose code cannot run (110,154 parameters).
Here: the normalization stands before each activation, without a bias before it in the convolutional
network, which makes 347,434; the loss takes logits. Adam with .001, the first 10,000 images, as
many batches of 64, drawn at random, as two passes have; `from_keras`, whose average keeps .99.
After each pass the accuracy with that average, and with recalibrated statistics. (64 was
chosen here; smaller batches would mean more steps.)
Must show: both numbers of parameters, counted as Keras does; the convolutional network at least .97
after two passes, recalibrated. What becomes of the printed one: examples/mnist_cnn.py.
"""

import copy
import math

import minigrad
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, TensorDataset

from .protocol import Run, claim
from .training import Images, accuracy, descend, images

IMAGES, BATCH = 10_000, 64


def second_article(side: int) -> nn.Sequential:
    """The second article's."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(side * side, 128), nn.BatchNorm1d.from_keras(128), nn.ReLU(),
        nn.Linear(128, 64), nn.BatchNorm1d.from_keras(64), nn.ReLU(),
        nn.Linear(64, 10),
    )  # fmt: skip


def first_article(side: int, normalized: bool = True) -> nn.Sequential:
    """The first article's; `side` is that of an image."""
    features = 32 * ((side - 2) // 2) ** 2
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, bias=not normalized),
        nn.BatchNorm2d.from_keras(32, axis=1) if normalized else nn.Identity(),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(features, 64, bias=not normalized),
        nn.BatchNorm1d.from_keras(64) if normalized else nn.Identity(),
        nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


@claim("B18", "The articles' networks, corrected", "two articles", 18, mnist=True)
def articles_networks(run: Run) -> None:
    run.must_be_so("perceptron: 110,154 parameters", _count(second_article(28)) == 110_154, "yes")
    run.must_be_so("convolutional: 347,434 parameters", _count(first_article(28)) == 347_434)
    data, tests = (_squares(each) for each in images(run))
    data = data[0][:IMAGES], data[1][:IMAGES]
    side = data[0].shape[-1]
    if run.quick:
        tests = tests[0][:200], tests[1][:200]
    for name, build in (("perceptron", second_article), ("convolutional", first_article)):
        run.arm(name)
        minigrad.manual_seed(run.seed)
        found = _epochs(run, build(side), data, tests)
        panel = run.panel(f"The {name} network", "pass", "test accuracy")
        panel.line("moving average", (1, 2), [average for average, _ in found])
        panel.line("recalibrated", (1, 2), [anew for _, anew in found])
        for epoch, (average, anew) in enumerate(found, 1):
            run.also(f"{name}, pass {epoch}: moving average", average)
            if name == "convolutional" and epoch == 2:
                run.must(f"{name}, pass {epoch}: recalibrated", anew, at_least=0.97,
                         whole_only=True)  # fmt: skip
            else:
                run.also(f"{name}, pass {epoch}: recalibrated", anew)
    run.arm("convolutional, none")
    minigrad.manual_seed(run.seed)
    model = first_article(side, normalized=False)
    rate = optim.Adam(model.parameters(), lr=0.001)
    descend(model, data, 2 * _pass(run, data), rate, BATCH, run.seed)
    run.also("convolutional, none, pass 2", _accuracy(model, tests))


def _squares(data: Images) -> Images:
    side = round(data[0].shape[1] ** 0.5)
    return data[0].reshape(-1, 1, side, side), data[1]


def _count(model: nn.Sequential) -> int:
    """As Keras counts: with the running statistics, which do not learn."""
    buffers = [each for name, each in model.named_buffers() if "running" in name]
    return sum(each.numel() for each in [*model.parameters(), *buffers])


def _pass(run: Run, data: Images) -> int:
    return run.steps(math.ceil(len(data[1]) / BATCH), 3)


def _epochs(run: Run, model: nn.Sequential, data: Images, tests: Images):
    """After each of two passes: accuracy with the moving average, and recalibrated."""
    optimizer, found = optim.Adam(model.parameters(), lr=0.001), []
    shown = TensorDataset(data[0][: run.steps(IMAGES, 500)])
    for epoch in range(2):
        descend(model.train(), data, _pass(run, data), optimizer, BATCH, run.seed + epoch)
        anew = copy.deepcopy(model)
        nn.utils.recalibrate(anew, DataLoader(shown, batch_size=500))
        found.append((_accuracy(model, tests), _accuracy(anew, tests)))
    return found


def _accuracy(model: nn.Sequential, tests: Images) -> float:
    """In evaluation, 500 images at once: the convolution makes 32 of each."""
    model.eval()
    return accuracy(
        lambda x: minigrad.cat([model(x[i : i + 500]) for i in range(0, len(x), 500)]), tests
    )
