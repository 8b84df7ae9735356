"""How a TensorDataset looks in a notebook: what its samples consist of, and the first images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..display.html import html_block, html_image, html_table, html_title
from ..display.printing import formatter

if TYPE_CHECKING:
    from .data import TensorDataset

SHOWN = 12  # images


def dataset_html(dataset: TensorDataset, size: str) -> str:
    title = html_title(type(dataset).__name__, size)
    return html_block(title, _parts(dataset), _pictures(dataset))


def _parts(dataset):
    """A table of what a sample of a TensorDataset consists of."""
    rows = []
    for i, part in enumerate(dataset.tensors):
        values = part.detach().numpy()
        write = formatter(np.array([values.min(), values.max()]))[0] if values.size else None
        ends = [write(values.min().item()), write(values.max().item())] if write else ["", ""]
        rows.append((str(i), str(tuple(part.shape[1:])), str(part.dtype), *ends))
    return html_table(("part", "shape", "dtype", "smallest", "largest"), rows, words=(1, 2))


def _pictures(dataset):
    """The first images, if samples begin with one of a single channel; the darkest is black."""
    images = dataset.tensors[0].detach().numpy()[:SHOWN]
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3 or not images.size or min(images.shape[1:]) < 4:
        return ""
    least, most = images.min(), images.max()
    if not math.isfinite(most - least) or most == least:
        return ""
    return "".join(html_image((image - least) / (most - least) * 255) for image in images)
