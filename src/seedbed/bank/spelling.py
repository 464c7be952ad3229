"""Brings both spellings of a bank file into one, the canonical form that the models describe.

The newer spelling leaves out what follows from a name, and writes all children of a parent in one chain entry. The
rest of the program knows the canonical form only. Each place in it leads back to the place in the file, for messages.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

from seedbed.bank.grammar import MAX_INSTANCE, MAX_NAME, ScalarError, parse_instance
from seedbed.bank.text import Path, Remark, describe, quote

__all__ = ["Canonical", "canonical_form", "group_name", "instance_from"]

# The keys of a chain entry that hold for each of its children.
SHARED_KEYS = ("parent", "description", "delay")
# What an entry with `children` says by itself.
DECIDED_KEYS = ("child", "required", "fan_in", "expected_parent_count")
# The child of a chain that names none.
MISSING = "?"


@dataclass
class Canonical:
    """The canonical form of a file's data.

    `written` leads from a canonical path to that of the file, for the paths that differ and what is under them.
    `remarks`, with paths of the file, say what contradicts itself between the spellings. Values at the `stand_ins`
    (canonical paths) stand for what could not be read.
    """

    data: dict[str, Any]
    written: dict[Path, Path] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    stand_ins: set[Path] = field(default_factory=set)


def canonical_form(data: Mapping[str, Any], file: str, instance: str | None = None) -> Canonical:
    """The canonical form of the data of a bank file. What is no mapping or no list stays as it is.

    A file without `instance` gets the given one, else one from the name of the file.
    """
    form = Canonical(dict(data))
    if form.data.get("instance") is None:
        form.data["instance"] = instance if instance is not None else instance_from(file)
    for key in ("rails", "transfer_templates"):
        if isinstance(elements := form.data.get(key), list):
            form.data[key] = [_typed(form, (key, index), element) for index, element in enumerate(elements)]
    if isinstance(limits := form.data.get("limit_schedules"), list):
        form.data["limit_schedules"] = _limits(form, limits)
    if isinstance(entries := form.data.get("chains"), list):
        chains: list[Any] = []
        form.data["chains"] = chains
        for number, entry in enumerate(entries):
            for chain, written, stands_in in _chains_of(form, number, entry):
                form.stand_ins |= {("chains", len(chains), "child")} if stands_in else set()
                form.written |= {("chains", len(chains), *path): place for path, place in written.items()}
                chains.append(chain)
    return form


def instance_from(file: str) -> str:
    """The name of a file as an instance: `My Bank-2.yaml` is `my_bank_2`."""
    name = re.sub(r"[^a-z0-9]+", "_", PurePath(file).stem.lower()).strip("_")[:MAX_INSTANCE].rstrip("_")
    try:
        return parse_instance(name)
    except ScalarError:
        return f"bank_{name}"[:MAX_INSTANCE].rstrip("_")


def _typed(form: Canonical, path: Path, element: Any) -> Any:
    """A rail or template with a transfer type: its own, or else its name."""
    if not isinstance(element, dict):
        return element
    element = _shortened(form, path, element)
    if element.get("transfer_type") is not None:
        return element
    name = element.get("name")
    form.written[(*path, "transfer_type")] = (*path, "name")
    if not isinstance(name, str):
        form.stand_ins.add((*path, "transfer_type"))
    return {**element, "transfer_type": name if isinstance(name, str) else f"?{path[1]}"}


def _limits(form: Canonical, limits: list[Any]) -> list[Any]:
    """The limits, by transfer type where a limit's rail is the only one of its type.

    Where another limit names the type for the same accounts and direction, both apply, and the rail stays.
    """
    rails = [rail for rail in form.data.get("rails") or () if isinstance(rail, dict)]
    types = {str(rail.get("name")): rail["transfer_type"] for rail in rails}
    count = Counter(str(kind) for kind in types.values())
    by_type = {_capped(limit, limit.get("transfer_type")) for limit in limits if isinstance(limit, dict)}
    found = []
    for index, limit in enumerate(limits):
        kind = types.get(limit["rail"]) if isinstance(limit, dict) and isinstance(limit.get("rail"), str) else None
        twice = kind is not None and _capped(limit, kind) in by_type
        if kind is None or twice or count[str(kind)] > 1 or limit.get("transfer_type") is not None:
            found.append(limit)
            continue
        form.written[("limit_schedules", index, "transfer_type")] = ("limit_schedules", index, "rail")
        found.append({**{key: limit[key] for key in limit if key != "rail"}, "transfer_type": kind})
    return found


def _capped(limit: Mapping[str, Any], kind: Any) -> tuple[str, str, str]:
    """What a limit on a type caps: accounts, type, direction."""
    return str(limit.get("parent_role")), str(kind), str(limit.get("direction") or "Outbound")


def _shortened(form: Canonical, path: Path, element: dict[str, Any]) -> dict[str, Any]:
    """A rail or template whose short forms are written out: one amount, and the range of a period."""
    full = dict(element)
    firings, amount = element.get("firings_typical_per_period"), element.get("amount")
    if isinstance(firings, list):
        full["firings_typical_per_period"] = {"range": firings}
        here: Path = (*path, "firings_typical_per_period")
        form.written[(*here, "range")] = here
    if amount is not None and not isinstance(amount, list):
        full["amount"] = [{"amount": amount, "weight": "1"}]
        form.written[(*path, "amount", 0)] = (*path, "amount")
        form.written[(*path, "amount", 0, "amount")] = (*path, "amount")
    return full


def _chains_of(form: Canonical, number: int, entry: Any) -> Iterator[tuple[Any, dict[Path, Path], bool]]:
    """The chains of one entry, each with the places of its keys in the file, and whether its child stands in."""
    here: Path = ("chains", number)
    if not isinstance(entry, dict) or "children" not in entry:
        yield entry, {(): here}, False
        return
    children = _children(form, here, entry)
    if children is None:
        missing = {key: value for key, value in entry.items() if key not in ("children", *DECIDED_KEYS)}
        chain = {**missing, "child": f"?{number}", "required": "true"}
        yield chain, {(): here, ("child",): (*here, "children")}, True
        return
    shared = {key: entry[key] for key in SHARED_KEYS if key in entry}
    unknown = {key: entry[key] for key in entry if key not in ("children", "xor_group", *SHARED_KEYS, *DECIDED_KEYS)}
    group = _group(entry, [name for name, child in children if not _fans_in(child)])
    for place, (name, child) in enumerate(children):
        there: Path = (*here, "children", place)
        written: dict[Path, Path] = {(): there, ("child",): there, ("required",): there}
        written |= {("xor_group",): (*here, "xor_group") if "xor_group" in entry else there}
        written |= {(key,): (*here, key) for key in (*shared, *unknown) if key not in child}
        written |= {("child",): (*there, "name")} if child.get("name") is not None else {}
        own = {key: value for key, value in child.items() if key != "name"}
        grouped = {"xor_group": group} if group is not None and not _fans_in(child) else {}
        yield {**shared, **unknown, "child": name, "required": "true", **grouped, **own}, written, name is MISSING
        unknown = {}


def _children(form: Canonical, here: Path, entry: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]] | None:
    """The name and the keys of each child; None where there is none, with a remark."""
    for key in DECIDED_KEYS:
        if key not in entry or (key == "required" and entry[key] in (True, "true")):
            continue
        reason = {
            "child": "'child' is the older spelling and 'children' the newer one; keep one of them",
            "required": "'children' are required; write an optional child with 'child' and 'required: false'",
        }.get(key, f"{quote(key)} belongs to a child: write {{name: …, {key}: …}} under 'children'")
        form.remarks.append(Remark((*here, key), "spelling-mixed", reason))
    children = entry["children"]
    if not isinstance(children, list):
        hint = "; write [] around one name" if isinstance(children, str) else ""
        form.remarks.append(Remark((*here, "children"), "not-a-list", f"{describe(children)} is not a list{hint}"))
        return None
    if not children:
        form.remarks.append(Remark((*here, "children"), "list-too-short", "the list needs at least one item"))
        return None
    found = []
    for place, child in enumerate(children):
        keys = child if isinstance(child, dict) else {}
        if isinstance(child, dict) and child.get("name") is None:
            form.remarks.append(Remark((*here, "children", place, "name"), "missing-key", "missing key 'name'"))
            found.append((MISSING, keys))
        else:
            found.append((keys["name"] if keys else child, keys))
    return found


def _fans_in(child: Mapping[str, Any]) -> bool:
    return child.get("fan_in") in (True, "true")


def _group(entry: Mapping[str, Any], names: list[Any]) -> Any:
    """The XOR group of these children, the entry's own or a generated one; None where there is nothing to choose."""
    if len(names) < 2 or entry.get("xor_group") is not None:
        return entry.get("xor_group")
    return group_name(str(entry.get("parent")), [str(name) for name in names])


def group_name(parent: str, names: Sequence[str]) -> str:
    """The name of an XOR group that the file does not name: its parent and its children."""
    text = f"{parent}: {' | '.join(names)}"
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 17]}…{digest}"
