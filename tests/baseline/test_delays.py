"""When chain children follow: after minutes, after business days, and what of it the window's end cuts off."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.bank.tiny import bank_of, rail, tiny
from tests.health.reference import is_business_day

import seedbed

ANCHOR = date(2030, 1, 1)


def pairs(delay: list[str] | None, **more: Any) -> tuple[seedbed.Ledger, list[tuple[datetime, datetime | None]]]:
    """The ledger of a bank with one Required chain, and when each parent and its child posted."""
    chain = {"parent": "Pay", "child": "Return", "required": "true"} | ({"delay": delay} if delay else {})
    keys = {"transfer_type": "ach_inbound"} | more.pop("keys", {})
    rails = [rail("Pay", "Fed", "Customer", **keys), rail("Return", "Customer", "Fed", transfer_type="wire")]
    ledger = seedbed.generate(bank_of(tiny(rails=rails, chains=[chain])), anchor=ANCHOR, **more)
    rows = [row for row in ledger.transactions.to_pylist() if row["amount_money"] < 0]
    children = {row["transfer_parent_id"]: row["posting"] for row in rows if row["rail_name"] == "Return"}
    found = [(row["posting"], children.get(row["transfer_id"])) for row in rows if row["rail_name"] == "Pay"]
    return ledger, sorted(found, key=lambda pair: pair[0])


def business_days(first: date, last: date) -> Iterator[date]:
    """The business days after the first to the last."""
    days = (first + timedelta(n) for n in range(1, (last - first).days + 1))
    return (day for day in days if is_business_day(day))


def later(parent: datetime, child: datetime) -> int:
    """The business days from a parent to its child."""
    return len(list(business_days(parent.date(), child.date())))


def test_a_child_follows_after_so_many_business_days_in_its_own_hours() -> None:
    _, found = pairs(["P1D", "P3D"])
    counts = Counter(later(parent, child) for parent, child in found if child is not None)
    assert counts.keys() == {1, 2, 3} and min(counts.values()) > max(counts.values()) / 2
    assert all(is_business_day(child.date()) and 9 <= child.hour < 17 for _, child in found if child is not None)


def test_a_delay_from_no_day_on_may_be_the_same_day() -> None:
    _, found = pairs(["P0D", "P1D"])
    for parent, child in found:
        if child is not None and child.date() == parent.date():
            assert timedelta(seconds=60) <= child - parent < timedelta(seconds=900)
    assert {later(parent, child) for parent, child in found if child is not None} == {0, 1}


def test_a_delay_in_minutes_is_kept_to_the_second() -> None:
    _, found = pairs(["PT20M", "PT25M"])
    waits = [child - parent for parent, child in found if child is not None]
    assert timedelta(minutes=20) <= min(waits) < timedelta(minutes=20, seconds=5)
    assert timedelta(minutes=24, seconds=55) < max(waits) <= timedelta(minutes=25)


@pytest.mark.parametrize("window_days", [1, 5, 12, 40])
def test_what_may_come_yet_is_open_at_the_windows_end_and_no_exception(window_days: int) -> None:
    ledger, found = pairs(["P1D", "P2D"], window_days=window_days)
    key = [line["key"] for line in ledger.answer_key.to_pylist() if line["place"] == "chain_exceptions"]
    due = [(parent, child) for parent, child in found if len(list(business_days(parent.date(), ANCHOR))) >= 2]
    assert len(key) == sum(child is None for _, child in due)
    assert any(child is None for _, child in found) or not found


def test_few_parents_that_are_old_enough_all_have_their_child() -> None:
    keys = {"firings_typical_per_period": ["1", "1"]}
    _, found = pairs(["P2D", "P2D"], window_days=14, keys=keys)
    old = [child for parent, child in found if len(list(business_days(parent.date(), ANCHOR))) >= 2]
    assert old and None not in old


def test_the_child_of_a_closed_day_comes_on_the_next_business_day() -> None:
    _, found = pairs(None, keys={"calendar": "always"})
    on_closed = [(parent, child) for parent, child in found if not is_business_day(parent.date())]
    assert on_closed and all(later(parent, child) == 1 for parent, child in on_closed if child is not None)
    assert all(is_business_day(child.date()) for _, child in found if child is not None)
    same_day = {child.date() == parent.date() for parent, child in found if child and is_business_day(parent.date())}
    assert same_day == {True}
