"""The steps of the pipeline that look at what has been planted and choose again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from seedbed.assembly import pipeline
from seedbed.assembly.calibration import LEAST
from seedbed.scenario.plants import InvFanoutPlant, ScenarioPlant

AMOUNT = Decimal("100.00")
PLANT = InvFanoutPlant(recipient="shop", senders=("c1", "c2"), amount_per_transfer=AMOUNT, rail="Pay", days_ago=3)
SCENARIO = ScenarioPlant(anchor=date(2030, 1, 1), window_days=90, inv_fanout_plants=(PLANT,))


class Planting:
    """A foundation that notes how often each planted amount has been doubled."""

    def __init__(self) -> None:
        self.doubled: list[int] = []

    def plant(self, scenario: ScenarioPlant) -> int:
        ratio = scenario.inv_fanout_plants[0].amount_per_transfer / AMOUNT
        self.doubled.append(int(ratio).bit_length() - 1)
        return self.doubled[-1]


def raised(monkeypatch: pytest.MonkeyPatch, score: Callable[[int, int], float]) -> tuple[list[int], ScenarioPlant]:
    """How often what was planted had been doubled, and the scenario that comes of it.

    `score` is of the doublings that are planted and of those that are only reckoned with.
    """
    planting: Any = Planting()
    monkeypatch.setattr(pipeline, "raised_scores", lambda _, planted: lambda more: score(planted, more))
    scenario = pipeline._standing_out(planting, SCENARIO)
    return planting.doubled, scenario


def test_a_fanout_that_no_amount_lets_stand_out_is_planted_once_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    doubled, scenario = raised(monkeypatch, lambda planted, more: 0.0)
    assert (doubled, scenario.inv_fanout_plants, len(scenario.omitted)) == ([0], (), 1)


def test_amounts_are_doubled_a_dozen_times_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is reckoned with always promises more than what is planted keeps.
    doubled, scenario = raised(monkeypatch, lambda planted, more: LEAST if more >= 5 else 0.0)
    assert (doubled, scenario.inv_fanout_plants) == ([0, 5, 10], ())


def test_the_last_raise_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = pipeline.RAISES
    doubled, scenario = raised(monkeypatch, lambda planted, more: LEAST if planted + more >= needed else 0.0)
    assert doubled == [0, needed]
    assert scenario.inv_fanout_plants[0].amount_per_transfer == AMOUNT * 2**needed


def test_a_raise_that_falls_short_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    doubled, scenario = raised(monkeypatch, lambda planted, more: LEAST if more >= 6 or planted == 12 else 0.0)
    assert (doubled, scenario.omitted) == ([0, 6, 12], ())
