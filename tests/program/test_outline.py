"""The outline says of every rail what the generator will make of it, not what its kind's row of the table says."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bank.tiny import bank_of, rail, sweep, tiny

from seedbed.program.outline import RailLine, outline

ANCHOR = date(2030, 1, 1)


def lines(**changes: Any) -> dict[str, RailLine]:
    return {line.rail: line for line in outline(bank_of(tiny(**changes)), ANCHOR).rails}


def leg(name: str, role: str, direction: str) -> dict[str, Any]:
    shape = {"leg_role": role, "leg_direction": direction, "origin": "InternalInitiated"}
    return {"name": name, "transfer_type": f"type_{name.lower()}", "metadata_keys": ["deal"], **shape}


def deal(net: str, *legs: str) -> dict[str, Any]:
    shape = {"transfer_type": "deal", "transfer_key": ["deal"], "completion": "business_day_end"}
    return {"name": "Deal", "expected_net": net, "leg_rails": list(legs), **shape}


def test_a_chain_child_fires_as_often_as_its_parent_asks_and_at_no_hours_of_its_own() -> None:
    rails = [rail("In", "Fed", "Customer", transfer_type="ach_inbound"), rail("On", "Customer", "Fees")]
    line = lines(rails=rails, chains=[{"parent": "In", "child": "On", "required": "true"}])["On"]
    assert (line.units, line.daily, line.band, line.median_cents) == (20, Decimal("3.8"), None, None)


def test_a_sweep_fires_at_its_ticks_in_the_hours_of_what_it_bundles() -> None:
    rails = [
        rail("In", "Fed", "Fees", transfer_type="ach_inbound"),
        sweep("Hourly", "Fees", "Income", "In", cadence="intraday-1h"),
    ]
    found = lines(rails=rails)
    assert (found["In"].band, round(found["Hourly"].daily)) == ("09:00-15:00", 6)
    assert found["Hourly"].band == "09:00-17:00"


def test_a_leg_that_follows_from_the_others_has_no_amount_of_its_own() -> None:
    given, rest = leg("Given", "Fees", "Debit"), leg("Rest", "Income", "Credit")
    found = lines(rails=[given, rest], transfer_templates=[deal("0.00", "Given", "Rest")])
    assert found["Given"].median_cents is not None
    assert found["Rest"].median_cents is None


def test_what_alone_makes_the_net_posts_once_for_all_firings_that_a_transfer_collects() -> None:
    inbound = rail("In", "Fed", "Customer", transfer_type="ach_inbound", metadata_keys=["deal"])
    del inbound["expected_net"]
    rails = [inbound, leg("Net", "Fees", "Debit")]
    found = lines(rails=rails, transfer_templates=[deal("-0.01", "In", "Net")])
    firings = found["In"].expected_legs / 2
    assert 0 < found["Net"].expected_legs < firings
    rails.append(leg("Rest", "Income", "Credit"))
    found = lines(rails=rails, transfer_templates=[deal("-0.01", "In", "Net", "Rest")])
    assert found["Net"].expected_legs == firings


def test_a_cap_of_a_cent_leaves_room_for_one_firing_per_account_and_day() -> None:
    rails = [rail("Out", "Customer", "Fed", transfer_type="ach_outbound")]
    limit = {"parent_role": "Ledger", "transfer_type": "ach_outbound", "cap": "0.01"}
    assert lines(rails=rails)["Out"].daily == 2
    assert lines(rails=rails, limit_schedules=[limit])["Out"].daily == 1


def test_what_follows_from_a_template_that_cannot_post_is_not_expected() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Idle", "Income", "Income"), rail("After", "Fees", "Fed")]
    chains = [
        {"parent": "In", "child": "Idle", "required": True},
        {"parent": "Idle", "child": "After", "required": True},
    ]
    assert lines(rails=rails, chains=chains)["After"].expected_legs == 0


def test_of_what_a_daily_sweep_brings_about_another_sweep_has_one_tick_a_day() -> None:
    first = sweep("First", "Customer", "Income", "In")
    again = sweep("Again", "Income", "Fed", "First", cadence="intraday-1h")
    found = lines(rails=[rail("In", "Fed", "Customer", transfer_type="ach_inbound"), first, again])
    assert 0 < found["Again"].expected_legs < found["First"].expected_legs


def test_a_sweep_is_not_expected_at_ticks_that_depend_on_what_another_sweep_may_have_taken() -> None:
    rails = [
        rail("In", "Fed", "Fees", transfer_type="ach_inbound"),
        rail("Rare", "Fed", "Fees", transfer_type="adjustment"),
        sweep("Own", "Fees", "Income", "In", "Rare"),
        sweep("Rival", "Fees", "Income", "In", transfer_type="rival"),
    ]
    rare = {"rails": {"Rare": {"seed_volume_multiplier": "0.1"}}}
    line = lines(rails=rails, baseline=rare)
    assert line["Own"].daily < Decimal("0.2")
    assert line["Rival"].daily > Decimal("0.5")


def test_a_child_of_a_leg_rail_that_never_fires_is_not_expected_however_often_its_template_does() -> None:
    loop, move = (
        {**rail(*ends), "metadata_keys": ["deal"]} for ends in (("Loop", "Fees", "Fees"), ("Move", "Fed", "Customer"))
    )
    for one in (loop, move):
        del one["expected_net"]
    found = lines(
        rails=[loop, move, rail("After", "Customer", "Fed")],
        transfer_templates=[deal("0.00", "Loop", "Move")],
        chains=[{"parent": "Loop", "child": "After", "required": "true"}],
    )
    assert (found["Move"].expected_legs > 0, found["After"].expected_legs) == (True, 0)
