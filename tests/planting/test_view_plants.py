"""The kinds for the views that the seed document's kinds never reach: each breaks what it says, and nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import duckdb
import pytest

import seedbed
from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import PLANT_TYPES

from .conftest import ANCHOR, ELSEWHERE, NAMES, Planted, bundled, planted_ledger
from .exceptions import KEYS, answered, connect, exceptions

REST = {kind.name: kind.views[0] for kind in KINDS.values() if kind.group == "rest"}
VIEW_OF = {kind: view for kind, view in REST.items() if kind not in ELSEWHERE}
CHOICES: dict[str, dict[str, Any]] = {
    "full": {},
    "once each": {"factor": 1},
    "blend": {"blend": True},
    "coverage": {"coverage": True},
    "many": {"factor": 12},
    "by hand": {"counts": tuple((kind, 9) for kind in VIEW_OF)},
}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", NAMES)
def test_the_exceptions_are_the_planted_ones(planted: Planted, name: str, choice: str) -> None:
    _, _, con = planted(name, mode="every_view", **CHOICES[choice])
    assert exceptions(con) == answered(con)
    assert set(VIEW_OF.values()) <= exceptions(con).keys()


def test_every_exception_view_is_reached(planted: Planted) -> None:
    _, ledger, con = planted("harbor_trust", mode="every_view")
    assert exceptions(con).keys() == KEYS.keys() - {*ELSEWHERE.values()}
    assert {plant for plant, _ in ledger.omitted} == {PLANT_TYPES[kind].__name__ for kind in ELSEWHERE}


@pytest.mark.parametrize("kind", VIEW_OF)
@pytest.mark.parametrize("name", NAMES)
def test_a_kind_alone_breaks_its_view_and_no_other(planted: Planted, name: str, kind: str) -> None:
    counts = tuple((other, 2 * (other == kind)) for other in PLANT_TYPES)
    _, ledger, con = planted(name, mode="every_view", counts=counts, hard_negatives=False)
    found = exceptions(con)
    assert found == answered(con)
    assert found.keys() - {"chain_exceptions"} == {VIEW_OF[kind]}
    assert con.sql("select distinct label from key where place = 'chain_exceptions'").fetchall() in (
        [],
        [("incomplete_chain",)],
    )
    assert len({plant for (plant,) in con.sql("select plant_id from key where item = 'view'").fetchall()}) >= 2
    assert {plant for plant, _ in ledger.omitted} == {PLANT_TYPES[kind].__name__ for kind in ELSEWHERE}


@pytest.mark.parametrize("kind", VIEW_OF)
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_has_a_look_alike_that_surfaces_nowhere(planted: Planted, name: str, kind: str) -> None:
    _, _, con = planted(name, mode="every_view")
    rows = {
        key
        for (key,) in con.execute(
            "select key from key where label = 'hard_negative' and kind = ? and item = 'row'", [kind]
        ).fetchall()
    }
    assert rows
    assert not any(key.startswith(row) for keys in exceptions(con).values() for key in keys for row in rows)


def of(con: duckdb.DuckDBPyConnection, sql: str, plant: str) -> list[tuple[Any, ...]]:
    """The rows of a query over what one plant made."""
    return con.execute(
        sql.replace("MADE", "id in (select key from key where plant_id = ? and item = 'row')"), [plant]
    ).fetchall()


def test_a_short_transfer_lacks_exactly_what_it_is_short_of(planted: Planted) -> None:
    _, ledger, con = planted("spec_example", mode="every_view", factor=1)
    [plant] = ledger.dataset.scenario.transfer_net_plants  # type: ignore[union-attr]
    assert of(con, "select sum(amount_money), min(amount_money) from cur where MADE", "transfer_net-001") == [
        (plant.short, plant.short - plant.amount)
    ]


def test_its_look_alike_nets_only_if_each_leg_counts_once(planted: Planted) -> None:
    _, _, con = planted("spec_example", mode="every_view", factor=1)
    [(plant,)] = con.sql(
        "select distinct plant_id from key where kind = 'transfer_net' and label = 'hard_negative'"
    ).fetchall()
    assert of(con, "select sum(amount_money) from cur where MADE", plant) == [(Decimal("0.00"),)]
    assert of(con, "select sum(amount_money) <> 0 from tx where MADE", plant) == [(True,)]


def test_late_legs_and_their_look_alike_lie_on_either_side_of_the_completion(planted: Planted) -> None:
    _, _, con = planted("spec_example", mode="every_view", factor=1)
    [(like,)] = con.sql(
        "select distinct plant_id from key where kind = 'late_posting' and label = 'hard_negative'"
    ).fetchall()
    late = "select bool_and(posting > transfer_completion), count(*) from cur where MADE"
    assert of(con, late, "late_posting-001") == [(True, 2)]
    early = "select bool_and(posting <= transfer_completion), count(*) from cur where MADE"
    assert of(con, early, like) == [(True, 2)]


def test_a_misposted_leg_stands_on_the_account_that_the_plant_names_and_moves_its_balance(planted: Planted) -> None:
    _, ledger, con = planted("spec_example", mode="every_view", factor=1)
    [plant] = ledger.dataset.scenario.unmatched_posting_plants  # type: ignore[union-attr]
    legs = of(
        con, "select account_id, amount_money from cur where MADE order by amount_money", "unmatched_posting-001"
    )
    assert legs[1] == (plant.account_id, plant.amount)
    assert "drift" not in {
        view for view in exceptions(con) if any(plant.account_id in k for k in exceptions(con)[view])
    }


def test_a_gap_is_the_one_key_and_a_failed_look_alike_lacks_it_too(planted: Planted) -> None:
    _, ledger, con = planted("harbor_trust", mode="every_view", factor=1)
    [plant] = ledger.dataset.scenario.requirement_gap_plants  # type: ignore[union-attr]
    path = f'$."{plant.missing_key}"'
    is_null = f"json_extract(metadata, '{path}') is null"
    lacks = f"select distinct status, {is_null} from cur where MADE and rail_name = '{plant.rail}'"
    assert of(con, lacks, "requirement_gap-001") == [("Posted", True)]
    [(like,)] = con.sql(
        "select distinct plant_id from key where kind = 'requirement_gap' and label = 'hard_negative'"
    ).fetchall()
    assert of(con, lacks, like) == [("Failed", True)]


def test_a_parent_is_off_by_the_delta_and_its_children_are_not(planted: Planted) -> None:
    _, ledger, con = planted("spec_example", mode="every_view", factor=1)
    [plant] = ledger.dataset.scenario.ledger_drift_plants  # type: ignore[union-attr]
    [key] = exceptions(con)["ledger_drift"]
    account, day = key.split("/")
    assert account == plant.account_id
    [(off,)] = con.execute(
        """select b.money - c.money - (select sum(money) from bal k where k.account_parent_role = b.account_role
             and k.business_day_start = b.business_day_start)
           from bal b join computed c using (account_id, business_day_start)
           where account_id = ? and business_day_start::date = ?::date""",
        [account, day],
    ).fetchall()
    assert off == plant.delta_money


def test_a_count_plants_a_kind_that_is_not_in_the_mode(planted: Planted) -> None:
    _, ledger, con = planted("spec_example", counts=(("transfer_net", 3), ("late_posting", 2)))
    made = "select kind, count(distinct plant_id) from key where label = 'exception' group by kind"
    assert {("transfer_net", 3), ("late_posting", 2)} <= set(con.sql(made).fetchall())
    assert exceptions(con) == answered(con)
    assert ledger.omitted == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_mode_adds_to_the_default_scenario_and_changes_none_of_its_plants(name: str) -> None:
    default = seedbed.default_scenario_for(bundled(name), anchor=ANCHOR, mode="l1_plus_broad").scenario
    every = seedbed.default_scenario_for(bundled(name), anchor=ANCHOR, mode="every_view").scenario
    assert [pair for pair in every if pair[0] not in VIEW_OF] == list(default)
    no_cap_on_credits = {"inbound_breach"}
    assert {kind for kind, _ in every} == PLANT_TYPES.keys() - ELSEWHERE.keys() - no_cap_on_credits
    assert set(VIEW_OF).isdisjoint(default.to_json()["plants"])
    again = seedbed.ScenarioPlant.from_json(every.to_json(), ANCHOR, 90)
    assert again == replace(every, omitted=())


ODD = """
instance: odd
accounts:
  - {id: top, role: Top, scope: internal}
  - {id: hub, role: Hub, scope: internal, parent_role: Top, expected_eod_balance: 0}
  - {id: region, role: Region, scope: internal, parent_role: Top}
  - {id: fees, role: FeeIncome, scope: internal, parent_role: Top}
  - {id: out, role: World, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal, parent_role: Region}
