"""Samplers in integer arithmetic: lognormal amounts in cents, with or without a cap, and Poisson counts.

No floating-point function touches a value, because `exp` and `log` differ between processors and NumPy versions.
`tools/derive_tables.py` derives the two tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from seedbed.money import CENTS_PER_DOLLAR, MAX_AMOUNT_CENTS
from seedbed.units import Cents, CentsArray, Integers, Words

__all__ = [
    "Amounts",
    "Constant",
    "LogUniform",
    "Lognormal",
    "Poisson",
    "PricePoints",
    "log_uniform",
    "lognormal",
    "poisson",
    "price_points",
]


DRAW_BITS = 53
# Caps are resolved in 2^32 steps of the uniform.
STEP_BITS = 21
_NORMAL_BITS, _SLOPE_BITS, _LOG_BITS = 36, 20, 32
_FRACTION_BITS = 24
_KNOTS, _KNOT_BITS, _UNITY = 53 * 64, 46, 1023 << 6
_EXP2_INDEX_BITS = 12
_EXP2_FRACTION_BITS = _LOG_BITS - _EXP2_INDEX_BITS
_MANTISSA_BITS = 52
_PRODUCT_BITS = _NORMAL_BITS + _SLOPE_BITS - _LOG_BITS
# Larger than any value of the table.
MOST_NORMAL = 1 << 40


@cache
def _table(name: str) -> Integers:
    table: Integers = np.load(Path(__file__).with_name(name), allow_pickle=False)
    table.setflags(write=False)
    return table


@cache
def _ascending() -> Integers:
    """The knots of the normal table, negated, so that they ascend and can be searched."""
    return -_table("normal.npy")


def _standard_normal(uniform: Integers) -> Integers:
    """Standard normal values in units of 2^-36 from uniforms in [0, 2^53); non-decreasing in the uniform.

    The tail probability is p = (2v + 1) / 2^54 for v counted from the nearer end. The exponent and the upper
    mantissa bits of 2v + 1 as a float64, which is exact, are the index of a knot: 64 knots in every octave of p.
    """
    upper = uniform >> (DRAW_BITS - 1)
    nearer = np.where(upper == 1, (1 << DRAW_BITS) - 1 - uniform, uniform)
    bits = (2 * nearer + 1).astype(np.float64).view(np.int64)
    knot = (bits >> _KNOT_BITS) - _UNITY
    fraction = (bits >> (_KNOT_BITS - _FRACTION_BITS)) & ((1 << _FRACTION_BITS) - 1)
    table = _table("normal.npy")
    start = table[knot]
    magnitude = start - (((start - table[knot + 1]) * fraction) >> _FRACTION_BITS)
    signed: Integers = np.where(upper == 1, magnitude, -magnitude)
    return signed


def _exp2_cents(log2_cents: Integers) -> CentsArray:
    """2^(x / 2^32) rounded half up, at least 1 and at most `MAX_AMOUNT_CENTS`; non-decreasing."""
    x = np.minimum(np.maximum(log2_cents, -(8 << _LOG_BITS)), 43 << _LOG_BITS)
    whole = x >> _LOG_BITS
    part = x & ((1 << _LOG_BITS) - 1)
    index = part >> _EXP2_FRACTION_BITS
    table = _table("exp2.npy")
    start = table[index]
    rest = part & ((1 << _EXP2_FRACTION_BITS) - 1)
    mantissa = start + (((table[index + 1] - start) * rest) >> _EXP2_FRACTION_BITS)
    shift = _MANTISSA_BITS - whole
    cents = (mantissa + (np.int64(1) << (shift - 1))) >> shift
    bounded: CentsArray = np.minimum(np.maximum(cents, 1), MAX_AMOUNT_CENTS)
    return bounded


def _uniform_at_most(normal: Integers) -> Integers:
    """The largest uniform whose standard normal value is at most `normal` (in units of 2^-36); -1 if there is none.

    The exact inverse of `_standard_normal`. It finds the last knot that is far enough from the centre, then the last
    uniform within that knot.
    """
    upper = normal >= 0
    # In the lower half the answer is the last uniform whose magnitude is large enough. In the upper half it is the
    # uniform before the mirror image of the last one whose magnitude is too large.
    least = np.where(upper, normal + 1, -normal)
    table = _table("normal.npy")
    far_enough = np.searchsorted(_ascending(), -least, side="right")
    knot = np.minimum(np.maximum(far_enough - 1, 0), _KNOTS - 1)
    start = table[knot]
    drop = np.maximum(start - table[knot + 1], 1)
    fraction = (((np.maximum(start - least, 0) + 1) << _FRACTION_BITS) - 1) // drop
    fraction = np.minimum(fraction, (1 << _FRACTION_BITS) - 1)
    tail_bits = _KNOT_BITS - _FRACTION_BITS
    bits = ((knot + _UNITY) << _KNOT_BITS) | (fraction << tail_bits) | ((1 << tail_bits) - 1)
    last = np.where(far_enough == 0, -1, (bits.view(np.float64).astype(np.int64) - 1) >> 1)
    uniform: Integers = np.where(upper, (1 << DRAW_BITS) - 2 - last, last)
    return uniform


def _log2_at_most(cents: CentsArray) -> Integers:
    """The largest x, in units of 2^-32, for which `_exp2_cents` gives at most these cents (1 to 2^43 - 1).

    The exact inverse of `_exp2_cents`: 2^x has to stay below the next half cent.
    """
    half_cents = 2 * cents + 1
    # Exact, because half cents are below 2^53.
    whole = (half_cents.astype(np.float64).view(np.int64) >> _MANTISSA_BITS) - 1023 - 1
    highest = (half_cents << (_MANTISSA_BITS - 1 - whole)) - 1
    table = _table("exp2.npy")
    index = np.minimum(np.searchsorted(table, highest, side="right") - 1, (1 << _EXP2_INDEX_BITS) - 1)
    start = table[index]
    rest = (((highest - start + 1) << _EXP2_FRACTION_BITS) - 1) // (table[index + 1] - start)
    rest = np.minimum(rest, (1 << _EXP2_FRACTION_BITS) - 1)
    log2: Integers = (whole << _LOG_BITS) | (index << _EXP2_FRACTION_BITS) | rest
    return log2


@dataclass(frozen=True)
class Lognormal:
    """exp(Normal(mu, sigma)) dollars, as cents.

    `centre` is log2 of the median in cents, in units of 2^-32. `slope` is sigma / ln 2, in units of 2^-20.
    """

    centre: int
    slope: int

    @property
    def mean(self) -> Decimal:
        """The expected amount in cents, without a cap."""
        with localcontext() as context:
            context.prec = 28
            ln2 = Decimal(2).ln()
            sigma = Decimal(self.slope) / 2**_SLOPE_BITS * ln2
            mean: Decimal = (Decimal(self.centre) / 2**_LOG_BITS * ln2 + sigma * sigma / 2).exp()
            return mean

    def cents(self, draws: Words) -> CentsArray:
        """One amount per draw, same shape; at least a cent."""
        return self._from_uniform((draws >> np.uint64(64 - DRAW_BITS)).astype(np.int64))

    def cents_at_most(self, draws: Words, cap: CentsArray) -> CentsArray:
        """One amount per draw from the distribution truncated at `cap` (same shape, ≥ 1).

        The draw is scaled by the largest fraction whose top value is still within the cap. The sampler is monotone,
        so the distribution is exactly that of drawing again until the cap holds. If even the smallest value of the
        distribution is above the cap, the amount is the cap.
        """
        high = (draws >> np.uint64(32)) * self._reach(cap).astype(np.uint64) >> np.uint64(32)
        low = (draws >> np.uint64(64 - DRAW_BITS)) & np.uint64((1 << STEP_BITS) - 1)
        uniform = (high << np.uint64(STEP_BITS) | low).astype(np.int64)
        return np.minimum(self._from_uniform(uniform), cap)

    def nearest(self, cents: Cents) -> Cents:
        """The amount itself: every amount is possible."""
        return cents

    def _from_uniform(self, uniform: Integers) -> CentsArray:
        normal = _standard_normal(uniform)
        return _exp2_cents(self.centre + ((normal * self.slope) >> _PRODUCT_BITS))

    def _reach(self, cap: CentsArray) -> Integers:
        """The number of steps, from the lowest, that give at most the cap. There are 2^32 steps of 2^21 uniforms."""
        room = _log2_at_most(np.minimum(cap, MAX_AMOUNT_CENTS - 1)) - self.centre
        normal = (((room + 1) << _PRODUCT_BITS) - 1) // max(self.slope, 1)
        if self.slope == 0:
            normal = np.where(room >= 0, MOST_NORMAL, -MOST_NORMAL)
        uniform = _uniform_at_most(np.minimum(np.maximum(normal, -MOST_NORMAL), MOST_NORMAL))
        reach: Integers = np.where(cap < MAX_AMOUNT_CENTS, (uniform + 1) >> STEP_BITS, 1 << (DRAW_BITS - STEP_BITS))
        return reach


@dataclass(frozen=True)
class Constant:
    """The same amount whatever is drawn, or a list of amounts: a draw is then a place in it, the last one if beyond.

    Under a cap it is what the cap leaves of the amount.
    """

    amount: CentsArray | Cents

    def cents(self, draws: Words) -> CentsArray:
        """The amount for each draw."""
        if isinstance(self.amount, np.ndarray):
            return self.amount[np.minimum(draws, np.uint64(self.amount.size - 1)).astype(np.int64)]
        return np.full(draws.shape, self.amount, dtype=np.int64)

    def cents_at_most(self, draws: Words, cap: CentsArray) -> CentsArray:
        """The amount, or the cap (same shape as the draws, ≥ 1) where that is less."""
        return np.minimum(self.cents(draws), cap)


@dataclass(frozen=True)
class LogUniform:
    """Amounts from `least` to `greatest` cents, uniform in their logarithm.

    Its log2 goes from `start` to `start` + `span`, in units of 2^-32.
    """

    least: Cents
    greatest: Cents
    start: int
    span: int

    @property
    def mean(self) -> Decimal:
        """The expected amount in cents, without a cap."""
        if self.least == self.greatest:
            return Decimal(self.least)
        least, greatest = Decimal(self.least), Decimal(self.greatest)
        return (greatest - least) / (greatest / least).ln()

    def cents(self, draws: Words) -> CentsArray:
        """One amount per draw, same shape."""
        return self._at(draws, np.full(draws.shape, self.span, dtype=np.int64), np.int64(self.greatest))

    def cents_at_most(self, draws: Words, cap: CentsArray) -> CentsArray:
        """One amount per draw from the distribution truncated at `cap` (same shape, ≥ 1), or the cap below it."""
        span = np.minimum(np.maximum(_log2_at_most(np.minimum(cap, self.greatest)) - self.start, 0), self.span)
        return np.minimum(self._at(draws, span, np.minimum(cap, self.greatest)), cap)

    def nearest(self, cents: Cents) -> Cents:
        """The possible amount nearest to this one."""
        return min(max(cents, self.least), self.greatest)

    def _at(self, draws: Words, span: Integers, greatest: CentsArray | np.int64) -> CentsArray:
        # The span is below 2^38, so that its upper 32 bits times 32 bits of the draw fit into a word.
        part = (draws >> np.uint64(32)) * (span >> 6).astype(np.uint64) >> np.uint64(26)
        found: CentsArray = np.minimum(
            np.maximum(_exp2_cents(self.start + part.astype(np.int64)), self.least), greatest
        )
        return found


@dataclass(frozen=True)
class PricePoints:
    """Fixed amounts, ascending; the amount of a draw is the first whose threshold is above it."""

    amounts: CentsArray
    thresholds: Words

    @property
    def mean(self) -> Decimal:
        """The expected amount in cents, without a cap."""
        edges = [0, *self.thresholds.tolist(), 2**64]
        shares = (late - early for early, late in pairwise(edges))
        return sum((Decimal(a) * s / 2**64 for a, s in zip(self.amounts.tolist(), shares, strict=True)), Decimal(0))

    def cents(self, draws: Words) -> CentsArray:
        """One amount per draw, same shape."""
        return self.amounts[np.searchsorted(self.thresholds, draws, side="right")]

    def cents_at_most(self, draws: Words, cap: CentsArray) -> CentsArray:
        """One of the amounts within the cap (same shape, ≥ 1) per draw; 0 where the cap is below all of them.

        The weights of the amounts that are too large go to the others in proportion.
        """
        fitting = np.searchsorted(self.amounts, cap, side="right")
        reach = np.append(self.thresholds, np.uint64(2**64 - 1))[np.maximum(fitting, 1) - 1]
        scaled = (draws >> np.uint64(32)) * (reach >> np.uint64(32))
        chosen = np.minimum(np.searchsorted(self.thresholds, scaled, side="right"), np.maximum(fitting, 1) - 1)
        return np.where(fitting > 0, self.amounts[chosen], 0)

    def nearest(self, cents: Cents) -> Cents:
        """The possible amount nearest to this one; of two the smaller."""
        amounts: list[Cents] = self.amounts.tolist()
        return min(amounts, key=lambda amount: abs(amount - cents))


# Where the amounts of a rail come from.
Amounts = Lognormal | LogUniform | PricePoints


def log_uniform(least: Cents, greatest: Cents) -> LogUniform:
    """The sampler for amounts from `least` to `greatest` cents, both included, uniform in their logarithm."""
    with localcontext() as context:
        context.prec = 40
        ln2 = Decimal(2).ln()
        start, end = (round(Decimal(cents).ln() / ln2 * 2**_LOG_BITS) for cents in (least, greatest))
    return LogUniform(least, greatest, start, max(end - start, 0))


def price_points(amounts: Sequence[Cents], weights: Sequence[Decimal]) -> PricePoints:
    """The sampler for these amounts in cents, each as often as its weight says; equal amounts add up."""
    together: dict[Cents, Decimal] = {}
    for cents, weight in zip(amounts, weights, strict=True):
        together[cents] = together.get(cents, Decimal(0)) + weight
    ordered, total, sums = sorted(together), sum(together.values()), Decimal(0)
    thresholds = []
    for cents in ordered[:-1]:
        sums += together[cents]
        thresholds.append(int(sums * 2**64 / total))
    return PricePoints(np.array(ordered, dtype=np.int64), np.array(thresholds, dtype=np.uint64))


def lognormal(mu_dollars: Decimal, sigma: Decimal) -> Lognormal:
    """The sampler for ln(dollars) ~ Normal(mu, sigma). It is the same everywhere: `Decimal.ln` rounds correctly."""
    with localcontext() as context:
        context.prec = 40
        ln2 = Decimal(2).ln()
        centre = (mu_dollars + Decimal(CENTS_PER_DOLLAR).ln()) / ln2
        return Lognormal(round(centre * 2**_LOG_BITS), round(sigma / ln2 * 2**_SLOPE_BITS))


@dataclass(frozen=True)
class Poisson:
    """Poisson counts by exact thresholds: the count is `first` + the number of thresholds at or below the draw."""

    first: int
    thresholds: Words

    def counts(self, draws: Words) -> Integers:
        """One count per draw, same shape."""
        return self.first + np.searchsorted(self.thresholds, draws, side="right").astype(np.int64)


@cache
def poisson(mean: Decimal) -> Poisson:
    """The sampler for a mean of 0 to 60,000. Its thresholds are P(N ≤ k) in units of 2^-64, by `Decimal`."""
    with localcontext() as context:
        context.prec = 60
        term = (-mean).exp()
        total, first, thresholds, k = term, 0, list[int](), 0
        while True:
            threshold = int(total * 2**64)
            if threshold >= 2**64 - 1:
                break
            if threshold == 0:
                first = k + 1
            else:
                thresholds.append(threshold)
            k += 1
            term = term * mean / k
            if k > mean and term * 2**80 < 1:
                break
            total += term
    return Poisson(first, np.array(thresholds, dtype=np.uint64))
