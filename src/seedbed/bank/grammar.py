"""The small languages inside a bank file's scalars: money, durations, roles, cadences, completions, patterns.

Each `parse_*` takes the scalar of the file (text), or a Python value from a caller of the models. It returns a value
in the unit of the program, or raises `ScalarError` (a ValueError) with the message for the user.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from seedbed import money
from seedbed.bank.text import FORBIDDEN, describe, quote

__all__ = [
    "LAST_DAY",
    "OPENING_RAIL",
    "OPENING_TYPE",
    "Cadence",
    "Completion",
    "Delay",
    "Hours",
    "ScalarError",
    "format_duration",
    "parse_account_pattern",
    "parse_cadence",
    "parse_completion",
    "parse_count",
    "parse_day_of_month",
    "parse_delay",
    "parse_duration",
    "parse_firings",
    "parse_flag",
    "parse_hours",
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
    "split_account_pattern",
]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MAX_NAME = 200
MAX_LINE = 1_000
MAX_DURATION_SECONDS = 3_653 * 86_400  # Ten years, the longest window, and one more leap day.
MAX_COUNT = 100_000_000
MAX_INSTANCE = 30

# ASCII digits only, without leading zeros. The pattern bounds the length before any conversion.
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,9})?")
COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
HOURS = re.compile(r"[+-]?(?:0|[1-9][0-9]?)")
DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,4})W|(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,9})S)?)?)"
)
INSTANCE = re.compile(r"[a-z][a-z0-9_]*")
COMPLETION = re.compile(r"(business_day_end)(?:\+([0-9]{1,3})d)?|(month_end)|(metadata)\.(.+)")
BAND = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
BUSINESS_DAYS = re.compile(r"P([0-9]{1,9})D")
DAY_OF_MONTH = re.compile(r"[1-9]|[12][0-9]|3[01]")
# As a day of the month: its last one.
LAST_DAY = 32
MAX_DELAY_DAYS, MAX_DELAY_SECONDS = 30, 12 * 3_600
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


@dataclass(frozen=True)
class Cadence:
    """The times at which an aggregating rail ticks.

    `family` is the word before the hyphen; `number` is the hours of `intraday-Nh`, the weekday (0 = Monday) of
    `weekly-<day>` or the day of `monthly-<day>`, and 0 for the others; `text` is the canonical spelling.
    """

    family: Literal["intraday", "daily-eod", "daily-bod", "weekly", "monthly-eom", "monthly-bom", "monthly"]
    number: int
    text: str


@dataclass(frozen=True)
class Completion:
    """The time by which a template's transfer must be complete.

    `family` `business_day_end` with `days` added days, `month_end`, or `metadata` with the metadata `key` that
    holds the date.
    """

    family: Literal["business_day_end", "month_end", "metadata"]
    days: int
    key: str
    text: str


@dataclass(frozen=True)
class Hours:
    """Hours of the day, New York: from second `start` to before second `end`."""

    start: int
    end: int

    @property
    def text(self) -> str:
        """The canonical spelling."""
        return "-".join(f"{second // 3600:02d}:{second // 60 % 60:02d}" for second in (self.start, self.end))


@dataclass(frozen=True)
class Delay:
    """When a chain child follows its parent: after `least` to `most` business days, or seconds."""

    least: int
    most: int
    days: bool

    @property
    def bounds(self) -> tuple[str, str]:
        """The canonical spelling of both."""
        least, most = (f"P{n}D" if self.days else format_duration(n) for n in (self.least, self.most))
        return least, most


CADENCES: dict[str, Cadence] = {
    cadence.text: cadence
    for cadence in (
        *(Cadence("intraday", hours, f"intraday-{hours}h") for hours in range(1, 25)),
        Cadence("daily-eod", 0, "daily-eod"),
        Cadence("daily-bod", 0, "daily-bod"),
        *(Cadence("weekly", number, f"weekly-{day}") for number, day in enumerate(WEEKDAYS)),
        Cadence("monthly-eom", 0, "monthly-eom"),
        Cadence("monthly-bom", 0, "monthly-bom"),
        *(Cadence("monthly", day, f"monthly-{day}") for day in range(1, 32)),
    )
}


def _scalar(value: Any, rule: str, wanted: str) -> str:
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
    text = _scalar(value, "bad-money", "an amount of money such as 5000.00")
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


def parse_duration(value: Any) -> int:
    """An ISO 8601 duration of weeks, or of days, hours, minutes and seconds, to seconds. At most ten years."""
    wanted = "a duration such as PT24H or P31D"
    if not isinstance(value, str):
        raise ScalarError("bad-duration", f"{describe(value)} is not {wanted}")
    match = DURATION.fullmatch(value)
    if not match or not any(match.groupdict().values()):
        calendar_units = re.match(r"P[0-9]+[YM]", value)
        hint = "; years and months have no fixed length, write days" if calendar_units else ""
        raise ScalarError("bad-duration", f"{quote(value)} is not {wanted}{hint}")
    units = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    seconds = sum(int(number) * units[unit] for unit, number in match.groupdict().items() if number)
    if not 0 < seconds <= MAX_DURATION_SECONDS:
        raise ScalarError("bad-duration", f"{quote(value)} must be more than zero and at most ten years")
    return seconds


def format_duration(seconds: int) -> str:
    """Seconds as a duration with one unit, the largest that fits: `P31D`, `PT36H`."""
    for size, before, after in ((86_400, "P", "D"), (3_600, "PT", "H"), (60, "PT", "M")):
        if seconds % size == 0:
            return f"{before}{seconds // size}{after}"
    return f"PT{seconds}S"


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


def _decimal(value: Any, rule: str, wanted: str) -> Decimal:
    text = _scalar(value, rule, wanted)
    if not DECIMAL.fullmatch(text):
        raise ScalarError(rule, f"{quote(text)} is not {wanted}")
    return Decimal(text)


def parse_sigma(value: Any) -> Decimal:
    """The sigma of a lognormal amount: above 0, at most 4."""
    wanted = "a sigma above 0 and at most 4"
    sigma = _decimal(value, "bad-sigma", wanted)
    if not 0 < sigma <= 4:
        raise ScalarError("bad-sigma", f"{quote(value)} is not {wanted}")
    return sigma


def parse_multiplier(value: Any) -> Decimal:
    """A multiplier of volume: 0 to 1000."""
    wanted = "a multiplier from 0 to 1000"
    multiplier = _decimal(value, "bad-multiplier", wanted)
    if not 0 <= multiplier <= 1_000 or str(value).startswith("-"):
        raise ScalarError("bad-multiplier", f"{quote(value)} is not {wanted}")
    return multiplier


def parse_count(value: Any) -> int:
    """A number of accounts: 0 to 100,000,000."""
    wanted = "a number of accounts from 0 to 100000000"
    text = _scalar(value, "bad-count", wanted)
    if not COUNT.fullmatch(text) or int(text) > MAX_COUNT:
        raise ScalarError("bad-count", f"{quote(text)} is not {wanted}")
    return int(text)


def parse_offset_hours(value: Any) -> int:
    """Hours by which a role's business day is shifted: -23 to 23."""
    wanted = "a number of whole hours from -23 to 23"
    text = _scalar(value, "bad-hours", wanted)
    if not HOURS.fullmatch(text) or abs(int(text)) > 23:
        raise ScalarError("bad-hours", f"{quote(text)} is not {wanted}")
    return int(text)


