# %% [markdown]
"""A network with batch normalization learns handwritten digits: all of it, and nothing else.

    python examples/mnist.py      (mnist_mlp.py has options, a comparison and pictures)
"""

# %%
from _common import command_line

import minigrad as mg
from minigrad import datasets, nn, optim
from minigrad.utils.data import DataLoader

command_line(__doc__).parse_args()  # --help
mg.manual_seed(0)
train, test = datasets.digits(train=True), datasets.digits(train=False)  # small, and included
try:
    train, test = datasets.MNIST(), datasets.MNIST(train=False)  # 60,000 and 10,000 of 28 × 28
except FileNotFoundError:
    print("MNIST is not here and cannot be downloaded: small digits take its place")
model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(train[0][0].numel(), 128, bias=False),  # the normalization would take a bias out
    nn.BatchNorm1d(128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
optimizer = optim.Adam(model.parameters(), lr=1e-3)
# %%
for epoch in range(1, 6):
    model.train()  # batch normalization uses the statistics of each batch
    for images, labels in DataLoader(train, batch_size=64, shuffle=True, drop_last=True):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()  # and here the running statistics that it has learned
    with mg.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, 1000))
    print(f"epoch {epoch}: {right / len(test):.2%} of {len(test):,} test images")
