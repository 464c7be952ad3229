"""The calendar: Federal Reserve holidays against an independent package, and the cadences' tick days."""

from datetime import date, timedelta

import holidays
import numpy as np
import pytest

from seedbed.bank.grammar import parse_cadence
from seedbed.plan.calendar import business_days, federal_reserve_holidays, tick_days


@pytest.mark.parametrize("year", range(2021, 2101))
def test_holidays_agree_with_the_holidays_package(year: int) -> None:
    theirs = holidays.financial_holidays("XFED", years=[year])
    weekdays = {day for day in theirs if day.year == year and day.weekday() < 5}
    assert {day for day in federal_reserve_holidays(year) if day.weekday() < 5} == weekdays


def test_the_window_of_the_seed_document_has_59_business_days() -> None:
    last = date(2030, 1, 1).toordinal()
    assert business_days("federal_reserve", last - 89, last).size == 59


def days_of(cadence: str, first: date, last: date) -> list[date]:
    open_days = business_days("federal_reserve", first.toordinal() - 45, last.toordinal() + 45)
    found = tick_days(parse_cadence(cadence), open_days)
    return [date.fromordinal(day) for day in found.tolist() if first.toordinal() <= day <= last.toordinal()]


def test_month_end_ticks_on_the_last_business_day() -> None:
    assert days_of("monthly-eom", date(2029, 10, 4), date(2030, 1, 1)) == [
        date(2029, 10, 31),
        date(2029, 11, 30),
        date(2029, 12, 31),
    ]
    assert days_of("monthly-eom", date(2030, 3, 1), date(2030, 3, 31)) == [date(2030, 3, 29)]


def test_month_begin_and_month_days_move_to_the_next_business_day() -> None:
    assert days_of("monthly-bom", date(2029, 12, 20), date(2030, 1, 31)) == [date(2030, 1, 2)]
    assert days_of("monthly-25", date(2029, 12, 1), date(2029, 12, 31)) == [date(2029, 12, 26)]
    # March 31st is a Sunday, and April has no 31st.
    assert days_of("monthly-31", date(2030, 4, 1), date(2030, 4, 30)) == [date(2030, 4, 1), date(2030, 4, 30)]


def test_weekly_ticks_move_forward_but_friday_back() -> None:
    # Monday 2030-01-21 is a holiday, and so are the Fridays 2026-12-25 and 2027-01-01.
    assert days_of("weekly-mon", date(2030, 1, 14), date(2030, 1, 25)) == [date(2030, 1, 14), date(2030, 1, 22)]
    assert days_of("weekly-fri", date(2026, 12, 21), date(2026, 12, 31)) == [
        date(2026, 12, 24),
        date(2026, 12, 31),
    ]


def test_business_days_are_weekdays_without_holidays() -> None:
    first = date(1895, 1, 1)
    days = business_days("federal_reserve", first.toordinal(), (first + timedelta(3650)).toordinal())
    for day in np.random.default_rng(1).choice(days, 200):
        found = date.fromordinal(int(day))
        assert found.weekday() < 5
        assert found not in federal_reserve_holidays(found.year)
