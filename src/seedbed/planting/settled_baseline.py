"""The settled baseline under the plants: its ticks, its balances, and its payments under caps."""

from collections.abc import Mapping
from dataclasses import dataclass

from seedbed.baseline.sweeps import Sweeps, TickTotals
from seedbed.units import AccountIndex, CentsArray, DayOrdinal, NodeIndex, RailIndex

__all__ = ["SettledBaseline"]


@dataclass(frozen=True, kw_only=True)
class SettledBaseline:
    """The baseline under the plants, as block 0 sees it.

    `totals` and `sweeps` are those of the ticks without plants. `nets` and `stored` are the day nets and stored
    balances of block 0's accounts, shape (accounts, days). `paid` has the payments under caps per rail index, shape
    (accounts, cap days), from the day before the window. `collected` are the (node, unit account, day) with a
    transfer whose key is the account and the day; an account of -1 stands for none.
    """

    totals: TickTotals
    sweeps: Sweeps
    nets: CentsArray
    stored: CentsArray
    paid: Mapping[RailIndex, CentsArray]
    collected: frozenset[tuple[NodeIndex, AccountIndex, DayOrdinal]]
    blocks: int
