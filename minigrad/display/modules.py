"""The boxes of a graph grouped by the module that owns them, for pictures of large networks.

An operation belongs to the module whose parameters it uses; one without parameters goes with the
layer before it. A module that is left and entered again is one group per visit, so that arrows
between groups lead in one direction as those between operations do.
"""

from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from ..tensor import Function
from .svg import Box

MOST_GROUPS = 40  # where there are more, their parents are the groups


@dataclass(eq=False)
class Group:
    """The operations of one visit to a module, and their picture."""

    name: str
    members: list = field(default_factory=list)  # boxes of operations, inputs first
    box: Box | None = None  # what stands for them where they are not shown


def grouped(boxes, names, whole):
    """The groups of {key: box}, given the names of the parameters and that of the whole model."""
    owners = owners_of(boxes, names)
    depths = range(max((len(each) for each in owners.values()), default=0), 0, -1)
    for depth in depths or [1]:
        groups = groups_at(depth, boxes, owners, whole)
        if len(set(groups.values())) <= MOST_GROUPS:
            break
    return groups


def owners_of(boxes, names):
    """{box of an operation: the path of its module, as a tuple}"""
    owners = {}
    place = {box: i for i, box in enumerate(boxes.values())}
    for key, box in boxes.items():
        if not isinstance(key, Function) or box.kind == "output":
            continue
        own = [
            names[each] for each in key.inputs if not isinstance(each, Function) and each in names
        ]
        before = [each for each in box.inputs if each in owners]
        if own:
            owners[box] = tuple(own[0].split(".")[:-1])
        elif before:
            owners[box] = owners[max(before, key=place.get)]
    return owners


def groups_at(depth, boxes, owners, whole):
    """{box of an operation: its Group}; modules deeper than `depth` belong to their parents."""
    groups, visits, found = {}, {}, {}
    for box in boxes.values():
        path = owners[box][:depth] if box in owners else None
        steps = [
            visits[each] + (path is None or groups[each].name != name_of(path, whole))
            if each in groups
            else visits.get(each, 0) + 1
            for each in box.inputs
            if each in visits
        ]
        visits[box] = max(steps, default=0)
        if path is not None:
            name = name_of(path, whole)
            groups[box] = found.setdefault((name, visits[box]), Group(name))
            groups[box].members.append(box)
    return groups


def name_of(path, whole):
    return ".".join(path) or whole


def overview(boxes, groups):
    """{box: the boxes it means}, inputs first, of a picture in which a group is one box."""
    users = {}
    for box in boxes:
        for each in box.inputs:
            users.setdefault(each, []).append(box)
    meaning, stands = {}, {}  # of the new boxes; and for each old one the new one

    def hidden(box):
        """Parameters and numbers of modules stand inside of them alone."""
        inner = (
            box.kind == "parameter" and box.title != "leaf" or box.kind == "input" and not box.shape
        )
        return not box.inputs and inner and all(each in groups for each in users.get(box, ()))

    for group in dict.fromkeys(groups[box] for box in boxes if box in groups):
        last = group.members[-1]
        titles = list(dict.fromkeys(each.title.partition(" ")[0] for each in group.members))
        lines = [("title", group.name), ("value", ", ".join(titles))]
        lines += [each for each in last.lines if each[0] in ("shape", "gradient")]
        group.box = Box("module", group.name, last.shape, arrives=last.arrives, lines=lines)
    for box in boxes:
        if box in groups:
            group = groups[box]
            stands[box] = group.box
            meaning.setdefault(group.box, []).append(box)
            group.box.inputs += [
                stands[each]
                for each in box.inputs
                if each in stands
                and stands[each] is not group.box
                and stands[each] not in group.box.inputs
            ]
        elif not hidden(box):
            stands[box] = replace(
                box, inputs=[stands[each] for each in box.inputs if each in stands]
            )
            meaning[stands[box]] = [box]
    order = TopologicalSorter({box: box.inputs for box in meaning}).static_order()
    return {box: meaning[box] for box in order}


def interior(group, groups):
    """The boxes of a group's own picture: its operations, and where their inputs come from."""
    copies = {}
    for box in group.members:
        for each in box.inputs:
            if each in copies:
                continue
            if not each.inputs:
                copies[each] = replace(each)
            else:
                origin = groups[each].name if each in groups else each.title
                stub = replace(each, kind="input", inputs=[])
                stub.lines = [("title", f"from {origin}")]
                stub.lines += [line for line in each.lines if line[0] == "shape"]
                copies[each] = stub
        copies[box] = replace(box, inputs=[copies[each] for each in box.inputs])
    return {copy: [box] for box, copy in copies.items()}
