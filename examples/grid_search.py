# %% [markdown]
"""Many models at once: scikit-learn's grid search, in two processes.

    python examples/grid_search.py

Three layers of sigmoids are hard to train: which learning rate, and does batch normalization help?
Eight networks read digits, each three times, with another third held out. They know nothing of each
other, so `n_jobs` is all there is to say. Needs scikit-learn: pip install -e '.[sklearn]'.
"""

# %%
import os
import sys
import time
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each process has its own core

import numpy as np
from _common import command_line

from minigrad import datasets

try:
    from sklearn.model_selection import GridSearchCV

    from minigrad.sklearn import MLPClassifier
except ImportError as error:
    sys.exit(f"Grid search needs scikit-learn ({error}): pip install -e '.[sklearn]'")

# %%
GRID = {"batch_norm": [False, True], "dropout": [0.0, 0.1], "learning_rate_init": [0.003, 0.03]}


def digits() -> Any:
    """500 rows of 64 pixels, and the digits they show."""
    images, labels = datasets.digits().tensors
    return images.flatten(1).numpy().astype(np.float64)[:500], labels.numpy()[:500]


def search(processes: int) -> Any:
    """The grid search, and the seconds it took."""
    model = MLPClassifier(
        (32, 32, 32), "logistic", batch_size=50, tol=0.01, n_iter_no_change=3, random_state=0
    )
    start = time.perf_counter()
    found = GridSearchCV(model, GRID, cv=3, n_jobs=processes).fit(*digits())
    return found, time.perf_counter() - start


# %%
def main(processes: int = 2) -> Any:
    """Search, and print the networks from the best to the worst."""
    found, seconds = search(processes)
    results = found.cv_results_
    print(
        f"{len(results['params'])} networks, 3 times each, {processes} processes: {seconds:.1f} s"
    )
    print("\nbatch norm  dropout  learning rate  accuracy")
    for place in np.argsort(-results["mean_test_score"], kind="stable"):
        batch_norm, dropout, rate = results["params"][place].values()
        score = results["mean_test_score"][place]
        print(f"{batch_norm!s:10}  {dropout:7}  {rate:13}  {score:8.1%}")
    return found


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
