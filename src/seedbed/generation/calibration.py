"""How much a planted fan-out must move to stand out: measured on the pairs of accounts of the baseline."""

import math
from dataclasses import dataclass

import numpy as np

from seedbed.generation.foundation import Foundation
from seedbed.plan.calendar import DAY_SECONDS

__all__ = ["PairStatistics", "pair_statistics"]

# The z-score that the boost aims at, above the 3.0 that a fan-out has to reach with everything else that is planted.
AIM, LEAST = 4.0, 3.3
MOST_CENTS = 2**50


@dataclass(frozen=True)
class PairStatistics:
    """The population of `volume_anomalies` in block 0's baseline: rows, and their sum and sum of squares in dollars.

    A row is a pair and a day of activity, its value the sum of that and the previous calendar day; the recipient is
    an account of a template.
    """

    rows: int
    total: float
    squares: float

    def z_score(self, cents: int, senders: int) -> float:
        """The population z-score of `senders` more rows of so many cents each."""
        value, count = cents / 100, self.rows + senders
        mean = (self.total + senders * value) / count
        variance = (self.squares + senders * value * value) / count - mean * mean
        return (value - mean) / math.sqrt(variance) if variance > 0 else 0.0

    def most_senders(self) -> int:
        """How many equal outliers can all reach the least z-score: with k of them among n rows it is below √(n/k)."""
        return int(self.rows / LEAST**2)

    def needed(self, senders: int) -> int:
        """The cents per transfer at which a fan-out of so many senders stands out; 0 where no amount does."""
        limit = math.sqrt(self.rows / senders) if senders else 0.0
        aim = min(AIM, (LEAST + limit) / 2)
        if limit <= LEAST:
            return 0
        low, high = 0, 1
        while high < MOST_CENTS and self.z_score(high, senders) < aim:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.z_score(middle, senders) >= aim else (middle, high)
        # A round figure of hundreds of dollars.
        return -(-high // 100_00) * 100_00


def pair_statistics(foundation: Foundation) -> PairStatistics:
    """Measures block 0, which stands for the others: they have the same rails and the same mix of accounts."""
    view = foundation.survey.view
    template = np.array([c.template for c in view.classes], dtype=np.bool_)[view.class_index]
    pairs, days, cents = [], [], []
    for _, firing, _ in foundation.block(0).firings():
        if firing.rail.two_leg and len(firing):
            here = np.flatnonzero(template[firing.accounts[1]] & (firing.cents > 0))
            pairs.append(firing.accounts[0][here] * len(view) + firing.accounts[1][here])
            days.append(firing.second[here] // DAY_SECONDS)
            cents.append(firing.cents[here])
    if not pairs:
        return PairStatistics(0, 0.0, 0.0)
    first = foundation.work.window.first
    span = foundation.work.window.last - first + 2
    key, place = np.unique(np.concatenate(pairs) * span + (np.concatenate(days) - first + 1), return_inverse=True)
    sums = np.zeros(key.size, dtype=np.int64)
    np.add.at(sums, place, np.concatenate(cents))
    before = np.searchsorted(key, key - 1)
    follows = key[before] == key - 1
    rolling = (sums + np.where(follows, sums[before], 0)) / 100
    return PairStatistics(int(key.size), float(rolling.sum()), float((rolling * rolling).sum()))
