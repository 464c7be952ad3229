"""Daily caps in the baseline: in both directions, on rails and types, on accounts that blocks share."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

import seedbed
from seedbed.baseline.caps import UNLIMITED, CapLedger
from seedbed.draw.samplers import Constant
from seedbed.program.build import build_program
from seedbed.program.window import build_window
from seedbed.units import DAY_SECONDS

from .test_amounts import cents_of, leg, template

ANCHOR = date(2030, 1, 1)
MOVE = rail("Move", "Customer", "Customer", transfer_type="internal_transfer")


def limit(of: str, cap: str, direction: str = "Inbound", key: str = "rail") -> Data:
    """A cap on the accounts under the ledger."""
    return {"parent_role": "Ledger", key: of, "cap": cap, "direction": direction}


def sums(data: Data, rail_name: str, sign: int, **settings: Any) -> dict[tuple[str, date], int]:
    """What the accounts under the ledger pay (`sign` -1) or take in (+1) by a rail, per account and day, in cents."""
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR, **settings).transactions.to_pylist()
    found: dict[tuple[str, date], int] = defaultdict(int)
    for row in {row["id"]: row for row in rows}.values():
        moved = sign * int(row["amount_money"] * 100)
        if row["rail_name"] == rail_name and row["account_parent_role"] == "Ledger" and moved > 0:
            found[row["account_id"], row["posting"].date()] += moved
    return found


def test_a_bank_of_others_accounts_keeps_its_caps_where_a_window_ends_before_a_long_weekend() -> None:
    """No balance tells the business days there, so closed days count into no other day."""
    accounts = [
        {"id": "gl", "role": "Ledger", "scope": "external"},
        {"id": "shop", "role": "Shop", "scope": "external"},
        {"id": "payer", "role": "Customer", "scope": "external", "parent_role": "Ledger"},
    ]
    data = {
        "instance": "tiny",
        "accounts": accounts,
        "rails": [rail("Move", "Customer", "Shop", calendar="always")],
        "baseline": {"rails": {"Move": {"seed_volume_multiplier": 10}}},
        "limit_schedules": [limit("Move", "40.00", "Outbound")],
        "role_business_day_offsets": {"Customer": 7},
    }
    rows = seedbed.generate(bank_of(data), anchor=date(2096, 5, 26), window_days=30).transactions.to_pylist()
    paid: dict[tuple[str, date], int] = defaultdict(int)
    for row in rows:
        if row["amount_money"] < 0:
            paid[row["account_id"], (row["posting"] - timedelta(hours=7)).date()] -= int(row["amount_money"] * 100)
    assert 0 < max(paid.values()) <= 4000


def test_a_cap_drops_whole_transfers_of_a_template_with_a_count_of_its_own() -> None:
    """The one-leg rail makes the net; without it the two-leg rail would post alone."""
    move = {**rail("Move", "Customer", "Fed"), "metadata_keys": ["key"]}
    del move["expected_net"]
    data = tiny(
        rails=[move, leg("Grant", "Income", "Credit")],
        transfer_templates=[template("Move", "Grant", net="125.00") | {"firings_typical_per_period": [3, 3]}],
        limit_schedules=[limit("Grant", "200.00")],
    )
    data["accounts"][2]["parent_role"] = "Ledger"
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR, window_days=20).transactions.to_pylist()
    nets: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["template_name"]:
            nets[row["transfer_id"]] += int(row["amount_money"] * 100)
    assert nets and set(nets.values()) == {12_500}


def test_what_an_account_takes_in_stays_within_its_cap_and_reaches_it() -> None:
    found = sums(tiny(limit_schedules=[limit("In", "900.00")]), "In", +1)
    assert max(found.values()) == 900_00
    assert min(found.values()) < 500_00


def test_a_cap_on_what_comes_in_leaves_what_goes_out_alone() -> None:
    free, capped = (sums(tiny(limit_schedules=limits), "Out", -1) for limits in ([], [limit("In", "50.00")]))
    assert free == capped


def test_a_rail_keeps_the_cap_of_its_payer_and_that_of_its_recipient() -> None:
    limits = [limit("Move", "300.00", "Outbound"), limit("Move", "250.00")]
    data = tiny(rails=[MOVE], limit_schedules=limits)
    paid, taken = (sums(data, "Move", sign) for sign in (-1, +1))
    assert 270_00 < max(paid.values()) <= 300_00
    assert 230_00 < max(taken.values()) <= 250_00


@pytest.mark.parametrize(("of_rail", "of_type"), [("80.00", "200.00"), ("200.00", "80.00")])
@pytest.mark.parametrize("direction", ["Outbound", "Inbound"])
def test_of_a_cap_on_a_rail_and_one_on_its_type_the_lower_holds(of_rail: str, of_type: str, direction: str) -> None:
    limits = [limit("Move", of_rail, direction), limit("internal_transfer", of_type, direction, "transfer_type")]
    found = sums(tiny(rails=[MOVE], limit_schedules=limits), "Move", -1 if direction == "Outbound" else +1)
    assert 70_00 < max(found.values()) <= 80_00


def test_blocks_share_the_cap_of_an_account_that_they_all_pay() -> None:
    data = tiny(rails=[rail("Pay", "Customer", "Held", transfer_type="ach_outbound")])
    data["accounts"].append({"id": "held", "role": "Held", "scope": "internal", "parent_role": "Ledger"})
    data["limit_schedules"] = [limit("Pay", "5000.00")]
    found = sums(data, "Pay", +1, accounts={"Customer": 700}, window_days=10)
    assert {account for account, _ in found} == {"held"}
    assert 4_500_00 < max(found.values()) <= 5_000_00


def test_a_sweep_brings_in_no_more_than_the_cap_of_its_recipient() -> None:
    rails = [rail("Out", "Customer", "Income"), sweep("Collect", "Income", "Held", "Out", transfer_type="collect")]
    data = tiny(rails=rails, limit_schedules=[limit("Collect", "2000.00")])
    data["accounts"].append({"id": "held", "role": "Held", "scope": "internal", "parent_role": "Ledger"})
    found = sums(data, "Collect", +1)
    assert len(found) > 40
    assert 1_000_00 < max(found.values()) <= 2_000_00


@pytest.mark.parametrize(
    ("legs", "capped"),
    [
        ((("Take", "Income", "Debit"), ("Give", "Customer", "Credit")), "Give"),
        ((("Give", "Customer", "Credit"), ("Take", "Income", "Debit")), "Give"),
        ((("Take", "Income", "Debit"), ("Give", "Income", "Credit"), ("Close", "Customer", "Variable")), "Close"),
        ((("Give", "Income", "Credit"), ("Take", "Income", "Debit"), ("Close", "Customer", "Variable")), "Close"),
    ],
    ids=("derived", "given", "closes debits", "closes credits"),
)
def test_the_credits_of_a_template_stay_within_their_cap(legs: tuple[tuple[str, str, str], ...], capped: str) -> None:
    data = tiny(
        rails=[leg(*one) for one in legs],
        transfer_templates=[template(*(name for name, _, _ in legs))],
        limit_schedules=[limit(capped, "120.00")],
        baseline={"rails": {"Give": {"seed_amount": {"median": "40.00", "sigma": "0.8"}}}},
    )
    found = sums(data, capped, +1, window_days=400)
    assert len(found) > 20
    assert 60_00 < max(found.values()) <= 120_00


@pytest.mark.parametrize(("sign", "direction"), [(+1, "Inbound"), (-1, "Outbound")])
def test_what_a_cap_leaves_of_a_net_is_moved_by_the_other_leg(sign: int, direction: str) -> None:
    way = "Credit" if sign > 0 else "Debit"
    data = tiny(
        rails=[leg("One", "Customer", way), leg("Two", "Income", way)],
        transfer_templates=[template("One", "Two", net=f"{sign * 1000}.00")],
        limit_schedules=[limit("One", "50.00", direction)],
    )
    found = sums(data, "One", sign)
    assert len(found) > 30
    assert max(found.values()) == 50_00


@pytest.mark.parametrize(("sign", "direction"), [(+1, "Inbound"), (-1, "Outbound")])
def test_a_given_leg_makes_what_the_cap_of_the_closing_leg_leaves_of_the_net(sign: int, direction: str) -> None:
    way = "Credit" if sign > 0 else "Debit"
    data = tiny(
        rails=[leg("Give", "Income", way), leg("Close", "Customer", "Variable")],
        transfer_templates=[template("Give", "Close", net=f"{sign * 90_000}.00")],
        limit_schedules=[limit("Close", "30.00", direction)],
    )
    found = sums(data, "Close", sign)
    given = [abs(cents) for cents in cents_of(data, "Give")]
    assert len(given) > 30
    assert min(given) >= 89_970_00
    assert max(found.values(), default=0) <= 30_00


def test_a_chain_child_takes_over_what_the_cap_of_its_recipient_leaves() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Save", "Customer", "Held", transfer_type="save")]
    data = tiny(rails=rails, chains=[{"parent": "In", "child": "Save", "required": "true"}])
    data["accounts"].append({"id": "held", "role": "Held", "scope": "internal", "parent_role": "Ledger"})
    data["limit_schedules"] = [limit("Save", "1000.00")]
    found = sums(data, "Save", +1)
    assert max(found.values()) == 1_000_00


def spent_one_by_one(
    payers: list[int], recipients: list[int], caps: tuple[int | None, int | None], wanted: list[int]
) -> list[int]:
    """What firings move that spend two caps in sequence order: each leaves later ones of its accounts their share."""
    left = [defaultdict(lambda cap=cap: cap) for cap in caps]  # type: ignore[misc]
    moved = []
    for number, want in enumerate(wanted):
        most = want
        for side, accounts in enumerate((payers, recipients)):
            if caps[side] is not None:
                later = [wanted[k] for k in range(number + 1, len(wanted)) if accounts[k] == accounts[number]]
                room = left[side][accounts[number]]
                most = min(most, max(room // (len(later) + 1), room - sum(later)))
        moved.append(max(most, 0))
        for side, accounts in enumerate((payers, recipients)):
            if caps[side] is not None:
                left[side][accounts[number]] -= moved[-1]
    return moved


@pytest.mark.parametrize("out", [None, 90_00])
@pytest.mark.parametrize("into", [None, 40_00])
def test_caps_are_spent_as_if_one_firing_came_after_another(out: int | None, into: int | None) -> None:
    limits = [limit("Move", "90.00", "Outbound")] * (out is not None) + [limit("Move", "40.00")] * (into is not None)
    program = build_program(bank_of(tiny(rails=[MOVE], limit_schedules=limits)))
    accounts = program.universe.block_accounts(0)
    pool = accounts.pool(frozenset(["Customer"]))[:6]
    source = np.random.default_rng(1)
    payers, wanted = source.integers(6, size=200), source.integers(1, 30_00, size=200)
    recipients = (payers + source.integers(1, 6, size=200)) % 6
    window = build_window(ANCHOR, 5, "none")
    ledger = CapLedger(block_accounts=accounts, window=window, spenders={program.rails[0].index: 1})
    second = np.full(200, ANCHOR.toordinal() * DAY_SECONDS + 40_000)
    places = np.stack((pool[payers], pool[recipients]))
    draws = np.zeros(200, dtype=np.uint64)
    found = ledger.spend(program.rails[0], Constant(1), places, second, draws, wanted)
    assert found.tolist() == spent_one_by_one(payers.tolist(), recipients.tolist(), (out, into), wanted.tolist())


def test_an_account_under_no_cap_is_unlimited() -> None:
    program = build_program(bank_of(tiny(limit_schedules=[limit("In", "40.00")])))
    accounts = program.universe.block_accounts(0)
    window = build_window(ANCHOR, 5, "none")
    ledger = CapLedger(block_accounts=accounts, window=window, spenders={program.rails[0].index: 1})
    [caps] = program.rails[0].caps
    fed, customer = (int(accounts.pool(frozenset([role]))[0]) for role in ("Fed", "Customer"))
    second = np.full(2, ANCHOR.toordinal() * DAY_SECONDS)
    assert ledger.remaining(caps, np.array([fed, customer]), second).tolist() == [int(UNLIMITED), 40_00]
