"""examples/first_steps.ipynb: what it stores is what its cells print now, and it runs anywhere.

After a change, with nbconvert and ipykernel installed:

    jupyter nbconvert --to notebook --execute --inplace examples/first_steps.ipynb \\
        --ExecutePreprocessor.record_timing=False
"""

import ast
import base64
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "first_steps.ipynb"
TEXT = FILE.read_text(encoding="utf-8")
NOTEBOOK = json.loads(TEXT)
CELLS = NOTEBOOK["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]

in_the_tree = pytest.mark.skipif(not (ROOT / "minigrad").exists(), reason="needs the source tree")


def stored(cell):
    """The text that the file keeps below a cell; pictures are left out."""
    outputs = cell["outputs"]
    streams = [each["text"] for each in outputs if each["output_type"] == "stream"]
    values = [each["data"] for each in outputs if each["output_type"] == "execute_result"]
    printed = "".join(line for text in streams for line in text)  # Jupyter may cut it anywhere
    return [printed] * bool(printed) + ["".join(value["text/plain"]) for value in values]


def run(source, names):
    """What a cell prints, and then the value of its last line, as Jupyter shows it."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) and not source.endswith(";") else None
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.Module(body, []), FILE.name, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), FILE.name, "eval"), names)
    if printed.getvalue():
        yield printed.getvalue()
    if last is not None and value is not None:
        yield repr(value)


def test_the_cells_print_what_the_file_keeps():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    names = {"__name__": "__main__"}
    try:
        for cell in CODE:
            assert list(run("".join(cell["source"]), names)) == stored(cell), cell["id"]
            pictures = sum("image/png" in output.get("data", ()) for output in cell["outputs"])
            assert len(pyplot.get_fignums()) == pictures, cell["id"]
            pyplot.close("all")
    finally:
        pyplot.close("all")


def test_it_is_a_notebook_of_format_4():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert set(NOTEBOOK) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in CELLS]
    assert len(set(ids)) == len(ids)
    for cell in CELLS:
        code = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert cell["cell_type"] in ("code", "markdown")
        assert set(cell) == {"cell_type", "id", "metadata", "source", *code}
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert all(isinstance(line, str) for line in cell["source"])
    assert [cell["execution_count"] for cell in CODE] == [*range(1, len(CODE) + 1)]
    for output in (output for cell in CODE for output in cell["outputs"]):
        assert output["output_type"] in ("stream", "execute_result", "display_data")
        assert output.get("name", "stdout") == "stdout"
        if picture := output.get("data", {}).get("image/png"):
            assert base64.b64decode("".join(picture)).startswith(b"\x89PNG")
        if picture := output.get("data", {}).get("image/svg+xml"):
            assert "".join(picture).startswith("<svg ")


def test_it_knows_no_machine_and_is_small():
    assert FILE.stat().st_size < 300_000
    words = json.dumps([NOTEBOOK["metadata"], CELLS], ensure_ascii=False)
    words = re.sub(r'"image/png": (\[[^]]*\]|"[^"]*")', "", words)
    assert re.findall(r"(?<![\w.])(?:/[a-z]+/[\w.-]+|[A-Z]:\\\\)|site-packages", words) == []
    assert set(NOTEBOOK["metadata"]) == {"kernelspec", "language_info"}
    assert {len(cell["metadata"]) for cell in CELLS} == {0}


@in_the_tree
def test_its_links_lead_to_files():
    prose = "".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(([^)#]+)", prose)
    assert "../minigrad/spine.py" == links[1]
    assert [link for link in links if not (FILE.parent / link).exists()] == []


def test_it_has_the_fifteen_lines_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    fifteen = re.search(r"## Fifteen lines\n\n```python\n(.*?)\n```", readme, re.DOTALL)[1]
    cell = "".join(next(cell for cell in CODE if cell["id"] == "learn")["source"])
    assert re.sub(r"\n *history.*", "", cell) == fifteen
