"""Stochastic gradient descent; derived in docs/derivations/sgd.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._checks import flag, number
from .._kernels import SGDOptions
from .._kernels import active as kernels
from ..ops.array.creation import zeros_like
from .optimizer import Optimizer, Params


class SGD(Optimizer):
    """d = ±grad + weight_decay · p;  buf ← momentum · buf + (1 − dampening) · d;  p ← p − lr · buf.

    With Nesterov the step is lr · (d + momentum · buf); without momentum it is lr · d. The first
    buffer is d itself, undamped. As torch.optim.SGD.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check_options(self, options: dict[str, Any]) -> dict[str, Any]:
        options = dict(options)
        for name in ("lr", "momentum", "weight_decay"):
            options[name] = number("SGD", name, options[name], at_least=0)
        options["dampening"] = number("SGD", "dampening", options["dampening"])
        for name in ("nesterov", "maximize"):
            flag("SGD", name, options[name])
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov=True needs momentum > 0 and dampening = 0, got momentum "
                f"{options['momentum']} and dampening {options['dampening']}"
            )
        return options

    def state_names(self, options: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if options["momentum"] else ()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = self._evaluate(closure)
        updates, fresh = [], {}
        for group, params in self._with_gradient():
            options = SGDOptions(
                lr=group["lr"],
                momentum=group["momentum"],
                weight_decay=group["weight_decay"],
                nesterov=group["nesterov"],
                maximize=group["maximize"],
            )
            for p in params:
                dampening, buf = group["dampening"], None
                if options.momentum:
                    state = self.state.get(p)
                    if not state:
                        fresh[p] = state = {"momentum_buffer": zeros_like(p)}
                        dampening = 0
                    buf = state["momentum_buffer"]
                updates.append((p.grad, p, buf, dampening, options))
        self._step(kernels.sgd_step, updates, fresh)
        return loss
