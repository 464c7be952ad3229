"""Samplers in integer arithmetic: lognormal amounts in cents, with or without a cap, and Poisson counts.

No floating-point function touches a value, because `exp` and `log` differ between processors and NumPy versions.
`tools/derive_tables.py` derives the two tables.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path

import numpy as np

from seedbed.money import CENTS_PER_DOLLAR, MAX_AMOUNT_CENTS
from seedbed.units import Cents, CentsArray, Integers, Words

__all__ = ["Constant", "Lognormal", "Poisson", "lognormal", "poisson"]


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
    """A fixed amount, the same for all draws or one for each draw. A cap reduces it."""

    amount: CentsArray | Cents

    def cents(self, draws: Words) -> CentsArray:
        """The amount for each draw."""
        return np.full(draws.shape, self.amount, dtype=np.int64)

    def cents_at_most(self, draws: Words, cap: CentsArray) -> CentsArray:
        """The amount, or the cap (same shape as the draws, ≥ 1) where that is less."""
        return np.minimum(self.cents(draws), cap)


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
