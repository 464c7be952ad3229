"""A bank that fails made small: whatever can go without the failure going too, goes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.random_banks.draft import Element

__all__ = ["shrunk"]

LISTS = ("chains", "limit_schedules", "transfer_templates", "rails", "account_templates", "accounts")
GROUPS = "leg_rail_xor_groups"
# Keys that no rail, account or template can do without, and those whose values are worth making plainer.
KEPT = frozenset(("name", "id", "role", "scope", "transfer_type", "source_role", "destination_role", "leg_role"))
PLAINER: dict[str, tuple[Any, ...]] = {
    "expected_net": ("0",),
    "cadence": ("daily-eod",),
    "completion": ("business_day_end",),
    "required": (False,),
    "origin": ("InternalInitiated",),
    "cap": ("5000.00",),
}


def shrunk(bank: Element, fails: Callable[[Element], bool], is_over: Callable[[], bool]) -> Element:
    """A smaller bank that fails too, as small as it gets step by step before the time is over."""
    progress = True
    while progress:
        progress, position = False, 0
        # What a step takes away moves the next one into its place.
        while position < len(steps := list(_steps(bank))):
            if is_over():
                return bank
            smaller = steps[position](deepcopy(bank))
            if smaller != bank and fails(smaller):
                bank, progress = smaller, True
            else:
                position += 1
    return bank


Step = Callable[[Element], Element]


def _steps(bank: Element) -> Iterator[Step]:
    """Every step that makes a bank smaller, the large ones first."""
    for key in LISTS:
        half = len(bank.get(key, ())) // 2
        if half > 1:
            yield lambda b, key=key, half=half: _without(b, key, range(half))
            yield lambda b, key=key, half=half: _without(b, key, range(half, 2 * half + 1))
    for key in [key for key in bank if key not in ("instance", "accounts", "rails")]:
        yield lambda b, key=key: {name: value for name, value in b.items() if name != key}
    for key in LISTS:
        for index in range(len(bank.get(key, ()))):
            yield lambda b, key=key, index=index: _without(b, key, range(index, index + 1))
    for key in ("role_business_day_offsets", "baseline"):
        for name in bank.get(key, ()):
            yield lambda b, key=key, name=name: b | {key: {n: v for n, v in b[key].items() if n != name}}
    for part, entries in bank.get("baseline", {}).items():
        for name in entries:
            yield lambda b, part=part, name=name: _without_override(b, part, {name})
    for key in LISTS:
        for index, element in enumerate(bank.get(key, ())):
            yield from _steps_within(key, index, element)


def _steps_within(key: str, index: int, element: Element) -> Iterator[Step]:
    """Steps that drop or make plainer a single key of an element."""

    def changed(bank: Element, name: str, value: Any) -> Element:
        if value is None:
            del bank[key][index][name]
        else:
            bank[key][index][name] = value
        return bank

    for name, value in element.items():
        if name not in KEPT:
            yield lambda b, name=name: changed(b, name, None)
        if isinstance(value, list):
            for position in range(len(value) if len(value) > 1 or name == "metadata_keys" else 0):
                rest = value[:position] + value[position + 1 :]
                yield lambda b, name=name, rest=rest: changed(b, name, rest[0] if _one_role(name, rest) else rest)
        elif name.endswith("_role") and str(value).startswith("("):
            for role in value[1:-1].split(" | "):
                yield lambda b, name=name, role=role: changed(b, name, role)
        for plain in PLAINER.get(name, ()):
            if value != plain:
                yield lambda b, name=name, plain=plain: changed(b, name, plain)


def _one_role(name: str, rest: list[Any]) -> bool:
    return name.endswith("_role") and len(rest) == 1


def _without(bank: Element, key: str, indexes: range) -> Element:
    """A bank without these elements, and without what names them."""
    before = _types(bank)
    gone = {element.get("name") for index, element in enumerate(bank[key]) if index in indexes} - {None}
    bank[key] = [element for index, element in enumerate(bank[key]) if index not in indexes]
    if key in ("rails", "transfer_templates"):
        unselected = gone | (before - _types(bank))
        for template in bank.get("transfer_templates", ()):
            template["leg_rails"] = [name for name in template["leg_rails"] if name not in gone]
            groups = [[name for name in members if name not in gone] for members in template.get(GROUPS, ())]
            template[GROUPS] = [members for members in groups if len(members) > 1]
            if not template[GROUPS]:
                del template[GROUPS]
        for rail in bank["rails"]:
            if "bundles_activity" in rail:
                kept = [one for one in rail["bundles_activity"] if one.partition(".")[0] not in gone]
                rail["bundles_activity"] = [one for one in kept if one not in unselected]
        chains = bank.get("chains", ())
        bank["chains"] = [chain for chain in chains if not gone & {chain["parent"], chain["child"]}]
        _without_override(bank, "rails", gone)
        if any(_is_empty(element) for part in ("rails", "transfer_templates") for element in bank.get(part, ())):
            part = "rails" if any(map(_is_empty, bank["rails"])) else "transfer_templates"
            empty = next(index for index, element in enumerate(bank[part]) if _is_empty(element))
            return _without(bank, part, range(empty, empty + 1))
        _with_nets(bank)
    if key == "account_templates":
        roles = {element["role"] for element in bank[key]}
        _without_override(bank, "accounts", bank.get("baseline", {}).get("accounts", {}).keys() - roles)
    return bank


def _types(bank: Element) -> set[str]:
    """The transfer types that a sweep can select."""
    return {element["transfer_type"] for part in ("rails", "transfer_templates") for element in bank.get(part, ())}


def _is_empty(element: Element) -> bool:
    """Whether nothing is left for a sweep to bundle, or no leg of a template."""
    return element.get("bundles_activity") == [] or element.get("leg_rails") == []


def _with_nets(bank: Element) -> None:
    """Gives a net to every two-leg rail that no template holds any more, and groups no chain that is alone."""
    held = {name for template in bank.get("transfer_templates", ()) for name in template["leg_rails"]}
    for rail in bank["rails"]:
        if "leg_role" not in rail and rail["name"] not in held:
            rail.setdefault("expected_net", "0")
    groups = [(chain["parent"], chain.get("xor_group")) for chain in bank.get("chains", ())]
    for chain in bank.get("chains", ()):
        if groups.count((chain["parent"], chain.get("xor_group"))) == 1:
            chain.pop("xor_group", None)


def _without_override(bank: Element, part: str, names: set[str]) -> Element:
    """A bank without what its `baseline` says of these rails, or of the accounts of these roles."""
    overrides = bank.get("baseline", {}).get(part, {})
    for name in names & overrides.keys():
        del overrides[name]
    return bank