def parse_weight(value: Any) -> Decimal:
    """The weight of a price point: above 0, at most 1000."""
    wanted = "a weight above 0 and at most 1000"
    weight = _decimal(value, "bad-weight", wanted)
    if not 0 < weight <= 1_000:
        raise ScalarError("bad-weight", f"{quote(value)} is not {wanted}")
    return weight


def parse_firings(value: Any) -> int:
    """A number of firings in a period: 0 to 1,000,000."""
    wanted = f"a number of firings from 0 to {MAX_FIRINGS}"
    text = _scalar(value, "bad-firings", wanted)
    if not COUNT.fullmatch(text) or int(text) > MAX_FIRINGS:
        raise ScalarError("bad-firings", f"{quote(text)} is not {wanted}")
    return int(text)


def parse_parent_count(value: Any) -> int:
    """How many parents share a fan-in child: 2 to 10,000."""
    wanted = "a number of parents from 2 to 10000"
    text = _scalar(value, "bad-parent-count", wanted)
    if not COUNT.fullmatch(text) or not 2 <= int(text) <= 10_000:
        raise ScalarError("bad-parent-count", f"{quote(text)} is not {wanted}")
    return int(text)


def parse_hours(value: Any) -> Hours:
    """Hours of the day such as `09:00-17:30`, the end at most 24:00; at least five minutes."""
    if isinstance(value, Hours):
        return value
    match = BAND.fullmatch(value) if isinstance(value, str) else None
    wanted = "hours of the day such as 09:00-17:30"
    if not match:
        raise ScalarError("bad-band", f"{describe(value)} is not {wanted}")
    first, second, third, fourth = map(int, match.groups())
    start, end = first * 3_600 + second * 60, third * 3_600 + fourth * 60
    if end > 86_400 or end - start < 300:
        raise ScalarError("bad-band", f"{quote(value)} must end at least five minutes after its start, by 24:00")
    return Hours(start, end)


