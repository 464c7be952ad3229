"""The baseline that is planted on: its ticks, its balances, and what it pays out under caps."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seedbed.baseline.block import Block
from seedbed.baseline.system import Sweeps, TickTotals
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.rails import RailPlan
from seedbed.plan.window import Window

__all__ = ["Base", "Spent"]

Integers = npt.NDArray[np.int64]


class Spent:
    """What the baseline pays out under caps, per rail, account of block 0 and cap day."""

    def __init__(self, window: Window, blocks: Mapping[int, Integers], sweeps: Block) -> None:
        self._first = window.first - 1
        self._span = window.last - window.first + 3
        self._blocks = blocks
        self._sweeps: dict[tuple[int, int, int], int] = defaultdict(int)
        offsets = sweeps.view.offset_seconds
        for _, firing, _ in sweeps.firings():
            if firing.rail.caps and len(firing):
                account = firing.accounts[0]
                days = (firing.second - offsets[account]) // DAY_SECONDS
                paid = np.maximum(-firing.leg_cents(0), 0)
                for key in zip(account.tolist(), days.tolist(), paid.tolist(), strict=True):
                    self._sweeps[firing.rail.index, key[0], key[1]] += key[2]

    def cents(self, rail: RailPlan, account: int, day: int) -> int:
        """The flow of one account by one rail on a cap day."""
        by_blocks = self._blocks.get(rail.index)
        slot = account * self._span + day - self._first
        known = int(by_blocks[slot]) if by_blocks is not None and 0 <= day - self._first < self._span else 0
        return known + self._sweeps.get((rail.index, account, day), 0)


@dataclass(frozen=True)
class Base:
    """The baseline that is planted on, as far as block 0 sees it.

    `totals` and `sweeps` are the ticks' without any plant; `nets` and `stored` the day nets and stored balances of
    block 0's accounts, shape (accounts, days), in cents; `spent` the flow under caps.
    """

    totals: TickTotals
    sweeps: Sweeps
    nets: Integers
    stored: Integers
    spent: Spent
    blocks: int
