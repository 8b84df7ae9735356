"""A figure of the lab: curves that can be told in gray, ticks, and the points that it needs."""

from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad.lab.axes import Scale, number_text
from minigrad.lab.figure import apart, svg_figure, thinned
from minigrad.lab.protocol import Curve, Panel, Run, all_claims

SVG = "{http://www.w3.org/2000/svg}"


def record(panel):
    run = Run(all_claims()[0], 5, False, print)
    run.panels.append(panel)
    return run.record()


def lines(text):
    return [each.get("style") for each in ElementTree.fromstring(text).iter(f"{SVG}polyline")]


def test_curves_differ_in_color_and_in_dash():
    panel = Panel("Panel", "x", "y")
    for place in range(8):
        panel.line(f"curve {place}", [1, 2, 3], [place, place, 0])
    styles = lines(svg_figure(record(panel)))
    assert len(set(styles)) == 8
    dashes = [each.partition("dasharray")[2] for each in styles]
    assert all(len(set(dashes[start : start + 4])) == 4 for start in (0, 4))


def test_what_is_not_finite_parts_a_curve():
    panel = Panel("Panel", "x", "y", "xy")
    panel.line("gap", [1, 2, 3, 4, 5], [1.0, 2.0, float("nan"), 0.0, 3.0])
    panel.line("none", [1, 2], [float("inf"), float("nan")])
    text = svg_figure(record(panel))
    assert len(lines(text)) == 2 and "none (nowhere)" in text
    assert 'The curve "gap" goes from 1 to 3. The curve "none" goes nowhere.' in text.replace(
        "&quot;", '"'
    )


def test_few_points_have_marks_and_name_the_axis():
    shown = {}
    for count in (3, 1000):
        panel = Panel("Panel", "x", "y")
        panel.line("straight", range(count), range(count))
        kept = record(panel)
        kept["panels"] = list(map(thinned, kept["panels"]))
        root = ElementTree.fromstring(svg_figure(kept))
        words = [each.text for each in root.iter(f"{SVG}text")]
        shown[count] = len(list(root.iter(f"{SVG}circle"))), "200" in words
    assert shown == {3: (3, False), 1000: (0, True)}


def test_a_thinned_curve_looks_the_same():
    x = np.arange(1.0, 1001.0)
    panel = Panel("Panel", "x", "y")
    panel.line("wave", x, np.sin(x / 60))
    panel.line("gap", x, np.where(x == 500, np.nan, x / 1000))
    panel.line("few", x[:5], x[:5] / 3)
    wave, gap, few = thinned(record(panel)["panels"][0])["curves"]
    assert len(wave["x"]) < 120 and wave["x"][0] == 1 and wave["x"][-1] == 1000
    seen = np.interp(x, wave["x"], wave["y"])
    assert abs(seen - np.sin(x / 60)).max() < 0.02  # of 2, which are 200 pixels
    assert gap["y"].count("nan") == 1 and {499, 501} <= set(gap["x"])
    assert few == {"label": "few", "x": [1, 2, 3, 4, 5],
                   "y": [0.333333, 0.666667, 1, 1.33333, 1.66667]}  # fmt: skip


def test_names_beside_curves_do_not_touch():
    for wanted in ([50, 51, 52, 90], [0, 0, 0], [98, 99, 100]):
        placed = apart(wanted, 0, 100)
        assert all(b - a >= 19 for a, b in zip(placed, placed[1:], strict=False))
        assert placed[0] >= 0 and placed[-1] <= 100
    assert apart([10, 60], 0, 100) == [10, 60]


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [(0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 7, False, [-2, 0, 2, 4, 6]),
     (0, 1e-14, False, [0, 2e-15, 4e-15, 6e-15, 8e-15, 1e-14]), (3, 3, True, [2, 5]),
     (1e-9, 2, True, [1e-9, 1e-7, 1e-5, 1e-3, 0.1]), (0.04, 8, True, [0.1, 0.3, 1, 3]),
     (0.02, 0.5, True, [0.02, 0.05, 0.1, 0.2, 0.5])],
)  # fmt: skip
def test_ticks(low, high, log, ticks):
    assert Scale(low, high, log, 0, 300).ticks(5) == pytest.approx(ticks, rel=1e-9, abs=0)


@pytest.mark.parametrize("log", ["", "y"])
@pytest.mark.parametrize(
    "y", [[3e17] * 2, [1e300] * 2, [1.7e308, 1e-300], [5e-324, 1e-323], [1.7e308] * 2, [2.0, 2.0]]
)
def test_any_number_can_be_drawn(y, log):
    panel = Panel("Panel", "x", "y", "y" if log else "")
    panel.line("curve", [1, 2], y)
    if not log:
        panel.line("negative", [1, 2], [-each for each in y])
    kept = record(panel)
    for panels in (kept["panels"], list(map(thinned, kept["panels"]))):
        assert "nan" not in svg_figure(kept | {"panels": panels})
    one = Panel("Panel", "x", "y", curves=[Curve("one point", [1.0] * 300, [1.0] * 300)])
    thinned(record(one)["panels"][0])


def test_an_axis_names_the_values_measured_as_far_as_there_is_room():
    assert Scale(1, 128, True, 0, 300).ticks(5, [1, 2, 64, 128]) == [1, 64]
    assert Scale(0, 10, False, 0, 300).ticks(5, [0, 1, 5, 10]) == [0, 5, 10]


def test_numbers_are_written_as_one_reads_them():
    said = [number_text(x) for x in (0, 0.05, 1, 97.46, 50_000, 1e-8, 3.24e-9, 2e7, -0.5)]
    assert said == ["0", "0.05", "1", "97.46", "50,000", "10⁻⁸", "3.2·10⁻⁹", "2·10⁷", "−0.5"]
