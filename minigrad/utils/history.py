"""The record of a training, written by the loop that trains: numbers per epoch, and their curves.

It knows nothing of models and optimizers. The loop stays where it is and says what to keep:

    history = History()
    for epoch in range(1, 11):
        ...
        history.append(epoch=epoch, loss=loss, accuracy=right / len(test))
    history.plot("loss")

Other libraries fill such a record inside of a `fit` that hides the loop (Keras' History).
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .._checks import installing, items
from ..display.html import html_block, html_table, html_title
from ..display.printing import formatter
from ..errors import ShapeError
from ..serialization.atomic_write import path_of, write
from ..tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Number = int | float
Row = dict[str, Number]

COUNTERS = ("epoch", "step")  # what a curve goes along, if it is there
ENDS = 5  # rows that a long table shows at each end
POINTS = 40  # curves of more get no markers

# Each line differs from the others in style and marker as well, for prints in gray. The colors and
# the gray of what stands around them have enough contrast on white and on black.
COLORS = ("#2f7fd1", "#c8630c", "#1f8f5f", "#a64fb8")
STYLES = ("-", "--", "-.", ":")
MARKERS = "os^D"
AROUND = "#767676"


class History(Sequence[Row]):
    """A list of epochs, or of steps: each a dictionary from a name to a number.

    `append(epoch=3, loss=loss)` adds one. `history[-1]["loss"]` is a number of the last;
    `history["loss"]` is the list of all. A slice is a History again. `plot()` draws the curves,
    `to_csv` writes them, `pandas.DataFrame(history)` is a table of them, and TensorBoard takes each
    number by `writer.add_scalar("loss", history[-1]["loss"], epoch)`.
    """

    __hash__ = None  # type: ignore[assignment]  # it changes, as a list does

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._rows = [_row("History", row) for row in items("History", "rows", rows, ROWS)]

    def append(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add a row of numbers by name; a tensor of one element gives its number and no history.

        Names that are no identifiers come in a dictionary: `append({"test loss": 0.3}, epoch=1)`.
        A row may lack a name that others have, and bring a new one: what is not measured in each
        epoch. TypeError for anything but numbers, ShapeError for a tensor of several.
        """
        values = {} if values is None else values
        if isinstance(values, Mapping) and (both := values.keys() & more.keys()):
            raise TypeError(f"History.append: {', '.join(sorted(both))} came twice")
        self._rows.append(_row("History.append", values, more))

    @property
    def names(self) -> list[str]:
        """The names of all numbers, in the order in which they came."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self._rows)))

    # --- as a list -------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    @overload
    def __getitem__(self, index: str) -> list[Number]: ...
    def __getitem__(self, index: int | slice | str) -> Row | History | list[Number]:
        """A row by its number, some of them by a slice, or all numbers of one name.

        Rows that lack the name are left out.
        """
        if isinstance(index, str):
            self._known("History", index)
            return [row[index] for row in self._rows if index in row]
        try:
            found = self._rows[index]
        except IndexError:
            raise IndexError(f"History: there is no row {index} of {len(self)}") from None
        except (TypeError, ValueError):
            raise TypeError(
                f"History: expected the number of a row, a slice or a name, got {index!r:.60}"
            ) from None
        return History(found) if isinstance(found, list) else dict(found)

    def __iter__(self) -> Iterator[Row]:
        return (dict(row) for row in self._rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (History, list)):
            return NotImplemented
        return self._rows == (other._rows if isinstance(other, History) else other)

    # --- to look at ------------------------------------------------------------------------------

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """The names and the rows as text, a long record without its middle."""
        names, columns = self.names, []
        left_out = len(self) > 2 * ENDS + 1
        rows = [*self._rows[:ENDS], *self._rows[-ENDS:]] if left_out else self._rows
        for name in names:
            kept = [row[name] for row in rows if name in row]
            floats = any(isinstance(value, float) for value in kept)
            write_one = formatter(np.array(kept, float))[0] if floats else str
            columns.append([write_one(row[name]) if name in row else "" for row in rows])
        lines = [list(line) for line in zip(*columns, strict=True)]
        if left_out:
            lines.insert(ENDS, ["..."] * len(names))
        return names, lines

    def __repr__(self) -> str:
        names, lines = self._cells()
        cells = [names, *lines]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        table = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in cells
        ]
        return "\n".join([f"History of {_rows_in_words(len(self))}", *filter(None, table)])

    def _repr_html_(self) -> str:
        names, lines = self._cells()
        return html_block(
            html_title("History", _rows_in_words(len(self))), html_table(names, lines)
        )

    def plot(self, *names: str, x: str | None = None, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the numbers of these names, or of all; returns the Axes, matplotlib's.

        x: the name that the curves go along; without it "epoch" or "step", else the number of the
        row. ax: Axes to draw on; without them new ones, which can be read on a light and on a dark
        page. style: what matplotlib's lines take, such as label, color and linestyle.
        ImportError without matplotlib, which the extra `examples` installs.
        """
        for name in (*names, *([] if x is None else [x])):
            self._known("History.plot", name)
        if not self._rows:
            raise ValueError("History.plot: there is no row yet; append one per epoch")
        along = x or next((name for name in COUNTERS if name in self.names), None)
        names = names or tuple(name for name in self.names if name != along)
        if not names:
            raise ValueError(f"History.plot: there is nothing to draw beside {along!r}")
        axes = _axes(ax, style)
        start = len(axes.lines)
        for number, name in enumerate(names, start):
            points = [
                (row.get(along, i) if along else i, row[name])
                for i, row in enumerate(self._rows, 1)
                if name in row and (along is None or along in row)
            ]
            look = {"label": name, "markersize": 4, "color": COLORS[number % len(COLORS)]}
            look["linestyle"] = STYLES[number % len(STYLES)]
            look["marker"] = MARKERS[number % len(MARKERS)] if len(points) <= POINTS else ""
            axes.plot(*zip(*points, strict=True), **_normalized(look) | _normalized(style))
        axes.set_xlabel(along or "row")
        if along is None or all(isinstance(number, int) for number in self[along]):
            with contextlib.suppress(TypeError):  # a logarithmic axis has no such choice
                axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.3)
        axes.legend(framealpha=0, labelcolor="linecolor")
        return axes

    # --- files -----------------------------------------------------------------------------------

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table that `from_csv` and every spreadsheet read; whole or not at all.

        Each number is written with all of its digits; where a row lacks a name, the cell is empty.
        """
        text = io.StringIO()
        table = csv.DictWriter(text, self.names, lineterminator="\n")
        table.writeheader()
        table.writerows(self._rows)
        write(path_of("History.to_csv", path), [text.getvalue().encode()])

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> History:
        """The History in a file that `to_csv` wrote, or that another program wrote like it.

        ValueError for what is no table of numbers; FileNotFoundError where there is no file.
        """
        path = Path(path_of("History.from_csv", path))
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"History.from_csv: {path} is not a text in UTF-8") from None
        except FileNotFoundError:
            raise FileNotFoundError(f"History.from_csv: there is no file {path}") from None
        names, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if len(set(names)) < len(names):
            raise ValueError(f"History.from_csv: {path} names a column twice: {', '.join(names)}")
        history = cls()
        for line, cells in enumerate(rows, 2):
            if not cells:
                continue  # a blank line
            if len(cells) != len(names):
                raise ValueError(
                    f"History.from_csv: {path}, line {line}: {len(cells)} cells, "
                    f"but the first line names {len(names)}"
                )
            pairs = zip(names, cells, strict=True)
            history.append({name: _parsed(path, line, cell) for name, cell in pairs if cell})
        return history

    def _known(self, owner: str, name: object) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{owner}: a name must be a string, got {name!r:.60}")
        if name not in self.names:
            there = f"only {', '.join(self.names)}" if self._rows else "nor any row yet"
            raise KeyError(f"{owner}: there is no {name!r}, {there}")


ROWS = "an iterable of dictionaries"


def _row(owner: str, *parts: Any) -> Row:
    """The numbers in these dictionaries."""
    row = {}
    for part in parts:
        if not isinstance(part, Mapping):
            raise TypeError(
                f"{owner}: a row must be a dictionary of numbers by name, got {part!r:.60}; "
                "write append(loss=…)"
            )
        for name, value in part.items():
            if not isinstance(name, str):
                raise TypeError(f"{owner}: a name must be a string, got {name!r:.60}")
            row[name] = _number(owner, name, value)
    if not row:
        raise TypeError(f"{owner}: a row must have at least one number, as in append(loss=…)")
    return row


def _number(owner: str, name: str, value: Any) -> Number:
    """The int or float in a number, or in a tensor or array of one; NaN and infinity are kept."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) or hasattr(value, "detach"):
        if np.prod(value.shape, dtype=int) != 1:
            raise ShapeError(
                f"{owner}: {name} must be one number, got shape {tuple(value.shape)}; "
                "take its mean() or sum()"
            )
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r:.60}")
    return value


