"""A subclass of nn.Module, trained with Adam, evaluated without gradients."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden, bias=False)  # batch norm has a bias of its own
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        x = F.relu(self.bn1(self.fc1(x)))
        x = torch.tanh(self.fc2(x))
        return self.out(x)


rng = np.random.default_rng(1)
x = torch.tensor(rng.normal(size=(128, 2)), dtype=torch.float32)
y = (x[:, 0] * x[:, 1] > 0).long()
model = Net(16)
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) * 0.5, dtype=torch.float32))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
print(model)
print(sum(p.numel() for p in model.parameters() if p.requires_grad))
for step in range(60):
    model.train()
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, round(loss.item(), 4))
model.eval()
with torch.no_grad():
    logits = model(x)
    predicted = logits.argmax(dim=1)
    print("accuracy", (predicted == y).float().mean().item())
    print(F.softmax(logits[:3], dim=-1))
print(model.bn1.running_mean[:4], int(model.bn1.num_batches_tracked))
