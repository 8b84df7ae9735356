"""The two optimizers as scikit-learn writes them: each differs from torch's in one place."""

import math
from collections.abc import Callable
from typing import Any

from ..autograd import no_grad
from ..optim import SGD, Adam


class VelocitySGD(SGD):
    """v ← momentum · v − lr · d, p ← p + v: the rate is in the velocity.

    torch's buffer is −v / lr, so that a new rate changes what was there, too; here it does not.
    """

    @no_grad()
    def set_rate(self, rate: float) -> None:
        """Take steps of another size from now on, and keep the velocity."""
        for group in self.param_groups:
            for p in group["params"]:
                if "momentum_buffer" in self.state.get(p, ()):
                    self.state[p]["momentum_buffer"].mul_(group["lr"] / rate)
            group["lr"] = rate


class EpsilonHatAdam(Adam):
    """p ← p − lr · √(1 − β₂^t) / (1 − β₁^t) · m / (√v + ε̂), the end of section 2 of the paper.

    torch divides by √v̂ + ε; the same with ε = ε̂ / √(1 − β₂^t). D. Kingma, J. Ba, 2014.
    """

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(params, lr, betas, eps)
        self._epsilon_hat, self._steps = eps, 0

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` as in `Adam`."""
        self._steps += 1
        for group in self.param_groups:
            group["eps"] = self._epsilon_hat / math.sqrt(1 - group["betas"][1] ** self._steps)
        return super().step(closure)
