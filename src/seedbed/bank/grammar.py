"""The small languages inside a bank file's scalars: money, names, roles, numbers, patterns.

Each `parse_*` takes the scalar of the file (text), or a Python value from a caller of the models. It returns a value
in the unit of the program, or raises `ScalarError` (a ValueError) with the message for the user.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from seedbed import money
from seedbed.bank.text import FORBIDDEN, describe, quote

__all__ = [
    "OPENING_RAIL",
    "OPENING_TYPE",
    "ScalarError",
    "parse_account_pattern",
    "parse_count",
    "parse_firings",
    "parse_flag",
    "parse_instance",
    "parse_line",
    "parse_money",
    "parse_multiplier",
    "parse_name",
    "parse_offset_hours",
    "parse_parent_count",
    "parse_positive_money",
    "parse_roles",
    "parse_sigma",
    "parse_text",
    "parse_weight",
    "render_account_pattern",
    "scalar_text",
    "split_account_pattern",
]


MAX_NAME = 200
MAX_LINE = 1_000
MAX_COUNT = 100_000_000
MAX_INSTANCE = 30

# ASCII digits only, without leading zeros. The pattern bounds the length before any conversion.
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,9})?")
COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
HOURS = re.compile(r"[+-]?(?:0|[1-9][0-9]?)")
INSTANCE = re.compile(r"[a-z][a-z0-9_]*")
MAX_FIRINGS = 1_000_000
PLACEHOLDER = re.compile(r"\{(?:(?P<role>role)|n(?::0(?P<width>[1-9]|1[0-2])d)?)\}")

# The rail name and transfer type of opening balances. No rail or template may have them.
OPENING_RAIL = "OpeningBalance"
OPENING_TYPE = "opening_balance"

# Words that an engine reserves, and prefixes that an engine keeps for itself.
RESERVED_WORDS = """
all alter and any as between by case check column create cross current default delete desc distinct drop
else exists false for foreign from full grant group having in index inner insert intersect into is join key
left like limit not null of on or order outer primary references right select set table then to true union
unique update user using values view when where with
"""
RESERVED_INSTANCES = frozenset(RESERVED_WORDS.split())
RESERVED_PREFIXES = ("pg_", "sqlite_", "duckdb_", "mysql_", "sys_")
# `<instance>_current_transactions` is a view of the instance itself.
RESERVED_SUFFIXES = ("_current",)


class ScalarError(ValueError):
    """A scalar that does not match its grammar. `rule` is the stable id of the grammar."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)


def scalar_text(value: Any, rule: str, wanted: str) -> str:
    """The text of a scalar. Python callers may give an int or a Decimal, but never a bool or a float."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal) and value.is_finite() and abs(value) <= money.MAX_DOLLARS:
        return format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= money.MAX_DOLLARS:
        return str(value)
    raise ScalarError(rule, f"{describe(value)} is not {wanted}")


def parse_money(value: Any) -> int:
    """Dollars with at most two decimals, such as `5000` or `-12.50`, to cents. The limit is 10^13 dollars."""
    text = scalar_text(value, "bad-money", "an amount of money such as 5000.00")
    try:
        return money.parse(text)
    except money.MoneyError as error:
        raise ScalarError("bad-money", f"{quote(text)} {error}") from None


def parse_positive_money(value: Any) -> int:
    """The same as `parse_money`, for amounts of at least 0.01."""
    cents = parse_money(value)
    if cents < 1:
        raise ScalarError("bad-money", f"{quote(value)} is less than {money.CENT}")
    return cents


def parse_text(value: Any) -> str:
    """Prose: any text, also of several lines, without control characters and direction marks."""
    if not isinstance(value, str):
        raise ScalarError("bad-text", f"{describe(value)} is not text")
    found = FORBIDDEN.search(value)
    if found:
        raise ScalarError("bad-text", f"the character U+{ord(found[0]):04X} is not allowed")
    return value


def parse_line(value: Any) -> str:
    """One line of text, possibly empty, of at most 1,000 characters: an example value."""
    text = parse_text(value)
    if len(text) > MAX_LINE:
        raise ScalarError("bad-text", f"{quote(text)} is longer than {MAX_LINE:,} characters")
    if "\n" in text or "\r" in text or "\t" in text:
        raise ScalarError("bad-text", f"{quote(text)} contains a tab or a line break")
    return text


def parse_name(value: Any) -> str:
    """A name or identifier: one line in Unicode's composed form (NFC), 1 to 200 characters, no outer spaces."""
    if not isinstance(value, str):
        raise ScalarError("bad-name", f"{describe(value)} is not a name")
    problem = None
    found = FORBIDDEN.search(value) or re.search(r"[\t\n\r]", value)
    if not value:
        problem = "a name is empty"
    elif found:
        problem = f"the character U+{ord(found[0]):04X} is not allowed in a name"
    elif len(value) > MAX_NAME:
        problem = f"{quote(value)} is longer than {MAX_NAME} characters"
    elif value != value.strip():
        problem = f"{quote(value)} begins or ends with a space"
    elif not unicodedata.is_normalized("NFC", value):
        problem = f"{quote(value)} is not in Unicode's composed form (NFC)"
    if problem:
        raise ScalarError("bad-name", problem)
    return value


