from typing import Any, NoReturn

from ..tensor import Tensor

class Context:
    """What `forward` leaves for `backward`: saved tensors, and anything else as attributes.

    `needs_input_grad` says of each argument of forward whether it wants a gradient.
    """

    needs_input_grad: tuple[bool, ...]
    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None: ...
    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or None), guarded against changes in place until backward reads them."""
    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` was given, while backward runs."""
    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs are constants."""
    def set_materialize_grads(self, value: bool) -> None:
        """Accepted and without effect: backward gets zeros for an output that was not used."""
    def mark_dirty(self, *args: Tensor) -> NoReturn:
        """Refused: forward must leave its inputs as they are."""

class Function:
    """An operation of your own: a subclass defines two static methods and is used through `apply`.

        class Square(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                (x,) = ctx.saved_tensors
                return dy * 2 * x

        y = Square.apply(x)

    forward runs unrecorded and returns a Tensor or a tuple of them, in which None, numbers and
    strings may stand, too. backward gets the gradient of each and returns one for each argument of
    forward (None where there is none); written with Tensor operations it can be differentiated
    again. A subclass may also define forward(*inputs) without ctx, and beside it
    setup_context(ctx, inputs, output), which saves. torch: autograd.Function.
    """
    def __call__(self, *inputs: Any) -> NoReturn: ...
    # For type checkers: with `**any`, a subclass may name its arguments as it likes.
    @staticmethod
    def forward(ctx: Any, *inputs: Any, **any: Any) -> Any:
        """Compute the outputs; to be defined by the subclass."""
    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any, **any: Any) -> Any:
        """Compute the gradient of each input; to be defined by the subclass."""
    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save for backward, where forward has no ctx; to be defined by the subclass, if at all."""
    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run forward, and record it if an input requires a gradient."""

def apply(operation: type[Function], inputs: tuple[Any, ...]) -> Any:
    """Run `operation.forward(ctx, *inputs)` and make its backward the history of the outputs."""
