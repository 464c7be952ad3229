"""How often rails and templates fire if the bank file says it: counts per period, and days of the month."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.health.reference import is_business_day

import seedbed
from seedbed.bank.load import parse_instance_text
from seedbed.ledger.digest import dataset_digest

ANCHOR = date(2030, 1, 1)
BANK = """
instance: counted
accounts:
  - {id: fees, role: FeeIncome, kind: other, scope: internal}
  - {id: outside, role: Outside, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal}
  - {role: CustomerSavings, scope: internal}
rails:
  - {name: Pay, transfer_type: ach_outbound, source_role: [CustomerDda, CustomerSavings], destination_role: Outside,
     expected_net: 0, origin: InternalInitiated}
  - {name: Swap, transfer_type: swap, source_role: FeeIncome, destination_role: Outside, expected_net: 0, kind: other,
     origin: InternalInitiated}
  - {name: Leg, transfer_type: monthly_fee, source_role: CustomerDda, destination_role: FeeIncome,
     origin: InternalInitiated, metadata_keys: [customer_id, day]}
transfer_templates:
  - {name: Cycle, transfer_type: cycle, expected_net: 0, transfer_key: [customer_id, day],
     completion: business_day_end, leg_rails: [Leg]}
"""


def ledger_of(changes: dict[str, dict[str, Any]], **settings: Any) -> seedbed.Ledger:
    """The ledger of the bank with these keys on the rails or templates of these names."""
    raw = yaml.load(BANK, Loader=yaml.BaseLoader)
    for element in (*raw["rails"], *raw["transfer_templates"]):
        element.update(changes.get(element["name"], {}))
    bank = parse_instance_text(yaml.safe_dump(raw, sort_keys=False))
    return seedbed.generate(bank, anchor=settings.pop("anchor", ANCHOR), **settings)


def firings(ledger: seedbed.Ledger, rail: str) -> list[tuple[date, str, str]]:
    """The day, the account of the Debit and the transfer of each firing of a two-leg rail."""
    rows = ledger.transactions.select(
        ["posting", "account_id", "transfer_id", "rail_name", "amount_money"]
    ).to_pylist()
    debits = [row for row in rows if row["rail_name"] == rail and row["amount_money"] < 0]
    return [(row["posting"].date(), row["account_id"], row["transfer_id"]) for row in debits]


def period_of(day: date, period: str) -> object:
    """What days of one period have in common."""
    number = day.toordinal() - 1
    return {"business_day": day, "week": number // 7, "pay_period": number // 14, "month": (day.year, day.month)}[
        period
    ]


def whole_periods(period: str, window_days: int) -> set[object]:
    """The periods with business days that lie in the window as a whole."""
    days = [ANCHOR - timedelta(back) for back in range(-40, window_days + 40)]
    outside = {period_of(day, period) for day in days if not 0 <= (ANCHOR - day).days < window_days}
    return {period_of(day, period) for day in days if is_business_day(day)} - outside


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["business_day", "week", "pay_period", "month"]),
    st.integers(0, 40),
    st.integers(0, 30),
    st.sampled_from(["Pay", "Swap", "Cycle"]),
    st.sampled_from([0, 3, 300]),
)
def test_every_whole_period_has_a_count_of_the_range(
    period: str, least: int, more: int, name: str, accounts: int
) -> None:
    said = {"firings_typical_per_period": {"period": period, "range": [least, least + more]}}
    window = 70 if period == "month" else 30
    ledger = ledger_of({name: said}, window_days=window, accounts={"CustomerDda": accounts, "CustomerSavings": 5})
    rail = "Leg" if name == "Cycle" else name
    can_fire = name != "Cycle" or accounts > 0
    found = Counter(period_of(day, period) for day, _, _ in firings(ledger, rail))
    for one in whole_periods(period, window) if can_fire else ():
        assert least <= found[one] <= least + more
    assert all(count <= least + more for count in found.values())


def test_an_exact_count_is_met_by_every_period_with_any_number_of_blocks() -> None:
    said = {"Pay": {"firings_typical_per_period": {"period": "week", "range": [37, 37]}}}
    for accounts in (1, 20, 2_000):
        ledger = ledger_of(said, window_days=35, accounts={"CustomerDda": accounts})
        found = Counter(period_of(day, "week") for day, _, _ in firings(ledger, "Pay"))
        assert {found[week] for week in whole_periods("week", 35)} == {37}


def test_every_number_of_the_range_comes_up_and_accounts_share_the_firings() -> None:
    accounts = {"CustomerDda": 15, "CustomerSavings": 5}
    ledger = ledger_of({"Pay": {"firings_typical_per_period": [10, 13]}}, accounts=accounts)
    found = firings(ledger, "Pay")
    assert set(Counter(day for day, _, _ in found).values()) == {10, 11, 12, 13}
    each = Counter(account for _, account, _ in found)
    assert len(each) == 20 and max(each.values()) < 4 * min(each.values())


def test_a_templates_count_is_of_whole_transfers() -> None:
    ledger = ledger_of({"Cycle": {"firings_typical_per_period": [8, 8]}}, accounts={"CustomerDda": 2}, window_days=20)
    found = firings(ledger, "Leg")
    assert len({transfer for _, _, transfer in found}) == len(found)
    assert set(Counter(day for day, _, _ in found).values()) == {8}


def test_a_leg_rails_count_is_of_its_own_firings_which_share_transfers() -> None:
    ledger = ledger_of({"Leg": {"firings_typical_per_period": [8, 8]}}, accounts={"CustomerDda": 2}, window_days=20)
    found = firings(ledger, "Leg")
    assert set(Counter(day for day, _, _ in found).values()) == {8}
    assert max(Counter(day for day, _ in {(day, transfer) for day, _, transfer in found}).values()) <= 2


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("15", {date(2029, 10, 15), date(2029, 11, 15), date(2029, 12, 17)}),
        ("last", {date(2029, 10, 31), date(2029, 11, 30), date(2029, 12, 31)}),
        ("30", {date(2029, 10, 30), date(2029, 11, 30), date(2029, 12, 31)}),
        ("25", {date(2029, 10, 25), date(2029, 11, 26), date(2029, 12, 26)}),
    ],
)
def test_a_day_of_the_month_is_one_firing_per_unit_account(said: str, days: set[date]) -> None:
    ledger = ledger_of({"Leg": {"day_of_month": said}}, accounts={"CustomerDda": 300}, window_days=85)
    found = firings(ledger, "Leg")
    assert Counter(day for day, _, _ in found) == dict.fromkeys(days, 300)
    assert Counter(account for _, account, _ in found).keys() == {f"cust-{n:03d}" for n in range(11, 311)}


def test_a_rail_that_fires_always_fires_on_closed_days_too_and_balances_stay_per_business_day() -> None:
    ledger = ledger_of({"Pay": {"calendar": "always"}, "Swap": {"calendar": "always", "day_of_month": "15"}})
    days = {day for day, _, _ in firings(ledger, "Pay")}
    assert days == {ANCHOR - timedelta(back) for back in range(90)}
    assert date(2029, 12, 15) in {day for day, _, _ in firings(ledger, "Swap")}
    assert all(is_business_day(at.date()) for at in ledger.daily_balances.column("business_day_start").to_pylist())
    assert {day for day, _, _ in firings(ledger, "Leg")} <= {day for day in days if is_business_day(day)}


def test_the_period_of_a_business_day_has_the_closed_days_before_it() -> None:
    said = {"Pay": {"calendar": "always", "firings_typical_per_period": [50, 50]}}
    ledger = ledger_of(said, anchor=date(2029, 12, 10), window_days=3)
    found = Counter(day for day, _, _ in firings(ledger, "Pay"))
    assert sum(found.values()) == 50
    assert found.keys() == {date(2029, 12, 8), date(2029, 12, 9), date(2029, 12, 10)}


SCHEDULES: dict[str, dict[str, Any]] = {
    "Pay": {"firings_typical_per_period": {"period": "month", "range": [300, 900]}, "calendar": "always"},
    "Swap": {"firings_typical_per_period": {"period": "pay_period", "range": [0, 30]}},
    "Leg": {"day_of_month": "last"},
}


@pytest.mark.parametrize(("anchor", "window_days"), [(date(2029, 12, 16), 30), (date(2029, 12, 11), 1)])
def test_windows_agree_on_the_days_they_share_although_they_cut_periods(anchor: date, window_days: int) -> None:
    accounts = {"CustomerDda": 300, "CustomerSavings": 40}
    wide = ledger_of(SCHEDULES, window_days=60, accounts=accounts)
    narrow = ledger_of(SCHEDULES, anchor=anchor, window_days=window_days, accounts=accounts, groups=2)
    first = anchor - timedelta(window_days - 1)
    for rail in SCHEDULES:
        shared = [one for one in firings(wide, rail) if first <= one[0] <= anchor]
        assert sorted(firings(narrow, rail)) == sorted(shared), rail
    assert firings(narrow, "Pay")


def test_groups_of_blocks_do_not_matter() -> None:
    accounts = {"CustomerDda": 900, "CustomerSavings": 300}
    digests = {
        dataset_digest(ledger_of(SCHEDULES, window_days=35, accounts=accounts, groups=groups).parts)
        for groups in (1, 3)
    }
    assert len(digests) == 1
