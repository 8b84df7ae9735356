"""A small convolutional network in the classical form: two convolutions, two poolings, a class."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, bias=False)
        self.pool = nn.MaxPool2d(2, 2)
        self.drop = nn.Dropout(0.0)
        self.fc1 = nn.Linear(8 * 2 * 2, 20)
        self.fc2 = nn.Linear(20, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2, stride=1)
        x = x.view(-1, self.num_flat_features(x))
        x = self.drop(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)

    def num_flat_features(self, x):
        size = x.size()[1:]
        num_features = 1
        for s in size:
            num_features *= s
        return num_features


rng = np.random.default_rng(3)
net = Net()
print(net)
params = list(net.parameters())
print(len(params), params[0].size(), sum(p.numel() for p in net.parameters() if p.requires_grad))
with torch.no_grad():
    for name, p in net.named_parameters():
        if "bn" in name:
            continue
        p.copy_(torch.from_numpy(0.3 * rng.normal(size=tuple(p.shape))).float())
images = torch.from_numpy(rng.normal(size=(16, 1, 14, 14))).float()
labels = torch.tensor(rng.integers(0, 10, size=16).tolist())
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    running_loss = 0.0
    for i in range(0, 16, 8):
        inputs, targets = images[i : i + 8], labels[i : i + 8]
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = F.nll_loss(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"epoch {epoch + 1} loss {running_loss / 2:.4f}")
print(net.conv1.weight.grad.abs().mean(), net.conv2.weight.grad.shape, net.fc1.bias.grad.shape)
net.eval()
with torch.no_grad():
    _, predicted = torch.max(net(images).data, 1)
    print("right:", (predicted == labels).sum().item())
y, where = F.max_pool2d(images[0, :, :4, :4], 2, return_indices=True)
print(y, where, where.dtype)
print(F.conv2d(images[:1, :, :4, :4], net.conv1.weight[:2], padding="same"))
