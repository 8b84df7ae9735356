"""RMSprop; derived in docs/derivations/rmsprop.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._checks import flag, number
from .._kernels import RMSpropOptions
from .._kernels import active as kernels
from ..ops.array.creation import zeros_like
from .optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """p ← p − lr · grad / (√v + eps), v the running mean of the gradient's square.

    Weight decay is added to the gradient. centered: v is the variance, without the square of the
    running mean. With momentum the step is lr · buf, buf ← momentum · buf + grad / (√v + eps). As
    torch.optim.RMSprop.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def check_options(self, options: dict[str, Any]) -> dict[str, Any]:
        options = dict(options)
        for name in ("lr", "eps", "weight_decay", "momentum"):
            options[name] = number("RMSprop", name, options[name], at_least=0)
        options["alpha"] = number("RMSprop", "alpha", options["alpha"], at_least=0, at_most=1)
        for name in ("centered", "maximize"):
            flag("RMSprop", name, options[name])
        return options

    def state_names(self, options: dict[str, Any]) -> tuple[str, ...]:
        names = ["step", "square_avg"]
        names += ["momentum_buffer"] if options["momentum"] else []
        return (*names, "grad_avg") if options["centered"] else tuple(names)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = self._evaluate(closure)
        updates, fresh, counts = [], {}, []
        for group, params in self._with_gradient():
            options = RMSpropOptions(
                lr=group["lr"],
                alpha=group["alpha"],
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                maximize=group["maximize"],
            )
            for p in params:
                state = self.state.get(p)
                if not state:
                    fresh[p] = state = {name: zeros_like(p) for name in self.state_names(group)}
                    state["step"] = 0
                m = state["grad_avg"] if group["centered"] else None
                buf = state["momentum_buffer"] if group["momentum"] else None
                updates.append((p.grad, p, state["square_avg"], m, buf, options))
                counts.append((state, state["step"] + 1))
        self._step(kernels.rmsprop_step, updates, fresh, counts)
        return loss
