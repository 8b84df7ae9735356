"""The same training step, 784-128-64-10 with batch norm and Adam, in four ways.

Each class takes the initial weights and one batch; a call is one training step on it and returns
the loss; `weights()` gives the present weights in the same order and shapes.
"""

from functools import partial

import numpy as np

SIZES = (784, 128, 64, 10)
LR, BETA1, BETA2, ADAM_EPS = 1e-3, 0.9, 0.999, 1e-8
BN_EPS, MOMENTUM = 1e-5, 0.1


def initial_weights(rng):
    """Weight and bias of each Linear, then gamma and beta, as `parameters()` lists them."""
    weights = []
    for fan_in, fan_out in zip(SIZES, SIZES[1:], strict=False):
        bound = fan_in**-0.5
        weights.append(rng.uniform(-bound, bound, (fan_out, fan_in)))
        weights.append(rng.uniform(-bound, bound, fan_out))
        if fan_out != SIZES[-1]:
            weights += [rng.uniform(0.5, 1.5, fan_out), rng.uniform(-0.5, 0.5, fan_out)]
    return [w.astype(np.float32) for w in weights]


def mlp(nn):
    """The network of all the classes below, of torch's layers or minigrad's."""
    layers = []
    for fan_in, fan_out in zip(SIZES, SIZES[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.BatchNorm1d(fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


class Modules:
    """torch, or minigrad imported in its place: the script is the same."""

    def __init__(self, torch, weights, x, y, network=mlp, compiled=False, **adam):
        nn = torch.nn
        self.model = network(nn).to(torch.from_numpy(x).dtype)
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(value))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LR, **adam)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        criterion = nn.CrossEntropyLoss()
        self.forward = lambda: criterion(self.model(self.x), self.y)
        if compiled:
            self.forward = torch.compile(self.forward)

    def __call__(self):
        loss = self.forward()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def weights(self):
        return [p.detach().numpy() for p in self.model.parameters()]


class Jax:
    """The whole step in one jitted function, which may reuse the memory of its arguments."""

    def __init__(self, weights, x, y):
        import jax
        import jax.numpy as jnp

        def network(weights, statistics, x):
            w1, b1, g1, h1, w2, b2, g2, h2, w3, b3 = weights
            new = []
            for (w, b, gamma, beta), (mean, var) in zip(
                ((w1, b1, g1, h1), (w2, b2, g2, h2)), statistics, strict=True
            ):
                x = x @ w.T + b
                m, v = x.mean(0), x.var(0)
                unbiased = v * (len(x) / (len(x) - 1))
                new.append((mean + MOMENTUM * (m - mean), var + MOMENTUM * (unbiased - var)))
                x = jax.nn.relu((x - m) * (gamma * jax.lax.rsqrt(v + BN_EPS)) + beta)
            return x @ w3.T + b3, new

        def loss(weights, statistics, x, y):
            logits, statistics = network(weights, statistics, x)
            picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
            return -picked.mean(), statistics

        @partial(jax.jit, donate_argnums=0)
        def step(state, x, y):
            weights, statistics, first, second, t = state
            value_and_grad = jax.value_and_grad(loss, has_aux=True)
            (value, statistics), grads = value_and_grad(weights, statistics, x, y)
            t = t + 1
            first = [BETA1 * m + (1 - BETA1) * g for m, g in zip(first, grads, strict=True)]
            second = [BETA2 * v + (1 - BETA2) * g * g for v, g in zip(second, grads, strict=True)]
            rate, root = LR / (1 - BETA1**t), jnp.sqrt(1 - BETA2**t)
            weights = [
                w - rate * m / (jnp.sqrt(v) / root + ADAM_EPS)
                for w, m, v in zip(weights, first, second, strict=True)
            ]
            return (weights, statistics, first, second, t), value

        weights = [jnp.array(w) for w in weights]
        statistics = [(jnp.zeros(n), jnp.ones(n)) for n in SIZES[1:-1]]
        first, second = ([jnp.zeros_like(w) for w in weights] for _ in range(2))
        self.state = (weights, statistics, first, second, jnp.zeros(()))
        self.x, self.y = jnp.array(x), jnp.array(y)
        self.step = step

    def __call__(self):
        self.state, loss = self.step(self.state, self.x, self.y)
        return loss.block_until_ready()

    def weights(self):
        return [np.asarray(w) for w in self.state[0]]


class NumPy:
    """By hand: views into one flat vector, so that Adam is one pass over all the weights."""

    def __init__(self, weights, x, y):
        self.flat, self.views = self.one_vector(weights)
        self.grad, self.grads = self.one_vector(weights)
        self.first, self.second = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.t = 0
        self.running = [[np.zeros(n, np.float32), np.ones(n, np.float32)] for n in SIZES[1:-1]]
        self.x, self.y = x, y

    @staticmethod
    def one_vector(arrays):
        flat = np.concatenate([a.ravel() for a in arrays])
        ends = np.cumsum([a.size for a in arrays])
        parts = np.split(flat, ends[:-1])
        return flat, [part.reshape(a.shape) for part, a in zip(parts, arrays, strict=True)]

    def __call__(self):
        loss = self.forward_and_backward()
        self.adam()
        return loss

    def forward_and_backward(self):
        x, y, n = self.x, self.y, len(self.x)
        saved = []
        for layer, running in enumerate(self.running):
            w, b, gamma, beta = self.views[4 * layer : 4 * layer + 4]
            z = x @ w.T
            z += b
            mean = z.mean(0)
            z -= mean
            var = np.einsum("nc,nc->c", z, z) / n
            inv_std = 1 / np.sqrt(var + BN_EPS)
            z *= inv_std
            running[0] += MOMENTUM * (mean - running[0])
            running[1] += MOMENTUM * (var * (n / (n - 1)) - running[1])
            out = z * gamma
            out += beta
            np.maximum(out, 0, out=out)
            saved.append((x, z, inv_std, out))
            x = out
        w, b = self.views[-2:]
        logits = x @ w.T
        logits += b
        logits -= logits.max(1, keepdims=True)
        rows = np.arange(n)
        picked = logits[rows, y]
        p = np.exp(logits, out=logits)
        total = p.sum(1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - picked)

        p /= total
        p[rows, y] -= 1
        p /= n
        np.matmul(p.T, x, out=self.grads[-2])
        p.sum(0, out=self.grads[-1])
        dy = p @ w
        for layer in (1, 0):
            x, x_hat, inv_std, out = saved[layer]
            w, _, gamma, _ = self.views[4 * layer : 4 * layer + 4]
            dw, db, dgamma, dbeta = self.grads[4 * layer : 4 * layer + 4]
            dy *= out > 0
            dy.sum(0, out=dbeta)
            np.einsum("nc,nc->c", dy, x_hat, out=dgamma)
            dy -= dbeta / n
            dy -= x_hat * (dgamma / n)
            dy *= gamma * inv_std
            np.matmul(dy.T, x, out=dw)
            dy.sum(0, out=db)
            if layer:
                dy = dy @ w
        return loss

    def adam(self):
        self.t += 1
        g, m, v = self.grad, self.first, self.second
        m *= BETA1
        m += (1 - BETA1) * g
        v *= BETA2
        g *= g
        g *= 1 - BETA2
        v += g
        root = np.sqrt(v, out=g)
        root /= np.sqrt(1 - BETA2**self.t)
        root += ADAM_EPS
        np.divide(m, root, out=root)
        root *= LR / (1 - BETA1**self.t)
        self.flat -= root

    def weights(self):
        return self.views


class MatrixProducts:
    """The eight products of a step and nothing else: what no library can go below."""

    def __init__(self, weights, x):
        w1, w2, w3 = (w for w in weights if w.ndim == 2)
        n = len(x)
        h1, h2, out = (np.ones((n, size), np.float32) for size in SIZES[1:])
        dh1, dh2, dw1, dw2, dw3 = map(np.empty_like, (h1, h2, w1, w2, w3))
        self.products = [
            (x, w1.T, h1), (h1, w2.T, h2), (h2, w3.T, out),
            (out.T, h2, dw3), (out, w3, dh2), (h2.T, h1, dw2), (h2, w2, dh1), (h1.T, x, dw1),
        ]  # fmt: skip

    def __call__(self):
        for a, b, out in self.products:
            np.matmul(a, b, out=out)
