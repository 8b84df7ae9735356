# %% [markdown]
"""One batch on several ranks: what of batch normalization must be summed across them.

    python examples/data_parallel.py                    one rank
    mpiexec -n 2 python examples/data_parallel.py       two; they may be on two machines

Every rank has the whole network and a part of each batch. The gradient of the whole batch is the
sum of the gradients of the parts, as long as each row's loss depends on that row alone. Batch
normalization breaks this: roads 2 and 3 of its derivation go through the mean and the variance,
from every row to every other, so they cross the ranks. docs/derivations/batch_norm.md

The messages are those of MPI, through mpi4py: pip install -e '.[mpi]'.
"""

# %%
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a rank has its own core

import numpy as np
from _common import command_line

import minigrad
from minigrad import Tensor, datasets, nn, optim
from minigrad.autograd import Function
from minigrad.nn import functional as F

try:
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # RuntimeError: there is no MPI to talk to
    sys.exit(f"Several ranks need mpi4py and an MPI ({error}): pip install -e '.[mpi]'")

RANKS = MPI.COMM_WORLD
STEPS, BATCH = 60, 32

# %% [markdown]
# The sum over the ranks, with its gradient. Each rank's x enters the y of *every* rank, so what
# comes back to it comes back from every rank: the backward of the sum is the sum again.


# %%
def total(x: Tensor) -> Tensor:
    """The sum of a tensor over the ranks, on each of them; without history."""
    mine = np.ascontiguousarray(x.detach().numpy())
    result = np.empty_like(mine)
    RANKS.Allreduce(mine, result)
    return minigrad.from_numpy(result)


class AllReduce(Function):
    """y = sum of x over the ranks:  dx = sum of dy over the ranks."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return total(x)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        dx: Tensor = AllReduce.apply(dy)
        return dx


class OneWay(AllReduce):
    """The same sum with a plausible mistake: its backward forgets the other ranks."""

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return dy


# %% [markdown]
# Batch normalization, equations (1) to (5), with sums that cross the ranks. Autograd does the rest:
# road 1 stays on its rank, and roads 2 and 3 go through `AllReduce` forward and backward.


# %%
class SyncBatchNorm(nn.BatchNorm1d):
    """BatchNorm1d whose batch is that of all ranks together."""

    all_reduce = AllReduce

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x, m = input, RANKS.allreduce(len(input))
        mean: Tensor = self.all_reduce.apply(x.sum(0)) / m  # (1a)
        var: Tensor = self.all_reduce.apply(((x - mean) ** 2).sum(0)) / m  # (2)
        with minigrad.no_grad():
            a = self.momentum
            assert a is not None  # which would be the mean over all batches
            self.running_mean.copy_((1 - a) * self.running_mean + a * mean)  # (13)
            self.running_var.copy_((1 - a) * self.running_var + a * var * m / (m - 1))  # (14)
            self.num_batches_tracked += 1
        return self.weight * (x - mean) / (var + self.eps).sqrt() + self.bias  # (4), (5)


class OneWayBatchNorm(SyncBatchNorm):
    """The right statistics, and roads 2 and 3 that end at the rank's own rows on the way back."""

    all_reduce = OneWay


# %%
def network(normalization: Callable[[int], nn.Module]) -> nn.Sequential:
    """64 - 32 - 32 - 10, the same on each rank; without biases that the mean would take out."""
    minigrad.manual_seed(0)
    layers = []
    for inputs in (64, 32):
        layers += [nn.Linear(inputs, 32, bias=False), normalization(32), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(32, 10)).double()


def train(
    normalization: Callable[[int], nn.Module], rank: int, ranks: int
) -> tuple[nn.Sequential, float]:
    """The network after 60 steps of Adam, of whose batches this rank has its part; and seconds."""
    images, labels = datasets.digits(train=True).tensors
    images = images.flatten(1).double()
    model = network(normalization)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    shuffled = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(STEPS):
        batch = shuffled.choice(len(labels), BATCH, replace=False)
        rows = minigrad.tensor(np.array_split(batch, ranks)[rank])
        # The mean over the *whole* batch: the sum over the rows here, divided by all rows.
        loss = F.cross_entropy(model(images[rows]), labels[rows], reduction="sum") / BATCH
        optimizer.zero_grad()
        loss.backward()
        if ranks > 1:
            gradients = [parameter.grad for parameter in model.parameters()]
            together = nn.utils.parameters_to_vector(gradients)  # one message is faster than five
            nn.utils.vector_to_parameters(total(together), gradients)
        optimizer.step()
    return model, time.perf_counter() - start


# %%
def distance(a: nn.Module, b: nn.Module) -> float:
    """The largest difference between the parameters of two networks."""
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return max((x - y).detach().abs().max().item() for x, y in pairs)


def disagreement(model: nn.Sequential) -> float:
    """How far the running means of the ranks are from those of rank 0."""
    means = np.stack([layer.running_mean.numpy() for layer in (model[1], model[4])])
    return float(RANKS.allreduce(np.abs(means - RANKS.bcast(means)).max(), MPI.MAX))


def accuracy(model: nn.Sequential) -> float:
    """The share of the test digits that the network reads rightly."""
    images, labels = datasets.digits(train=False).tensors
    model.eval()
    with minigrad.no_grad():
        right = model(images.flatten(1).double()).argmax(1) == labels
    return right.double().mean().item()


def main() -> None:
    """Train with three normalizations, and print how far each is from one process."""
    rank, ranks = RANKS.rank, RANKS.size
    say = print if rank == 0 else lambda *_: None
    if ranks > BATCH // 2:
        say(f"{BATCH} rows for {ranks} ranks are too few: start {BATCH // 2} or fewer.")
        return
    say(f"{ranks} rank{'s' if ranks > 1 else ''}, {STEPS} steps of Adam, {BATCH} rows per step")
    if ranks == 1:
        say("Several ranks: mpiexec -n 2 python examples/data_parallel.py")
    say("\n                         weights differ     running means")
    say("batch norm              from one process   differ by rank   accuracy  seconds")
    one, seconds = train(nn.BatchNorm1d, 0, 1)
    say(f"of one process          {'':35}{accuracy(one):7.2%}  {seconds:7.2f}")
    for name, normalization in {
        "synchronized": SyncBatchNorm,
        "forward only": OneWayBatchNorm,
        "of each rank for itself": nn.BatchNorm1d,
    }.items():
        model, seconds = train(normalization, rank, ranks)
        figures = f"{distance(model, one):16.1e}  {disagreement(model):15.1e}  "
        say(f"{name:24}{figures} {accuracy(model):7.2%}  {seconds:7.2f}")
    if ranks > 1:
        say("\nSeveral ranks are slower than one here: they talk longer than they compute.")


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
