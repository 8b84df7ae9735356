"""Batches, training and evaluation modes, a schedule per epoch."""

import minigrad as mg
from minigrad import datasets, nn, optim
from minigrad.utils.data import DataLoader

mg.manual_seed(0)
train, test = datasets.digits(train=True), datasets.digits(train=False)
model = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2),
    nn.Linear(32, 10),
)  # fmt: skip
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
schedule = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
for _ in range(2):
    model.train()
    for images, labels in DataLoader(train, batch_size=128, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    schedule.step()
    model.eval()
    with mg.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, 256))
