"""One step of Adam, and of SGD with momentum, over one array of parameters."""

import harness
import numpy as np

import minigrad

TITLE = "one step of an optimizer over n parameters in one array, float32"
SIZE = "n"
PARTS = {"Adam": "ns per parameter", "SGD with momentum": "ns per parameter"}
ABSOLUTE = True
LR, MOMENTUM, BETA1, BETA2, EPS = 1e-3, 0.9, 0.9, 0.999, 1e-8


def sizes(part, quick):
    return {f"1e{power}": 10**power for power in range(4, 7 if quick else 9)}


def count(size):
    return size


def contestants(part, size):
    rng = np.random.default_rng(0)
    w, g = (rng.standard_normal(size, dtype=np.float32) for _ in range(2))
    steps = {"minigrad": Modules(minigrad, part, w, g)}
    if torch := harness.installed("torch"):
        steps["torch"] = Modules(torch, part, w, g)
        steps["torch, fused"] = Modules(torch, part, w, g, fused=True)
    if harness.installed("jax"):
        steps["JAX, jitted"] = Jax(part, w, g)
    steps["NumPy by hand"] = NumPy(part, w, g)
    part_of_all = slice(10_000)
    oracle = NumPy(part, w[part_of_all].astype(float), g[part_of_all].astype(float))
    for _ in range(3):
        oracle()
    for name, step in steps.items():
        for _ in range(3):
            step()
        moved = step.weights()[part_of_all] - w[part_of_all]
        expected = oracle.weights() - w[part_of_all]
        np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-6, err_msg=name)
    copy = np.empty_like(w)
    steps["copy of the parameters"] = lambda: np.copyto(copy, w)
    return steps


class Modules:
    """torch, or minigrad in its place."""

    def __init__(self, torch, part, w, g, **fused):
        self.w = torch.nn.Parameter(torch.from_numpy(w.copy()))
        self.w.grad = torch.from_numpy(g)
        if part == "Adam":
            self.step = torch.optim.Adam([self.w], lr=LR, **fused).step
        else:
            self.step = torch.optim.SGD([self.w], lr=LR, momentum=MOMENTUM, **fused).step

    def __call__(self):
        self.step()

    def weights(self):
        return self.w.detach().numpy()


class NumPy:
    """In place, with one temporary array."""

    def __init__(self, part, w, g):
        self.w, self.g, self.first = w.copy(), g, np.zeros_like(w)
        self.temporary, self.t = np.empty_like(w), 0
        self.adam = part == "Adam"
        if self.adam:
            self.second = np.zeros_like(w)

    def __call__(self):
        w, g, m, u = self.w, self.g, self.first, self.temporary
        self.t += 1
        if self.adam:
            v = self.second
            m *= BETA1
            m += np.multiply(g, 1 - BETA1, out=u)
            v *= BETA2
            np.multiply(g, g, out=u)
            u *= 1 - BETA2
            v += u
            np.sqrt(v, out=u)
            u /= np.sqrt(1 - BETA2**self.t)
            u += EPS
            np.divide(m, u, out=u)
            u *= LR / (1 - BETA1**self.t)
        else:
            m *= MOMENTUM
            m += g
            np.multiply(m, LR, out=u)
        w -= u

    def weights(self):
        return self.w


class Jax:
    """Jitted; the new values take the place of the old ones."""

    def __init__(self, part, w, g):
        import jax
        import jax.numpy as jnp

        def adam(state, g):
            w, m, v, t = state
            t = t + 1
            m = BETA1 * m + (1 - BETA1) * g
            v = BETA2 * v + (1 - BETA2) * g * g
            root = jnp.sqrt(v) / jnp.sqrt(1 - BETA2**t) + EPS
            return w - LR / (1 - BETA1**t) * m / root, m, v, t

        def sgd(state, g):
            w, m = state
            m = MOMENTUM * m + g
            return w - LR * m, m

        w = jnp.array(w)
        self.state = (w, jnp.zeros_like(w))
        if part == "Adam":
            self.state += (jnp.zeros_like(w), jnp.zeros(()))
        self.step = jax.jit(adam if part == "Adam" else sgd, donate_argnums=0)
        self.g, self.wait = jnp.asarray(g), jax.block_until_ready

    def __call__(self):
        self.state = self.wait(self.step(self.state, self.g))

    def weights(self):
        return np.asarray(self.state[0])
