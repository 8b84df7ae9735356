"""What `nn.lint` returns, and the words for each mistake; docs/mistakes.md has the whole story."""

import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ...display.html import html_block, html_reports, html_text, html_title
from ...display.terminal import fitting

PAGE = "docs/mistakes.md"


@dataclass(frozen=True)
class Mistake:
    """One kind of finding: its heading on the page, why it is a mistake, and what to do."""

    heading: str
    why: str
    cure: str

    @property
    def link(self) -> str:
        """The place on the page."""
        return f"{PAGE}#" + re.sub(r"[^\w -]", "", self.heading).lower().replace(" ", "-")


MISTAKES = {
    "softmax-before-cross-entropy": Mistake(
        "1. Softmax before cross-entropy",
        "cross_entropy applies softmax itself. Twice, it sees values from 0 to 1 as scores: the "
        "loss cannot come near 0, and gradients are small.",
        "Give cross_entropy the scores (logits); take the softmax out of the model, or out of the "
        "training step.",
    ),
    "zero-grad-missing": Mistake(
        "2. zero_grad is missing",
        "backward() adds to .grad, so each step uses the sum of all gradients so far.",
        "Call optimizer.zero_grad() once per step, before backward().",
    ),
    "step-order": Mistake(
        "3. The right lines in the wrong order",
        "zero_grad() between backward() and step() throws away what step() was to use, so nothing "
        "moves.",
        "Write optimizer.zero_grad(), loss.backward(), optimizer.step(), in this order.",
    ),
    "foreign-optimizer": Mistake(
        "4. The optimizer holds another model's parameters",
        "Its steps change tensors that this model does not use. That happens when a model is made "
        "or copied again after the optimizer was.",
        "Make the optimizer from the model that you train: optim.SGD(model.parameters(), …).",
    ),
    "unregistered-layers": Mistake(
        "5. Layers in a plain list or dictionary",
        "A module finds its layers among its attributes. Inside a list or a dictionary it does not "
        "see them: parameters(), state_dict(), train() and eval() leave them out.",
        "Use nn.ModuleList or nn.ModuleDict (or nn.Sequential) in place of the list or dictionary.",
    ),
    "evaluation-in-training-mode": Mistake(
        "7. Evaluation in training mode",
        "Under no_grad() one evaluates. In training mode dropout still drops, and batch "
        "normalization uses the batch and moves its running statistics.",
        "Call model.eval() before evaluating, with parentheses, and model.train() after it.",
    ),
    "training-in-evaluation-mode": Mistake(
        "8. Training goes on in evaluation mode",
        "In evaluation mode dropout is off, and batch normalization neither uses the batch nor "
        "learns its statistics.",
        "Call model.train() before the training loop goes on.",
    ),
    "equal-weights": Mistake(
        "9. Weights that are all equal",
        "Units with equal weights compute the same and receive the same gradient: the layer has "
        "one unit, many times over. If all are zero, nothing may come back through them at all.",
        "Leave the weights random, as layers make them, or use nn.init.kaiming_normal_. Only a "
        "bias may start at zero.",
    ),
    "dead-units": Mistake(
        "10. Dead units",
        "Where ReLU gives 0 the gradient is 0. A unit that gives 0 for every sample learns nothing "
        "from them.",
        "Use a smaller learning rate or smaller first weights, scale the inputs, or take LeakyReLU "
        "or a normalization before ReLU.",
    ),
    "sigmoid-before-logits-loss": Mistake(
        "11. Sigmoid before a loss that wants logits",
        "binary_cross_entropy_with_logits applies the sigmoid itself. Twice, every probability is "
        "between 0.5 and 0.73.",
        "Give the loss the scores (logits); apply the sigmoid only to look at probabilities.",
    ),
    "probabilities-into-nll": Mistake(
        "12. Probabilities into nll_loss",
        "nll_loss only picks a number and changes its sign: it wants log-probabilities. Of "
        "probabilities it makes a loss from -1 to 0, which hardly teaches anything.",
        "Use cross_entropy on the scores, or nll_loss after log_softmax(scores, dim=1).",
    ),
    "log-softmax-over-batch": Mistake(
        "13. Log-softmax over the batch",
        "The probabilities of one class then sum to 1 over all samples, so samples compete with "
        "each other, and the loss picks from numbers that are not log-probabilities.",
        "Scores (N, C) want dim=1: log_softmax(scores, dim=1), or cross_entropy alone.",
    ),
    "unscaled-input": Mistake(
        "14. Unscaled pixels",
        "The gradient of a weight is proportional to its input. With inputs of this size a usual "
        "learning rate is far too large, and first values are, too.",
        "Scale the data: pixels.float() / 255, or subtract the mean and divide by the standard "
        "deviation; or begin with a normalization.",
    ),
    "keras-momentum": Mistake(
        "15. Momentum as Keras means it",
        "Here and in torch momentum is the weight of the new batch. Keras calls the weight of the "
        "old value so: its 0.99 is 0.01 here. As it is, the running statistics are those of the "
        "last batch.",
        "Write momentum=0.01 for Keras' 0.99, or use BatchNorm1d.from_keras.",
    ),
    "bias-before-norm": Mistake(
        "16. A bias before batch normalization",
        "The normalization subtracts the mean, and with it this bias, whose gradient is 0 but for "
        "rounding: it costs time and memory and learns nothing.",
        "Make the layer with bias=False; the normalization has a bias of its own.",
    ),
    "loss-without-history": Mistake(
        "18. A loss rebuilt from .item()",
        "A number has no history. A new tensor made of it is a leaf: backward() gives a gradient "
        "to this leaf alone, and the model learns nothing.",
        "Call backward() on the loss as it was computed; use .item() only to print it.",
    ),
    "norm-probed-by-sum": Mistake(
        "19. Batch normalization probed by sum()",
        "The normalized values of a channel sum to 0 whatever the input is, so the sum does not "
        "depend on the input: its gradient is 0, or rounding.",
        "Probe with random weights: (y * randn_like(y)).sum(), or autograd.gradcheck.",
    ),
    "learning-rate": Mistake(
        "21. A learning rate far too large",
        "Such steps replace the weights rather than correct them.",
        "Try a learning rate 10 or 100 times smaller: 0.1 to 0.001 for SGD, 0.001 for Adam.",
    ),
    "infinite-loss": Mistake(
        "23. The logarithm of 0",
        "From the first infinity or NaN on, gradients are NaN, and one step makes the weights NaN.",
        "Use cross_entropy or log_softmax, which cannot meet log 0. autograd.detect_anomaly() "
        "around forward and backward names the line.",
    ),
    "log-softmax-twice": Mistake(
        "24. More that lint sees",
        "Log-softmax of log-probabilities gives them again: nothing is wrong, but the second one "
        "is work for nothing, and cross_entropy contains one.",
        "Use cross_entropy on the scores, or nll_loss after log_softmax.",
    ),
    "first-loss": Mistake(
        "24. More that lint sees",
        "A network that knows nothing should say so: with C classes its loss is about log C. "
        "A larger one means that it is sure, and wrong; it first has to unlearn that.",
        "Use smaller weights in the last layer, or scale the inputs.",
    ),
    "saturated-units": Mistake(
        "24. More that lint sees",
        "Sigmoid and tanh are flat for large inputs: almost no gradient comes back through them.",
        "Scale the inputs, use smaller first weights (nn.init.xavier_normal_), or put a "
        "normalization before the activation.",
    ),
    "gradient-scale": Mistake(
        "24. More that lint sees",
        "One learning rate cannot suit both: where it moves one layer, the other stands still.",
        "Use ReLU rather than sigmoid in deep networks, a normalization in between, and "
        "nn.init.kaiming_normal_.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One mistake: its code, where it is, what was seen in numbers, why it matters, the cure.

    `layer` is the name of a layer or parameter, or "" for the model as a whole; `line` is the line
    of your program, "file:number", where it is known.
    """

    code: str
    layer: str
    line: str | None
    what: str
    why: str
    cure: str
    link: str

    def _place(self) -> str:
        place = f" in '{self.layer}'" if self.layer else ""
        return place + (f" ({self.line})" if self.line else "")

    def __str__(self) -> str:
        return fitting(
            f"{self.code}{self._place()}: {self.what}\n"
            f"    why   {self.why}\n    cure  {self.cure}\n    more  {self.link}"
        )

    def _repr_html_(self) -> str:
        return html_reports([self._report()])

    def _report(self):
        head = html_title(self.code, f"{self._place()}: {self.what}".lstrip(": "))
        return head, (("why", self.why), ("cure", self.cure), ("more", self.link))


def found(code: str, what: str, layer: str = "", line: str | None = None) -> Finding:
    """The finding of this code, with its words."""
    mistake = MISTAKES[code]
    return Finding(code, layer, line, what, mistake.why, mistake.cure, mistake.link)


class Findings(list[Finding]):
    """What `nn.lint` found: a list of Finding, printed by `str`; `notes` say what it left out."""

    def __init__(self, findings: Iterable[Finding] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(findings)
        self.notes: tuple[str, ...] = tuple(notes)

    @property
    def codes(self) -> tuple[str, ...]:
        """The code of each finding."""
        return tuple(each.code for each in self)

    def to_json(self, indent: int | None = None) -> str:
        """The findings and notes as JSON: {"findings": [{"code": …, …}, …], "notes": […]}."""
        listed = [dataclasses.asdict(each) for each in self]
        return json.dumps(
            {"findings": listed, "notes": list(self.notes)}, ensure_ascii=False, indent=indent
        )

    def __str__(self) -> str:
        lines = [str(each) for each in self] or ["lint finds nothing."]
        return fitting("\n".join([*lines, *(f"note: {each}" for each in self.notes)]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = [f"note: {each}" for each in self.notes] if self else str(self).splitlines()
        return html_block(html_reports([each._report() for each in self]), html_text(*said))
