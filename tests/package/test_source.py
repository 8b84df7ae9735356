"""Every function shows its source: to inspect, to IPython, and with all that computes it."""

import copy
import doctest
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd, datasets, nn, optim, utils
from minigrad._build_check import PACKAGE
from minigrad.book import asked, opening, pieces, subject
from minigrad.book.shelf import BookError
from minigrad.nn import functional as F

MODULES = [
    mg, nn, F, nn.init, nn.utils, optim, optim.lr_scheduler, utils.data, datasets, autograd,
]  # fmt: skip
# Classes of Cython, whose text inspect cannot read; minigrad.source can.
COMPILED_CLASSES = {
    mg.Generator, mg.Tensor, autograd.Function, autograd.detect_anomaly, mg.enable_grad, mg.no_grad,
    mg.set_grad_enabled,
}  # fmt: skip
UNBOUND = {"requires_grad_", "detach", "item"}  # methods in C: see Tensor
# Made of other operations, or moving values: nothing of their own to derive.
WITHOUT_DERIVATION = {
    "adaptive_avg_pool2d", "embedding", "flatten", "l1_loss", "mse_loss", "one_hot",
    "smooth_l1_loss",
}  # fmt: skip
KERNELS = subject.kernel_homes()


def public(module):
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if name[0] != "_" and getattr(value, "__module__", "") == module.__name__
    ]
    values = {f"{module.__name__}.{name}": getattr(module, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if hasattr(value, "__qualname__")  # functions and classes
    }


PUBLIC = {name: value for module in MODULES for name, value in public(module).items()}
METHODS = {
    name: value
    for name, value in vars(mg.Tensor).items()
    if callable(value) and name.isidentifier() and name[0] != "_"
}
COMPILED = [
    each
    for each in [*PUBLIC.values(), *METHODS.values()]
    if type(each).__name__ == "cython_function_or_method"
]


def shows(text, value):
    """Whether a text has the definition of a class or of a function, which may have two names."""
    code = getattr(inspect.unwrap(value), "__code__", None)
    name = code.co_name.strip("<>") if code else value.__name__
    return any(f"{kind} {name}" in text for kind in ("def", "class")) or name == "lambda" in text


def test_inspect_reads_what_is_public():
    assert len(PUBLIC) > 230
    for name, value in PUBLIC.items():
        if value in COMPILED_CLASSES:
            with pytest.raises(OSError):
                inspect.getsource(value)
        else:
            assert shows(inspect.getsource(value), value), name


def test_inspect_reads_the_methods_of_tensor():
    assert len(METHODS) > 120
    for name in METHODS.keys() - UNBOUND:
        for method in (METHODS[name], getattr(mg.ones(2), name)):
            assert shows(inspect.getsource(method), METHODS[name]), name
    file = inspect.getsourcefile(inspect.unwrap(F.relu))
    assert file == str(PACKAGE / "ops" / "nn" / "activations.pyx")


def test_nothing_else_changes_for_a_compiled_function():
    assert len(COMPILED) > 200
    for function in COMPILED:
        shown = inspect.signature(function)
        while type(function.__wrapped__).__name__ != "function":  # decorated
            function = function.__wrapped__
        if function.__wrapped__.__code__.co_filename.endswith(".pyx"):  # else of Python, decorated
            assert shown == inspect.signature(function, follow_wrapped=False)
        assert inspect.isroutine(inspect.unwrap(function))
        assert inspect.getdoc(inspect.unwrap(function)) == inspect.getdoc(function)
        assert copy.deepcopy(function) is function
    for function in (F.relu, mg.softmax, mg.manual_seed):
        assert pickle.loads(pickle.dumps(function)) is function
    with pytest.raises(TypeError, match="call the compiled function itself"):
        inspect.unwrap(F.relu)(mg.ones(2))
    found = doctest.DocTestFinder(exclude_empty=False).find(sys.modules[F.relu.__module__])
    assert f"{F.relu.__module__}.relu" in {each.name for each in found}


def test_ipython_shows_the_source():
    oinspect = pytest.importorskip("IPython.core.oinspect")
    for function in (F.relu, mg.softmax, mg.ones(2).relu, nn.Linear, optim.Adam):
        assert shows(oinspect.getsource(function), function)  # relu??
        assert oinspect.find_file(function).endswith((".pyx", ".py"))  # %pfile relu


def test_a_file_is_cut_into_functions():
    lines = [
        "@a",
        "@b",
        "def f(",
        "    x,",
        "):",
        "    return x",
        "",
        "",
        "# -",
        "class G:",
        "    y",
    ]
    assert pieces.extent(lines, 2) == (0, 6)
    assert pieces.extent(lines, 9) == (9, 11)
    assert pieces.words('"""relu"""\nx = tanh(y)  # gelu\nz = "elu"') == {"x", "tanh", "y", "z"}


def test_source_shows_what_is_public():
    for name, value in PUBLIC.items():
        found = mg.source(value)
        text = str(found)
        assert shows(text, value), name
        assert repr(found) == text
        for file in {each.file for group in found.pieces.values() for each in group}:
            assert (PACKAGE.parent / file).is_file()
            assert file.as_posix() in text


def test_source_shows_the_methods_of_tensor():
    for name, method in METHODS.items():
        for each in (method, getattr(mg.ones(2), name)):
            assert shows(str(mg.source(each)), method), name
    for name in ("shape", "grad", "T"):
        assert "@property" in str(mg.source(f"Tensor.{name}")) or name == "T"


def test_source_of_an_operation_is_complete():
    for name in F.__all__:
        found = mg.source(getattr(F, name))
        if name in WITHOUT_DERIVATION:
            assert not found.derivation, name
            assert name == "one_hot" or "no derivation of its own" in str(found)
        else:
            assert found.derivation.startswith("# ") and f"{found.page}.md" in str(found), name
            assert found.rule and found.kernel and found.reference, name


def test_every_kernel_comes_with_its_twin_and_its_page():
    """From the kernel itself, and from an operation or an optimizer that calls it."""
    callers = [getattr(F, name) for name in F.__all__] + [mg.sum, mg.var, mg.matmul]
    callers += [optim.SGD, optim.Adam, optim.RMSprop]
    called = "".join(mg.source(each).kernel for each in callers)
    for name, home in KERNELS.items():
        assert f" {name}(" in called
        if name != subject.ELEMENTWISE:  # its twin is NumPy itself
            found = mg.source(getattr(sys.modules[home], name))
            assert f"def {name}(" in found.kernel and f"def {name}(" in found.reference
            assert found.derivation, name
    assert "UFUNCS[operation]" in mg.source("add").reference


def test_layers_and_optimizers_lead_to_their_kernels():
    found = mg.source(nn.Sequential(nn.BatchNorm1d(3))[0])
    assert list(found.parts) == ["layer", "rule", "kernel", "reference", "derivation"]
    assert "class _BatchNorm" in found.parts["layer"] and "cdef class" in found.rule
    found = mg.source(optim.AdamW([nn.Parameter(mg.ones(1))]))
    assert found.page == "adam" and "class Adam(" in found.parts["optimizer"]


def test_source_of_a_tensor_is_the_operation_that_made_it():
    x = mg.ones(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, mg.tensor([0, 1]))
    assert mg.source(loss).page == "cross_entropy"
    assert mg.source(loss.grad_fn).name == "CrossEntropy"


@pytest.mark.parametrize(
    ("name", "found"),
    [("relu", "relu"), ("F.gelu", "gelu"), ("mg.nn.Linear", "Linear"), ("DataLoader", "DataLoader"),
     (" minigrad.abs ", "absolute"), ("Tensor.item()", "Tensor.item"),
     ("Linear.forward", "Linear.forward")],
)  # fmt: skip
def test_a_name_is_enough(name, found):
    assert mg.source(name).name == found


class Net(nn.Module):
    pass


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ("adam", BookError, "no function or class 'adam'; is it 'Adam'"),
        ("Batchnorm1d", BookError, "is it 'BatchNorm1d'"),
        ("qqqqqq", BookError, "expected a function, a layer"),
        ("nn", BookError, "no function or class 'nn'"),
        ("", BookError, "no function or class ''"),
        (nn, TypeError, "minigrad.nn is a module; expected a function"),
        (3, TypeError, "expected a function.*got int"),
        (np.exp, TypeError, "expected a function.*got"),
        (None, TypeError, "got NoneType"),
        (print, TypeError, "got print of builtins"),
        (Net(), TypeError, "got Net of .*inspect.getsource"),
        (mg.ones(2), BookError, "no recorded operation made this tensor"),
    ],
)
def test_what_has_no_source_is_answered_in_words(wrong, kind, words):
    with pytest.raises(kind, match=f"source: .*{words}"):
        mg.source(wrong)