def parse_roles(value: Any) -> tuple[str, ...]:
    """A role expression as its distinct roles in order. It is a role, a list of roles, or `(RoleA | RoleB)`."""
    if isinstance(value, str) and value.startswith("(") and value.endswith(")"):
        value = [part.strip() for part in value[1:-1].split("|")]
    elif isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not value:
        raise ScalarError("bad-roles", f"{describe(value)} is not a role, a list of roles or (RoleA | RoleB)")
    for role in value:
        if isinstance(role, str) and ("|" in role or role.startswith("(")):
            raise ScalarError("bad-roles", f"{quote(role)} is not a role; a choice of roles is (RoleA | RoleB)")
    return tuple(dict.fromkeys(parse_name(role) for role in value))


def parse_flag(value: Any) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ScalarError("bad-flag", f"{describe(value)} is not true or false")
    return bool(value == "true")


def parse_account_pattern(value: Any) -> str:
    """A pattern for the ids or names of a template's accounts: text with `{role}`, `{n}` and `{n:03d}` in it."""
    try:
        text = parse_name(value)
    except ScalarError as error:
        raise ScalarError("bad-pattern", str(error)) from None
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        raise ScalarError(
            "bad-pattern",
            f"{quote(text)} may contain only the placeholders {{role}}, {{n}} and {{n:0Wd}} with a width of 1 to 12",
        )
    return text


def split_account_pattern(pattern: str, role: str) -> list[str | int]:
    """The pieces of a pattern: literal text, and for each `{n}` the width of its number (0 without a width)."""
    parts: list[str | int] = [""]
    end = 0
    for match in PLACEHOLDER.finditer(pattern):
        literal = pattern[end : match.start()] + (role if match["role"] else "")
        end = match.end()
        parts[-1] = f"{parts[-1]}{literal}"
        if not match["role"]:
            parts += [int(match["width"] or 0), ""]
    parts[-1] = f"{parts[-1]}{pattern[end:]}"
    return parts


def render_account_pattern(pattern: str, role: str, numbers: Sequence[int]) -> list[str]:
    """The ids or names of a template's accounts with these numbers, in their order."""
    parts = split_account_pattern(pattern, role)
    form = "".join(f"%0{part}d" if isinstance(part, int) else part.replace("%", "%%") for part in parts)
    times = sum(isinstance(part, int) for part in parts)
    if times == 1:
        return [form % number for number in numbers]
    return [form % ((number,) * times) for number in numbers]


def _decimal(value: Any, rule: str, wanted: str, within: Callable[[Decimal], bool]) -> Decimal:
    """A plain decimal number within bounds; `wanted` names them."""
    text = scalar_text(value, rule, wanted)
    if not DECIMAL.fullmatch(text):
        raise ScalarError(rule, f"{quote(text)} is not {wanted}")
    if not within(Decimal(text)):
        raise ScalarError(rule, f"{quote(value)} is not {wanted}")
    return Decimal(text)


def _count(value: Any, rule: str, of: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    wanted = f"a number of {of} from {least} to {most}"
    text = scalar_text(value, rule, wanted)
    if not COUNT.fullmatch(text) or not least <= int(text) <= most:
        raise ScalarError(rule, f"{quote(text)} is not {wanted}")
    return int(text)


def parse_sigma(value: Any) -> Decimal:
    """The sigma of a lognormal amount: above 0, at most 4."""
    return _decimal(value, "bad-sigma", "a sigma above 0 and at most 4", lambda sigma: 0 < sigma <= 4)


def parse_multiplier(value: Any) -> Decimal:
    """A multiplier of volume: 0 to 1000."""
    wanted = "a multiplier from 0 to 1000"
    return _decimal(value, "bad-multiplier", wanted, lambda factor: not factor.is_signed() and factor <= 1_000)


def parse_weight(value: Any) -> Decimal:
    """The weight of a price point: above 0, at most 1000."""
    return _decimal(value, "bad-weight", "a weight above 0 and at most 1000", lambda weight: 0 < weight <= 1_000)


def parse_count(value: Any) -> int:
    """A number of accounts: 0 to 100,000,000."""
    return _count(value, "bad-count", "accounts", 0, MAX_COUNT)


def parse_firings(value: Any) -> int:
    """A number of firings in a period: 0 to 1,000,000."""
    return _count(value, "bad-firings", "firings", 0, MAX_FIRINGS)


def parse_parent_count(value: Any) -> int:
    """How many parents share a fan-in child: 2 to 10,000."""
    return _count(value, "bad-parent-count", "parents", 2, 10_000)


def parse_offset_hours(value: Any) -> int:
    """Hours by which a role's business day is shifted: -23 to 23."""
    wanted = "a number of whole hours from -23 to 23"
    text = scalar_text(value, "bad-hours", wanted)
    if not HOURS.fullmatch(text) or abs(int(text)) > 23:
        raise ScalarError("bad-hours", f"{quote(text)} is not {wanted}")
    return int(text)


def parse_instance(value: Any) -> str:
    """The prefix of every database object: lower-case letters, digits and underscores, at most 30."""
    if not isinstance(value, str) or not INSTANCE.fullmatch(value) or len(value) > MAX_INSTANCE:
        wanted = f"use a lower-case letter, then lower-case letters, digits or _ (at most {MAX_INSTANCE})"
        raise ScalarError("bad-instance", f"{describe(value)}: {wanted}")
    if value in RESERVED_INSTANCES or f"{value}_".startswith(RESERVED_PREFIXES) or value.endswith(RESERVED_SUFFIXES):
        raise ScalarError("bad-instance", f"{quote(value)} is reserved by databases or by the views of Seedbed")
    return value
