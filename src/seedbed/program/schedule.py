"""How often a node fires by itself where the bank file says it: a count per period, or a day of the month.

Periods lie on the calendar, not in the window: the firings of a whole period are drawn, and those on the days of the
window are posted. So overlapping windows agree.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np

from seedbed.bank.periods import PERIOD_DAYS
from seedbed.bank.timing import Cadence
from seedbed.program.calendar import tick_days
from seedbed.program.window import CALENDAR_MARGIN, Window
from seedbed.units import EPOCH_ORDINAL, DayOrdinals, Integers

__all__ = ["Counted", "Monthly", "Periods", "Schedule", "due_days", "expected_firings", "periods_of"]

# A month of 21 business days.
MONTH_DAYS = Decimal(PERIOD_DAYS["month"])
# Months count from the year 0.
EPOCH_MONTHS = 1970 * 12


@dataclass(frozen=True)
class Counted:
    """So many firings of the whole bank in each period: uniform from `least` to `most`."""

    period: str
    least: int
    most: int

    def daily(self, units: int) -> Decimal:
        """The firings that a business day has on average."""
        return Decimal(self.least + self.most) / (2 * PERIOD_DAYS[self.period])

    def daily_least(self, units: int) -> Decimal:
        """The same if every period has as few as it may."""
        return Decimal(self.least) / PERIOD_DAYS[self.period]


@dataclass(frozen=True)
class Monthly:
    """One firing per unit account and month, on this day of the month (32 is the last) or the business day after."""

    day: int

    def daily(self, units: int) -> Decimal:
        """The firings that a business day has on average."""
        return units / MONTH_DAYS

    def daily_least(self, units: int) -> Decimal:
        """The same; no month has fewer."""
        return self.daily(units)


Schedule: TypeAlias = Counted | Monthly


@dataclass(frozen=True)
class Periods:
    """Whole periods on the calendar: the number of each, where its days start among `days`, and how many it has."""

    number: Integers
    start: Integers
    size: Integers
    days: DayOrdinals


def _number_of(period: str, days: DayOrdinals) -> Integers:
    """The number of the period in which each day lies; it ascends with the days and fits into 20 bits."""
    if period == "business_day":
        return days
    if period in ("week", "pay_period"):
        # Ordinal 1 (0001-01-01) was a Monday.
        return (days - 1) // (7 if period == "week" else 14)
    months = (days - EPOCH_ORDINAL).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months + EPOCH_MONTHS


def periods_of(period: str, window: Window, days: DayOrdinals, always: bool = False) -> Periods:
    """The periods in which these days lie, with all their business days, or `always` all days.

    The period of a business day has the closed days before it.
    """
    if not days.size:
        return Periods(*(np.empty(0, dtype=np.int64) for _ in range(4)))
    first, last = int(days[0]) - CALENDAR_MARGIN, int(days[-1]) + CALENDAR_MARGIN
    around = window.open_days(first, last, always)
    counted = around
    if always and period == "business_day":
        business = window.open_days(first, last)
        around = around[around <= business[-1]]
        counted = business[np.searchsorted(business, around)]
    numbers = _number_of(period, counted)
    lowest, highest = numbers[np.minimum(np.searchsorted(around, days[[0, -1]]), numbers.size - 1)].tolist()
    kept = (numbers >= lowest) & (numbers <= highest)
    numbers, around = numbers[kept], around[kept]
    start = np.flatnonzero(np.diff(numbers, prepend=-1))
    return Periods(numbers[start], start, np.diff(start, append=numbers.size), around)


def due_days(monthly: Monthly, window: Window, days: DayOrdinals, always: bool = False) -> DayOrdinals:
    """Those of these days on which a monthly node fires: a business day, or `always` the very day."""
    if not days.size:
        return days
    first, last = int(days[0]) - CALENDAR_MARGIN, int(days[-1]) + CALENDAR_MARGIN
    around = window.open_days(first, last, always)
    # A monthly cadence moves on from a closed day, and takes the last day for one that a month does not have.
    due = tick_days(Cadence("monthly", monthly.day, ""), around)
    place = np.searchsorted(due, days)
    found: DayOrdinals = days[due[np.minimum(place, due.size - 1)] == days]
    return found


def expected_firings(schedule: Schedule, units: int, window: Window, always: bool = False) -> tuple[Decimal, Decimal]:
    """The firings that a window leads one to expect, on average and if every period has as few as it may."""
    if isinstance(schedule, Monthly):
        firings = Decimal(units * due_days(schedule, window, window.firing_days(always), always).size)
        return firings, firings
    periods = periods_of(schedule.period, window, window.firing_days(always), always)
    inside = np.add.reduceat(window.holds(periods.days), periods.start) if periods.start.size else periods.start
    share = sum(
        (Decimal(held) / size for held, size in zip(inside.tolist(), periods.size.tolist(), strict=True)), Decimal(0)
    )
    return share * (schedule.least + schedule.most) / 2, share * schedule.least
