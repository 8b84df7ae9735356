"""One step of backpropagation, each gradient worked out by hand and compared with minigrad's.

    python examples/by_hand.py

Two samples go through Linear – tanh – Linear – softmax cross-entropy. The left side of each line is
the formula, evaluated in plain NumPy; minigrad never sees these formulas in this form.
"""

import numpy as np

import minigrad
from minigrad.nn import functional as F

N, LR = 2, 0.5
x = np.array([[1.0, -2.0, 0.5], [0.0, 1.5, -1.0]])
targets = np.array([2, 0])
W1 = np.array([[0.2, -0.4, 0.1], [-0.3, 0.1, 0.5]])
b1 = np.array([0.1, -0.2])
W2 = np.array([[0.7, -0.1], [-0.5, 0.3], [0.2, 0.4]])
b2 = np.array([0.0, 0.1, -0.1])


def show(name, formula, by_hand, minigrads):
    """Print a value of both sides; stop if they differ."""
    value = minigrads.detach().numpy()
    difference = np.abs(by_hand - value).max()
    rows = np.array2string(np.asarray(by_hand), precision=4, suppress_small=True, sign=" ")
    for row, line in enumerate(rows.splitlines()):
        left = f"{name:9s} = {formula}" if row == 0 else ""
        right = f"difference {difference:.0e}" if row == 0 else ""
        print(f"  {left:39s}{line:34s}{right}".rstrip())
    if not difference <= 1e-12:
        raise SystemExit(f"{name}: by hand\n{by_hand}\nminigrad\n{value}")


def main():
    tensors = {
        name: minigrad.tensor(array, requires_grad=True)
        for name, array in {"x": x, "W1": W1, "b1": b1, "W2": W2, "b2": b2}.items()
    }
    tx, tW1, tb1, tW2, tb2 = tensors.values()
    labels = minigrad.tensor(targets)

    print("forward: from the inputs to the loss\n")
    tz = F.linear(tx, tW1, tb1)
    th = tz.tanh()
    tlogits = F.linear(th, tW2, tb2)
    tloss = F.cross_entropy(tlogits, labels)

    z = x @ W1.T + b1
    h = np.tanh(z)
    logits = h @ W2.T + b2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[range(N), targets]).mean()
    show("z", "x·W1ᵀ + b1", z, tz)
    show("h", "tanh(z)", h, th)
    show("logits", "h·W2ᵀ + b2", logits, tlogits)
    show("p", "softmax(logits)", p, tlogits.softmax(1))
    show("loss", "−mean log p[target]", loss, tloss)

    print("\nbackward: from the loss to the inputs; dv stands for ∂loss/∂v\n")
    for node in (tz, th, tlogits):
        node.retain_grad()
    tloss.backward()

    dlogits = (p - np.eye(3)[targets]) / N
    dW2, db2, dh = dlogits.T @ h, dlogits.sum(axis=0), dlogits @ W2
    dz = dh * (1 - h**2)
    dW1, db1, dx = dz.T @ x, dz.sum(axis=0), dz @ W1
    show("dlogits", "(p − onehot(target)) / N", dlogits, tlogits.grad)
    show("dW2", "dlogitsᵀ·h", dW2, tW2.grad)
    show("db2", "Σ dlogits over the samples", db2, tb2.grad)
    show("dh", "dlogits·W2", dh, th.grad)
    show("dz", "dh ⊙ (1 − h²)", dz, tz.grad)
    show("dW1", "dzᵀ·x", dW1, tW1.grad)
    show("db1", "Σ dz over the samples", db1, tb1.grad)
    show("dx", "dz·W1", dx, tx.grad)

    print(f"\nstep: w ← w − {LR}·dw for every weight\n")
    with minigrad.no_grad():
        for weight in (tW1, tb1, tW2, tb2):
            weight -= LR * weight.grad
        after = F.cross_entropy(F.linear(F.linear(tx, tW1, tb1).tanh(), tW2, tb2), labels)
    show("W1", "W1 − lr·dW1", W1 - LR * dW1, tW1)
    print(f"\n  loss before {loss:.4f}, after {after.item():.4f}")
    return loss, after.item()


if __name__ == "__main__":
    main()
