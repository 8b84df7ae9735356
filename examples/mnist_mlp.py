# %% [markdown]
"""Train a small network with batch normalization to read handwritten digits.

784 – 128 – BatchNorm – ReLU – 64 – BatchNorm – ReLU – 10, cross-entropy from logits, Adam.

    python examples/mnist_mlp.py
    python examples/mnist_mlp.py --compare            beside it, the same network without BatchNorm
    python examples/mnist_mlp.py --hidden 256 --activation gelu --placement after

MNIST is looked for in --data, in the folder that MINIGRAD_DATA names, and in the cache; then it is
downloaded. Without network, the small digits that come with minigrad take its place.
"""

# %%
import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# Read when NumPy is loaded. Matrices this small gain little from a second thread; if the cores
# are busy with something else, two threads that wait for each other take ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from _common import command_line, folder, keep, picture, positive, progress, whole

import minigrad
from minigrad import Tensor, datasets, nn, optim
from minigrad.utils import History
from minigrad.utils.data import DataLoader, Subset, TensorDataset

Data = TensorDataset | Subset[tuple[Tensor, ...]]
Loss = Callable[[Tensor, Tensor], Tensor]

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}
OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "adam": lambda parameters, lr: optim.Adam(parameters, lr=lr or 1e-3),
    "adamw": lambda parameters, lr: optim.AdamW(parameters, lr=lr or 1e-3),
    "sgd": lambda parameters, lr: optim.SGD(parameters, lr=lr or 0.1, momentum=0.9),
}


class Result(NamedTuple):
    name: str
    history: History  # its training figures describe the network while it was learning
    train_accuracy: float
    test_accuracy: float
    seconds: float


# %%
def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = command_line(__doc__)
    add = parser.add_argument
    add("--epochs", type=whole(1), help="default: 10; 30 for the small digits, 42 times fewer")
    add("--batch-size", type=whole(2), default=128, help="at least 2, default: 128")
    add("--lr", type=positive, help="learning rate, default: 0.001; 0.1 for sgd")
    add(
        "--schedule",
        choices=["cosine", "constant"],
        default="cosine",
        help="of the learning rate over the epochs, default: cosine, down to 0",
    )
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="default: adam")
    add("--hidden", type=whole(1), nargs="+", default=[128, 64], help="sizes, default: 128 64")
    add("--activation", choices=ACTIVATIONS, default="relu", help="default: relu")
    add(
        "--placement",
        choices=["before", "after"],
        default="before",
        help="normalize before or after the activation, default: before",
    )
    add("--compare", action="store_true", help="train the network without BatchNorm too")
    add("--seed", type=whole(0), default=0, help="default: 0")
    add("--data", type=folder, metavar="FOLDER", help="folder with the four files of MNIST")
    add("--output", metavar="FILE", default="mnist_mlp.png", help="default: mnist_mlp.png")
    add("--no-picture", action="store_true", help="draw no curves")
    add("--batches", type=whole(1), help="at most this many batches per epoch, for a quick look")
    return parser.parse_args(arguments)


# %% [markdown]
# ## The images, and the network


# %%
def load(folder: str | None) -> tuple[TensorDataset, TensorDataset, str]:
    """Training set, test set and their name: MNIST, or the small digits if it is not available."""
    try:
        return datasets.MNIST(folder), datasets.MNIST(folder, train=False), "MNIST"
    except FileNotFoundError as error:
        print("MNIST is not here and cannot be downloaded: the package's own small digits instead.")
        if isinstance(error.__cause__, ImportError):
            print(f"{error.__cause__}, which downloads need: pip install -e '.[examples]'")
        return datasets.digits(train=True), datasets.digits(train=False), "UCI digits"
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def introduce(source: str, train: Data, test: Data, epochs: int) -> None:
    """Say what is trained on, and for how long."""
    _, height, width = train[0][0].shape
    print(
        f"{source}: {len(train):,} training and {len(test):,} test images of "
        f"{height} × {width} pixels, {epochs} epochs"
    )


def shuffled(train: Data, options: argparse.Namespace) -> DataLoader[tuple[Tensor, ...]]:
    """The training set in batches, in an order that the seed determines."""
    return DataLoader(
        train,
        options.batch_size,
        shuffle=True,
        # One image alone in a last batch has no variance to be normalized by.
        drop_last=len(train) % options.batch_size == 1,
        generator=minigrad.Generator().manual_seed(options.seed),
    )


def build(pixels: int, hidden: list[int], activation: str, placement: str | None) -> nn.Sequential:
    """Linear layers of these sizes; `placement` of BatchNorm: before or after activations, None."""
    biased = placement != "before"  # BatchNorm subtracts the mean, and would take a bias out again
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip([pixels, *hidden], hidden):  # noqa: B905  the last size is only an input
        layers.append(nn.Linear(inputs, outputs, bias=biased))
        normal = [nn.BatchNorm1d(outputs)] if placement else []
        active = [ACTIVATIONS[activation]()]
        layers += active + normal if placement == "after" else normal + active
    return nn.Sequential(*layers, nn.Linear(hidden[-1], 10))


