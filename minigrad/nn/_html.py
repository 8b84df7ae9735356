"""How a module looks in a notebook: a tree of layers that folds, with shapes and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..display.html import html_block, html_code, html_folded, html_table, html_title

if TYPE_CHECKING:
    from .module import Module

OPENED = 2  # levels of containers that are shown at first
MANY = 24  # layers of one container; of more, the middle is folded


def module_html(module: Module) -> str | None:
    """The tree of a module; None for a class with a repr of its own, which is then shown."""
    if not type(module).__repr__.__module__.startswith("minigrad."):
        return None
    parameters = list(module.parameters())
    facts = [_parameters(sum(each.numel() for each in parameters))]
    if frozen := sum(each.numel() for each in parameters if not each.requires_grad):
        facts.append(f"{frozen:,} of them frozen")
    facts.append("training mode" if module.training else "evaluation mode")
    head = html_title(_said(module), ", ".join(facts))
    return html_block(_branch(head, module, 0))


def _said(module: Module) -> str:
    """The class with its arguments, without the layers inside."""
    extra = ", ".join(module.extra_repr().splitlines())
    return module._get_name() + (f"({extra})" if extra or not module._modules else "")


def _line(name: str, module: Module) -> str:
    """One layer in a line: its name, its arguments, and how many parameters are in it."""
    count = sum(each.numel() for each in module.parameters())
    return html_code(f"({name}) {_said(module)}") + (f" {_parameters(count)}" if count else "")


def _branch(head: str, module: Module, depth: int) -> str:
    """A module's line, and below it what it holds: a table of its own tensors, and its layers."""
    children = [(key, child) for key, child in module._modules.items() if child is not None]
    own = [
        *((key, each, "" if each.requires_grad else "frozen") for key, each in _own(module, True)),
        *((key, each, "buffer") for key, each in _own(module, False)),
    ]
    if not own and not children:
        return f"<div>{head}</div>"
    parts = _middle_folded(
        [_branch(_line(key, child), child, depth + 1) for key, child in children]
    )
    if own:
        rows = [
            (key, str(tuple(each.shape)), f"{each.numel():,}", str(each.dtype), remark)
            for key, each, remark in own
        ]
        parts.insert(
            0, html_table(("name", "shape", "numbers", "dtype", ""), rows, words=(0, 3, 4))
        )
    return html_folded(head, *parts, opened=bool(children) and depth < OPENED)


def _middle_folded(lines: list[str]) -> list[str]:
    """Of very many layers only the first and the last are open, so that a cell stays short."""
    if len(lines) <= MANY:
        return lines
    first, last = lines[: MANY // 2], lines[-(MANY // 4) :]
    middle = lines[len(first) : -len(last)]
    return [*first, html_folded(f"{len(middle)} more", *middle, opened=False), *last]


def _own(module, learned):
    named = module.named_parameters if learned else module.named_buffers
    return named(recurse=False)


def _parameters(count: int) -> str:
    return f"{count:,} parameter{'' if count == 1 else 's'}"
