"""Plants of XOR groups of leg rails, and their look-alikes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import pytest

from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.ledger.dataset import Ledger
from tests.bank.choosing import choosing
from tests.bank.tiny import Data, bank_of, tiny

from .conftest import planted_ledger
from .exceptions import answered, connect, exceptions

MODES, FEES = ("Ach", "Check"), ("FeeA", "FeeB")
CAPS = [{"parent_role": "Ledger", "transfer_type": "type_check", "cap": "90.00"}]
BANKS: dict[str, Callable[[], Data]] = {
    "one group": lambda: choosing(MODES),
    "two groups": lambda: choosing(MODES, FEES),
    "beside a Variable leg": lambda: choosing(MODES, lone="Rest"),
    "off zero": lambda: choosing(MODES, FEES, net="-12.34"),
    "capped": lambda: choosing(MODES, FEES, limit_schedules=CAPS, net="-1.00"),
    "parent": lambda: choosing(MODES, chains=[{"parent": "Check", "child": "Notice", "required": "true"}]),
    "child": lambda: choosing(MODES, FEES, chains=[{"parent": "In", "child": "Ach", "required": "true"}]),
    "choice of chains": lambda: choosing(
        MODES, chains=[{"parent": "In", "child": name, "required": "true", "xor_group": "mode"} for name in MODES]
    ),
}


def pooled(data: Data) -> Data:
    """The bank with the notices of several transfers in one."""
    [notice] = [one for one in data["rails"] if one["name"] == "Notice"]
    del notice["expected_net"]
    notice["metadata_keys"] = ["key"]
    data["transfer_templates"].append(
        data["transfer_templates"][0]
        | {"name": "Pool", "transfer_type": "pool", "leg_rails": ["Notice"], "leg_rail_xor_groups": []}
    )
    return data


FAN_IN = {"parent": "In", "child": "Settle", "required": "true", "fan_in": "true"}
BANKS |= {
    "fan-in child": lambda: choosing(MODES, FEES, chains=[FAN_IN | {"expected_parent_count": "3"}]),
    "fan-in child of a day": lambda: choosing(MODES, lone="Rest", chains=[FAN_IN]),
    "fan-in parent": lambda: pooled(choosing(MODES, chains=[FAN_IN | {"parent": "Check", "child": "Pool"}])),
}
CHOICES: dict[str, dict[str, Any]] = {
    "full": {},
    "blend": {"blend": True},
    "coverage": {"coverage": True},
}


@cache
def ledger_of(bank: str, **choices: Any) -> tuple[Ledger, duckdb.DuckDBPyConnection]:
    """A bank's ledger with every kind planted, and a connection with its rows."""
    compiled = bank_of(BANKS[bank]())
    ledger = planted_ledger(compiled, ScenarioChoices(mode="every_view", **choices))
    return ledger, connect(compiled, ledger)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("bank", BANKS)
def test_the_exceptions_are_the_planted_ones(bank: str, choice: str) -> None:
    _, con = ledger_of(bank, **CHOICES[choice])
    assert exceptions(con) == answered(con)
    kinds = con.sql("select distinct kind from key where place = 'leg_xor_exceptions' and item = 'view'").fetchall()
    assert {kind for (kind,) in kinds} == {"leg_xor_missed", "leg_xor_overlap"}


def fired(con: duckdb.DuckDBPyConnection, plant: str) -> list[tuple[str, str]]:
    """The leg rails of a plant's transfers of the template, with their states."""
    return con.execute(
        """select rail_name, status from cur where template_name = 'Settle'
           and id in (select key from key where plant_id = ? and item = 'row') order by 1""",
        [plant],
    ).fetchall()


def test_in_a_missed_transfer_no_member_fires_and_its_net_is_off() -> None:
    _, con = ledger_of("one group", factor=1)
    assert fired(con, "leg_xor_missed-001") == [("Sale", "Posted")]
    off = con.sql("select item from key where plant_id = 'leg_xor_missed-001' and place = 'transfer_net'")
    assert off.fetchall() == [("collateral",)]


def test_where_other_legs_close_a_missed_transfer_its_net_holds() -> None:
    _, con = ledger_of("two groups", factor=1)
    [(sale, _), (other, _)] = sorted(fired(con, "leg_xor_missed-001"), reverse=True)
    assert sale == "Sale"
    assert other in FEES
    assert con.sql("select key from key where kind = 'leg_xor_missed' and place = 'transfer_net'").fetchall() == []


def test_in_an_overlap_two_members_fire_and_the_net_holds() -> None:
    _, con = ledger_of("one group", factor=1)
    assert fired(con, "leg_xor_overlap-001") == [("Ach", "Posted"), ("Check", "Posted"), ("Sale", "Posted")]
    views = con.sql("select distinct place from key where plant_id = 'leg_xor_overlap-001' and item <> 'row'")
    assert {view for (view,) in views.fetchall()} == {"", "leg_xor_exceptions"}


def like(con: duckdb.DuckDBPyConnection, kind: str) -> str:
    """The plant that looks like one of a kind."""
    [(plant,)] = con.execute(
        "select distinct plant_id from key where kind = ? and label = 'hard_negative'", [kind]
    ).fetchall()
    return str(plant)


def test_the_look_alike_of_an_overlap_has_a_failed_member_and_another_in_its_place() -> None:
    _, con = ledger_of("one group", factor=1)
    states = dict(fired(con, like(con, "leg_xor_overlap")))
    assert sorted(states[name] for name in MODES) == ["Failed", "Posted"]
    assert exceptions(con) == answered(con)


def test_the_look_alike_of_a_missed_one_is_closed_by_the_last_member() -> None:
    _, con = ledger_of("one group", factor=1)
    assert dict(fired(con, like(con, "leg_xor_missed"))) == {"Sale": "Posted", "Check": "Posted"}


def test_a_plant_about_a_member_makes_a_transfer_in_which_it_fires() -> None:
    _, con = ledger_of("one group", coverage=True)
    without = con.execute(
        """select k.plant_id, json_extract_string(k.detail, '$.rail') as rail from key k
           where k.item = 'plant' and rail in ('Ach', 'Check') and k.kind <> 'leg_xor_missed'
             and k.label <> 'hard_negative' and k.kind not in ('drift', 'ledger_drift')
             and not exists (select 1 from key r join cur c on c.id = r.key
                             where r.plant_id = k.plant_id and r.item = 'row' and c.rail_name = rail)"""
    ).fetchall()
    assert without == []


def test_a_bank_without_groups_omits_both_kinds_with_one_reason() -> None:
    ledger = planted_ledger(bank_of(tiny()), ScenarioChoices(mode="every_view"))
    reasons = dict(ledger.omitted)
    assert reasons["LegXorMissedPlant"] == reasons["LegXorOverlapPlant"] == "no template has leg_rail_xor_groups"
