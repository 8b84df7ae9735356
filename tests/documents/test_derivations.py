"""Every page of docs/derivations is executed, and its numbers are those its kernel cites."""

import re
from textwrap import dedent

import numpy as np
import pytest
from helpers import derivations

from minigrad._kernels import use_kernels

pages = pytest.mark.parametrize("path", derivations.PAGES, ids=lambda path: path.stem)


@pages
def test_form(path):
    derivations.Page(path).check_form()


@pages
@pytest.mark.parametrize("kernels", ["compiled", "reference"])
def test_claims(path, kernels):
    with use_kernels(kernels):
        derivations.Page(path).run()


@pages
def test_citations(path):
    if not (derivations.INDEX.parents[2] / "minigrad").exists():
        pytest.skip("the sources are not beside the pages here")
    names = [page.stem for page in derivations.PAGES]
    derivations.check_citations(derivations.Page(path), names)


def test_the_kernel_of_batch_norm_reads_in_the_order_of_its_equations():
    page = derivations.Page(derivations.INDEX.parent / "batch_norm.md")
    if not page.links["kernel"][0].exists():
        pytest.skip("the kernels are not beside the pages here")
    lines = page.links["kernel"][0].read_text(encoding="utf-8").splitlines()
    cited = [int(n) for line in lines for n in sorted(derivations.comment_citations(line), key=int)]
    # (0) is (8) without names for its sums; (16) to (18) are how these are computed.
    order = list(dict.fromkeys(number for number in cited if 0 < number < 16))
    assert order == [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14]


def test_the_index_lists_every_page():
    linked = re.findall(r"\]\((\w+\.md)\)", derivations.INDEX.read_text(encoding="utf-8"))
    assert sorted(linked) == [path.name for path in derivations.PAGES]


# The runner itself must be able to fail: each text below is broken in one way.

GOOD = r"""
# Square
> kernel [`square.pyx`](square.pyx) · rule [`rule.pyx`](rule.pyx)

```python
x = rng.standard_normal(3)
dy = rng.standard_normal(3)
dx = differences(lambda x: (dy * x * x).sum(), x)
```

```math
y = x^2 \tag{1}
```

```python
y = x * x  # (1)
y = x**2
```

```math
dx = 2 x \, dy \tag{2}
```

```python
dx = 2 * x * dy  # (2)
out = np.empty_like(x)
kernels.square_forward(x, out)
y = out
```
"""

KERNEL = '''
cdef int _square(const real[::1] x, real[::1] y) except -1:
    for n in range(3):
        y[n] = x[n] * x[n]   # (1)
        dx[n] = 2 * x[n] * dy[n]   # (2)


def square_forward(x, y):
    """y = x²   (1)
    dx = 2 x dy   (2)
    """


def cube_forward(x, y):
    """y = x³   (7)"""
'''


@pytest.fixture
def square(tmp_path, monkeypatch):
    def square_forward(x, y):
        y[...] = x * x

    monkeypatch.setattr(derivations.active, "square_forward", square_forward, raising=False)

    def make(page=GOOD, kernel=KERNEL):
        (tmp_path / "square.pyx").write_text(kernel, encoding="utf-8")
        path = tmp_path / "square.md"
        path.write_text(dedent(page), encoding="utf-8")
        return derivations.Page(path)

    return make


def check(page):
    page.check_form()
    page.run()
    derivations.check_citations(page, ["square", "cube"])