# %% [markdown]
# ## Training
#
# Training mode normalizes by each batch, evaluation by the running statistics.


# %%
def evaluate(model: nn.Sequential, dataset: Data) -> tuple[float, float]:
    """Mean loss and accuracy, with the running statistics."""
    model.eval()
    loss = correct = 0.0
    with minigrad.no_grad():
        for images, labels in DataLoader(dataset, batch_size=1000):
            logits = model(images)
            loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(1) == labels).sum().item()
    return loss / len(dataset), correct / len(dataset)


def train_epoch(
    model: nn.Sequential,
    optimizer: optim.Optimizer,
    batches: Iterable[Sequence[Tensor]],
    criterion: Loss = nn.functional.cross_entropy,
    scheduler: optim.lr_scheduler.LRScheduler | None = None,
) -> tuple[float, float, int]:
    """One pass; mean loss, accuracy, and how many images were seen. A scheduler goes by batches."""
    model.train()
    loss_sum = correct = seen = 0
    for batch, (images, labels) in enumerate(batches, 1):
        logits = model(images)
        loss = criterion(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        mean = loss.item()
        if not math.isfinite(mean):
            sys.exit(f"The loss is {mean} at batch {batch}: a smaller --lr may help.")
        loss_sum += mean * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
        seen += len(labels)
    return loss_sum / seen, correct / seen, seen


def fit(
    name: str, model: nn.Sequential, train: Data, test: Data, options: argparse.Namespace
) -> Result:
    """Train `model` and print one line per epoch."""
    optimizer = OPTIMIZERS[options.optimizer](model.parameters(), options.lr)
    scheduler = None
    if options.schedule == "cosine":  # lr falls along half a cosine to 0: worth 0.3 % on MNIST
        scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    loader = shuffled(train, options)
    batches = min(len(loader), options.batches or len(loader))
    history, began = History(), time.perf_counter()
    print(f"\n{name}\n  epoch  train loss  accuracy  test loss  accuracy  images/s")
    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        loss, accuracy, seen = train_epoch(
            model, optimizer, progress(loader, batches, f"{epoch:7d}")
        )
        rate = seen / (time.perf_counter() - start)
        if scheduler:
            scheduler.step()
        test_loss, test_accuracy = evaluate(model, test)
        history.append(
            epoch=epoch,
            train_loss=loss,
            train_accuracy=accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )
        line = "{:7d}  {:10.4f}  {:8.2%}  {:9.4f}  {:8.2%}  {:8,.0f}"
        print(line.format(*history[-1].values(), rate))
    seconds = time.perf_counter() - began
    test_accuracy = history[-1]["test_accuracy"]
    return Result(name, history, evaluate(model, train)[1], test_accuracy, seconds)


# %% [markdown]
# ## What is shown


# %%
def print_table(results: list[Result]) -> None:
    width = max(len(result.name) for result in results)
    print(f"\n{'':{width}}     train      test      time")
    for name, _, train, test, seconds in results:
        print(f"{name:{width}}  {train:8.2%}  {test:8.2%}  {seconds:6.1f} s")


def draw(figure: Any, results: list[Result], title: str) -> None:
    """Loss and accuracy over the epochs: dashed while learning, solid on the test set."""
    loss, accuracy = figure.subplots(1, 2)
    for result, color, marker in zip(results, ["tab:blue", "tab:red"], "os"):  # noqa: B905
        for part, linestyle in (("train", "--"), ("test", "-")):
            style = {"color": color, "marker": marker, "linestyle": linestyle}
            style["label"] = f"{result.name}, {part}"
            result.history.plot(f"{part}_loss", ax=loss, **style)
            result.history.plot(f"{part}_accuracy", ax=accuracy, **style)
    loss.set(title="cross-entropy", ylim=(0, None))
    accuracy.set(title="accuracy")
    accuracy.yaxis.set_major_formatter("{x:.0%}")
    accuracy.get_legend().remove()  # it is that of the loss
    figure.suptitle(title)


# %%
def main(arguments: list[str] | None = None) -> list[Result]:
    options = parse(arguments)
    figure = None if options.no_picture else picture(options.output, (10, 4))
    train, test, source = load(options.data)
    shape = tuple(train[0][0].shape)
    options.epochs = options.epochs or (10 if source == "MNIST" else 30)
    introduce(source, train, test, options.epochs)
    results = []
    for placement in [options.placement, None] if options.compare else [options.placement]:
        minigrad.manual_seed(options.seed)
        model = build(math.prod(shape), options.hidden, options.activation, placement)
        if placement:
            print(nn.summary(model, (options.batch_size, *shape)))
        name = f"BatchNorm {placement} {options.activation}" if placement else "without BatchNorm"
        results.append(fit(name, model, train, test, options))
    print_table(results)
    if figure:
        draw(figure, results, f"{source}, test accuracy {results[0].test_accuracy:.2%}")
        keep(figure, options.output, "curves")
    return results


# %%
if __name__ == "__main__":
    main()
