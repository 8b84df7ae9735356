"""Tests of many cases, of which a few are enough for every day."""

import pytest


def rest_slow(values, fast):
    """The values as parameters; those not in `fast` are for the slow tests."""
    return [v if v in fast else pytest.param(v, marks=pytest.mark.slow) for v in values]
