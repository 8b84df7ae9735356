"""Saving a state in a dictionary, loading it, freezing, train and eval."""
import copy

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(7)
layers = [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Sigmoid(), nn.Dropout(0.0), nn.Linear(6, 2)]
model = nn.Sequential(*layers)
state = {}
for key, value in model.state_dict().items():
    print(key, tuple(value.shape), value.dtype == torch.int64)
    if value.dtype == torch.float32:
        values = np.abs(rng.normal(size=tuple(value.shape)))
        state[key] = torch.from_numpy(values.astype(np.float32))
    else:
        state[key] = value.clone()
print(model.load_state_dict(state))
x = torch.from_numpy(rng.normal(size=(16, 4)).astype(np.float32))
best = copy.deepcopy(model.state_dict())
for p in model[0].parameters():
    p.requires_grad = False
trainable = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.SGD(trainable, lr=0.1, momentum=0.9)
before = model[0].weight.clone()
for _ in range(3):
    loss = nn.MSELoss()(model(x), torch.zeros(16, 2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.5f}")
print(torch.equal(before, model[0].weight), model[0].weight.grad)
model.eval()
print(model(x[:2]), model.training, model[1].training)
model.load_state_dict(best)
print(model(x[:2]).detach().numpy().round(4).tolist())
print(optimizer.state_dict()["param_groups"][0]["momentum"], len(optimizer.state_dict()["state"]))
try:
    model.load_state_dict({"0.weight": torch.zeros(2, 2)})
except RuntimeError:
    print("does not fit")
