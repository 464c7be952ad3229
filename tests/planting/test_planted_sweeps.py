"""Planted sweeps post when their cadence says, and take what came before."""

from datetime import date

import duckdb

import seedbed
from tests.bank.tiny import bank_of, rail, sweep, tiny

ANCHOR = date(2030, 1, 1)


def test_a_planted_sweep_at_the_beginning_of_a_day_takes_what_is_from_the_business_day_before() -> None:
    rails = [rail("In", "Fed", "Customer"), rail("Pay", "Customer", "Fees"), rail("Out", "Income", "Fed")]
    early = sweep("Early", "Fees", "Income", "Pay", cadence="daily-bod")
    bank = bank_of(tiny(rails=[*rails, early]))
    scenario = seedbed.full_scenario_for(bank, anchor=ANCHOR)
    ledger = seedbed.generate(bank, scenario)
    assert len([plant for plant in scenario.rail_firing_plants if plant.rail == "Early"]) == 15
    assert not [why for label, why in ledger.omitted if label.startswith("rail_firing")]
    connection = duckdb.connect()
    connection.register("legs", ledger.transactions)
    times = connection.sql(
        "SELECT DISTINCT posting::time::text, COUNT(*) > 100 FROM legs WHERE rail_name = 'Early' GROUP BY 1"
    )
    assert times.fetchall() == [("00:00:00", True)]
    taken = connection.sql(
        "SELECT COUNT(*), BOOL_AND(child.posting < early.posting) FROM legs AS child JOIN legs AS early "
        "ON child.bundle_id = early.transfer_id WHERE early.rail_name = 'Early'"
    )
    [(count, before)] = taken.fetchall()
    assert before and count > 1_000
