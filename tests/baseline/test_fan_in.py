"""Fan-in: which parents share a child, what its legs say, and what stays open."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

import seedbed
from seedbed.ledger.dataset import Ledger

ANCHOR = date(2030, 1, 1)


def one_leg(name: str, role: str, direction: str) -> Data:
    return {
        "name": name,
        "transfer_type": f"type_{name.lower()}",
        "leg_role": role,
        "leg_direction": direction,
        "origin": "InternalInitiated",
        "metadata_keys": ["key"],
    }


def fan_in_bank(parent: Data | None = None, legs: list[Data] | None = None, **chain: Any) -> Data:
    """A bank whose rail `In` has a fan-in child: `Payout`, whose only leg rail is `Pay` unless others are given."""
    pay = rail("Pay", "Customer", "Fed", metadata_keys=["key"])
    del pay["expected_net"]
    legs = legs or [pay]
    template = {
        "name": "Payout",
        "transfer_type": "payout",
        "expected_net": "0.00",
        "transfer_key": ["key"],
        "completion": "business_day_end",
        "leg_rails": [leg["name"] for leg in legs],
    }
    parent = parent or rail("In", "Fed", "Customer", transfer_type="ach_inbound")
    return tiny(
        rails=[parent, *legs],
        transfer_templates=[template],
        chains=[{"parent": "In", "child": "Payout", "required": True, "fan_in": True} | chain],
    )


def rows_of(data: Data, window_days: int = 60, **more: Any) -> tuple[Ledger, list[dict[str, Any]]]:
    ledger = seedbed.generate(bank_of(data), anchor=ANCHOR, window_days=window_days, **more)
    return ledger, [row for row in ledger.transactions.to_pylist() if row["supersedes"] is None]


def parents_of(rows: list[dict[str, Any]], template: str = "Payout") -> dict[str, list[str]]:
    """The parents of each child transfer of a template."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["template_name"] == template:
            found[row["transfer_id"]].add(row["transfer_parent_id"])
    return {child: sorted(parents) for child, parents in found.items()}


