"""No condition is vacuous: each is silent on a healthy ledger and speaks when that is made ill."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

import seedbed

from .conditions import EXACT, STATISTICAL, findings_of, violations
from .facts import Facts, gather
from .mutations import MUTATIONS

ANCHOR, WINDOW_DAYS = date(2030, 1, 1), 90


@pytest.fixture(scope="module")
def specimen() -> Iterator[Facts]:
    bank = seedbed.load_instance(Path(__file__).with_name("specimen.yaml"))
    ledger = seedbed.generate(bank, anchor=ANCHOR, window_days=WINDOW_DAYS)
    findings = findings_of(bank)
    facts = gather(bank, ledger.transactions, ledger.daily_balances, ANCHOR, WINDOW_DAYS, findings=findings)
    yield facts
    facts.connection.close()


def test_the_specimen_is_healthy(specimen: Facts) -> None:
    assert violations(specimen) == {}


@pytest.mark.parametrize(("check", "change"), MUTATIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mutation_is_noticed(specimen: Facts, check: Callable[[Facts], list[str]], change: str) -> None:
    specimen.connection.execute("begin transaction")
    try:
        specimen.connection.execute(change)
        assert check(specimen)
    finally:
        specimen.connection.execute("rollback")


def test_every_condition_has_a_mutation() -> None:
    assert {condition.check for condition in (*EXACT, *STATISTICAL)} == {check for check, _ in MUTATIONS}
