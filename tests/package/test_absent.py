"""Names that torch has and minigrad has not are answered with what to write; older names work."""

import array
import importlib
import pickle
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import minigrad as mg
from minigrad import CheckpointError, ShapeError, nn, optim
from minigrad.absent.hints import HINTS, NUMPY

MODULES = [owner for owner in HINTS if owner.startswith("minigrad")]


@pytest.mark.parametrize("owner", MODULES)
def test_a_module_answers_for_what_it_does_not_have(owner):
    module = importlib.import_module(owner)
    for name, hint in HINTS[owner].items():
        assert not hasattr(module, name), f"{owner} has {name}: it is out of date in the table"
        with pytest.raises(
            AttributeError, match=f"{owner}.{name}: torch has it, minigrad"
        ) as error:
            getattr(module, name)
        assert str(error.value).endswith(hint)
    assert not set(HINTS[owner]) & set(dir(module))


@pytest.mark.parametrize(
    ("module", "written"),
    [
        (optim.adam, ["optim.Adam"]),
        (optim.sgd, ["optim.SGD"]),
        (nn.conv2d, ["nn.Conv2d", "nn.functional.conv2d"]),
        (nn.batch_norm, ["nn.BatchNorm1d", "nn.BatchNorm2d", "nn.functional.batch_norm"]),
        (nn.module, ["nn.Module"]),
        (mg.autograd.function, ["autograd.Function"]),
    ],
)
def test_a_module_with_the_name_of_a_class(module, written):
    written = " or ".join(f"{each}(…)" for each in written)
    with pytest.raises(TypeError, match=re.escape(f"cannot be called; write {written}") + "$"):
        module(3, lr=0.1)


