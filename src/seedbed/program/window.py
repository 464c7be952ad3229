"""The window of a dataset, and the ticks of its aggregating rails."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from seedbed.bank.links import Patience
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


@dataclass(frozen=True, kw_only=True)
class Window:
    """Calendar days [first, last], and the business days among them, ascending.

    `merges`: the bank has rails that fire on closed days too. Closed days then count into the next business day for
    caps as they do for balances.
    """

    first: DayOrdinal
    last: DayOrdinal
    days: DayOrdinals
    calendar: str
    merges: bool = False

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

    def firing_days(self, always: bool) -> DayOrdinals:
        """The days on which something fires: business days, or `always` all days of a window that has one."""
        if not always or not self.days.size:
            return self.days
        return np.arange(self.first, self.last + 1, dtype=np.int64)

    def open_days(self, first: DayOrdinal, last: DayOrdinal, always: bool = False) -> DayOrdinals:
        """The business days in [first, last], or `always` all days; the window does not matter."""
        first = max(1, first)
        return np.arange(first, last + 1, dtype=np.int64) if always else business_days(self.calendar, first, last)

    @cached_property
    def run(self) -> tuple[DayOrdinal, DayOrdinal]:
        """The first and the last day that count into the window's first business day and the one of its last day.

        They are those of the window if closed days count into no other day.
        """
        if not self.merges:
            return self.first, self.last
        around = business_days(self.calendar, max(1, self.first - CALENDAR_MARGIN), self.last + CALENDAR_MARGIN)
        before = around[around < self.first]
        after = around[around >= self.last]
        return int(before[-1]) + 1 if before.size else self.first, int(after[0]) if after.size else self.last

    def cap_day(self, own: DayOrdinals, posted: DayOrdinals) -> DayOrdinals:
        """The days to which postings count for caps; `own` are those of their accounts, `posted` the calendar's.

        If something fires on closed days, these count into the next business day, and all days after the last
        business day count as the one after the window. An account's day that begins before the window stays as it is.
        """
        if not self.merges:
            return own
        merged = np.append(self.days, self.last + 1)[np.searchsorted(self.days, own)]
        # What fires around the window does so only to spend its caps, and its days are the calendar's.
        start = np.where(posted < self.first, self.run[0], self.first)
        return np.maximum(np.where(own >= start, merged, own), self.first - 2)

    def later(self, day: DayOrdinals, business_days: Integers | int) -> DayOrdinals:
        """The so-manieth business day after each day, and for 0 the day itself or the first one after it.

        -1 where it lies beyond the window, or the day before it.
        """
        place = np.searchsorted(self.days, day, side="right") - 1
        closed = self.days[np.maximum(place, 0)] != day if self.days.size else np.ones(day.shape, np.bool_)
        found = place + np.where((business_days == 0) & closed, 1, business_days)
        known = (found < self.days.size) & (day >= self.first)
        return np.where(known, np.append(self.days, -1)[np.minimum(np.maximum(found, 0), self.days.size)], -1)

    def is_due(self, second: SecondOrdinals, patience: Patience) -> Flags:
        """Whether parents that last posted at these seconds are older than their chain's longest delay.

        So many business days lie after the day of the posting; if the child of a closed day waits for a business day,
        that has come.
        """
        day = second // DAY_SECONDS
        after = self.days.size - np.searchsorted(self.days, day, side="right")
        if patience.rolls:
            after = np.where(np.searchsorted(self.days, day) < self.days.size, after, -1)
        due: Flags = (after >= patience.days) & ((patience.seconds == 0) | (second + patience.seconds <= self.as_of))
        return due

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
    return Window(first=first, last=last, days=business_days(calendar, first, last), calendar=calendar)


@dataclass(frozen=True)
class Ticks:
    """The ticks of one aggregating rail in the window, in time order, as arrays of equal length.

    `number` is the place within the day, `nominal` when it is due, and `closing`: a leg belongs to the first
    tick whose closing is later than its posting. The day's last tick closes at midnight, whenever it comes, so that
    nothing eligible is left at the day's end. A tick at a day's beginning takes what the days before it left.
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
    closes_the_day = (number == per_day - 1) & (rail.cadence.family != "daily-bod")
    closing = np.where(closes_the_day, (day + 1) * DAY_SECONDS, nominal)
    return Ticks(day, number, nominal, closing)
