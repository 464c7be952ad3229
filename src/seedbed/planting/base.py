"""The baseline that is planted on: its ticks, its balances, and what it pays out under caps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seedbed.baseline.system import Sweeps, TickTotals
from seedbed.plan.rails import RailPlan
from seedbed.plan.window import Window

__all__ = ["Base", "Spent"]

Integers = npt.NDArray[np.int64]


class Spent:
    """What the baseline pays out under caps, per rail, account of block 0 and cap day.

    `paid` maps rail indices to cents of shape (accounts, cap days); the first cap day is the one before the window.
    """

    def __init__(self, window: Window, paid: Mapping[int, Integers]) -> None:
        self._first = window.first - 1
        self.paid = paid

    def cents(self, rail: RailPlan, account: int, day: int) -> int:
        """The flow of one account by one rail on a cap day."""
        paid, place = self.paid.get(rail.index), day - self._first
        return int(paid[account, place]) if paid is not None and 0 <= place < paid.shape[1] else 0


@dataclass(frozen=True)
class Base:
    """The baseline that is planted on, as far as block 0 sees it.

    `totals` and `sweeps` are the ticks' without any plant; `nets` and `stored` the day nets and stored balances of
    block 0's accounts, shape (accounts, days), in cents; `spent` the flow under caps. `collected` are the (node, unit
    account, day) that have a transfer whose key is the account and the day; an account of -1 stands for none.
    """

    totals: TickTotals
    sweeps: Sweeps
    nets: Integers
    stored: Integers
    spent: Spent
    collected: frozenset[tuple[int, int, int]]
    blocks: int
