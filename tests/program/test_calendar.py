"""The calendar: Federal Reserve holidays against an independent package, and the cadences' tick days."""

from datetime import date, timedelta

import holidays
import numpy as np
import pytest

from seedbed.bank.timing import parse_cadence
from seedbed.program.calendar import business_days, federal_reserve_holidays, tick_days


def federal_weekdays(year: int) -> set[date]:
    return {day for day in federal_reserve_holidays(year) if day.weekday() < 5}


@pytest.mark.parametrize("year", range(1999, 2101))
def test_holidays_agree_with_the_holidays_package_in_all_its_years(year: int) -> None:
    theirs = holidays.financial_holidays("XFED", years=[year])
    assert federal_weekdays(year) == {day for day in theirs if day.year == year and day.weekday() < 5}


@pytest.mark.parametrize("year", range(1900, 1999))
def test_earlier_holidays_are_those_of_federal_law(year: int) -> None:
    theirs = holidays.country_holidays("US", years=[year], observed=False)
    # The package has Columbus Day from 1937, when the President proclaimed it; by law offices close from 1971.
    days = {day for day, name in theirs.items() if name != "Columbus Day" or year >= 1971}
    moved = {day + timedelta(1) if day.weekday() == 6 else day for day in days}
    assert federal_weekdays(year) == {day for day in moved if day.weekday() < 5}


def test_holidays_after_the_packages_years_are_those_of_the_same_calendar_days() -> None:
    # Between two centuries whose last year has no leap day the calendar repeats every 28 years.
    for year in range(2101, 2172):
        assert [(day.month, day.day) for day in federal_reserve_holidays(year)] == [
            (day.month, day.day) for day in federal_reserve_holidays(year + 28)
        ]


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2019, 6, 19), False),  # Juneteenth began in 2021, on a Saturday
        (date(2020, 6, 19), False),
        (date(2022, 6, 20), True),
        (date(1985, 1, 21), False),  # Martin Luther King Jr. Day began in 1986
        (date(1986, 1, 20), True),
        (date(1970, 2, 23), True),  # Washington's Birthday was the 22nd, a Sunday
        (date(1970, 2, 16), False),
        (date(1971, 2, 15), True),
        (date(1975, 10, 27), True),  # Veterans Day
        (date(1975, 11, 11), False),
        (date(1939, 11, 23), True),  # Thanksgiving
        (date(1939, 11, 30), False),
    ],
)
def test_a_holiday_is_kept_from_the_year_in_which_it_began(day: date, closed: bool) -> None:
    assert (day in federal_reserve_holidays(day.year)) == closed
    assert (business_days("federal_reserve", day.toordinal(), day.toordinal()).size == 0) == closed


def test_a_market_has_its_own_holidays() -> None:
    easter_monday, thanksgiving = date(2030, 4, 22), date(2030, 11, 28)

    def is_open(calendar: str, day: date) -> bool:
        return business_days(calendar, day.toordinal(), day.toordinal()).size == 1

    assert [is_open("holidays:XECB", day) for day in (easter_monday, thanksgiving)] == [False, True]
    assert [is_open("holidays:XNYS", day) for day in (easter_monday, thanksgiving)] == [True, False]
    assert not is_open("holidays:DE", easter_monday)


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
