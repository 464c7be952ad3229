"""Fan-in chains under plants: short and extra children, their look-alikes, and parents that are planted for more."""

from collections import defaultdict
from typing import Any

import duckdb
import pytest

from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.ledger.dataset import Ledger
from seedbed.scenario.overlays import coverage_matrix, default_scenario_for
from seedbed.scenario.plants import FanInExtraPlant, FanInShortPlant
from seedbed.scenario.survey import Survey

from .conftest import ANCHOR, planted_ledger
from .exceptions import answered, connect, exceptions

TEXT = """
instance: shared
accounts:
  - {id: till, role: Till, scope: internal, kind: internal_gl}
  - {id: net, role: CardNetwork, scope: external}
account_templates:
  - {role: Customer, scope: internal}
  - {role: Merchant, scope: internal}
rails:
  - {name: Sale, transfer_type: card_sale, source_role: CardNetwork, destination_role: Merchant, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: [ref]}
  - {name: Salary, transfer_type: ach_inbound, source_role: CardNetwork, destination_role: Customer, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: [ref]}
  - {name: Move, transfer_type: payout_move, source_role: Merchant, destination_role: CardNetwork,
     origin: InternalInitiated, metadata_keys: [payout]}
  - {name: Take, transfer_type: levy_take, leg_role: Customer, leg_direction: Debit, origin: InternalInitiated,
     metadata_keys: [levy]}
  - {name: Keep, transfer_type: levy_keep, leg_role: Till, leg_direction: Variable, origin: InternalInitiated,
     metadata_keys: [levy]}
  - {name: Spend, transfer_type: wire_out, source_role: Customer, destination_role: CardNetwork, expected_net: 0,
     origin: InternalInitiated, metadata_keys: [ref]}
transfer_templates:
  - {name: Payout, transfer_type: payouts, expected_net: 0, transfer_key: [payout], completion: business_day_end,
     leg_rails: [Move]}
  - {name: Levy, transfer_type: levies, expected_net: 0, transfer_key: [levy], completion: business_day_end,
     leg_rails: [Take, Keep]}
chains:
  - parent: Sale
    children: [{name: Payout, fan_in: true, expected_parent_count: COUNT}]
  - parent: Salary
    children: [{name: Levy, fan_in: true}]
baseline: {accounts: {Customer: 4, Merchant: 3}}
"""
CHOICES: dict[str, dict[str, Any]] = {
    "once each": {"factor": 1},
    "full": {},
    "blend": {"blend": True},
    "coverage": {"coverage": True},
    "everything": {"coverage": True, "blend": True},
}


def bank(count: int = 4) -> Bank:
    return parse_instance_text(TEXT.replace("COUNT", str(count)))


def planted(count: int = 4, **choices: Any) -> tuple[Ledger, duckdb.DuckDBPyConnection]:
    ledger = planted_ledger(bank(count), ScenarioChoices(mode="every_view", **choices), window_days=45)
    return ledger, connect(bank(count), ledger)


def parents_of(con: duckdb.DuckDBPyConnection, plant: str) -> dict[str, set[str]]:
    """The parents of each child transfer that a plant made."""
    found: dict[str, set[str]] = defaultdict(set)
    for child, parent in con.execute(
        "select transfer_id, transfer_parent_id from cur where transfer_parent_id is not null "
        "and id in (select key from key where plant_id = ? and item = 'row')",
        [plant],
    ).fetchall():
        found[child].add(parent)
    return found


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("count", [2, 4])
def test_the_exceptions_are_the_planted_ones(count: int, choice: str) -> None:
    _, con = planted(count, **CHOICES[choice])
    assert exceptions(con) == answered(con)
    assert "fan_in_exceptions" in exceptions(con)