def test_what_nobody_has_is_answered_as_usual():
    with pytest.raises(AttributeError, match="module 'minigrad.nn' has no attribute 'Liner'"):
        nn.Liner  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'LSTM'"):
        from minigrad.nn import LSTM  # noqa: F401


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        (nn, "Liner", "; is it 'Linear'?"),
        (nn, "gelu", "; is it 'GELU'?"),
        (optim, "adm", "; is it 'Adam' or 'AdamW'?"),
        (nn.functional, "rellu", "; is it 'relu'?"),
        (mg, "gradcheck", "; minigrad.autograd has it"),
        (mg, "lint", "; minigrad.nn has it"),
        (nn.Linear(1, 1), "wieght", "; is it 'weight'?"),
        (nn.Linear(1, 1), "lint", "; minigrad.nn has it"),
        (optim.SGD([mg.ones(1)]), "zero_gard", "; is it 'zero_grad'?"),
        (nn, "zebra", "'zebra'"),
        (nn, "_Linear", "'_Linear'"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_one_meant(owner, name, said):
    with pytest.raises(AttributeError) as error:
        getattr(owner, name)
    assert str(error.value).endswith(said)
    assert error.value.obj is None  # or Python would guess, too


@pytest.mark.parametrize("owner", [mg, nn, nn.Linear(1, 1), optim.SGD([mg.ones(1)])])
def test_hasattr_looks_for_no_near_name(owner, monkeypatch):
    """The search takes a hundred times longer than all the rest."""
    monkeypatch.setattr("difflib.get_close_matches", lambda *_, **__: pytest.fail("a search"))
    assert not hasattr(owner, "zebra")


def test_an_error_goes_to_another_process():
    with pytest.raises(AttributeError) as error:
        nn.Linear(1, 1).wieght  # noqa: B018
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    assert repr(error.value) == f"AttributeError({str(error.value)!r})"


@pytest.mark.parametrize(
    ("library", "name", "hint"),
    [("torch", *each) for each in HINTS["Tensor"].items()]
    + [("NumPy", *each) for each in NUMPY["Tensor"].items()],
)
def test_a_tensor_answers_for_methods_of_others(library, name, hint):
    for tensor in (mg.ones(2), nn.Parameter(mg.ones(2))):
        assert not hasattr(tensor, name)
        assert name not in dir(tensor), "an editor would offer it"
        with pytest.raises(AttributeError) as error:
            getattr(tensor, name)
        said = f"Tensor.{name}: {library} has it, minigrad has not; {hint}"
        assert str(error.value) == said
    assert {"relu", "shape", "__add__"} < {*dir(tensor)}


def test_python_finds_the_method_that_was_meant():
    """By itself, from what the error holds; what we would add costs each call of a method more."""
    program = "import minigrad; minigrad.ones(2).softmx(0)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert "Did you mean: 'softmax'?" in run.stderr


def test_modules_answer_too():
    for name, hint in HINTS["Module"].items():
        assert not hasattr(nn.Identity(), name)
        with pytest.raises(AttributeError, match="torch has it, minigrad has not") as error:
            getattr(nn.Identity(), name)
        assert str(error.value).endswith(hint)
    with pytest.raises(AttributeError, match="there is no GPU: leave it out"):
        nn.Linear(1, 1).cuda()
    with pytest.raises(ValueError, match="cuda: there is no GPU: leave it out"):
        mg.ones(1).cuda()
    for name in ("squeeze_", "unsqueeze_"):
        with pytest.raises(TypeError, match=rf"{name}: .*write x = x.{name[:-1]}\("):
            getattr(mg.ones(1), name)(0)


def test_the_table_names_only_what_torch_has(torch):
    for owner in MODULES:
        theirs = torch
        for part in owner.split(".")[1:]:
            theirs = getattr(theirs, part, None)
        for name in HINTS[owner]:
            if theirs is not None and name not in ("amp", "autocast", "tensorboard"):
                assert hasattr(theirs, name), f"torch has no {owner.partition('.')[2]}.{name}"
    for name in HINTS["Module"]:
        assert hasattr(torch.nn.Module, name)
    for name in HINTS["Tensor"]:
        assert hasattr(torch.Tensor, name)
    for name in NUMPY["Tensor"]:
        assert hasattr(np.ndarray, name) and not hasattr(torch.Tensor, name)


# --- what is not a name ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x80\x04\x95\x10", "is a pickle, which is never run here"),
        (b"\x93NUMPY\x01\x00v\x00", "is an .npy file: numpy.load reads it"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\n<html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"/annex/objects/MD5-s3--1", "is a pointer of git-annex"),
        (b"PK\x03\x04" + b"\0" * 26 + b"metadata.json", "is a model of Keras: load it there"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file: load it with Keras"),
        (b"\x08\x0a\x12\x08minigrad", "is an ONNX file"),
        (b'{"weight_map": {"a": "1.safetensors"}}', "is the index of a model in several files"),
        (b"", "is empty"),
        (b"\xff" * 100, "is not a safetensors file, or is cut off"),
    ],
)
def test_load_says_what_a_file_is(tmp_path, content, message):
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"load: .*weights' {message}"):
        mg.load(path)


