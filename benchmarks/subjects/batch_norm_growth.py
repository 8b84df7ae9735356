"""Batch normalization as the batch grows, 100 channels: the cost of an element should be flat."""

from subjects import batch_norm

TITLE = "batch normalization in training, (n / 100, 100) float32, as n grows"
SIZE = "n"
PARTS = {
    "kernel, forward": "ns per element",
    "kernel, backward": "ns per element",
    "through autograd, both": "ns per element",
}
ABSOLUTE = True  # the plot shows costs, not ratios


def sizes(part, quick):
    return {f"1e{power}": 10**power for power in range(3, 8 if quick else 9)}


def contestants(part, size):
    return batch_norm.contestants(part, (size // 100, 100), everyone=False)


def count(size):
    return size
