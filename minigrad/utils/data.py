"""Data in batches: datasets, parts of them, and the loader that walks over them.

A dataset is anything with `len(dataset)` and `dataset[i]`. A TensorDataset, and a Subset of one, is
batched by one gather per tensor; every other dataset sample by sample.
"""

from __future__ import annotations

import itertools
import math
import numbers
import operator
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar, overload

import numpy as np

from .. import _checks
from .._checks import class_of, flag, function, integer
from ..dtypes import float64
from ..errors import ShapeError
from ..ops.array.creation import as_tensor, tensor
from ..ops.array.joining import stack
from ..ops.array.sampling import randperm
from ..random import Generator
from ..tensor import Tensor
from ._html import dataset_html

DEEPEST = 100  # lists and dictionaries within one another
ROUNDING = 1e-6  # how far a sum of fractions may be from 1: they may have come as float32


Sample = TypeVar("Sample", covariant=True)


class Indexable(Protocol[Sample]):
    """What a DataLoader can walk over: anything with `len(dataset)` and `dataset[i]`."""

    def __getitem__(self, index: Any, /) -> Sample: ...

    def __len__(self) -> int: ...


class Dataset(Generic[Sample]):
    """A base for datasets: a subclass defines `__getitem__(index)` and `__len__()`. As in torch."""

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors of equal first size as one dataset: sample i is `(tensor[i], …)`. As in torch.

    TypeError for anything but tensors, ShapeError for sizes that differ.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise TypeError("TensorDataset: expected at least one tensor")
        for number, part in enumerate(tensors):
            if not isinstance(part, Tensor):
                raise TypeError(
                    f"TensorDataset: argument {number} must be a Tensor, got {class_of(part)}"
                )
            if part.ndim == 0:
                raise ShapeError(
                    f"TensorDataset: argument {number} has no first dimension to index"
                )
        if len({part.shape[0] for part in tensors}) > 1:
            sizes = ", ".join(str(part.shape[0]) for part in tensors)
            raise ShapeError(f"TensorDataset: the tensors' first sizes differ: {sizes}")
        self.tensors: tuple[Tensor, ...] = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(part[index] for part in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __repr__(self) -> str:
        parts = ", ".join(f"{tuple(part.shape[1:])} {part.dtype}" for part in self.tensors)
        return f"{type(self).__name__} of {_samples(self)}: {parts}"

    def _repr_html_(self) -> str:
        return dataset_html(self, _samples(self))


class Subset(Dataset[Sample]):
    """The samples of `dataset` at `indices`, a sequence of integers, in that order. As in torch.

    `subset[i]` is one of them. A list of positions, an array, a tensor or a slice asks the dataset
    for several at once: `subset[[0, 1]]` of a TensorDataset is one gather per tensor.
    """

    def __init__(
        self, dataset: Indexable[Sample], indices: Sequence[int] | np.ndarray[Any, Any] | Tensor
    ) -> None:
        if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            raise TypeError(
                f"Subset: dataset must have __getitem__ and __len__, got {type(dataset).__name__}"
            )
        _rows("Subset: indices", indices, _checks.length("Subset", "dataset", dataset))
        self.dataset: Indexable[Sample] = dataset
        self.indices: Sequence[int] | np.ndarray[Any, Any] | Tensor = indices

    def __getitem__(self, index: Any) -> Sample:
        rows: Any = index
        if isinstance(index, slice):
            try:
                rows = range(len(self))[index]
            except (TypeError, ValueError) as error:
                raise type(error)(f"Subset: the slice {index!r:.60}: {error}") from None
        if isinstance(rows, (list, range)) or bool(getattr(rows, "ndim", 0)):
            rows = _rows("Subset: index", rows, len(self)).tolist()
            if isinstance(self.dataset, (list, tuple, range, str)):
                raise TypeError(
                    f"Subset: a {type(self.dataset).__name__} gives one sample at a time, not "
                    "several; write [subset[i] for i in index]"
                )
            return self.dataset[[operator.index(self.indices[row]) for row in rows]]
        row, count = _checks.index("Subset", "index", index), len(self)
        if not -count <= row < count:
            raise IndexError(f"Subset: index {row} is out of range for {count} samples")
        return self.dataset[operator.index(self.indices[row])]

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"Subset of {_samples(self)} from {_samples(self.dataset)}"


def _samples(dataset):
    count = len(dataset)
    return f"{count:,} sample{'' if count == 1 else 's'}"


def _rows(name, indices, count):
    """Indices into `count` samples as an int64 array."""
    try:
        rows = np.asarray(indices.detach() if isinstance(indices, Tensor) else indices)
    except (ValueError, RuntimeError):  # lists of unequal lengths; a tensor with a history
        rows = np.array(None)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise TypeError(f"{name} must be a sequence of integers, got {indices!r:.60}")
    outside = rows[(rows < -count) | (rows >= count)]
    if outside.size:
        owner = name.partition(":")[0]
        raise IndexError(f"{owner}: index {outside[0]} is out of range for {count} samples")
    return rows.astype(np.int64)


def random_split(
    dataset: Indexable[Sample], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[Sample]]:
    """Divide `dataset` at random into Subsets of the given `lengths`. As in torch.

    `lengths` sum to len(dataset), or are fractions that sum to 1, but for rounding: then each part
    gets floor(fraction · len(dataset)) samples, and the first parts one of the rest each. (torch
    refuses fractions whose rounded sum is above 1, such as 0.4, 0.2, 0.3, 0.1.)
    """
    count, given = _checks.length("random_split", "dataset", dataset), lengths
    if not hasattr(dataset, "__getitem__"):  # before anything is drawn
        found = type(dataset).__name__
        raise TypeError(f"random_split: dataset must have __getitem__ and __len__, got {found}")
    try:
        lengths = [_length(length) for length in given]
    except (TypeError, ValueError):
        raise TypeError(
            f"random_split: lengths must be a list of numbers, as [0.9, 0.1], got {given!r:.200}"
        ) from None
    if any(not length >= 0 for length in lengths):
        raise ValueError(f"random_split: lengths must be 0 or more, got {lengths!r:.200}")
    if all(length <= 1 for length in lengths) and abs(math.fsum(lengths) - 1) < ROUNDING:
        lengths = _shares(count, lengths)
        for part, length in enumerate(lengths):
            if length == 0:
                warnings.warn(f"random_split: part {part} is empty", stacklevel=2)
    if any(type(length) is not int for length in lengths) or sum(lengths) != count:
        raise ValueError(
            f"random_split: lengths must be integers that sum to the {count} samples or fractions "
            f"that sum to 1, got {lengths!r:.200}"
        )
    order = randperm(count, generator=generator).tolist()
    ends = list(itertools.accumulate(lengths))
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, lengths, strict=True)]


