"""utils.History: the record of a training. It is a list of numbers by name, with curves."""

import pickle
import warnings

import numpy as np
import pytest

import minigrad
from minigrad import ShapeError
from minigrad.utils import History


@pytest.fixture
def three():
    history = History()
    history.append(epoch=1, loss=2.0, accuracy=0.25)
    history.append(epoch=2, loss=1.0)
    history.append(epoch=3, loss=0.5, accuracy=0.75)
    return history


# What is kept


def test_a_tensor_leaves_its_number_and_no_history():
    weight = minigrad.tensor(3.0, requires_grad=True)
    history = History()
    history.append(
        step=np.int64(1), loss=weight * 2, other=minigrad.tensor([4]), half=np.float32(0.5)
    )
    assert history[0] == {"step": 1, "loss": 6.0, "other": 4, "half": 0.5}
    assert [type(value) for value in history[0].values()] == [int, float, int, float]


def test_names_that_are_no_identifiers(three):
    three.append({"test loss": 0.3}, epoch=4)
    assert three.names == ["epoch", "loss", "accuracy", "test loss"]
    assert three[-1] == {"test loss": 0.3, "epoch": 4}


def test_a_diverged_training_is_kept():
    history = History([{"loss": float("inf")}, {"loss": float("nan")}])
    assert str(history["loss"]) == "[inf, nan]"


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ({"loss": "low"}, TypeError, "loss must be a number, got 'low'"),
        ({"loss": True}, TypeError, "loss must be a number, got True"),
        ({"loss": 1j}, TypeError, "loss must be a number"),
        ({"loss": minigrad.tensor(True)}, TypeError, "loss must be a number, got True"),
        ({"loss": minigrad.ones(3)}, ShapeError, r"one number, got shape \(3,\); take its mean"),
        ({1: 2.0}, TypeError, "a name must be a string, got 1"),
        ({}, TypeError, "at least one number"),
        (3.0, TypeError, r"a row must be a dictionary .* got 3.0; write append\(loss=…\)"),
    ],
)
def test_what_is_refused_changes_nothing(three, values, kind, words):
    with pytest.raises(kind, match=words):
        three.append(values)
    with pytest.raises(kind, match=words):
        History([values])
    assert len(three) == 3


def test_a_name_that_comes_twice(three):
    with pytest.raises(TypeError, match="append: loss came twice"):
        three.append({"loss": 1.0}, loss=2.0)


# As a list


def test_rows_slices_and_columns(three):
    assert len(three) == 3 and three[-1]["loss"] == 0.5
    assert [row["epoch"] for row in three] == three["epoch"] == [1, 2, 3]
    assert three["accuracy"] == [0.25, 0.75]  # the second row has none
    assert three[1:] == History(list(three)[1:]) and type(three[1:]) is History
    assert three == list(three) and three != three[:2] and three != "three"


def test_a_row_that_is_changed_outside_stays(three):
    three[0]["loss"] = 7
    next(iter(three))["loss"] = 7
    assert three[0]["loss"] == 2.0


def test_pickle(three):
    copied = pickle.loads(pickle.dumps(three))
    assert copied == three
    copied.append(loss=1)
    assert copied != three


@pytest.mark.parametrize(
    ("index", "kind", "words"),
    [
        (3, IndexError, "there is no row 3 of 3"),
        (1.5, TypeError, "the number of a row, a slice or a name, got 1.5"),
        ("los", KeyError, "there is no 'los', only epoch, loss, accuracy"),
    ],
)
def test_what_is_not_there(three, index, kind, words):
    with pytest.raises(kind, match=words):
        three[index]


def test_rows_that_are_none():
    with pytest.raises(TypeError, match="rows must be an iterable of dictionaries, got int"):
        History(3)


# To look at


def test_text(three):
    assert repr(three).splitlines() == [
        "History of 3 rows",
        "epoch    loss  accuracy",
        "    1  2.0000    0.2500",
        "    2  1.0000",
        "    3  0.5000    0.7500",
    ]
    assert repr(History()) == "History of 0 rows"


def test_a_long_text_leaves_out_its_middle():
    lines = repr(History({"step": i, "lr": 0.1**i} for i in range(100))).splitlines()
    assert len(lines) == 13 and lines[7].split() == ["...", "..."]
    assert lines[-1].split() == ["99", "1.0000e-99"]
    assert "..." not in repr(History({"step": i} for i in range(11)))  # it would save nothing


def test_html_is_escaped():
    page = History([{"<loss>": 1.0}])._repr_html_()
    assert "<th>&lt;loss&gt;</th>" in page and "<td>1.</td>" in page


