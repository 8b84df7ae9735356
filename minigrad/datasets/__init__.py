"""Data to learn from: MNIST, small digits that need no network, and toy problems in the plane.

Each is a Dataset for a DataLoader; `x, y = dataset.tensors` gives it whole.
"""

from .digits import digits
from .mnist import MNIST
from .toys import blobs, moons, spirals

__all__ = ["MNIST", "blobs", "digits", "moons", "spirals"]
