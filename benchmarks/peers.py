"""The same training steps by several hands: torch, minigrad, JAX, NumPy; and their bare products.

Networks are hidden layers of a weight (Linear, or Conv2d with a pool behind it), batch norm and
ReLU, and a last Linear; cross-entropy; Adam. Each class takes the initial weights, in the order of
`parameters()`, and one batch; a call is one training step on it and returns the loss; `weights()`
gives the present weights in the same order and shapes.
"""

from functools import partial

import harness
import numpy as np

MNIST = (784, 128, 64, 10)
LR, BETA1, BETA2, ADAM_EPS = 1e-3, 0.9, 0.999, 1e-8
BN_EPS, MOMENTUM = 1e-5, 0.1


def initial_weights(rng, sizes=MNIST):
    """Weight and bias of each Linear and, but for the last, gamma and beta behind it."""
    weights = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        bound = fan_in**-0.5
        weights.append(rng.uniform(-bound, bound, (fan_out, fan_in)))
        weights.append(rng.uniform(-bound, bound, fan_out))
        weights += [rng.uniform(0.5, 1.5, fan_out), rng.uniform(-0.5, 0.5, fan_out)]
    return [w.astype(np.float32) for w in weights[:-2]]


def mlp(nn, sizes=MNIST):
    """The network of torch's layers or minigrad's."""
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.BatchNorm1d(fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def by_modules(network, weights, x, y, compiled):
    """Name -> a fresh step, for minigrad and those of torch and JAX that are installed."""
    import minigrad

    given = network, weights, x, y
    steps = {"minigrad": Modules(minigrad, *given)}
    if torch := harness.installed("torch"):
        steps["torch, Adam"] = Modules(torch, *given)
        steps["torch, fused Adam"] = Modules(torch, *given, fused=True)
        if compiled:
            steps["torch.compile, fused"] = Modules(torch, *given, compiled=True, fused=True)
    if harness.installed("jax"):
        steps["JAX, jitted"] = Jax(weights, x, y)
    return steps


def check_agreement(steps, oracle, count=3, tolerance=1e-4, noisy=0.1):
    """Some steps: every loss, and nearly every weight, as the oracle has them in double."""
    expected = [oracle().item() for _ in range(count)]
    for name, step in steps.items():
        losses = [step().item() for _ in range(count)]
        np.testing.assert_allclose(losses, expected, rtol=tolerance, err_msg=name)
        wanted = list(oracle.weights())
        for i, (got, want) in enumerate(zip(step.weights(), wanted, strict=True)):
            # Adam makes a step of size LR of a gradient that is only rounding noise: that of a bias
            # before batch norm, and here and there that of a weight.
            useless = i % 4 == 1 and i < len(wanted) - 1
            off = np.mean(np.abs(got - want) > 0.05 * LR * count)
            assert useless or off < noisy, f"{name}: {off:.1%} of weight {i} are not NumPy's"


class Modules:
    """torch, or minigrad imported in its place: the script is the same."""

    def __init__(self, torch, network, weights, x, y, compiled=False, **adam):
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
            torch.compiler.reset()  # it counts, and gives up on a function compiled too often
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

        def affine(x, w, b):
            if w.ndim == 2:
                return x.reshape(len(x), -1) @ w.T + b
            return jax.lax.conv_general_dilated(x, w, (1, 1), "VALID") + b[:, None, None]

        def network(weights, statistics, x):
            new = []
            for (mean, var), layer in zip(statistics, groups_of_4(weights), strict=True):
                w, b, gamma, beta = layer
                x = affine(x, w, b)
                image = x.ndim == 4
                axes = (0, 2, 3) if image else 0
                m, v = x.mean(axes), x.var(axes)
                values = x.size // len(m)
                unbiased = v * (values / (values - 1))
                new.append((mean + MOMENTUM * (m - mean), var + MOMENTUM * (unbiased - var)))
                m, scale, beta = (
                    u[:, None, None] if image else u
                    for u in (m, gamma * jax.lax.rsqrt(v + BN_EPS), beta)
                )
                x = jax.nn.relu((x - m) * scale + beta)
                if image:
                    window = (1, 1, 2, 2)
                    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
            return affine(x, *weights[-2:]), new

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
        channels = [len(gamma) for _, _, gamma, _ in groups_of_4(weights)]
        statistics = [(jnp.zeros(n), jnp.ones(n)) for n in channels]
        first, second = ([jnp.zeros_like(w) for w in weights] for _ in range(2))
        self.state = (weights, statistics, first, second, jnp.zeros(()))
        self.x, self.y = jnp.array(x), jnp.array(y)
        self.step = step

    def __call__(self):
        self.state, loss = self.step(self.state, self.x, self.y)
        return loss.block_until_ready()

    def weights(self):
        return [np.asarray(w) for w in self.state[0]]


def groups_of_4(weights):
    """(w, b, gamma, beta) of each hidden layer."""
    return [weights[i : i + 4] for i in range(0, len(weights) - 2, 4)]


class NumPy:
    """By hand: views into one flat vector, so that Adam is one pass over all the weights."""

    def __init__(self, weights, x, y):
        self.flat, self.views = self.one_vector(weights)
        self.grad, self.grads = self.one_vector(weights)
        self.first, self.second = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.t = 0
        channels = [len(gamma) for _, _, gamma, _ in groups_of_4(weights)]
        self.running = [[np.zeros(n, np.float32), np.ones(n, np.float32)] for n in channels]
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
        for layer in reversed(range(len(saved))):
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
    """The products of a step and nothing else, NumPy's: what no library on this BLAS can go below.

    `layers`: (rows, fan_in, fan_out) of each; forward, then backward for the weight and, but for
    the first layer, for the input.
    """

    def __init__(self, layers):
        forward, backward = [], []
        for rows, fan_in, fan_out in layers:
            x, w, dw = (np.ones(s, np.float32) for s in [(rows, fan_in), *[(fan_out, fan_in)] * 2])
            y, dy = (np.ones((rows, fan_out), np.float32) for _ in range(2))
            forward.append((x, w.T, y))
            if backward:
                backward.append((dy, w, np.empty_like(x)))
            backward.append((dy.T, x, dw))
        self.products = forward + backward[::-1]

    def __call__(self):
        for a, b, out in self.products:
            np.matmul(a, b, out=out)


def products_of_mlp(batch, sizes=MNIST):
    return MatrixProducts([(batch, *fans) for fans in zip(sizes, sizes[1:], strict=False)])
