# %% [markdown]
"""What is said about batch normalization, each claim in one short run, and what the run showed.

    python examples/batch_norm_explained.py

Every claim is one function: its docstring says who claims it, its body measures it, and the verdict
is computed from what was measured. The data are the small digits that come with minigrad.
"""

# %%
import copy
import functools
import itertools
import os
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices this small gain nothing from a second

import numpy as np
from _common import command_line

import minigrad
from minigrad import Tensor, datasets, nn, optim
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, TensorDataset

CHANCE = 0.2  # ten digits: a guess is right in 10 % of the cases, and surely in less than this


class Finding(NamedTuple):
    """A claim, what was measured in a sentence and as numbers, and which parts of it are true."""

    claim: str
    measured: str
    numbers: dict[str, Any]
    parts: list[bool]

    @property
    def verdict(self) -> str:
        if all(self.parts):
            return "holds"
        return "holds partly" if any(self.parts) else "refuted"


# %% Data, networks, training
def digits(train: bool = True) -> tuple[Tensor, Tensor]:
    """Rows of 64 pixels from 0 to 1, and the digits they show."""
    images, labels = datasets.digits(train).tensors
    return images.flatten(1), labels


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Random numbers in double precision, for the claims that are exact."""
    return minigrad.tensor(np.random.default_rng(seed).standard_normal(shape))


def network(
    sizes: list[int], activation: type[nn.Module], normalized: bool, widen: float = 1, seed: int = 0
) -> nn.Sequential:
    """Linear – (BatchNorm) – activation for each size; its weights drawn `widen` times wider."""
    minigrad.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers.append(nn.Linear(inputs, outputs, bias=not normalized))  # why: `bias_before`
        nn.init.xavier_normal_(layers[-1].weight, gain=widen)
        layers += [nn.BatchNorm1d(outputs), activation()] if normalized else [activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def train(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    steps: int,
    lr: float,
    each_step: Callable[[int], None] = lambda step: None,
    seed: int = 0,
) -> list[float]:
    """Gradient descent on batches of 64; returns the loss of each step."""
    choose = np.random.default_rng(seed)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        rows = minigrad.tensor(choose.choice(len(labels), 64, replace=False))
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        each_step(step)
    return losses


def accuracy(model: nn.Sequential, images: Tensor, labels: Tensor) -> float:
    """The share of right answers, in the model's current mode."""
    with minigrad.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def largest(tensor: Tensor) -> float:
    return tensor.detach().abs().max().item()


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference of two tensors, relative to the largest value of `a`."""
    return largest(a - b) / largest(a)


# %% Claims that are exact
def identity() -> Finding:
    """Ioffe & Szegedy 2015, section 3: with γ = √Var[x], β = E[x] the layer gives back what it got,
    so normalizing takes nothing away that the network could not learn to restore."""
    x, other = 3 * normal(50, 4) + 2, 3 * normal(50, 4, seed=1) + 2
    layer = nn.BatchNorm1d(4).double()
    with minigrad.no_grad():
        layer.weight.copy_((x.var(0, correction=0) + layer.eps).sqrt())
        layer.bias.copy_(x.mean(0))
        same, another = difference(x, layer(x)), difference(other, layer(other))
    return Finding(
        "γ = √(σ² + ε), β = μ give the input back",
        f"difference {same:.0e} on the batch that γ and β were made for; {another:.0%} on another "
        "batch of the same kind, which has another μ and σ",
        {"same": same, "another": another},
        [same < 1e-12],
    )


def scale_of_weights(k: float = 10.0) -> Finding:
    """Ioffe & Szegedy 2015, section 3.3: BN((aW)u) = BN(Wu), the gradient for u stays, and the
    gradient for aW is 1/a of that for W: the larger the weights, the smaller their steps."""
    u, dy = normal(50, 6), normal(50, 4, seed=1)

    def run(factor: float) -> Any:
        linear = nn.Linear(6, 4).double()
        with minigrad.no_grad():
            linear.weight.copy_(factor * normal(4, 6, seed=2))
        x = u.clone().requires_grad_()
        y = nn.BatchNorm1d(4).double()(linear(x))
        y.backward(dy)
        return y.detach(), x.grad, linear.weight.grad

    (y, du, dw), (ky, kdu, kdw), (minus_y, _, _) = run(1.0), run(k), run(-k)
    output, inputs, weights = difference(y, ky), difference(du, kdu), difference(dw, k * kdw)
    turned = difference(y, -minus_y)
    return Finding(
        f"w → {k:g} w changes neither output nor dx, and divides dw by {k:g}",
        f"relative difference of the output {output:.0e}, of dx {inputs:.0e}, of {k:g} dw "
        f"{weights:.0e}: what ε = 1e-5 adds to σ². (w → −{k:g} w turns the output round.)",
        {"output": output, "inputs": inputs, "weights": weights, "turned": turned},
        [output < 1e-4, inputs < 1e-4, weights < 1e-4],
    )


def bias_before() -> Finding:
    """Ioffe & Szegedy 2015, section 3.2: subtracting the mean cancels a bias, so it can be left
    out; β takes its place."""
    linear, layer = nn.Linear(6, 4).double(), nn.BatchNorm1d(4).double()
    x = normal(50, 6)
    y = layer(linear(x))
    y.backward(normal(50, 4, seed=1))
    gradient, of_weight = largest(linear.bias.grad), largest(linear.weight.grad)
    with minigrad.no_grad():
        linear.bias += 100
        moved = difference(y, layer(linear(x)))
    return Finding(
        "a bias before batch normalization does nothing and learns nothing",
        f"its gradient is {gradient:.0e} (of the weights: {of_weight:.1f}); adding 100 to it moves "
        f"the output by {moved:.0e}",
        {"gradient": gradient, "of_weight": of_weight, "moved": moved},
        [gradient < 1e-12, moved < 1e-10],
    )


def batch_of_one() -> Finding:
    """Lecture notes on batch normalization: with one sample in a batch it makes no sense. The last
    part is Ulyanov et al. 2016, "Instance Normalization", section 3."""
    layer = nn.BatchNorm1d(4)
    try:
        layer(minigrad.randn(1, 4))
        refused = False
    except ValueError:
        refused = True
    x = minigrad.randn(1, 4)
    formula = (x - x.mean(0)) / (x.var(0, correction=0) + layer.eps).sqrt()
    sequence = layer(minigrad.randn(1, 4, 50)).std().item()
    pair = layer(minigrad.tensor([[0.0, 1.0, 5.0, -3.0], [1.0, -1.0, 7.0, 4.0]]))
    spread = (pair.abs().max() - pair.abs().min()).item()
    return Finding(
        "a batch of one sample cannot be normalized",
        f"one vector: {'refused' if refused else 'accepted'}, rightly: the formula answers "
        f"{largest(formula):g} whatever comes; two vectors: all that remains is ±1, to {spread:.0e}"
        ". But one sequence of 50 vectors has 50 values per channel: output with std "
        f"{sequence:.2f}",
        {"refused": refused, "formula": largest(formula), "pair": spread, "sequence": sequence},
        # True for one vector; if it were true for one sequence, that could not come out with std 1.
        [refused and largest(formula) == 0, abs(sequence - 1) > 0.1],
    )


# %% Claims about training
def ignored_statistics(steps: int = 1000) -> Finding:
    """Ioffe & Szegedy 2015, section 2: a gradient step that ignores how μ depends on the bias moves
    the bias, and μ with it, forever, while output and loss stay the same."""
    u, target = normal(64, 1), normal(64, 1, seed=1) + 1

    def run(normalize: Callable[[Tensor], Tensor]) -> Any:
        bias, values, losses = minigrad.zeros(1, dtype=minigrad.float64, requires_grad=True), [], []
        optimizer = optim.SGD([bias], lr=0.1)
        for _ in range(steps):
            loss = F.mse_loss(normalize(u + bias), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(bias.item())
            losses.append(loss.item())
        return values, losses

    def constants(x: Tensor) -> Tensor:  # what the gradient sees of μ and σ: nothing
        return (x - x.mean(0).detach()) / x.std(0, correction=0).detach()

    ignoring, losses = run(constants)
    honest, _ = run(lambda x: F.batch_norm(x, None, None, training=True))
    half, end, change = ignoring[steps // 2 - 1], ignoring[-1], max(losses) - min(losses)
    return Finding(
        "if the gradient ignores μ and σ, the bias grows without end and the loss stands still",
        f"the bias is {half:.1f} after {steps // 2} steps, {end:.1f} after {steps}; the loss moved "
        f"by {change:.0e}. With the whole gradient the bias stays at {abs(honest[-1]):.0e}",
        {"half": half, "end": end, "change": change, "honest": abs(honest[-1])},
        [abs(end / half - 2) < 0.01, change < 1e-9, abs(honest[-1]) < 1e-9],
    )


def slow_statistics(steps: int = 20, momentum: float = 0.01) -> Finding:
    """Ioffe & Szegedy 2015, Algorithm 2, takes the statistics of the finished network; section 3 of
    Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", shows what a moving average does instead.
    (Momentum 0.01 is Keras' 0.99.)"""
    (images, labels), (tests, answers) = digits(), digits(train=False)
    model = network([64, 64, 64, 10], nn.ReLU, normalized=True)
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            layer.momentum = momentum
    train(model, images, labels, steps, lr=0.3)
    by_batch = accuracy(copy.deepcopy(model), tests, answers)  # a copy: in training mode it learns
    by_memory = accuracy(model.eval(), tests, answers)
    nn.utils.recalibrate(model, DataLoader(TensorDataset(images), batch_size=206))
    repaired = accuracy(model, tests, answers)
    return Finding(
        "after few batches evaluation disagrees with training, and recalibration repairs it",
        f"accuracy after {steps} steps: {by_batch:.1%} by the statistics of the batch, "
        f"{by_memory:.1%} by the running ones, which still hold {(1 - momentum) ** steps:.0%} of "
        f"their start; {repaired:.1%} after nn.utils.recalibrate",
        {"batch": by_batch, "memory": by_memory, "repaired": repaired},
        [by_memory < by_batch - 0.05, abs(repaired - by_batch) < 0.02],
    )


def deep_sigmoids(depth: int = 8, steps: int = 500) -> Finding:
    """Ioffe & Szegedy 2015, sections 1 and 4.2.2: networks of sigmoids can be trained, since their
    inputs stay where the slope is not 0. (Vanishing gradients: Glorot & Bengio 2010.)"""
    images, labels = digits()
    found = {}
    for normalized in (False, True):
        model = network([64] + [32] * depth + [10], nn.Sigmoid, normalized)
        F.cross_entropy(model(images), labels).backward()
        norms = [layer.weight.grad.norm().item() for layer in model if isinstance(layer, nn.Linear)]
        train(model, images, labels, steps, lr=0.5)
        found[normalized] = norms[0] / norms[-2], accuracy(model.eval(), *digits(train=False))
    (fade, without), (kept, reached) = found[False], found[True]
    return Finding(
        f"a network of {depth} sigmoid layers has no gradient at its beginning and does not learn; "
        "with batch normalization it does",
        f"gradient of the first layer over that of the last hidden: {fade:.0e} without, {kept:.1f} "
        f"with; accuracy after {steps} steps: {without:.0%} without, {reached:.0%} with",
        {"fade": fade, "kept": kept, "without": without, "with": reached},
        [fade < 1e-3 and without < CHANCE, kept > 0.1, reached > 0.8],
    )


def scale_of_inputs(factor: float = 255.0, steps: int = 300) -> Finding:
    """Lecture notes on feature scaling: inputs from 0 to 255 have to be brought to 0…1 first; and
    what section 3.3 of Ioffe & Szegedy 2015 says of weights must hold for inputs too."""
    (images, labels), (tests, answers) = digits(), digits(train=False)
    found = {}
    for normalized in (False, True):
        for scale in (1.0, factor):
            model = network([64, 64, 32, 10], nn.ReLU, normalized)
            train(model, images * scale, labels, steps, lr=0.3)
            found[normalized, scale] = accuracy(model.eval(), tests * scale, answers)
    plain, wide = found[False, 1.0], found[False, factor]
    normal_plain, normal_wide = found[True, 1.0], found[True, factor]
    return Finding(
        f"inputs {factor:g} times too large: without normalization the network stays at chance, "
        "with it nothing changes",
        f"accuracy without: {plain:.1%} → {wide:.1%}; with: {normal_plain:.1%} → {normal_wide:.1%}",
        {"without": (plain, wide), "with": (normal_plain, normal_wide)},
        [plain > 0.8 and wide < CHANCE, abs(normal_plain - normal_wide) < 0.01],
    )


def width_of_weights(widen: float = 5.0, steps: int = 300) -> Finding:
    """Ioffe & Szegedy 2015, abstract and section 3.3: initialization needs less care. (For wide
    weights the price is in `scale_of_weights`: their gradient is smaller, so they learn slower.)"""
    images, labels = digits()
    found: dict[bool, list[float]] = {}
    for normalized in (False, True):
        found[normalized] = []
        for width in (1 / widen, 1.0, widen):
            model = network([64, 64, 64, 64, 10], nn.ReLU, normalized, width)
            train(model, images, labels, steps, lr=0.3)
            found[normalized].append(accuracy(model.eval(), *digits(train=False)))
    narrow, plain, wide = found[False]
    normal_narrow, normal_plain, normal_wide = found[True]
    return Finding(
        f"weights drawn {widen:g} times too narrow or too wide spoil a network, but not a "
        "normalized one",
        f"accuracy, narrow – right – wide: {narrow:.1%} – {plain:.1%} – {wide:.1%} without, "
        f"{normal_narrow:.1%} – {normal_plain:.1%} – {normal_wide:.1%} with",
        {"without": found[False], "with": found[True]},
        [
            plain > 0.8 and max(narrow, wide) < plain - 0.3,
            min(normal_narrow, normal_wide) > normal_plain - 0.05,
        ],
    )


def learning_rates(steps: int = 250) -> Finding:
    """Ioffe & Szegedy 2015, section 3.3: batch normalization enables higher learning rates."""
    images, labels = digits()
    learned: dict[bool, list[float]] = {False: [], True: []}
    for normalized in (False, True):
        for lr in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
            model = network([64, 64, 64, 64, 10], nn.ReLU, normalized)
            train(model, images, labels, steps, lr)
            if accuracy(model.eval(), *digits(train=False)) > 0.9:
                learned[normalized].append(lr)
    most, normal_most = (max(learned[normalized], default=0.0) for normalized in (False, True))
    names = {key: ", ".join(f"{lr:g}" for lr in rates) for key, rates in learned.items()}
    return Finding(
        "batch normalization allows higher learning rates",
        f"of the rates 0.01, 0.03 … 10, those that reach 90 % in {steps} steps are: without "
        f"{names[False]}; with {names[True]}",
        {"without": learned[False], "with": learned[True]},
        [normal_most > 2 * most],
    )


class InGroups(nn.Module):
    """Batch normalization of `size` rows at a time, as if the batch were so small. ("Ghost batch
    normalization" of Hoffer et al. 2017, "Train longer, generalize better", section 4.)"""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.norm(x)
        return minigrad.cat([self.norm(x[k : k + self.size]) for k in range(0, len(x), self.size)])


def noise_of_the_batch(
    sizes: tuple[int, int] = (64, 4), samples: int = 200, steps: int = 300, seeds: int = 3
) -> Finding:
    """Ioffe & Szegedy 2015, section 3.4: a sample is seen together with others, chosen at random,
    which is noise, and found to regularize. So more noise should help where samples are few."""
    images, labels = digits()
    losses: dict[int, list[float]] = {size: [] for size in sizes}
    accuracies: dict[int, list[float]] = {size: [] for size in sizes}
    for size in sizes:
        for seed in range(seeds):
            few = minigrad.tensor(np.random.default_rng(seed).permutation(len(labels))[:samples])
            model = network([64, 128, 128, 10], nn.ReLU, normalized=True, seed=seed)
            for place in (1, 4):
                model[place] = InGroups(128, size)
            last = train(model, images[few], labels[few], steps, lr=0.1, seed=seed)[-20:]
            nn.utils.recalibrate(model, [images[few]])
            losses[size].append(np.mean(last).item())
            accuracies[size].append(accuracy(model.eval(), *digits(train=False)))
    (calm, noisy), (calm_right, noisy_right) = (
        [np.mean(found[size]).item() for size in sizes] for found in (losses, accuracies)
    )
    return Finding(
        "the company of a sample in its batch is noise, and that noise regularizes",
        f"{samples} samples, normalized {sizes[0]} and {sizes[1]} at a time: loss in training "
        f"{calm:.3f} and {noisy:.3f}; "
        f"accuracy on the test set {calm_right:.1%} and {noisy_right:.1%}",
        {"loss": (calm, noisy), "accuracy": (calm_right, noisy_right)},
        [noisy > 2 * calm, noisy_right > calm_right + 0.005],
    )


def gaussian_kl(mean: Tensor, var: Tensor, old_mean: Tensor, old_var: Tensor) -> float:
    """KL(N(mean, var) ‖ N(old_mean, old_var)), averaged over the units."""
    ratio = var / old_var
    return (0.5 * (ratio - 1 - ratio.log() + (mean - old_mean) ** 2 / old_var)).mean().item()


class Shaken(nn.Module):
    """Moves and stretches what a layer gets, differently in every batch; nothing in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        stretch, shift = minigrad.randn(2, x.shape[1])
        return x * (0.5 * stretch).exp() + 0.5 * shift


@functools.cache  # two claims ask for the same trainings
def shift_during_training(kind: str, steps: int = 500, every: int = 10) -> tuple[float, ...]:
    """Train with "no" normalization, "batch" normalization, or "shaken" batch normalization.

    Returns the KL of the last activation's inputs from the first step to the last, the sum of the
    KLs from look to look, and the accuracy reached.
    """
    images, labels = digits()
    model = network([64, 64, 64, 64, 10], nn.ReLU, kind != "no")
    if kind == "shaken":
        for place in (7, 4, 1):  # behind each batch normalization, the last first
            model.insert(place + 1, Shaken())
    statistics = []

    def look(step: int) -> None:
        if step % every == 0:
            up_to_activation = copy.deepcopy(model[:-2])  # a copy: looking changes nothing
            with minigrad.no_grad():
                x = up_to_activation(images).double()
            statistics.append((x.mean(0), x.var(0)))

    train(model, images, labels, steps, lr=0.3, each_step=look)
    pairs = zip(statistics[1:], statistics[:-1], strict=True)
    path = sum(gaussian_kl(*new, *old) for new, old in pairs)
    total = gaussian_kl(*statistics[-1], *statistics[0])
    return total, path, accuracy(model.eval(), *digits(train=False))


def covariate_shift(steps: int = 500) -> Finding:
    """Ioffe & Szegedy 2015, sections 1 and 4.1 (figure 1): training changes the distribution of
    what a layer gets, the "internal covariate shift", and batch normalization reduces that."""
    (total, path, reached), (normal_total, normal_path, normal_reached) = (
        shift_during_training(kind, steps) for kind in ("no", "batch")
    )
    return Finding(
        "the distribution that the last activation gets changes less with batch normalization",
        f"KL per unit between step 0 and {steps}: {total:.0f} without, {normal_total:.2f} with; "
        f"summed over every 10 steps: {path:.1f} without, {normal_path:.3f} with. Both networks "
        f"learn: accuracy {reached:.1%} and {normal_reached:.1%}",
        {"total": (total, normal_total), "path": (path, normal_path)},
        [normal_total < total, normal_path < path],
    )


def shift_as_the_reason(steps: int = 500) -> Finding:
    """Ioffe & Szegedy 2015, title: it helps *by* reducing the internal covariate shift. The
    experiment against that is of Santurkar et al. 2018, "How Does Batch Normalization Help
    Optimization?", section 2.1: put the shift back behind the normalization, and look."""
    (_, path, plain), (_, normal_path, normal_reached), (_, shaken_path, shaken) = (
        shift_during_training(kind, steps) for kind in ("no", "batch", "shaken")
    )
    return Finding(
        "batch normalization helps because it keeps that distribution still",
        f"shaken at random in every batch, it goes {shaken_path / path:.0f} times as far as "
        f"without normalizing; accuracy {normal_reached:.1%} → {shaken:.1%} (without {plain:.1%})",
        {"path": (path, normal_path, shaken_path), "accuracy": (plain, normal_reached, shaken)},
        [shaken < normal_reached - 0.02],
    )


# %%
CLAIMS = [identity, scale_of_weights, bias_before, batch_of_one]  # exact
CLAIMS += [ignored_statistics, slow_statistics, deep_sigmoids, scale_of_inputs, width_of_weights]
CLAIMS += [learning_rates, noise_of_the_batch, covariate_shift, shift_as_the_reason]


def row(*cells: str, widths: tuple[int, ...] = (34, 50, 12)) -> str:
    """One row of the table, each cell wrapped to its width."""
    columns = [textwrap.wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = [
        "  ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True)).rstrip()
        for lines in itertools.zip_longest(*columns, fillvalue="")
    ]
    return "\n".join(lines)


def main() -> dict[str, Finding]:
    print(row("claim", "measured", "verdict"))
    findings = {}
    for claim in CLAIMS:
        minigrad.manual_seed(0)
        finding = findings[claim.__name__] = claim()
        print("-" * 100, row(finding.claim, finding.measured, finding.verdict), sep="\n")
    return findings


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
