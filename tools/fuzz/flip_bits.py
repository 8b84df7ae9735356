"""Flip single bits of a saved model and count how many files are loaded as if nothing had happened.

    python tools/fuzz/flip_bits.py [--flips 1500]

The same arrays are saved by minigrad, by NumPy (.npz), by safetensors alone and, if it is
installed, by torch; every file is damaged at the same share of places, drawn at random (seed 0).
"""

import random
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy

import minigrad
from minigrad.display.terminal import command_line


def arrays():
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (16, 20), "0.bias": (16,), "1.weight": (10, 16), "1.bias": (10,)}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def ways():
    """Name -> (save to a path, load from it)."""
    values = arrays()
    tensors = {name: minigrad.tensor(value) for name, value in values.items()}
    found = {
        "minigrad": (lambda path: minigrad.save(tensors, path), minigrad.load),
        "NumPy, .npz": (
            lambda path: np.savez(path, **values),
            lambda path: dict(np.load(path, allow_pickle=False)),
        ),
        "safetensors": (
            lambda path: safetensors.numpy.save_file(values, path),
            safetensors.numpy.load_file,
        ),
    }
    try:
        import torch
    except ImportError:
        return found
    theirs = {name: torch.from_numpy(value) for name, value in values.items()}
    found["torch"] = (
        lambda path: torch.save(theirs, path),
        lambda path: torch.load(path, weights_only=True),
    )
    return found


def accepted(save, load, folder, flips):
    """How many of so many damaged files are loaded without an error."""
    path = Path(folder, "state.npz")
    save(path)
    content, rng, count = path.read_bytes(), random.Random(0), 0
    for _ in range(flips):
        bit = rng.randrange(8 * len(content))
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            load(path)
        except Exception:  # whatever a library raises, it has noticed
            continue
        count += 1
    return count


def main():
    parser = command_line(__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=1500)
    flips = parser.parse_args().flips
    print(f"of {flips:,} files with one flipped bit each, loaded without a word:")
    for name, (save, load) in ways().items():
        with tempfile.TemporaryDirectory() as folder:
            print(f"  {name:12} {accepted(save, load, folder, flips):6,}")


if __name__ == "__main__":
    main()
