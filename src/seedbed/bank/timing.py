"""When something happens, as a bank file says it: cadences, completions, hours, delays, durations, days of a month.

Each `parse_*` takes the scalar of the file, or a value of its own type from a caller of the models, and raises
`ScalarError` as those of `grammar.py` do.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.bank.grammar import ScalarError, parse_name, scalar_text
from seedbed.bank.text import describe, quote

__all__ = [
    "LAST_DAY",
    "Cadence",
    "Completion",
    "Delay",
    "Hours",
    "format_duration",
    "parse_cadence",
    "parse_completion",
    "parse_day_of_month",
    "parse_delay",
    "parse_duration",
    "parse_hours",
]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DURATION_SECONDS = 3_653 * 86_400  # Ten years, the longest window, and one more leap day.
DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,4})W|(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,9})S)?)?)"
)
COMPLETION = re.compile(r"(business_day_end)(?:\+([0-9]{1,3})d)?|(month_end)|(metadata)\.(.+)")
BAND = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
BUSINESS_DAYS = re.compile(r"P([0-9]{1,9})D")
DAY_OF_MONTH = re.compile(r"[1-9]|[12][0-9]|3[01]")
# As a day of the month: its last one.
LAST_DAY = 32
MAX_DELAY_DAYS, MAX_DELAY_SECONDS = 30, 12 * 3_600


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
    text = scalar_text(value, "bad-day", "a day of the month, 1 to 31 or last")
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


def parse_cadence(value: Any) -> Cadence:
    """A cadence; `_` may stand for `-`."""
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
    """A completion: `business_day_end`, `business_day_end+2d`, `month_end`, `metadata.<key>`."""
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
