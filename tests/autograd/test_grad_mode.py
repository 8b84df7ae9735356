"""Whether operations are recorded: switches, decorators, generators, threads."""

import threading

import pytest
from helpers.layouts import leaf_of

import minigrad as mg


def test_no_grad_as_context_and_decorator():
    x = leaf_of(1.0)

    @mg.no_grad()
    def first():
        return x * 2

    @mg.no_grad
    def second():
        with mg.enable_grad():
            assert (x * 2).requires_grad
        return x * 2

    assert not first().requires_grad
    assert not second().requires_grad
    with mg.no_grad():
        assert not mg.is_grad_enabled()
        assert not (x * 2).requires_grad
    assert mg.is_grad_enabled()
    assert (x * 2).requires_grad


def test_set_grad_enabled():
    x = leaf_of(1.0)
    with mg.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert mg.is_grad_enabled()
    mg.set_grad_enabled(False)
    try:
        assert not mg.is_grad_enabled()
    finally:
        mg.set_grad_enabled(True)

    @mg.set_grad_enabled(False)
    def quiet():
        return x * 2

    assert mg.is_grad_enabled()
    assert not quiet().requires_grad
    with pytest.raises(TypeError, match="set_grad_enabled: expected True or False, got 1"):
        mg.set_grad_enabled(1)


def test_one_object_entered_twice():
    switch = mg.no_grad()
    with switch:
        with switch:
            pass
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_an_exception_restores_the_mode():
    with pytest.raises(KeyError):
        with mg.no_grad():
            raise KeyError
    assert mg.is_grad_enabled()
    with pytest.raises(KeyError):
        mg.no_grad(lambda: {}["a"])()
    assert mg.is_grad_enabled()


def test_a_generator_has_the_mode_in_its_steps_only():
    log = []

    @mg.no_grad()
    def steps():
        try:
            log.append(mg.is_grad_enabled())
            got = yield 1
            log.append((got, mg.is_grad_enabled()))
            yield 2
        except KeyError:
            log.append(("thrown", mg.is_grad_enabled()))
            yield 3
        finally:
            log.append(("closed", mg.is_grad_enabled()))
        return 4

    generator = steps()
    assert next(generator) == 1
    assert mg.is_grad_enabled()
    assert generator.send("x") == 2
    assert generator.throw(KeyError()) == 3
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == 4
    assert log == [False, ("x", False), ("thrown", False), ("closed", False)]
    other = steps()
    next(other)
    other.close()
    assert log[-1] == ("closed", False)
    assert mg.is_grad_enabled()


def test_each_thread_has_its_own_mode():
    found = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: found.append(mg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert found == [True]


def test_only_functions_are_decorated():
    with pytest.raises(TypeError, match="grad mode: what it decorates must be a function, got int"):
        mg.no_grad(3)
