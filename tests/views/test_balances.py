"""Views on balances, on feeds of a few rows."""

import pytest

from .bank import views_bank
from .engines import Engines
from .feed import Feed


def settled() -> Feed:
    """Two customers under a ledger, one movement, everything in order."""
    feed = Feed()
    for account, amount in (("c1", "100.00"), ("c2", "50.00"), ("fees", "0.00")):
        feed.opening(account, amount)
    feed.move("fee", "c1", "fees", "30.00", "5 10:00:00", rail_name="Fee", bundle_id="b")
    for day, (first, second, fees) in {4: ("100", "50", "0"), 5: ("70", "50", "30"), 6: ("70", "50", "30")}.items():
        feed.balance("c1", day, first)
        feed.balance("c2", day, second)
        feed.balance("gl", day, str(int(first) + int(second)))
        feed.balance("fees", day, fees)
    return feed


def test_a_settled_feed_has_no_exception(engines: Engines) -> None:
    assert engines.exceptions(settled()) == {}


def test_an_empty_feed_has_no_exception(engines: Engines) -> None:
    assert engines.exceptions(Feed(as_of=None)) == {}


def test_a_stored_balance_that_is_off_by_a_cent_drifts_and_its_parent_does_not(engines: Engines) -> None:
    feed = settled()
    feed.balance("c1", 7, "70.01")
    feed.balance("c2", 7, "50")
    feed.balance("gl", 7, "120.01")
    assert engines.exceptions(feed) == {"drift": ["c1/2030-01-07"]}
    (row,) = engines.agreed("tiny_drift")
    assert (row["stored"], row["computed"], row["drift"]) == (70.01, 70, 0.01)


def test_a_parent_that_differs_from_its_children_drifts_in_the_ledger_only(engines: Engines) -> None:
    feed = settled()
    feed.balance("c1", 7, "70")
    feed.balance("c2", 7, "50")
    feed.balance("gl", 7, "119.00")
    assert engines.exceptions(feed) == {"ledger_drift": ["gl/2030-01-07"]}
    (row,) = engines.agreed("tiny_ledger_drift")
    assert (row["own"], row["children"], row["stored"], row["drift"]) == (0, 120, 119, -1)


def test_postings_on_a_parent_are_its_own(engines: Engines) -> None:
    feed = settled()
    feed.opening("gl", "5.00", "7 00:00:00")
    feed.balance("gl", 7, "75.00")
    feed.balance("c1", 7, "70")
    assert engines.exceptions(feed) == {}
    feed.balance("gl", 8, "75.01")
    feed.balance("c1", 8, "70")
    assert engines.exceptions(feed) == {"ledger_drift": ["gl/2030-01-08"]}


def test_a_role_is_a_parent_by_the_data_alone(engines: Engines) -> None:
    feed = Feed()
    feed.opening("c1", "10.00")
    feed.balance("c1", 5, "10", account_parent_role="Income")
    feed.balance("income", 5, "10")
    assert engines.exceptions(feed) == {}


def test_a_role_is_a_parent_by_the_bank_alone(engines: Engines) -> None:
    feed = Feed()
    feed.balance("gl", 5, "0")
    engines.load(feed)
    assert [row["account_id"] for row in engines.agreed("tiny_computed_ledger_balance")] == ["gl"]
    assert engines.agreed("tiny_computed_subledger_balance") == []


def test_external_children_make_no_parent(engines: Engines) -> None:
    feed = Feed()
    feed.balance("income", 5, "3")
    feed.balance("fed", 5, "3", account_parent_role="Income")
    assert engines.exceptions(feed) == {"drift": ["income/2030-01-05"]}


