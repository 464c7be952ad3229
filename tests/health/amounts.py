"""What a rail's amounts are drawn from, as the judge reads the bank file: a list, a range, or a lognormal.

Nothing here comes from the generator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, sqrt
from statistics import NormalDist

from seedbed.bank.model import Rail, RailOverride

from .reference import Kind, log_median

__all__ = ["Amounts", "amounts_of"]

# The distributions are cut into so many steps of equal probability.
STEPS = 4000
GRID = [NormalDist().inv_cdf((step + 0.5) / STEPS) for step in range(STEPS)]


@dataclass(frozen=True)
class Amounts:
    """Dollars: each of `points` with its share; or log-uniform in [`least`, `greatest`]; or lognormal."""

    mu: float = 0.0
    sigma: float = 0.0
    least: float = 0.0
    greatest: float = 0.0
    points: Mapping[float, float] = field(default_factory=dict)

    def cut(self, cap: float | None) -> "list[float]":
        """Amounts at equal steps of probability, of the distribution cut at a cap; none if all are above it."""
        if self.greatest:
            top = min(self.greatest, cap or self.greatest)
            steps = range(STEPS) if top >= self.least else ()
            return [self.least * (top / self.least) ** ((step + 0.5) / STEPS) for step in steps]
        share = NormalDist(self.mu, self.sigma).cdf(log(cap + 0.005)) if cap else 1.0
        below = [NormalDist().inv_cdf(share * (step + 0.5) / STEPS) for step in range(STEPS)] if share < 1 else GRID
        return [exp(self.mu + self.sigma * point) for point in below]

    def reaches_below(self, cap: float) -> bool:
        """Whether an amount lies below a cap often enough to say something of those that do."""
        if self.greatest:
            return cap > self.least * 1.01
        return cap >= 50 and log(cap) > self.mu - 4 * self.sigma

    def log_moments(self, cap: float | None) -> tuple[float, float, float]:
        """Mean, standard deviation and kurtosis of ln(dollars), cut at a cap and rounded to cents."""
        logs = [log(max(1, int(100 * dollars + 0.5)) / 100) for dollars in self.cut(cap)]
        mean = sum(logs) / len(logs)
        variance = sum((one - mean) ** 2 for one in logs) / len(logs)
        fourth = sum((one - mean) ** 4 for one in logs) / len(logs)
        return mean, sqrt(variance), fourth / variance**2 if variance else 3.0


def amounts_of(rail: Rail, kind: Kind | None, override: RailOverride | None) -> Amounts | None:
    """By the baseline's own figures, the rail's keys or its kind, in this order; None where none of them says it."""
    if override is not None and override.seed_amount is not None:
        return Amounts(mu=log_median(override.seed_amount.median_cents), sigma=float(override.seed_amount.sigma))
    if rail.amount:
        whole = float(sum(point.weight for point in rail.amount))
        shares: dict[float, float] = {}
        for point in rail.amount:
            dollars = point.amount_cents / 100
            shares[dollars] = shares.get(dollars, 0.0) + float(point.weight) / whole
        return Amounts(points=shares)
    if rail.amount_typical_range_cents is not None:
        least, greatest = rail.amount_typical_range_cents
        return Amounts(least=least / 100, greatest=greatest / 100)
    return None if kind is None else Amounts(mu=kind.mu, sigma=kind.sigma)
