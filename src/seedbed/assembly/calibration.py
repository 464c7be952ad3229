"""Finds the amount with which a planted fan-out stands out, measured on the account pairs of the baseline."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seedbed.assembly.foundation import Foundation
from seedbed.baseline.sweeps import Sweeps
from seedbed.money import CENTS_PER_DOLLAR
from seedbed.planting.planted import Planted, rail_of
from seedbed.planting.transfers import PlantedTransfer, Status
from seedbed.units import DAY_SECONDS, Cents, Integers

__all__ = ["LEAST", "PairStatistics", "fanout_scores", "pair_statistics", "raised_scores", "without_faint_fanouts"]

Floats = npt.NDArray[np.float64]
Edges = tuple[Integers, ...]

FANOUT = "inv_fanout-"

# The z-score that the boost aims at, the z-score that a fan-out must reach beside all other plants, and the z-score
# that the views and the check ask for.
AIM, LEAST, HIGH = 4.0, 3.2, 3.0
MOST_CENTS = 2**50
# Amounts are multiples of a hundred dollars.
ROUND_CENTS = 100_00


@dataclass(frozen=True)
class PairStatistics:
    """The population of `volume_anomalies` in block 0's baseline: rows, and their sum and sum of squares in dollars.

    A row is a pair of accounts and a day with payments. Its value is the sum of that day and the previous calendar
    day. The recipient has the role of a template; it may be a declared account.
    """

    rows: int
    total: float
    squares: float

    def z_score(self, cents: Cents, senders: int) -> float:
        """The population z-score of `senders` more rows of `cents` each."""
        value, count = cents / CENTS_PER_DOLLAR, self.rows + senders
        mean = (self.total + senders * value) / count
        variance = (self.squares + senders * value * value) / count - mean * mean
        return (value - mean) / math.sqrt(variance) if variance > 0 else 0.0

    def most_senders(self) -> int:
        """The most equal outliers that can all reach the least z-score. For k of n rows it is below √(n/k)."""
        return int(self.rows / LEAST**2)

    def needed(self, senders: int) -> Cents:
        """The cents per transfer with which a fan-out of `senders` stands out. 0 if no amount is enough."""
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
        return -(-high // ROUND_CENTS) * ROUND_CENTS


def pair_statistics(foundation: Foundation) -> PairStatistics:
    """Measures block 0. The other blocks have the same rails and the same mix of accounts."""
    _, rolling = _population(foundation, _edges(foundation, foundation.sweeps))
    return PairStatistics(rolling.size, float(rolling.sum()), float((rolling * rolling).sum()))


def fanout_scores(foundation: Foundation, planted: Planted) -> dict[str, float]:
    """The lowest z-score of each planted fan-out's pairs among all pairs of block 0, planted ones included."""
    return _Scores(foundation, planted).of(0) if _fanouts(planted) else {}


def raised_scores(foundation: Foundation, planted: Planted) -> Callable[[int], float]:
    """A function from the number of doublings of the amounts to the lowest score; `LEAST` without a fan-out.

    For doubled amounts it is an estimate without planting again: caps and sweeps may reduce chain children.
    """
    if not _fanouts(planted):
        return lambda raises: LEAST
    scores = _Scores(foundation, planted)
    return lambda raises: min(scores.of(raises).values(), default=LEAST)


def _fanouts(planted: Planted) -> dict[str, list[PlantedTransfer]]:
    """The transfers of each planted fan-out."""
    fanouts: dict[str, list[PlantedTransfer]] = {plant: [] for plant in planted.plants if plant.startswith(FANOUT)}
    for transfer in planted.transfers if fanouts else ():
        fanouts.get(transfer.plant, []).append(transfer)
    return fanouts


