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


def test_it_says_how_often_a_rail_fires_that_has_a_count() -> None:
    rails = [
        rail("In", "Fed", "Customer", firings_typical_per_period={"period": "pay_period", "range": ["20", "25"]}),
        rail("Out", "Customer", "Fed", day_of_month="last"),
    ]
    assert facts("In", rails=rails)["volume"].startswith(
        "20 to 25 a pay period in the whole bank (the key 'firings_typical_per_period'); on average"
    )
    assert facts("Out", rails=rails)["volume"].startswith(
        "one firing a month for each account, on the last day of the month (the key 'day_of_month'); on average"
    )


def test_the_count_of_a_template_decides_for_its_legs() -> None:
    rails = [
        rail("In", "Fed", "Customer", expected_net=None, metadata_keys=["k"], firings_typical_per_period=["7", "8"]),
        rail("Out", "Customer", "Fed"),
    ]
    template = {
        "name": "Both",
        "transfer_type": "both",
        "expected_net": "0.00",
        "transfer_key": ["k"],
        "completion": "business_day_end",
        "leg_rails": ["In"],
        "firings_typical_per_period": ["2", "3"],
    }
    assert facts("In", rails=rails, transfer_templates=[template])["volume"].startswith(
        "2 to 3 a business day in the whole bank (the key 'firings_typical_per_period' of the template Both)"
    )


def test_it_says_which_settings_of_the_baseline_decide() -> None:
    override = {"seed_amount": {"median": "40.00", "sigma": "0.1"}, "seed_volume_multiplier": "0.5"}
    found = facts("In", baseline={"rails": {"In": override}})
    assert "which is 0.5 times that of its kind" in found["volume"]
    assert "from the key 'seed_amount' under 'baseline'" in found["amounts"]


def test_it_says_that_a_rail_fires_on_every_day() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Out", "Customer", "Fed", calendar="always")]
    assert facts("Out", rails=rails)["hours"] == (
        "00:00-23:59 New York time, from the key 'calendar'; on every day of the year, from the key 'calendar'"
    )


def test_it_says_how_long_after_its_parent_a_rail_fires() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Back", "Customer", "Fed", hours="10:00-11:00")]
    for delay, said in (
        (["P1D", "P2D"], "1 to 2 business days after In (the key 'delay'), 10:00-11:00 New York time"),
        (["P1D", "P1D"], "1 business day after In (the key 'delay'), 10:00-11:00 New York time"),
        (["PT30M", "PT2H"], "PT30M to PT2H after In (the key 'delay')"),
        (None, "1 to 15 minutes after In"),
    ):
        chains = [{"parent": "In", "child": "Back", "required": "true", "delay": delay}]
        assert facts("Back", rails=rails, chains=chains)["hours"] == said


def test_a_cap_that_cannot_bind_a_rail_is_not_among_its_caps() -> None:
    limit = {"parent_role": "Ledger", "rail": "Out", "cap": "9.00"}
    limits = [{**limit, "direction": direction} for direction in ("Outbound", "Inbound")]
    assert facts("Out", limit_schedules=limits)["caps"] == "Outbound 9.00 per account under Ledger and day"


def test_the_units_of_a_rail_are_the_accounts_that_it_counts() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Sale", "Fed", "Fees", kind="card_sale", per="Customer")]
    lines = outline(bank_of(tiny(rails=rails)), ANCHOR).rails
    assert {line.rail: (line.scale, line.units) for line in lines}["Sale"] == ("customer", 20)


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
