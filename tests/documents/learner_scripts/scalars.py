"""Scalar expressions, the graph behind them, and what a gradient is."""
import math

import torch

x1 = torch.tensor(2.0, dtype=torch.double, requires_grad=True)
x2 = torch.Tensor([0.0]).double()
x2.requires_grad = True
w1 = torch.Tensor([-3.0]).double()
w1.requires_grad = True
w2 = torch.Tensor([1.0]).double()
w2.requires_grad = True
b = torch.Tensor([6.8813735870195432]).double()
b.requires_grad = True
n = x1 * w1 + x2 * w2 + b
o = torch.tanh(n)
print(o.data.item())
o.backward()
print("x2", x2.grad.item(), "w2", w2.grad.item(), "x1", x1.grad.item(), "w1", w1.grad.item())

a = torch.Tensor([-4.0]).double()
b = torch.Tensor([2.0]).double()
a.requires_grad = True
b.requires_grad = True
c = a + b
d = a * b + b**3
c = c + c + 1
c = c + 1 + c + (-a)
d = d + d * 2 + (b + a).relu()
d = d + 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g = g + 10.0 / f
g.backward()
print(g.data.item(), a.grad.item(), b.grad.item())
print(type(g.grad_fn).__name__ is not None, a.is_leaf, g.is_leaf, a.grad_fn is None)

t = torch.linspace(0, math.pi, 5, requires_grad=True)
y = torch.sin(t) + torch.cos(t).abs().sqrt()
(dy,) = torch.autograd.grad(y.sum(), t)
print(y, dy)
v = torch.ones(3, requires_grad=True)
u = v * torch.arange(3.0)
u.backward(gradient=torch.tensor([1.0, 0.1, 0.01]))
print(v.grad, u.detach().numpy(), v.grad.numpy().sum())
z = torch.full((2, 2), 3.0, requires_grad=True)
z.mean().backward()
z.mean().backward()
print(z.grad, z.grad.sum() == 2.0, f"{z.grad.sum():.3f}")
