"""A bank as canonical JSON: the keys and spellings of the file, one order, no default values.

The text is itself a bank file (JSON is YAML) and loads as an equal bank.
"""

import json
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from seedbed import money
from seedbed.bank.grammar import Cadence, Completion, format_duration
from seedbed.bank.model import Bank

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
        return money.format(value)
    if name.endswith("_seconds"):
        return format_duration(value)
    if isinstance(value, Cadence | Completion):
        return value.text
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, BaseModel):
        return _element(value)
    if isinstance(value, tuple):
        return [_value("", item) for item in value]
    if isinstance(value, dict):
        return {key: _value("", value[key]) for key in sorted(value)}
    return value
