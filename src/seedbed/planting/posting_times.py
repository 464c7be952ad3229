"""The posting times of planted legs, and the ticks that take them, by the rules of the baseline. No tick moves."""

import numpy as np

from seedbed.baseline.block import Setup
from seedbed.baseline.sweeps import tick_accounts
from seedbed.planting.settled_baseline import SettledBaseline
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import (
    DAY_SECONDS,
    AccountIndex,
    Cents,
    DayOrdinal,
    NodeIndex,
    RailIndex,
    SecondOfDay,
    SecondOrdinal,
    TickIndex,
)

__all__ = ["PostingTimes"]


class PostingTimes:
    """The hours of rails and the ticks of sweeps of a dataset, for planting."""

    def __init__(self, setup: Setup, baseline: SettledBaseline) -> None:
        self.setup = setup
        self.baseline = baseline
        self._accounts: dict[TickIndex, tuple[AccountIndex, ...]] = {}
        self._ends: dict[tuple[NodeIndex, DayOrdinal], dict[RailIndex, SecondOfDay]] = {}

    # ---- ticks --------------------------------------------------------------------------------------------------

    def bundled(self, rail: RailPlan, node: Node) -> bool:
        """Whether some sweep that can post bundles a rail of a node."""
        return (rail.index, node.index) in self.setup.program.bundlers

    def tick_at(self, rail: RailPlan, node: Node, second: SecondOrdinal, swept: bool = False) -> TickIndex:
        """The tick that would take a leg posted at this second; -1 if there is none.

        Only later sweeps can take a leg that a sweep caused (`swept`).
        """
        table, program = self.setup.ticks, self.setup.program
        bundlers = program.bundlers.get((rail.index, node.index), ())
        if swept:
            bundlers = tuple(index for index in bundlers if program.place[index] > program.place[node.index])
        return int(table.tick_of(bundlers, np.array([second], dtype=np.int64))[0])

    def sweep_of(self, tick: TickIndex) -> Node:
        """The aggregating rail of a tick."""
        return self.setup.program.nodes[int(self.baseline.sweeps.node[tick])]

    def tick_second(self, tick: TickIndex) -> SecondOrdinal:
        """The second at which a tick posts. If the baseline has nothing for it, the nominal second."""
        if self.baseline.sweeps.posted[tick]:
            return int(self.baseline.sweeps.second[tick])
        index = self.sweep_of(tick).index
        return int(self.setup.ticks.ticks[index].nominal[tick - self.setup.ticks.first[index]])

    def room(self, tick: TickIndex) -> Cents | None:
        """The amount that a tick may still bundle under the caps of its accounts; None without a cap."""
        budget = self.setup.ticks.budget.get(self.sweep_of(tick).index)
        return None if budget is None else budget * self.baseline.blocks - abs(int(self.baseline.totals.cents[tick]))

    def accounts_of(self, tick: TickIndex) -> tuple[AccountIndex, ...]:
        """The accounts on which a tick posts, one per leg; -1 for none."""
        if tick not in self._accounts:
            accounts = tick_accounts(self.setup, self.sweep_of(tick), np.array([tick]))
            self._accounts[tick] = tuple(accounts[:, 0].tolist())
        return self._accounts[tick]

    def empty(self, tick: TickIndex) -> bool:
        """Whether the baseline has nothing for a tick to bundle."""
        return not self.baseline.totals.count[tick]

    # ---- hours --------------------------------------------------------------------------------------------------

    def band(self, rail: RailPlan, node: Node, day: DayOrdinal, bundle: bool) -> tuple[SecondOfDay, SecondOfDay]:
        """A rail's hours on a day: first second and end. With `bundle` they end in time for the day's last tick.

        A Variable leg, which posts after the others, has the hours of its kind.
        """
        bands = node.bands[1].get(rail.index, (rail.kind.band_start, rail.kind.band_end))
        start, end = (day * DAY_SECONDS + second for second in bands)
        return start, self._cut(rail, node, start, end) if bundle else end

    def _cut(self, rail: RailPlan, node: Node, start: SecondOfDay, end: SecondOfDay) -> SecondOfDay:
        tick = self.tick_at(rail, node, end - 1) if self.bundled(rail, node) else -1
        posting = self.tick_second(tick) if tick >= 0 else end
        return posting if start < posting < end else end

    def ends(self, node: Node, day: DayOrdinal) -> dict[RailIndex, SecondOfDay]:
        """The ends of the hours of a node's rails on a day, in time for the day's last tick."""
        place = node.index, day
        if place not in self._ends:
            self._ends[place] = self._ends_on(node, day)
        return self._ends[place]

    def _ends_on(self, node: Node, day: DayOrdinal) -> dict[RailIndex, SecondOfDay]:
        together, bands = node.bands
        midnight = day * DAY_SECONDS
        span = next(iter(bands.values()), (0, 0))
        cut = {
            rail.index: self._cut(rail, node, midnight + start, midnight + end) - midnight
            for rail in node.rails
            if together or not rail.variable
            for start, end in (bands.get(rail.index, span),)
        }
        return dict.fromkeys(cut, min(cut.values())) if together else cut

    def ticks_on(self, node: Node, day: DayOrdinal) -> list[SecondOrdinal]:
        """The nominal seconds of an intraday sweep's ticks on a day. Other rails have hours instead."""
        if node.driver.cadence is None or node.driver.cadence.family != "intraday":
            return []
        ticks = self.setup.ticks.ticks[node.index]
        found: list[SecondOrdinal] = ticks.nominal[ticks.day == day].tolist()
        return found