@pytest.mark.parametrize(("status", "drifts"), [("Posted", []), ("Failed", ["c1"]), ("Pending", ["c1"])])
def test_only_posted_legs_count(engines: Engines, status: str, drifts: list[str]) -> None:
    feed = Feed(as_of="2030-01-06 00:00:00")
    feed.leg("x1", "c1", "9.00", "5 12:00:00", status=status)
    feed.leg("x2", "fed", "-9.00", "5 12:00:00", status=status)
    feed.balance("c1", 5, "9")
    assert engines.exceptions(feed) == ({"drift": ["c1/2030-01-05"]} if drifts else {})


def test_a_posting_at_the_very_end_of_a_day_belongs_to_the_next(engines: Engines) -> None:
    feed = Feed()
    feed.opening("fees", "1.00")
    feed.leg("late", "fees", "2.00", "6 00:00:00", rail_name="Take", template_name="Journal", status="Posted")
    feed.balance("fees", 5, "1")
    feed.balance("fees", 6, "3")
    assert "drift" not in engines.exceptions(feed)
    feed = Feed()
    feed.leg("late", "fees", "2.00", "5 23:59:59", rail_name="Take", template_name="Journal")
    feed.balance("fees", 5, "0")
    assert engines.exceptions(feed)["drift"] == ["fees/2030-01-05"]


@pytest.mark.parametrize(
    ("at", "first", "second"),
    [("6 02:59:59", 7, 7), ("6 03:00:00", 0, 7), ("6 02:00:00", 7, 7), ("5 03:00:00", 7, 7)],
)
def test_a_shifted_day_ends_at_its_own_hour(engines: Engines, at: str, first: int, second: int) -> None:
    feed = Feed()
    feed.leg("x", "shop", "7.00", at, rail_name="Sale", template_name="Cycle", transfer_id="t", bundle_id="b")
    feed.leg("y", "fees", "-7.00", at, rail_name="Sale", template_name="Cycle", transfer_id="t", bundle_id="b")
    feed.balance("shop", 5, str(first))
    feed.balance("shop", 6, str(second))
    assert "drift" not in engines.exceptions(feed)
    assert [row["computed"] for row in engines.agreed("tiny_computed_subledger_balance")] == [first, second]


@pytest.mark.parametrize("status", ["Pending", "Failed"])
def test_early_on_the_day_of_the_end_only_posted_legs_count_either(engines: Engines, status: str) -> None:
    feed = Feed()
    more = {"rail_name": "Sale", "template_name": "Cycle", "transfer_id": "t", "bundle_id": "b"}
    feed.leg("x", "shop", "7.00", "6 02:00:00", **more, status=status)
    feed.leg("y", "shop", "1.00", "6 02:00:00", **more)
    feed.balance("shop", 5, "1")
    assert "drift" not in engines.exceptions(feed)


def test_parents_and_children_with_different_hours_meet_on_the_date(engines: Engines) -> None:
    feed = Feed()
    feed.opening("shop", "10.00")
    feed.balance("shop", 5, "10", account_parent_role="Ledger")
    feed.balance("gl", 5, "10")
    assert engines.exceptions(feed) == {}


def test_days_without_a_row_lose_nothing(engines: Engines) -> None:
    feed = settled()
    feed.move("later", "c1", "fees", "20.00", "8 10:00:00", rail_name="Fee", bundle_id="b")
    feed.balance("c1", 20, "50")
    feed.balance("fees", 20, "50")
    assert engines.exceptions(feed) == {}


def test_the_highest_entry_counts_however_often_a_row_is_superseded(engines: Engines) -> None:
    feed = Feed()
    for amount, more in (("5.00", {}), ("6.00", {"status": "Pending"}), ("7.00", {}), ("8.00", {})):
        feed.leg("x", "c1", amount, "5", **more, supersedes="Inflight")
    feed.transactions.reverse()  # the order of loading does not matter
    feed.balance("c1", 5, "1.00")
    feed.balance("c1", 5, "8.00", supersedes="TechnicalCorrection")
    assert "drift" not in engines.exceptions(feed)
    (row,) = engines.agreed("tiny_current_transactions")
    assert row["amount_money"] == 8
    (row,) = engines.agreed("tiny_current_daily_balances")
    assert row["money"] == 8


