"""Random banks keep the promise: `check` finds exactly what is planted, within a bound of time and memory."""

import pytest

from tests.random_banks.pool import Bounds, Outcome, judge_bank, outcomes

BOUNDS = Bounds()


def _failures(outcome: Outcome) -> list[str]:
    return [
        f"bank {outcome.number}, {run}: {failure.sort}: {'; '.join(failure.signs)}\n{failure.detail}"
        for run, failure in outcome.failures
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_random_bank_keeps_the_promise(number: int) -> None:
    outcome = judge_bank(number, BOUNDS)
    assert not outcome.failures, "\n".join(_failures(outcome))


@pytest.mark.matrix
def test_sixty_random_banks_keep_the_promise() -> None:
    failures = [text for outcome in outcomes(range(60), 2, BOUNDS) for text in _failures(outcome)]
    assert not failures, "\n".join(failures)
