"""Integer samplers: right distribution, monotone, capped as by drawing again."""

import subprocess
import sys
from decimal import Decimal
from math import exp, factorial
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from seedbed.draw.address import KeySpace, draw
from seedbed.draw.samplers import log_uniform, lognormal, poisson, price_points
from seedbed.money import MAX_AMOUNT_CENTS

DRAWS = draw(KeySpace("bank").key("rail", "amount"), np.arange(400_000, dtype=np.uint64))


@pytest.mark.parametrize(
    ("mu", "sigma"), [("6.5", "1.2"), ("2.5", "0.4"), ("12.0", "0.7"), ("0", "4"), ("17.5", "0.3")]
)
def test_lognormal_has_the_distribution_it_names(mu: str, sigma: str) -> None:
    cents = np.sort(lognormal(Decimal(mu), Decimal(sigma)).cents(DRAWS))
    values, counts = np.unique(cents, return_counts=True)
    exact = NormalDist(float(mu), float(sigma))
    # An amount of c cents stands for everything that rounds half up to it (the smallest for all below).
    cdf = np.array([exact.cdf(np.log((c + 0.5) / 100)) for c in values])
    distance = np.abs(np.cumsum(counts) / DRAWS.size - cdf).max()
    assert distance < 1.95 / DRAWS.size**0.5 + 1.5e-4


def test_lognormal_is_monotone_and_within_bounds() -> None:
    for mu, sigma in (("6.5", "1.2"), ("30", "4"), ("-20", "4")):
        ordered = lognormal(Decimal(mu), Decimal(sigma)).cents(np.sort(DRAWS))
        assert (np.diff(ordered) >= 0).all()
        assert ordered[0] >= 1
        assert ordered[-1] <= MAX_AMOUNT_CENTS


def test_a_cap_truncates_the_distribution_exactly() -> None:
    sampler = lognormal(Decimal("6.5"), Decimal("1.2"))
    cap = 60_000
    capped = sampler.cents_at_most(DRAWS, np.full(DRAWS.shape, cap))
    again = sampler.cents(DRAWS)
    again = again[again <= cap]
    assert capped.max() <= cap
    grid = np.arange(0, cap + 1, 500)
    one = np.searchsorted(np.sort(capped), grid, side="right") / capped.size
    other = np.searchsorted(np.sort(again), grid, side="right") / again.size
    assert np.abs(one - other).max() < 1.95 * (1 / capped.size + 1 / again.size) ** 0.5


def test_a_cap_that_cannot_bind_changes_nothing() -> None:
    sampler = lognormal(Decimal("6.5"), Decimal("1.2"))
    assert np.array_equal(sampler.cents_at_most(DRAWS, np.full(DRAWS.shape, MAX_AMOUNT_CENTS)), sampler.cents(DRAWS))


@pytest.mark.parametrize(("mu", "sigma"), [("0", "0"), ("6.5", "1.2"), ("10", "0.01"), ("-4", "4"), ("24", "4")])
def test_a_cap_keeps_exactly_the_steps_whose_amounts_are_within_it(mu: str, sigma: str) -> None:
    sampler = lognormal(Decimal(mu), Decimal(sigma))
    powers = 2 ** np.arange(43)
    caps = np.concatenate([np.arange(1, 500), powers, powers + 1, sampler.cents(DRAWS[:5_000])])
    # A search for the last of 2^32 steps whose largest amount is within the cap.
    kept = np.zeros(caps.shape, dtype=np.int64)
    for bit in range(32, -1, -1):
        more = np.minimum(kept + (1 << bit), 2**32)
        largest = sampler.cents(((more.astype(np.uint64) << np.uint64(21)) - np.uint64(1)) << np.uint64(11))
        kept = np.where(largest <= caps, more, kept)
    draws = DRAWS[: caps.size]
    step = (draws >> np.uint64(32)) * kept.astype(np.uint64) >> np.uint64(32)
    uniform = step << np.uint64(21) | (draws >> np.uint64(11)) & np.uint64(2**21 - 1)
    expected = np.minimum(sampler.cents(uniform << np.uint64(11)), caps)
    assert np.array_equal(sampler.cents_at_most(draws, caps), expected)


def test_tiny_caps_hold() -> None:
    caps = np.arange(1, 2_001)
    cents = lognormal(Decimal("12"), Decimal("0.3")).cents_at_most(DRAWS[:2_000], caps)
    assert (cents >= 1).all()
    assert (cents <= caps).all()


