"""The JSON Schema of a bank file, for editors: the shapes of the models and, as far as possible, the scalar grammars.

`python tools/bank_schema.py` writes it to `starter/seedbed.schema.json`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from seedbed import money
from seedbed.bank import grammar, timing
from seedbed.bank.model import Bank

__all__ = ["SCHEMA_FILE", "bank_schema"]

SCHEMA_FILE = "seedbed.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def _whole(pattern: str) -> str:
    """A Python pattern for a full match as a pattern of JSON Schema, which spells group names differently."""
    return f"^(?:{re.sub(r'[?]P<[a-z]+>', '', pattern)})$"


def _number(pattern: str, description: str, **bounds: float) -> Schema:
    return {"type": ["number", "string"], "pattern": _whole(pattern), "description": description, **bounds}


def _text(longest: int | None = None, description: str | None = None) -> Schema:
    more: Schema = {} if longest is None else {"minLength": 1, "maxLength": longest}
    return {"type": "string", **more, **({} if description is None else {"description": description})}


MONEY = "Dollars with at most two decimals, such as 5000.00."
# Text without a space at either end.
NAME = {**_text(grammar.MAX_NAME), "pattern": r"^\S(?:.*\S)?$"}
PATTERN = "Text that may contain {role}, {n} and {n:03d}."
CADENCE = (
    "One of intraday-Nh, daily-eod, daily-bod, weekly-mon to weekly-sun, monthly-eom, monthly-bom, "
    "monthly-1 to monthly-31."
)

# Parser of a scalar in `grammar.py` or `timing.py` → the schema of the texts and numbers that it accepts.
SCALARS: Mapping[Callable[[Any], Any], Schema] = {
    grammar.parse_money: _number(money.PATTERN.pattern, MONEY),
    grammar.parse_positive_money: _number(money.PATTERN.pattern, MONEY, minimum=float(money.CENT)),
    timing.parse_duration: {
        "type": "string",
        "pattern": _whole(timing.DURATION.pattern),
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
    grammar.parse_account_pattern: {
        **_text(grammar.MAX_NAME, PATTERN),
        "pattern": _whole(rf"(?:[^{{}}]|{grammar.PLACEHOLDER.pattern})*"),
    },
    timing.parse_cadence: {
        "type": "string",
        "enum": [*timing.CADENCES, *(text.replace("-", "_") for text in timing.CADENCES)],
        "description": CADENCE,
    },
    timing.parse_completion: {
        "type": "string",
        "pattern": _whole(timing.COMPLETION.pattern),
        "description": "business_day_end, business_day_end+Nd, month_end, or metadata.KEY.",
    },
    grammar.parse_sigma: _number(grammar.DECIMAL.pattern, "Above 0, at most 4.", exclusiveMinimum=0, maximum=4),
    grammar.parse_multiplier: _number(grammar.DECIMAL.pattern, "From 0 to 1000.", minimum=0, maximum=1000),
    grammar.parse_count: {"type": "integer", "minimum": 0, "maximum": grammar.MAX_COUNT},
    grammar.parse_offset_hours: {"type": "integer", "minimum": -23, "maximum": 23},
    grammar.parse_weight: _number(
        grammar.DECIMAL.pattern, "Above 0, at most 1000.", exclusiveMinimum=0, maximum=1000
    ),
    grammar.parse_firings: {"type": "integer", "minimum": 0, "maximum": grammar.MAX_FIRINGS},
    grammar.parse_parent_count: {"type": "integer", "minimum": 2, "maximum": 10_000},
    timing.parse_hours: {
        "type": "string",
        "pattern": _whole(timing.BAND.pattern),
        "description": "Hours of the day, New York, such as 09:00-17:30.",
    },
    timing.parse_day_of_month: {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 31}, {"const": "last"}],
        "description": "1 to 31, or last.",
    },
    timing.parse_delay: {
        "type": "array",
        "items": {"type": "string", "pattern": _whole(timing.DURATION.pattern)},
        "minItems": 2,
        "maxItems": 2,
        "description": "[P1D, P2D] in business days, or [PT1M, PT15M].",
    },
    grammar.parse_instance: {
        "type": "string",
        "pattern": _whole(grammar.INSTANCE.pattern),
        "maxLength": grammar.MAX_INSTANCE,
        "description": "The prefix of every table and view.",
    },
}

# The meaning of each key, for editors. `Element.key` is for a key that has another meaning in one element.
KEYS: Mapping[str, str] = {
    "description": "A comment for readers; it has no effect.",
    "instance": "The name of the bank.",
    "accounts": "Accounts that exist once.",
    "account_templates": "Accounts that exist many times: one per customer, merchant or location.",
    "rails": "The ways to move money.",
    "transfer_templates": "Transfers that collect the legs of several rails under one key.",
    "chains": "Which transfer follows from which.",
    "limit_schedules": "Daily caps on what accounts pay or take in.",
    "role_business_day_offsets": "Hours by which a role's business day starts later (or earlier) than midnight.",
    "seed_hash": "Accepted because other programs use it; it has no effect.",
    "theme": "Accepted because other programs use it; it has no effect.",
    "persona": "Accepted because other programs use it; it has no effect.",
    "institution_name": "Accepted because other programs use it; it has no effect.",
    "institution_acronym": "Accepted because other programs use it; it has no effect.",
    "investigation_personas": "Accepted because other programs use it; it has no effect.",
    "calendar": "The bank holidays: federal_reserve (the default), none, holidays:XX[-SUB] for a country or market.",
    "baseline": "Numbers of accounts, volumes and amounts of the healthy baseline.",
    "id": "The id of the account in the feed.",
    "name": "The name that the feed, chains and templates use.",
    "role": "The role of the account in the bank. Rails name roles, not accounts.",
    "scope": "internal: an account of this bank, with a balance per business day. external: an account elsewhere.",
    "parent_role": "The role of the parent account, whose balance includes the balance of this one.",
    "expected_eod_balance": "The required balance at the end of every business day; usually 0.",
    "instance_id_template": "The pattern of the account ids, such as cust-{n:03d}.",
    "instance_name_template": "The pattern of the account names, such as Customer {n}.",
    "transfer_type": "The type of the transfer, as the feed names it.",
    "metadata_keys": "Metadata keys that every leg of the rail carries.",
    "posted_requirements": "Metadata keys for which a Posted leg must have a value.",
    "max_pending_age": "The longest time that a leg may be Pending; after that it is stuck.",
    "max_unbundled_age": "The longest time that a leg may wait for its sweep; after that it is stuck.",
    "metadata_value_examples": "Values to draw from, by metadata key.",
    "aggregating": "true: the rail is a sweep, which moves the sum of other legs.",
    "bundles_activity": "What the sweep bundles: a rail, a transfer type, a template, or Template.LegRail.",
    "cadence": "The times at which the sweep runs.",
    "origin": "Who initiates the legs: the bank, or an outside party whose postings the bank must accept.",
    "source_origin": "The origin of the source leg, if it differs from that of the rail.",
    "destination_origin": "The origin of the destination leg, if it differs from that of the rail.",
    "source_role": "The role of the payer (the Debit).",
    "destination_role": "The role of the recipient (the Credit).",
    "leg_role": "The role of the account of the one leg.",
    "leg_direction": "Debit: money out. Credit: money in. Variable: the amount that closes the template's transfer.",
    "expected_net": "The required sum of the legs of a transfer; usually 0.",
    "transfer_key": "Metadata keys. Legs with the same values belong to the same transfer.",
    "completion": "The time by which a transfer must be complete.",
    "leg_rails": "The rails whose legs the transfer collects.",
    "parent": "The rail or template that comes first.",
    "child": "The rail or template that follows.",
    "required": "true: a parent without a child is an exception.",
    "xor_group": "Chains of one parent in one group exclude each other: one follows if required, else at most one.",
    "LimitSchedule.parent_role": "The cap applies to every account under this role.",
    "cap": "The most that an account may move in a business day, by this rail or type and in this direction.",
    "seed_amount": "The lognormal distribution of the amounts of the rail.",
    "seed_volume_multiplier": "The number of firings of the rail, as a multiple of the number for its kind.",
    "median": "Half of all amounts are below the median.",
    "sigma": "The spread of the amounts: 0.7 is narrow, 1.2 is wide.",
    "kind": "What kind of role or rail this is; without it, the sides and the words of names decide.",
    "per": "The template role whose accounts set the volume of the rail.",
    "hours": "The hours in which the rail fires by itself.",
    "Rail.calendar": "business (the default): the business days of the bank. always: every day of the year.",
    "amount": "A fixed amount, or a list of amounts with weights.",
    "PricePoint.amount": "The amount.",
    "weight": "How often this amount is drawn, compared with the others.",
    "amount_typical_range": "The least and the greatest amount; amounts are log-uniform between the two.",
    "day_of_month": "The day on which each account has one firing a month, moved to the next business day.",
    "firings_typical_per_period": "Firings in a period for the whole bank: the least and the greatest number.",
    "period": "business_day (the default), pay_period (two weeks), week or month.",
    "range": "The least and the greatest number of firings.",
    "metadata_examples": "Maps of metadata values that belong together; one is drawn as a whole.",
    "leg_rail_xor_groups": "Groups of leg rails; in each transfer exactly one rail of each group fires.",
    "children": "The children of this parent: one is required, of several exactly one.",
    "fan_in": "true: many parents share one child transfer.",
    "expected_parent_count": "How many parents share one child transfer.",
    "delay": "How long after its parent the child follows.",
    "rail": "The rail that the cap applies to.",
    "direction": "Outbound (the default) caps payments; Inbound caps receipts.",
    "Baseline.accounts": "The number of accounts per template role.",
    "Baseline.rails": "Amounts and volumes of single rails.",
}

# Lists without repeated items.
LISTS = ("bundles_activity", "leg_rails", "metadata_keys", "posted_requirements", "transfer_key")
CALENDAR = r"^(?:federal_reserve|none|holidays:[A-Z][A-Z0-9]{1,3}(?:-[A-Za-z0-9]{1,10})?)$"
# An aggregating rail needs `bundles_activity` and `cadence`; other rails must not have them.
SWEEPS: Schema = {
    "if": {"properties": {"aggregating": {"const": True}}, "required": ["aggregating"]},
    "then": {"properties": {"bundles_activity": {"minItems": 1}}, "required": ["bundles_activity", "cadence"]},
    "else": {"properties": {"bundles_activity": {"maxItems": 0}, "cadence": {"type": "null"}}},
}


class _FileSchema(GenerateJsonSchema):
    """Pydantic's schema, except that scalars have the spelling of the file and that keys have no titles."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """The schema of the scalars that the parser accepts, if it has one."""
        parser: Callable[..., Any] = schema["function"]["function"]
        scalar = SCALARS.get(parser)
        return dict(scalar) if scalar is not None else super().function_before_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema without the default, which is in the units of the program."""
        return self.generate_inner(schema["schema"])


def _sort(name: str) -> str:
    """`Rail` for both shapes of rails."""
    return "Rail" if name.endswith("Rail") else name


def _both_spellings(schema: Schema) -> None:
    """Widens the schema of the canonical form to what `spelling.py` takes, in place."""
    schema["required"].remove("instance")
    parts = schema["$defs"]
    for name in ("TwoLegRail", "OneLegRail", "TransferTemplate"):
        parts[name]["required"].remove("transfer_type")
        properties = parts[name]["properties"]
        pair = {"type": "array", "items": SCALARS[grammar.parse_firings], "minItems": 2, "maxItems": 2}
        firings = properties["firings_typical_per_period"]
        firings["anyOf"] = [pair, *firings["anyOf"]]
        if "amount" in properties:
            amounts = {key: properties["amount"].pop(key) for key in ("type", "items")}
            properties["amount"]["anyOf"] = [SCALARS[grammar.parse_positive_money], amounts]
    chain, limit = parts["Chain"], parts["LimitSchedule"]
    child = {
        "type": "object",
        "properties": {
            "name": NAME,
            **{key: chain["properties"][key] for key in ("description", "fan_in", "expected_parent_count", "delay")},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    children = {"type": "array", "items": {"anyOf": [NAME, child]}, "minItems": 1, "description": KEYS["children"]}
    chain["properties"]["children"] = children
    chain["required"].remove("child")
    chain["required"].remove("required")
    older = {"required": ["child", "required"], "not": {"required": ["children"]}}
    chain["oneOf"] = [older, {"required": ["children"], "not": {"required": ["child"]}}]
    limit["oneOf"] = [{"required": ["transfer_type"]}, {"required": ["rail"]}]


def bank_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a bank file."""
    schema = Bank.model_json_schema(by_alias=True, schema_generator=_FileSchema)
    for name, part in (("Bank", schema), *schema["$defs"].items()):
        part.pop("title", None)
        for key, entry in part["properties"].items():
            words = (
                KEYS.get(f"{name}.{key}") or KEYS.get(f"{_sort(name)}.{key}") or KEYS[key],
                entry.get("description", ""),
            )
            entry["description"] = " ".join(words).rstrip()
            if key in LISTS:
                entry["uniqueItems"] = True
        part["description"] = " ".join(str(part.get("description", "")).split())
        if "aggregating" in part["properties"]:
            part.update(SWEEPS)
    schema["properties"]["calendar"]["pattern"] = CALENDAR
    _both_spellings(schema)
    return {"$schema": DIALECT, "title": "A bank for Seedbed", **schema}
