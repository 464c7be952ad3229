"""How often each leg rail of an XOR group is expected to fire."""

from datetime import date

import pytest
from tests.bank.choosing import choosing
from tests.bank.tiny import Data, bank_of

from seedbed.program.outline import outline


def expected(data: Data) -> dict[str, float]:
    """The expected legs of each rail."""
    return {line.rail: float(line.expected_legs) for line in outline(bank_of(data), date(2030, 1, 1)).rails}


def test_the_members_of_a_group_share_the_transfers_of_their_template() -> None:
    legs = expected(choosing(("Ach", "Check"), ("FeeA", "FeeB", "Rest")))
    assert legs["Ach"] == legs["Check"] == pytest.approx(legs["Sale"] / 2)
    assert legs["FeeA"] == pytest.approx(legs["Sale"] / 3)


def test_a_chain_into_a_member_counts_for_it_alone() -> None:
    chains = [
        {"parent": "In", "child": "Ach", "required": "true"},
        {"parent": "In", "child": "Settle", "required": "false"},
    ]
    legs = expected(choosing(("Ach", "Check"), chains=chains))
    parents = legs["In"] / 2
    assert legs["Sale"] == pytest.approx(1.45 * parents)
    assert legs["Ach"] == pytest.approx(1.20 * parents)
    assert legs["Check"] == pytest.approx(0.25 * parents)


def test_a_chain_from_a_member_is_expected_where_that_fires() -> None:
    legs = expected(choosing(("Ach", "Check"), chains=[{"parent": "Check", "child": "Notice", "required": "true"}]))
    assert legs["Notice"] / 2 == pytest.approx(0.95 * legs["Check"])
