"""What notebooks show: HTML that is whole and escaped, without own colors, scripts or requests."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad
from minigrad import datasets, nn, optim
from minigrad.diagnosis import diagnose
from minigrad.display.html import html_image
from minigrad.utils import History
from minigrad.utils.data import DataLoader, Subset, TensorDataset

NASTY = "<img src=x onerror=alert(1)>&"


def network():
    return nn.Sequential(nn.Linear(2, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU())


def findings():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
    return nn.lint(nn.ModuleDict({NASTY: model}))


def named():
    return nn.ModuleDict({NASTY: network()})


ALL = {
    "tensor": lambda: minigrad.ones(2, 3),
    "module": named,
    "layer": lambda: nn.Linear(2, 3),
    "bare layer": nn.ReLU,
    "list": lambda: nn.ModuleList([nn.ReLU(), None, nn.Linear(1, 1)]),
    "summary": lambda: nn.summary(network(), (3, 2)),
    "inspection": lambda: nn.inspect_batch_norm(named()),
    "inspection with data": lambda: nn.inspect_batch_norm(network(), minigrad.randn(9, 2)),
    "nothing to inspect": lambda: nn.inspect_batch_norm(nn.ReLU()),
    "findings": findings,
    "no finding": lambda: nn.lint(network()),
    "folding": lambda: nn.utils.fold_batch_norm(network().eval()).folding,
    "no folding": lambda: nn.utils.fold_batch_norm(nn.Sequential(nn.ReLU()).eval()).folding,
    "optimizer": lambda: optim.Adam(network().parameters()),
    "digits": lambda: datasets.digits(train=False),
    "empty data": lambda: TensorDataset(minigrad.zeros(0, 3)),
    "history": lambda: History([{NASTY: 1.0}]),
    "empty history": History,
}


class Reader(HTMLParser):
    """Collects tags and text, and refuses what is not closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.styles, self.text, self.sources = [], [], [], "", []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.styles += [value for name, value in attributes if name == "style"]
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        assert {name for name, _ in attributes} <= {"style", "src", "alt", "open"}
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", ALL)
def test_every_page_is_whole_and_quiet(name):
    page = Reader(ALL[name]()._repr_html_())
    usual = "div b br p table thead tr th td details summary span img".split()
    assert set(page.tags) <= set(usual)
    assert "color" not in "".join(page.styles) and "background" not in "".join(page.styles)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not re.search("0x[0-9a-f]{6}", page.text)


def test_names_are_escaped():
    assert NASTY in Reader(named()._repr_html_()).text
    assert NASTY in Reader(findings()._repr_html_()).text
    assert NASTY in Reader(type(NASTY, (nn.Module,), {})()._repr_html_()).text
    assert NASTY in Reader(nn.inspect_batch_norm(named())._repr_html_()).text


def test_a_module_is_a_tree():
    model = nn.Sequential(network(), nn.Linear(4, 3)).eval()
    model[1].bias.requires_grad_(False)
    page = Reader(model._repr_html_())
    for words in (
        "Sequential 31 parameters, 3 of them frozen, evaluation mode",
        "(0) Sequential 16 parameters",
        "(0) Linear(in_features=2, out_features=4, bias=False) 8 parameters",
        "weight(4, 2)8minigrad.float32",
        "running_var(4,)4minigrad.float32buffer",
        "(2) ReLU()",
        "bias(3,)3minigrad.float32frozen",
    ):
        assert words in page.text
    assert page.tags.count("details") == 5  # all layers but ReLU, which holds nothing
    assert page.text.count("ReLU") == 1
    alone = Reader(nn.Linear(2, 3)._repr_html_()).text
    assert alone.startswith("Linear(in_features=2, out_features=3, bias=True) 9 parameters")


def test_a_tree_opens_two_levels():
    deep = nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(1, 1))))
    assert deep._repr_html_().count("<details open>") == 2
    assert deep._repr_html_().count("<details>") == 2


def test_a_repr_of_ones_own_is_shown():
    class Named(nn.Module):
        def __repr__(self):
            return "mine"

    class Unnamed(nn.Module):
        pass

    assert Named()._repr_html_() is None
    assert "Unnamed" in Unnamed()._repr_html_()


def test_tables():
    text = Reader(nn.summary(network(), (3, 2))._repr_html_()).text
    assert "1 (BatchNorm1d)(3, 4)8" in text and "trained: 16; buffers" in text
    text = Reader(optim.SGD([{"params": [minigrad.ones(3)]}], lr=0.5)._repr_html_()).text
    assert "params3 numbers in 1" in text and "lr0.5" in text
    text = Reader(findings()._repr_html_()).text
    assert text.startswith("bias-before-norm in") and "cureMake the layer with bias=False" in text


def test_a_dataset_shows_its_parts_and_images():
    page = Reader(datasets.digits(train=False)._repr_html_())
    assert "TensorDataset 355 samples" in page.text
    assert "0(1, 8, 8)minigrad.float320.1." in page.text and "1()minigrad.int6409" in page.text
    assert page.tags.count("img") == 12
    constant = TensorDataset(minigrad.zeros(3, 8, 8))
    for other in (
        constant,
        TensorDataset(minigrad.randn(3, 2)),
        TensorDataset(minigrad.zeros(0, 8, 8)),
    ):
        assert "<img" not in other._repr_html_()


def test_an_image_is_a_png():
    image = pytest.importorskip("matplotlib.image")
    pixels = np.arange(15).reshape(3, 5) * 17
    data = base64.b64decode(html_image(pixels).split("base64,")[1].split('"')[0])
    np.testing.assert_allclose(image.imread(io.BytesIO(data)), pixels / 255, atol=1e-6)


def test_texts_without_addresses():
    data = TensorDataset(minigrad.zeros(300, 2), minigrad.arange(300))
    assert repr(minigrad.manual_seed(7)) == "<Generator seeded with 7>"
    assert repr(data) == "TensorDataset of 300 samples: (2,) minigrad.float32, () minigrad.int64"
    assert repr(Subset(data, [1])) == "Subset of 1 sample from 300 samples"
    assert repr(DataLoader(data, 32)) == "DataLoader of 10 batches of 32 from 300 samples in order"
    assert "in random order" in repr(DataLoader(data, 32, shuffle=True))
    wrong = diagnose(np.array([2.0, 4.0, 7.0]), np.array([2.0, 4.0, 6.0]))
    assert repr(wrong) == str(wrong) == wrong.sentence


@pytest.mark.parametrize(("count", "folded"), [(24, 0), (25, 7), (100, 82)])
def test_a_module_of_very_many_layers_stays_short(count, folded):
    page = nn.Sequential(*[nn.ReLU() for _ in range(count)])._repr_html_()
    assert all(f"({i}) ReLU()" in page for i in range(count))
    inside = page.partition(f"<summary>{folded} more")[2].partition("</details>")[0]
    assert inside.count("ReLU") == folded
    assert page.count("<details>") == (folded > 0)
    Reader(page)


@pytest.mark.parametrize(("count", "opened"), [(8, 8), (9, 0)])
def test_of_many_reports_only_the_first_lines_show(count, opened):
    layers = [each for _ in range(count) for each in (nn.Linear(2, 2), nn.BatchNorm1d(2))]
    model = nn.Sequential(*layers)
    for page in (nn.inspect_batch_norm(model)._repr_html_(), nn.lint(model)._repr_html_()):
        assert page.count("<summary>") == count
        assert page.count("<details open>") == opened