def test_load_knows_the_archives_of_torch_and_numpy(tmp_path, torch):
    np.savez(tmp_path / "a.npz", weight=np.ones(2))
    torch.save({"weight": torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="is an .npz file: numpy.load reads it"):
        mg.load(tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match="is a file of torch.save, .*safetensors.torch.save_"):
        mg.load(tmp_path / "a.pt")
    assert zipfile.is_zipfile(tmp_path / "a.pt")


TAKERS = {  # of tensors, each in its own way
    "operator": lambda x: mg.ones(2) + x,
    "operator of theirs": lambda x: mg.Tensor.__radd__(mg.ones(2), x),
    "layer": lambda x: nn.Linear(2, 1)(x),
    "batch norm": lambda x: nn.BatchNorm1d(2)(x),
    "layer norm": lambda x: nn.LayerNorm(2)(x),
    "group norm": lambda x: nn.GroupNorm(1, 2)(x),
    "loss": lambda x: nn.functional.cross_entropy(mg.ones(1, 2), x),
    "weight of a loss": lambda x: nn.CrossEntropyLoss(weight=x),
    "index": lambda x: mg.ones(2)[x],
    "cat": lambda x: mg.cat([mg.ones(2), x]),
    "backward": lambda x: mg.ones(2, requires_grad=True).exp().backward(x),
    "grad": lambda x: setattr(mg.ones(2), "grad", x),
    "data": lambda x: setattr(mg.ones(2), "data", x),
    "parameter": lambda x: nn.Parameter(x),
    "init": lambda x: nn.init.zeros_(x),
    "clip": lambda x: nn.utils.clip_grad_norm_([x], 1.0),
    "optimizer": lambda x: optim.SGD([x]),
    "dataset": lambda x: mg.utils.data.TensorDataset(x),
    "from_numpy": lambda x: mg.from_numpy(x),
    "Variable": lambda x: mg.autograd.Variable(x),
}


@pytest.mark.parametrize("name", TAKERS)
def test_tensors_of_another_library(torch, name):
    with pytest.raises(TypeError, match=r"got torch.Tensor; minigrad.as_tensor\(…\) makes it a T"):
        TAKERS[name](torch.ones(2))


def test_modules_of_another_library(torch):
    with pytest.raises(TypeError, match="cannot assign 'torch.Linear' as module '0'"):
        nn.Sequential(torch.nn.Linear(2, 1))
    with pytest.raises(TypeError, match="expected a dictionary, got Linear; take its .state_dict"):
        nn.Linear(2, 1).load_state_dict(torch.nn.Linear(2, 1))


def test_a_tensor_from_theirs(torch):
    for make in (mg.tensor, mg.as_tensor):
        assert make(torch.ones(2, requires_grad=True)).tolist() == [1, 1]
        half = make(torch.tensor([1.5, -3.0]).bfloat16())
        assert half.dtype is mg.float32 and half.tolist() == [1.5, -3]
    with pytest.raises(TypeError, match="tensor: NumPy cannot read the Tensor: "):
        mg.tensor(torch.ones(2, device="meta"))


def test_a_dataset_of_theirs(torch):
    rows, labels = torch.arange(8.0).reshape(4, 2), torch.arange(4)
    loader = mg.utils.data.DataLoader(torch.utils.data.TensorDataset(rows, labels), batch_size=4)
    x, y = next(iter(loader))
    assert type(x) is mg.Tensor and x.tolist() == rows.tolist()
    assert y.dtype is mg.int64 and y.tolist() == labels.tolist()


def test_arrays_of_pythons_library():
    assert mg.tensor(array.array("d", [1, 2])).dtype is mg.float64
    assert mg.tensor(array.array("i", [1, 2])).tolist() == [1, 2]
    assert mg.tensor(memoryview(b"ab")).tolist() == [97, 98]
    with pytest.raises(TypeError, match=r"round: the number .* round\(x.item\(\), 2\)"):
        round(mg.tensor(1.25), 2)


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(3, 2), nn.Conv2d(3, 2, 1), nn.ConvTranspose2d(3, 2, 1), nn.BatchNorm1d(3),
     nn.BatchNorm1d(3).eval(), nn.BatchRenorm1d(3), nn.LayerNorm(3), nn.GroupNorm(1, 3)],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_float64_data_into_a_float32_model(layer):
    x = mg.tensor(np.ones((3, 3, 3)))
    with pytest.raises(TypeError, match=r"one dtype: input.float\(\), or model.double\(\)$"):
        layer(x)
    with pytest.raises(TypeError, match=r"one dtype: input.double\(\), or model.float\(\)$"):
        layer.double()(x.float())


def test_images_into_a_linear_layer():
    with pytest.raises(ShapeError, match=r"got \(5, 3, 2, 2\); nn.Flatten\(\) makes one row"):
        nn.Linear(12, 2)(mg.ones(5, 3, 2, 2))
    with pytest.raises(ShapeError, match=r"got \(3, 4\); x.reshape\(1, -1\) makes a row of one"):
        nn.Linear(12, 2)(mg.ones(3, 4))
    with pytest.raises(ShapeError, match=r"got \(5, 3\) \(more"):
        nn.Linear(12, 2)(mg.ones(5, 3))


