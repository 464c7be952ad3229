"""Causes of collateral: a ledger that is really made without the plant that a line blames has no such exception."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import Settled, first_parts, later_parts, settle_shared
from seedbed.assembly.pipeline import ScenarioChoices, planted_on
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.baseline.settle import Patch, settle
from seedbed.ledger.dataset import Ledger
from seedbed.planting.causes import blamed
from seedbed.planting.planted import Planted
from seedbed.planting.transfers import Status
from seedbed.units import DAY_SECONDS
from tests.strategies import anchors, banks, windows, yaml_text

from .conftest import ANCHOR, NAMES, bundled
from .exceptions import connect, exceptions

Shown = set[tuple[str, str]]


# ---- the rule -----------------------------------------------------------------------------------------------------


def test_each_payer_without_whom_the_cap_holds_is_a_cause() -> None:
    paid = {"a": 60, "b": 50, "c": 5}
    assert list(blamed(paid, lambda out: sum(paid.values()) - sum(paid[p] for p in out) > 100)) == [
        ("a", True),
        ("b", True),
    ]


def test_of_payers_that_each_are_enough_the_first_is_blamed_and_marked() -> None:
    paid = {"c": 150, "b": 120, "a": 5}
    assert list(blamed(paid, lambda out: sum(v for p, v in paid.items() if p not in out) > 100)) == [("b", False)]


def test_a_smallest_set_is_blamed_where_only_several_are_enough() -> None:
    paid = dict.fromkeys("abcde", 40)
    found = list(blamed(paid, lambda out: sum(v for p, v in paid.items() if p not in out) > 100))
    assert found == [("a", False), ("b", False), ("c", False)]


def test_none_of_a_blamed_set_can_be_spared() -> None:
    # As an opening does: without c and d it makes up for what is left, without b, too, it does not.
    hidden = (frozenset("cd"), frozenset("abd"), frozenset("abcd"))
    assert list(blamed("abcd", lambda out: out not in hidden)) == [("a", False)]


def test_a_look_alike_is_blamed_last() -> None:
    paid = {"hard_negative-001": 150, "overdraft-001": 150}
    found = list(blamed(paid, lambda out: sum(v for p, v in paid.items() if p not in out) > 100))
    assert found == [("overdraft-001", False)]


# ---- what is left of a ledger -------------------------------------------------------------------------------------


def planted_foundation(bank: Bank, choices: ScenarioChoices, anchor: date = ANCHOR, days: int = 90) -> Foundation:
    """A foundation with the scenario of these choices on it."""
    return planted_on(Foundation(dataset_of(bank, anchor, days)), choices)


def collateral(foundation: Foundation) -> dict[tuple[str, str], dict[str, bool]]:
    """(view, key) → the plants that the answer key blames, each with whether it is needed."""
    settled = settle_shared(foundation)
    assert settled.planted is not None
    found: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for surfacing in (*settled.planted.surfacings, *settled.collateral):
        if surfacing.collateral:
            found[surfacing.view, surfacing.key][surfacing.plant] = surfacing.needed
    return found


@contextmanager
def unswept(planted: Planted, out: frozenset[str]) -> Iterator[None]:
    """What a sweep of these plants took stays as if nothing had taken it."""
    taken = [f for t in planted.transfers for f in t.firings if f.sweep is not None and f.sweep.plant in out]
    sweeps = [firing.sweep for firing in taken]
    for firing in taken:
        firing.sweep = None
    try:
        yield
    finally:
        for firing, sweep in zip(taken, sweeps, strict=True):
            firing.sweep = sweep


def shown_without(foundation: Foundation, out: frozenset[str]) -> Shown:
    """The exceptions of the ledger that is made without these plants, all other plants as they are."""
    settled = settle_shared(foundation)
    planted, setup, view = settled.planted, foundation.setup, foundation.survey.block_accounts
    assert planted is not None
    transfers = tuple(t for t in planted.transfers if t.plant not in out)
    nets, deltas = np.zeros_like(planted.nets), np.zeros_like(planted.deltas)
    days = setup.window.days.tolist()
    for firing in (f for t in transfers for f in t.firings if f.status is Status.POSTED):
        for leg, account in enumerate(firing.accounts):
            day = (firing.second - int(view.offset_seconds[account])) // DAY_SECONDS
            row = next((row for row, open_day in enumerate(days) if open_day >= day), None)
            if row is not None:
                nets[account, row] += firing.leg_cents(leg)
    rows = tuple(row for row in planted.delta_rows if row[0] not in out)
    for _, account, place, cents in rows:
        deltas[account, place] += cents
    kept = {a: cents for a, cents in planted.openings.items() if not planted.opened_for[a] <= out}
    left = replace(
        planted,
        transfers=transfers,
        nets=nets,
        deltas=deltas,
        openings=kept,
        delta_rows=rows,
        surfacings=(),
        plants={plant: facts for plant, facts in planted.plants.items() if plant not in out},
    )
    sweeps = foundation.sweeps_of(left)
    swept = foundation.nets(sweeps.block) - foundation.nets(foundation.sweeps.block)
    balances = settle(
        setup, view, foundation.shared_nets, foundation.shares().children, Patch(swept + nets, deltas, kept)
    )
    with unswept(planted, out):
        parts = [*first_parts(foundation, Settled(sweeps, balances, left))]
        parts += later_parts(foundation, sweeps, range(1, foundation.blocks))
    found = exceptions(connect(foundation.survey.bank, Ledger(foundation.dataset, tuple(parts))))
    return {(view_name, key) for view_name, keys in found.items() for key in keys}


def judge(foundation: Foundation, most: int | None = None) -> int:
    """Asserts of the collateral that it is due to the plants that are blamed; gives how many lines it looked at."""
    lines = collateral(foundation)
    settled = settle_shared(foundation)
    assert settled.planted is not None
    everyone = frozenset(settled.planted.plants)
    by_set: dict[frozenset[str], set[tuple[str, str]]] = defaultdict(set)
    blames: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line, plants in lines.items():
        assert len(set(plants.values())) == 1, "needed or enough, not both"
        if all(plants.values()):
            for plant in plants:
                blames[plant].add(line)
        else:
            by_set[frozenset(plants)].add(line)
    looked = 0
    for plant, found in sorted(blames.items())[:most]:
        looked += len(found)
        assert not found & shown_without(foundation, frozenset((plant,))), plant
    for plants, found in sorted(by_set.items(), key=lambda pair: sorted(pair[0]))[:most]:
        looked += len(found)
        assert found <= shown_without(foundation, everyone - plants), plants
        for plant in sorted(plants)[:most]:
            assert not found & shown_without(foundation, everyone - plants | {plant}), (plants, plant)
    return looked


@pytest.mark.parametrize("name", NAMES)
def test_a_few_exceptions_of_a_bundled_bank_are_gone_without_the_plants_that_are_blamed(name: str) -> None:
    assert judge(planted_foundation(bundled(name), ScenarioChoices()), most=1) or name == "spec_example"


EVERYTHING = {"mode": "every_view", "coverage": True}


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "choices"),
    [(name, choices) for name in NAMES for choices in ({}, {"blend": True}, {"coverage": True}, EVERYTHING)],
    ids=str,
)
def test_every_exception_of_a_bundled_bank_is_gone_without_the_plants_that_are_blamed(
    name: str, choices: dict[str, bool]
) -> None:
    judge(planted_foundation(bundled(name), ScenarioChoices(**choices)))  # type: ignore[arg-type]


def test_no_activity_is_blamed_for_what_is_off_without_it() -> None:
    lines = collateral(planted_foundation(bundled("harbor_trust"), ScenarioChoices()))
    assert {plant.rpartition("-")[0] for plants in lines.values() for plant in plants} == {"stuck_unbundled"}


TIGHT = """
instance: tight
accounts:
  - {id: gl, role: Ledger, scope: internal}
  - {id: hub, role: Hub, scope: internal, parent_role: Ledger, expected_eod_balance: 0}
  - {id: out, role: World, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal, parent_role: Ledger}
