"""The reference profile as the judge reads it: kinds of rails with their figures, roles by name, the calendar.

Nothing here comes from the generator. Where the design pages leave a kind open the answer is None, and conditions
that need the kind pass over the rail.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import log

import holidays

from seedbed.bank.timing import Cadence

__all__ = ["KINDS", "Kind", "business_days", "is_business_day", "kind_of", "looks_like", "tick_days"]


@dataclass(frozen=True)
class Kind:
    """Firings per unit and business day, what the units are, (mu, sigma) of dollars, band in hours."""

    rate: float
    scale: str
    mu: float
    sigma: float
    opens: int
    closes: int


KINDS = {
    "customer inbound": Kind(4.0, "customer", 6.5, 1.2, 9, 15),
    "customer outbound": Kind(2.0, "customer", 6.5, 1.2, 9, 17),
    "customer fee": Kind(1 / 22, "customer", 2.5, 0.4, 9, 17),
    "internal transfer": Kind(1.0, "system", 8.0, 1.5, 9, 17),
    "aggregating daily": Kind(1.0, "system", 11.0, 0.8, 17, 19),
    "aggregating intraday": Kind(4.0, "system", 10.5, 0.8, 9, 17),
    "aggregating monthly": Kind(1.0, "system", 9.5, 0.5, 17, 19),
    "concentration sweep": Kind(1.0, "system", 12.0, 0.7, 15, 17),
    "card sale": Kind(8.0, "merchant", 4.5, 0.9, 10, 22),
    "merchant payout": Kind(1.0, "merchant", 9.0, 1.1, 9, 15),
    "card settlement": Kind(1.0, "system", 11.5, 0.6, 15, 17),
    "ach return": Kind(0.2, "customer", 6.5, 1.2, 9, 17),
    "other": Kind(1.0, "system", 7.0, 1.0, 9, 17),
}

# Transfer types whose own words tell the kind, in the words of the volume table.
TYPE_TELLS = (
    (("return", "nsf", "stop_pay"), "ach return"),
    (("concentration",), "concentration sweep"),
    (("payout",), "merchant payout"),
    (("card_settlement",), "card settlement"),
    (("card_sale",), "card sale"),
    (("ach_inbound", "wire_inbound", "cash_deposit"), "customer inbound"),
    (("ach_outbound", "wire_outbound", "cash_withdrawal"), "customer outbound"),
    (("internal", "suspense"), "internal transfer"),
)
# Types that say nothing of the direction: the customer's side decides.
TYPE_LEAVES_OPEN = ("ach", "wire", "cash")

# Words of several kinds, of which the design pages do not say which.
UNSETTLED_WORDS = {
    "settlement",
    "transfer",
    "sweep",
    "journal",
    "book",
    "sale",
    "fee",
    "charge",
    "ach",
    "wire",
    "cash",
}

CUSTOMER_WORDS, MERCHANT_WORDS = ("customer", "dda"), ("merchant",)
CONTROL_WORDS = ("control", "suspense", "clearing", "settlement", "cash", "recon", "zba", "concentration")


def looks_like(role: str) -> str | None:
    """`customer` or `merchant` where a role's name says so; None for anything else."""
    name = role.lower()
    if any(word in name for word in CONTROL_WORDS) or re.search("(?<!sub)ledger$", name):
        return None
    if any(word in name for word in MERCHANT_WORDS):
        return "merchant"
    return "customer" if any(word in name for word in CUSTOMER_WORDS) else None


