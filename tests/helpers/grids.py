"""Many small cases in one test: a case of a millisecond costs less than a test around it."""

import functools
import inspect

import pytest


def for_each(names, values):
    """As `pytest.mark.parametrize`, but one test for all values; a failure notes its case.

    For small cases that leave nothing behind: all of them get the same fixtures.
    """
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    cases = [dict(zip(names, v if len(names) > 1 else [v], strict=True)) for v in values]
    assert cases, names

    def around(test):
        @functools.wraps(test)
        def all_cases(**given):
            for case in cases:
                try:
                    test(**given, **case)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"The case: {case}")
                    raise

        parameters = inspect.signature(test).parameters
        assert set(names) <= set(parameters), names
        others = [each for name, each in parameters.items() if name not in names]
        all_cases.__signature__ = inspect.Signature(others)
        return all_cases

    return around