def test_a_generator_that_was_used_up():
    parameters = nn.Linear(1, 1).parameters()
    list(parameters)
    with pytest.raises(ValueError, match="SGD: params is empty; a generator can be used only once"):
        optim.SGD(parameters)
    with pytest.raises(ValueError, match="SGD: params is empty; did the module register"):
        optim.SGD([])


def test_a_number_is_item():
    with pytest.raises(IndexError, match="1 indices for a 0-d tensor of shape .*is .item"):
        mg.ones(2).sum().data[0]


# --- older names ----------------------------------------------------------------------------------


def test_variable_is_a_leaf_on_the_same_memory(torch):
    for library in (mg, torch):
        x = library.ones(2, requires_grad=True)
        y = library.autograd.Variable(x * 2)
        assert not y.requires_grad and y.is_leaf
        z = library.autograd.Variable(x.detach(), requires_grad=True)
        (z * 3).sum().backward()
        assert z.grad.tolist() == [3, 3] and x.grad is None
    with pytest.raises(TypeError, match="Variable: data must be a Tensor, got list"):
        mg.autograd.Variable([1.0])


def test_the_message_of_a_name_is_text_wherever_it_is_read():
    for ask in (lambda: mg.nn.Linear(1, 1).wieght, lambda: mg.nn.Linaer):
        with pytest.raises(AttributeError) as caught:
            ask()
        error = caught.value
        assert error.args == (str(error),) and "is it '" in error.args[0]
        assert repr(error) == f"AttributeError({str(error)!r})"
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is AttributeError and again.args == error.args


def test_the_message_is_that_of_the_first_reading_and_can_be_replaced():
    layer = mg.nn.Linear(1, 1)
    with pytest.raises(AttributeError) as caught:
        layer.wieght  # noqa: B018
    said = str(caught.value)
    layer.wieghts = 1
    assert str(caught.value) == said
    caught.value.args = (f"{said}, in layer 3",)
    assert str(caught.value) == caught.value.args[0] == f"{said}, in layer 3"


def test_a_property_that_reads_what_is_not_there_is_not_asked_for_again():
    class Model(mg.nn.Module):
        @property
        def out(self):
            return self.missing

    with pytest.raises(AttributeError, match="'out': it is a property, and something that it"):
        Model().out  # noqa: B018


def test_modules_that_name_a_class_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(mg.nn.module)) is mg.nn.module


def test_what_is_yours_may_have_any_attribute(monkeypatch):
    namespace = mg.nn.Module()
    namespace.trainable, namespace.activation = True, "relu"
    monkeypatch.setattr(mg.optim.SGD, "lr", property(lambda self: 1, lambda self, lr: None), False)
    mg.optim.SGD([mg.ones(1, requires_grad=True)], lr=0.1).lr = 0.3


NAMES = ["FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "ByteTensor", "BoolTensor"]


@pytest.mark.parametrize("name", NAMES)
def test_constructors_by_type_name(torch, name):
    ours, theirs = getattr(mg, name), getattr(torch, name)
    for data in ([1, 0, 1], np.ones((2, 1)), [[1.0], [0.0]]):
        if not isinstance(data, np.ndarray):
            assert ours(data).tolist() == theirs(data).tolist()
        assert ours(data).type() == f"minigrad.{name}"
    assert ours(2, 3).shape == (2, 3) and ours().shape == (0,)
    x = mg.ones(2)
    for spec in (name, f"torch.{name}", f"minigrad.{name}", ours):
        assert x.type(spec).type() == f"minigrad.{name}"


def test_switches_that_a_cpu_lets_pass():
    import minigrad.backends.cudnn as cudnn

    cudnn.benchmark = True
    assert not mg.backends.mps.is_available() and not cudnn.is_available()
    mg.cuda.manual_seed_all(0)
    assert mg.cuda.device_count() == 0
    with mg.inference_mode():
        assert not (mg.ones(1, requires_grad=True) * 2).requires_grad
    assert mg.is_tensor(mg.ones(1)) and not mg.is_tensor(np.ones(1))
