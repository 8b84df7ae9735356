"""Wrong arguments are answered in our words, not in Python's or NumPy's from somewhere inside."""

import re

import numpy as np
import pytest
from helpers import call_promises, malformed
from helpers.bad_values import JUNK, THEIRS
from helpers.fresh_values import FRESH
from helpers.valid_calls import VALID

import minigrad as m
from minigrad import ShapeError, nn, optim
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.optim import lr_scheduler
from minigrad.utils.data import DataLoader, Subset, default_collate, random_split

TWO = np.ones(2)  # whose truth is ambiguous
ZERO_D = np.array(3.0)  # which can be neither walked through nor measured


def fresh(name):
    return FRESH[name]()


def circle():
    samples = []
    samples.append(samples)
    return samples


def adam_with(step):
    adam = fresh("adam")
    state = adam.state_dict()
    state["state"][0]["step"] = step
    adam.load_state_dict(state)


CALLS = {
    "gelu": (lambda: F.gelu(fresh("x"), approximate=TWO), ValueError, "gelu: approximate must be"),
    "GELU": (lambda: nn.GELU(TWO), ValueError, "GELU: approximate must be 'none' or 'tanh', got"),
    "padding": (lambda: F.conv2d(fresh("image"), fresh("filters"), padding=np.ones(3)),
                TypeError, "conv2d: padding must be an integer or a pair"),
    "conv2d groups": (lambda: F.conv2d(fresh("image"), fresh("filters"), groups=2**63),
                      ShapeError, "conv2d: .*groups = 9223372036854775808"),
    "group_norm groups": (lambda: F.group_norm(fresh("x"), 2**64), ShapeError,
                          "group_norm: 3 channels do not fall into 18446744073709551616 groups"),
    "reduction": (lambda: nn.MSELoss(reduction=TWO), ValueError, "MSELoss: reduction must be"),
    "mode": (lambda: init.kaiming_normal_(fresh("z"), mode=TWO), ValueError,
             "kaiming_normal_: mode must be 'fan_in' or 'fan_out', got"),
    "slope": (lambda: init.kaiming_uniform_(fresh("z"), a=None), TypeError,
              "kaiming_uniform_: a must be a number, got None"),
    "one_hot": (lambda: F.one_hot(fresh("labels"), 2**64), MemoryError,
                "one_hot: for 18446744073709551616 classes: "),
    "max_norm": (lambda: nn.utils.clip_grad_norm_([fresh("graded")], TWO), TypeError,
                 "clip_grad_norm_: max_norm must be a number"),
    "norm_type": (lambda: nn.utils.clip_grad_norm_([fresh("graded")], 1.0, TWO), TypeError,
                  "clip_grad_norm_: norm_type must be a number > 0, or 'inf'"),
    "clipped": (lambda: nn.utils.clip_grad_norm_(ZERO_D, 1.0), TypeError,
                "clip_grad_norm_: parameters must be Tensors in a list, got ndarray"),
    "SGD": (lambda: optim.SGD(ZERO_D, 0.1), TypeError, "SGD: params must be tensors or groups"),
    "SGD of a module": (lambda: optim.SGD(nn.Linear(1, 1), 0.1), TypeError,
                        "SGD: params must be tensors or groups in a list .*, got Linear"),
    "SGD of a method": (lambda: optim.SGD(nn.Linear(1, 1).parameters, 0.1), TypeError,
                        "SGD: params must be tensors or groups in a list .*, got method"),
    "group": (lambda: fresh("adam").add_param_group({"params": ZERO_D}), TypeError,
              "Adam: 'params' of a group must be tensors in a list"),
    "steps": (lambda: adam_with(2**63), ValueError, "parameter 0: step must be .* <= 46116860184"),
    "milestones": (lambda: lr_scheduler.MultiStepLR(fresh("sgd"), m.tensor(3)), TypeError,
                   "MultiStepLR: milestones must be epochs in a list, got Tensor"),
    "dataset": (lambda: Subset(ZERO_D, [0]), TypeError, "Subset: dataset must have a length"),
    "split": (lambda: random_split(m.tensor(1.0), [1]), TypeError,
              "random_split: dataset must have a length, got Tensor"),
    "loaded": (lambda: DataLoader(ZERO_D), TypeError, "DataLoader: dataset must have a length"),
    "rows": (lambda: Subset(fresh("dataset"), [fresh("x")[0, 0]]), TypeError,
             "Subset: indices must be a sequence of integers"),
    "workers": (lambda: DataLoader(fresh("dataset"), num_workers=TWO), TypeError,
                "DataLoader: num_workers must be an integer"),
    "pinned": (lambda: DataLoader(fresh("dataset"), pin_memory=TWO), TypeError,
               "DataLoader: pin_memory must be True or False"),
    "a circle": (lambda: default_collate(circle()), ValueError, "nested deeper than 100 levels"),
    "a list and a number": (lambda: default_collate([[1], 2]), TypeError,
                            "DataLoader: the samples of a batch differ in kind: list and int"),
    "an array and a number": (lambda: default_collate([TWO, 2]), TypeError,
                              "DataLoader: .* differ in kind: ndarray and int"),
    "unequal arrays": (lambda: default_collate([np.ones(2), np.ones(3)]), ShapeError,
                       r"arrays of a batch differ in shape: \[\(2,\), \(3,\)\]"),
    "a float and None": (lambda: default_collate([1.0, None]), TypeError, "tensor: .*NoneType"),
    "a slice": (lambda: fresh("sequence")[slice("a")], TypeError, "Sequential: slice"),
    "a slice of a list": (lambda: nn.ModuleList()[slice(0, 1, 0)], ValueError, "ModuleList: slice"),
    "del": (lambda: fresh("sequence").__delitem__(slice("a")), TypeError, "Sequential: slice"),
    "index": (lambda: fresh("sequence")[7], IndexError, "Sequential: index 7 is out of range for"),
    "extend": (lambda: fresh("sequence").extend(ZERO_D), TypeError, "Sequential.extend: modules"),
    "ModuleList": (lambda: nn.ModuleList(m.tensor(1)), TypeError, "ModuleList.extend: modules"),
    "ModuleDict": (lambda: nn.ModuleDict({"a": nn.ReLU()})["b"], KeyError,
                   r"ModuleDict: no module is called 'b', only \['a'\]"),
    "classes": (lambda: m.datasets.blobs(6, 2**63), ValueError, "blobs: samples and classes must"),
    "samples": (lambda: m.datasets.moons(2**64), ValueError, "moons: samples and classes must be"),
    "path": (lambda: m.load("\ud800"), ValueError, "load: path .* is not a valid file name"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_the_error_names_the_call_and_the_argument(name):
    call, error, words = CALLS[name]
    with pytest.raises(Exception, match=words) as caught:
        call()
    assert type(caught.value) is error


RAW = re.compile(
    "object has no attribute|unsupported operand|not iterable|not subscriptable|not callable|"
    r"has no len\(\)|unsized object|iteration over|truth value|cannot unpack|values to unpack|"
    r"zip\(\)|list index|unhashable|not supported between|can't multiply|can only concatenate|"
    "invalid literal|could not convert|must be real number|Python int too large|inhomogeneous|"
    "setting an array element|ufunc|same shape$|Maximum allowed size|Cannot compare|recursion"
)
WRONG = ["None", "'a'", "1.0", "2**63", "[]", "[None]", "circle", "object", "array()", "array[2]"]
WRONG += ["array of object", "tensor()", "node", "Module", "{'a': 1}", "[[1], [2, 3]]"]
LINES = [
    line
    for line in VALID.strip().splitlines()
    if not line.startswith(("m.", "x.", "z.", "np.", "g.", "setattr", "Double"))  # Tensors
    and not line.startswith(("sgd.step", "schedule.LambdaLR", "sequence.apply"))  # run a function
    and not line.startswith(("sequence.parameters", "sequence.named", "sequence.buffers"))  # truths
] + [line for line in VALID.strip().splitlines() if line.startswith(("m.datasets", "m.save"))]


@pytest.mark.parametrize("line", LINES)
def test_no_wrong_argument_is_answered_in_pythons_words(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make = malformed.template(line)
    valid = make()
    for place in [*range(len(valid.args)), *valid.kwargs]:
        for name in WRONG:
            call = make()
            (call.args if isinstance(place, int) else call.kwargs)[place] = JUNK[name]()
            try:
                call.run()
            except Exception as error:
                text = str(error)
                if not any(words in text for words in THEIRS):
                    assert not RAW.search(text), (place, name, error)
                    assert not isinstance(error, call_promises.NEVER), (place, name, error)
                    assert not isinstance(error, (AttributeError, AssertionError)) or (
                        call.function.__name__ in malformed.FINDERS
                    ), (place, name, error)
