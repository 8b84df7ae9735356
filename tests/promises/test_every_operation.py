"""Every exported operation: derivatives of order 1 and 2, dtypes, memory. The list: operations.py.

A name that is exported and stands neither there nor among those without derivative is an error.
"""

import itertools
import warnings

import numpy as np
import pytest
from helpers.derivatives import (
    backward,
    by_differences,
    cotangents,
    derivatives,
    error,
    error_along,
    floating,
    slopes,
    tensors,
)
from helpers.layouts import LAYOUTS, stretched
from helpers.operations import OPERATIONS, WITHOUT_DERIVATIVE
from helpers.rest_slow import rest_slow
from helpers.sample_inputs import Spy

import minigrad as mg
from minigrad.absent import NoMethod

every_operation = pytest.mark.parametrize("name", OPERATIONS)
every_third_operation = pytest.mark.parametrize(  # the others with the slow tests
    "name", rest_slow(OPERATIONS, list(OPERATIONS)[::3])
)
COUNTS = {"operations": 179, "samples": 1112, "layouts": 5}  # promised in docs/promises.md
PRODUCTS = {
    "matmul", "mm", "Tensor.__matmul__", "Tensor.__rmatmul__", "nn.functional.linear",
    "nn.functional.conv2d", "nn.Sequential", "bmm", "mv", "dot", "nn.functional.conv_transpose2d",
    "nn.functional.avg_pool2d", "nn.ConvTranspose2d", "nn.AvgPool2d",
}  # fmt: skip


def arrays_of(sample, seed=0):
    return [x.array(number, seed) for number, x in enumerate(sample.inputs)]


# --- none is missing ------------------------------------------------------------------------------


def public_names():
    """Path and object of everything public that can be called, and of Tensor's properties."""
    for prefix, owner in (
        ("", mg), ("nn.", mg.nn), ("nn.functional.", mg.nn.functional), ("nn.utils.", mg.nn.utils)
    ):  # fmt: skip
        for name in owner.__all__:
            found = getattr(owner, name)
            if callable(found):
                yield prefix + name, found
    ignored = {"__array_priority__", "__doc__", "__new__", "__pyx_vtable__", "__reduce__"}
    ignored.add("__dir__")
    for name, found in vars(mg.Tensor).items():
        if isinstance(found, NoMethod):
            continue
        if name.startswith("__") and name not in ignored or not name.startswith("_"):
            yield f"Tensor.{name}", found


def find(path):
    found = mg
    for name in path.split("."):
        found = getattr(found, name)
    return found


def test_no_public_name_is_missing():
    """Each is called by a sample, under this name or another, or has no derivative."""
    known = {id(find(path)) for path in (*OPERATIONS, *WITHOUT_DERIVATIVE)}
    known_names = {*OPERATIONS, *WITHOUT_DERIVATIVE}
    missing = [
        path for path, found in public_names()
        if id(found) not in known and path not in known_names
    ]  # fmt: skip
    assert missing == []


def test_the_registry_names_only_what_exists():
    for path in (*OPERATIONS, *WITHOUT_DERIVATIVE):
        find(path)
    assert not set(OPERATIONS) & set(WITHOUT_DERIVATIVE)
    assert all(reason for reason in WITHOUT_DERIVATIVE.values())


def test_what_is_promised():
    samples = sum(len(samples) for samples in OPERATIONS.values())
    assert {"operations": len(OPERATIONS), "samples": samples, "layouts": len(LAYOUTS)} == COUNTS


@every_operation
def test_the_samples_call_what_they_are_listed_under(name):
    for sample in OPERATIONS[name]:
        seen = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sample.call(Spy(mg, seen), *tensors(mg, arrays_of(sample)))
        assert name in seen or f"Tensor.{name}" in seen, seen


# --- derivatives ----------------------------------------------------------------------------------


