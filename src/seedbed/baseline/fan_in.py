"""Fan-in: which parents share a child transfer, and the batch in which these children fire.

Parents gather per unit account, and those without one for the whole bank. A unit account belongs to one block, and
what has none fires in block 0 or after the ticks, so no block needs to know of another's parents.
"""

import numpy as np

from seedbed.baseline.firings import Batch, Fired
from seedbed.baseline.placement import FiringContext
from seedbed.draw.address import draw, threshold
from seedbed.program.nodes import ChainLink
from seedbed.units import DAY_SECONDS, AccountIndices, CentsArray, DayOrdinals, Flags, Integers, SecondOrdinals

__all__ = ["shared_children"]


def shared_children(
    context: FiringContext,
    link: ChainLink,
    parent: Fired,
    amount: CentsArray,
    last: SecondOrdinals,
    order: Integers,
) -> Batch:
    """The child transfers that the parents at the places `order`, which are in order of posting, share.

    `amount` and `last` are what every parent passes on and its last second. Children come in the order in which their
    last parents post. Of an Optional chain each child has its chance, and the first one always fires.
    """
    transfers, days = parent.transfers, parent.transfers.day
    if parent.node.always and not context.program.nodes[link.members[0]].always:
        # Parents of closed days count into the next business day, soon after whose opening the child follows.
        days, last = _opened(context, link, days, last)
        order = order[days[order] >= 0]
    members = order[np.argsort(transfers.unit[order], kind="stable")]
    ends = _ends(link.expected_parents, transfers.unit[members], days[members])
    closing = np.flatnonzero(ends)
    group: Integers = np.cumsum(ends) - ends
    child = _children(context, link, parent, members[closing], order)
    # What follows the last end of its unit account is left over.
    whole = np.flatnonzero(group < closing.size)
    same = transfers.unit[members[whole]] == transfers.unit[members[closing[group[whole]]]]
    whole = whole[same & (child[group[whole]] >= 0)]
    whole = whole[np.argsort(child[group[whole]], kind="stable")]
    share, transfer = members[whole], child[group[whole]]
    completing = share[np.flatnonzero(np.diff(transfer, append=-1))]
    return Batch(
        owner=link.name,
        address=transfers.words[1][share],
        transfer=transfer,
        transfer_address=transfers.words[1][completing],
        day=days[completing],
        unit=transfers.unit[completing],
        parent=(transfers.words[0][share], transfers.words[1][share]),
        after=last[completing],
        wanted=amount[share],
        known=tuple(column[share] for column in parent.accounts()),
        fan_in=True,
    )


def _opened(
    context: FiringContext, link: ChainLink, day: DayOrdinals, last: SecondOrdinals
) -> tuple[DayOrdinals, SecondOrdinals]:
    """The business day of each parent, -1 beyond the window, and the second after which its child may follow."""
    opened = context.window.later(day, 0)
    opening = opened * DAY_SECONDS + context.program.nodes[link.members[0]].driver.kind.band_start
    return opened, np.where(opened == day, last, opening)


def _children(
    context: FiringContext, link: ChainLink, parent: Fired, completing: Integers, order: Integers
) -> Integers:
    """Each group's place among the child transfers, in the order of the parents that complete them; -1 for none."""
    rank = np.empty(len(parent.transfers), dtype=np.int64)
    rank[order] = np.arange(order.size)
    by_time = np.argsort(rank[completing], kind="stable")
    key = context.program.keys.key(link.name, "completion", parent.node.name)
    fires = draw(key, parent.transfers.words[1][completing]) <= np.uint64(threshold(link.rates[0]))
    fires[by_time[:1]] = True
    chosen = by_time[fires[by_time]]
    place = np.full(completing.size, -1, dtype=np.int64)
    place[chosen] = np.arange(chosen.size)
    return place


def _ends(expected: int | None, unit: AccountIndices, day: DayOrdinals) -> Flags:
    """Which parents complete a child; they come unit by unit, in order of posting.

    It is every so-manieth parent of a unit or, without a number, the last one of each day: unless it is alone and
    none is left over from before.
    """
    place = np.arange(unit.size)
    new_unit = np.diff(unit, prepend=-2) != 0
    if expected is not None:
        rank = place - np.maximum.accumulate(np.where(new_unit, place, 0))
        completes: Flags = (rank + 1) % expected == 0
        return completes
    starts = np.flatnonzero(new_unit | (np.diff(day, prepend=-1) != 0))
    alone = np.diff(starts, append=unit.size) == 1
    # A lone parent waits, the next day's one completes, and so on from each day on which nothing is left over.
    turn = np.arange(starts.size)
    fresh = new_unit[starts] | np.append(True, ~alone[:-1]) if starts.size else alone
    waited = turn - np.maximum.accumulate(np.where(fresh, turn, 0))
    complete = ~alone | (waited % 2 == 1)
    ends = np.zeros(unit.size, dtype=np.bool_)
    ends[np.append(starts[1:], unit.size)[complete] - 1] = True
    return ends
