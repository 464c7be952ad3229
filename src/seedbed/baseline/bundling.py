"""Bundling: finds the tick of an aggregating rail that takes each firing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.baseline.firings import Fired
from seedbed.program.nodes import Node, Program
from seedbed.program.window import Ticks, Window, build_ticks
from seedbed.units import Cents, NodeIndex, SecondOrdinals, TickIndex, TickIndices

__all__ = ["TickTable", "build_tick_table", "bundle"]


NOT_BUNDLED = -1


@dataclass(frozen=True)
class TickTable:
    """The ticks of all aggregating nodes in one numbering: node by node in name order, each in time order.

    If a node debits or credits an account under a cap, `budget` is what one of its ticks may bundle per block: the
    cap, divided evenly among the ticks of the day and the blocks and nodes that feed them. So no tick depends on
    another one.
    """

    ticks: Mapping[NodeIndex, Ticks]
    first: Mapping[NodeIndex, TickIndex]
    budget: Mapping[NodeIndex, Cents]
    count: int

    def of(self, node: Node) -> slice:
        """The range of a node's ticks in the numbering."""
        start = self.first[node.index]
        return slice(start, start + self.ticks[node.index].day.size)

    def tick_of(self, bundlers: Sequence[NodeIndex], second: SecondOrdinals) -> TickIndices:
        """The tick that takes legs posted at these seconds: the first to close, then the first by name.

        A sweep without a cap comes before a sweep under a cap.
        """
        bundlers = [bundler for bundler in bundlers if bundler not in self.budget] or bundlers
        best = np.full(second.shape, NOT_BUNDLED, dtype=np.int64)
        best_closing = np.full(second.shape, np.iinfo(np.int64).max, dtype=np.int64)
        for bundler in bundlers:
            closing = self.ticks[bundler].closing
            place = np.searchsorted(closing, second, side="right")
            found = np.append(closing, np.iinfo(np.int64).max)[place]
            earlier = found < best_closing
            best = np.where(earlier, self.first[bundler] + place, best)
            best_closing = np.where(earlier, found, best_closing)
        return best


def build_tick_table(program: Program, window: Window) -> TickTable:
    """The ticks of a program in a window."""
    sweeps = sorted((node for node in program.nodes if node.aggregates), key=lambda node: node.name)
    ticks = {node.index: build_ticks(node.driver, window, program.keys) for node in sweeps}
    first, count = {}, 0
    for node in sweeps:
        first[node.index] = count
        count += int(ticks[node.index].day.size)
    budget: dict[NodeIndex, Cents] = {}
    for node in sweeps:
        for caps in node.driver.caps:
            posted_on = program.universe.with_role(node.driver.legs[caps.leg].roles)
            capped = [c for c in posted_on if c.parent_role in caps.limits]
            if not capped:
                continue
            numbers = ticks[node.index].number
            per_day = int(numbers.max()) + 1 if numbers.size else 1
            # Where the capped account's day is shifted, the ticks of two calendar days can fall into one cap day.
            days = 2 if any(c.offset_seconds for c in capped) else 1
            cap = min(caps.lowest[str(c.parent_role)] for c in capped)
            share = cap // (per_day * days * _feeders(program, node))
            budget[node.index] = min(budget.get(node.index, share), share)
    return TickTable(ticks, first, budget, count)


def _feeders(program: Program, node: Node) -> int:
    """The number of independent sources of firings for one tick of a sweep.

    They are the blocks, and every bundled node that fires after the ticks and before the sweep.
    """
    before = program.order[: program.order.index(node.index)]
    fed = {other for (_, other), bundlers in program.bundlers.items() if node.index in bundlers}
    return program.universe.blocks + sum(program.nodes[other].after_ticks for other in fed.intersection(before))


def bundle(
    program: Program, table: TickTable, fired: Sequence[Fired], done: frozenset[NodeIndex] = frozenset()
) -> tuple[tuple[TickIndices, ...], ...]:
    """The tick of every firing (-1 for none), in the shape of `fired`: per node, per rail, one value per firing.

    Sweeps in `done` have posted already and take nothing more.
    """
    ticks = []
    for one in fired:
        found = []
        for firing in one.firings:
            bundlers = [b for b in program.bundlers.get((firing.rail.index, one.node.index), ()) if b not in done]
            found.append(table.tick_of(bundlers, firing.second))
        ticks.append(tuple(found))
    for node in table.budget:
        if node not in done:
            _keep_to_budget(table, node, fired, ticks)
    return tuple(ticks)


def _keep_to_budget(
    table: TickTable, node: NodeIndex, fired: Sequence[Fired], ticks: Sequence[tuple[TickIndices, ...]]
) -> None:
    """Moves firings that a capped sweep cannot carry to its next ticks, first come first served, in place.

    A firing above the whole budget stays unbundled, and so do firings that still wait after the last tick.
    """
    start, stop = table.first[node], table.first[node] + table.ticks[node].day.size
    places = [
        (tick, firing, chosen)
        for one, found in zip(fired, ticks, strict=True)
        for firing, tick in zip(one.firings, found, strict=True)
        if (chosen := np.flatnonzero((tick >= start) & (tick < stop))).size
    ]
    if not places:
        return
    tick = np.concatenate([tick[chosen] for tick, _, chosen in places])
    second = np.concatenate([firing.second[chosen] for _, firing, chosen in places])
    cents = np.concatenate([np.abs(firing.cents[chosen]) for _, firing, chosen in places])
    waiting = np.lexsort((second, tick))
    result = np.full(tick.size, NOT_BUNDLED, dtype=np.int64)
    waiting = waiting[cents[waiting] <= table.budget[node]]
    for number in range(start, stop):
        ready = int(np.searchsorted(tick[waiting], number, side="right"))
        if not ready:
            continue
        carried = int(np.searchsorted(np.cumsum(cents[waiting[:ready]]), table.budget[node], side="right"))
        result[waiting[:carried]] = number
        waiting = waiting[carried:]
    edges = np.cumsum([chosen.size for _, _, chosen in places])[:-1]
    for (old, _, chosen), new in zip(places, np.split(result, edges), strict=True):
        old[chosen] = new
