"""Amounts of templates: what caps and parents may change about them, and what not."""

from datetime import date
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, tiny

import seedbed

ANCHOR = date(2030, 1, 1)


def leg(name: str, role: str, direction: str) -> Data:
    """A one-leg rail with a transfer type of its own and the key `key`."""
    return {
        "name": name,
        "transfer_type": f"type_{name.lower()}",
        "leg_role": role,
        "leg_direction": direction,
        "origin": "InternalInitiated",
        "metadata_keys": ["key"],
    }


def template(*legs: str, net: str = "0.00") -> Data:
    """A template over these leg rails."""
    return {
        "name": "Both",
        "transfer_type": "both",
        "expected_net": net,
        "transfer_key": ["key"],
        "completion": "business_day_end",
        "leg_rails": list(legs),
    }


def cents_of(data: Data, rail_name: str, **settings: Any) -> list[int]:
    """The amounts of one rail in cents, by id."""
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR, **settings).transactions.to_pylist()
    found = {row["id"]: int(row["amount_money"] * 100) for row in rows if row["rail_name"] == rail_name}
    return [found[key] for key in sorted(found)]


def closed(cap: str) -> Data:
    """A drawn Debit, a drawn Credit, and a Variable leg under a cap."""
    rails = [leg("Take", "Income", "Debit"), leg("Give", "Income", "Credit"), leg("Close", "Held", "Variable")]
    data = tiny(rails=rails, transfer_templates=[template("Take", "Give", "Close")])
    data["accounts"].append({"id": "held", "role": "Held", "scope": "internal", "parent_role": "Ledger"})
    return data | {"limit_schedules": [{"parent_role": "Ledger", "transfer_type": "type_close", "cap": cap}]}


def test_a_cap_on_the_closing_leg_leaves_debits_alone() -> None:
    tight, wide = (cents_of(closed(cap), "Take", window_days=1000) for cap in ("100.00", "10000000.00"))
    assert tight == wide
    assert len(tight) > 500


def test_credits_may_use_the_cap_of_the_closing_leg_and_what_the_debits_paid_out() -> None:
    credits, closings = (cents_of(closed("100.00"), name, window_days=1000) for name in ("Give", "Close"))
    assert min(closings) >= -100_00
    assert min(closings) < -50_00
    assert max(credits) > 1_000_00


@pytest.mark.parametrize(
    ("legs", "net"),
    [
        (("Take", "Give", "GiveMore"), "0.00"),
        (("Give", "Take"), "0.00"),
        (("Take", "Give", "GiveMore"), "-40.00"),
        (("Give", "GiveMore", "Take"), "-0.01"),
    ],
)
def test_a_template_takes_over_its_parents_amount_to_the_cent(legs: tuple[str, ...], net: str) -> None:
    """Its credits come to what the parent moved, whichever side is drawn."""
    rails = [rail("Parent", "Customer", "Fed")]
    rails += [leg(name, "Income", "Debit" if name == "Take" else "Credit") for name in legs]
    data = tiny(
        rails=rails,
        transfer_templates=[template(*legs, net=net)],
        chains=[{"parent": "Parent", "child": "Both", "required": "true"}],
        baseline={"rails": {"Parent": {"seed_amount": {"median": "50.00", "sigma": "0.3"}}}},
    )
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR).transactions.to_pylist()
    credits = [row for row in rows if row["amount_money"] > 0]
    parents = {row["transfer_id"]: row["amount_money"] for row in credits if row["rail_name"] == "Parent"}
    children: dict[str, Any] = {}
    for row in credits:
        if row["transfer_parent_id"]:
            children[row["transfer_parent_id"]] = children.get(row["transfer_parent_id"], 0) + row["amount_money"]
    assert len(children) > 40
    assert children == {key: parents[key] for key in children}


@pytest.mark.parametrize(("median", "each"), [("0.01", {1}), ("0.03", {1, 2})])
def test_every_leg_of_a_chained_template_gets_a_cent_where_its_parent_has_fewer(median: str, each: set[int]) -> None:
    rails = [rail("Parent", "Customer", "Fed"), leg("Give", "Income", "Credit")]
    rails += [rail("Aside", "Customer", "Fed", transfer_type="aside", metadata_keys=["key"])]
    del rails[2]["expected_net"]
    data = tiny(
        rails=[*rails, leg("Close", "Income", "Variable")],
        transfer_templates=[template("Aside", "Give", "Close")],
        chains=[{"parent": "Parent", "child": "Both", "required": "true"}],
        baseline={"rails": {"Parent": {"seed_amount": {"median": median, "sigma": "0.000001"}}}},
    )
    given, aside = cents_of(data, "Give"), [cents for cents in cents_of(data, "Aside") if cents > 0]
    assert len(given) == len(aside) > 40
    assert {*given, *aside} == each


def test_one_leg_rails_without_accounts_leave_the_other_legs_of_their_template_as_they_are() -> None:
    rails = [rail("Aside", "Income", "Fed", metadata_keys=["key"]), leg("Give", "Customer", "Credit")]
    del rails[0]["expected_net"]
    data = tiny(rails=rails, transfer_templates=[template("Aside", "Give", net="125.00")])
    assert len(cents_of(data, "Aside", accounts={"Customer": 0})) > 60
    assert cents_of(data, "Give", accounts={"Customer": 0}) == []


def test_customers_of_two_templates_share_the_cap_of_the_account_that_pays_them() -> None:
    data = tiny(rails=[rail("Pay", "Payer", "(Customer | CustomerTwo)", transfer_type="credit")])
    data["accounts"].append({"id": "payer", "role": "Payer", "scope": "internal", "parent_role": "Ledger"})
    data["account_templates"].append({"role": "CustomerTwo", "scope": "internal", "parent_role": "Ledger"})
    data["limit_schedules"] = [{"parent_role": "Ledger", "transfer_type": "credit", "cap": "5.00"}]
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR, window_days=60).transactions.to_pylist()
    paid = [row["account_role"] for row in rows if row["rail_name"] == "Pay" and row["amount_money"] > 0]
    first, second = paid.count("Customer"), paid.count("CustomerTwo")
    assert min(first, second) > 0.9 * max(first, second) > 2000