def _parsed(path: Path, line: int, cell: str) -> Number:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            pass
    raise ValueError(f"History.from_csv: {path}, line {line}: {cell!r:.60} is not a number")


def _rows_in_words(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _normalized(style: Mapping[str, Any]) -> dict[str, Any]:
    """With the long names of what has a short one: `ls` and `linestyle` would come twice."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return normalize_kwargs(dict(style), Line2D)


def _axes(ax: Any, style: dict[str, Any]) -> Axes:
    """The Axes to draw on, after a look at the arguments, so that nothing is half drawn."""
    try:
        from matplotlib import pyplot
        from matplotlib.axes import Axes
        from matplotlib.lines import Line2D
    except ImportError as error:
        raise ImportError(
            f"History.plot: matplotlib is not installed ({error}): {installing('examples')}"
        ) from None
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"History.plot: ax must be Axes of matplotlib, got {type(ax).__name__}")
    try:
        Line2D([], [], **_normalized(style))
    except (AttributeError, TypeError, ValueError) as error:
        raise TypeError(f"History.plot: matplotlib refuses the style: {error}") from None
    if ax is not None:
        return ax
    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.tick_params(colors=AROUND, which="both")
    axes.xaxis.label.set_color(AROUND)
    for spine in axes.spines.values():
        spine.set_color(AROUND)
    return axes
