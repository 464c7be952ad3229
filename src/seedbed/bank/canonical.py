"""A bank as canonical JSON: the keys and spellings of the file, one order, no default values.

The text is itself a bank file (JSON is YAML) and loads as an equal bank.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from seedbed import money
from seedbed.bank.model import Bank
from seedbed.bank.timing import LAST_DAY, Cadence, Completion, Delay, Hours, format_duration

__all__ = ["canonical_json"]


def canonical_json(bank: Bank) -> str:
    """The bank as one line of JSON: keys in the model's order, free mappings sorted, money as decimal text."""
    return json.dumps(_element(bank), ensure_ascii=False, separators=(", ", ": "))


def _element(element: BaseModel) -> dict[str, Any]:
    found = {}
    for name, field in type(element).model_fields.items():
        value = getattr(element, name)
        if value is None or (not field.is_required() and value == field.get_default(call_default_factory=True)):
            continue
        found[field.alias or name] = _value(name, value)
    return found


def _value(name: str, value: Any) -> Any:
    """A field's value in the spelling of the file. The last word of the field's name is its unit."""
    if name.endswith("_cents"):
        return [money.format(cents) for cents in value] if isinstance(value, tuple) else money.format(value)
    if name.endswith("_seconds"):
        return format_duration(value)
    if name == "day_of_month":
        return "last" if value == LAST_DAY else value
    if isinstance(value, BaseModel):
        return _element(value)
    write = WRITERS.get(type(value))
    return value if write is None else write(value)


WRITERS: Mapping[type, Callable[[Any], Any]] = {
    Cadence: lambda cadence: cadence.text,
    Completion: lambda completion: completion.text,
    Hours: lambda hours: hours.text,
    Delay: lambda delay: list(delay.bounds),
    Decimal: lambda number: format(number, "f"),
    tuple: lambda items: [_value("", item) for item in items],
    dict: lambda mapping: {key: _value("", mapping[key]) for key in sorted(mapping)},
}
