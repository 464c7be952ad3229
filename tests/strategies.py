"""Random valid banks of every shape that the grammar admits, as plain data and as YAML, with anchors and windows.

    @given(banks(), anchors(), windows())
    def test_it(bank, anchor, window_days):
        seedbed.load_instance(write(yaml_text(bank)))

The banks are those of `tests.random_banks`, of which nothing is left out: Hypothesis draws how many rails a bank has
at most, which makes a failing one smaller, and the number that all its other choices follow from.
"""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from seedbed.bank.load import parse_instance_text
from seedbed.errors import InstanceError
from tests.random_banks.draft import Element
from tests.random_banks.generator import bank_of, yaml_text

__all__ = ["anchors", "banks", "windows", "yaml_text"]

MOST_RAILS, MOST_NUMBER = 8, 2**32 - 1


@st.composite
def banks(draw: Callable[..., Any]) -> Element:
    """A valid bank file as plain data (text, lists, maps), ready for `yaml_text`."""
    most_rails, number = draw(st.integers(0, MOST_RAILS)), draw(st.integers(0, MOST_NUMBER))
    bank = bank_of(Random(number), most_rails)
    try:
        parse_instance_text(yaml_text(bank))
    except InstanceError:
        assume(False)
    return bank


def anchors() -> st.SearchStrategy[date]:
    """Any anchor from 1900 to 2199, weekends, holidays and leap days among the likely ones."""
    special = [date(2030, 1, 1), date(2029, 11, 14), date(2024, 2, 29), date(2023, 12, 31), date(2026, 7, 4)]
    return st.one_of(st.sampled_from(special), st.dates(date(1900, 1, 1), date(2199, 12, 31)))


def windows() -> st.SearchStrategy[int]:
    """Windows of 1 to 400 days, mostly short ones."""
    return st.one_of(st.integers(1, 12), st.integers(13, 95), st.sampled_from((90, 366, 400)))