def test_names_are_looked_for_where_they_are():
    assert all(asked.public_names(home) for home in asked.HOMES)


def test_jupyter_shows_the_parts_folded():
    html = mg.source("softmax")._repr_html_()
    assert html.count("<details") == html.count("</details>") == 4
    assert "(&lt;object&gt;x.array).shape" in html


def test_import_leaves_the_heavy_rooms_alone():
    """`import minigrad` is quick because it imports only what every program needs."""
    code = "import numpy, sys; before = {*sys.modules}; import minigrad"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*{{*sys.modules}} - before)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(run.stdout.split())
    rooms = {
        "book", "datasets", "diagnosis", "learn", "autograd.explanation", "nn.linting.lint",
        "nn.utils.folding", "nn.utils.inspection", "nn.utils.summary",
    }  # fmt: skip
    assert not loaded & {f"minigrad.{room}" for room in rooms}
    others = {"difflib", "gzip", "inspect", "tempfile", "shutil", "subprocess", "webbrowser"}
    assert not loaded & others
    assert loaded >= {"minigrad.nn", "minigrad.nn.linting.record"}


def test_what_comes_later_is_there_for_whoever_looks():
    for owner, names in mg.absent.LATER.items():
        module = sys.modules[owner]
        for name, home in names.items():
            assert name in dir(module)
            assert getattr(module, name) is getattr(sys.modules[home or owner], name)


@pytest.mark.parametrize(
    ("value", "page"),
    [
        (F.cross_entropy, "cross_entropy"),
        (mg.ones(2).relu, "relu"),
        (nn.BatchNorm1d, "batch_norm"),
        (nn.Linear(1, 1), "linear"),
        (optim.AdamW, "adam"),
        (mg.save, None),
    ],
)
def test_explain_takes_what_source_takes(value, page):
    assert subject.derivation_of(value) == page


def test_explain_takes_the_name_of_a_function():
    assert opening.page_of_function("nn.BatchNorm2d") == "batch_norm"
    assert opening.page_of_function("F.gelu") == "gelu"
    assert opening.page_of_function("zebra") is None
