"""Integer samplers: right distribution, monotone, capped as by drawing again."""

import subprocess
import sys
from decimal import Decimal
from math import exp, factorial
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from seedbed.draw.address import KeySpace, draw
from seedbed.draw.samplers import lognormal, poisson
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