def test_a_short_child_lacks_one_parent_and_an_extra_one_has_one_more() -> None:
    ledger, con = planted(factor=1, coverage=True)
    lines = con.sql("select plant_id, detail from key where item = 'plant' and kind like 'fan_in%'").fetchall()
    scenario = ledger.dataset.scenario
    assert scenario is not None
    for plant_id, _ in (line for line in lines if line[0].startswith("fan_in")):
        kind, _, number = plant_id.rpartition("-")
        plant = scenario.of(kind)[int(number) - 1]
        assert isinstance(plant, FanInShortPlant | FanInExtraPlant)
        [parents] = parents_of(con, plant_id).values()
        assert len(parents) == plant.parents
    assert {(p.parent, p.parents) for p in scenario.fan_in_short_plants} == {("Sale", 3), ("Salary", 1)}
    assert {(p.parent, p.parents) for p in scenario.fan_in_extra_plants} == {("Sale", 5)}


def test_a_look_alike_has_exactly_the_expected_parents() -> None:
    _, con = planted(factor=1)
    likes = con.sql(
        "select plant_id, kind from key where item = 'plant' and label = 'hard_negative' and kind like 'fan_in%'"
    ).fetchall()
    assert {kind for _, kind in likes} == {"fan_in_short", "fan_in_extra"}
    for plant_id, _ in likes:
        [parents] = parents_of(con, plant_id).values()
        assert len(parents) in (2, 4)
    [like] = [plant for plant, kind in likes if kind == "fan_in_extra"]
    rows = "select count(*), count(distinct id) from tx where id in (select key from key where plant_id = ?)"
    [(entries, legs)] = con.execute(rows, [like]).fetchall()
    assert entries == legs + 2


def test_a_planted_parent_brings_the_others_that_share_its_child() -> None:
    _, con = planted(factor=1)
    plants = con.sql(
        "select plant_id from key where item = 'plant' and kind = 'rail_firing' and detail like '%\"Sale\"%'"
    ).fetchall()
    assert len(plants) == 3
    for (plant,) in plants:
        [parents] = parents_of(con, plant).values()
        assert len(parents) == 4


def test_a_child_of_too_many_parents_is_not_planted_and_the_reason_says_so() -> None:
    report = default_scenario_for(bank(60), anchor=ANCHOR, mode="every_view")
    assert dict(report.omitted)["RailFiringPlant Sale"] == "with its chains it is more than 50 for one plant"
    matrix = coverage_matrix(Survey.of(bank(60), ANCHOR))
    assert matrix["Move"]["fan_in_extra"] == "with its chains it is more than 50 for one plant"
    assert not report.scenario.fan_in_extra_plants
    assert [plant.parent for plant in report.scenario.fan_in_short_plants] == ["Salary"]


def test_a_correction_of_one_parents_legs_corrects_the_leg_that_closes_them() -> None:
    ledger, con = planted(factor=1, coverage=True)
    scenario = ledger.dataset.scenario
    assert scenario is not None
    numbers = [n for n, plant in enumerate(scenario.supersession_plants, 1) if plant.rail == "Take"]
    assert numbers
    for number in numbers:
        rows = con.execute(
            "select rail_name, amount_money, first_value(amount_money) over (partition by id order by entry) from tx "
            "where id in (select key from key where plant_id = ? and item = 'view') "
            "qualify row_number() over (partition by id order by entry desc) = 1",
            [f"supersession-{number:03d}"],
        ).fetchall()
        changes = {rail: now - first for rail, now, first in rows}
        assert set(changes) == {"Take", "Keep"}
        assert changes["Take"] == -changes["Keep"] != 0


def test_kinds_are_named_where_no_chain_is_fan_in() -> None:
    text = TEXT.replace("[{name: Payout, fan_in: true, expected_parent_count: COUNT}]", "[Payout]")
    plain = parse_instance_text(text.replace("[{name: Levy, fan_in: true}]", "[Levy]"))
    omitted = dict(default_scenario_for(plain, anchor=ANCHOR, mode="every_view").omitted)
    assert omitted["FanInShortPlant"] == omitted["FanInExtraPlant"] == "no chain of the bank is fan-in"
