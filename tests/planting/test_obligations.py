"""What every transfer owes, asked of fired and of planted ones alike, by one list of conditions on the rows."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, full_scenario, planted_on
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.ledger.dataset import Ledger
from tests.health.conditions import EXACT, judge, violations
from tests.strategies import anchors, banks, yaml_text

from .conftest import ANCHOR, NAMES, bundled

# Amounts net, legs stand on a role that their rail names and on the bank's accounts, hours are the band's or follow
# the parent, caps hold, a child takes its parent's amount, the closing leg is last, completions and ticks are met.
OWED = (
    "two leg firings net to zero in one second",
    "standalone transfers have their rails legs",
    "template names are right",
    "templates net to expected",
    "transfer keys tell transfers apart",
    "closing legs post once and last",
    "transfers keep their completion",
    "completions are as declared",
    "one leg rails of a template fire together",
    "collected transfers are one per day",
    "bundles equal their children",
    "bundles post after their children",
    "bundles hold only what they select",
    "both legs are bundled together",
    "rows on business days only",
    "primary legs post in their band",
    "legs name a declared rail and its type",
    "legs stand on a named role",
    "legs carry their origin",
    "direction agrees with the sign",
    "only closing legs and sweeps may be zero",
    "accounts are the declared ones",
    "metadata is a json object with the declared keys",
    "caps hold on daily sums",
    "ids have one first row",
    "children have their parent",
    "children follow their parent",
    "children take their parents amount",
)
OBLIGATIONS = tuple(condition for condition in EXACT if condition.name in OWED)
# Where the baseline has a transfer of a template on every day, a planted one shares its key. Blended, plants stand on
# the baseline's accounts, and a template without accounts of its own has the day alone for a key.
WHILE_A_DAY_IS_FREE = "transfer keys tell transfers apart"
# Plants that are lawful in all but what they are for; the others break an obligation, as they should.
LAWFUL = ("rail_firing", "transfer_template")
MODES = (ScenarioChoices(), ScenarioChoices(blend=True), ScenarioChoices(coverage=True))


def planted(bank: Bank, choices: ScenarioChoices, anchor: date, window_days: int) -> Ledger:
    """A ledger in which only lawful transfers are planted, each of its own."""
    foundation = Foundation(dataset_of(bank, anchor, window_days))
    scenario = replace(full_scenario(foundation, choices), hard_negatives=())
    for kind, _ in list(scenario):
        if kind not in LAWFUL:
            scenario = scenario.with_plants(kind, ())
    foundation = planted_on(Foundation(dataset_of(bank, anchor, window_days)), choices, scenario)
    return Ledger(foundation.dataset, tuple(parts_on(foundation)))


def broken(
    bank: Bank, ledger: Any, anchor: date, window_days: int, may_share_keys: bool = False
) -> dict[str, list[str]]:
    """What speaks against a ledger's transfers."""
    found = violations(judge(bank, ledger, anchor, window_days), OBLIGATIONS)
    return {name: rows for name, rows in found.items() if not (may_share_keys and name == WHILE_A_DAY_IS_FREE)}


def test_every_obligation_is_a_condition() -> None:
    assert len(OBLIGATIONS) == len(OWED)


@pytest.mark.parametrize("choices", MODES, ids=["default", "blend", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_planted_transfers_of_a_bundled_bank_owe_what_fired_ones_do(name: str, choices: ScenarioChoices) -> None:
    ledger = planted(bundled(name), choices, ANCHOR, 30)
    assert any(line["label"] == "activity" for part in ledger.parts for line in part["answer_key"].to_pylist())
    assert broken(bundled(name), ledger, ANCHOR, 30, choices.blend) == {}


def _judge(plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices) -> None:
    text = yaml_text(plain)
    note(text)
    bank = parse_instance_text(text)
    fired = seedbed.generate(bank, anchor=anchor, window_days=window_days)
    assert broken(bank, fired, anchor, window_days) == {}
    ledger = planted(bank, choices, anchor, window_days)
    assert broken(bank, ledger, anchor, window_days, may_share_keys=True) == {}


@settings(max_examples=4)
@given(banks(), anchors(), st.integers(4, 12), st.sampled_from(MODES))
def test_planted_transfers_of_random_banks_owe_what_fired_ones_do(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices
) -> None:
    _judge(plain, anchor, window_days, choices)


@pytest.mark.matrix
@settings(max_examples=40)
@given(banks(), anchors(), st.integers(4, 40), st.sampled_from(MODES))
def test_planted_transfers_of_many_random_banks_owe_what_fired_ones_do(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices
) -> None:
    _judge(plain, anchor, window_days, choices)
