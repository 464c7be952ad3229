"""Plants under caps: what follows from a plant stays within them, and only what is meant to breaks one."""

import json
from decimal import Decimal

import duckdb
import pytest

from seedbed.api import dataset_of
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.bank.load import parse_instance_text
from seedbed.ledger.dataset import Ledger
from seedbed.scenario.overlays import default_scenario_for

from .conftest import ANCHOR, planted_ledger
from .exceptions import answered, connect, exceptions

# Whatever comes in goes on to savings, 60.00 a day at most.
TIGHT = """
instance: tight
accounts:
  - {id: gl, role: CustomerLedger, scope: internal}
  - {id: fees, role: FeeIncome, scope: internal}
  - {id: ext-a, role: World, scope: external}
  - {id: ext-b, role: World, scope: external}
account_templates:
  - {role: CustomerDDA, scope: internal, parent_role: CustomerLedger}
  - {role: CustomerSavings, scope: internal, parent_role: CustomerLedger, expected_eod_balance: 0}
rails:
  - {name: Inbound, transfer_type: ach, source_role: World, destination_role: CustomerDDA, expected_net: 0,
     origin: ExternalForcePosted, max_pending_age: PT12H, metadata_keys: []}
  - {name: Onward, transfer_type: save, source_role: CustomerDDA, destination_role: CustomerSavings, expected_net: 0,
     origin: InternalInitiated, max_pending_age: P85D, metadata_keys: []}
  - {name: Adjustment, transfer_type: adjust, source_role: CustomerDDA, destination_role: World, expected_net: 0,
     origin: InternalInitiated, max_pending_age: P90D, metadata_keys: []}
chains:
  - {parent: Inbound, child: Onward, required: true}
limit_schedules:
  - {parent_role: CustomerLedger, transfer_type: save, cap: 60.00}
  - {parent_role: CustomerLedger, transfer_type: adjust, cap: 90.00}
"""


@pytest.fixture(scope="module")
def tight() -> duckdb.DuckDBPyConnection:
    bank = parse_instance_text(TIGHT)
    return connect(bank, planted_ledger(bank, ScenarioChoices(coverage=True)))


def test_what_follows_from_a_plant_takes_what_its_cap_leaves(tight: duckdb.DuckDBPyConnection) -> None:
    firings = tight.sql(
        "select c.amount_money from key join tx p on p.id = key.key "
        "join tx c on c.transfer_parent_id = p.transfer_id "
        "where key.kind = 'rail_firing' and p.rail_name = 'Inbound' and p.amount_money > 0 and c.amount_money > 0"
    ).fetchall()
    assert firings
    assert {money for (money,) in firings} == {Decimal("60.00")}


def test_only_breaches_and_overdrafts_exceed_a_cap(tight: duckdb.DuckDBPyConnection) -> None:
    kinds = tight.sql("select distinct kind, item from key where place = 'limit_breach' order by all").fetchall()
    assert kinds == [("limit_breach", "view"), ("overdraft", "collateral")]
    assert exceptions(tight) == answered(tight)


def test_an_overdraft_is_covered_even_where_the_cover_is_paid_on_in_part(tight: duckdb.DuckDBPyConnection) -> None:
    planted = tight.sql("select count(*) from key where place = 'overdraft' and item = 'view'").fetchall()
    assert planted == [(2,)]
    assert tight.sql("select count(*) from key where place = 'overdraft' and item = 'collateral'").fetchall() == [
        (0,)
    ]


def test_a_correction_under_a_cap_is_smaller_in_proportion(tight: duckdb.DuckDBPyConnection) -> None:
    rows = tight.sql(
        "select distinct abs(amount_money), supersedes from tx where rail_name = 'Adjustment' and id in "
        "(select key from key where kind = 'supersession' and place = 'supersession_audit') order by 1"
    ).fetchall()
    assert rows == [(Decimal("81.81"), None), (Decimal("90.00"), "TechnicalCorrection")]


def test_a_hard_negative_that_would_surface_is_planted_on_another_rail(tight: duckdb.DuckDBPyConnection) -> None:
    """Savings are declared to be empty: a lawful look-alike cannot move them, and one on another rail does not."""
    facts = dict(
        tight.sql(
            "select kind, detail ->> 'rail' from key where item = 'plant' and label = 'hard_negative'"
        ).fetchall()
    )
    assert facts["limit_breach"] == "Adjustment"
    assert facts["supersession"] == "Adjustment"


