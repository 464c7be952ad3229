"""What the answer key says of each plant is what its rows are, also where it is not what the scenario asked for."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from seedbed.api import dataset_of
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.ledger.dataset import Ledger
from seedbed.scenario.overlays import default_scenario
from seedbed.scenario.survey import Survey

from .conftest import ANCHOR, NAMES, Planted, bundled
from .exceptions import connect


def plants(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """The facts of every plant, by its id."""
    rows = con.sql("select plant_id, detail from key where item = 'plant'").fetchall()
    return {plant_id: json.loads(detail) for plant_id, detail in rows}


@pytest.mark.parametrize("name", NAMES)
def test_a_plant_lies_on_the_day_and_account_and_has_the_amount_that_are_stated(planted: Planted, name: str) -> None:
    _, _, con = planted(name)
    legs = con.sql(
        "select distinct k.plant_id, tx.posting::date, tx.rail_name, tx.account_id, abs(tx.amount_money) "
        "from key k join tx on tx.id = k.key where k.item = 'row' and k.place = 'transactions'"
    ).fetchall()
    stored = con.sql("select plant_id, key from key where item = 'row' and place = 'daily_balances'").fetchall()
    for plant_id, facts in plants(con).items():
        day = date.fromisoformat(facts["planted"]["business_day"])
        assert day <= ANCHOR
        if plant_id.startswith("drift"):
            assert [key for plant, key in stored if plant == plant_id] == [f"{facts['account_id']}/{day}"]
            continue
        own = {leg[1:] for leg in legs if leg[0] == plant_id}
        assert day in {leg[0] for leg in own}
        made = facts | facts["planted"]
        if "rail" in facts and "account_id" in facts:
            assert (day, made["rail"], made["account_id"]) in {leg[:3] for leg in own}
        if "rail" in facts and "amount" in facts:
            assert (day, made["rail"], Decimal(made["amount"])) in {(*leg[:2], leg[3]) for leg in own}


def test_facts_differ_from_the_scenario_where_a_breach_or_a_taken_day_is_in_the_way(planted: Planted) -> None:
    _, _, con = planted("spec_example")
    found = plants(con)
    # cust-001 breaches the cap on this day: the firing goes to the other account.
    assert found["rail_firing-006"]["planted"] == {"business_day": "2029-12-28", "account_id": "cust-002"}
    # Charges of an account and day share a transfer: the days before are taken one after another.
    assert found["rail_firing-012"]["planted"] == {"business_day": "2029-12-24"}


def test_a_fan_out_too_small_to_stand_out_is_planted_and_not_promised() -> None:
    bank = bundled("spec_example")
    scenario = default_scenario(Survey.of(bank, ANCHOR))
    [fanout] = scenario.inv_fanout_plants
    faint = scenario.with_plants("inv_fanout", [replace(fanout, amount_per_transfer=Decimal("1.00"))])
    foundation = planted_foundation(dataset_of(bank, ANCHOR), ScenarioChoices(), faint)
    ledger = Ledger(foundation.dataset, tuple(parts_on(foundation)))
    con = connect(bank, ledger)
    shown = con.sql("select distinct place from key where plant_id = 'inv_fanout-001' and item = 'view'").fetchall()
    assert shown == [("recipient_fanout",)]
    [(plant, reason)] = [line for line in ledger.omitted if line[0].startswith("inv_fanout")]
    assert plant == "inv_fanout-001" and reason.startswith("it does not stand out: its z-score is ")


def test_an_omission_about_a_single_rail_names_it() -> None:
    bank = bundled("spec_example")
    senders = [account for account in bank.accounts if account.id.startswith("ext-")]
    lonely = bank.model_copy(update={"accounts": tuple(a for a in bank.accounts if a not in senders[1:])})
    omitted = dict(default_scenario(Survey.of(lonely, ANCHOR)).omitted)
    assert omitted == {"InvFanoutPlant": "ExternalRailInbound: it has a single possible sender"}
