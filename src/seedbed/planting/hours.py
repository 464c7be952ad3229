"""When planted legs post, and which tick takes them: as the baseline's do, and without moving any tick."""

from collections.abc import Callable, Sequence

import numpy as np

from seedbed.baseline.block import Work
from seedbed.baseline.stage import CHILD_DELAY, CHILD_SPREAD, CLOSING_SPREAD
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.program import Node
from seedbed.plan.rails import RailPlan
from seedbed.planting.base import Base

__all__ = ["Hours"]

Below = Callable[[int], int]


class Hours:
    """The hours of a dataset's rails and the ticks of its sweeps, for planting. Seconds are second ordinals."""

    def __init__(self, work: Work, base: Base) -> None:
        self.work = work
        self.base = base

    # ---- ticks --------------------------------------------------------------------------------------------------

    def bundled(self, rail: RailPlan, node: Node) -> bool:
        """Whether some sweep that can post bundles a rail of a node."""
        return (rail.index, node.index) in self.work.program.bundlers

    def tick_at(self, rail: RailPlan, node: Node, second: int, swept: bool = False) -> int:
        """The tick that would take a leg posted at this second, -1 for none.

        What a sweep brought about (`swept`) is taken by sweeps that come after it, and by none that posts before.
        """
        table, program = self.work.ticks, self.work.program
        bundlers = program.bundlers.get((rail.index, node.index), ())
        if swept:
            bundlers = tuple(index for index in bundlers if program.place[index] > program.place[node.index])
        unlimited = [index for index in bundlers if index not in table.budget]
        return int(table.tick_of(unlimited or bundlers, np.array([second], dtype=np.int64))[0])

    def sweep_of(self, tick: int) -> Node:
        """The aggregating rail of a tick."""
        return self.work.program.nodes[int(self.base.sweeps.node[tick])]

    def tick_second(self, tick: int) -> int:
        """When a tick posts; the nominal second where the baseline has nothing for it."""
        if self.base.sweeps.posted[tick]:
            return int(self.base.sweeps.second[tick])
        index = int(self.base.sweeps.node[tick])
        return int(self.work.ticks.ticks[index].nominal[tick - self.work.ticks.first[index]])

    def room(self, tick: int) -> int | None:
        """What a tick may still bundle under the cap of the account that it debits, in cents; None without a cap."""
        budget = self.work.ticks.budget.get(int(self.base.sweeps.node[tick]))
        return None if budget is None else budget * self.base.blocks - abs(int(self.base.totals.cents[tick]))

    def empty(self, tick: int) -> bool:
        """Whether the baseline has nothing for a tick to bundle."""
        return not self.base.totals.count[tick]

    # ---- hours --------------------------------------------------------------------------------------------------

    def band(self, rail: RailPlan, node: Node, day: int, bundle: bool) -> tuple[int, int]:
        """A rail's hours on a day: first second and end; with `bundle` cut so that the day's last tick follows."""
        start = day * DAY_SECONDS + rail.kind.band_start
        end = day * DAY_SECONDS + rail.kind.band_end
        return start, self._cut(rail, node, start, end) if bundle else end

    def _cut(self, rail: RailPlan, node: Node, start: int, end: int) -> int:
        tick = self.tick_at(rail, node, end - 1) if self.bundled(rail, node) else -1
        posting = self.tick_second(tick) if tick >= 0 else end
        return posting if start < posting < end else end

    def primary(self, node: Node, day: int, below: Below, bundle: bool) -> dict[int, int]:
        """Seconds per rail index of what fires by itself: one for all where one-leg rails fire together."""
        rails = [rail for rail in node.rails if not rail.variable]
        together = len(node.rails) > 1 and any(not rail.two_leg for rail in node.rails)
        midnight = day * DAY_SECONDS
        start = midnight + max(rail.kind.band_start for rail in node.rails)
        end = midnight + min(rail.kind.band_end for rail in node.rails) - (CLOSING_SPREAD + 1 if node.closing else 0)
        if together and end > start:
            limit = min((self._cut(rail, node, start, end) if bundle else end) for rail in node.rails)
            shared = start + below(limit - start)
            seconds = {rail.index: shared for rail in rails}
        else:
            bands = {rail.index: self.band(rail, node, day, bundle) for rail in rails}
            seconds = {index: first + below(limit - first) for index, (first, limit) in bands.items()}
        return self._closed(node, seconds, day, CLOSING_SPREAD, below)

    def ticks_on(self, node: Node, day: int) -> list[int]:
        """When an intraday sweep posts on a day: the seconds of its ticks. Others have hours instead."""
        if node.driver.cadence is None or node.driver.cadence.family != "intraday":
            return []
        span = self.work.ticks.of(node)
        here = np.flatnonzero(self.work.ticks.ticks[node.index].day == day) + span.start
        return [self.tick_second(tick) for tick in here.tolist()]

    def sweep(self, node: Node, day: int, below: Below) -> dict[int, int]:
        """The second of a planted sweep: that of a tick of the day, else one in the hours of its kind."""
        ticks = self.ticks_on(node, day)
        if not ticks:
            return self.primary(node, day, below, bundle=False)
        return {node.driver.index: ticks[below(len(ticks))]}

    def child(self, node: Node, day: int, after: int, below: Below) -> dict[int, int]:
        """Seconds per rail index of a chain child: 60 to 899 s after its parent, less late in the evening."""
        room = (day + 1) * DAY_SECONDS - 1 - after
        delay = min(CHILD_DELAY + below(CHILD_SPREAD), room // 2)
        shared = after + max(delay, min(room, 1))
        return self._closed(node, {rail.index: shared for rail in node.rails if not rail.variable}, day, 1, below)

    def fixed(self, rails: Sequence[RailPlan], second: int) -> dict[int, int]:
        """The same second for all."""
        return {rail.index: second for rail in rails}

    def _closed(self, node: Node, seconds: dict[int, int], day: int, spread: int, below: Below) -> dict[int, int]:
        if node.closing is not None:
            last = max(seconds.values(), default=day * DAY_SECONDS + node.driver.kind.band_start)
            seconds[node.closing.index] = min(last + 1 + below(spread), (day + 1) * DAY_SECONDS - 1)
        return seconds
