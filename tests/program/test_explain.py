"""What a rail does and why, and what comes in and goes out per role."""

from datetime import date
from typing import Any

import duckdb
import pytest
from tests.bank.tiny import bank_of, rail, sweep, tiny

import seedbed
from seedbed.bank.model import Bank
from seedbed.errors import InputError
from seedbed.program.explain import explained
from seedbed.program.outline import outline

ANCHOR = date(2030, 1, 1)


def facts(name: str, **changes: Any) -> dict[str, str]:
    bank = bank_of(tiny(**changes))
    return {about: "; ".join(said) for about, said in explained(bank, outline(bank, ANCHOR), name).items()}


def test_it_says_which_key_decided() -> None:
    own = {"kind": "card_sale", "per": "Customer", "hours": "06:00-22:00", "amount_typical_range": ["5", "500"]}
    found = facts("Out", rails=[rail("In", "Fed", "Customer"), rail("Out", "Customer", "Fed", **own)])
    assert found["kind"] == "card sale, by the key 'kind'"
    assert "8.000 firings a business day for each of 20 accounts of Customer (the key 'per')" in found["volume"]
    assert "the key 'amount_typical_range': 5.00 to 500.00" in found["amounts"]
    assert found["hours"] == "06:00-22:00 New York time, from the key 'hours'"


def test_it_says_what_decided_without_a_key() -> None:
    assert facts("In")["kind"] == "customer inbound, by a customer's account on the destination"
    rails = [rail("Fee", "Customer", "Fees", transfer_type="nsf_fee")]
    assert facts("Fee", rails=rails)["kind"].startswith("customer fee (monthly), by the word 'fee' in its type")
    assert facts("It", rails=[rail("It", "Fed", "Income")])["kind"] == "other, because nothing says another"


def test_it_says_what_is_linked_to_it() -> None:
    rails = [rail("In", "Fed", "Fees"), rail("On", "Income", "Fed"), sweep("Sweep", "Fees", "Income", "In")]
    chains = [{"parent": "In", "children": ["On"]}]
    found = facts("In", rails=rails, chains=chains)
    assert found["chains"] == "is followed by On (required)"
    assert found["sweeps"] == "is bundled by Sweep, daily-eod"
    assert facts("On", rails=rails, chains=chains)["volume"].startswith("chain child: it does not fire by itself")


def test_a_rail_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InputError, match="'Ot' is not a rail of this bank; did you mean 'Out'"):
        facts("Ot")


def flows(bank: Bank) -> dict[str, tuple[int, int]]:
    return {flow.role: (flow.received, flow.paid) for flow in outline(bank, ANCHOR).flows}


def test_a_role_that_only_receives_is_seen() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Fee", "Customer", "Income", transfer_type="fee")]
    received, paid = flows(bank_of(tiny(rails=rails)))["Income"]
    assert (received > 0, paid) == (True, 0)


def test_a_child_passes_on_what_its_parents_bring() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("On", "Customer", "Fees")]
    found = flows(bank_of(tiny(rails=rails, chains=[{"parent": "In", "children": ["On"]}])))
    assert found["Customer"][1] == pytest.approx(0.95 * found["Customer"][0])
    assert found["Fees"][0] == found["Customer"][1]


def test_the_flows_are_about_what_is_made() -> None:
    rails = [
        rail("In", "Fed", "Customer", amount="100"),
        rail("Out", "Customer", "Fees", amount_typical_range=["50", "60"]),
        sweep("Sweep", "Fees", "Fed", "Out"),
    ]
    bank = bank_of(tiny(rails=rails))
    legs = seedbed.generate(bank, anchor=ANCHOR).transactions
    signed = "SUM(CASE WHEN amount_money {} 0 THEN ABS(amount_money) ELSE 0 END)"
    made = duckdb.sql(
        f"SELECT account_role, {signed.format('>')}, {signed.format('<')} FROM legs "
        "WHERE rail_name <> 'OpeningBalance' AND account_scope = 'internal' AND bundle_id IS NULL GROUP BY ALL"
    ).fetchall()
    assert legs.num_rows > 1_000
    factor = 100 * 21 / outline(bank, ANCHOR).business_days
    wanted = {role: pytest.approx((float(got) * factor, float(paid) * factor), rel=0.05) for role, got, paid in made}
    assert flows(bank) == wanted
