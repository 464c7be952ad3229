"""The exceptions are exactly those that the answer key lists: on the bundled banks and on random ones."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.ledger.dataset import Ledger
from tests.strategies import anchors, banks, windows, yaml_text

from .conftest import ELSEWHERE, NAMES, Planted, planted_ledger
from .exceptions import KEYS, answered, connect, exceptions

CHOICES: dict[str, dict[str, Any]] = {
    "full": {},
    "once each": {"factor": 1},
    "l1": {"mode": "l1_invariants"},
    "broad": {"mode": "broad"},
    "blend": {"blend": True},
    "coverage": {"coverage": True},
    "by hand": {
        "counts": (("drift", 20), ("overdraft", 9), ("limit_breach", 12), ("stuck_pending", 2), ("rail_firing", 40))
    },
    "many": {"factor": 12},
}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", NAMES)
def test_the_exceptions_are_the_planted_ones(planted: Planted, name: str, choice: str) -> None:
    _, _, con = planted(name, **CHOICES[choice])
    assert exceptions(con) == answered(con)


@pytest.mark.parametrize("name", NAMES)
def test_the_baseline_leaves_open_only_what_the_answer_key_calls_incomplete(planted: Planted, name: str) -> None:
    _, _, con = planted(name, mode="l1_invariants", counts=tuple((kind, 0) for kind in _L1), hard_negatives=False)
    assert con.sql("select distinct kind from key").fetchall() in ([], [("incomplete_chain",)])
    assert exceptions(con) == answered(con)
    assert set(exceptions(con)) <= {"chain_exceptions"}


_L1 = ("drift", "overdraft", "limit_breach", "stuck_pending", "stuck_unbundled", "supersession", "inv_fanout")


def blended_or_whole(ledger: Ledger, choice: str) -> bool:
    """Unblended, nothing at all is left out."""
    return choice == "blend" or ledger.omitted == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", ["full", "blend"])
def test_every_kind_is_planted_and_surfaces_where_it_should(planted: Planted, name: str, choice: str) -> None:
    _, ledger, con = planted(name, **CHOICES[choice])
    assert {reason for _, reason in ledger.omitted} <= {"blended, a sweep is only ever the baseline's own"}
    assert blended_or_whole(ledger, choice)
    views = dict(con.sql("select kind, list(distinct place) from key where item = 'view' group by kind").fetchall())
    for kind, view in {
        "drift": "drift",
        "overdraft": "overdraft",
        "limit_breach": "limit_breach",
        "stuck_pending": "stuck_pending",
        "stuck_unbundled": "stuck_unbundled",
        "supersession": "supersession_audit",
    }.items():
        assert views[kind] == [view]
    kinds = {kind for (kind,) in con.sql("select distinct kind from key where label = 'hard_negative'").fetchall()}
    assert len(kinds) == 9


@pytest.mark.parametrize("name", NAMES)
def test_a_blended_scenario_has_a_hard_negative_of_every_kind_of_its_mode(planted: Planted, name: str) -> None:
    _, _, con = planted(name, mode="l1_invariants", blend=True)
    kinds = {kind for (kind,) in con.sql("select distinct kind from key where label = 'hard_negative'").fetchall()}
    assert kinds == set(_L1)


POOLED = """
instance: pooled_deposits
accounts:
  - {id: ext-network, role: Network, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal, instance_id_template: "dda-{n}"}
rails:
  - {name: cash_in, transfer_type: deposit, source_role: Network, destination_role: CustomerDda,
     origin: ExternalForcePosted, expected_net: 0}
  - {name: cash_out, transfer_type: withdrawal, source_role: CustomerDda, destination_role: Network,
     origin: InternalInitiated, expected_net: 0}
  - {name: pooling, transfer_type: pooling, source_role: CustomerDda, destination_role: CustomerDda,
     origin: InternalInitiated, expected_net: 0, aggregating: true, cadence: intraday-4h,
     bundles_activity: [cash_in, cash_out]}
baseline:
  accounts: {CustomerDda: 6}
