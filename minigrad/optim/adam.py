"""Adam and AdamW; derived in docs/derivations/adam.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._checks import flag, number
from .._kernels import AdamOptions
from .._kernels import active as kernels
from ..ops.array.creation import zeros_like
from .optimizer import Optimizer, Params


class Adam(Optimizer):
    """p ← p − lr · m̂ / (√v̂ + eps), m̂ and v̂ the bias-corrected means of the gradient and its square.

    Weight decay is added to the gradient; AMSGrad divides by the largest v so far. As
    torch.optim.Adam.
    """

    decoupled = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def check_options(self, options: dict[str, Any]) -> dict[str, Any]:
        options, owner = dict(options), type(self).__name__
        for name in ("lr", "eps", "weight_decay"):
            options[name] = number(owner, name, options[name], at_least=0)
        betas = options["betas"]
        if not isinstance(betas, (tuple, list)):
            raise TypeError(f"{owner}: betas must be a pair of numbers, got {betas!r}")
        if len(betas) != 2:
            raise ValueError(f"{owner}: betas must be a pair of numbers, got {betas!r}")
        options["betas"] = tuple(
            number(owner, f"betas[{k}]", beta, at_least=0, below=1) for k, beta in enumerate(betas)
        )
        for name in ("amsgrad", "maximize"):
            flag(owner, name, options[name])
        return options

    def state_names(self, options: dict[str, Any]) -> tuple[str, ...]:
        names = ("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return names if options["amsgrad"] else names[:-1]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = self._evaluate(closure)
        updates, fresh, counts = [], {}, []
        for group, params in self._with_gradient():
            beta1, beta2 = group["betas"]
            options = AdamOptions(
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                eps=group["eps"],
                weight_decay=group["weight_decay"],
                decoupled=self.decoupled,
                maximize=group["maximize"],
            )
            for p in params:
                state = self.state.get(p)
                if not state:
                    fresh[p] = state = {name: zeros_like(p) for name in self.state_names(group)}
                    state["step"] = 0
                t = state["step"] + 1
                m, v = state["exp_avg"], state["exp_avg_sq"]
                v_max = state["max_exp_avg_sq"] if group["amsgrad"] else None
                updates.append((p.grad, p, m, v, v_max, t, options))
                counts.append((state, t))
        self._step(kernels.adam_step, updates, fresh, counts)
        return loss


class AdamW(Adam):
    """Adam with weight decay taken out of the gradient: p ← (1 − lr · weight_decay) · p first.

    As torch.optim.AdamW.
    """

    decoupled = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