def test_cents_of_large_amounts_are_exact(engines: Engines) -> None:
    feed = Feed()
    for number in range(30):
        feed.leg(f"x{number}", "c1", "999999999999.97", "5")
        feed.leg(f"y{number}", "c1", "0.10", "5")
    feed.balance("c1", 5, str(30 * 999999999999 + 29 + 3) + ".10")
    assert "drift" not in engines.exceptions(feed)


def test_overdraft_is_below_zero_and_internal(engines: Engines) -> None:
    feed = Feed()
    for account, amount in (("c1", "-0.01"), ("c2", "0.00")):
        feed.opening(account, amount)
        feed.balance(account, 5, amount)
    feed.balance("gl", 5, "-0.01")
    feed.balance("fed", 5, "-5.00")
    assert engines.exceptions(feed) == {"overdraft": ["c1/2030-01-05", "gl/2030-01-05"]}


def test_an_expected_balance_that_is_missed(engines: Engines) -> None:
    feed = Feed()
    feed.opening("fees", "2.00")
    feed.balance("fees", 5, "2.00", expected_eod_balance="0.00")
    feed.balance("fees", 6, "2.00", expected_eod_balance="2.00")
    assert engines.exceptions(feed) == {"expected_eod_balance_breach": ["fees/2030-01-05"]}
    (row,) = engines.agreed("tiny_expected_eod_balance_breach")
    assert row["difference"] == 2


def paying(*amounts: str, at: str = "5 12:00:00", **more: str) -> Feed:
    feed = Feed()
    for number, amount in enumerate(amounts):
        feed.move(f"t{number}-", "c1", "desk", amount, at, rail_name="Pay", **more)
    return feed


@pytest.mark.parametrize(
    ("amounts", "breach"),
    [(("100.00",), False), (("100.01",), True), (("60.00", "40.00"), False), (("60.00", "40.01"), True)],
)
def test_a_cap_is_broken_by_the_sum_of_a_day_above_it(
    engines: Engines, amounts: tuple[str, ...], breach: bool
) -> None:
    expected = {"limit_breach": ["c1/2030-01-05/pay'type"]} if breach else {}
    assert engines.exceptions(paying(*amounts)) == expected
    assert [row["outbound"] for row in engines.agreed("tiny_limit_breach")] == [100.01] * breach


def test_caps_are_per_account_day_and_type_of_posted_legs(engines: Engines) -> None:
    feed = paying("60.00")
    feed.move("b", "c2", "desk", "60.00", "5 12:00:00", rail_name="Pay")
    feed.move("c", "c1", "desk", "60.00", "6 00:00:00", rail_name="Pay")
    feed.move("d", "c1", "fed", "60.00", "5 12:00:00", rail_name="Out")
    feed.move("r", "c1", "fed", "60.00", "5 12:00:00", rail_name="Return", transfer_parent_id="d")
    feed.move("e", "c1", "desk", "60.00", "5 12:00:00", rail_name="Pay", status="Failed")
    feed.move("f", "desk", "c1", "60.00", "5 12:00:00", rail_name="Pay")
    assert engines.exceptions(feed) == {}


def test_money_that_comes_in_does_not_make_room_under_a_cap(engines: Engines) -> None:
    feed = paying("100.01")
    feed.move("in", "desk", "c1", "60.00", "5 09:00:00", rail_name="Pay")
    assert engines.exceptions(feed) == {"limit_breach": ["c1/2030-01-05/pay'type"]}


def test_a_cap_counts_the_business_day_of_the_role(engines: Engines) -> None:
    feed = Feed(bank=views_bank(role_business_day_offsets={"Customer": "-4"}))
    feed.move("a", "c1", "desk", "60.00", "5 20:00:00", rail_name="Pay")
    feed.move("b", "c1", "desk", "60.00", "6 19:59:59", rail_name="Pay")
    feed.move("c", "c1", "desk", "60.00", "6 20:00:00", rail_name="Pay")
    assert engines.exceptions(feed) == {"limit_breach": ["c1/2030-01-05/pay'type"]}


