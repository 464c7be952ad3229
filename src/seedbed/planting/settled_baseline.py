"""The settled baseline under the plants: its ticks, its balances, and what it moves under caps."""

from collections.abc import Mapping
from dataclasses import dataclass

from seedbed.baseline.sweeps import Sweeps, TickTotals
from seedbed.units import AccountIndex, CapIndex, CentsArray, DayOrdinal, NodeIndex

__all__ = ["SettledBaseline"]


@dataclass(frozen=True, kw_only=True)
class SettledBaseline:
    """The baseline under the plants, as block 0 sees it.

    `totals` and `sweeps` are the ticks' without any plant; `nets` and `stored` the day nets and stored balances of
    block 0's accounts, shape (accounts, days); `paid` what it pays out or takes in under caps: shape
    (accounts, cap days), from the day before the window on. `collected` are the (node, unit account, day)
    that have a transfer whose key is the account and the day; an account of -1 stands for none.
    """

    totals: TickTotals
    sweeps: Sweeps
    nets: CentsArray
    stored: CentsArray
    paid: Mapping[CapIndex, CentsArray]
    collected: frozenset[tuple[NodeIndex, AccountIndex, DayOrdinal]]
    blocks: int
