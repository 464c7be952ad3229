"""The JSON Schema of a bank file, for editors: the models' shapes, and each scalar's grammar as far as a schema goes.

`starter/seedbed.schema.json` is its text; `python tools/bank_schema.py` writes that file.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from seedbed.bank import grammar
from seedbed.bank.model import Bank

__all__ = ["SCHEMA_FILE", "bank_schema"]

SCHEMA_FILE = "seedbed.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def _whole(pattern: str) -> str:
    """A Python pattern for a full match as a schema's, without the names of groups, whose spelling differs."""
    return f"^(?:{re.sub(r'[?]P<[a-z]+>', '', pattern)})$"


def _number(pattern: str, description: str, **bounds: float) -> Schema:
    return {"type": ["number", "string"], "pattern": _whole(pattern), "description": description, **bounds}


def _text(longest: int | None = None, description: str | None = None) -> Schema:
    more: Schema = {} if longest is None else {"minLength": 1, "maxLength": longest}
    return {"type": "string", **more, **({} if description is None else {"description": description})}


MONEY = "Dollars with at most two decimals, such as 5000.00."
NAME = _text(grammar.MAX_NAME)
PATTERN = "Text with {role}, {n} and {n:03d} in it."
CADENCE = (
    "When a sweep ticks: intraday-Nh, daily-eod, daily-bod, weekly-mon to weekly-sun, monthly-eom, monthly-bom, "
    "monthly-1 to monthly-31."
)

# Parser of a scalar in `grammar.py` → what a schema can say of the texts and numbers that it takes.
SCALARS: Mapping[Callable[[Any], Any], Schema] = {
    grammar.parse_money: _number(grammar.MONEY.pattern, MONEY),
    grammar.parse_positive_money: _number(grammar.MONEY.pattern, MONEY, minimum=0.01),
    grammar.parse_duration: {
        "type": "string",
        "pattern": _whole(grammar.DURATION.pattern),
        "description": "An ISO 8601 duration of weeks, or of days, hours, minutes and seconds: PT24H, P31D.",
    },
    grammar.parse_roles: {
        "description": "One role, a list of roles, or (RoleA | RoleB).",
        "anyOf": [_text(), {"type": "array", "items": NAME, "minItems": 1}],
    },
    grammar.parse_name: NAME,
    grammar.parse_text: _text(),
    grammar.parse_line: {"type": "string", "maxLength": grammar.MAX_LINE},
    grammar.parse_flag: {"type": "boolean"},
    grammar.parse_account_pattern: _text(grammar.MAX_NAME, PATTERN),
    grammar.parse_cadence: {"type": "string", "enum": list(grammar.CADENCES), "description": CADENCE},
    grammar.parse_completion: {
        "type": "string",
        "pattern": _whole(grammar.COMPLETION.pattern),
        "description": "business_day_end, business_day_end+Nd, month_end, or metadata.KEY.",
    },
    grammar.parse_sigma: _number(grammar.DECIMAL.pattern, "Above 0, at most 4.", exclusiveMinimum=0, maximum=4),
    grammar.parse_multiplier: _number(grammar.DECIMAL.pattern, "From 0 to 1000.", minimum=0, maximum=1000),
    grammar.parse_count: {"type": "integer", "minimum": 0, "maximum": grammar.MAX_COUNT},
    grammar.parse_offset_hours: {"type": "integer", "minimum": -23, "maximum": 23},
    grammar.parse_instance: {
        "type": "string",
        "pattern": _whole(grammar.INSTANCE.pattern),
        "maxLength": grammar.MAX_INSTANCE,
        "description": "The prefix of every table and view.",
    },
}


class _FileSchema(GenerateJsonSchema):
    """Pydantic's own, except for scalars that a file spells and for the titles that repeat the keys."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """What the parser takes, where there is one."""
        parser: Callable[..., Any] = schema["function"]["function"]
        scalar = SCALARS.get(parser)
        return dict(scalar) if scalar is not None else super().function_before_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without the default, which is in the program's own units."""
        return self.generate_inner(schema["schema"])


def bank_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a bank file."""
    schema = Bank.model_json_schema(by_alias=True, schema_generator=_FileSchema)
    for part in (schema, *schema["$defs"].values()):
        part.pop("title", None)
        part["description"] = " ".join(str(part.get("description", "")).split())
    return {"$schema": DIALECT, "title": "A bank for Seedbed", **schema}