def account_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The customer of each transfer of `In`."""
    return {r["transfer_id"]: r["account_id"] for r in rows if r["rail_name"] == "In" and r["amount_money"] > 0}


def posting_of(rows: list[dict[str, Any]]) -> dict[str, datetime]:
    return {row["transfer_id"]: row["posting"] for row in rows if row["rail_name"] == "In"}


def test_every_so_manieth_parent_of_an_account_completes_a_child() -> None:
    _, rows = rows_of(fan_in_bank(expected_parent_count=5))
    children, customer, posted = parents_of(rows), account_of(rows), posting_of(rows)
    groups = {child: sorted(posted[parent] for parent in parents) for child, parents in children.items()}
    assert {len(parents) for parents in children.values()} == {5}
    by_account: dict[str, list[list[datetime]]] = defaultdict(list)
    for child, parents in children.items():
        [account] = {customer[parent] for parent in parents}
        by_account[account].append(groups[child])
    for account, found in by_account.items():
        in_order = sorted(at for transfer, at in posted.items() if customer[transfer] == account)
        # The groups are the account's parents in order of posting, cut every five, without the last few.
        flat = [at for group in sorted(found) for at in group]
        assert flat == in_order[: len(flat)] and len(in_order) - len(flat) < 5
    assert len(by_account) == 20


def test_a_child_posts_after_its_last_parent_on_the_same_day() -> None:
    _, rows = rows_of(fan_in_bank(expected_parent_count=3))
    posted, children = posting_of(rows), parents_of(rows)
    for row in rows:
        if row["rail_name"] == "Pay":
            last = max(posted[parent] for parent in children[row["transfer_id"]])
            assert 60 <= (row["posting"] - last).total_seconds() <= 900
            assert row["posting"].date() == last.date()


def test_each_leg_names_its_parent_and_takes_its_amount_and_account() -> None:
    _, rows = rows_of(fan_in_bank(expected_parent_count=4))
    received = {
        row["transfer_id"]: (row["amount_money"], row["account_id"])
        for row in rows
        if row["rail_name"] == "In" and row["amount_money"] > 0
    }
    paid = [row for row in rows if row["rail_name"] == "Pay" and row["amount_money"] < 0]
    assert len(paid) == len({row["transfer_parent_id"] for row in paid}) > 100
    assert all((-row["amount_money"], row["account_id"]) == received[row["transfer_parent_id"]] for row in paid)


def test_what_is_left_over_is_listed_and_nothing_else_is_open() -> None:
    ledger, rows = rows_of(fan_in_bank(expected_parent_count=7))
    shared = {parent for parents in parents_of(rows).values() for parent in parents}
    left = {f"{transfer}/In>Payout" for transfer in account_of(rows) if transfer not in shared}
    lines = ledger.answer_key.to_pylist()
    assert {(line["kind"], line["place"]) for line in lines} == {("incomplete_chain", "chain_exceptions")}
    assert {line["key"] for line in lines} == left != set()


def test_without_a_number_the_parents_of_a_day_share_a_child() -> None:
    _, rows = rows_of(fan_in_bank())
    children, customer, posted = parents_of(rows), account_of(rows), posting_of(rows)
    of_day: dict[tuple[str, date], int] = defaultdict(int)
    for transfer, account in customer.items():
        of_day[account, posted[transfer].date()] += 1
    waited = 0
    for parents in children.values():
        days = sorted(posted[parent].date() for parent in parents)
        [account] = {customer[parent] for parent in parents}
        # All parents of the last day, and at most one that was alone on its own day.
        assert days.count(days[-1]) == of_day[account, days[-1]]
        assert len(days) - days.count(days[-1]) <= 1
        waited += days[0] < days[-1]
    assert min(len(parents) for parents in children.values()) == 2
    assert waited > 10


def test_one_leg_rails_fire_per_parent_and_the_variable_leg_once() -> None:
    legs = [one_leg("Debit", "Customer", "Debit"), one_leg("Close", "Income", "Variable")]
    _, rows = rows_of(fan_in_bank(legs=legs, expected_parent_count=3))
    of_child: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["template_name"] == "Payout":
            of_child[row["transfer_id"]].append(row)
    for found in of_child.values():
        assert sorted(row["rail_name"] for row in found) == ["Close", "Debit", "Debit", "Debit"]
        assert sum(row["amount_money"] for row in found) == 0
        assert len({row["transfer_parent_id"] for row in found}) == 3
        assert len({row["id"] for row in found}) == 4


def test_the_expected_net_is_made_once_per_child() -> None:
    data = fan_in_bank(
        legs=[one_leg("Debit", "Customer", "Debit"), one_leg("Credit", "Income", "Credit")], expected_parent_count=3
    )
    data["transfer_templates"][0]["expected_net"] = "-2.50"
    _, rows = rows_of(data)
    nets: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["template_name"] == "Payout":
            nets[row["transfer_id"]] += row["amount_money"]
    assert set(nets.values()) == {Decimal("-2.50")}
    assert {len(parents) for parents in parents_of(rows).values()} == {3}


def test_a_child_has_all_its_parents_or_none_under_a_cap() -> None:
    data = fan_in_bank(expected_parent_count=2)
    data["limit_schedules"] = [{"parent_role": "Ledger", "transfer_type": "type_pay", "cap": "0.03"}]
    ledger, rows = rows_of(data)
    children = parents_of(rows)
    shared = {parent for parents in children.values() for parent in parents}
    days = {(row["account_id"], row["posting"].date()) for row in rows if row["rail_name"] == "Pay"}
    # A cap of three cents has a cent for each of two legs, and leaves one of four without.
    assert {len(parents) for parents in children.values()} == {2}
    assert len(children) == len([account for account, _ in days if account != "fed"]) > 300
    assert len(shared) < 0.8 * len(account_of(rows))
    assert len(ledger.answer_key) == len(account_of(rows).keys() - shared)


def test_parents_without_an_account_gather_for_the_whole_bank() -> None:
    data = fan_in_bank(parent=rail("In", "Income", "Fed", transfer_type="book_entry"), expected_parent_count=6)
    _, rows = rows_of(data)
    posted = sorted(posting_of(rows).items(), key=lambda one: one[1])
    assert {len(parents) for parents in parents_of(rows).values()} == {6}
    assert len(parents_of(rows)) == len(posted) // 6 > 3


def test_sweeps_share_a_child_too() -> None:
    pay = rail("Pay", "Income", "Fed", metadata_keys=["key"])
    del pay["expected_net"]
    data = fan_in_bank(legs=[pay], expected_parent_count=4)
    data["chains"][0]["parent"] = "Sweep"
    data["rails"] += [rail("Fee", "Customer", "Fees"), sweep("Sweep", "Fees", "Income", "Fee")]
    _, rows = rows_of(data, window_days=90)
    swept = {row["transfer_id"] for row in rows if row["rail_name"] == "Sweep"}
    children = parents_of(rows)
    assert {len(parents) for parents in children.values()} == {4}
    assert len(children) == len(swept) // 4 > 5
    assert {parent for parents in children.values() for parent in parents} <= swept


def test_half_of_the_children_of_an_optional_chain_fire() -> None:
    ledger, rows = rows_of(fan_in_bank(required=False, expected_parent_count=5), window_days=90)
    groups = len(account_of(rows)) / 5
    assert 0.4 * groups < len(parents_of(rows)) < 0.6 * groups
    assert {len(parents) for parents in parents_of(rows).values()} == {5}
    assert not len(ledger.answer_key)


@pytest.mark.parametrize("count", [None, 3])
def test_blocks_and_groups_of_blocks_change_nothing(count: int | None) -> None:
    data = fan_in_bank(expected_parent_count=count)
    accounts = {"Customer": 600}
    one, _ = rows_of(data, 8, accounts=accounts, groups=1)
    several, rows = rows_of(data, 8, accounts=accounts, groups=3)
    assert one.transactions.sort_by("entry").equals(several.transactions.sort_by("entry"))
    assert len({customer[-3:] for customer in account_of(rows).values()}) > 256
    assert all(len(parents) >= 2 for parents in parents_of(rows).values())
    if count:
        assert {len(parents) for parents in parents_of(rows).values()} == {count}


def test_a_fan_in_child_may_be_a_parent_of_its_own() -> None:
    data = fan_in_bank(expected_parent_count=2)
    data["rails"].append(rail("Notice", "Income", "Fed"))
    data["chains"].append({"parent": "Payout", "child": "Notice", "required": True})
    _, rows = rows_of(data)
    children = parents_of(rows)
    gross: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["template_name"] == "Payout":
            gross[row["transfer_id"]] += max(row["amount_money"], Decimal(0))
    notices = [row for row in rows if row["rail_name"] == "Notice" and row["amount_money"] > 0]
    assert len(notices) > 0.9 * len(children)
    assert all(row["amount_money"] == gross[row["transfer_parent_id"]] for row in notices)
