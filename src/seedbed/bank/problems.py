"""Turns the model's validation errors into remarks for the user, and repairs the data for further checks.

The cross-checks need a complete bank. A misspelt key must not hide a wrong reference, so it counts as the most
similar known key. Every value that the model rejects is replaced by an acceptable one. Remarks of cross-checks about
such a value are dropped.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from seedbed.bank import model
from seedbed.bank.grammar import ScalarError
from seedbed.bank.text import Path, Remark, describe, nearest, one_of, quote, suggestion
from seedbed.errors import counted

__all__ = ["Fault", "fault_remarks", "faults", "repair"]

MAX_FAULTS = 500

ELEMENT_MODELS: Mapping[str, type[BaseModel]] = {
    "accounts": model.Account,
    "account_templates": model.AccountTemplate,
    "transfer_templates": model.TransferTemplate,
    "chains": model.Chain,
    "limit_schedules": model.LimitSchedule,
}
RAIL_MODELS: Mapping[str, type[BaseModel]] = {"two_leg": model.TwoLegRail, "one_leg": model.OneLegRail}
# Mappings inside of rails and templates, and how deep they are.
NESTED_MODELS: Mapping[str | int, type[BaseModel]] = {
    "amount": model.PricePoint,
    "firings_typical_per_period": model.TypicalFirings,
}
NESTED_DEPTH: Mapping[str | int, int] = {"amount": 4, "firings_typical_per_period": 3}
BASELINE_MODELS: Mapping[int, type[BaseModel]] = {
    1: model.Baseline,
    3: model.RailOverride,
    4: model.SeedAmount,
}

# Mappings whose keys are names from the bank. The example values of a rail's metadata are another such mapping.
FREE_MAPPINGS = frozenset((("role_business_day_offsets",), ("baseline", "accounts"), ("baseline", "rails")))

# An acceptable value of every key that the model may require. `?` stands for a unique name.
ACCEPTABLE: Mapping[str, str | list[str]] = {
    "instance": "unreadable",
    "id": "?",
    "name": "?",
    "role": "?",
    "parent_role": "?",
    "scope": "internal",
    "transfer_type": "?",
    "source_role": "?",
    "destination_role": "?",
    "leg_role": "?",
    "leg_direction": "Debit",
    "expected_net": "0.00",
    "transfer_key": [],
    "completion": "month_end",
    "leg_rails": ["?"],
    "parent": "?",
    "child": "?",
    "required": "false",
    "cap": "1.00",
    "median": "1.00",
    "sigma": "1",
    "amount": "1.00",
    "weight": "1",
    "range": ["1", "1"],
}


# Lists of two numbers.
PAIRS = ("range", "amount_typical_range")


class Fault(NamedTuple):
    """One validation error: its path in the file, pydantic's name for its kind, its details.

    `guess` is the path to which the value of an unknown key most likely belongs; None if there is no similar key, or
    if that key has a value already. `in_key` tells that the key of a mapping of names is wrong; then the path ends
    with the step `[key]`.
    """

    path: Path
    kind: str
    details: Mapping[str, Any]
    guess: Path | None
    in_key: bool


def faults(error: ValidationError, data: Any) -> tuple[list[Fault], bool]:
    """The errors of validating `data`, at most 500, and whether these are all errors."""
    found = []
    for item in error.errors(include_url=False)[:MAX_FAULTS]:
        path = item["loc"]
        if path[:1] == ("rails",) and len(path) > 2 and path[2] in RAIL_MODELS:
            path = (*path[:2], *path[3:])
        details = {"input": item["input"], "text": item["msg"], **item.get("ctx", {})}
        guess = _guess(path, data) if item["type"] == "extra_forbidden" else None
        found.append(Fault(path, item["type"], details, guess, _is_in_key(path, item["type"])))
    return found, error.error_count() <= MAX_FAULTS


def _is_in_key(path: Path, kind: str) -> bool:
    """Whether a fault is about a key of a mapping of names. A key of the file may itself be called `[key]`."""
    free = path[:-2] in FREE_MAPPINGS or (path[:1] == ("rails",) and path[2:-2] == ("metadata_value_examples",))
    return path[-1:] == ("[key]",) and kind != "extra_forbidden" and free


def _owner(path: Path, mapping: Any) -> type[BaseModel] | None:
    """The model of the mapping at a path. None for a mapping of names."""
    if path[:1] == ("baseline",):
        return BASELINE_MODELS.get(len(path)) if path[1:2] in ((), ("rails",)) else None
    if nested := next((model for step, model in NESTED_MODELS.items() if path[2:3] == (step,)), None):
        return nested if len(path) == NESTED_DEPTH[path[2]] else None
    if len(path) == 2 and path[0] == "rails":
        return RAIL_MODELS[model.rail_shape(mapping)]
    if len(path) == 2:
        return ELEMENT_MODELS.get(str(path[0]))
    return None if path else model.Bank


def _keys(owner: type[BaseModel]) -> list[str]:
    keys = [field.alias or name for name, field in owner.model_fields.items()]
    # The canonical form has no `children`, but a file may.
    return [*keys, "children"] if owner is model.Chain else keys


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data


def _guess(path: Path, data: Any) -> Path | None:
    mapping = _at(data, path[:-1])
    owner = _owner(path[:-1], mapping)
    meant = nearest(str(path[-1]), _keys(owner)) if owner else None
    return None if meant is None or meant in mapping else (*path[:-1], meant)


def fault_remarks(found: list[Fault], data: Any) -> Iterator[Remark]:
    """The remark on each fault, in the terms of a bank file. A misspelt key is not also reported as missing."""
    misspelt = {fault.guess for fault in found}
    missing = {fault.path for fault in found if fault.kind == "missing"}
    for fault in found:
        *above, last = fault.path
        if fault.kind == "missing" and (fault.path in misspelt or (*above, "children") in misspelt):
            continue
        # A chain without a child may be meant in either spelling; only the older one needs `required`.
        if fault.path in missing and last == "required" and (*above, "child") in missing - misspelt:
            continue
        rule, message = MESSAGES.get(fault.kind, _other)(fault, data)
        path = (*fault.path, "[key]") if fault.kind == "extra_forbidden" else fault.path
        yield Remark(path, rule, message)


def _missing(fault: Fault, _data: Any) -> tuple[str, str]:
    last = fault.path[-1]
    if isinstance(last, int):
        return _not_two(fault, _data)
    if fault.path[:1] == ("chains",) and last == "child":
        return "missing-key", "missing key 'children' (newer spelling) or 'child' (older spelling)"
    return "missing-key", f"missing key {quote(last)}"


def _not_two(fault: Fault, data: Any) -> tuple[str, str]:
    """A range of fewer or more than two numbers."""
    path = fault.path[:-1] if isinstance(fault.path[-1], int) else fault.path
    said = counted(len(_at(data, path)), "number")
    return "bad-value", f"{said} instead of two: write the least and the greatest"


def _unknown_key(fault: Fault, data: Any) -> tuple[str, str]:
    *parents, key = fault.path
    mapping = _at(data, parents)
    if parents[:1] == ["rails"] and key in _keys(model.TwoLegRail) and model.rail_shape(mapping) == "one_leg":
        return "rail-shape", f"leg_role and leg_direction make this a one-leg rail, which cannot have {quote(key)}"
    if re.fullmatch(r"[0-9]{2,3}(\.[0-9]*)?", str(key)) and mapping.get(key) is None:
        return "unknown-key", f"unknown key {quote(key)}: a comma ends the value; write amounts without commas"
    owner = _owner(tuple(parents), mapping)
    return "unknown-key", f"unknown key {quote(key)}{suggestion(str(key), _keys(owner or model.Bank))}"


def _scalar(fault: Fault, _data: Any) -> tuple[str, str]:
    error = fault.details.get("error")
    return (error.rule, str(error)) if isinstance(error, ScalarError) else _other(fault, _data)


def _choice(fault: Fault, _data: Any) -> tuple[str, str]:
    choices = [part.strip("'") for part in str(fault.details["expected"]).replace(" or ", ", ").split(", ")]
    value = fault.details["input"]
    hint = suggestion(value, choices) if isinstance(value, str) else ""
    return "bad-choice", f"{describe(value)} is not {one_of(choices)}{hint}"


def _too_short(_fault: Fault, _data: Any) -> tuple[str, str]:
    return "list-too-short", "the list needs at least one item"


def _not_a_list(fault: Fault, _data: Any) -> tuple[str, str]:
    hint = "; write [] for an empty one" if fault.details["input"] is None else ""
    return "not-a-list", f"{describe(fault.details['input'])} is not a list{hint}"


def _not_a_mapping(fault: Fault, _data: Any) -> tuple[str, str]:
    if fault.path[-1] == "firings_typical_per_period":
        said = describe(fault.details["input"])
        return "not-a-mapping", f"{said} is not a range such as [5, 9] or {{period: week, range: [5, 9]}}"
    return "not-a-mapping", f"{describe(fault.details['input'])} is not a mapping of keys to values"


def _other(fault: Fault, _data: Any) -> tuple[str, str]:
    return "bad-value", str(fault.details["text"])


MESSAGES: Mapping[str, Callable[[Fault, Any], tuple[str, str]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "value_error": _scalar,
    "literal_error": _choice,
    "too_short": _too_short,
    "too_long": _not_two,
    "tuple_type": _not_a_list,
    "dict_type": _not_a_mapping,
    "model_type": _not_a_mapping,
}
STRUCTURAL = frozenset(("tuple_type", "dict_type", "model_type"))


def repair(found: list[Fault], data: Any) -> bool:
    """Changes `data` in place so that these faults are gone. Returns False if a whole element or list is missing.

    A wrong key is removed with its value. This comes last, because the value may have a fault of its own.
    """
    for number, fault in enumerate(sorted(found, key=lambda fault: fault.in_key)):
        *parents, last = fault.path
        if fault.kind in STRUCTURAL or (fault.kind == "missing" and last not in ACCEPTABLE):
            return False
        if fault.in_key:
            _at(data, parents[:-1]).pop(parents[-1], None)
            continue
        holder = _at(data, parents)
        if isinstance(last, int):
            holder[:] = ["1" for _ in holder] if parents[-1] in PAIRS else holder
            holder[last] = "1" if parents[-1] in PAIRS else f"?{number}"
        elif fault.kind == "extra_forbidden":
            value = holder.pop(last)
            if fault.guess:
                holder.setdefault(fault.guess[-1], value)
        elif fault.kind != "missing" or last not in holder:
            _make_acceptable(holder, str(last), _owner(tuple(parents), holder), f"?{number}")
    return True


def _make_acceptable(mapping: dict[str, Any], key: str, owner: type[BaseModel] | None, name: str) -> None:
    """Replaces the value of a key by an acceptable one, or removes the key."""
    value = ACCEPTABLE.get(key) if owner else None
    if owner and key == "aggregating":
        value = "true" if "cadence" in mapping or "bundles_activity" in mapping else "false"
    if value is None:
        mapping.pop(key, None)
    elif isinstance(value, list):
        mapping[key] = list(value) if key == "range" else [name for _ in value]
    else:
        mapping[key] = name if value == "?" else value
