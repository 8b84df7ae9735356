"""Convolutions with batch norm, twice differentiated inputs, and input gradients in eval mode."""

import minigrad as mg
from minigrad import datasets, nn, optim

mg.manual_seed(0)
images, labels = datasets.digits(train=True)[:96]
images = images.reshape(96, 1, 8, 8)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10),
)  # fmt: skip
optimizer = optim.Adam(model.parameters(), lr=2e-3)
for _ in range(4):
    model.train()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    model.eval()
    x = images[:4].clone().requires_grad_()
    model(x)[:, 0].sum().backward()
    saliency = x.grad.abs().amax((1, 2, 3))
    optimizer.zero_grad()

model.eval()
x = images[:1].clone().requires_grad_()
dream = optim.SGD([x], lr=0.1)
for _ in range(3):
    dream.zero_grad()
    (-model(x)[0, 3]).backward()
    dream.step()
