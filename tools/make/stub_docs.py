"""Write the docstrings of the compiled modules into their stubs, where editors look for them.

    python setup.py build_ext --inplace && python tools/make/stub_docs.py  # needs ruff

An editor cannot read a compiled module: what it shows beside a name stands in the .pyi file. So a
docstring is written in the .pyx file, this copies it, and a test says when a copy is old.
"""

import ast
import inspect
import re
import subprocess
from importlib import import_module
from pathlib import Path

from minigrad.display.terminal import command_line

ROOT = Path(__file__).parents[2]
STUBS = sorted((ROOT / "minigrad").rglob("*.pyi"))


def documented(path):
    """The text of a stub with the docstrings that its compiled module has now."""
    lines = bare(path.read_text(encoding="utf-8")).splitlines()
    tree = ast.parse("\n".join(lines))
    for node, doc in reversed(list(definitions(tree, module_of(path)))):
        if not doc:
            continue
        first = node.body[0]
        end = first.end_lineno if isinstance(first, ast.Expr) else start_of(first) - 1
        lines[end - 1] = lines[end - 1].removesuffix(" ...")
        lines[end:end] = quoted(doc, node.col_offset + 4)
    return "\n".join(lines) + "\n"


def module_of(path):
    return import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def bare(text):
    """The stub without docstrings: what only had one has `...` instead."""
    lines = text.splitlines()
    for node, _ in reversed(list(definitions(ast.parse(text), None))):
        if ast.get_docstring(node) is not None:
            doc = node.body[0]
            del lines[doc.lineno - 1 : doc.end_lineno]
            if len(node.body) == 1:
                lines[doc.lineno - 2] += " ..."
    return "\n".join(lines) + "\n"


def start_of(node):
    return min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])


def definitions(tree, owner):
    """Each function and class of a stub, in order, and its docstring: "" where there is none."""
    seen = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found = inspect.getattr_static(owner, node.name, None)
            again = node.name in seen  # of several overloads the first has the text
            seen.add(node.name)
            yield node, "" if again or node.name.startswith("__") else text_of(found)
            if isinstance(node, ast.ClassDef):
                yield from definitions(node, found)


def text_of(found):
    found = getattr(found, "__func__", found)  # of a static method or a class method
    doc = inspect.cleandoc(getattr(found, "__doc__", None) or "") if found is not None else ""
    return re.sub(r"^\w+\(.*\).*(\n\n|$)", "", doc)  # Cython begins with the signature


def quoted(doc, column):
    first, *others = doc.splitlines()
    raw = "r" if "\\" in doc else ""
    lines = [f'{raw}"""{first}', *others, '"""'] if others else [f'{raw}"""{first}"""']
    return [" " * column + line if line else "" for line in lines]


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    for stub in STUBS:
        stub.write_text(documented(stub), encoding="utf-8", newline="\n")
    subprocess.run(["ruff", "format", "--quiet", *STUBS], check=True)
