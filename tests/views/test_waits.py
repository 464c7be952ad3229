"""What may take its time: children of a chain with a delay, and what posts on closed days under a cap."""

import pytest

from tests.bank.tiny import rail

from .bank import views_bank
from .engines import Engines
from .feed import Feed

# The business days of which the feeds have balances: to Wednesday, 9 January 2030.
OPEN_DAYS = (2, 3, 4, 7, 8, 9)
MISSING = {"chain_exceptions": ["o/Out>Return"]}


def delayed(delay: list[str], at: str, calendar: str = "business", **more: object) -> Feed:
    """A parent without its child, posted at this moment, and balances of every business day."""
    rails = [rail("In", "Fed", "Customer"), rail("Out", "Customer", "Fed", calendar=calendar)]
    rails += [rail("Return", "Customer", "Fed", transfer_type="return")]
    chain = {"parent": "Out", "child": "Return", "required": "true"} | ({"delay": delay} if delay else {})
    feed = Feed(views_bank(rails=rails, transfer_templates=[], chains=[chain], limit_schedules=[], **more))
    for day in OPEN_DAYS:
        feed.balance("fees", day, "0.00")
    feed.move("o", "c1", "fed", "5.00", at, rail_name="Out")
    return feed


@pytest.mark.parametrize(
    ("at", "missing"), [("4", True), ("7 09:00:00", True), ("7 23:59:59", True), ("8 00:00:00", False), ("9", False)]
)
def test_a_parent_may_lack_its_child_for_as_many_business_days_as_the_delay_has(
    engines: Engines, at: str, missing: bool
) -> None:
    assert engines.exceptions(delayed(["P1D", "P2D"], at)) == (MISSING if missing else {})


def test_with_fewer_business_days_than_the_delay_nothing_is_missing(engines: Engines) -> None:
    assert engines.exceptions(delayed(["P1D", "P9D"], "2")) == {}


@pytest.mark.parametrize(("at", "missing"), [("9 21:59:59", True), ("9 22:00:00", True), ("9 22:00:01", False)])
def test_a_parent_may_lack_its_child_for_the_longest_delay_to_the_second(
    engines: Engines, at: str, missing: bool
) -> None:
    assert engines.exceptions(delayed(["PT5M", "PT2H"], at)) == (MISSING if missing else {})


def test_the_last_posting_of_a_parent_counts(engines: Engines) -> None:
    feed = delayed(["P1D", "P2D"], "4")
    feed.leg("o3", "c2", "0.00", "8", transfer_id="o", rail_name="Out")
    assert engines.exceptions(feed) == {}


@pytest.mark.parametrize(("last", "missing"), [(4, False), (7, True)])
def test_the_child_of_a_closed_day_waits_for_a_business_day(engines: Engines, last: int, missing: bool) -> None:
    feed = delayed([], "5", calendar="always")
    feed.daily_balances = [row for row in feed.daily_balances if int(row["business_day_start"][8:10]) <= last]
    assert engines.exceptions(feed) == (MISSING if missing else {})


def test_a_child_without_a_parent_is_missed_at_once(engines: Engines) -> None:
    feed = delayed(["P1D", "P2D"], "9")
    feed.move("r", "c1", "fed", "5.00", "9", rail_name="Return")
    assert engines.exceptions(feed)["chain_exceptions"] == ["r/>Return"]


@pytest.mark.parametrize(("calendar", "breach"), [("always", True), ("business", False)])
def test_closed_days_count_into_the_next_business_day_of_a_cap_if_a_rail_fires_on_them(
    engines: Engines, calendar: str, breach: bool
) -> None:
    limits = [{"parent_role": "Ledger", "transfer_type": "type_pay", "cap": "100.00"}]
    rails = [rail("Pay", "Customer", "Fed", calendar=calendar)]
    feed = Feed(views_bank(rails=rails, transfer_templates=[], chains=[], limit_schedules=limits))
    for day in OPEN_DAYS:
        feed.balance("fees", day, "0.00")
    for number, at in enumerate(("4", "5", "6", "7")):
        feed.move(f"p{'abcd'[number]}", "c1", "fed", "40.00", at, rail_name="Pay")
    assert engines.exceptions(feed) == ({"limit_breach": ["c1/2030-01-07/type_pay"]} if breach else {})


def test_closed_days_after_the_last_business_day_keep_apart(engines: Engines) -> None:
    limits = [{"parent_role": "Ledger", "transfer_type": "type_pay", "cap": "100.00"}]
    rails = [rail("Pay", "Customer", "Fed", calendar="always")]
    feed = Feed(views_bank(rails=rails, transfer_templates=[], chains=[], limit_schedules=limits))
    feed.balance("fees", 4, "0.00")
    for transfer, at in (("pa", "4"), ("pb", "5"), ("pc", "6"), ("pd", "6")):
        feed.move(transfer, "c1", "fed", "60.00", at, rail_name="Pay")
    assert engines.exceptions(feed) == {"limit_breach": ["c1/2030-01-06/type_pay"]}
