"""nn.Sequential fed by a DataLoader, with momentum SGD."""
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2)
inputs = torch.from_numpy(rng.uniform(-1, 1, size=(100, 4)).astype("float32"))
targets = torch.from_numpy((rng.uniform(size=(100, 1)) > 0.5).astype("float32"))
loader = DataLoader(TensorDataset(inputs, targets), batch_size=32, shuffle=False)
model = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.1), nn.Linear(8, 1))
for p in model.parameters():
    p.data = torch.from_numpy(rng.normal(size=tuple(p.shape)).astype("float32"))
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = model.to(device)
opt = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, nesterov=True)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(5):
    running = 0.0
    for xb, yb in loader:
        xb, yb = xb.to(device), yb.to(device)
        opt.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item() * xb.size(0)
    print(f"epoch {epoch} last {tuple(xb.shape)} loss {running / len(loader.dataset):.5f}")
print(len(loader), model[0].weight.grad.norm().item())
print(torch.sigmoid(model(inputs[:5])).squeeze().tolist())
