# %% [markdown]
"""Train a small convolutional network with batch normalization to read handwritten digits.

Conv 32 3 × 3 – BatchNorm – ReLU – MaxPool 2 – Flatten – Linear 64 – BatchNorm – ReLU – Linear 10,
cross-entropy from logits, Adam, a learning rate that falls along half a cosine to 0.

    python examples/mnist_cnn.py
    python examples/mnist_cnn.py --augment        images shifted and turned a little, each time anew
    python examples/mnist_cnn.py --as-printed     the same network as an article printed it: with
                                                  the normalization after the softmax, and what
                                                  becomes of it

MNIST is looked for in --data, in the folder that MINIGRAD_DATA names, and in the cache; then it is
downloaded. Without network, the small digits that come with minigrad take its place.
"""

# %%
import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # why: mnist_mlp.py

import numpy as np
from _common import command_line, folder, keep, picture, positive, progress, whole
from mnist_mlp import Data, Loss, introduce, load, shuffled, train_epoch

import minigrad
from minigrad import Tensor, nn, optim
from minigrad.utils import History
from minigrad.utils.data import DataLoader, Subset

FILTERS = 32
SMALLEST = 1e-7  # what Keras takes for a probability of 0


class Result(NamedTuple):
    name: str
    model: nn.Sequential
    filters: tuple[np.ndarray, np.ndarray]  # before and after the training
    confusion: np.ndarray  # [label, answer]: how many test images
    history: History

    @property
    def accuracy(self) -> float:
        return float(self.confusion.trace() / self.confusion.sum())


# %%
def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = command_line(__doc__)
    add = parser.add_argument
    add("--epochs", type=whole(1), help="default: 2; 30 for the small digits, 42 times fewer")
    add("--batch-size", type=whole(2), help="at least 2, default: 64; 32 with --as-printed")
    add("--lr", type=positive, help="learning rate, default: 0.002; 0.001 with --as-printed")
    add("--augment", action="store_true", help="shift and turn each training image a little")
    add("--as-printed", action="store_true", help="the article's network beside its corrections")
    add("--train-images", type=whole(2), help="default: all; 10000 with --as-printed")
    add("--seed", type=whole(0), default=0, help="default: 0")
    add("--data", type=folder, metavar="FOLDER", help="folder with the four files of MNIST")
    add("--output", metavar="FILE", default="mnist_cnn.png", help="default: mnist_cnn.png")
    add("--no-picture", action="store_true", help="draw no filters")
    add("--batches", type=whole(1), help="at most this many batches per epoch, for a quick look")
    return parser.parse_args(arguments)


# %% [markdown]
# ## The networks