rails:
  - {name: Deposit, transfer_type: cash_deposit, source_role: World, destination_role: CustomerDda,
     origin: ExternalForcePosted, expected_net: 0}
  - {name: Withdraw, transfer_type: cash_withdrawal, source_role: CustomerDda, destination_role: World,
     origin: InternalInitiated, expected_net: 0, max_pending_age: PT24H}
  - {name: Collect, transfer_type: collect, source_role: CustomerDda, destination_role: Hub,
     origin: InternalInitiated, expected_net: 0, max_unbundled_age: PT24H}
  - {name: Empty, transfer_type: empty, source_role: Hub, destination_role: World, origin: InternalInitiated,
     expected_net: 0, aggregating: true, cadence: daily-eod, bundles_activity: [Collect]}
  - {name: Fee, transfer_type: fee, source_role: CustomerDda, destination_role: World, origin: InternalInitiated,
     expected_net: 0}
chains:
  - {parent: Withdraw, child: Fee, required: true}
limit_schedules:
  - {parent_role: Ledger, transfer_type: cash_withdrawal, cap: 120.00}
  - {parent_role: Ledger, transfer_type: fee, cap: 90.00}
baseline: {accounts: {CustomerDda: 3}}
"""


@pytest.mark.parametrize("mode", ["l1_invariants", "l1_plus_broad"])
def test_on_a_bank_of_tight_caps_each_line_is_gone_without_its_plant(mode: str) -> None:
    foundation = planted_foundation(parse_instance_text(TIGHT), ScenarioChoices(mode=mode, factor=3), days=45)
    assert judge(foundation) > 0


@pytest.mark.parametrize("plants", ["stuck_unbundled", "stuck_pending", "limit_breach"])
def test_a_scenario_without_the_only_plant_of_a_kind_lacks_what_that_plant_is_blamed_for(plants: str) -> None:
    bank = parse_instance_text(TIGHT)
    foundation = planted_foundation(bank, ScenarioChoices(factor=1, broken_count=0, hard_negatives=False), days=45)
    scenario = foundation.dataset.scenario
    assert scenario is not None
    lines = {line for line, causes in collateral(foundation).items() if causes.get(f"{plants}-001")}
    assert lines or plants != "stuck_unbundled"
    without = planted_on(Foundation(foundation.dataset), ScenarioChoices(), scenario.with_plants(plants, ()))
    settled = settle_shared(without)
    parts = (*first_parts(without, settled), *later_parts(without, settled.ticks, range(1, without.blocks)))
    found = exceptions(connect(bank, Ledger(without.dataset, parts)))
    assert not lines & {(view, key) for view, keys in found.items() for key in keys}


@pytest.mark.matrix
@given(
    banks(), anchors(), windows(), st.sampled_from(({}, {"blend": True}, {"coverage": True}, {"mode": "every_view"}))
)
@settings(max_examples=15)
def test_on_random_banks_each_line_is_gone_without_its_plant(
    plain: dict[str, object], anchor: date, days: int, choices: dict[str, bool]
) -> None:
    text = yaml_text(plain)
    note(text)
    judge(planted_foundation(parse_instance_text(text), ScenarioChoices(**choices), anchor, days), most=6)  # type: ignore[arg-type]
