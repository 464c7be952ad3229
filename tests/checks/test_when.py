"""Banks that say how often and when: `check` finds exactly what is planted, on windows of all sorts."""

from datetime import date
from pathlib import Path

import pytest

from tests.random_banks.promise import PLANTINGS, Run, run_bank, validated

DATA = Path(__file__).parents[1] / "data"
WINDOWS = ((date(2030, 1, 1), 40), (date(2029, 12, 23), 6), (date(2029, 12, 9), 1), (date(2029, 12, 5), 20))


@pytest.mark.parametrize(("anchor", "window_days"), WINDOWS, ids=str)
@pytest.mark.parametrize("name", ["delays", "around_the_clock"])
def test_a_bank_keeps_the_promise(name: str, anchor: date, window_days: int) -> None:
    file = DATA / f"{name}.yaml"
    bank, broken = validated(file)
    assert bank is not None, broken
    for planting in PLANTINGS:
        failure = run_bank(file, bank, Run(planting, anchor, window_days, 42))
        assert failure is None, (planting, failure)