def _snake_case(transfer_type: str) -> str:
    """`ACHReturn` and `MonthlyFee` as `ach_return` and `monthly_fee`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", transfer_type).lower()


def kind_of(transfer_type: str, cadence: Cadence | None, from_customer: bool, to_customer: bool) -> str | None:
    """The kind of a rail, or None where the design pages do not settle it."""
    if cadence is not None:
        family = {"intraday": "intraday", "monthly": "monthly"}.get(cadence.family.partition("-")[0], "daily")
        return f"aggregating {family}"
    name = _snake_case(transfer_type)
    for tells, kind in TYPE_TELLS:
        if any(f"_{tell}_" in f"_{name}_" for tell in tells):
            return kind
    words = name.split("_")
    if from_customer and not to_customer and ({"charge", "fee"} & set(words)):
        return "customer fee"
    if words[0] not in TYPE_LEAVES_OPEN or len(words) > 1:
        return None if from_customer or to_customer or UNSETTLED_WORDS & set(words) else "other"
    by_side = {
        (True, True): "internal transfer",
        (True, False): "customer outbound",
        (False, True): "customer inbound",
    }
    return by_side.get((from_customer, to_customer))


def _fixed_dates(year: int) -> set[tuple[int, int]]:
    """(Month, day) of the holidays of a year that have a date; before 1971 some that are Mondays now had one."""
    dates = {(1, 1), (7, 4), (12, 25)}
    dates |= {(2, 22), (5, 30)} if year < 1971 else set()
    dates |= {(11, 11)} if 1938 <= year < 1971 or year > 1977 else set()
    return dates | ({(6, 19)} if year >= 2021 else set())


def _is_federal_reserve_holiday(day: date) -> bool:
    """The Federal Reserve's holidays as they were kept that year, told from the parts of a date alone."""
    year, month, number, monday, thursday = day.year, day.month, day.day, day.weekday() == 0, day.weekday() == 3
    thanksgiving = range(24, 31) if year < 1939 else range(17, 24) if year < 1942 else range(22, 29)
    floating = (
        (monday and year >= 1986 and month == 1 and 15 <= number <= 21)
        or (monday and year >= 1971 and month == 2 and 15 <= number <= 21)
        or (monday and year >= 1971 and month == 5 and number >= 25)
        or (monday and month == 9 and number <= 7)
        or (monday and year >= 1971 and month == 10 and 8 <= number <= 14)
        or (monday and 1971 <= year <= 1977 and month == 10 and 22 <= number <= 28)
        or (thursday and month == 11 and number in thanksgiving)
    )
    fixed, eve = _fixed_dates(year), day - timedelta(1)
    return floating or (month, number) in fixed or (monday and (eve.month, eve.day) in fixed)


@cache
def _closed(calendar_name: str, year: int) -> frozenset[date]:
    """The holidays of a year in a calendar of the `holidays` package."""
    code, _, part = calendar_name.removeprefix("holidays:").partition("-")
    of = holidays.financial_holidays if code in holidays.list_supported_financial() else holidays.country_holidays
    return frozenset(of(code, subdiv=part or None, years=year))


def is_business_day(day: date, calendar_name: str = "federal_reserve") -> bool:
    """Neither a weekend day nor a holiday of the calendar; in the calendar `always` every day is one."""
    if calendar_name == "always":
        return True
    if day.weekday() >= 5 or calendar_name == "none":
        return day.weekday() < 5
    if calendar_name == "federal_reserve":
        return not _is_federal_reserve_holiday(day)
    return day not in _closed(calendar_name, day.year)


def business_days(anchor: date, window_days: int, calendar_name: str = "federal_reserve") -> list[date]:
    """The business days among the `window_days` calendar days that end on the anchor."""
    days = (anchor - timedelta(back) for back in range(window_days - 1, -1, -1))
    return [day for day in days if is_business_day(day, calendar_name)]


def _moved(day: date, step: int, calendar_name: str) -> date:
    while not is_business_day(day, calendar_name):
        day += timedelta(step)
    return day


def _nominal_days(cadence: Cadence, first: date, last: date, calendar_name: str) -> Iterator[tuple[date, int]]:
    """Days on which a cadence wants to tick, each with the direction in which it moves off a closed day."""
    day = first
    while day <= last:
        month_end = calendar.monthrange(day.year, day.month)[1]
        if cadence.family in ("intraday", "daily-eod", "daily-bod"):
            if is_business_day(day, calendar_name):
                yield day, 1
        elif cadence.family == "weekly":
            if day.weekday() == cadence.number:
                yield day, -1 if cadence.number == 4 else 1
        elif cadence.family == "monthly-eom":
            if day.day == month_end:
                yield day, -1
        elif day.day == (1 if cadence.family == "monthly-bom" else min(cadence.number, month_end)):
            yield day, 1
        day += timedelta(1)


def tick_days(cadence: Cadence, anchor: date, window_days: int, calendar_name: str = "federal_reserve") -> set[date]:
    """The business days of the window on which a cadence ticks; ticks may move in over its edges."""
    first = anchor - timedelta(window_days - 1)
    nominal = _nominal_days(cadence, first - timedelta(10), anchor + timedelta(10), calendar_name)
    moved = (_moved(day, step, calendar_name) for day, step in nominal)
    return {day for day in moved if first <= day <= anchor}


def log_median(cents: int) -> float:
    """mu of a lognormal in dollars from its median in cents."""
    return log(cents / 100)