def _length(value):
    """The number in a number, or in a tensor or array of one; integers as int, bools refused."""
    if isinstance(value, (Tensor, np.ndarray)):
        value = np.asarray(value.detach() if isinstance(value, Tensor) else value)[()]
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    return int(value) if isinstance(value, numbers.Integral) else value


def _shares(count, fractions):
    """How many of `count` samples the parts get that are these fractions of them."""
    lengths = [math.floor(count * fraction) for fraction in fractions]
    for part in range(count - sum(lengths)):
        lengths[part % len(lengths)] += 1
    for _ in range(sum(lengths) - count):  # of millions, where the sum is just above 1
        lengths[lengths.index(max(lengths))] -= 1
    return lengths


def default_collate(samples: Sequence[Any]) -> Any:
    """One batch from a list of samples: tensors, arrays and numbers are stacked along a new dim 0.

    Tuples and lists are collated position by position (into a list), dictionaries key by key;
    strings stay a list. Integers become int64, Python floats float64. As in torch.
    """
    if not isinstance(samples, (list, tuple)) or not samples:
        raise TypeError(f"default_collate: expected a list of samples, got {samples!r:.60}")
    return _collated(samples, 0)


def _collated(samples, depth):
    first = samples[0]
    if depth > DEEPEST:
        raise ValueError(f"DataLoader: samples are nested deeper than {DEEPEST} levels")
    if isinstance(first, Tensor):
        return stack(samples)
    if isinstance(first, (str, bytes)):
        return samples
    if hasattr(type(first), "__dlpack__") and not isinstance(first, (np.ndarray, np.generic)):
        return stack([as_tensor(sample) for sample in samples])  # another library's tensors
    if isinstance(first, (np.ndarray, np.generic)):
        _same_kind(samples, (np.ndarray, np.generic))
        if len({sample.shape for sample in samples}) > 1:
            shapes = sorted({sample.shape for sample in samples})
            raise ShapeError(f"DataLoader: the arrays of a batch differ in shape: {shapes}")
        return as_tensor(np.stack(samples))
    if isinstance(first, (bool, int)):
        return tensor(samples)
    if isinstance(first, float):
        return tensor(samples, dtype=float64)
    if isinstance(first, Mapping):
        if any(not isinstance(s, Mapping) or s.keys() != first.keys() for s in samples):
            raise ValueError("DataLoader: the dictionaries of a batch differ in their keys")
        return {key: _collated([sample[key] for sample in samples], depth + 1) for key in first}
    if isinstance(first, Sequence):
        _same_kind(samples, Sequence)
        if len({len(sample) for sample in samples}) > 1:
            raise ShapeError("DataLoader: the samples of a batch differ in length")
        parts = [_collated(list(part), depth + 1) for part in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        "DataLoader: a batch holds tensors, NumPy arrays, numbers, strings, tuples, lists and "
        f"dictionaries, got a sample of type {type(first).__name__}; collate_fn can join others"
    )


