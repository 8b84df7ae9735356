"""1,797 handwritten digits of 8 × 8 pixels that come with the package (source: digits.md)."""

from pathlib import Path

import numpy as np

from .._checks import flag
from ..ops.array.creation import from_numpy
from ..utils.data import TensorDataset


def digits(train: bool | None = None) -> TensorDataset:
    """The UCI optical digits: a TensorDataset of images (N, 1, 8, 8) and digits (N,).

    Images are float32 from 0 (paper) to 1 (ink), in steps of 1/16; digits are int64.
    `train=None` gives all 1,797, True 1,442 of them, False the other 355: of each digit every fifth
    image is for testing, so both parts hold the digits in equal shares, and no seed is needed.

    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository; CC BY 4.0.
    """
    if train is not None:
        flag("digits", "train", train)
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        images, targets = file["images"], file["targets"].astype(np.int64)
    if train is not None:
        rows = _test_rows(targets) != train
        images, targets = images[rows], targets[rows]
    pixels = np.divide(images[:, None], 16, dtype=np.float32)
    return TensorDataset(from_numpy(pixels), from_numpy(targets))


def _test_rows(targets):
    """True for the 5th, 10th, … image of each digit."""
    test = np.zeros(len(targets), bool)
    for digit in range(10):
        test[np.flatnonzero(targets == digit)[4::5]] = True
    return test
