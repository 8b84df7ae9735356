"""The spine: the whole of minigrad in one file of Python and NumPy, from a tensor to Adam.

Read it from top to bottom, or step from the loss to a gradient: `python -m pdb -m minigrad.spine`,
then `b backward` and `c`. The names are the package's, and the losses, too, to 1e-12. Each part
begins with its file, what that file adds, and its page in docs/derivations; "# (3)": equation (3).
"""

import numpy as np


# minigrad/tensor.pyx adds dtypes, views, and a guard over saved values.
class Tensor:
    """An array that remembers how it was made."""

    def __init__(self, data, requires_grad=False):
        self.data = np.asarray(data, dtype=np.float64)
        self.requires_grad = requires_grad
        self.grad = None  # dL/d(this), once backward has come by
        self.grad_fn = None  # the Function that made it; a leaf has none

    def __add__(self, other):
        return Add.apply(self, other)

    def __mul__(self, other):
        return Mul.apply(self, other)

    def backward(self):
        backward(self)


class Function:
    """A node of the graph: an operation that was run, and where its inputs came from."""

    @classmethod
    def apply(cls, *inputs):  # in the package each operation is a function that ends in `record`
        node = cls()
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        # for each input its maker, or the leaf itself
        node.inputs = [(x.grad_fn or x) if x.requires_grad else None for x in tensors]
        y = node.forward(*[x.data if isinstance(x, Tensor) else x for x in inputs])
        y = Tensor(y, requires_grad=any(node.inputs))
        y.grad_fn = node if y.requires_grad else None
        return y


# minigrad/autograd/engine.pyx adds no_grad, hooks, gradients of gradients. Page chain_rule.md
def topological_order(root):
    """Every Function below `root`, inputs first; reversed, the order of the backward pass."""
    order, entered, stack = {}, set(), [root]  # of the dict only the keys count, in their order
    while stack:
        node = stack.pop()
        if node in entered:  # for the second time, so everything below it is done
            order[node] = True
        elif isinstance(node, Function):
            entered.add(node)
            stack += [node, *(each for each in node.inputs if each not in entered)]
    return list(order)


def backward(loss):
    """Add dL/dx to the `.grad` of every leaf x that the loss was computed from."""
    table = {loss.grad_fn: np.ones_like(loss.data)}  # (2) dL/dy, by who made y: a node, or a leaf
    for node in reversed(topological_order(loss.grad_fn)):  # in the package: `propagate`
        dy = table.pop(node)  # complete: every node that used y has already run
        for x, dx in zip(node.inputs, node.backward(dy), strict=False):  # (3)
            if x is not None:  # strict=False: without bias there is one dx too many
                table[x] = table[x] + dx if x in table else dx  # (1)
    for leaf, dx in table.items():  # only leaves are left
        leaf.grad = Tensor(dx if leaf.grad is None else leaf.grad.data + dx)


# minigrad/ops/math/broadcasting.pyx adds errors in words. Page broadcasting.md
def unbroadcast(dy, shape):
    """Sum dy over the axes along which an input of this shape was repeated."""
    padded = (1,) * (dy.ndim - len(shape)) + shape
    return dy.sum(axis=tuple(i for i, size in enumerate(padded) if size == 1)).reshape(shape)  # (1)


# The rules. dy is short for dL/dy; backward turns it into a dx for each Tensor x that went in.
# minigrad/ops/math/arithmetic.pyx adds the other operators. Page arithmetic.md
class Add(Function):
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        return a + b

    def backward(self, dy):
        return [unbroadcast(dy, shape) for shape in self.shapes]  # (1)


class Mul(Function):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, dy):
        return unbroadcast(dy * self.b, self.a.shape), unbroadcast(dy * self.a, self.b.shape)  # (3)


# minigrad/ops/math/linear.pyx (there: Linear) adds products of any matrices. Page linear.md
class LinearRule(Function):
    def forward(self, x, weight, bias):
        self.x, self.weight = x, weight
        return x @ weight.T + (0 if bias is None else bias)  # (3a)

    def backward(self, dy):
        return dy @ self.weight, dy.T @ self.x, dy.sum(axis=0)  # (3) (4) (5)


# minigrad/ops/nn/activations.pyx adds sigmoid, tanh, GELU. Page relu.md
class Relu(Function):
    def forward(self, x):
        self.y = np.maximum(x, 0)  # (1)
        return self.y

    def backward(self, dy):
        return [np.where(self.y <= 0, 0, dy)]  # (2)


