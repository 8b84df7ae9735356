"""Runs nn.lint inside trainings that know nothing of it: scripts, examples, pages.

A `Watch` sees which model was called with what, which loss came out, and when an optimizer steps;
at some of these moments it asks, and keeps what was found.
"""

from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.tensor import Tensor

LOSSES = ("cross_entropy", "nll_loss", "mse_loss", "binary_cross_entropy_with_logits")
MOMENTS = {1, 2, 3, 7, 20}  # the steps at which it asks


class Watch:
    def __init__(self, monkeypatch):
        self.models, self.loss = {}, None  # {model: its last batch}, the last loss
        self.findings, self.asked, self.steps, self.depth = [], 0, {}, 0
        self.patch = monkeypatch
        self.watch_calls(monkeypatch)
        for name in LOSSES:
            self.watch_loss(monkeypatch, name)
        for kind in (optim.SGD, optim.Adam):
            self.watch_steps(monkeypatch, kind)

    def watch_calls(self, monkeypatch):
        call = nn.Module.__call__

        def watched(model, *args, **kwargs):
            self.depth += 1
            try:
                output = call(model, *args, **kwargs)
            finally:
                self.depth -= 1
            is_layer = not list(model.parameters())
            if self.depth == 0 and not is_layer and len(args) == 1 and isinstance(args[0], Tensor):
                self.models[model] = args[0]
            return output

        monkeypatch.setattr(nn.Module, "__call__", watched)

    def watch_loss(self, monkeypatch, name):
        function = getattr(F, name)

        def watched(*args, **kwargs):
            loss = function(*args, **kwargs)
            if self.depth <= 1:
                self.loss = loss
            return loss

        monkeypatch.setattr(F, name, watched)

    def watch_steps(self, monkeypatch, kind):
        step = kind.step

        def watched(optimizer, *args, **kwargs):
            if self.depth:
                return step(optimizer, *args, **kwargs)
            count = self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
            if count in MOMENTS:
                self.ask(optimizer)
            result = step(optimizer, *args, **kwargs)
            if count in MOMENTS:
                self.ask(optimizer)
            return result

        monkeypatch.setattr(kind, "step", watched)

    def ask(self, optimizer=None):
        """Ask about the models of which the optimizer holds some; without one, about all."""
        held = {p for group in getattr(optimizer, "param_groups", ()) for p in group["params"]}
        self.depth += 1  # what lint calls is none of the script's
        try:
            if not self.models and self.loss is not None:  # functions and tensors alone
                self.asked += 1
                self.findings += nn.lint(nn.Module(), self.loss, optimizer)
            for model, x in list(self.models.items()):
                if optimizer is None or held & set(model.parameters()):
                    self.asked += 1
                    loss = None if optimizer is None else self.loss
                    self.findings += nn.lint(model, loss, optimizer, x)
                    self.findings += nn.lint(model)
        finally:
            self.depth -= 1

    def silent(self):
        """Whether nothing was found, and something was asked."""
        self.ask()
        for optimizer in self.steps:
            self.ask(optimizer)
        assert self.asked > 0, "no model was ever called"
        assert not self.findings, "\n".join(dict.fromkeys(map(str, self.findings)))
        return True
