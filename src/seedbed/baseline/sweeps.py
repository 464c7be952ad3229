"""Posts the sweeps from the shared totals of all blocks, and fires the chain children of the sweeps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seedbed.baseline.block import Block, Setup, follow
from seedbed.baseline.bundling import bundle
from seedbed.baseline.fire import fire, transfer_salt, transfer_words
from seedbed.baseline.firings import Batch, Fired, RailFirings, Transfers, concatenate
from seedbed.baseline.placement import FiringContext, leg_accounts
from seedbed.draw.address import below, counters, draw
from seedbed.program.nodes import Node
from seedbed.program.window import Ticks
from seedbed.units import (
    DAY_SECONDS,
    AccountIndices,
    CapIndex,
    CentsArray,
    DayOrdinals,
    Flags,
    Integers,
    NodeIndex,
    NodeIndices,
    SecondOrdinals,
    TickIndices,
    Words,
)

__all__ = ["Sweeps", "TickTotals", "sweep", "tick_accounts", "tick_seconds", "tick_totals", "totals_of"]


# If a leg posts after the last tick of the day is due, the tick comes within half an hour after the leg.
LATE_TICK_SPREAD_SECONDS = 1800


@dataclass(frozen=True)
class TickTotals:
    """Per tick: the bundled cents (gross of two-leg, net of one-leg firings), their count, the latest second."""

    cents: CentsArray
    count: Integers
    latest: SecondOrdinals


def tick_totals(size: int) -> TickTotals:
    """Empty totals."""
    return TickTotals(*(np.zeros(size, dtype=np.int64) for _ in range(3)))


def add_totals(totals: TickTotals, firing: RailFirings, tick: TickIndices) -> None:
    """Adds one rail's firings to the totals, in place."""
    chosen = np.flatnonzero(tick >= 0)
    np.add.at(totals.cents, tick[chosen], firing.cents[chosen])
    np.add.at(totals.count, tick[chosen], 1)
    np.maximum.at(totals.latest, tick[chosen], firing.second[chosen])


def totals_of(setup: Setup, block: Block) -> TickTotals:
    """The contribution of one block to the ticks."""
    totals = tick_totals(setup.ticks.count)
    for _, firing, tick in block.firings():
        add_totals(totals, firing, tick)
    return totals


@dataclass(frozen=True, kw_only=True)
class Sweeps:
    """The results of the sweeps: `block` has the firings. The other arrays have one value per tick.

    They are the words of its transfer, its second, whether it posted, and the index of the aggregating node.
    """

    block: Block
    words: tuple[Words, Words]
    second: SecondOrdinals
    posted: Flags
    node: NodeIndices


def sweep(setup: Setup, totals: TickTotals, spent: Mapping[CapIndex, CentsArray]) -> Sweeps:
    """Posts every tick that has something to bundle, then the chain children of the sweeps.

    The postings of sweeps and their children are added to the `totals` of the blocks, in place. `spent` is the
    blocks' spending of caps.
    """
    block_accounts = setup.program.universe.block_accounts(0)
    context = setup.context(block_accounts, spent)
    size = setup.ticks.count
    words = (np.zeros(size, np.uint64), np.zeros(size, np.uint64))
    second, posted = np.zeros(size, np.int64), np.zeros(size, np.bool_)
    pending: dict[NodeIndex, list[Batch]] = {}
    fired: list[Fired] = []
    ticks: list[tuple[TickIndices, ...]] = []
    done: set[NodeIndex] = set()
    for index in setup.program.order:
        node = setup.program.nodes[index]
        parts = [fire(context, node, batch) for batch in pending.pop(index, []) if batch.address.size]
        if node.aggregates:
            done.add(index)
            part, place = _post(setup, context, node, totals)
            words[0][place], words[1][place] = part.transfers.words
            second[place] = part.last_second()
            posted[place] = True
            parts = [part] if place.size else []
        if not parts:
            continue
        one = concatenate(node, parts)
        fired.append(one)
        ticks += bundle(setup.program, setup.ticks, [one], frozenset(done))
        for firing, tick in zip(one.firings, ticks[-1], strict=True):
            add_totals(totals, firing, tick)
        follow(context, one, pending)
    nodes = np.repeat(
        np.array(list(setup.ticks.first), dtype=np.int64), [t.day.size for t in setup.ticks.ticks.values()]
    )
    return Sweeps(
        block=Block(block_accounts, tuple(fired), tuple(ticks), {}),
        words=words,
        second=second,
        posted=posted,
        node=nodes,
    )


def tick_accounts(setup: Setup, node: Node, ticks: TickIndices) -> AccountIndices:
    """The accounts on which these ticks of a sweep post, if they post, shape (legs, ticks); -1 for none."""
    context = setup.context(setup.program.universe.block_accounts(0))
    local = ticks - setup.ticks.of(node).start
    return leg_accounts(context, node, node.driver, _at_ticks(setup.ticks.ticks[node.index], local), None)


def _at_ticks(ticks: Ticks, local: Integers) -> Batch:
    """A transfer for each of these ticks of a sweep. Ticks are given as indices among its ticks."""
    address = counters(ticks.day[local], 0, ticks.number[local]) if local.size else np.empty(0, np.uint64)
    none = np.zeros(local.size, dtype=np.uint64)
    return Batch(
        owner="",
        address=address,
        transfer=np.arange(local.size),
        transfer_address=address,
        day=ticks.day[local],
        unit=np.full(local.size, -1, dtype=np.int64),
        parent=(none, none),
    )


def _post(setup: Setup, context: FiringContext, node: Node, totals: TickTotals) -> tuple[Fired, TickIndices]:
    """The transfers of one sweep and their ticks, for ticks with something to bundle and accounts to post on."""
    ticks, span = setup.ticks.ticks[node.index], setup.ticks.of(node)
    local = np.flatnonzero(totals.count[span])
    batch = _at_ticks(ticks, local)
    accounts = leg_accounts(context, node, node.driver, batch, None)
    address, none = batch.address, batch.parent[0]
    kept = np.flatnonzero((accounts >= 0).all(axis=0))
    local, address, accounts, none = local[kept], address[kept], accounts[:, kept], none[kept]
    cents = np.abs(totals.cents[span][local])
    if not node.driver.two_leg:
        cents = cents * node.driver.legs[0].sign
    firing = RailFirings(
        node=node,
        rail=node.driver,
        transfer=np.arange(local.size),
        accounts=accounts,
        cents=cents,
        second=tick_seconds(
            ticks.nominal[local],
            ticks.day[local],
            totals.latest[span][local],
            draw(context.key(node, "late-tick"), address),
        ),
        number=np.zeros(local.size, dtype=np.int64),
        salt=draw(context.key(node, "salt", ""), address),
    )
    transfers = Transfers(
        words=transfer_words(context, node, "", address),
        parent=(none, none),
        day=ticks.day[local],
        unit=np.full(local.size, -1, dtype=np.int64),
        salt=transfer_salt(context, node, "", address),
    )
    return Fired(node, transfers, (firing,)), span.start + local


def tick_seconds(nominal: SecondOrdinals, day: DayOrdinals, latest: SecondOrdinals, draws: Words) -> SecondOrdinals:
    """The second of each tick: its nominal second, or soon after the latest posting that it bundles.

    Arrays have one value per tick.
    """
    room = (day + 1) * DAY_SECONDS - 1 - latest
    spread = np.clip(room // 2, 1, LATE_TICK_SPREAD_SECONDS)
    late = np.minimum(latest + 1 + below(draws, spread), (day + 1) * DAY_SECONDS - 1)
    return np.where(latest >= nominal, late, nominal)
