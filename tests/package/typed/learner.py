"""A first training as a learner writes it: type checkers find nothing to say."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, Dataset, TensorDataset, random_split


class MLP(nn.Module):
    def __init__(self, sizes: list[int], p: float = 0.1) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(m, n) for m, n in zip(sizes, sizes[1:], strict=False))
        self.norm = nn.BatchNorm1d(sizes[-1])
        self.drop = nn.Dropout(p)
        self.head = nn.Linear(sizes[-1], 3)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        for layer in self.hidden:
            x = F.relu(layer(x))
        return self.head(self.drop(self.norm(x)))


class Squares(Dataset[tuple[mg.Tensor, int]]):
    def __getitem__(self, index: int) -> tuple[mg.Tensor, int]:
        return mg.tensor([index, index**2], dtype=mg.float32), index % 3

    def __len__(self) -> int:
        return 12


def loss_of(model: MLP, x: mg.Tensor, y: mg.Tensor) -> float:
    return F.cross_entropy(model(x), y).item()


def accuracy(model: nn.Module, loader: DataLoader[tuple[mg.Tensor, ...]]) -> float:
    model.eval()
    right = count = 0
    with mg.no_grad():
        for x, y in loader:
            right += int((model(x).argmax(1) == y).sum().item())
            count += len(y)
    return right / count


mg.manual_seed(0)
points = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
labels = mg.from_numpy((points.sum(axis=1) > 0).astype(np.int64))
train, test = random_split(TensorDataset(mg.from_numpy(points), labels), [0.8, 0.2])
loader = DataLoader(train, batch_size=16, shuffle=True)

model = MLP([2, 16, 16])
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
history: list[float] = []
for _ in range(10):
    model.train()
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        history.append(loss.item())
    scheduler.step()

norms = {name: p.grad.norm().item() for name, p in model.named_parameters()}
with TemporaryDirectory() as folder:
    path = Path(folder, "model.safetensors")
    mg.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    model.load_state_dict(mg.load(path)["model"])

weight = model.head.weight.detach().numpy()
logits = nn.Sequential(nn.Linear(2, 3), nn.Tanh())(mg.randn(4, 2))
largest, where = logits.max(1)
shape = logits.shape[:1] + (2, 3)
images, digits = next(iter(DataLoader(Squares(), batch_size=4)))
print(f"{history[-1]:.3f} {accuracy(model, DataLoader(test, 8)):.0%} {weight.mean():.3f} {shape}")
print(f"{loss_of(model, *test[:]):.3f}")
print(f"{max(norms.values()):.2f} {largest.mean().item():.2f} {where.tolist()} {digits.tolist()}")
