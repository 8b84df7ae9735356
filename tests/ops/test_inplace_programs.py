"""Random programs of views, writes and reads end as torch's do, or are refused."""


import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import normal

import minigrad as mg


def under_no_grad(step):
    def quiet(m, *arguments):
        with m.no_grad():
            return step(m, *arguments)

    return quiet


def add_to_row(m, a, b, c):
    a[0] += c


def multiply_in_place(m, a, b, c):
    a *= b


STEPS = {
    "times c": lambda m, a, b, c: a * c,
    "times": lambda m, a, b, c: a * b,
    "plus": lambda m, a, b, c: a + b,
    "exp": lambda m, a, b, c: (a * 0.1).exp(),
    "flat": lambda m, a, b, c: a.view(-1),
    "transpose": lambda m, a, b, c: a.transpose(0, 1),
    "first": lambda m, a, b, c: a[0],
    "second column": lambda m, a, b, c: a[..., 1],
    "rest": lambda m, a, b, c: a[1:],
    "every other": lambda m, a, b, c: a[..., ::2],
    "unsqueeze": lambda m, a, b, c: a.unsqueeze(0),
    "detach": lambda m, a, b, c: a.detach(),
    "clone": lambda m, a, b, c: a.clone(),
    "zeros": lambda m, a, b, c: m.zeros(2, 3, dtype=m.float64),
    "add_ c": lambda m, a, b, c: a.add_(c),
    "mul_ c": lambda m, a, b, c: a.mul_(c),
    "add_": lambda m, a, b, c: a.add_(b),
    "mul_": lambda m, a, b, c: a.mul_(b),
    "div_": lambda m, a, b, c: a.div_(b),
    "sub_": lambda m, a, b, c: a.sub_(b),
    "pow_": lambda m, a, b, c: a.pow_(2),
    "copy_": lambda m, a, b, c: a.copy_(b),
    "zero_": lambda m, a, b, c: a.zero_(),
    "fill_": lambda m, a, b, c: a.fill_(c),
    "set number": lambda m, a, b, c: a.__setitem__(0, c),
    "set tensor": lambda m, a, b, c: a.__setitem__(0, b[0] * c),
    "add to row": add_to_row,
    "multiply": multiply_in_place,
}
for name in ("add_ c", "mul_", "set number", "copy_"):
    STEPS[f"no_grad {name}"] = under_no_grad(STEPS[name])
READ_WHILE_WRITING = [
    "add_", "mul_", "div_", "sub_", "copy_", "multiply", "no_grad mul_", "no_grad copy_"
]  # fmt: skip
# What torch refuses and we do right: operands that overlap, a saved value changed but not needed,
# a view of a clone (which is always contiguous here).
STRICTER = ("unsupported operation", "modified by an inplace", "a leaf Variable", "view size")


def random_program(torch, seed, length=12):
    """Run the same random steps here and in torch; everything must agree after each."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0.5, 2, (3, 2, 3))
    ours, theirs = [], []
    for m, tensors in ((mg, ours), (torch, theirs)):
        for i in range(3):
            tensors.append(m.tensor(start[i].copy(), requires_grad=i < 2))
    for _ in range(length):
        name = rng.choice(list(STEPS))
        i, j = rng.integers(len(ours), size=2)
        c = float(rng.uniform(0.5, 1.5))
        outcomes = []
        for m, tensors in ((mg, ours), (torch, theirs)):
            try:
                new = STEPS[name](m, tensors[i], tensors[j], c)
            except (RuntimeError, IndexError, ValueError) as error:
                outcomes.append(str(error))
            else:
                outcomes.append(None)
                if new is not None and new is not tensors[i]:
                    tensors.append(new)
        if (outcomes[0] is None) != (outcomes[1] is None):
            assert outcomes[0] is None, f"{name}: {outcomes[0]}"
            assert any(reason in outcomes[1] for reason in STRICTER), f"{name}: {outcomes[1]}"
            return
        a, b = ours[i].detach().numpy(), ours[j].detach().numpy()
        if name in READ_WHILE_WRITING and i != j and np.shares_memory(a, b):
            return  # torch may read what it has just written
        for x, z in zip(ours, theirs, strict=True):
            assert x.requires_grad == z.requires_grad, name
            np.testing.assert_allclose(x.detach().numpy(), z.detach().numpy(), rtol=1e-9)
    weights = [normal(*x.shape, seed=k) for k, x in enumerate(ours)]
    gradients = []
    for m, tensors in ((mg, ours), (torch, theirs)):
        total = sum((x * m.tensor(w)).sum() for x, w in zip(tensors, weights, strict=True))
        try:
            dxs = m.autograd.grad(total, tensors[:2], allow_unused=True)
        except RuntimeError as error:
            gradients.append(str(error))
        else:
            gradients.append([np.zeros((2, 3)) if dx is None else dx.numpy() for dx in dxs])
    if isinstance(gradients[1], str):
        assert any(reason in gradients[1] for reason in STRICTER)
        return
    assert not isinstance(gradients[0], str), gradients[0]
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-7, atol=1e-9)


@for_each("seed", range(100))
def test_random_programs_as_torch(torch, seed):
    random_program(torch, seed)


@pytest.mark.slow
def test_many_random_programs_as_torch(torch):
    for seed in range(100, 5000):
        random_program(torch, seed, length=16)
