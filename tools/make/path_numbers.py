"""Write docs/path/library.json, the library's numbers that steps 9, 10 and 11 compare with.

    python tools/make/path_numbers.py

Those steps run with NumPy alone, so what minigrad computes is stored. All of it is in float64. The
network of steps 9 and 10 starts from NumPy's generator, as the pages do; that of step 11 is the
README's, whose points and first weights are float32 and are stored with the digits of float32.
"""

import json
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import datasets, nn, optim
from minigrad.display.terminal import command_line

TARGET = Path(__file__).parents[2] / "docs" / "path" / "library.json"


def numbers():
    """What each step compares with: name of the step -> name -> list of numbers."""
    return {
        "step 9": {"losses": on_digits(optim.SGD, lr=0.5, steps=100)},
        "step 10": {"losses": on_digits(optim.Adam, lr=0.01, steps=50)},
        "step 11": readme_example(),
    }


def on_digits(kind, lr, steps):
    """The losses of 64 - 32 - 10 units on batches of 64 digits, the first 1,500 of them."""
    rng, dice = np.random.default_rng(0), np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()
    for layer in (model[0], model[2]):
        k = 1 / np.sqrt(layer.in_features)
        weight = rng.uniform(-k, k, (layer.in_features, layer.out_features))
        layer.load_state_dict({"weight": weight.T, "bias": np.zeros(layer.out_features)})
    images, labels = (part.numpy() for part in datasets.digits().tensors)
    images = images.reshape(-1, 64).astype(np.float64)
    optimizer = kind(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        rows = dice.integers(0, 1500, 64)
        logits = model(mg.tensor(images[rows]))
        loss = nn.functional.cross_entropy(logits, mg.tensor(labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def readme_example():
    """The README's fifteen lines in float64: points, first weights and 201 losses."""
    mg.manual_seed(0)
    points, arms = datasets.spirals(300).tensors
    model = nn.Sequential(
        nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
    )
    first, second = model[0], model[3]
    start = {
        "points": points, "first": first.weight.T, "second": second.weight.T, "bias": second.bias
    }  # fmt: skip
    found = {name: in_float32(each.detach().numpy()) for name, each in start.items()}
    points, losses = points.double(), []
    optimizer = optim.Adam(model.double().parameters(), lr=0.02)
    for _ in range(201):
        loss = nn.functional.cross_entropy(model(points), arms)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {**found, "losses": losses}


def in_float32(array):
    """An array of float32 as lists of its shortest digits, which np.float32 reads back exactly."""
    if array.ndim > 1:
        return [in_float32(row) for row in array]
    return [float(str(number)) for number in array]


def text(found):
    """As JSON, with a line for each list."""
    steps = []
    for step, lists in found.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in lists.items()]
        steps.append(f"{json.dumps(step)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(steps) + "}\n"


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    TARGET.write_text(text(numbers()), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