CAPS_BOTH_WAYS = [
    {"parent_role": "Ledger", "transfer_type": "pay'type", "cap": "100.00"},
    {"parent_role": "Ledger", "transfer_type": "pay'type", "cap": "80.00", "direction": "Inbound"},
    {"parent_role": "Ledger", "rail": "Pay", "cap": "90.00", "direction": "Inbound"},
]


@pytest.mark.parametrize(
    ("amount", "keys"),
    [("80.00", []), ("80.01", ["pay'type/Inbound"]), ("90.01", ["Pay/Inbound", "pay'type/Inbound"])],
)
def test_what_comes_in_beyond_an_inbound_cap_breaks_each_cap_by_a_key_of_its_own(
    engines: Engines, amount: str, keys: list[str]
) -> None:
    feed = Feed(bank=views_bank(limit_schedules=CAPS_BOTH_WAYS))
    feed.move("a", "desk", "c1", amount, "5 12:00:00", rail_name="Pay")
    feed.move("b", "c1", "desk", "60.00", "5 13:00:00", rail_name="Pay")
    expected = {"limit_breach": [f"c1/2030-01-05/{key}" for key in keys]} if keys else {}
    assert engines.exceptions(feed) == expected


def test_a_breach_says_its_direction_and_what_was_moved(engines: Engines) -> None:
    feed = Feed(bank=views_bank(limit_schedules=CAPS_BOTH_WAYS[:2]))
    feed.move("a", "desk", "c1", "85.00", "5 12:00:00", rail_name="Pay")
    feed.move("b", "c1", "desk", "100.50", "5 13:00:00", rail_name="Pay")
    rows = [
        [row[name] for name in ("direction", "outbound", "inbound", "cap", "excess")]
        for row in sorted(engines.view(feed, "limit_breach"), key=lambda row: row["direction"])
    ]
    assert rows == [["Inbound", None, 85, 80, 5], ["Outbound", 100.5, None, 100, 0.5]]


def test_a_statement_walks_from_day_to_day(engines: Engines) -> None:
    feed = settled()
    feed.move("back", "fees", "c1", "5.00", "7 00:00:00", rail_name="Fee", bundle_id="b")
    feed.balance("c1", 9, "76.00")
    rows = {
        (row["account_id"], row["business_day"][-2:]): [
            row[name] for name in ("opening", "credits", "debits", "children_change", "closing", "stored", "drift")
        ]
        for row in engines.view(feed, "daily_statement")
    }
    assert rows["c1", "04"] == [0, 100, 0, 0, 100, 100, 0]
    assert rows["c1", "05"] == [100, 0, 30, 0, 70, 70, 0]
    assert rows["c1", "09"] == [70, 5, 0, 0, 75, 76, 1]
    assert rows["gl", "05"] == [150, 0, 0, -30, 120, 120, 0]


def test_todays_exceptions_have_kind_magnitude_and_day(engines: Engines) -> None:
    feed = settled()
    feed.balance("c1", 7, "-1.00")
    feed.balance("c2", 8, "49.00", expected_eod_balance="50.00")
    feed.leg("p1", "c2", "3.00", "1 12:00:00", status="Pending")
    rows = engines.view(feed, "todays_exceptions")
    assert [(row["kind"], row["view_key"], row["magnitude"], row["is_latest_day"]) for row in rows] == [
        ("drift", "c1/2030-01-07", 71, 0),
        ("drift", "c2/2030-01-08", 1, 1),
        ("expected_eod_balance_breach", "c2/2030-01-08", 1, 1),
        ("overdraft", "c1/2030-01-07", 1, 0),
        ("stuck_pending", "p1", 3, 1),
    ]
