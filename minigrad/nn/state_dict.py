"""The state of a module: what `state_dict` gives, `load_state_dict` takes, `to` converts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from .._checks import flag
from .._runtime.fp_warnings import quietly
from ..autograd import transaction
from ..dtypes import float32, float64
from ..errors import ShapeError
from ..ops.math.arguments import foreign_array
from ..tensor import Tensor


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class _IncompatibleKeys(_Keys):
    """What `load_state_dict` did not find, and what it had no use for."""

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


class StateDict:
    """What `Module` can do with its state as a whole; which tensors that is, it knows itself."""

    _modules: Any  # these four are Module's, the next two of a class that wants them
    _own_state: Any
    _persistent: Any
    _tensors: Any
    get_extra_state: Any
    set_extra_state: Any

    def state_dict(
        self,
        *,
        destination: OrderedDict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> OrderedDict[str, Any]:
        """An OrderedDict from path to tensor of all parameters and persistent buffers.

        As in torch the tensors are detached but share memory with the module: clone them, or
        deepcopy the dictionary, for a snapshot. What a `get_extra_state()` of one's own returns is
        in it, too, and is given to `set_extra_state` when it is loaded.
        """
        destination = OrderedDict() if destination is None else destination
        for key, tensor in self._own_state(prefix):
            destination[key] = tensor if keep_vars else tensor.detach()
        if hasattr(type(self), "get_extra_state"):
            destination[f"{prefix}_extra_state"] = self.get_extra_state()
        for name, module in self._modules.items():
            if module is not None:  # by its own method, which its class may have changed
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, *, allow_nonfinite: bool = False
    ) -> _IncompatibleKeys:
        """Copy the values of a state dict into this module: all of them, or none.

        A value is a Tensor, a NumPy array, or a tensor of another library on the CPU, float16 and
        bfloat16 among them: `load_state_dict(torch_model.state_dict())`. One error lists everything
        that does not fit: missing and unexpected keys (unless not strict), shapes (ShapeError),
        values of any other kind (TypeError), and values that are NaN, infinite or do not fit the
        dtype here (ValueError; `allow_nonfinite` lets them pass).
        As in torch, a batch norm's `num_batches_tracked` may be missing, since other libraries do
        not count batches: the counter here stays. One value of shape (1,) fits a tensor of ().
        Returns (missing_keys, unexpected_keys).
        """
        if not isinstance(state_dict, Mapping):
            kind = type(state_dict).__name__
            cure = "; take its .state_dict()" if hasattr(state_dict, "state_dict") else ""
            raise TypeError(f"load_state_dict: expected a dictionary, got {kind}{cure}")
        flag("load_state_dict", "strict", strict)
        flag("load_state_dict", "allow_nonfinite", allow_nonfinite)
        own = dict(self._persistent(""))
        for key in self._dispensable(state_dict):
            if key not in state_dict:
                own.pop(key, None)
        extra = dict(self._with_extra_state())
        missing = [key for key in (*own, *extra) if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own and key not in extra]
        problems: list[tuple[type[Exception], str]] = []
        if strict and unexpected:
            names = ", ".join(f'"{key}"' for key in unexpected)
            problems.append((RuntimeError, f"Unexpected key(s) in state_dict: {names}."))
        if strict and missing:
            names = ", ".join(f'"{key}"' for key in missing)
            problems.append((RuntimeError, f"Missing key(s) in state_dict: {names}."))
        tensors, arrays = [], []
        for key, tensor in own.items():
            if key not in missing:
                try:
                    arrays.append(_fitting(key, tensor, state_dict[key], allow_nonfinite))
                    tensors.append(tensor)
                except (ShapeError, TypeError, ValueError) as problem:
                    problems.append((type(problem), str(problem)))
        if problems:
            kinds = [kind for kind, _ in problems]
            worst = next(k for k in (ShapeError, TypeError, RuntimeError, ValueError) if k in kinds)
            lines = "\n\t".join(text for _, text in problems)
            raise worst(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}")
        for key, module in extra.items():
            if key in state_dict:
                module.set_extra_state(state_dict[key])
        transaction.assign("load_state_dict", tensors, arrays)
        return _IncompatibleKeys(missing, unexpected)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating parameters and buffers as `Tensor.to` would, in place; returns self."""
        tensors = [tensor for tensor in self._tensors() if _is_floating(tensor)]
        converted = [tensor.detach().to(*args, **kwargs) for tensor in tensors]
        if not all(map(_is_floating, converted)):
            raise TypeError(f"Module.to: the dtype must be a float, got {converted[0].dtype}")
        gradients = [
            None if tensor._grad is None else tensor._grad.detach().to(values.dtype)
            for tensor, values in zip(tensors, converted, strict=True)
        ]
        for tensor, values, gradient in zip(tensors, converted, gradients, strict=True):
            tensor.grad = None
            tensor.data = values
            tensor.grad = gradient
        return self

    def float(self) -> Self:
        """Convert floating parameters and buffers to float32; returns self."""
        return self.to(float32)

    def double(self) -> Self:
        """Convert floating parameters and buffers to float64; returns self."""
        return self.to(float64)

    def _with_extra_state(self):
        """Pairs (key, module) of those whose class takes more than tensors from a state dict."""
        for path, module in self.named_modules(remove_duplicate=False):
            if hasattr(type(module), "set_extra_state"):
                yield f"{path}._extra_state" if path else "_extra_state", module

    def _dispensable(self, state_dict):
        """The keys that a state dict of its version need not have.

        torch notes the version of each module in an attribute of its own state dicts; files and
        other libraries note none, which counts as the first.
        """
        versions = getattr(state_dict, "_metadata", None)
        versions = versions if isinstance(versions, Mapping) else {}
        for path, module in self.named_modules(remove_duplicate=False):
            noted = versions.get(path, {}).get("version")
            if noted is None or noted < 2:
                yield from (f"{path}.{name}" if path else name for name in module._younger)


def _is_floating(tensor):
    return tensor.dtype.is_floating_point


def _array_of(key, value):
    """The numbers of a Tensor, an array, or a tensor of another library."""
    kind = type(value)
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if kind in (np.ma.MaskedArray, type) or not hasattr(kind, "__array__"):
        raise TypeError(f"{key}: expected a Tensor or an array, got {kind.__name__}")
    array = foreign_array(key, value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{key}: expected real numbers, got {kind.__name__} of {array.dtype}")
    return array


def _fitting(key, tensor, value, allow_nonfinite):
    """A new array of the values for `tensor`, in its dtype; or the error that says why not."""
    source = _array_of(key, value)
    came = value.dtype if isinstance(value, Tensor) else source.dtype
    if tensor.ndim == 0 and source.shape == (1,):
        source = source.reshape(())
    if source.shape != tensor.shape:
        raise ShapeError(
            f"size mismatch for {key}: copying a param with shape {source.shape} from the "
            f"state dict, the shape in the current model is {tuple(tensor.shape)}"
        )
    array = quietly(source.astype, tensor.dtype.numpy, order="C")
    if not _is_floating(tensor):
        if not (array == source).all():
            raise ValueError(f"{key}: {came} values that {tensor.dtype} cannot hold")
    elif not allow_nonfinite and not np.isfinite(array).all():
        if np.isfinite(source).all():
            raise ValueError(f"{key}: {came} values that overflow {tensor.dtype}")
        raise ValueError(f"{key}: NaN or infinite values (allow_nonfinite=True lets them pass)")
    return array
