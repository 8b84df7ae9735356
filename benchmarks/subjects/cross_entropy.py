"""Softmax with cross-entropy and its gradient, for few classes and for many."""

import harness
import numpy as np

import minigrad

TITLE = "softmax-cross-entropy, forward and backward, 256 rows"
SIZE = "classes"
PARTS = {"both": "µs"}
ROWS = 256


def sizes(part, quick):
    return {str(10**power): 10**power for power in range(1, 4 if quick else 5)}


def contestants(part, size):
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((ROWS, size), dtype=np.float32)
    targets = rng.integers(0, size, ROWS)
    calls = {"minigrad": autograd(minigrad, logits, targets)}
    if torch := harness.installed("torch"):
        calls["torch"] = autograd(torch, logits, targets)
    if harness.installed("jax"):
        calls["JAX, jitted"] = jitted(logits, targets)
    calls["NumPy by hand"] = lambda: by_hand(logits, targets)
    expected = by_hand(logits.astype(float), targets)
    for name, call in calls.items():
        for got, want in zip(call(), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6 / ROWS, err_msg=name)
    copy = np.empty_like(logits)
    calls["copy of the logits"] = lambda: np.copyto(copy, logits)
    return calls


def autograd(torch, logits, targets):
    x, y = torch.from_numpy(logits).requires_grad_(), torch.from_numpy(targets)
    cross_entropy = torch.nn.functional.cross_entropy

    def run():
        x.grad = None
        loss = cross_entropy(x, y)
        loss.backward()
        return loss.item(), x.grad.numpy()

    return run


def jitted(logits, targets):
    import jax
    import jax.numpy as jnp

    def loss(x, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()

    x, y = jnp.asarray(logits), jnp.asarray(targets)
    value_and_grad = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(value_and_grad(x, y))


def by_hand(logits, targets):
    rows = np.arange(len(logits))
    p = logits - logits.max(1, keepdims=True)
    picked = p[rows, targets]
    np.exp(p, out=p)
    total = p.sum(1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - picked)
    p /= total
    p[rows, targets] -= 1
    p /= len(logits)
    return loss, p
