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


def test_every_bundled_bank_is_asked() -> None:
    assert [path.stem for path in BANKS] == ["harbor_trust", "river_union", "spec_example"]


def test_the_small_bank_is_structurally_sound() -> None:
    bank = seedbed.load_instance(next(path for path in BANKS if path.stem == "spec_example"))
    assert findings_of(bank) == []


def test_every_rail_of_a_bundled_bank_has_half_its_target_of_legs() -> None:
    """The seed document's floor: half the target and five legs, from a target of 20 legs on; below, one leg."""
    for path in BANKS:
        bank, anchor = seedbed.load_instance(path), date(2030, 1, 1)
        facts = judge(bank, seedbed.generate(bank, anchor=anchor), anchor, 90)
        legs = dict(facts.rows("select rail_name, count(*) from moves group by all"))
        targets = {rail.name: seedbed.target_leg_count(bank, rail.name, anchor=anchor) for rail in bank.rails}
        floors = {name: max(target / 2, 5) if target >= 20 else 1 for name, target in targets.items()}
        assert {name: legs.get(name, 0) for name, floor in floors.items() if legs.get(name, 0) < floor} == {}