role_business_day_offsets: {CustomerDda: 20, Hub: 5}
rails:
  - {name: DebitLeg, transfer_type: journal, leg_role: CustomerDda, leg_direction: Debit, origin: InternalInitiated,
     metadata_keys: [journal_id, memo], posted_requirements: [memo]}
  - {name: CreditLeg, transfer_type: journal, leg_role: FeeIncome, leg_direction: Credit, origin: InternalInitiated,
     metadata_keys: [journal_id], max_unbundled_age: PT24H}
  - {name: CloseLeg, transfer_type: journal_close, leg_role: Hub, leg_direction: Variable, origin: InternalInitiated,
     metadata_keys: [journal_id]}
  - {name: Load, transfer_type: load, source_role: World, destination_role: [CustomerDda, FeeIncome],
     origin: ExternalForcePosted, expected_net: 0, metadata_keys: [ref], posted_requirements: [ref]}
  - {name: Spend, transfer_type: spend, source_role: CustomerDda, destination_role: World, origin: InternalInitiated,
     expected_net: 0, metadata_keys: []}
  - {name: Gather, transfer_type: gather, source_role: FeeIncome, destination_role: Hub, origin: InternalInitiated,
     expected_net: 0, aggregating: true, cadence: daily-eod, bundles_activity: [CreditLeg, Load]}
