"""One step of SGD and of Adam: what a parameter becomes, and what is remembered."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, case, eps_instead, floats, quiet
from .comparing import Array


@quiet
def sgd_velocity(
    g: Any, velocity: Any, momentum: float = 0.9, p: Any = None, weight_decay: float = 0.0
) -> Case:
    """velocity ← momentum · velocity + g, with weight_decay · p added to g."""
    g, velocity = floats(g), floats(velocity)
    parts = {"momentum · velocity": momentum * velocity, "g": g}
    if p is not None and weight_decay:
        parts["weight decay · p"] = weight_decay * floats(p)
    decayed = g + parts.get("weight decay · p", 0.0)
    wrong = {
        "g is multiplied by 1 − momentum": momentum * velocity + (1 - momentum) * decayed,
        "momentum and 1 − momentum are exchanged": (1 - momentum) * velocity + momentum * decayed,
        "1 − momentum in the place of momentum": (1 - momentum) * velocity + decayed,
        "momentum is applied to the sum": momentum * (velocity + decayed),
        "momentum multiplies g, not the velocity": velocity + momentum * decayed,
        "the old velocity": velocity,
    }
    if weight_decay:
        wrong["the weight decay takes g in the place of p"] = (
            momentum * velocity + g + weight_decay * g
        )
    return case(
        sum(parts.values()), parts, {"momentum": momentum, "1 − momentum": 1 - momentum}, wrong
    )


@quiet
def sgd_step(
    p: Any, g: Any, lr: float, velocity: Any = None, momentum: float = 0.0,
    weight_decay: float = 0.0, nesterov: bool = False,
) -> Case:  # fmt: skip
    """p ← p − lr · v, for v = momentum · velocity + g; without a velocity, v = g."""
    p, g = floats(p), floats(g)
    old = np.zeros_like(p) if velocity is None else floats(velocity)
    decayed = g + weight_decay * p
    v = momentum * old + decayed
    parts = {"p": p}
    if not nesterov:
        if momentum and old.any():
            parts["the step of the velocity"] = -lr * momentum * old
        parts["the step of g"] = -lr * g
        if weight_decay:
            parts["the weight decay"] = -lr * weight_decay * p
    else:
        parts["the step"] = -lr * (decayed + momentum * v)
    wrong = {
        "the old velocity: the step comes before its update": p - lr * old,
        "lr is missing, too, in a step of the wrong sign": p + v,
        "p is multiplied by the step": p * (1 - lr * v),
        "g is multiplied by 1 − momentum": p - lr * (momentum * old + (1 - momentum) * decayed),
        "momentum and 1 − momentum are exchanged": p
        - lr * ((1 - momentum) * old + momentum * decayed),
        "1 − momentum in the place of momentum": p - lr * ((1 - momentum) * old + decayed),
        "lr and momentum are exchanged": p - momentum * (lr * old + decayed),
        "momentum is applied to the sum": p - lr * momentum * (old + decayed),
        "momentum multiplies g, not the velocity": p - lr * (old + momentum * decayed),
        "the step alone, without p": -lr * v,
        "the step alone, without p, and its sign is wrong": lr * v,
        "the new velocity in the place of p": v,
        "the sign of g in the place of g": p - lr * np.sign(v),
        "g is squared": p - lr * (v - g + g * g),
        "g is clipped to −1 … 1": p - lr * (v - g + np.clip(g, -1, 1)),
    }
    if nesterov:
        wrong["the step of momentum, without Nesterov's look ahead"] = p - lr * v
        wrong["g is missing: only momentum · v, with the new v"] = p - lr * momentum * v
        wrong["v in the place of g: v + momentum · v"] = p - lr * (1 + momentum) * v
        wrong["v is added to g without momentum"] = p - lr * (decayed + v)
        wrong["the look ahead has momentum² · the old v, without g"] = p - lr * (
            decayed + momentum**2 * old
        )
    elif momentum:
        wrong["Nesterov's step"] = p - lr * (decayed + momentum * v)
    if weight_decay:
        wrong.update(false_decays(p, g, lr, momentum, old, nesterov, weight_decay))
    factors = {"lr": lr, "momentum": momentum, "1 − momentum": 1 - momentum,
               "weight decay": weight_decay, "2": 2.0}  # fmt: skip
    factors = {name: f for name, f in factors.items() if f}
    return case(p - lr * (decayed + momentum * v if nesterov else v), parts, factors, wrong)


def false_decays(
    p: Array, g: Array, lr: float, momentum: float, old: Array, nesterov: bool, decay: float
) -> dict[str, Array]:
    """SGD's step with a weight decay that is another one."""

    def after(grad: Any) -> Array:
        v = momentum * old + grad
        return np.asarray(p - lr * (grad + momentum * v if nesterov else v))

    plain = after(g)
    return {
        "the weight decay is missing": plain,
        "the weight decay has the wrong sign": after(g - decay * p),
        "the weight decay has no p": after(g + decay),
        "the weight decay has the sign of p, as for |p|": after(g + decay * np.sign(p)),
        "the weight decay takes g in the place of p": after(g + decay * g),
        "the weight decay is not multiplied by lr": plain - decay * p,
        "the weight decay comes after the step": plain * (1 - lr * decay),
        "the weight decay comes after the step, and is not multiplied by lr": plain * (1 - decay),
        "the weight decay stands outside of the momentum": plain - lr * decay * p,
    }


