# %% [markdown]
"""One step of training, each number worked out by hand and compared with minigrad's.

    python examples/by_hand.py

Four samples go through Linear – batch normalization – ReLU – Linear – softmax cross-entropy, the
gradients come back, and Adam makes one step. The left side of each line is the formula, evaluated
in plain NumPy; minigrad never sees these formulas in this form.
"""

# %%
from typing import Any

import numpy as np
from _common import command_line

import minigrad
from minigrad import Tensor, optim
from minigrad.nn import functional as F

N, LR, EPS = 4, 0.1, 1e-5
BETA1, BETA2, TINY = 0.9, 0.999, 1e-8  # Adam's
x = np.array([[1.0, -2.0, 0.5], [0.0, 1.5, -1.0], [2.0, 0.5, 1.0], [-1.0, 0.0, 1.5]])
targets = np.array([2, 0, 1, 2])
parameters = {
    # There is no bias before the normalization: subtracting the mean would take it out again.
    "W1": np.array([[0.2, -0.4, 0.1], [-0.3, 0.1, 0.5]]),
    "gamma": np.array([1.0, 1.5]),
    "beta": np.array([0.2, -0.1]),
    "W2": np.array([[0.7, -0.1], [-0.5, 0.3], [0.2, 0.4]]),
    "b2": np.array([0.0, 0.1, -0.1]),
}


# %%
def show(name: str, formula: str, by_hand: Any, minigrads: Tensor) -> None:
    """Print a value of both sides; stop if they differ."""
    value = minigrads.detach().numpy()
    difference = np.abs(by_hand - value).max()
    tiny = np.abs(by_hand).max() < 1e-3
    rows = np.array2string(
        np.asarray(by_hand), precision=2 if tiny else 4, suppress_small=not tiny, sign=" "
    )
    for row, line in enumerate(rows.splitlines()):
        left = f"{padded(name, 7)} = {formula}" if row == 0 else ""
        right = f"difference {difference:.0e}" if row == 0 else ""
        print(f"  {padded(left, 42)}{line:34s}{right}".rstrip())
    if not difference <= 1e-12:
        raise SystemExit(f"{name}: by hand\n{by_hand}\nminigrad\n{value}")


def padded(text: str, width: int) -> str:
    """As wide as it looks: the hat of x̂ takes no room of its own."""
    return text.ljust(width + text.count("\u0302"))


# %% [markdown]
# Forward, backward, step: each formula in NumPy, and minigrad's value beside it.


# %%
def main() -> tuple[float, float]:
    W1, gamma, beta, W2, b2 = parameters.values()
    tx = minigrad.tensor(x, requires_grad=True)
    tensors = {k: minigrad.tensor(v, requires_grad=True) for k, v in parameters.items()}
    tW1, tgamma, tbeta, tW2, tb2 = tensors.values()
    labels = minigrad.tensor(targets)

    print("forward: from the inputs to the loss\n")
    tz = F.linear(tx, tW1)
    ty = F.batch_norm(tz, None, None, tgamma, tbeta, training=True, eps=EPS)
    th = ty.relu()
    tlogits = F.linear(th, tW2, tb2)
    tloss = F.cross_entropy(tlogits, labels)

    z = x @ W1.T
    mean, var = z.mean(axis=0), ((z - z.mean(axis=0)) ** 2).mean(axis=0)
    r = 1 / np.sqrt(var + EPS)
    x_hat = (z - mean) * r
    y = gamma * x_hat + beta
    h = np.maximum(y, 0)
    logits = h @ W2.T + b2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[range(N), targets]).mean()
    show("z", "x·W1ᵀ", z, tz)
    show("mean", "Σ z over the samples / N", mean, tz.mean(0))
    show("var", "Σ (z − mean)² / N", var, tz.var(0, correction=0))
    show("x̂", "r·(z − mean), r = 1/√(var + ε)", x_hat, F.batch_norm(tz, None, None, training=True))
    show("y", "γ·x̂ + β", y, ty)
    show("h", "max(y, 0)", h, th)
    show("logits", "h·W2ᵀ + b2", logits, tlogits)
    show("p", "softmax(logits)", p, tlogits.softmax(1))
    show("loss", "−mean log p[target]", loss, tloss)

    print("\nbackward: from the loss to the inputs; dv stands for ∂loss/∂v\n")
    for node in (tz, ty, th, tlogits):
        node.retain_grad()
    tloss.backward()

    dlogits = (p - np.eye(3)[targets]) / N
    dW2, db2, dh = dlogits.T @ h, dlogits.sum(axis=0), dlogits @ W2
    dy = np.where(y > 0, dh, 0)
    dgamma, dbeta = (dy * x_hat).sum(axis=0), dy.sum(axis=0)
    dz = gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    dW1, dx = dz.T @ x, dz @ W1
    show("dlogits", "(p − onehot(target)) / N", dlogits, tlogits.grad)
    show("dW2", "dlogitsᵀ·h", dW2, tW2.grad)
    show("db2", "Σ dlogits over the samples", db2, tb2.grad)
    show("dh", "dlogits·W2", dh, th.grad)
    show("dy", "dh where y > 0, else 0", dy, ty.grad)
    show("dγ", "Σ dy·x̂ over the samples", dgamma, tgamma.grad)
    show("dβ", "Σ dy over the samples", dbeta, tbeta.grad)
    show("dz", "γ·r·(dy − ⟨dy⟩ − x̂·⟨dy·x̂⟩)", dz, tz.grad)
    show("dW1", "dzᵀ·x", dW1, tW1.grad)
    show("dx", "dz·W1", dx, tx.grad)
    print("\n  ⟨…⟩ is the mean over the samples")

    print("\nstep: Adam's first; m and v start at 0\n")
    adam = optim.Adam(tensors.values(), lr=LR, betas=(BETA1, BETA2), eps=TINY)
    adam.step()
    m = (1 - BETA1) * dW1
    v = (1 - BETA2) * dW1**2
    m_hat, v_hat = m / (1 - BETA1), v / (1 - BETA2)  # the correction: m and v began at 0
    state = adam.state[tW1]
    show("m", "β₁·0 + (1 − β₁)·dW1", m, state["exp_avg"])
    show("v", "β₂·0 + (1 − β₂)·dW1²", v, state["exp_avg_sq"])
    show("W1", "W1 − lr·m̂/(√v̂ + ε)", W1 - LR * m_hat / (np.sqrt(v_hat) + TINY), tW1)
    print("\n  m̂ = m/(1 − β₁), v̂ = v/(1 − β₂): so the first step is lr times the sign of dW1")

    after = F.batch_norm(F.linear(tx, tW1), None, None, tgamma, tbeta, training=True, eps=EPS)
    after = F.cross_entropy(F.linear(after.relu(), tW2, tb2), labels)
    print(f"\n  loss before {loss:.4f}, after {after.item():.4f}")
    return loss, after.item()


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
