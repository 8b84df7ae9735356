"""docs/path/library.json holds what the library computes today, and step 11 prints the README."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "path"

if not PATH.exists():
    pytest.skip("the pages are those of a source tree", allow_module_level=True)


def test_the_stored_numbers_are_the_library_s():
    tool = runpy.run_path(str(ROOT / "tools" / "make" / "path_numbers.py"))
    stored, today = json.loads(tool["TARGET"].read_text(encoding="utf-8")), tool["numbers"]()
    assert {step: list(lists) for step, lists in stored.items()} == {
        step: list(lists) for step, lists in today.items()
    }
    for step, lists in today.items():
        for name, numbers in lists.items():
            np.testing.assert_allclose(
                stored[step][name], numbers, rtol=0, atol=1e-12, err_msg=f"{step}, {name}"
            )


def test_step_11_prints_the_readme_s_lines():
    lines = re.compile(r"^step +\d+  loss .* right$", re.MULTILINE)
    readme = lines.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    page = lines.findall((PATH / "11_batch_norm.md").read_text(encoding="utf-8"))
    assert len(readme) == 5
    assert page == readme
