"""Write minigrad/datasets/digits.npz, the handwritten digits that need no network.

    pip install scikit-learn && python tools/make/digits.py

The images are those of `sklearn.datasets.load_digits`, which is the test part of the UCI set
"Optical Recognition of Handwritten Digits" in its own order; one byte holds one pixel (0 to 16).
Source and license: minigrad/datasets/digits.md.
"""

from pathlib import Path

import numpy as np

from minigrad.display.terminal import command_line

TARGET = Path(__file__).parents[2] / "minigrad" / "datasets" / "digits.npz"


def pack(path):
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise SystemExit(f"Needs scikit-learn ({error}): pip install scikit-learn") from None
    digits = load_digits()
    images, targets = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    if (images != digits.images).any() or images.shape != (1797, 8, 8) or images.max() != 16:
        raise SystemExit(
            "pack_digits: load_digits does not give 1,797 images of 8 × 8 pixels, 0 to 16"
        )
    np.savez_compressed(path, images=images, targets=targets)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    pack(TARGET)
