"""One block: everything that fires for its accounts, and its contribution to the shared totals.

A block depends only on the program and the window, so blocks can be made anywhere and in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from seedbed.bank.links import Patience
from seedbed.baseline.bundling import TickTable, build_tick_table, bundle
from seedbed.baseline.caps import CapLedger
from seedbed.baseline.chains import child_batches
from seedbed.baseline.fire import expect, fire
from seedbed.baseline.firings import Batch, Fired, RailFirings, concatenate
from seedbed.baseline.placement import FiringContext
from seedbed.baseline.scheduled import planned_firings
from seedbed.draw.address import counters, draw
from seedbed.program.accounts import BlockAccounts
from seedbed.program.calendar import business_days
from seedbed.program.nodes import Node, Program
from seedbed.program.window import Window
from seedbed.units import (
    AccountIndices,
    AccountNumbers,
    BlockNumber,
    CapIndex,
    CentsArray,
    DayOrdinals,
    Flags,
    NodeIndex,
    RailIndex,
    SecondOrdinals,
    TickIndices,
    Words,
)

__all__ = ["Block", "Setup", "block_of", "build_work", "cascade"]


# Measured bytes of an empty block, of an account in it, and of a firing with its share of the transfer.
BLOCK_BYTES, ACCOUNT_BYTES, FIRING_BYTES = 15_000, 26, 120


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The constants of all blocks: the program, the window, the ticks, and the number of blocks that fire each rail.

    `edges` are the business days just before and just after the window. The nodes `on_edges` fire on them too, only
    to spend their caps.
    """

    program: Program
    window: Window
    ticks: TickTable
    spenders: Mapping[RailIndex, int]
    edges: DayOrdinals
    on_edges: frozenset[NodeIndex]

    def days(self, node: Node) -> DayOrdinals:
        """The days on which a node fires, ascending: business days, or all days of the window."""
        days = self.window.firing_days(node.always)
        if node.index not in self.on_edges or not days.size:
            return days
        edges = self.edges
        if node.always:
            # The days beyond the window that share a cap day with days in it.
            first, last = self.window.run
            edges = np.arange(min(first, self.window.first - 1), max(last, self.window.last + 1) + 1, dtype=np.int64)
            edges = edges[~self.window.holds(edges)]
        return np.sort(np.concatenate((days, edges)), kind="stable")

    def is_due(self, second: SecondOrdinals, patience: Patience) -> Flags:
        """Whether parents that last posted at these seconds are older than their chain's longest delay.

        The views know business days by the daily balances. Without an account that has balances they know none, and
        nothing that waits for business days is due.
        """
        due = self.window.is_due(second, patience)
        waits = patience.days or patience.rolls
        return due if not waits or self.program.universe.keeps_balances else np.zeros_like(due)

    def context(
        self, block_accounts: BlockAccounts, spent: Mapping[CapIndex, CentsArray] | None = None
    ) -> FiringContext:
        """The context of a block with its shares of the caps or, given `spent`, of the sweeps with the rest."""
        return FiringContext(
            program=self.program,
            window=self.window,
            block_accounts=block_accounts,
            caps=CapLedger(block_accounts=block_accounts, window=self.window, spenders=self.spenders, spent=spent),
        )


def build_work(program: Program, window: Window) -> Setup:
    """Prepares the shared constants of a dataset."""
    # The views take the business days from the balances, which only internal accounts have.
    balances = any(c.internal and (c.count or c.plant or c.plant_numbers) for c in program.universe.classes)
    window = replace(window, merges=program.always and balances)
    spenders = {rail.index: 0 for rail in program.rails}
    for node in program.nodes:
        for rail in node.rails:
            spenders[rail.index] = max(spenders[rail.index], node.block_count)
    around = business_days(window.calendar, window.first - 1, window.last + 1)
    edges = around[~window.holds(around)]
    return Setup(
        program=program,
        window=window,
        ticks=build_tick_table(program, window),
        spenders=spenders,
        edges=edges,
        on_edges=_on_edges(program),
    )


def _on_edges(program: Program) -> frozenset[NodeIndex]:
    """The nodes that also fire on the days around the window, so that overlapping windows agree.

    The cap day of an account with a shifted business day lies on two calendar days, and that of what fires on closed
    days on several; at the edges of the window some of them are outside. So nodes under such caps fire there too, and
    so do their chain parents.
    """
    found = {
        node.index
        for node in program.nodes
        for rail in node.rails
        for caps in rail.caps
        for c in program.universe.with_role(rail.legs[caps.leg].roles)
        if (c.offset_seconds or node.always) and c.parent_role in caps.limits
    }
    for index in reversed(program.order):
        if any(found.intersection(link.members) for link in program.links_from(program.nodes[index])):
            found.add(index)
    return frozenset(found)


