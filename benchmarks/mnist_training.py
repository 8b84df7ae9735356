"""Trains the MNIST network once, with minigrad or torch, and prints what it took as JSON.

    python benchmarks/mnist_training.py minigrad|torch [--by-hand] [--epochs 10] [--seed 0]

784 - 128 - BatchNorm - ReLU - 64 - BatchNorm - ReLU - 10, Adam with a cosine schedule, batches of
128 through a shuffling DataLoader; --by-hand indexes the tensors instead. The clock stops while the
test set is read. MNIST is where MINIGRAD_DATA says; without it, minigrad's small digits.
"""

import gzip
import importlib
import importlib.util
import json
import os
import re
from pathlib import Path
from time import perf_counter

import harness
import numpy as np

BATCH = 128


def main():
    parser = harness.command_line(__doc__.splitlines()[0])
    parser.add_argument("library", choices=["minigrad", "torch"])
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch = importlib.import_module(options.library)
    data = importlib.import_module(f"{options.library}.utils.data")
    torch.manual_seed(options.seed)

    train, test = ([torch.from_numpy(a) for a in arrays] for arrays in load())
    if options.by_hand:
        loader = Batches(torch, *train)
    else:
        loader = data.DataLoader(data.TensorDataset(*train), batch_size=BATCH, shuffle=True)
    model = network(torch, train[0].shape[1], options.seed)
    settings = {"fused": True} if options.library == "torch" else {}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **settings)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    criterion = torch.nn.CrossEntropyLoss()
    seconds, history = 0.0, []
    for _ in range(options.epochs):
        start = perf_counter()
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        seconds += perf_counter() - start
        history.append((seconds, accuracy(torch, model, *test)))
    print(json.dumps({"seconds": seconds, "history": history, "peak memory": peak_memory()}))


class Batches:
    """What a DataLoader does, in the words of the library."""

    def __init__(self, torch, images, labels):
        self.torch, self.images, self.labels = torch, images, labels

    def __iter__(self):
        order = self.torch.randperm(len(self.labels))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            yield self.images[rows], self.labels[rows]


def network(torch, pixels, seed):
    """The same first weights for everyone."""
    nn, sizes, layers = torch.nn, [pixels, 128, 64, 10], []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.BatchNorm1d(fan_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-2])
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in list(model)[::3]:
            for parameter in layer.parameters():
                bound = layer.in_features**-0.5
                value = rng.uniform(-bound, bound, tuple(parameter.shape))
                parameter.copy_(torch.from_numpy(value.astype(np.float32)))
    return model


def accuracy(torch, model, images, labels):
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(labels), 1000):
            part = slice(start, start + 1000)
            right += (model(images[part]).argmax(1) == labels[part]).sum().item()
    return right / len(labels)


def load():
    """(images, labels) for training and for testing; images are float32 rows from 0 to 1."""
    if folder := os.environ.get("MINIGRAD_DATA"):
        return [
            (
                np.divide(idx(folder, f"{name}-images-idx3", 16).reshape(-1, 784), 255, dtype="f4"),
                idx(folder, f"{name}-labels-idx1", 8).astype(np.int64),
            )
            for name in ("train", "t10k")
        ]
    package = importlib.util.find_spec("minigrad").submodule_search_locations[0]
    with np.load(Path(package, "datasets", "digits.npz")) as file:
        images = np.divide(file["images"].reshape(-1, 64), 16, dtype=np.float32)
        labels = file["targets"].astype(np.int64)
    test = np.arange(len(labels)) % 5 == 4
    return [(images[~test], labels[~test]), (images[test], labels[test])]


def idx(folder, name, header):
    with gzip.open(Path(folder, f"{name}-ubyte.gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def peak_memory():
    """Megabytes that this process has held at most; what it was before exec does not count."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s*(\d+) kB", status).group(1)) / 1024
    except (OSError, AttributeError):
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024 ** (2 if sys.platform == "darwin" else 1)


if __name__ == "__main__":
    main()
