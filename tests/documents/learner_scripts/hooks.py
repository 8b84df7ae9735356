"""Hooks on tensors and modules."""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(4)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.from_numpy(rng.normal(size=tuple(p.shape))).float())
activations, shapes = {}, []


def keep(name):
    def hook(module, inputs, output):
        activations[name] = output.detach()
        shapes.append((name, tuple(inputs[0].shape), tuple(output.shape)))
    return hook


handles = [layer.register_forward_hook(keep(str(i))) for i, layer in enumerate(model)]
x = torch.from_numpy(rng.normal(size=(2, 3)).astype(np.float32))
x.requires_grad_()
x.register_hook(lambda g: print("gradient of x", g.shape, round(g.sum().item(), 5)))
hidden = model[0](x)
handle = hidden.register_hook(lambda g: g * 2)
model[2](model[1](hidden)).sum().backward()
print(x.grad)
handle.remove()
for h in handles:
    h.remove()
model(x)
print(shapes)
print(activations["1"].mean().item(), activations["1"].requires_grad)
pre = model.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 0,))
print(model(x).flatten().tolist())
pre.remove()
