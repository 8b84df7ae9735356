"""What stands in a folded model where a layer and its batch normalization stood.

The first now computes what both did, and the second passes its input on. So the two are right only
together: where their Sequential runs as a whole. A forward that runs its layers by hand (to keep
what is between them, say) gets an error instead of a wrong number. They recognize that by `inside`,
which a running Sequential hands to the layers that ask for it.
"""

from __future__ import annotations

from typing import Any, Self

from ...tensor import Tensor
from ..conv2d import Conv2d
from ..layers import Identity, Linear
from ..module import Module


class Whole:
    """What a Sequential that runs as a whole shows to halves of pairs, in it or further below."""

    def run(self, modules: Any, input: Any, inside: Any) -> Any:
        inside = (*inside, self)
        for _, module in modules._members(Module):
            if isinstance(module, Half) or vars(module).get("_whole") is not None:
                input = module(input, inside=inside)
            else:
                input = module(input)
        return input


def whole(chain: Any) -> Any:
    """The Whole of a Sequential, made if it has none yet."""
    if chain._whole is None:
        chain._whole = Whole()
    return chain._whole


class Half(Module):
    """Half of a folded pair. `_home` is the Whole that must be running, `_pair` both names."""

    def _stand(self, home, pair):
        self._home, self._pair = home, pair
        return self.eval()

    def forward(self, input: Any, inside: Any = ()) -> Tensor:
        if not any(each is self._home for each in inside):
            layer, norm = self._pair
            raise RuntimeError(
                f"{self}: fold_batch_norm put {norm} into {layer}, and both run only where their "
                "Sequential runs as a whole; call that, or run its layers in the model that is not "
                "folded"
            )
        return self._answer(input)


class Taken(Half, Identity):
    """In the place of the normalization."""

    def _answer(self, input):
        return input


class _FoldedLayer(Half):
    """A Linear or Conv2d that does the work of both.

    `_layer` computes, with the same parameters. Where a forward of another class can see the layer,
    it is `_sealed`: weight and bias are not those that this forward was written for. They are still
    in parameters() and state_dict().
    """

    @classmethod
    def of(cls, layer: Any, sealed: bool) -> Self:
        self = cls.__new__(cls)
        own = {name: vars(layer)[name].copy() for name in ("_kinds", "_forward_pre_hooks")}
        vars(self).update(vars(layer), **own, _forward_hooks={}, _layer=layer, _sealed=sealed)
        return self

    def _answer(self, input):
        return self._layer.forward(input)

    def _open(self, name):
        if self._sealed:
            layer, norm = self._pair
            raise RuntimeError(
                f"{self}: fold_batch_norm put {norm} into {layer}, whose {name} has been "
                "replaced; a forward that uses it by itself needs the model that is not folded "
                "(state_dict() and named_parameters() show it)"
            )
        return vars(self)[name]

    @property
    def weight(self) -> Any:
        return self._open("weight")

    @property
    def bias(self) -> Any:
        return self._open("bias")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("weight", "bias"):
            self._open(name)
            setattr(self._layer, name, value)
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        return self._layer.extra_repr()


class FoldedLinear(_FoldedLayer, Linear):  # type: ignore[override]
    pass


class FoldedConv2d(_FoldedLayer, Conv2d):  # type: ignore[override]
    pass


# When a model is printed or its layers are counted, they look as before.
FoldedLinear.__name__, FoldedConv2d.__name__, Taken.__name__ = "Linear", "Conv2d", "Identity"


def plain(layer: Any) -> Any:
    """The layer that computes."""
    return layer._layer if isinstance(layer, _FoldedLayer) else layer