class _Scores:
    """Scores of planted fan-outs, with their amounts unchanged or doubled."""

    def __init__(self, foundation: Foundation, planted: Planted) -> None:
        self.foundation, self.fanouts = foundation, _fanouts(planted)
        sweeps = foundation.sweeps_of(planted)
        others = [transfer for transfer in planted.transfers if transfer.plant not in self.fanouts]
        self.fixed = [*_edges(foundation, sweeps), *_planted_edges(foundation, others)]
        raised = [transfer for transfers in self.fanouts.values() for transfer in transfers]
        self.raised = _planted_edges(foundation, raised)
        # Only the transfers of the fan-out's rail, without their chain parents and children.
        self.own = {
            plant: _population(foundation, _planted_edges(foundation, transfers, rail_of(planted.plants[plant])))[0]
            for plant, transfers in self.fanouts.items()
        }

    def of(self, raises: int) -> dict[str, float]:
        """The scores after `raises` doublings of the amounts."""
        raised = [(*rest, cents << raises) for *rest, cents in self.raised]
        key, rolling = _population(self.foundation, [*self.fixed, *raised])
        mean, deviation = float(rolling.mean()), float(rolling.std())
        lowest = {plant: float(rolling[np.searchsorted(key, own)].min()) for plant, own in self.own.items()}
        return {plant: (low - mean) / deviation if deviation else 0.0 for plant, low in lowest.items()}


def without_faint_fanouts(foundation: Foundation, planted: Planted) -> Planted:
    """The same plants, except that fan-outs that do not stand out need not surface in `volume_anomalies`.

    `omitted` has the reason.
    """
    scores = fanout_scores(foundation, planted)
    faint = {plant: f"it does not stand out: its z-score is {z:.1f}" for plant, z in scores.items() if z < HIGH}
    kept = (s for s in planted.surfacings if s.plant not in faint or s.view != "volume_anomalies")
    return replace(planted, surfacings=tuple(kept), omitted=(*planted.omitted, *faint.items())) if faint else planted


def _edges(foundation: Foundation, sweeps: Sweeps) -> list[Edges]:
    """(sender, recipient, calendar day, cents) of the two-leg firings of the baseline, its sweeps included."""
    edges: list[Edges] = []
    for _, firing, _ in (*foundation.block(0).firings(), *sweeps.block.firings()):
        if firing.rail.two_leg and len(firing):
            edges.append((firing.accounts[0], firing.accounts[1], firing.second // DAY_SECONDS, firing.cents))
    return edges


def _planted_edges(
    foundation: Foundation, transfers: Iterable[PlantedTransfer], rail: str | None = None
) -> list[Edges]:
    """The same for Posted planted firings; with `rail` only for firings of that rail."""
    rows = [
        (*firing.accounts, firing.second // DAY_SECONDS, firing.cents)
        for transfer in transfers
        for firing in transfer.firings
        if firing.rail.two_leg
        and firing.status is Status.POSTED
        and rail in (None, firing.rail.name)
        # The views make no edge of legs with different amounts.
        and not firing.short
    ]
    return [tuple(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))] if rows else []


def _population(foundation: Foundation, edges: Sequence[Edges]) -> tuple[Integers, Floats]:
    """An ascending key per (pair, day with payments), and the dollars of that day and the previous calendar day."""
    if not edges:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    block_accounts, first = foundation.survey.block_accounts, foundation.setup.window.first
    roles = {template.role for template in foundation.survey.bank.account_templates}
    template = np.array([c.role in roles for c in block_accounts.classes], dtype=np.bool_)[block_accounts.class_index]
    sender, recipient, day, cents = (np.concatenate(columns) for columns in zip(*edges, strict=True))
    here = np.flatnonzero(template[recipient] & (cents > 0))
    span = foundation.setup.window.last - first + 2
    pair = sender[here] * len(block_accounts) + recipient[here]
    key, place = np.unique(pair * span + (day[here] - first + 1), return_inverse=True)
    if not key.size:
        return key, np.empty(0, np.float64)
    sums = np.zeros(key.size, dtype=np.int64)
    np.add.at(sums, place, cents[here])
    before = np.searchsorted(key, key - 1)
    follows = key[before] == key - 1
    return key, (sums + np.where(follows, sums[before], 0)) / CENTS_PER_DOLLAR
