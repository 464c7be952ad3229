"""The judge's own calendar and kinds, against the `holidays` package and the design pages' examples."""

from datetime import date, timedelta

import pytest
from holidays import financial_holidays

from seedbed.bank.timing import parse_cadence

from .reference import is_business_day, kind_of, looks_like, tick_days


def test_business_days_are_those_of_the_holidays_package() -> None:
    closed = financial_holidays("XFED", years=range(2022, 2100))
    day = date(2022, 1, 1)
    while day < date(2100, 1, 1):
        assert is_business_day(day) == (day.weekday() < 5 and day not in closed), day
        day += timedelta(1)


def test_the_canonical_window_has_three_month_ends() -> None:
    ticks = tick_days(parse_cadence("monthly_eom"), date(2030, 1, 1), 90)
    assert sorted(ticks) == [date(2029, 10, 31), date(2029, 11, 30), date(2029, 12, 31)]


def test_a_tick_moves_into_the_window_over_its_edge() -> None:
    # Labor Day, Monday 2029-09-03, moves to Tuesday; the window begins on that Tuesday.
    assert tick_days(parse_cadence("weekly-mon"), date(2029, 9, 4), 1) == {date(2029, 9, 4)}


@pytest.mark.parametrize(
    ("transfer_type", "from_customer", "to_customer", "kind"),
    [
        ("ach_inbound", False, True, "customer inbound"),
        ("ach", False, True, "customer inbound"),
        ("wire", True, False, "customer outbound"),
        ("charge", True, False, "customer fee"),
        ("internal_transfer", True, True, "internal transfer"),
        ("ach_return_nsf", True, False, "ach return"),
        ("payout_wire", False, False, "merchant payout"),
        ("adjustment", False, False, "other"),
        ("novelty", True, False, None),
    ],
)
def test_kinds_by_transfer_type(transfer_type: str, from_customer: bool, to_customer: bool, kind: str | None) -> None:
    assert kind_of(transfer_type, None, from_customer, to_customer) == kind


def test_control_accounts_are_no_customers() -> None:
    roles = ("CustomerDda", "CustomerSubledger", "CustomerLedger", "MerchantDda")
    assert [looks_like(role) for role in roles] == ["customer", "customer", None, "merchant"]
