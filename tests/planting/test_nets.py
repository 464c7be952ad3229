"""Every sign of `expected_net`, on two-leg rails and on templates with legs in every mix, fired and planted."""

from decimal import Decimal
from itertools import combinations_with_replacement

import pytest
from duckdb import DuckDBPyConnection

import seedbed
from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank

from .conftest import ANCHOR, planted_ledger
from .exceptions import answered, connect, exceptions

MODES = (ScenarioChoices(), ScenarioChoices(blend=True), ScenarioChoices(coverage=True))

RAIL = """
instance: nets
accounts:
  - {{id: gl, role: Ledger, scope: internal}}
  - {{id: fees, role: FeeIncome, scope: internal}}
  - {{id: world, role: World, scope: external}}
account_templates:
  - {{role: Customer, scope: internal, parent_role: Ledger}}
rails:
  - {{name: Pay, transfer_type: ach, source_role: World, destination_role: Customer, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: []}}
  - {{name: Fee, transfer_type: fee, source_role: Customer, destination_role: FeeIncome, expected_net: '{net}',
     origin: InternalInitiated, metadata_keys: [], max_pending_age: PT4H, max_unbundled_age: P9D}}
  - {{name: Sweep, transfer_type: sweep, source_role: FeeIncome, destination_role: World, expected_net: '{net}',
     origin: InternalInitiated, metadata_keys: [], aggregating: true, cadence: daily-eod, bundles_activity: [Fee]}}
chains: [{{parent: Pay, child: Fee, required: true}}]
limit_schedules: [{{parent_role: Ledger, transfer_type: fee, cap: 90.00}}]
"""


@pytest.mark.parametrize("net", ["-250.00", "-0.01", "0.00", "0.01", "40.00"])
def test_a_two_leg_rail_whose_net_cannot_hold_shows_each_transfer_fired_or_planted(net: str) -> None:
    bank = parse_instance_text(RAIL.format(net=net))
    con = connect(bank, seedbed.generate(bank, anchor=ANCHOR, window_days=9))
    fired = exceptions(con).get("transfer_net", set())
    assert bool(fired) == (net != "0.00")
    assert exceptions(con) == answered(con)
    for choices in MODES:
        con = connect(bank, planted_ledger(bank, choices, ANCHOR, 9))
        assert bool(exceptions(con).get("transfer_net", set()) - fired) == (net != "0.00")
        assert exceptions(con) == answered(con)


NETS = ("-40.00", "0", "0.01", "40.00")
SIDES = ("Two", "Debit", "Credit")

HEAD = """
instance: nets
baseline: {accounts: {Customer: 3, Merchant: 2}}
accounts:
  - {id: gl, role: Ledger, scope: internal}
  - {id: world, role: World, scope: external}
  - {id: beyond, role: World, scope: external}
account_templates:
  - {role: Customer, scope: internal, parent_role: Ledger}
  - {role: Merchant, scope: internal}
"""
ORIGIN = "origin: InternalInitiated"


def mixes() -> list[tuple[str, ...]]:
    """Up to three legs, of which one may be Variable, in every mix, with either side first."""
    some = [mix for size in (0, 1, 2, 3) for mix in combinations_with_replacement(SIDES, size)]
    both = list(dict.fromkeys(mix for one in some for mix in (one, one[::-1])))
    return [mix for mix in (*both, *((*one, "Variable") for one in both if len(one) < 3)) if mix]


def bank_with(legs: tuple[str, ...], cap: str | None, chained: bool) -> Bank:
    """A bank with a template of these legs for every net; capped, or as the chain child of a rail."""
    rails, templates, chains = [], [], []
    for number, net in enumerate(NETS):
        names = [f"Leg{number}{place}" for place in range(len(legs))]
        for name, side in zip(names, legs, strict=True):
            shape = f"leg_role: [Customer, Merchant], leg_direction: {side}"
            if side == "Two":
                shape = "source_role: Customer, destination_role: World"
            rails.append(f"{{name: {name}, transfer_type: {name}, metadata_keys: [ref], {ORIGIN}, {shape}}}")
        templates.append(
            f"{{name: Template{number}, transfer_type: t{number}, expected_net: '{net}', transfer_key: [ref], "
            f"completion: business_day_end, leg_rails: [{', '.join(names)}]}}"
        )
        rails.append(
            f"{{name: Pay{number}, transfer_type: pay{number}, metadata_keys: [], {ORIGIN}, expected_net: '{net}', "
            "max_pending_age: PT24H, source_role: World, destination_role: Customer}"
        )
        if chained:
            chains.append(f"{{parent: Pay{number}, child: Template{number}, required: true}}")
    types = [
        f"Leg{number}{place}" for number in range(len(NETS)) for place, side in enumerate(legs) if side != "Credit"
    ]
    limits = [f"{{parent_role: Ledger, transfer_type: {one}, cap: {cap}}}" for one in types if cap is not None]
    lists = {"rails": rails, "transfer_templates": templates, "chains": chains, "limit_schedules": limits}
    return parse_instance_text(HEAD + "".join(f"{name}: [{', '.join(items)}]\n" for name, items in lists.items()))


FIRST = (
    ("Two", "Debit"),
    ("Credit", "Two"),
    ("Variable",),
    ("Debit", "Credit", "Variable"),
    ("Credit", "Debit", "Debit"),
)
# Each mix once: caps and chains take turns, so that every pair of them stands beside many mixes.
WAYS = [(cap, chained) for cap in (None, "90.00", "0.01") for chained in (False, True)]
CASES = [(mix, *WAYS[number % len(WAYS)]) for number, mix in enumerate(mixes())]
FEW = [(mix, cap, chained) for mix in FIRST for cap, chained in ((None, False), ("90.00", True))]


def _can_net(legs: tuple[str, ...], net: str) -> bool:
    """Whether legs can come to a net: each moves at least a cent one way, a Variable one what is missing."""
    cents = int(Decimal(net) * 100)
    debits, credits, free = (legs.count(side) for side in ("Debit", "Credit", "Variable"))
    return bool((debits or free or cents >= credits) and (credits or free or cents <= -debits))


def _are_right(con: DuckDBPyConnection, legs: tuple[str, ...]) -> None:
    """What does not net is in the answer key, and nothing that can net is there."""
    found = exceptions(con)
    assert found == answered(con)
    off = {key.partition("/")[2] for key in found.get("transfer_net", set())}
    able = {f"Template{number}" for number, net in enumerate(NETS) if _can_net(legs, net)}
    assert not off & {*able, f"Pay{NETS.index('0')}"}


def _surfaces_as_answered(legs: tuple[str, ...], cap: str | None, chained: bool) -> None:
    bank = bank_with(legs, cap, chained)
    _are_right(connect(bank, seedbed.generate(bank, anchor=ANCHOR, window_days=6)), legs)
    for choices in MODES:
        _are_right(connect(bank, planted_ledger(bank, choices, ANCHOR, 6)), legs)


@pytest.mark.parametrize(("legs", "cap", "chained"), FEW)
def test_what_legs_cannot_net_is_in_the_answer_key(legs: tuple[str, ...], cap: str | None, chained: bool) -> None:
    _surfaces_as_answered(legs, cap, chained)


@pytest.mark.matrix
@pytest.mark.parametrize(("legs", "cap", "chained"), CASES)
def test_what_any_mix_of_legs_cannot_net_is_in_the_answer_key(
    legs: tuple[str, ...], cap: str | None, chained: bool
) -> None:
    _surfaces_as_answered(legs, cap, chained)