@quiet
def adam_m(g: Any, m: Any, beta1: float = 0.9) -> Case:
    """m ← β₁ m + (1 − β₁) g."""
    g, m = floats(g), floats(m)
    found = running_mean(g, m, beta1, "m", "β₁", "g")
    found["wrong"]["g², as in v"] = beta1 * m + (1 - beta1) * g * g
    found["wrong"]["|g| in the place of g"] = beta1 * m + (1 - beta1) * np.abs(g)
    for other, whose in ((0.9, "β₁"), (0.99, "β₂"), (0.999, "β₂")):
        found["wrong"].update(other_beta("β₁", beta1, other, whose, g, m))
    return found


@quiet
def adam_v(g: Any, v: Any, beta2: float = 0.999) -> Case:
    """v ← β₂ v + (1 − β₂) g²."""
    g, v = floats(g), floats(v)
    found = running_mean(g * g, v, beta2, "v", "β₂", "g²")
    found["wrong"].update({
        "g is not squared": beta2 * v + (1 - beta2) * g,
        "|g| in the place of g²": beta2 * v + (1 - beta2) * np.abs(g),
        "(1 − β₂) is squared, too": beta2 * v + ((1 - beta2) * g) ** 2,
        "the sum of g² in every cell": beta2 * v + (1 - beta2) * np.sum(g * g),
        "the mean of g² in every cell": beta2 * v + (1 - beta2) * np.mean(g * g),
        "all of it is squared": (beta2 * v + (1 - beta2) * g) ** 2,
    })  # fmt: skip
    for other, whose in ((0.999, "β₂"), (0.9, "β₁")):
        found["wrong"].update(other_beta("β₂", beta2, other, whose, g * g, v))
    return found


def other_beta(
    name: str, beta: float, other: float, whose: str, g: Array, m: Array
) -> dict[str, Array]:
    """The mean with another β, which is the default of one of the two."""
    if abs(other - beta) < 1e-9:
        return {}
    what = "the default" if whose == name else f"{whose}'s default"
    return {f"{name} is {other:g}, {what}": other * m + (1 - other) * g}


@quiet
def running_mean(g: Any, m: Any, beta: float, letter: str, name: str, what: str) -> Case:
    parts = {f"{name}·{letter}": beta * m, f"(1 − {name})·{what}": (1 - beta) * g}
    wrong = {
        f"{name} and 1 − {name} are exchanged": (1 - beta) * m + beta * g,
        f"{name} in the place of 1 − {name}": beta * (m + g),
        f"1 − {name} in the place of {name}": (1 - beta) * (m + g),
        f"the old {letter}": m,
        f"{what} itself": g,
    }
    return case(sum(parts.values()), parts, {name: beta, f"1 − {name}": 1 - beta}, wrong)