def test_an_omission_says_of_which_kind_a_hard_negative_is() -> None:
    cap = "  - {parent_role: CustomerLedger, transfer_type: adjust, cap: 90.00}\n"
    bank = parse_instance_text(TIGHT.replace(cap, ""))
    foundation = planted_foundation(dataset_of(bank, ANCHOR), ScenarioChoices())
    ledger = Ledger(foundation.dataset, tuple(parts_on(foundation)))
    assert ledger.dataset.scenario is not None
    negatives = enumerate(ledger.dataset.scenario.hard_negatives, start=1)
    named = {f"hard_negative-{number:03d} ({negative.kind})" for number, negative in negatives}
    labels = {label for label, _ in ledger.omitted if label.startswith("hard_negative")}
    assert labels
    assert labels <= named


def test_a_rail_whose_plant_lies_in_the_window_comes_before_one_whose_plant_does_not() -> None:
    # By name Adjustment and Onward come first, with ages of 90 and 85 days.
    report = default_scenario_for(parse_instance_text(TIGHT), anchor=ANCHOR)
    assert [plant.rail for plant in report.scenario.stuck_pending_plants] == ["Inbound"]
    report = default_scenario_for(parse_instance_text(TIGHT.replace("PT12H", "P88D")), anchor=ANCHOR)
    assert report.scenario.stuck_pending_plants == ()
    assert "before the window" in dict(report.omitted)["StuckPendingPlant"]


def test_what_follows_from_a_fan_out_does_not_make_it_faint() -> None:
    bank = parse_instance_text(TIGHT)
    con = connect(bank, planted_ledger(bank, ScenarioChoices(factor=1)))
    shown = con.sql("select count(*) from key where kind = 'inv_fanout' and place = 'volume_anomalies'").fetchall()
    assert shown == [(2,)]


def test_the_senders_of_a_fan_out_pay_whatever_their_caps_leave() -> None:
    """Some accounts of the paying roles are under a cap, others are not: the plant says which ones send."""
    branch = "  - {role: Branch, scope: internal, parent_role: CustomerLedger}"
    text = TIGHT.replace("account_templates:", f"account_templates:\n{branch}")
    text = text.replace("source_role: World, destination", "source_role: (World | Branch), destination")
    text = text.replace("transfer_type: save, cap: 60.00", "transfer_type: ach, cap: 1.00")
    bank = parse_instance_text(text)
    con = connect(bank, planted_ledger(bank, ScenarioChoices(factor=1)))
    [(senders,)] = con.sql(
        "select detail ->> 'senders' from key where item = 'plant' and kind = 'inv_fanout'"
    ).fetchall()
    paid = con.sql(
        "select distinct account_id from posted where amount_money < 0 and transfer_id in (select p.transfer_id "
        "from key join posted p on p.id = key.key where key.kind = 'inv_fanout' and p.rail_name = 'Inbound')"
    ).fetchall()
    assert sorted(account for (account,) in paid) == sorted(json.loads(senders))
    assert exceptions(con) == answered(con)


def test_no_fan_out_for_want_of_an_ach_rail_is_said_so() -> None:
    text = TIGHT.replace("transfer_type: ach,", "transfer_type: book,").replace(
        "transfer_type: adjust, source_role: CustomerDDA", "transfer_type: ach_adjust, source_role: CustomerDDA"
    )
    report = default_scenario_for(
        parse_instance_text(text.replace("type: adjust, cap", "type: ach_adjust, cap")), anchor=ANCHOR
    )
    assert dict(report.omitted)["InvFanoutPlant"] == "no ACH-shaped rail lands on a customer's account"


# What a sweep takes is less than what its own cap leaves: what it was first to move is not what it moves.
CAPPED_SWEEP = """
instance: capped_sweep
accounts:
  - {id: gl, role: BankLedger, scope: internal}
  - {id: net, role: Network, scope: external}
account_templates:
  - {role: BranchVault, scope: internal, parent_role: BankLedger}
  - {role: CustomerDda, scope: internal}
rails:
  - {name: Payout, transfer_type: wire_inbound, source_role: BranchVault, destination_role: CustomerDda,
     expected_net: 0, origin: InternalInitiated, metadata_keys: []}
  - {name: Sweep, transfer_type: sweep, source_role: BranchVault, destination_role: BranchVault, expected_net: 0,
     origin: InternalInitiated, metadata_keys: [], aggregating: true, cadence: intraday-1h,
     bundles_activity: [Payout]}
limit_schedules:
  - {parent_role: BankLedger, transfer_type: sweep, cap: 1.00}
  - {parent_role: BankLedger, transfer_type: wire_inbound, cap: 1.00}
"""


@pytest.mark.parametrize("window_days", [2, 90])
def test_a_planted_sweep_spends_of_its_cap_what_it_moves(window_days: int) -> None:
    bank = parse_instance_text(CAPPED_SWEEP)
    con = connect(bank, planted_ledger(bank, ScenarioChoices(), window_days=window_days))
    assert exceptions(con) == answered(con)
    assert con.sql("select count(*) from tx where rail_name = 'Sweep'").fetchall() != [(0,)]
