"""The layers print as torch's, and check their arguments when they are made."""

import pytest

from minigrad import nn


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("AvgPool2d", (2,)), ("AvgPool2d", ((2, 3), 1, 1, True, False, 4)),
        ("AdaptiveAvgPool2d", (1,)), ("AdaptiveAvgPool2d", ((2, None),)),
    ],
)  # fmt: skip
def test_texts_are_torchs(torch, name, arguments):
    assert repr(getattr(nn, name)(*arguments)) == repr(getattr(torch.nn, name)(*arguments))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.AvgPool2d(0), ValueError, "AvgPool2d: kernel_size must be >= 1"),
        (lambda: nn.AvgPool2d(2, stride="x"), TypeError, "AvgPool2d: stride must be an integer or"),
        (lambda: nn.AvgPool2d(2, ceil_mode=None), TypeError, "AvgPool2d: ceil_mode must be"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), ValueError, "divisor_override must be >= 1"),
        (
            lambda: nn.AdaptiveAvgPool2d(-1),
            ValueError,
            "AdaptiveAvgPool2d: output_size must be >= 1",
        ),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), TypeError, "output_size must be an integer or a"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
