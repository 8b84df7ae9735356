"""A course of two pages, and programs that answer its exercises."""

SLOPES = """\
# Step 0: Slopes

Prose, and [a link](../../README.md). Call `learn 0`, see [1](01_data.md).

```python engine
import numpy as np


def double(x):
    return 2 * x
```

```python
print(double(4))
```

```text
8
```

### Exercise 0.1: The slope of a square → σ

```python
LR = 0.5


def square_slope(x):
    \"\"\"The slope of x * x.\"\"\"
    two = 2.0  # yours
    return two * x  # yours


print(square_slope(3.0))
```

<!-- check 0.1
x = np.random.default_rng(0).normal(size=(4, 3))
compare("dx − x̂", lambda p: p.square_slope(x), factors={"2": 2})
-->
<!-- hint 0.1 Nudge x, and see: x̂ ≤ ½ γ². -->

### Exercise 0.2: A step

```python
def step(x):
    \"\"\"x after one step, and the slope there.\"\"\"
    slope = square_slope(x)
    return x - LR * slope / 4, slope  # yours
```

<!-- check 0.2
x = np.random.default_rng(1).normal(size=5)
compare(("x", "slope"), lambda p: p.step(x))
-->
<!-- hint 0.2 Against the slope. -->
"""

DATA = """\
# Step 1: Data

```python engine
from pathlib import Path


def load():
    return np.load(Path(__file__).with_name("digits.npz"))["images"]
```

### Exercise 1.1: The mean

```python
def mean(x):
    \"\"\"The mean of x.\"\"\"
    return x.mean()  # yours
```

<!-- check 1.1
compare("mean", lambda p: p.mean(p.load()))
-->
<!-- hint 1.1 Add them up. -->
"""

RIGHT = "return 2 * x"
OPEN_FIRST = 'raise NotImplementedError("0.1 The slope of a square → σ")'
OPEN_SECOND = 'raise NotImplementedError("0.2 A step")'


def answered(course, first="return x + x", second="return x - square_slope(x) / 8, slope"):
    """The program of step 0 with these answers, each of one line."""
    source = course.steps[0].stub
    return source.replace(OPEN_FIRST, first).replace(OPEN_SECOND, second)


def said(capsys):
    return capsys.readouterr().out