transfer_templates:
  - {name: Journal, transfer_type: journal, expected_net: 0, transfer_key: [journal_id], completion: COMPLETION,
     leg_rails: [DebitLeg, CreditLeg, CloseLeg]}
chains:
  - {parent: Journal, child: Spend, required: true}
limit_schedules:
  - {parent_role: Region, transfer_type: spend, cap: 60.00}
baseline: {accounts: {CustomerDda: 4}}
"""


@pytest.mark.parametrize(
    "completion", ["business_day_end", "business_day_end+3d", "month_end", "metadata.journal_date"]
)
@pytest.mark.parametrize("choice", ["full", "blend", "coverage"])
def test_one_leg_rails_shifted_days_caps_and_sweeps_of_everything_are_as_exact(completion: str, choice: str) -> None:
    text = ODD.replace("COMPLETION", completion)
    if completion.startswith("metadata"):
        text = text.replace("[journal_id, memo]", "[journal_id, memo, journal_date]")
        text = text.replace("[journal_id]}", "[journal_id, journal_date]}").replace(
            "[journal_id], max", "[journal_id, journal_date], max"
        )
    bank = parse_instance_text(text)
    ledger = planted_ledger(bank, ScenarioChoices(mode="every_view", **CHOICES[choice]))
    con = connect(bank, ledger)
    assert exceptions(con) == answered(con)
    assert set(VIEW_OF.values()) <= exceptions(con).keys()


def test_a_variable_leg_can_be_late_though_it_has_no_hours_of_its_own() -> None:
    bank = parse_instance_text(ODD.replace("COMPLETION", "business_day_end").replace("CloseLeg", "ALeg"))
    con = connect(bank, planted_ledger(bank, ScenarioChoices(mode="every_view", factor=1)))
    late = con.sql(
        "select distinct p.rail_name from key join posted p on p.id = key.key where place = 'late_posting'"
    )
    assert late.fetchall() == [("ALeg",)]
    assert exceptions(con) == answered(con)
