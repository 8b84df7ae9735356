"""Two networks, two optimizers; the gradients that each leaves in the other are thrown away."""

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
generator = nn.Sequential(
    nn.Linear(4, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)
)
judge = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(16, 1))
of_generator = optim.Adam(generator.parameters(), lr=1e-3)
of_judge = optim.Adam(judge.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = mg.ones(32, 1), mg.zeros(32, 1)
for _ in range(8):
    real = mg.randn(32, 2) * 0.5 + 1
    fake = generator(mg.randn(32, 4))
    of_judge.zero_grad()
    loss = criterion(judge(real), ones) + criterion(judge(fake.detach()), zeros)
    loss.backward()
    of_judge.step()
    of_generator.zero_grad()
    loss = criterion(judge(fake), ones)
    loss.backward()
    of_generator.step()