def test_a_good_page_passes(square):
    check(square())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("y = x**2", "y = x**3"), r"square.md:17: equation \(1\), y: at \[0\] now .*, before "),
        (("= 2 * x", "= 3 * x"), r"square.md:25: equation \(2\), dx: at \[0\] now .*, before "),
        (("y = x**2", "y = x[:2] ** 2"), r"square.md:17: .* y: shape \(2,\), before \(3,\)"),
        (("y = x**2", "y *= x"), r"square.md:17: changes a value in place"),
        (("dx = 2 * x * dy", "dxx = 2 * x * dy"), r"square.md:8: dx comes from differences and is"),
        (("# (2)", ""), r"square.md:25: no line of this block ends with # \(2\)"),
        ((r"\tag{2}", r"\tag{1}"), r"square.md:20: \(1\) is also the number of line 11"),
        ((r"\tag{2}", ""), r"square.md:20: an equation needs one \\tag"),
        (("```python\ny", "```\ny"), r"square.md:11: equation \(1\) is not followed"),
        (("# Square", "# Square $$ y $$"), r"square.md:2: write ```math blocks"),
        (("# Square", r"# Square $a \, b$"), r"square.md:2: GitHub eats a backslash in \$a"),
        (("# Square", "# Square $a"), "square.md:2: GitHub shows no inline TeX that runs over"),
        (("# Square", r"# Square $\operatorname{a}$"), "square.md:2: GitHub does not allow"),
        (("y = x^2", r"y = \operatorname{a}"), "square.md:11: GitHub does not allow"),
        (("y = out\n```", "y = out"), "square.md:24: ```python is not closed"),
        (("kernels.square_forward", "np.square"), "links a kernel, but no block calls it"),
        (("(x, out)", "(x + 1, out)"), r"square.md:28: equation \(2\), y: at \[0\] now "),
        (("y = x * x ", "y = np.float64(1) / 0 "), "divide by zero"),
        (("kernel [", "test ["), "rule.pyx, which does not exist"),
        (("square.pyx)", "absent.pyx)"), "absent.pyx, which does not exist"),
        (("# (2)", "# (2) (3)\n```\n```math\nz = 1 \\tag{3}\n```\n```python\nz = 1  # (3)"),
         r"equation \(3\) is cited nowhere of square.pyx"),
    ],
)  # fmt: skip
def test_a_broken_page_fails(square, change, message):
    assert change[0] in GOOD
    with pytest.raises((derivations.DerivationError, RuntimeWarning), match=message):
        check(square(page=GOOD.replace(*change, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("# (2)", ""), r"square.md:20: equation \(2\) is cited in no trailing comment"),
        (("dy   (2)", "dy"), r"square.md:20: equation \(2\) is cited in no docstring"),
        (("# (2)", "# (2) (5)"), r"square.pyx cites \['5'\]: no such equation in square.md"),
    ],
)
def test_a_broken_kernel_fails(square, change, message):
    assert change[0] in KERNEL
    with pytest.raises(derivations.DerivationError, match=message):
        check(square(kernel=KERNEL.replace(*change, 1)))


def test_functions_find_their_page():
    names = ["softmax", "batch_norm", "relu", "leaky_relu"]
    file = derivations.ROOT / "softmax.pyx"
    for function, page in {
        "softmax_forward": "softmax",
        "_leaky_relu_backward": "leaky_relu",
        "log_softmax_forward": "softmax",
        "batch_norm_train": "batch_norm",
        "relu": "relu",
    }.items():
        assert derivations.home_of(function, file, names) == page
    planes = derivations.ROOT / "batch_norm_planes.pyx"
    assert derivations.home_of("_forward", planes, names) == "batch_norm"
    assert derivations.home_of("_forward", derivations.ROOT / "adam.pyx", names) == "adam"


def test_top_level_reads_every_kind_of_definition():
    source = "\n".join(
        [
            "cdef inline double _phi(double x) noexcept nogil:",
            "    pass  # (1)",
            "def f(x):",
            "    pass",
            "cdef class Exp(Function):",
            "    def backward(self): pass",
            "class Plain:",
            "    pass",
        ]
    )
    pieces = derivations.top_level(source)
    assert list(pieces) == ["_phi", "f", "Exp", "Plain"]
    assert re.search("backward", pieces["Exp"])


def test_differences():
    x = np.random.default_rng(1).standard_normal((2, 3))
    np.testing.assert_allclose(
        derivations.differences(lambda x: (x**3).sum(), x), 3 * x**2, rtol=1e-8, atol=1e-9
    )
