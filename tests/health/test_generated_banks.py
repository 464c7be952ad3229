"""The baselines of random valid banks are healthy, whatever the shape of the bank, the anchor and the window."""

import os
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import seedbed
from seedbed.bank.load import parse_instance_text
from tests.strategies import anchors, banks, windows, yaml_text

from .conditions import EXACT, STATISTICAL, Condition, judge, violations

# Both take the same examples every time, by the profile: a red run means a change. To hunt with new examples:
# SEEDBED_TEST_NEW_EXAMPLES=1 pytest -m matrix tests/health
EVERYDAY = settings(max_examples=25)
LONG = settings(max_examples=120, derandomize="SEEDBED_TEST_NEW_EXAMPLES" not in os.environ)


def _assert_healthy(
    plain: Mapping[str, Any],
    anchor: date,
    window_days: int,
    conditions: tuple[Condition, ...] = (*EXACT, *STATISTICAL),
    accounts_each: int | None = None,
) -> None:
    text = yaml_text(dict(plain))
    note(text)
    bank = parse_instance_text(text)
    roles = [template.role for template in bank.account_templates]
    accounts = dict.fromkeys(roles, accounts_each) if accounts_each else None
    ledger = seedbed.generate(bank, anchor=anchor, window_days=window_days, accounts=accounts, groups=3)
    assert violations(judge(bank, ledger, anchor, window_days, accounts), conditions) == {}


@EVERYDAY
@given(banks(), anchors(), windows())
def test_a_random_bank_is_healthy(plain: dict[str, Any], anchor: date, window_days: int) -> None:
    _assert_healthy(plain, anchor, window_days)


@settings(EVERYDAY, max_examples=10)
@given(banks(), anchors(), st.integers(1, 8), st.integers(257, 600))
def test_a_random_bank_of_several_blocks_is_healthy(
    plain: dict[str, Any], anchor: date, window_days: int, accounts_each: int
) -> None:
    _assert_healthy(plain, anchor, window_days, accounts_each=accounts_each)


@pytest.mark.matrix
@LONG
@given(banks(), anchors(), windows())
def test_many_random_banks_are_healthy(plain: dict[str, Any], anchor: date, window_days: int) -> None:
    """Exact conditions only: among this many samples one lies outside any sampling error."""
    _assert_healthy(plain, anchor, window_days, EXACT)


@settings(EVERYDAY, max_examples=40)
@given(banks())
def test_random_banks_are_valid(plain: dict[str, Any]) -> None:
    assert parse_instance_text(yaml_text(plain)).instance == plain["instance"]
