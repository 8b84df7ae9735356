import gc
import sys
from pathlib import Path

import pytest

import minigrad

if not hasattr(minigrad, "use_kernels"):
    where = next(iter(minigrad.__path__))
    what = f"{where} is another project's package of the name minigrad"
    pytest.exit(f"{what}; `python minigrad/doctor.py` says more", returncode=4)

from minigrad._kernels import active, use_kernels

# What tests share is the package `helpers` of this folder, wherever it lies.
sys.path.insert(0, str(Path(__file__).parent))

gc.disable()  # while tests are collected, which makes a million objects and hardly any garbage


def pytest_collection_finish(session):
    """What stays to the end need not be looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def torch():
    """The library that minigrad is compared with; tests that need it are skipped without it."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    gc.freeze()  # its objects, too
    return torch


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    """The kernels in use, once the compiled loops and once their NumPy twins."""
    with use_kernels(request.param):
        yield active
