"""The calendar of the bank: business days, and the tick days of each cadence, as proleptic day ordinals.

Day ordinals are those of `datetime.date.toordinal`. A second ordinal is `day ordinal * 86400 + second of the day`.
Nothing here reads a clock or a time zone.
"""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from seedbed.bank.timing import Cadence
from seedbed.units import DayOrdinal, DayOrdinals

__all__ = ["business_days", "federal_reserve_holidays", "tick_days"]


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth (from 1) given weekday of a month; -1 is the last, -2 the last but one."""
    if nth > 0:
        first = date(year, month, 1)
        return first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))
    last = _month_end(year, month)
    return last - timedelta((last.weekday() - weekday) % 7 + 7 * (-nth - 1))


def _month_end(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(1)


class _Holiday(NamedTuple):
    """One rule of federal law: its first and last year, a month, and its day or the nth weekday (Monday is 0)."""

    first: int
    last: int
    month: int
    day: int = 0
    weekday: int = 0
    nth: int = 0

    def in_year(self, year: int) -> date:
        """The day on which the holiday is kept. A holiday on a Sunday is kept on the Monday after it."""
        if not self.day:
            return _nth_weekday(year, self.month, self.weekday, self.nth)
        day = date(year, self.month, self.day)
        return day + timedelta(1) if day.weekday() == 6 else day


ALWAYS = 9_999
# 5 U.S.C. 6103 and the laws before it. The Uniform Monday Holiday Act applies from 1971.
FEDERAL_HOLIDAYS = (
    _Holiday(1870, ALWAYS, 1, 1),  # New Year's Day
    _Holiday(1986, ALWAYS, 1, weekday=0, nth=3),  # Martin Luther King Jr. Day
    _Holiday(1879, 1970, 2, 22),  # Washington's Birthday
    _Holiday(1971, ALWAYS, 2, weekday=0, nth=3),
    _Holiday(1888, 1970, 5, 30),  # Memorial Day
    _Holiday(1971, ALWAYS, 5, weekday=0, nth=-1),
    _Holiday(2021, ALWAYS, 6, 19),  # Juneteenth
    _Holiday(1870, ALWAYS, 7, 4),  # Independence Day
    _Holiday(1894, ALWAYS, 9, weekday=0, nth=1),  # Labor Day
    _Holiday(1971, ALWAYS, 10, weekday=0, nth=2),  # Columbus Day
    _Holiday(1938, 1970, 11, 11),  # Armistice Day, from 1954 Veterans Day
    _Holiday(1971, 1977, 10, weekday=0, nth=4),
    _Holiday(1978, ALWAYS, 11, 11),
    _Holiday(1870, 1938, 11, weekday=3, nth=-1),  # Thanksgiving: by proclamation the last Thursday, for three years
    _Holiday(1939, 1941, 11, weekday=3, nth=-2),  # the last but one, and by law the fourth
    _Holiday(1942, ALWAYS, 11, weekday=3, nth=4),
    _Holiday(1870, ALWAYS, 12, 25),  # Christmas Day
)


def federal_reserve_holidays(year: int) -> tuple[date, ...]:
    """The bank holidays of the Federal Reserve in a year: each from its first year, on the date that applied then.

    A holiday on a Sunday is kept on Monday; one on a Saturday is not moved (frbservices.org, holiday schedules).
    """
    return tuple(sorted(rule.in_year(year) for rule in FEDERAL_HOLIDAYS if rule.first <= year <= rule.last))


def _holidays(calendar: str, years: range) -> frozenset[DayOrdinal]:
    """The closed weekdays of a calendar in these years."""
    if calendar == "none":
        return frozenset()
    if calendar == "federal_reserve":
        return frozenset(day.toordinal() for year in years for day in federal_reserve_holidays(year))
    # An optional package, only for the calendars of other countries and of markets.
    from holidays import country_holidays, financial_holidays, list_supported_financial  # noqa: PLC0415

    code, _, subdivision = calendar.removeprefix("holidays:").partition("-")
    of_code = financial_holidays if code in list_supported_financial() else country_holidays
    return frozenset(day.toordinal() for day in of_code(code, subdiv=subdivision or None, years=list(years)))


def business_days(calendar: str, first: DayOrdinal, last: DayOrdinal) -> DayOrdinals:
    """The ascending days in [first, last] without weekends and holidays of the calendar."""
    days = np.arange(first, last + 1, dtype=np.int64)
    years = range(max(1, date.fromordinal(first).year - 1), date.fromordinal(last).year + 1)
    closed = np.zeros(days.size, dtype=np.bool_)
    for holiday in _holidays(calendar, years):
        if first <= holiday <= last:
            closed[holiday - first] = True
    # Ordinal 1 (0001-01-01) was a Monday.
    return days[((days - 1) % 7 < 5) & ~closed]


def tick_days(cadence: Cadence, open_days: DayOrdinals) -> DayOrdinals:
    """The business days among `open_days` on which a cadence ticks.

    `open_days` must be every business day of a span that is at least 40 days longer than the days of interest at
    both ends, so that a day moved off a closed day is found. On a closed day weekly and `monthly-<day>` ticks move
    to the next business day, month-end and Friday ticks to the one before.
    """
    if cadence.family in ("intraday", "daily-eod", "daily-bod"):
        return open_days
    span = np.arange(open_days[0], open_days[-1] + 1, dtype=np.int64)
    moves_back = cadence.family == "monthly-eom" or (cadence.family == "weekly" and cadence.number == 4)
    if cadence.family == "weekly":
        nominal = span[(span - 1) % 7 == cadence.number]
    else:
        nominal = np.array(
            [day for day in span.tolist() if _is_monthly_tick(cadence, date.fromordinal(day))], np.int64
        )
    if moves_back:
        place = np.searchsorted(open_days, nominal, side="right") - 1
        return _distinct(open_days[place[place >= 0]])
    place = np.searchsorted(open_days, nominal, side="left")
    return _distinct(open_days[place[place < open_days.size]])


def _distinct(ascending: DayOrdinals) -> DayOrdinals:
    """The values of an ascending array without repetitions."""
    return ascending[np.flatnonzero(np.diff(ascending, prepend=-1))]


def _is_monthly_tick(cadence: Cadence, day: date) -> bool:
    """Whether a calendar day is the nominal tick of a monthly cadence; day 31 of a short month is its last day."""
    if cadence.family == "monthly-bom":
        return day.day == 1
    last = _month_end(day.year, day.month).day
    return day.day == (last if cadence.family == "monthly-eom" else min(cadence.number, last))