# minigrad/ops/nn/batch_norm.pyx adds images, second derivatives. Page batch_norm.md
class BatchNorm(Function):
    def forward(self, x, gamma, beta, mean, var, eps, by_batch):
        self.inv_std = 1 / np.sqrt(var + eps)  # (3)
        self.x_hat = (x - mean) * self.inv_std  # (4)
        self.gamma, self.by_batch = gamma, by_batch
        return gamma * self.x_hat + beta  # (5)

    def backward(self, dy):
        r, x_hat = self.inv_std, self.x_hat
        dx_hat = self.gamma * dy  # (8a)
        dx = r * dx_hat  # (8b) the straight road; in evaluation mode the only term (12)
        if self.by_batch:
            dx = dx - r * dx_hat.mean(axis=0)  # (8h) the road through the mean
            dx = dx - r * x_hat * (dx_hat * x_hat).mean(axis=0)  # (8e) and through the variance
        return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)  # (8) (7) (6)


# minigrad/ops/nn/cross_entropy.pyx adds class weights, label smoothing. Page cross_entropy.md
class CrossEntropy(Function):
    def forward(self, logits, targets):
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.y, self.onehot = np.exp(log_y), np.eye(logits.shape[1])[targets]
        return -(self.onehot * log_y).sum(axis=1).mean()  # (3a) (5)

    def backward(self, dloss):
        return [dloss * (self.y - self.onehot) / len(self.y)]  # (6a) (9)


# minigrad/nn/module.py adds hooks, names and state dicts.
class Module:
    training = True

    def __call__(self, x):
        return self.forward(x)

    def children(self):
        return [each for each in vars(self).values() if isinstance(each, Module)]

    def parameters(self):
        own = [x for x in vars(self).values() if isinstance(x, Tensor) and x.requires_grad]
        return own + [x for child in self.children() for x in child.parameters()]

    def train(self, mode=True):
        self.training = mode
        for child in self.children():
            child.train(mode)

    def eval(self):
        self.train(False)


# minigrad/nn/layers.py adds layers without state; minigrad/nn/init.py, other ways to begin.
class Linear(Module):
    rng = np.random.default_rng(0)

    def __init__(self, in_features, out_features, bias=True):
        k = 1 / np.sqrt(in_features)
        self.weight = Tensor(self.rng.uniform(-k, k, (out_features, in_features)), True)
        self.bias = Tensor(self.rng.uniform(-k, k, out_features), True) if bias else None

    def forward(self, x):
        return LinearRule.apply(x, self.weight, self.bias)


class ReLU(Module):
    def forward(self, x):
        return Relu.apply(x)


# minigrad/nn/batch_norm.py adds other axes, cumulative averages, Keras' ways. Page batch_norm.md
class BatchNorm1d(Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.weight = Tensor(np.ones(num_features), True)  # γ
        self.bias = Tensor(np.zeros(num_features), True)  # β
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)

    def forward(self, x):
        mean, var, a = self.running_mean, self.running_var, self.momentum
        if self.training:
            m, mean = len(x.data), x.data.mean(axis=0)  # (1a)
            var = ((x.data - mean) ** 2).mean(axis=0)  # (2)
            self.running_mean = (1 - a) * self.running_mean + a * mean  # (13)
            self.running_var = (1 - a) * self.running_var + a * m / (m - 1) * var  # (14)
        return BatchNorm.apply(x, self.weight, self.bias, mean, var, self.eps, self.training)


# minigrad/nn/containers.py adds lists of modules.
class Sequential(Module):
    def __init__(self, *layers):
        vars(self).update({str(i): layer for i, layer in enumerate(layers)})

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


# minigrad/optim/adam.py adds weight decay and AMSGrad. Page adam.md
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps, self.step_count = lr, betas, eps, 0
        self.state = [(p, np.zeros_like(p.data), np.zeros_like(p.data)) for p in params]

    def zero_grad(self):
        for p, _, _ in self.state:
            p.grad = None

    def step(self):
        self.step_count += 1
        beta1, beta2 = self.betas
        rate = self.lr / (1 - beta1**self.step_count)  # (5)
        scale = 1 / np.sqrt(1 - beta2**self.step_count)  # (6)
        for p, m, v in self.state:
            m[...] = beta1 * m + (1 - beta1) * p.grad.data  # (3)
            v[...] = beta2 * v + (1 - beta2) * p.grad.data**2  # (4)
            p.data = p.data - rate * m / (scale * np.sqrt(v) + self.eps)  # (7)


if __name__ == "__main__":  # eight by eight pixels, ten digits
    digits = np.load(__file__.replace("spine.py", "datasets/digits.npz"))
    x, targets = digits["images"].reshape(-1, 64) / 16, digits["targets"]
    model = Sequential(Linear(64, 32, bias=False), BatchNorm1d(32), ReLU(), Linear(32, 10))
    optimizer = Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        loss = CrossEntropy.apply(model(Tensor(x)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss after 100 steps: {loss.data:.3f}")
