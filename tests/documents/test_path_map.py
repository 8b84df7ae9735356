"""The map of step 15 is what its tool writes, and the tool counts what it says."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "make" / "path_map.py"

if not TOOL.exists() or not (ROOT / "minigrad").exists():
    pytest.skip("the tools are those of a source tree", allow_module_level=True)

spec = importlib.util.spec_from_file_location("path_map", TOOL)
path_map = importlib.util.module_from_spec(spec)
spec.loader.exec_module(path_map)


def test_the_map_is_up_to_date():
    page = path_map.PAGE.read_text(encoding="utf-8")
    assert path_map.written(page) == page, "run python tools/make/path_map.py"


def test_definitions_of_python_and_cython_are_found():
    source = "\n".join(
        [
            "cdef int helper(int x) except -1:",
            "    return x",
            "",
            "# of two lines",
            "cdef tuple both(",
            "    int x, int y",
            ") noexcept:",
            '    """A docstring,',
            '    of two lines."""',
            "",
            "    return helper(x), y  # the only line of code",
            "class After(object):",
            "    pass",
        ]
    )
    assert path_map.code_lines(path_map.definition(source, "both")) == 4
    assert path_map.definition(source, "After") == "class After(object):\n    pass"
    assert path_map.definition(source, "help") == ""


def test_a_name_that_is_gone_is_an_error():
    with pytest.raises(LookupError, match=r"the path has no lost"):
        path_map.counted("def found(): pass", ["found", "lost"], "the path")
