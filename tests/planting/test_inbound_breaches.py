"""Inbound caps and plants: what is sent in beyond a cap surfaces under a key of its own, and only that."""

from decimal import Decimal

import duckdb
import pytest

from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.scenario.overlays import coverage_matrix, default_scenario_for
from seedbed.scenario.survey import Survey

from .conftest import ANCHOR, planted_ledger
from .exceptions import answered, connect, exceptions

# What comes in goes on to savings. Deposits are capped by the rail and by the type, transfers in both directions.
BOTH_WAYS = """
instance: both_ways
accounts:
  - {id: gl, role: CustomerLedger, scope: internal}
  - {id: ext-a, role: World, scope: external}
  - {id: ext-b, role: World, scope: external}
account_templates:
  - {role: CustomerDDA, scope: internal, parent_role: CustomerLedger}
  - {role: CustomerSavings, scope: internal, parent_role: CustomerLedger}
rails:
  - {name: Deposit, transfer_type: ach_deposit, source_role: World, destination_role: CustomerDDA, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: []}
  - {name: Onward, transfer_type: save, source_role: CustomerDDA, destination_role: CustomerSavings, expected_net: 0,
     origin: InternalInitiated, metadata_keys: []}
  - {name: Payment, transfer_type: ach_outbound, source_role: CustomerDDA, destination_role: World, expected_net: 0,
     origin: InternalInitiated, metadata_keys: []}
chains:
  - {parent: Deposit, child: Onward, required: true}
limit_schedules:
  - {parent_role: CustomerLedger, rail: Deposit, cap: 800.00, direction: Inbound}
  - {parent_role: CustomerLedger, transfer_type: ach_deposit, cap: 1000.00, direction: Inbound}
  - {parent_role: CustomerLedger, transfer_type: save, cap: 400.00}
  - {parent_role: CustomerLedger, transfer_type: save, cap: 300.00, direction: Inbound}
"""


@pytest.fixture(scope="module")
def both_ways() -> duckdb.DuckDBPyConnection:
    bank = parse_instance_text(BOTH_WAYS)
    return connect(bank, planted_ledger(bank, ScenarioChoices(coverage=True)))


def views_of(con: duckdb.DuckDBPyConnection, plant: str) -> set[str]:
    """The ends of the keys in `limit_breach` that a plant lists as its own, without account and day."""
    rows = con.execute(
        "select key from key where plant_id = ? and item = 'view' and place = 'limit_breach'", [plant]
    ).fetchall()
    return {key.split("/", 2)[2] for (key,) in rows}


def test_views_show_what_the_answer_key_lists(both_ways: duckdb.DuckDBPyConnection) -> None:
    assert exceptions(both_ways) == answered(both_ways)


def test_a_breach_of_a_rails_cap_and_its_types_has_a_key_of_each(both_ways: duckdb.DuckDBPyConnection) -> None:
    assert views_of(both_ways, "inbound_breach-001") == {"Deposit/Inbound", "ach_deposit/Inbound"}


def test_breaches_in_the_two_directions_of_one_type_have_different_keys(both_ways: duckdb.DuckDBPyConnection) -> None:
    assert views_of(both_ways, "inbound_breach-002") == {"save/Inbound"}
    assert views_of(both_ways, "limit_breach-001") == {"save"}


def test_half_as_much_again_as_the_cap_is_sent_in(both_ways: duckdb.DuckDBPyConnection) -> None:
    rows = both_ways.sql(
        "select p.amount_money from key join posted p on p.id = key.key "
        "where key.plant_id = 'inbound_breach-001' and key.item = 'row' and p.rail_name = 'Deposit' "
        "and p.amount_money > 0"
    ).fetchall()
    assert rows == [(Decimal("1200.00"),)]


def test_the_look_alike_of_an_inbound_breach_is_exactly_at_the_cap(both_ways: duckdb.DuckDBPyConnection) -> None:
    rows = both_ways.sql(
        "select p.amount_money from key join posted p on p.id = key.key "
        "where key.label = 'hard_negative' and key.kind = 'inbound_breach' and key.item = 'row' "
        "and p.rail_name = 'Deposit' and p.amount_money > 0"
    ).fetchall()
    assert rows == [(Decimal("800.00"),)]


def test_what_follows_from_a_plant_takes_what_the_cap_of_its_recipient_leaves(
    both_ways: duckdb.DuckDBPyConnection,
) -> None:
    [(most,)] = both_ways.sql(
        "select max(c.amount_money) from key join posted p on p.id = key.key "
        "join posted c on c.transfer_parent_id = p.transfer_id where key.plant_id = 'inbound_breach-001' "
        "and p.rail_name = 'Deposit' and c.rail_name = 'Onward'"
    ).fetchall()
    assert most == Decimal("300.00")


def test_an_inbound_breach_is_planted_by_default_where_a_bank_has_an_inbound_cap() -> None:
    report = default_scenario_for(parse_instance_text(BOTH_WAYS), anchor=ANCHOR)
    [plant] = report.scenario.inbound_breach_plants
    assert (plant.account_id, plant.rail, plant.amount) == ("cust-001", "Deposit", Decimal("1200.00"))


def test_nothing_is_said_to_be_missing_where_a_bank_has_no_inbound_cap() -> None:
    report = default_scenario_for(parse_instance_text(BOTH_WAYS.partition("limit_schedules")[0]), anchor=ANCHOR)
    assert report.scenario.inbound_breach_plants == ()
    assert "InboundBreachPlant" not in dict(report.omitted)


def test_the_coverage_matrix_says_why_a_rail_admits_no_inbound_breach() -> None:
    matrix = coverage_matrix(Survey.of(parse_instance_text(BOTH_WAYS), ANCHOR))
    assert matrix["Payment"]["inbound_breach"] == "no limit_schedule applies to it"
