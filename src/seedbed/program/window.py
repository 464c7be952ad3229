"""The window of a dataset, and the ticks of its aggregating rails."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from seedbed.draw.address import KeySpace, below, counters, draw
from seedbed.errors import InputError
from seedbed.program.calendar import business_days, tick_days
from seedbed.program.rails import RailPlan
from seedbed.units import DAY_SECONDS, DayOrdinal, DayOrdinals, Flags, Integers, SecondOrdinal, SecondOrdinals

__all__ = ["Ticks", "Window", "build_ticks", "build_window"]


FIRST_ANCHOR, LAST_ANCHOR = date(1900, 1, 1), date(2199, 12, 31)
MAX_WINDOW_DAYS = 3650
# Days beyond the window in which ticks are searched that move off a closed day into the window.
CALENDAR_MARGIN = 45
OPENING_SECOND, CLOSING_SECOND = 9 * 3600, 17 * 3600
LAST_INTRADAY_SPREAD_SECONDS = 900


@dataclass(frozen=True)
class Window:
    """Calendar days [first, last], and the business days among them, ascending."""

    first: DayOrdinal
    last: DayOrdinal
    days: DayOrdinals
    calendar: str

    def holds(self, day: DayOrdinals) -> Flags:
        """A flag for each of these days that lies in the window."""
        return (day >= self.first) & (day <= self.last)

    @property
    def as_of(self) -> SecondOrdinal:
        """The end of the anchor day."""
        return (self.last + 1) * DAY_SECONDS

    def before(self, ordinal: DayOrdinal) -> DayOrdinal | None:
        """The last business day before a day; None if there is none, or if the day lies outside of the window."""
        if not self.first < ordinal <= self.last + 1:
            return None
        place = bisect_left(self._ordinals, ordinal) - 1
        return self._ordinals[place] if place >= 0 else None

    def after(self, ordinal: DayOrdinal) -> DayOrdinal | None:
        """The first business day after a day; None if there is none."""
        place = bisect_right(self._ordinals, ordinal)
        return self._ordinals[place] if place < len(self._ordinals) else None

    @cached_property
    def _ordinals(self) -> list[DayOrdinal]:
        days: list[DayOrdinal] = self.days.tolist()
        return days


def build_window(anchor: date, window_days: int, calendar: str) -> Window:
    """The window of `window_days` calendar days that ends on the anchor, inclusive.

    Raises InputError for an anchor outside 1900 to 2199 or a window outside 1 to 3650 days.
    """
    if not FIRST_ANCHOR <= anchor <= LAST_ANCHOR:
        raise InputError(f"anchor: {anchor} is outside {FIRST_ANCHOR} to {LAST_ANCHOR}")
    if not 1 <= window_days <= MAX_WINDOW_DAYS:
        raise InputError(f"window-days: {window_days} is outside 1 to {MAX_WINDOW_DAYS}")
    last = anchor.toordinal()
    first = last - window_days + 1
    return Window(first, last, business_days(calendar, first, last), calendar)


@dataclass(frozen=True)
class Ticks:
    """The ticks of one aggregating rail in the window, in time order, as arrays of equal length.

    `number` is the index within the day. `nominal` is the second at which the tick is due. A leg belongs to the first
    tick whose `closing` is later than its posting. The day's last tick always closes at midnight, so that no eligible
    leg is left at the end of the day.
    """

    day: DayOrdinals
    number: Integers
    nominal: SecondOrdinals
    closing: SecondOrdinals


def build_ticks(rail: RailPlan, window: Window, keys: KeySpace) -> Ticks:
    """The ticks of an aggregating rail: intraday every N hours from 09:00 to 17:00, else one in the kind's band."""
    assert rail.cadence is not None, "only aggregating rails tick"
    margin = business_days(window.calendar, max(1, window.first - CALENDAR_MARGIN), window.last + CALENDAR_MARGIN)
    days = tick_days(rail.cadence, margin)
    days = days[(days >= window.first) & (days <= window.last)]
    draws = draw(keys.key(rail.name, "tick"), counters(days, 0, 0)) if days.size else np.empty(0, np.uint64)
    if rail.cadence.family == "intraday":
        step = rail.cadence.number * 3600
        early = np.arange(OPENING_SECOND + step, CLOSING_SECOND, step, dtype=np.int64)
        final = CLOSING_SECOND - 1 - below(draws, LAST_INTRADAY_SPREAD_SECONDS)
    else:
        early = np.empty(0, dtype=np.int64)
        final = rail.kind.band_start + below(draws, rail.kind.band_end - rail.kind.band_start)
    times = np.concatenate((np.broadcast_to(early, (days.size, early.size)), final[:, None]), axis=1)
    per_day = times.shape[1]
    day = np.repeat(days, per_day)
    nominal = day * DAY_SECONDS + times.reshape(-1)
    number = np.tile(np.arange(per_day, dtype=np.int64), days.size)
    closing = np.where(number == per_day - 1, (day + 1) * DAY_SECONDS, nominal)
    return Ticks(day, number, nominal, closing)