@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_first_and_second_derivative(name):
    """Relative error ≤ 1e-7 against differences of order h⁴, along a random direction per input."""
    for sample in OPERATIONS[name]:
        if sample.differences:
            _, first, second = derivatives(mg, sample.call, arrays_of(sample))
            expected = by_differences(sample.call, arrays_of(sample), 1, slopes)
            assert error_along(first, expected) <= 1e-7
            expected = by_differences(sample.call, arrays_of(sample), 2, slopes)
            assert error_along(second, expected) <= 1e-7


@pytest.mark.slow
@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_every_entry_of_both_derivatives(name):
    """Relative error ≤ 1e-7 against differences of order h⁴; ≤ 1e-10 against torch's."""
    for sample in OPERATIONS[name]:
        if sample.differences:
            _, first, second = derivatives(mg, sample.call, arrays_of(sample))
            assert error(first, by_differences(sample.call, arrays_of(sample), 1)) <= 1e-7
            assert error(second, by_differences(sample.call, arrays_of(sample), 2)) <= 1e-7


@every_third_operation
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_first_and_second_derivative_are_torchs(torch, name):
    for sample in OPERATIONS[name]:
        if sample.torch:
            ours = derivatives(mg, sample.call, arrays_of(sample))
            theirs = derivatives(torch, sample.torch, arrays_of(sample))
            for a, b in zip(ours, theirs, strict=True):
                assert error(a, b) <= 1e-10


def test_every_sample_has_a_judge():
    for name, samples in OPERATIONS.items():
        assert all(sample.differences or sample.torch for sample in samples), name


# --- dtypes ---------------------------------------------------------------------------------------


def dtypes_of(m, call, arrays):
    """Names of the dtypes of all outputs and gradients, or that the call is refused."""
    xs = tensors(m, arrays)
    try:
        results = call(m, *xs)
    except (TypeError, ValueError, RuntimeError):
        return "refused"
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    ys = [y for y in results if y.requires_grad]
    dxs = backward(m, ys, [x for x in xs if x.requires_grad], [m.ones_like(y) for y in ys])
    return [str(each.dtype).split(".")[-1] for each in results + dxs]


def mixtures(sample):
    """Every choice of float32, float64 and int64 for the float inputs."""
    arrays = arrays_of(sample)
    floats = [a.dtype.kind == "f" for a in arrays]
    kinds = [("float32", "float64", "int64") if each else ("as it is",) for each in floats]
    for choice in itertools.product(*kinds):
        yield choice, [
            a if kind == "as it is"  # integers ≥ 1, so that nothing is divided by 0
            else np.asarray(abs(a) + 1 if kind == "int64" else a).astype(kind)
            for a, kind in zip(arrays, choice, strict=True)
        ]  # fmt: skip


REFUSES_INTEGERS = {
    "nn.functional.linear", "nn.functional.conv2d", "nn.functional.max_pool2d",
    "nn.functional.conv_transpose2d", "nn.functional.avg_pool2d", "nn.functional.embedding",
    "nn.functional.l1_loss", "nn.ConvTranspose2d", "nn.Embedding", "nn.L1Loss",
}  # fmt: skip
# batch_renorm as batch_norm does, torch's is put together; bmm also of no matrices at all; a bias.
REFUSES_MIXTURES = {
    "nn.functional.batch_renorm", "bmm", "nn.functional.conv_transpose2d", "nn.ConvTranspose2d",
}  # fmt: skip
CONVERTS = {
    "Tensor.scatter_", "scatter", "nn.Identity", "nn.Flatten", "nn.ReLU", "nn.Sigmoid", "nn.Tanh",
    "nn.functional.binary_cross_entropy", "nn.BCELoss",
}  # fmt: skip
# There a float64 input keeps its dtype, whatever the target's; torch gives that of the target.
KEEPS_THE_INPUTS = {"nn.functional.binary_cross_entropy_with_logits", "nn.BCEWithLogitsLoss"}


