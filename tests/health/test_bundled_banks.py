"""The bundled banks' baselines are healthy, for both locked anchors and for short and long windows."""

from datetime import date
from pathlib import Path

import pytest

import seedbed

from .conditions import findings_of, judge, violations

BANKS = sorted((Path(seedbed.__file__).parent / "banks").glob("*.yaml"))
PERIODS = ((date(2030, 1, 1), 90), (date(2029, 11, 14), 90), (date(2024, 2, 29), 1), (date(2026, 7, 5), 33))


@pytest.mark.parametrize(("anchor", "window_days"), PERIODS, ids=str)
@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_a_bundled_bank_is_healthy(path: Path, anchor: date, window_days: int) -> None:
    bank = seedbed.load_instance(path)
    ledger = seedbed.generate(bank, anchor=anchor, window_days=window_days)
    assert violations(judge(bank, ledger, anchor, window_days)) == {}


@pytest.mark.parametrize("seed", (1, 2, 3))
@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_other_samples_are_healthy_too(path: Path, seed: int) -> None:
    bank, anchor = seedbed.load_instance(path), date(2030, 1, 1)
    ledger = seedbed.generate(bank, anchor=anchor, seed=seed)
    assert violations(judge(bank, ledger, anchor, 90)) == {}


def test_both_banks_are_there() -> None:
    assert "spec_example" in [path.stem for path in BANKS] and len(BANKS) == 2


def test_the_small_bank_is_structurally_sound() -> None:
    bank = seedbed.load_instance(next(path for path in BANKS if path.stem == "spec_example"))
    assert findings_of(bank) == []


def test_no_rail_of_a_bundled_bank_is_dead() -> None:
    for path in BANKS:
        bank, anchor = seedbed.load_instance(path), date(2030, 1, 1)
        facts = judge(bank, seedbed.generate(bank, anchor=anchor), anchor, 90)
        silent = facts.rows("select name from rails where name not in (select rail_name from moves) order by name")
        assert silent == []
