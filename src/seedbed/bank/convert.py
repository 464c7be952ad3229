"""Writes a bank file in the other spelling. Comments and the layout of the file stay as far as possible.

A conversion never changes the bank: both files have the same canonical form. What only one spelling can say stays as
it is, since a file may mix both.
"""

from collections import Counter
from io import StringIO
from itertools import groupby
from typing import Any, Literal

from seedbed.bank.canonical import canonical_json
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.bank.spelling import group_name
from seedbed.errors import TargetError
from seedbed.extras import install_command

__all__ = ["Spelling", "converted"]

Spelling = Literal["newer", "older"]
# More than any line, so that none is folded.
WIDTH = 1 << 20


def converted(text: str, spelling: Spelling, name: str = "<text>") -> str:
    """The text of a bank file in the given spelling; `name` stands for the file in messages.

    Raises InstanceError for a file that is no valid bank, and TargetError if ruamel.yaml is not installed.
    """
    try:
        from ruamel.yaml import YAML  # noqa: PLC0415 - an extra
        from ruamel.yaml.util import load_yaml_guess_indent  # noqa: PLC0415
    except ModuleNotFoundError:
        raise TargetError(f"converting needs the package ruamel.yaml: {install_command('convert')}") from None
    before = parse_instance_text(text, name)
    _, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=indent or 2, offset=offset or 0)
    data = yaml.load(text)
    (_to_newer if spelling == "newer" else _to_older)(data, before)
    out = StringIO()
    yaml.dump(data, out)
    after = parse_instance_text(out.getvalue(), name, before.instance)
    assert canonical_json(after) == canonical_json(before), "a conversion does not change the bank"
    return out.getvalue()


def _to_newer(data: Any, bank: Bank) -> None:
    for element in (*(data.get("rails") or ()), *(data.get("transfer_templates") or ())):
        if element.get("transfer_type") == element["name"]:
            del element["transfer_type"]
    names = {rail.transfer_type: rail.name for rail in bank.rails}
    count = Counter(rail.transfer_type for rail in bank.rails)
    for limit in data.get("limit_schedules") or ():
        if count[limit.get("transfer_type")] == 1:
            _renamed(limit, "transfer_type", "rail", names[limit["transfer_type"]])
    entries = data.get("chains")
    if entries is not None:
        runs = groupby(enumerate(entries), key=lambda item: _run_of(*item))
        merged = [item for _, run in runs for item in _as_children(list(run))]
        _replaced(entries, merged)


def _run_of(place: int, entry: Any) -> tuple[Any, ...]:
    """What neighbours have in common that become one entry; an entry without a group stays alone."""
    alone = "children" in entry or entry.get("xor_group") is None
    return (place,) if alone else (entry["parent"], entry["xor_group"])


def _as_children(run: list[tuple[int, Any]]) -> list[tuple[int | None, Any]]:
    """The chains of one parent and group as one entry with `children`; as they are where that says something else.

    Each entry comes with its place in the list, here and below; a new one with none.
    """
    entries = [entry for _, entry in run]
    first = entries[0]
    if "children" in first or not all(_is_true(entry["required"]) for entry in entries):
        return [*run]
    group = first.get("xor_group")
    if (group is not None) != (len(run) > 1) or (group is not None and any("fan_in" in entry for entry in entries)):
        return [*run]
    children = [_child(entry) for entry in entries]
    names = [entry["child"] for entry in entries]
    for key in ("child", "required", "xor_group", "fan_in", "expected_parent_count", "description", "delay"):
        first.pop(key, None)
    first["children"] = children
    if group is not None and group != group_name(first["parent"], names):
        first["xor_group"] = group
    return [(run[0][0], first)]


def _child(entry: Any) -> Any:
    """A child of the newer spelling: its name, or a mapping where the chain says more about it."""
    own = {key: entry[key] for key in ("fan_in", "expected_parent_count", "description", "delay") if key in entry}
    return {"name": entry["child"], **own} if own else entry["child"]


def _to_older(data: Any, bank: Bank) -> None:
    for key, elements in (("rails", bank.rails), ("transfer_templates", bank.transfer_templates)):
        for element, known in zip(data.get(key) or (), elements, strict=True):
            if element.get("transfer_type") is None:
                element.pop("transfer_type", None)
                element.insert(list(element).index("name") + 1, "transfer_type", known.transfer_type)
    for limit, cap in zip(data.get("limit_schedules") or (), bank.limit_schedules, strict=True):
        if cap.rail is None and "rail" in limit:
            _renamed(limit, "rail", "transfer_type", cap.transfer_type)
    entries = data.get("chains")
    if entries is not None:
        _replaced(entries, [chain for place, entry in enumerate(entries) for chain in _as_chains(place, entry)])


def _as_chains(place: int, entry: Any) -> list[tuple[int | None, Any]]:
    """The chains of an entry with `children`, each in the older spelling."""
    if "children" not in entry:
        return [(place, entry)]
    children = [child if isinstance(child, dict) else {"name": child} for child in entry["children"]]
    alone = [child["name"] for child in children if not _is_true(child.get("fan_in"))]
    group = entry.get("xor_group") or (group_name(entry["parent"], alone) if len(alone) > 1 else None)
    shared = {key: entry[key] for key in ("description", "delay") if key in entry}
    chains = []
    for child in children:
        own = {key: value for key, value in child.items() if key != "name"}
        grouped = {"xor_group": group} if group is not None and not _is_true(child.get("fan_in")) else {}
        ends = {"parent": entry["parent"], "child": child["name"], "required": True}
        chains.append(_like(entry, {**ends, **grouped, **shared, **own}))
    for key in list(entry):
        if key != "parent":
            del entry[key]
    entry.update(chains[0])
    return [(place, entry), *((None, chain) for chain in chains[1:])]


def _like(entry: Any, keys: dict[str, Any]) -> Any:
    """A mapping in the style of an entry: in braces, or a line for each key."""
    made = type(entry)(keys)
    if entry.fa.flow_style():
        made.fa.set_flow_style()
    return made


def _is_true(value: Any) -> bool:
    return value in (True, "true")


def _renamed(mapping: Any, old: str, new: str, value: Any) -> None:
    """Puts a key with another name at the place of an old one."""
    place = list(mapping).index(old)
    del mapping[old]
    mapping.insert(place, new, value)


def _replaced(entries: Any, new: list[tuple[int | None, Any]]) -> None:
    """Replaces the items of a list and keeps the comments before those that stay."""
    comments = dict(entries.ca.items)
    entries[:] = [entry for _, entry in new]
    entries.ca.items.clear()
    for place, (before, _) in enumerate(new):
        if before in comments:
            entries.ca.items[place] = comments[before]