@every_operation
@pytest.mark.filterwarnings("ignore:.*degrees of freedom", "ignore:.*:RuntimeWarning")
def test_dtypes_are_torchs(torch, name):
    """Outputs and gradients, for every mixture of float32, float64 and int64 inputs."""
    for sample in OPERATIONS[name][:3]:
        for choice, arrays in mixtures(sample):
            ours = dtypes_of(mg, sample.call, arrays)
            if set(choice) <= {"float32", "as it is"} and not name.endswith(TO_FLOAT64):
                assert ours != "refused" and "float64" not in ours
            if sample.torch is None or name in KEEPS_THE_INPUTS and len(set(choice)) > 1:
                continue
            theirs = dtypes_of(torch, sample.torch, arrays)
            if ours == "refused" and theirs != "refused":
                assert name in REFUSES_INTEGERS and "int64" in choice or name in REFUSES_MIXTURES
            elif theirs == "refused" and ours != "refused":
                assert name in CONVERTS
            else:
                assert ours == theirs, choice


TO_FLOAT64 = ("Tensor.to", "Tensor.type", "Tensor.double", "sum", "mean")  # asked for by a sample


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_numbers_widen_nothing(torch, number, dtype):
    """Python's and NumPy's: a float32 tensor stays float32 with every operator."""
    for name in "add radd mul rmul truediv rtruediv pow rpow mod rmod".split():
        ours = getattr(mg.Tensor, f"__{name}__")(mg.tensor(np.array([1, 2], dtype)), number)
        given = number.item() if isinstance(number, np.generic) else number
        theirs = getattr(torch.Tensor, f"__{name}__")(torch.tensor(np.array([1, 2], dtype)), given)
        assert ours.dtype.name == str(theirs.dtype).split(".")[1], name


# --- where the values lie -------------------------------------------------------------------------

@every_third_operation
def test_the_layout_changes_nothing(name):
    """Values and both derivatives are those of the C-contiguous array, up to rounding."""
    for sample in OPERATIONS[name]:
        arrays = arrays_of(sample)
        cases = {
            layout: [lay_out(a) if a.ndim else a.copy() for a in arrays]
            for layout, lay_out in LAYOUTS.items()
        }
        cases["stride 0"] = [stretched(a, 0) if a.ndim and len(a) else a.copy() for a in arrays]
        values = [np.array(a, order="C") for a in cases["stride 0"]]  # others than before
        of_arrays, of_values = (derivatives(mg, sample.call, each) for each in (arrays, values))
        for layout, laid in cases.items():
            try:
                found = derivatives(mg, sample.call, laid)
            except mg.ShapeError as refusal:
                assert name in ("Tensor.view", "Tensor.view_as") and "reshape()" in str(refusal)
                continue
            expected = of_values if layout == "stride 0" else of_arrays
            for a, b in zip(found, expected, strict=True):
                assert error(a, b) <= 1e-12, layout


def eight_memories(array, path):
    """What other programs hand over: the same values, elsewhere; (array, whether it is refused)."""
    frozen = array.copy()
    frozen.flags.writeable = False
    path.write_bytes(array.tobytes() or b"0")
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    unaligned = np.frombuffer(raw, array.dtype, array.size).reshape(array.shape)
    unaligned[...] = array
    return {
        "read-only": (frozen, False),
        "memmap": (np.memmap(path, array.dtype, "r", shape=array.shape), False),
        "Fortran order": (np.array(array, order="F"), False),
        "negative strides": (np.asarray(np.flip(np.flip(array).copy())), False),
        "0-d of the whole": (array.reshape((1, *array.shape))[0, ...], False),
        "unaligned": (unaligned, "aligned"),
        "big-endian": (array.astype(array.dtype.newbyteorder(">")), "byte order"),
        "masked": (np.ma.masked_array(array), "masked array"),
    }


