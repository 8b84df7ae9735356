"""What an editor shows beside a name: the stubs hold the docstrings of the compiled modules."""

import ast
from pathlib import Path
from runpy import run_path

import pytest
from helpers.grids import for_each

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "make" / "stub_docs.py"

if not (ROOT / "minigrad").exists():
    pytest.skip("the stubs are those of a source tree", allow_module_level=True)

tool = run_path(str(TOOL))


@for_each("path", tool["STUBS"])
def test_a_stub_has_the_docstrings_of_its_module(path):
    text = path.read_text(encoding="utf-8")
    module = tool["module_of"](path)
    for node, doc in tool["definitions"](ast.parse(text), module):
        written = ast.get_docstring(node) or ""
        assert written == doc, f"{node.name}: run python tools/make/stub_docs.py"


def test_without_docstrings_a_stub_gets_them_back():
    path = ROOT / "minigrad" / "tensor.pyi"
    text = path.read_text(encoding="utf-8")
    bare = tool["bare"](text)
    assert '"""' not in bare
    assert ast.dump(ast.parse(tool["documented"](path))) == ast.dump(ast.parse(text))


def test_what_editors_show_first_is_there():
    text = (ROOT / "minigrad" / "ops" / "array" / "creation.pyi").read_text(encoding="utf-8")
    assert "A new leaf with a copy of `data`" in text