@pytest.mark.parametrize(("least", "greatest"), [(500, 50_000), (1, MAX_AMOUNT_CENTS), (37, 41), (100, 100)])
def test_log_uniform_has_the_distribution_it_names(least: int, greatest: int) -> None:
    values, counts = np.unique(log_uniform(least, greatest).cents(DRAWS), return_counts=True)
    assert (values[0] >= least, values[-1] <= greatest) == (True, True)
    if greatest - least < 100:
        return
    cdf = np.clip(np.log((values + 0.5) / least) / np.log(greatest / least), 0, 1)
    cdf[-1] = 1
    assert np.abs(np.cumsum(counts) / DRAWS.size - cdf).max() < 1.95 / DRAWS.size**0.5 + 1.5e-4


def test_a_cap_truncates_a_log_uniform_amount() -> None:
    sampler, cap = log_uniform(500, 50_000), 2_000
    capped = np.sort(sampler.cents_at_most(DRAWS, np.full(DRAWS.shape, cap)))
    again = np.sort(log_uniform(500, cap).cents(DRAWS))
    assert (capped[0] >= 500, capped[-1] <= cap) == (True, True)
    grid = np.arange(500, cap, 7)
    shares = (np.searchsorted(amounts, grid, side="right") / DRAWS.size for amounts in (capped, again))
    assert np.abs(np.subtract(*shares)).max() < 2.8 / DRAWS.size**0.5
    assert set(sampler.cents_at_most(DRAWS[:100], np.full(100, 3)).tolist()) == {3}


def test_price_points_come_as_often_as_their_weights_say() -> None:
    sampler = price_points([1_250, 500, 500, 9_900], [Decimal(1), Decimal("0.5"), Decimal("0.5"), Decimal(2)])
    values, counts = np.unique(sampler.cents(DRAWS), return_counts=True)
    assert values.tolist() == [500, 1_250, 9_900]
    assert np.allclose(counts / DRAWS.size, [0.25, 0.25, 0.5], atol=0.005)
    assert sampler.mean == Decimal("5387.5")


def test_a_cap_leaves_the_price_points_within_it() -> None:
    sampler = price_points([500, 1_250, 9_900], [Decimal(1), Decimal(3), Decimal(4)])
    values, counts = np.unique(sampler.cents_at_most(DRAWS, np.full(DRAWS.shape, 5_000)), return_counts=True)
    assert values.tolist() == [500, 1_250]
    assert np.allclose(counts / DRAWS.size, [0.25, 0.75], atol=0.005)
    assert set(sampler.cents_at_most(DRAWS[:100], np.full(100, 499)).tolist()) == {0}
    assert set(sampler.cents_at_most(DRAWS[:100], np.full(100, 500)).tolist()) == {500}


@pytest.mark.parametrize(
    "sampler",
    [
        lognormal(Decimal("6.5"), Decimal("0.5")),
        log_uniform(500, 50_000),
        price_points([5, 9], [Decimal(1), Decimal(3)]),
    ],
)
def test_the_mean_is_that_of_many_amounts(sampler: Any) -> None:
    assert float(sampler.mean) == pytest.approx(sampler.cents(DRAWS).mean(), rel=0.01)


@pytest.mark.parametrize(
    ("sampler", "nearest"),
    [(log_uniform(500, 900), [500, 600, 900]), (price_points([550, 650], [Decimal(1)] * 2), [550, 550, 650])],
)
def test_the_nearest_possible_amount(sampler: Any, nearest: list[int]) -> None:
    assert [sampler.nearest(cents) for cents in (1, 600, 5_000)] == nearest


@pytest.mark.parametrize("mean", ["0", "0.0454545", "0.2", "1", "4", "8", "700", "8000"])
def test_poisson_has_the_distribution_it_names(mean: str) -> None:
    counts = poisson(Decimal(mean)).counts(DRAWS)
    lam = float(mean)
    assert abs(counts.mean() - lam) <= 5 * (lam / DRAWS.size) ** 0.5
    assert abs(counts.var() - lam) <= 6 * (lam * (1 + 2 * lam) / DRAWS.size) ** 0.5
    if lam <= 8:
        seen = np.bincount(counts, minlength=12)[:12] / DRAWS.size
        expected = [exp(-lam) * lam**k / factorial(k) for k in range(12)]
        assert np.abs(seen - expected).max() < 5 * 0.5 / DRAWS.size**0.5


def test_the_tables_are_as_their_script_derives_them() -> None:
    script = Path(__file__).parents[2] / "tools" / "derive_tables.py"
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True)