@every_operation
def test_odd_memory_gives_the_same_bits_or_a_named_refusal(name, tmp_path):
    """Products that a BLAS computes: equal but for rounding. Each layout has its own loop there."""
    sample = OPERATIONS[name][0]
    arrays = arrays_of(sample)
    expected = derivatives(mg, sample.call, [a.copy() for a in arrays])
    kinds = [eight_memories(a, tmp_path / str(number)) for number, a in enumerate(arrays)]
    if name in ("Tensor.view", "Tensor.view_as"):
        kinds[0].pop("Fortran order"), kinds[0].pop("negative strides")  # refused, see above
    for kind in kinds[0]:
        given, refused = zip(*(each[kind] for each in kinds), strict=True)
        if refused[0]:
            for array, word in zip(given, refused, strict=True):
                if array.dtype.itemsize > 1:
                    with pytest.raises((TypeError, ValueError), match=word):
                        mg.from_numpy(array)
            if kind == "masked":
                continue
            given = [mg.tensor(array).numpy() for array in given]
        found = derivatives(mg, sample.call, given)
        for a, b in zip(itertools.chain(*found), itertools.chain(*expected), strict=True):
            if name in PRODUCTS:
                room = 1e-13 if a.dtype == np.float64 else 1e-5
                np.testing.assert_allclose(a, b, rtol=room, atol=room, err_msg=kind)
            else:
                assert np.array_equal(a, b, equal_nan=True), kind


# --- memory of gradients --------------------------------------------------------------------------


@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_nothing_given_is_written_and_no_gradients_share_memory(name):
    """All arrays are read-only (see `tensors`); dy is one array, given to several outputs."""
    for sample in OPERATIONS[name]:
        arrays = arrays_of(sample)
        before = [a.copy() for a in arrays]
        xs = tensors(mg, arrays)
        ys = [y for y in floating(sample.call(mg, *xs)) if y.requires_grad]
        dys = tensors(mg, cotangents(ys, 1))
        for y, dy in zip(ys, dys, strict=True):
            y.backward(dy.detach().to(y.dtype), retain_graph=True)
        memory = [x.grad.numpy() for x in xs if x.grad is not None]
        assert all(x.grad is not None for x in xs if x.requires_grad)
        memory += [dy.detach().numpy() for dy in dys] + arrays
        for i, a in enumerate(memory):
            assert not any(np.shares_memory(a, b) for b in memory[i + 1:])
        assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


# --- deeper ---------------------------------------------------------------------------------------


@pytest.mark.slow
@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_third_derivative(name):
    """Second derivatives of the gradient of Σ dy · sin y (which is linear in nothing)."""
    for sample in OPERATIONS[name]:
        given = tensors(mg, arrays_of(sample))
        floats = [i for i, x in enumerate(given) if x.dtype.is_floating_point]

        def gradient(*xs, sample=sample, given=given, floats=floats):
            mg.manual_seed(0)  # a layer draws its weights, which are replaced
            with mg.enable_grad():
                all_of_them = list(given)
                for i, x in zip(floats, xs, strict=True):
                    all_of_them[i] = x if x.requires_grad else x.detach().requires_grad_()
                leaves = [all_of_them[i] for i in floats]
                ys = [y.sin() for y in floating(sample.call(mg, *all_of_them))]
                dys = [mg.tensor(dy) for dy in cotangents(ys, 1)]
                dxs = backward(mg, ys, leaves, dys, True)
                return tuple(dx + 0 * x for dx, x in zip(dxs, leaves, strict=True))

        if sample.differences:
            try:
                mg.autograd.gradgradcheck(
                    gradient, [given[i] for i in floats], atol=1e-6, rtol=1e-6
                )
            except ValueError as zero:
                assert "every second derivative is 0" in str(zero)


@pytest.mark.slow
@every_operation
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:.*degrees of freedom")
def test_other_values(torch, name, seed):
    """Both derivatives are torch's for other random numbers, too."""
    for sample in OPERATIONS[name]:
        if sample.torch:
            ours = derivatives(mg, sample.call, arrays_of(sample, seed))
            theirs = derivatives(torch, sample.torch, arrays_of(sample, seed))
            for a, b in zip(ours, theirs, strict=True):
                assert error(a, b) <= 1e-10


@pytest.mark.slow
@every_operation
def test_the_reference_kernels_give_the_same_derivatives(name):
    for sample in OPERATIONS[name]:
        compiled = derivatives(mg, sample.call, arrays_of(sample))
        with mg.use_kernels("reference"):
            reference = derivatives(mg, sample.call, arrays_of(sample))
        for a, b in zip(compiled, reference, strict=True):
            assert error(a, b) <= 1e-11
