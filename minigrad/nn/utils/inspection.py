"""What the normalizations of a model will do at their next call, said in advance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...display.html import html_block, html_code, html_reports, html_text
from ...display.terminal import fitting
from ...tensor import Tensor
from ..batch_norm import _BatchNorm
from ..batch_renorm import _BatchRenorm
from ..group_norm import GroupNorm
from ..layer_norm import LayerNorm
from ..module import Module
from .recalibration import Population, populations


@dataclass(frozen=True, eq=False)
class Comparison:
    """How far the running statistics of a layer are from those of data; arrays, one per channel.

    All in units of the standard deviations that the layer divides by, √(var + eps). `gap` is the
    root mean square difference between the outputs of training and evaluation, before γ and β:
    √(shift² + (ratio − 1)²), less what a renormalization corrects. `spread` is how much the means
    of single batches scatter.
    """

    batches: int  # or calls, for a layer that is called several times per batch
    values: int
    mean: np.ndarray
    var: np.ndarray
    shift: np.ndarray  # (mean of the data − running mean) / running σ
    ratio: np.ndarray  # σ of the data / running σ
    gap: np.ndarray
    spread: np.ndarray

    @property
    def worst(self) -> int:
        """The channel whose outputs differ most."""
        return int(np.argmax(self.gap))


@dataclass(frozen=True, eq=False)
class LayerReport:
    """One normalization: what its next call uses and changes, and what is trained.

    `uses` is "batch", "running", "sample" or "group". `changes` is what the next call changes: a
    dictionary from the name of a buffer to the weight of the new value in it (1 for the counter).
    `trained` says of weight and bias whether they are trained; what the layer lacks is missing.
    `limits` are the limits of a renormalization. What only a BatchNorm has is None elsewhere.
    """

    name: str
    kind: str
    training: bool
    uses: str
    changes: dict[str, float]
    trained: dict[str, bool]
    momentum: float | None = None
    unbiased_running_var: bool | None = None
    batches: int | Any = None  # num_batches_tracked
    limits: tuple[float, float] | None = None
    data: Comparison | Any = None

    def title(self) -> str:
        mode = "training" if self.training else "evaluation"
        return f"{self.name or '(the model)'}: {self.kind} in {mode} mode"

    def parts(self) -> list[tuple[str, str]]:
        """What is said of the layer: pairs (subject, text of one or more lines)."""
        return [
            ("normalizes by", self.uses_in_words()),
            ("changes", self.changes_in_words()),
            ("trained", self.trained_in_words()),
            *([("on this data", self.data_in_words())] if self.data else []),
        ]

    def __str__(self) -> str:
        lines = [self.title()]
        for title, text in self.parts():
            first, *rest = text.splitlines()
            lines += [f"  {title:14s}{first}", *(f"  {'':14s}{line}" for line in rest)]
        return fitting("\n".join(lines))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_reports([self._report()])

    def _report(self):
        return html_code(self.title()), self.parts()

    def uses_in_words(self) -> str:
        if self.uses in ("sample", "group"):
            groups = "each group of channels of " if self.uses == "group" else ""
            return f"mean and variance of {groups}each sample, in training and evaluation alike"
        if self.uses == "batch":
            always = "" if self.training else ", also in evaluation: it has no running statistics"
            return f"mean and variance of the batch{always}{self.correction_in_words()}"
        seen = "" if self.batches is None else f" ({plural(self.batches, 'batch', 'batches')} seen)"
        return f"the running statistics{seen}, whatever the batch is"

    def correction_in_words(self) -> str:
        if self.limits is None:
            return ""
        if self.limits == (1, 0):
            return ";\nnot yet corrected toward the running statistics (limits 1 and 0)"
        r, d = self.limits
        return (
            ", then corrected toward the running ones\n"
            f"(σ by a factor of at most {r:.3g}, the mean by at most {d:.3g} σ)"
        )

    def changes_in_words(self) -> str:
        if not self.changes:
            return "nothing"
        lines = []
        if "running_mean" in self.changes:
            new = self.changes["running_mean"]
            divisor = "m − 1 (unbiased)" if self.unbiased_running_var else "m (biased)"
            lines.append(f"running ← {1 - new:.4g} · running + {new:.4g} · batch")
            lines.append(
                "momentum None: every batch so far counts the same"
                if self.momentum is None
                else f"momentum {new:.4g} here and in torch; Keras, Flax, ONNX: {1 - new:.4g}"
            )
            lines.append(f"its variance of m values is divided by {divisor}")
        if "num_batches_tracked" in self.changes:
            lines.append(f"num_batches_tracked {self.batches} → {self.batches + 1}")
        return "\n".join(lines)

    def trained_in_words(self) -> str:
        free = [name for name, trained in self.trained.items() if trained]
        frozen = [name for name, trained in self.trained.items() if not trained]
        if not self.trained:
            return "nothing: it has neither weight (γ) nor bias (β)"
        said = ", ".join(free) if free else "nothing"
        return said + (f"; frozen (requires_grad=False): {', '.join(frozen)}" if frozen else "")

    def data_in_words(self) -> str:
        data, worst = self.data, self.data.worst
        lines = [
            f"{plural(data.batches, 'batch', 'batches')}, {data.values:,} values per channel",
            "outputs in training and in evaluation are "
            f"{rms(data.gap):.2g} standard deviations (σ) apart",
            f"most in channel {worst}, by {data.gap[worst]:.2g} σ: there the mean is "
            f"{data.shift[worst]:+.2g} σ from the running mean,",
            f"and σ is {data.ratio[worst]:.2g} times the running σ",
        ]
        if data.batches > 1:
            lines.append(f"(the means of single batches scatter by {rms(data.spread):.2g} σ)")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Inspection:
    """What `nn.inspect_batch_norm` found: one LayerReport per normalization, in `layers`."""

    layers: tuple[LayerReport, ...]
    training: bool

    def __getitem__(self, name: str) -> LayerReport:
        """The report on the layer of this name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"there is no normalization '{name}'")

    def __str__(self) -> str:
        if not self.layers:
            return "The model has no normalization."
        return fitting("\n\n".join([*map(str, self.layers), *self.advice()]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        reports = html_reports([layer._report() for layer in self.layers])
        said = self.advice() if self.layers else [str(self)]
        return html_block(reports, *(f"<p>{html_text(*each.splitlines())}</p>" for each in said))

    def advice(self) -> Iterator[str]:
        """Sentences about the model as a whole, where there is something to say."""
        frozen = [f"'{layer.name}'" for layer in self.layers if layer.uses == "running"]
        if self.training and frozen:
            yield (
                f"The model is in training mode, but the statistics of {', '.join(frozen)} are "
                "frozen: eval() was called on the layer.\nThe next model.train() ends that."
            )
        apart = [layer for layer in self.layers if layer.data and rms(layer.data.gap) > 0.1]
        if apart:
            names = ", ".join(f"'{layer.name}'" for layer in apart)
            yield (
                f"Training and evaluation disagree in {names}: the running statistics are not "
                "those of this data.\nIf it is like the training data, they lag behind the weights "
                "or still hold their start, mean 0 and\nvariance 1: nn.utils.recalibrate(model, "
                "loader) renews them. If not, the network never saw such data."
            )


def plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def inspect_batch_norm(model: Module, data: Iterable[Any] | None = None) -> Inspection:
    """What each normalization of `model` will do at its next call; asking changes nothing.

    For every BatchNorm, LayerNorm and so on: its mode, whether it normalizes by the batch, by the
    running statistics or by each sample, which running statistics the call will change and with
    which weight for the new value, and whether weight and bias are trained.
    With `data`, a batch (a tensor, or a tuple that begins with it) or a loader: how far the running
    statistics are from those that `nn.utils.recalibrate` would compute from it.
    Print it, or read the attributes of `inspect_batch_norm(model)["name of a layer"]`.
    Errors: TypeError; with `data`, what nn.utils.recalibrate raises.
    """
    if not isinstance(model, Module):
        raise TypeError(f"inspect_batch_norm: model must be a Module, got {type(model).__name__}")
    measured = {}
    if data is not None:
        loader = [data] if isinstance(data, (Tensor, tuple)) else data
        found = populations("inspect_batch_norm", model, loader)
        measured = {
            name: compare_statistics(*pair) for name, pair in found.items() if pair[1].calls
        }
    return Inspection(
        tuple(
            report(name, module, measured.get(name))
            for name, module in model.named_modules()
            if isinstance(module, (_BatchNorm, GroupNorm, LayerNorm))
        ),
        model.training,
    )


def report(name: str, layer: Any, data: Comparison | None) -> LayerReport:
    """What BatchNorm.forward would decide, without calling it."""
    parameters = {"weight": layer.weight, "bias": layer.bias}
    facts = {
        "name": name,
        "kind": f"{type(layer).__name__}({layer.extra_repr().split(', eps')[0]})",
        "training": layer.training,
        "trained": {k: p.requires_grad for k, p in parameters.items() if p is not None},
        "data": data,
    }
    if not isinstance(layer, _BatchNorm):
        uses = "group" if isinstance(layer, GroupNorm) else "sample"
        return LayerReport(uses=uses, changes={}, **facts)
    count = layer.num_batches_tracked
    batches = None if count is None else int(count.item())
    remembers = layer.running_mean is not None and layer.running_var is not None
    by_batch = layer.training or not remembers
    changes = {}
    if layer.training and layer.track_running_stats and remembers:
        weight = layer.momentum
        if weight is None:
            weight = 0.0 if batches is None else 1 / (batches + 1)
        changes = dict.fromkeys(("running_mean", "running_var"), weight)
        if batches is not None:
            changes["num_batches_tracked"] = 1
    return LayerReport(
        uses="batch" if by_batch else "running",
        changes=changes,
        momentum=layer.momentum,
        unbiased_running_var=layer.unbiased_running_var,
        batches=batches,
        limits=layer.limits() if isinstance(layer, _BatchRenorm) else None,
        **facts,
    )


def compare_statistics(layer: _BatchNorm, population: Population) -> Comparison:
    """A layer's running statistics beside the data's."""
    running_mean, running_var, mean, var, scatter = (
        np.asarray(values, np.float64)
        for values in (
            layer.running_mean.numpy(), layer.running_var.numpy(),
            population.mean, population.var, population.scatter,
        )
    )  # fmt: skip
    running_std, std = np.sqrt(running_var + layer.eps), np.sqrt(var + layer.eps)
    shift, ratio = (mean - running_mean) / running_std, std / running_std
    r, d = layer.limits() if isinstance(layer, _BatchRenorm) else (1, 0)
    gap = np.hypot(shift - np.clip(shift, -d, d), ratio - np.clip(ratio, 1 / r, r))
    return Comparison(
        batches=population.calls, values=population.values, mean=mean, var=var,
        shift=shift, ratio=ratio, gap=gap, spread=np.sqrt(scatter) / std,
    )  # fmt: skip
