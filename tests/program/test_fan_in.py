"""How many children of fan-in chains are expected, against what chance gives."""

from decimal import Decimal

import numpy as np
import pytest

from seedbed.program.fan_in import daily_children, expected_children

ACCOUNTS, DAYS = 4_000, 20


def drawn(daily: float, size: int | None) -> tuple[float, float]:
    """Children and parents with a share in one, of many accounts with Poisson parents, counted day by day."""
    parents = np.random.default_rng(7).poisson(daily, (ACCOUNTS, DAYS))
    children, shares = 0, 0
    for days in parents.tolist():
        waiting = 0
        for count in days:
            waiting += count
            done = waiting // size if size else int(waiting > 1)
            used = done * size if size else waiting * done
            children, shares, waiting = children + done, shares + used, waiting - used
    return children, shares


@pytest.mark.parametrize("size", [2, 5, 40, None])
@pytest.mark.parametrize("daily", [0.02, 0.3, 2.0, 8.0])
def test_what_is_expected_is_what_chance_gives(daily: float, size: int | None) -> None:
    parents = Decimal(str(daily)) * ACCOUNTS * DAYS
    expected = expected_children(parents, ACCOUNTS, DAYS, size)
    for wanted, found in zip(expected, drawn(daily, size), strict=True):
        assert float(wanted) == pytest.approx(found, rel=0.1, abs=40)


def test_children_of_a_number_have_exactly_that_many_shares() -> None:
    children, shares = expected_children(Decimal(500), 10, 30, 7)
    assert shares == 7 * children > 0


def test_in_the_long_run_nothing_is_left_over() -> None:
    assert daily_children(Decimal(80), 20, 5) == 16
    assert daily_children(Decimal(800_000), 20, None) == 20


@pytest.mark.parametrize(("parents", "units", "days"), [(0, 5, 20), (10, 0, 20), (10, 5, 0)])
def test_nothing_is_expected_of_nothing(parents: int, units: int, days: int) -> None:
    for size in (3, None):
        assert expected_children(Decimal(parents), units, days, size) == (0, 0)