def _same_kind(samples, kinds):
    for sample in samples:
        if not isinstance(sample, kinds):
            both = f"{type(samples[0]).__name__} and {type(sample).__name__}"
            raise TypeError(f"DataLoader: the samples of a batch differ in kind: {both}")


def _is_columns(dataset):
    """Whether a dataset is (x, y), all samples' inputs and all their targets.

    A list of two arrays of one shape may also be two samples: only a batch of them shows it.
    """
    if type(dataset) not in (tuple, list) or not 2 <= len(dataset) <= 4:
        return False
    if not all(isinstance(each, (Tensor, np.ndarray)) and each.ndim for each in dataset):
        return False
    alike = type(dataset) is list and len({tuple(each.shape) for each in dataset}) == 1
    return not alike and len({len(each) for each in dataset}) == 1


def _of_columns(columns):
    arrays = any(isinstance(each, np.ndarray) for each in columns)
    return (
        f"DataLoader: dataset is a {type(columns).__name__} of {len(columns)} tensors of "
        f"{len(columns[0])} rows each, so there would be {len(columns)} samples; write "
        "TensorDataset(x, y)"
        + (" of Tensors: minigrad.as_tensor makes one of an array" if arrays else "")
    )


class DataLoader(Generic[Sample]):
    """Walks over `dataset` in batches: `for x, y in loader`. As in torch, in this process.

    `shuffle` takes a new permutation for each pass, from `generator`, else from the global one: its
    state when a pass begins decides the order. `drop_last` leaves out a last, smaller batch.
    `sampler`, an iterable of indices that has a length, decides the order in place of `shuffle`.
    `collate_fn(samples)` makes the batch from a list of samples, in place of `default_collate`.
    `num_workers`, `pin_memory` and the rest are torch's; they change no batch, and do nothing here.
    """

    def __init__(
        self,
        dataset: Indexable[Sample],
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        generator: Generator | None = None,
        collate_fn: Callable[[list[Sample]], Any] | None = None,
        *,
        num_workers: int = 0,
        pin_memory: bool = False,
        sampler: Iterable[int] | None = None,
        worker_init_fn: Callable[[int], None] | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
            raise TypeError(
                "DataLoader: dataset must have __getitem__ and __len__, got "
                f"{type(dataset).__name__}"
            )
        if hasattr(dataset, "keys") and list(dataset.keys()) != list(range(len(dataset))):
            raise TypeError(  # of a dictionary, or of a table of pandas
                "DataLoader: dataset must have samples at 0, 1, …, and not at other keys, got "
                f"{type(dataset).__name__}; make Tensors of the columns: TensorDataset("
                "minigrad.as_tensor(column.values), …)"
            )
        one_by_one = type(dataset) is list and batch_size == 1  # samples of any shapes
        if collate_fn is None and not one_by_one and _is_columns(dataset):
            raise TypeError(_of_columns(dataset))
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError(
                f"DataLoader: generator must be a Generator or None, got {type(generator).__name__}"
            )
        if collate_fn is not None:
            function("DataLoader", "collate_fn", collate_fn)
        if sampler is not None:
            if not (hasattr(sampler, "__iter__") and hasattr(sampler, "__len__")):
                raise TypeError(
                    "DataLoader: sampler must be indices, or an iterable of them with __len__, got "
                    f"{type(sampler).__name__}"
                )
            if shuffle:
                raise ValueError("DataLoader: sampler and shuffle both decide the order; give one")
        idle = {
            "num_workers": integer("DataLoader", "num_workers", num_workers),
            "pin_memory": flag("DataLoader", "pin_memory", pin_memory),
            "worker_init_fn": worker_init_fn is not None,
            "prefetch_factor": prefetch_factor is not None,
            "persistent_workers": flag("DataLoader", "persistent_workers", persistent_workers),
        }
        given = [name for name, value in idle.items() if value]
        if given:
            warnings.warn(
                f"DataLoader: {', '.join(given)} {'does' if len(given) == 1 else 'do'} nothing "
                "here: batches are made in this process",
                stacklevel=2,
            )
        _checks.length("DataLoader", "dataset", dataset)
        self.dataset: Indexable[Sample] = dataset
        self.batch_size: int = integer("DataLoader", "batch_size", batch_size, at_least=1)
        self.shuffle: bool = flag("DataLoader", "shuffle", shuffle)
        self.sampler: Any = sampler
        self.drop_last: bool = flag("DataLoader", "drop_last", drop_last)
        self.generator: Generator | None = generator
        self.collate_fn: Callable[[list[Sample]], Any] | None = collate_fn
        self._pass: Pass | None = None  # the latest
        self._resumed: Pass | None = None  # that the next loop continues, after load_state_dict

    def __len__(self) -> int:
        count = self._count()
        return count // self.batch_size if self.drop_last else math.ceil(count / self.batch_size)

    def _count(self):
        """How many samples a pass hands out, but for drop_last."""
        return len(self.dataset if self.sampler is None else self.sampler)

    # For type checkers: the batch by the kind of sample; where that is unknown, the first fits.
    @overload
    def __iter__(self: DataLoader[None]) -> Iterator[Any]: ...

    @overload
    def __iter__(self: DataLoader[tuple[Tensor, ...]]) -> Iterator[list[Tensor]]: ...

    @overload
    def __iter__(self) -> Iterator[Any]: ...

    def __iter__(self) -> Iterator[Any]:
        under_way = self._resumed
        if under_way is None:
            count = self._count()
            if self.sampler is not None:
                indices = self.sampler
                if not isinstance(indices, (Sequence, Tensor, np.ndarray)):
                    indices = list(itertools.islice(indices, count))
                order = _rows("DataLoader: sampler", indices, len(self.dataset))
            elif self.shuffle:
                order = randperm(count, generator=self.generator).numpy()
            else:
                order = np.arange(count)
            under_way = Pass(self, order)
        self._pass, self._resumed = under_way, None
        return under_way

    def __repr__(self) -> str:
        order = "in random order" if self.shuffle else "in order"
        order = order if self.sampler is None else "in the order of its sampler"
        batches = f"{len(self):,} batches of {self.batch_size}"
        return f"DataLoader of {batches} from {_samples(self.dataset)} {order}"

    def state_dict(self) -> dict[str, Any]:
        """Where the latest pass is: its order and how many samples it has handed out.

        {"order": int64 tensor, or None between two passes, "position": number}. The generator that
        later passes are shuffled with is saved on its own: `generator.get_state()` or
        `get_rng_state()`. As torchdata's StatefulDataLoader.
        """
        under_way = self._resumed or self._pass
        if under_way is None or under_way.is_over():
            return {"order": None, "position": 0}
        return {"order": tensor(under_way.order), "position": under_way.position}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """The next loop over the loader continues the pass of which `state_dict` was taken.

        TypeError, ShapeError or ValueError, and nothing changes, for a state of another dataset.
        """
        name = "DataLoader.load_state_dict"
        if not isinstance(state_dict, Mapping) or set(state_dict) != {"order", "position"}:
            raise TypeError(f"{name}: expected a dictionary of 'order' and 'position'")
        order, count = state_dict["order"], self._count()
        position = integer(name, "position", state_dict["position"])
        if order is None:
            self._pass = self._resumed = None
            return
        if not isinstance(order, Tensor):
            raise TypeError(f"{name}: order must be a Tensor or None, got {class_of(order)}")
        rows = order.detach().numpy()
        if rows.shape != (count,):
            raise ShapeError(
                f"{name}: order has shape {rows.shape}, but the dataset has {count} samples"
            )
        if self.sampler is not None:
            rows = _rows(f"{name}: order", order.detach(), len(self.dataset))
            whole = True
        else:
            whole = np.array_equal(np.sort(rows), np.arange(count))
        if not whole or position > count:
            raise ValueError(f"{name}: this is not the state of a pass over {count} samples")
        self._resumed = Pass(self, rows.astype(np.int64), position)


class Pass:
    """One walk of a loader: `order` is settled, `position` samples of it have been handed out."""

    def __init__(
        self, loader: DataLoader[Any], order: np.ndarray[Any, Any], position: int = 0
    ) -> None:
        self.order: np.ndarray[Any, Any] = order
        self.position: int = position
        self.batch_size: int = loader.batch_size
        self.drop_last: bool = loader.drop_last
        self.collate_fn: Callable[[list[Any]], Any] | None = loader.collate_fn
        # Through subsets of subsets to the dataset itself, so that one gather makes the batch.
        self._dataset, self._rows = loader.dataset, order
        while type(self._dataset) is Subset:
            inner = self._dataset.dataset
            self._rows = _rows("Subset: indices", self._dataset.indices, len(inner))[self._rows]
            self._dataset = inner

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self.is_over():
            raise StopIteration
        rows = self._rows[self.position : self.position + self.batch_size]
        batch = self._gather(rows)
        self.position += len(rows)
        return batch

    def __repr__(self) -> str:
        return f"Pass over {len(self.order):,} samples, {self.position:,} of them handed out"

    def is_over(self) -> bool:
        """Whether too few samples are left for a batch."""
        return len(self.order) - self.position < (self.batch_size if self.drop_last else 1)

    def _gather(self, rows):
        dataset, collate_fn = self._dataset, self.collate_fn
        if collate_fn is None and type(dataset).__getitem__ is TensorDataset.__getitem__:
            return [part[rows] for part in dataset.tensors]
        rows = rows.tolist()
        if hasattr(dataset, "__getitems__"):  # as in torch: several samples in one call
            samples = dataset.__getitems__(rows)
        else:
            samples = [dataset[row] for row in rows]
        return (collate_fn or default_collate)(samples)