# %%
def features(height: int, width: int) -> int:
    """How many numbers the convolution and the pooling make of an image."""
    return FILTERS * ((height - 2) // 2) * ((width - 2) // 2)


def corrected(height: int, width: int) -> nn.Sequential:
    """Normalized before each activation; the logits go to the loss as they are."""
    return nn.Sequential(
        nn.Conv2d(1, FILTERS, 3, bias=False),  # the normalization would take a bias out again
        nn.BatchNorm2d(FILTERS),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features(height, width), 64, bias=False),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def printed(height: int, width: int, normalized: bool = True) -> nn.Sequential:
    """The article's network, in Keras: its normalization comes last, after the softmax.

    So the answers are no longer probabilities: over a batch, each class has the mean 0, whatever
    the images show, and most answers are negative.
    """
    model = nn.Sequential(
        nn.Conv2d(1, FILTERS, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(features(height, width), 64),
        nn.ReLU(),
        nn.Linear(64, 10),
        nn.Softmax(1),
    )
    for layer in model:  # as Keras starts
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    if normalized:
        model.append(nn.BatchNorm1d.from_keras(10))
    return model


def plain(height: int, width: int) -> nn.Sequential:
    """The article's network without its normalization."""
    return printed(height, width, normalized=False)


def loss_of_probabilities(answers: Tensor, labels: Tensor) -> Tensor:
    """Keras' sparse_categorical_crossentropy: −log of the answer for the label, over their sum.

    It takes the answers for probabilities: values below 1e-7 or above 1 − 1e-7 are clipped there,
    and have no gradient. That is so for nearly all normalized answers.
    """
    logs = answers.clamp(SMALLEST, 1 - SMALLEST).log()
    return nn.functional.cross_entropy(logs, labels)


def count(model: nn.Sequential) -> tuple[int, int]:
    """The number of parameters as Keras counts: with the running statistics, which do not learn."""
    trained = sum(parameter.numel() for parameter in model.parameters())
    kept = sum(b.numel() for name, b in model.named_buffers() if "running" in name)
    return trained + kept, kept


# %% [markdown]
# ## The images


# %%
def moved(
    images: np.ndarray, rng: np.random.Generator, pixels: float = 2.0, degrees: float = 10.0
) -> np.ndarray:
    """Each of the images (N, 1, H, W) turned and shifted at random, by at most this much.

    For every pixel of the new image: where it lies in the old one, and what is there, in between
    the four pixels around (bilinear). Outside of the image is 0.
    """
    N, _, H, W = images.shape
    angle = np.radians(rng.uniform(-degrees, degrees, (N, 1, 1)))
    down, right = rng.uniform(-pixels, pixels, (2, N, 1, 1))
    middle_h, middle_w = (H - 1) / 2, (W - 1) / 2
    h, w = np.indices((H, W))
    h, w = h - middle_h, w - middle_w
    from_h = np.cos(angle) * h - np.sin(angle) * w + middle_h - down
    from_w = np.sin(angle) * h + np.cos(angle) * w + middle_w - right

    above, left = np.floor(from_h).astype(int), np.floor(from_w).astype(int)
    part_h, part_w = from_h - above, from_w - left
    framed = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    n = np.arange(N)[:, None, None]

    def at(h: np.ndarray, w: np.ndarray) -> Any:
        return framed[n, np.clip(h + 1, 0, H + 1), np.clip(w + 1, 0, W + 1)]

    upper = (1 - part_w) * at(above, left) + part_w * at(above, left + 1)
    lower = (1 - part_w) * at(above + 1, left) + part_w * at(above + 1, left + 1)
    result: np.ndarray = (1 - part_h) * upper + part_h * lower
    return result[:, None].astype(images.dtype)


# %% [markdown]
# ## Training and answers


# %%
def answers(model: nn.Sequential, dataset: Data) -> np.ndarray:
    """The confusion matrix: a row for each digit shown, a column for each digit answered."""
    model.eval()
    pairs = np.zeros(100, int)
    with minigrad.no_grad():
        for images, labels in DataLoader(dataset, batch_size=1000):
            answered = model(images).argmax(1)
            pairs += np.bincount((10 * labels + answered).numpy(), minlength=100)
    return pairs.reshape(10, 10)


def fit(
    name: str,
    model: nn.Sequential,
    criterion: Loss,
    train: Data,
    test: Data,
    options: argparse.Namespace,
    falling: bool,
) -> Result:
    """Train `model` and print one line per epoch. falling: a learning rate that goes down to 0."""
    optimizer = optim.Adam(model.parameters(), lr=options.lr)
    loader = shuffled(train, options)
    batches = min(len(loader), options.batches or len(loader))
    steps = options.epochs * batches
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if falling else None
    rng = np.random.default_rng(options.seed)
    confusion = np.zeros((10, 10), int)
    before, history = model[0].weight.detach().numpy().copy(), History()
    print(f"\n{name}\n  epoch  train loss  accuracy  test accuracy  images/s")
    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        data: Iterable[Sequence[Tensor]] = loader
        if options.augment:
            data = ((minigrad.from_numpy(moved(x.numpy(), rng)), labels) for x, labels in loader)
        loss, accuracy, seen = train_epoch(
            model, optimizer, progress(data, batches, f"{epoch:7d}"), criterion, scheduler
        )
        rate = seen / (time.perf_counter() - start)
        confusion = answers(model, test)
        history.append(
            epoch=epoch,
            train_loss=loss,
            train_accuracy=accuracy,
            test_accuracy=confusion.trace() / confusion.sum(),
        )
        line = "{:7d}  {:10.4f}  {:8.2%}  {:13.2%}  {:8,.0f}"
        print(line.format(*history[-1].values(), rate))
    after = model[0].weight.detach().numpy().copy()
    return Result(name, model, (before, after), confusion, history)


# %% [markdown]
# ## What is shown


# %%
def print_confusion(confusion: np.ndarray) -> None:
    print("\nshown, and how often each digit was answered")
    print("      " + "".join(f"{digit:6d}" for digit in range(10)) + "    right")
    for digit, row in enumerate(confusion):
        cells = "".join(f"{many:6d}" if many else "     ·" for many in row)
        print(f"{digit:5d} {cells}  {row[digit] / max(row.sum(), 1):7.1%}")


def print_table(results: list[Result]) -> None:
    width = max(len(result.name) for result in results)
    print(f"\n{'':{width}}  parameters  not trained      test")
    for result in results:
        every, kept = count(result.model)
        print(f"{result.name:{width}}  {every:10,}  {kept:11,}  {result.accuracy:8.2%}")


def draw(figure: Any, filters: tuple[np.ndarray, np.ndarray]) -> None:
    """The filters before and after, blue below 0 and red above, all on one scale."""
    largest = max(np.abs(each).max() for each in filters)
    shown = []
    *parts, bar = figure.subfigures(1, 3, width_ratios=[12, 12, 2], wspace=0.04)
    for part, title, values in zip(
        parts, ("before the training", "after it"), filters, strict=True
    ):
        part.suptitle(title)
        for axes, image in zip(part.subplots(4, 8).flat, values[:, 0], strict=True):
            shown.append(axes.imshow(image, cmap="RdBu_r", vmin=-largest, vmax=largest))
            axes.set_axis_off()
    bar.colorbar(shown[-1], cax=bar.subplots())


# %%
def main(arguments: list[str] | None = None) -> list[Result]:
    options = parse(arguments)
    figure = None if options.no_picture else picture(options.output, (10, 3))
    train: Data
    train, test, source = load(options.data)
    options.batch_size = options.batch_size or (32 if options.as_printed else 64)
    options.lr = options.lr or (1e-3 if options.as_printed else 2e-3)
    options.epochs = options.epochs or (2 if source == "MNIST" else 30)
    images = options.train_images or (10_000 if options.as_printed else len(train))
    if images < len(train):
        train = Subset(train, range(images))
    _, height, width = train[0][0].shape
    introduce(source, train, test, options.epochs)
    networks: list[tuple[str, Callable[[int, int], nn.Sequential], Loss]]
    networks = [("corrected", corrected, nn.functional.cross_entropy)]
    if options.as_printed:
        networks = [
            ("as printed", printed, loss_of_probabilities),
            ("without its normalization", plain, loss_of_probabilities),
            *networks,
        ]
    results = []
    for name, build, criterion in networks:
        minigrad.manual_seed(options.seed)
        model = build(height, width)
        results.append(
            fit(name, model, criterion, train, test, options, falling=not options.as_printed)
        )
    print_confusion(results[-1].confusion)
    print_table(results)
    if options.as_printed:
        print(
            "\nAs printed, the normalization turns probabilities into numbers around 0. The loss"
            "\nstill takes them for probabilities: it learns nothing from those below 0 or above 1."
            "\nWhat becomes of that is a matter of luck: try other seeds. Before the activations,"
            "\nand with the loss on the logits, the same layer helps."
        )
    if figure:
        draw(figure, results[-1].filters)
        keep(figure, options.output, "filters")
    return results


# %%
if __name__ == "__main__":
    main()