"""


@pytest.mark.parametrize("anchor", [date(2030, 1, 1), date(2030, 2, 7), date(2030, 3, 16)])
def test_overdrafts_stand_where_sweeps_of_planted_firings_move_the_account(anchor: date) -> None:
    bank = parse_instance_text(POOLED)
    ledger = planted_ledger(bank, ScenarioChoices(blend=True, factor=3), anchor)
    found = exceptions(connect(bank, ledger))
    assert len(found["overdraft"]) == 3
    assert found == answered(connect(bank, ledger))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", ["full", "blend"])
def test_hard_negatives_surface_nowhere(planted: Planted, name: str, choice: str) -> None:
    _, _, con = planted(name, **CHOICES[choice])
    rows = {
        key for (key,) in con.sql("select key from key where label = 'hard_negative' and item = 'row'").fetchall()
    }
    assert len(rows) >= 18
    listed = con.sql("select count(*) from key where label = 'hard_negative' and item in ('view', 'collateral')")
    assert listed.fetchall() == [(0,)]
    for keys in exceptions(con).values():
        assert not {key for key in keys if key in rows or any(key.startswith(row[:20]) for row in rows)}


def _judge(plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices) -> None:
    text = yaml_text(plain)
    note(text)
    bank = parse_instance_text(text)
    ledger = planted_ledger(bank, choices, anchor, window_days)
    con = connect(bank, ledger)
    assert exceptions(con) == answered(con)
    present = {kind for kind, _ in ledger.dataset.scenario or ()}
    named = " ".join(label for label, _ in ledger.omitted)
    for kind in set(_LABELS) - present:
        assert _LABELS[kind] in named, f"{kind} is neither planted nor omitted with a reason"


_LABELS = {
    "drift": "DriftPlant",
    "overdraft": "OverdraftPlant",
    "limit_breach": "LimitBreachPlant",
    "stuck_pending": "StuckPendingPlant",
    "stuck_unbundled": "StuckUnbundledPlant",
    "supersession": "SupersessionPlant",
    "inv_fanout": "InvFanoutPlant",
    "transfer_template": "TransferTemplatePlant",
    "rail_firing": "RailFiringPlant",
}

RANDOM_CHOICES = st.sampled_from(
    (
        ScenarioChoices(),
        ScenarioChoices(blend=True),
        ScenarioChoices(coverage=True),
        ScenarioChoices(factor=1),
        ScenarioChoices(mode="every_view"),
        ScenarioChoices(mode="every_view", blend=True),
        ScenarioChoices(mode="every_view", coverage=True),
        ScenarioChoices(counts={"drift": 20, "overdraft": 8, "rail_firing": 7, "limit_breach": 3}),
    )
)


@settings(max_examples=25)
@given(banks(), anchors(), windows(), RANDOM_CHOICES)
def test_the_exceptions_of_a_random_bank_are_the_planted_ones(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices
) -> None:
    _judge(plain, anchor, window_days, choices)


@pytest.mark.matrix
@settings(max_examples=40)
@given(banks(), anchors(), windows(), RANDOM_CHOICES)
def test_the_exceptions_of_many_random_banks_are_the_planted_ones(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices
) -> None:
    _judge(plain, anchor, window_days, choices)


def test_the_judge_sees_every_kind_of_exception(planted: Planted) -> None:
    """Rows broken by hand: an exception that nobody planted is found."""
    _, _, con = planted("harbor_trust", mode="broad", factor=1)
    before = exceptions(con)
    for view, change in BROKEN.items():
        con.execute("begin")
        con.execute(change)
        con.execute(
            "create or replace table computed as select b.account_id, b.business_day_start, "
            "coalesce(sum(p.amount_money), 0) as money from bal b left join posted p "
            "on p.account_id = b.account_id and p.posting < b.business_day_end group by all"
        )
        found = exceptions(con)
        con.execute("rollback")
        assert found.get(view, set()) - before.get(view, set()), view
    assert BROKEN.keys() == KEYS.keys() - {"chain_exceptions", *ELSEWHERE.values()}


_ONE = "(select min(entry) from tx where rail_name = 'CustomerInboundWire')"
_FIRST_OF = "(select min(entry) from balances where account_id = '{}')"
_CORRECTION = "entry + 1 as entry, amount_money + 1 as amount_money, 'TechnicalCorrection' as supersedes"
_WIRES_OUT = "rail_name = 'CustomerOutboundWire' and amount_money < 0"
BROKEN = {
    "drift": f"update balances set money = money + 1 where entry = {_FIRST_OF.format('cust-011')}",
    "ledger_drift": f"update balances set money = money + 1 where entry = {_FIRST_OF.format('gl-2000')}",
    "overdraft": "update balances set money = -1 where entry = (select min(entry) from balances)",
    "expected_eod_balance_breach": "update balances set money = 1 where account_id = 'gl-2510'",
    "limit_breach": f"update tx set amount_money = -90000 where {_WIRES_OUT}",
    "stuck_pending": f"update tx set status = 'Pending' where entry = {_ONE}",
    "stuck_unbundled": "delete from tx where supersedes = 'BundleAssignment'",
    "supersession_audit": f"insert into tx select * replace ({_CORRECTION}) from tx where entry = {_ONE}",
    "transfer_net": f"update tx set amount_money = amount_money - 1 where entry = {_ONE}",
    "late_posting": "update tx set posting = posting + interval 40 day where rail_name = 'CardSale'",
    "unmatched_postings": f"update tx set transfer_type = 'x' where entry = {_ONE}",
    "posted_requirement_gaps": f"update tx set metadata = null where entry = {_ONE}",
}
