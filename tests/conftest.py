import pytest


@pytest.fixture(scope="session")
def torch():
    """The library that minigrad is compared with; tests that need it are skipped without it."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch
