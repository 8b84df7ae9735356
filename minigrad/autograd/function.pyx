"""Operations written in Python: `autograd.Function`, with your own forward and backward."""

import math

cimport numpy as cnp
from cpython.ref cimport PyObject

import numpy as np

from .._runtime.array_pool cimport copied
from .._runtime.deallocation cimport Pending, drop_all, drop_later, pending_here
from ..errors import GraphError, ShapeError
from ..tensor cimport Function as Node
from ..tensor cimport Tensor, record, wrap
from .grad_mode cimport set_grad_mode

cnp.import_array()


cdef tuple PLAIN = (type(None), bool, int, float, str, np.generic)   # may stand among the outputs


class Context:
    """What `forward` leaves for `backward`: saved tensors, and anything else as attributes.

    `needs_input_grad` says of each argument of forward whether it wants a gradient.
    """

    def __init__(self, needs_input_grad):
        self.needs_input_grad = needs_input_grad
        self._to_save = ()
        self._node = None
        self._running = 0   # backward may run in several threads, or within itself
        self._constants = ()

    def save_for_backward(self, *tensors):
        """Keep tensors (or None), guarded against changes in place until backward reads them."""
        for each in tensors:
            if each is not None and not isinstance(each, Tensor):
                raise TypeError(
                    f"save_for_backward: expected Tensors or None, got {type(each).__name__}; "
                    "keep other values as attributes of ctx")
        self._to_save = tensors

    @property
    def saved_tensors(self):
        """What `save_for_backward` was given, while backward runs."""
        if self._node is None:
            raise GraphError("saved_tensors: there are none outside of backward")
        return self._node.saved_tensors()

    def mark_non_differentiable(self, *tensors):
        """Say that these outputs are constants."""
        self._constants = tensors

    def set_materialize_grads(self, value):
        """Accepted and without effect: backward gets zeros for an output that was not used."""

    def mark_dirty(self, *args):
        """Refused: forward must leave its inputs as they are."""
        raise GraphError(
            "mark_dirty: forward must not write to its inputs here; write to x.clone() and "
            "return that")


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

    def __call__(self, *inputs):
        name = type(self).__name__
        raise TypeError(f"{name}: use {name}.apply(…), on the class; it takes no instance")

    @staticmethod
    def forward(ctx, *inputs):
        """Compute the outputs; to be defined by the subclass."""
        raise NotImplementedError("Function: the subclass must define forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Compute the gradient of each input; to be defined by the subclass."""
        raise NotImplementedError("Function: the subclass must define backward(ctx, *grad_outputs)")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Save for backward, where forward has no ctx; to be defined by the subclass, if at all."""
        raise NotImplementedError("Function: the subclass defines no setup_context")

    @classmethod
    def apply(cls, *inputs):
        """Run forward, and record it if an input requires a gradient."""
        return apply(cls, inputs)


cdef class Custom(Node):
    """y = forward(x, …):  the gradients are what the backward of `operation` returns.

    A node has one output. Several are recorded as one vector, of which each is a slice; so their
    gradients add up without further code, like those of any other slices.
    """

    cdef object operation
    cdef object context
    cdef tuple positions  # of the Tensors among the arguments of forward
    cdef tuple inputs_are   # (shape, dtype) of each of these Tensors
    # (shape, dtype, start in the vector, or None: a constant); None for what is not a Tensor
    cdef tuple outputs_are
    cdef bint several
    cdef tuple own        # for each saved tensor: the number of the output that it is, or None

    def __dealloc__(self):   # the context may hold anything, the tensors before this one included
        cdef Pending *pending = pending_here()
        drop_later(pending, <PyObject *>self.context)
        self.context = None
        drop_all(pending)

    cdef backward(self, Tensor dy):
        context = self.context
        context._node = self
        context._running += 1
        try:
            answer = self.operation.backward(
                context, *[self.gradient_of(dy, i) for i in range(len(self.outputs_are))])
        finally:
            context._running -= 1
            if not context._running:
                context._node = None
        return self.checked(answer)

    cdef gradient_of(self, Tensor dy, Py_ssize_t number):
        """What backward gets for output `number`; None if that is not a Tensor."""
        return None if self.outputs_are[number] is None else self.output(dy, number)

    def saved_tensors(self):
        """What was saved. It is read only on demand: a backward that does not ask for it also runs
        after it was freed."""
        return tuple([
            x if number is None else self.output(x, number)
            for x, number in zip(self.saved(), self.own)
        ])

    cdef Tensor output(self, Tensor vector, Py_ssize_t number):
        """Output `number` out of what was recorded, or its gradient out of that gradient."""
        shape, dtype, start = self.outputs_are[number]
        if start is None:
            return wrap(np.zeros(shape, dtype.numpy))
        if not self.several:
            return vector
        return vector[start:start + math.prod(shape)].reshape(shape).to(dtype)

    cdef tuple checked(self, answer):
        """A gradient or None for each Tensor among the arguments."""
        cdef list gradients = []
        cdef str misshapen = ""
        given = answer if isinstance(answer, tuple) else (answer,)
        expected = len(self.context.needs_input_grad)
        if len(given) < expected or any([each is not None for each in given[expected:]]):
            raise GraphError(
                f"{self.name()}: returned {len(given)} gradients for {expected} inputs of forward "
                "(more: python -m minigrad book chain_rule#arrays)")
        for position, (shape, dtype) in zip(self.positions, self.inputs_are):
            dx = given[position]
            if dx is None:
                gradients.append(None)
                continue
            if not isinstance(dx, Tensor):
                raise TypeError(f"{self.name()}: gradient {position} must be a Tensor or None, "
                                f"got {type(dx).__name__}")
            dx = summed_to(dx, shape)
            if dx.shape != shape:
                misshapen = misshapen or (
                    f"{self.name()}: input {position} has shape {tuple(shape)}, got a gradient of "
                    f"shape {tuple(dx.shape)} (more: python -m minigrad book broadcasting#eq-1)")
            gradients.append(dx.to(dtype))
        if misshapen:
            error = ShapeError(misshapen)
            error.gradients = list(zip(self.inputs, gradients))   # gradcheck says more about them
            raise error
        return tuple(gradients)

    def name(self):
        return f"{self.operation.__name__}Backward"


cdef Tensor summed_to(Tensor dx, shape):
    """The gradient of an input of this shape that forward has broadcast: dx, summed to it."""
    cdef Py_ssize_t new = dx.ndim - len(shape)
    if dx.shape == shape or new < 0:
        return dx
    if any([n != 1 and n != dx.shape[new + i] for i, n in enumerate(shape)]):
        return dx
    dims = [*range(new), *[new + i for i, n in enumerate(shape) if n == 1]]
    return dx.sum(tuple(dims), keepdim=True).reshape(shape)


def apply(operation, inputs):
    """Run `operation.forward(ctx, *inputs)` and make its backward the history of the outputs."""
    positions = [position for position, x in enumerate(inputs) if isinstance(x, Tensor)]
    tensors = [inputs[position] for position in positions]
    context = Context(tuple([isinstance(x, Tensor) and x.requires_grad for x in inputs]))
    cdef bint recorded = set_grad_mode(False)
    cdef Custom node
    cdef Tensor whole
    try:
        if operation.setup_context is Function.setup_context:
            result = operation.forward(context, *inputs)
        else:
            result = operation.forward(*inputs)
            operation.setup_context(context, inputs, result)
    finally:
        set_grad_mode(recorded)
    outputs = list(result) if isinstance(result, tuple) else [result]
    for y in outputs:
        if not isinstance(y, Tensor) and not (isinstance(result, tuple) and isinstance(y, PLAIN)):
            raise TypeError(f"{operation.__name__}: forward must return Tensors, "
                            f"got {type(y).__name__}")
    varying = [i for i, y in enumerate(outputs)
               if isinstance(y, Tensor) and y.dtype.is_floating_point
               and not any([y is constant for constant in context._constants])]
    if not (recorded and varying and any(context.needs_input_grad)):
        return result

    node = Custom.__new__(Custom)
    node.operation, node.context = operation, context
    node.positions = tuple(positions)
    node.inputs_are = tuple([(x.shape, x.dtype) for x in tensors])
    node.several = len(varying) > 1
    starts = dict(zip(varying, np.cumsum([0] + [outputs[i].numel() for i in varying]).tolist()))
    node.outputs_are = tuple([
        (y.shape, y.dtype, starts.get(i)) if isinstance(y, Tensor) else None
        for i, y in enumerate(outputs)
    ])
    if node.several:
        whole = wrap(np.concatenate([(<Tensor>outputs[i]).array.ravel() for i in varying]))
    else:
        whole = separate(outputs[varying[0]], inputs)
    record(node, whole, tuple(tensors))

    numbers = [next((i for i in varying if outputs[i] is x), None) for x in context._to_save]
    node.own = tuple(numbers)
    node.save(tuple([x if number is None else whole
                     for x, number in zip(context._to_save, numbers)]))
    context._to_save = context._constants = ()
    for i in varying:
        outputs[i] = node.output(whole, i)
    return tuple(outputs) if isinstance(result, tuple) else outputs[0]


cdef Tensor separate(Tensor y, inputs):
    """y, or a copy if it is an input, a view, or has a history that must not be lost."""
    if y.base is None and not y.wants_grad() and not any([y is x for x in inputs]):
        return y
    return wrap(copied(y.array))