@dataclass(frozen=True)
class Block:
    """The firings of one block: `fired` per node, and the tick of each firing (-1 for none).

    `spent` is what the block has spent of the caps of shared accounts, one value per (account, cap day).
    """

    block_accounts: BlockAccounts
    fired: tuple[Fired, ...]
    ticks: tuple[tuple[TickIndices, ...], ...]
    spent: Mapping[CapIndex, CentsArray]

    @property
    def memory(self) -> int:
        """The approximate memory of the block in bytes."""
        firings = sum(len(firing) for fired in self.fired for firing in fired.firings)
        spent = sum(cents.nbytes for cents in self.spent.values())
        return BLOCK_BYTES + len(self.block_accounts) * ACCOUNT_BYTES + firings * FIRING_BYTES + spent

    def firings(self) -> list[tuple[Fired, RailFirings, TickIndices]]:
        """Every (node's fired, rail's firings, ticks)."""
        return [
            (fired, firing, tick)
            for fired, ticks in zip(self.fired, self.ticks, strict=True)
            for firing, tick in zip(fired.firings, ticks, strict=True)
        ]


def block_of(setup: Setup, number: BlockNumber) -> Block:
    """Fires everything that the unit accounts of one block cause."""
    block_accounts = setup.program.universe.block_accounts(number)
    context = setup.context(block_accounts)
    primary = {
        node.index: batches
        for node in setup.program.nodes
        if node.primary and (batches := _primary_batches(setup, context, node))
    }
    fired = cascade(context, primary)
    if setup.on_edges:
        fired = [_inside(context, one) for one in fired]
    spent = context.caps.spent_on_shared(setup.program.rails)
    return Block(block_accounts, tuple(fired), bundle(setup.program, setup.ticks, fired), spent)


def cascade(context: FiringContext, batches: Mapping[NodeIndex, list[Batch]]) -> list[Fired]:
    """Fires these batches and all chain children that follow from them, parents before children."""
    pending = {node: list(found) for node, found in batches.items()}
    result = []
    for index in context.program.order:
        node = context.program.nodes[index]
        waiting = [batch for batch in pending.pop(index, []) if batch.address.size]
        if not waiting:
            continue
        if node.primary and len(waiting) > 1:
            expect(context, node, waiting)
        parts = [fire(context, node, batch) for batch in waiting]
        fired = concatenate(node, parts)
        result.append(fired)
        follow(context, fired, pending)
    return result


def _inside(context: FiringContext, fired: Fired) -> Fired:
    """The firings in the window. Firings outside of it are dropped after their spending of caps was released."""
    inside = context.window.holds(fired.transfers.day)
    if not inside.all():
        for firing in fired.keeping(~inside).firings:
            context.caps.refund(firing)
    return fired.keeping(inside)


def follow(context: FiringContext, fired: Fired, pending: dict[NodeIndex, list[Batch]]) -> None:
    """Adds the chain children of a node's firings to the pending batches."""
    for link in context.program.links_from(fired.node):
        for child, batch in child_batches(context, link, fired):
            pending.setdefault(child, []).append(batch)


def _primary_batches(setup: Setup, context: FiringContext, node: Node) -> list[Batch]:
    """The primary firings of a node: by its schedule, else Poisson counts per unit account and business day."""
    block_accounts, classes = context.block_accounts, node.driver.unit_classes
    if not classes:
        return (
            [_unit_batch(setup, context, node, "", np.array([-1]), np.array([0]))]
            if block_accounts.block == 0
            else []
        )
    batches = []
    for account_class in classes:
        units = block_accounts.units(account_class)
        if units.size:
            batches.append(_unit_batch(setup, context, node, account_class.role, units, block_accounts.number[units]))
    return batches


def _unit_batch(
    setup: Setup, context: FiringContext, node: Node, owner: str, units: AccountIndices, numbers: AccountNumbers
) -> Batch:
    days = setup.days(node)
    if node.schedule is not None:
        planned = planned_firings(context, node, owner, context.block_accounts.block, numbers, days)
        here = planned.day, units[planned.unit], numbers[planned.unit]
        return _batch(node, owner, *here, planned.address)
    day, number = np.repeat(days, units.size), np.tile(numbers, days.size)
    unit = np.tile(units, days.size)
    count = (
        node.driver.counts.counts(draw(context.key(node, "count", owner), counters(day, number, 0)))
        if day.size
        else np.empty(0, np.int64)
    )
    place = np.repeat(np.arange(day.size), count)
    sequence = np.arange(place.size) - np.repeat(np.cumsum(count) - count, count)
    day, unit, number = day[place], unit[place], number[place]
    address = counters(day, number, sequence) if place.size else np.empty(0, np.uint64)
    return _batch(node, owner, day, unit, number, address)


def _batch(
    node: Node, owner: str, day: DayOrdinals, unit: AccountIndices, number: AccountNumbers, address: Words
) -> Batch:
    """Primary firings in order of day and unit as a batch: with a transfer each, or one per unit and day."""
    if node.collects:
        new = np.flatnonzero((np.diff(day, prepend=-1) != 0) | (np.diff(unit, prepend=-2) != 0))
        transfer = np.repeat(np.arange(new.size), np.diff(new, append=day.size))
        transfer_address = counters(day[new], number[new], 0) if new.size else np.empty(0, np.uint64)
        day, unit = day[new], unit[new]
    else:
        transfer, transfer_address = np.arange(day.size), address
    none = np.zeros(day.size, dtype=np.uint64)
    return Batch(
        owner=owner,
        address=address,
        transfer=transfer,
        transfer_address=transfer_address,
        day=day,
        unit=unit,
        parent=(none, none),
    )