# Curves


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def drawn(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


def test_curves_go_along_the_epochs_where_they_have_numbers(three, pyplot):
    axes = three.plot()
    assert axes.get_xlabel() == "epoch"
    assert drawn(axes) == {
        "loss": [[1, 2.0], [2, 1.0], [3, 0.5]],
        "accuracy": [[1, 0.25], [3, 0.75]],
    }
    assert drawn(three.plot("accuracy", x="loss")) == {"accuracy": [[2.0, 0.25], [0.5, 0.75]]}
    three.append(loss=0.25)  # at no epoch
    assert drawn(three.plot("loss")) == {"loss": [[1, 2.0], [2, 1.0], [3, 0.5]]}
    rows = History([{"loss": 3.0}, {"loss": 2.0}]).plot()
    assert rows.get_xlabel() == "row" and drawn(rows) == {"loss": [[1, 3.0], [2, 2.0]]}


def test_curves_on_axes_of_ones_own(three, pyplot):
    _, axes = pyplot.subplots()
    axes.set_xscale("log")
    assert three.plot("loss", ax=axes, ls=":", label="mine") is axes
    three.plot("accuracy", ax=axes)
    assert list(drawn(axes)) == ["mine", "accuracy"]
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    assert axes.lines[0].get_linestyle() == ":"


def contrast(one, other):
    """WCAG's: from 1, the same color, to 21, black on white."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    both = [
        weights @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        for c in (np.array(one), np.array(other))
    ]
    return (max(both) + 0.05) / (min(both) + 0.05)


def test_curves_can_be_read_on_light_on_dark_and_in_gray(pyplot):
    from matplotlib.colors import to_rgb

    axes = History({"a": i, "b": i, "c": i, "d": i} for i in range(3)).plot()
    lines = axes.lines
    around = [axes.xaxis.label, *axes.get_xticklabels(), *axes.get_legend().get_texts()]
    for color in [line.get_color() for line in lines] + [text.get_color() for text in around]:
        assert contrast(to_rgb(color), (1, 1, 1)) > 3 and contrast(to_rgb(color), (0, 0, 0)) > 3
    assert axes.patch.get_alpha() == axes.figure.patch.get_alpha() == 0
    for look in ("get_linestyle", "get_marker", "get_color"):
        assert len({getattr(line, look)() for line in lines}) == 4


def test_what_cannot_be_drawn(three, pyplot):
    _, axes = pyplot.subplots()
    for call, kind, words in [
        (lambda: History().plot(), ValueError, "there is no row yet"),
        (lambda: History([{"epoch": 1}]).plot(), ValueError, "nothing to draw beside 'epoch'"),
        (lambda: three.plot("los"), KeyError, "there is no 'los'"),
        (lambda: three.plot(3), TypeError, "a name must be a string, got 3"),
        (lambda: three.plot(x="los"), KeyError, "there is no 'los'"),
        (lambda: three.plot(ax="axes"), TypeError, "ax must be Axes of matplotlib, got str"),
        (lambda: three.plot(ax=axes, hue="red"), TypeError, "refuses the style: .*hue"),
        (lambda: three.plot(ax=axes, color="reddish"), TypeError, "refuses the style"),
    ]:
        with pytest.raises(kind, match=words):
            call()
    assert not axes.lines


def test_without_matplotlib(three, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install .minigrad-cython\[examples\]"):
        three.plot()


# Files


def test_csv_and_back(three, tmp_path):
    three.append(epoch=4, loss=1 / 3, accuracy=float("nan"))
    path = tmp_path / "history.csv"
    three.to_csv(path)
    assert path.read_bytes().startswith(b"epoch,loss,accuracy\n1,2.0,0.25\n2,1.0,\n")
    again = History.from_csv(str(path))
    assert repr(list(again)) == repr(list(three))  # to the last digit, int and float
    History().to_csv(path)
    assert History.from_csv(path) == History()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"loss\n1\nlow\n", "line 3: 'low' is not a number"),
        (b"epoch,loss\n1\n", "line 2: 1 cells, but the first line names 2"),
        (b"loss,loss\n1,2\n", "names a column twice"),
        (b"\xff\xfe", "is not a text in UTF-8"),
    ],
)
def test_a_file_that_is_no_history(tmp_path, content, words):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        History.from_csv(tmp_path / "x.csv")


def test_a_file_of_a_spreadsheet(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbf"epoch","loss"\r\n1,0.5\r\n\r\n')
    assert History.from_csv(tmp_path / "x.csv") == [{"epoch": 1, "loss": 0.5}]


def test_bad_paths(three, tmp_path):
    for call in (three.to_csv, History.from_csv):
        with pytest.raises(TypeError, match="path must be a string or a Path, got int"):
            call(3)
        with pytest.raises(ValueError, match=r"^History\.\w+_csv: path .* holds a null character"):
            call("a\0b")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        History.from_csv(tmp_path / "none.csv")


@pytest.mark.slow
def test_tensorboard_takes_the_numbers_and_not_a_tensor(three, tmp_path):
    """What the docstring says in one line, with the real package."""
    pytest.importorskip("tensorboard")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        SummaryWriter = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
        with SummaryWriter(str(tmp_path)) as writer:
            for row in three:
                writer.add_scalar("loss", row["loss"], row["epoch"])
            with pytest.raises(NotImplementedError, match="Tensor"):
                writer.add_scalar("loss", minigrad.tensor(1.0), 4)
            writer.add_scalar("loss", minigrad.tensor(0.25).item(), 4)
        events = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in events] == [(1, 2), (2, 1), (3, 0.5), (4, 0.25)]