@quiet
def adam_step(
    p: Any, g: Any, m: Any, v: Any, t: int, lr: float = 1e-3, beta1: float = 0.9,
    beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.0,
) -> Case:  # fmt: skip
    """p ← p − lr · m̂ / (√v̂ + ε) in step t = 1, 2, …; m and v are those of the step before."""
    p, g, old_m, old_v = floats(p), floats(g), floats(m), floats(v)
    grad = g + weight_decay * p
    new_m = beta1 * old_m + (1 - beta1) * grad
    new_v = beta2 * old_v + (1 - beta2) * grad**2

    def after(
        m: Any = new_m, v: Any = new_v, c1: float = 1 - beta1**t, c2: float = 1 - beta2**t
    ) -> Any:
        # a v below 0 is a mistake; |v| in its place gives numbers that can be compared
        return p - lr * (m / c1) / (np.sqrt(np.abs(v / c2)) + eps)

    c1, c2 = 1 - beta1**t, 1 - beta2**t
    m_hat, v_hat = new_m / c1, new_v / c2
    wrong = {
        "both corrections are missing": after(c1=1, c2=1),
        "the correction of m is missing": after(c1=1),
        "the correction of v is missing": after(c2=1),
        "the corrections have t − 1": after(c1=1 - beta1 ** (t - 1), c2=1 - beta2 ** (t - 1)),
        "the corrections have t + 1": after(c1=1 - beta1 ** (t + 1), c2=1 - beta2 ** (t + 1)),
        "the corrections have no t: 1 − β": after(c1=1 - beta1, c2=1 - beta2),
        "the corrections are multiplied, not divided by": after(c1=1 / c1, c2=1 / c2),
        "the corrections of m and v are exchanged": after(c1=c2, c2=c1),
        "both corrections have β₁": after(c2=c1),
        "both corrections have β₂": after(c1=c2),
        "ε stands inside the root": p - lr * m_hat / np.sqrt(v_hat + eps),
        **{eps_instead(e, eps): p - lr * m_hat / (np.sqrt(v_hat) + e) for e in {1e-8} - {eps}},
        "ε is missing": p - lr * m_hat / np.sqrt(v_hat),
        "ε is added to the fraction": p - lr * (m_hat / np.sqrt(v_hat) + eps),
        "the correction of v stands outside the root": p
        - lr * m_hat / (np.sqrt(new_v) / c2 + eps),
        "m̂ is missing: 1 in its place": p - lr / (np.sqrt(v_hat) + eps),
        "the correction of m has β₁ · t": after(c1=1 - beta1 * t),
        "the correction of v has β₂ · t": after(c2=1 - beta2 * t),
        "both corrections have β · t": after(c1=1 - beta1 * t, c2=1 - beta2 * t),
        "β₁ in the place of β₂, in the correction, too": after(
            v=beta1 * old_v + (1 - beta1) * grad**2, c2=c1
        ),
        "β₁ in the place of β₂ in v": after(v=beta1 * old_v + (1 - beta1) * grad**2),
        "β₂ in the place of β₁, in the correction, too": after(
            m=beta2 * old_m + (1 - beta2) * grad, c1=c2
        ),
        "β₂ in the place of β₁ in m": after(m=beta2 * old_m + (1 - beta2) * grad),
        "m̂² in the place of g² in v": after(v=beta2 * old_v + (1 - beta2) * m_hat**2),
        "m² in the place of g² in v": after(v=beta2 * old_v + (1 - beta2) * new_m**2),
        "minus in m: β₁ m − (1 − β₁) g": after(m=beta1 * old_m - (1 - beta1) * grad),
        "minus in v: β₂ v − (1 − β₂) g²": after(v=beta2 * old_v - (1 - beta2) * grad**2),
        "ε is added before the correction of v": p - lr * m_hat * c2**0.5 / (new_v**0.5 + eps),
        "v̂ without its root": p - lr * m_hat / (v_hat + eps),
        "g in the place of m̂": p - lr * grad / (np.sqrt(v_hat) + eps),
        "g² in the place of v̂": p - lr * m_hat / (np.abs(grad) + eps),
        "the old m: the step comes before its update": after(m=old_m),
        "the old v: the step comes before its update": after(v=old_v),
        "the old v, without its correction": after(v=old_v, c2=1),
        "the old m and v: the step comes before their update": after(m=old_m, v=old_v),
        "g is not squared in v": after(v=beta2 * old_v + (1 - beta2) * grad),
        "β and 1 − β are exchanged in m": after(m=(1 - beta1) * old_m + beta1 * grad),
        "β and 1 − β are exchanged in v": after(v=(1 - beta2) * old_v + beta2 * grad**2),
        "β₁ and β₂ are exchanged": after(
            m=beta2 * old_m + (1 - beta2) * grad, v=beta1 * old_v + (1 - beta1) * grad**2,
            c1=c2, c2=c1,
        ),
        "β₁ and β₂ are exchanged in m and v, but not in their corrections": after(
            m=beta2 * old_m + (1 - beta2) * grad, v=beta1 * old_v + (1 - beta1) * grad**2
        ),
        "1 − β₁ is missing in m": after(m=beta1 * old_m + grad),
        "1 − β₂ is missing in v": after(v=beta2 * old_v + grad**2),
        "both 1 − β are missing": after(m=beta1 * old_m + grad, v=beta2 * old_v + grad**2),
        "the step alone, without p": after() - p,
        "m is not divided by √v̂": p - lr * m_hat,
        "the fraction is upside down": p - lr * np.sqrt(v_hat) / (m_hat + eps),
        "the sign of m̂ alone": p - lr * np.sign(m_hat),
        "√v̂ multiplies": p - lr * m_hat * (np.sqrt(v_hat) + eps),
        "lr stands inside the root": p - m_hat / (np.sqrt(v_hat / lr**2) + eps),
        "SGD's step": p - lr * grad,
        "m̂ looks ahead, as in NAdam": after(m=beta1 * new_m + (1 - beta1) * grad),
        "(g − m)² in the place of g² in v": after(
            v=beta2 * old_v + (1 - beta2) * (grad - new_m) ** 2
        ),
    }  # fmt: skip
    if beta2 != 0.999:
        wrong["β₂ is 0.999, the default"] = after(
            v=0.999 * old_v + 0.001 * grad**2, c2=1 - 0.999**t
        )
    if beta1 != 0.9:
        wrong["β₁ is 0.9, the default"] = after(m=0.9 * old_m + 0.1 * grad, c1=1 - 0.9**t)
    if weight_decay:
        plain_m = beta1 * old_m + (1 - beta1) * g
        plain_v = beta2 * old_v + (1 - beta2) * g**2
        wrong["the weight decay is missing"] = plain = after(m=plain_m, v=plain_v)
        wrong["the weight decay is missing in v"] = after(v=plain_v)
        wrong["the weight decay is missing in m"] = after(m=plain_m)
        turned = g - weight_decay * p
        wrong["the weight decay has the wrong sign"] = after(
            m=beta1 * old_m + (1 - beta1) * turned, v=beta2 * old_v + (1 - beta2) * turned**2
        )
        outside = "the weight decay of AdamW, outside of m and v"
        wrong[outside] = plain - lr * weight_decay * p
        wrong[f"{outside}, with the wrong sign"] = plain + lr * weight_decay * p
        wrong[f"{outside}, and not multiplied by lr"] = plain - weight_decay * p
    wrong = {phrase: u for phrase, u in wrong.items() if np.isfinite(u).all()}
    parts = {"p": p, "the step": after() - p}
    factors = {"lr": lr, "2": 2.0}
    return case(after(), parts, factors, wrong)
