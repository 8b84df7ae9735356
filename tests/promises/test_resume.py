"""Training that is saved, ended and continued in a new process gives the bits of training on."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.rest_slow import rest_slow

import minigrad
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, TensorDataset

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.1),
    "Nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
}


class Training:
    """A network with batch norm and dropout, a schedule and a loader that shuffles."""

    def __init__(self, name):
        minigrad.manual_seed(0)
        rng = np.random.default_rng(0)
        x = rng.standard_normal((90, 6), dtype=np.float32)
        data = TensorDataset(minigrad.from_numpy(x), minigrad.from_numpy(x.argmax(1)))
        self.generator = minigrad.Generator().manual_seed(5)
        self.loader = DataLoader(data, batch_size=16, shuffle=True, generator=self.generator)
        self.model = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 6)
        )
        self.optimizer = OPTIMIZERS[name](self.model.parameters())
        self.scheduler = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 40)
        self.batches = iter(self.loader)

    def step(self):
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(self.loader)
            batch = next(self.batches)
        x, y = batch
        loss = nn.functional.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()

    def state(self):
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "loader": self.loader.state_dict(),
            "generators": [minigrad.get_rng_state(), self.generator.get_state()],
        }

    def load(self, state):
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.loader.load_state_dict(state["loader"])
        minigrad.set_rng_state(state["generators"][0])
        self.generator.set_state(state["generators"][1])
        self.batches = iter(self.loader)


def bits(value):
    if isinstance(value, minigrad.Tensor):
        return value.dtype, tuple(value.shape), value.detach().numpy().tobytes()
    if isinstance(value, dict):
        return {key: bits(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(entry) for entry in value]
    return value


def trained(name, steps):
    """The bits of a training that nothing interrupts."""
    training = Training(name)
    for _ in range(steps):
        training.step()
    return bits(training.state())


@pytest.mark.parametrize("name", rest_slow(OPTIMIZERS, ["Adam"]))
def test_a_new_process_continues(name, tmp_path, lengths=(1, 9)):
    """In the middle of a pass over the data, and in the second one."""
    paths = [tmp_path / f"{steps}.safetensors" for steps in lengths]
    for steps, path in zip(lengths, paths, strict=True):
        first = Training(name)
        for _ in range(steps):
            first.step()
        minigrad.save(first.state(), path)
    folders = [str(Path(minigrad.__file__).parents[1]), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    subprocess.run([sys.executable, __file__, name, *paths], check=True, env=environment)
    for steps, path in zip(lengths, paths, strict=True):
        assert bits(minigrad.load(path)) == trained(name, 2 * steps), steps


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_new_process_continues_for_long(name, tmp_path):
    test_a_new_process_continues(name, tmp_path, [100])


def test_every_part_of_the_state_matters(tmp_path):
    """Without any one of them the bits differ: the test above could fail."""
    expected = trained("Adam", 18)
    first, path = Training("Adam"), tmp_path / "training.safetensors"
    for _ in range(9):
        first.step()
    minigrad.save(first.state(), path)
    for part in [None, *first.state()]:
        second = Training("Adam")
        second.load({**minigrad.load(path), **({part: second.state()[part]} if part else {})})
        for _ in range(9):
            second.step()
        assert (bits(second.state()) == expected) == (part is None), part


if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    for path in map(Path, paths):
        training = Training(name)
        training.load(minigrad.load(path))
        for _ in range(int(path.stem)):
            training.step()
        minigrad.save(training.state(), path)
