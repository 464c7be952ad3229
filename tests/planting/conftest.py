"""Ledgers of the bundled banks with and without plants, each made once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.bank.model import Bank
from seedbed.ledger.dataset import Ledger

from .exceptions import connect

ANCHOR = date(2030, 1, 1)
BANKS = Path(seedbed.__file__).parent / "banks"
NAMES = ("spec_example", "harbor_trust")
# The larger bank only among the slow tests, where a test takes a minute of it.
SLOW_NAMES = ("spec_example", pytest.param("harbor_trust", marks=pytest.mark.matrix))

# Kinds that neither of these banks admits, and their views: they have tests of their own.
ELSEWHERE = {
    "fan_in_short": "fan_in_exceptions",
    "fan_in_extra": "fan_in_exceptions",
    "leg_xor_missed": "leg_xor_exceptions",
    "leg_xor_overlap": "leg_xor_exceptions",
}

Planted = Callable[..., tuple[Bank, Ledger, duckdb.DuckDBPyConnection]]


@cache
def bundled(name: str) -> Bank:
    """A bundled bank."""
    return seedbed.load_instance(BANKS / f"{name}.yaml")


def planted_ledger(bank: Bank, choices: ScenarioChoices, anchor: date = ANCHOR, window_days: int = 90) -> Ledger:
    """A bank's ledger with the scenario of these choices."""
    foundation = planted_foundation(dataset_of(bank, anchor, window_days), choices)
    return Ledger(foundation.dataset, tuple(parts_on(foundation)))


@pytest.fixture(scope="session")
def planted() -> Planted:
    """Makes (bank, ledger, connection) of a bundled bank with a scenario, once per choice."""

    @cache
    def made(name: str, **choices: object) -> tuple[Bank, Ledger, duckdb.DuckDBPyConnection]:
        counts = choices.pop("counts", None)
        chosen = replace(ScenarioChoices(**choices), counts=dict(counts) if counts else None)  # type: ignore[arg-type]
        bank = bundled(name)
        ledger = planted_ledger(bank, chosen)
        return bank, ledger, connect(bank, ledger)

    return made


@pytest.fixture(scope="session")
def baseline() -> Callable[[str], Ledger]:
    """Makes the baseline of a bundled bank, once."""
    return cache(lambda name: seedbed.generate(bundled(name), anchor=ANCHOR))