def parse_day_of_month(value: Any) -> int:
    """A day of the month, 1 to 31, or `last` (`LAST_DAY`)."""
    text = _scalar(value, "bad-day", "a day of the month, 1 to 31 or last")
    if text == "last" or (isinstance(value, int) and value == LAST_DAY):
        return LAST_DAY
    if not DAY_OF_MONTH.fullmatch(text):
        raise ScalarError("bad-day", f"{quote(text)} is not a day of the month, 1 to 31 or last")
    return int(text)


def parse_delay(value: Any) -> Delay:
    """The least and the greatest delay of a chain child: `[P1D, P2D]` in business days, or `[PT1M, PT15M]`."""
    if isinstance(value, Delay):
        return value
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(item, str) for item in value):
        raise ScalarError("bad-delay", f"{describe(value)} is not two durations such as [P1D, P2D] or [PT1M, PT15M]")
    days = [BUSINESS_DAYS.fullmatch(item) for item in value]
    if any(days) and not all(days):
        raise ScalarError("bad-delay", "one duration is in business days and the other is not")
    least, most = (int(match[1]) if match else parse_duration(item) for match, item in zip(days, value, strict=True))
    hours = f"{MAX_DELAY_SECONDS // 3_600} hours; write business days as P1D"
    limit = f"{MAX_DELAY_DAYS} business days" if all(days) else hours
    if not least <= most <= (MAX_DELAY_DAYS if all(days) else MAX_DELAY_SECONDS):
        raise ScalarError("bad-delay", f"the delays must ascend and be at most {limit}")
    return Delay(least, most, bool(all(days)))


def parse_instance(value: Any) -> str:
    """The prefix of every database object: lower-case letters, digits and underscores, at most 30."""
    if not isinstance(value, str) or not INSTANCE.fullmatch(value) or len(value) > MAX_INSTANCE:
        wanted = f"use a lower-case letter, then lower-case letters, digits or _ (at most {MAX_INSTANCE})"
        raise ScalarError("bad-instance", f"{describe(value)}: {wanted}")
    if value in RESERVED_INSTANCES or f"{value}_".startswith(RESERVED_PREFIXES) or value.endswith(RESERVED_SUFFIXES):
        raise ScalarError("bad-instance", f"{quote(value)} is reserved by databases or by the views of Seedbed")
    return value


def parse_cadence(value: Any) -> Cadence:
    """A cadence of `model.md`; `_` may stand for `-`."""
    if isinstance(value, Cadence):
        return value
    cadence = CADENCES.get(value.replace("_", "-")) if isinstance(value, str) else None
    if cadence is not None:
        return cadence
    raise ScalarError(
        "bad-cadence",
        f"{describe(value)} is not a cadence: intraday-Nh, daily-eod, daily-bod, weekly-mon to weekly-sun, "
        "monthly-eom, monthly-bom or monthly-1 to monthly-31",
    )


def parse_completion(value: Any) -> Completion:
    """A completion of `model.md`: `business_day_end`, `business_day_end+2d`, `month_end`, `metadata.<key>`."""
    if isinstance(value, Completion):
        return value
    match = COMPLETION.fullmatch(value) if isinstance(value, str) else None
    if match and match[1]:
        days = int(match[2] or 0)
        return Completion("business_day_end", days, "", f"business_day_end+{days}d" if days else "business_day_end")
    if match and match[3]:
        return Completion("month_end", 0, "", "month_end")
    if match and match[4]:
        return Completion("metadata", 0, parse_name(match[5]), f"metadata.{match[5]}")
    raise ScalarError(
        "bad-completion",
        f"{describe(value)} is not a completion: business_day_end, business_day_end+Nd, month_end or metadata.<key>",
    )
