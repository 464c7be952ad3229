"""The primary firings of nodes that the bank file gives a count per period or a day of the month.

A block finds its own firings without drawing those of all others: the unit accounts are cut into as many equal
stretches as a period has firings, each stretch has one firing, and a block draws only for the stretches that its own
accounts touch. Within a block a firing goes to any of them.
"""

from dataclasses import dataclass

import numpy as np

from seedbed.baseline.placement import FiringContext
from seedbed.draw.address import below, counters, draw
from seedbed.program.nodes import Node
from seedbed.program.schedule import Counted, Monthly, due_days, periods_of
from seedbed.units import AccountNumbers, BlockNumber, DayOrdinals, Integers, Words

__all__ = ["Planned", "planned_firings"]


@dataclass(frozen=True)
class Planned:
    """Firings before they have accounts: the day, the place among the given units, and the address of each.

    They are in order of day and unit.
    """

    day: DayOrdinals
    unit: Integers
    address: Words


def planned_firings(
    context: FiringContext, node: Node, owner: str, block: BlockNumber, numbers: AccountNumbers, days: DayOrdinals
) -> Planned:
    """The firings of the units with these account numbers, those of `owner` in this block, on these business days."""
    assert node.schedule is not None, "only nodes with a schedule"
    if isinstance(node.schedule, Monthly):
        due = due_days(node.schedule, context.window, days, node.always)
        day, unit = np.repeat(due, numbers.size), np.tile(np.arange(numbers.size), due.size)
        address = counters(day, numbers[unit], 0) if day.size else np.empty(0, np.uint64)
        return Planned(day, unit, address)
    return _counted(context, node, node.schedule, owner, block, days)


def _counted(
    context: FiringContext, node: Node, counted: Counted, owner: str, block: BlockNumber, days: DayOrdinals
) -> Planned:
    """The k-th firing of a period lies in the k-th of as many equal stretches of all unit accounts."""
    periods = periods_of(counted.period, context.window, days, node.always)
    every, low, high = _stretch(node, owner, block)
    address = counters(periods.number, 0, 0) if periods.number.size else np.empty(0, np.uint64)
    spread = counted.most - counted.least + 1
    count = counted.least + below(draw(context.key(node, "period-count"), address), spread)
    # The firings whose stretches touch the accounts from `low` to before `high`.
    first = low * count // every
    width = np.maximum(np.minimum(-(-high * count // every), count) - first, 0) if high > low else first * 0
    period = np.repeat(np.arange(count.size), width)
    ordinal = np.arange(period.size) - np.repeat(np.cumsum(width) - width, width) + first[period]
    address = counters(periods.number[period], ordinal, 0) if period.size else np.empty(0, np.uint64)
    within = below(draw(context.key(node, "period-place"), address), every)
    # A period without firings has no ordinals, so the count is above 0.
    place = (ordinal * every + within) // count[period]
    mine = np.flatnonzero((place >= low) & (place < high))
    period, ordinal, address = period[mine], ordinal[mine], address[mine]
    size = np.maximum(periods.size[period], 1)
    day = periods.days[periods.start[period] + below(draw(context.key(node, "period-day"), address), size)]
    unit = below(draw(context.key(node, "period-account", owner), address), max(high - low, 1))
    kept = np.searchsorted(days, day, "left") < np.searchsorted(days, day, "right")
    day, unit, ordinal, address = day[kept], unit[kept], ordinal[kept], address[kept]
    order = np.lexsort((ordinal, unit, day))
    return Planned(day[order], unit[order], address[order])


def _stretch(node: Node, owner: str, block: BlockNumber) -> tuple[int, int, int]:
    """How many unit accounts the bank has, and between which places among them those of a class in a block are.

    A node without unit accounts has one place, which is block 0's.
    """
    classes, before = node.driver.unit_classes, 0
    if not classes:
        return 1, 0, int(block == 0)
    for account_class in classes:
        if account_class.role == owner:
            first, own = account_class.slice_of(0).start, account_class.slice_of(block)
            return node.driver.units, before + own.start - first, before + own.stop - first
        before += account_class.count
    raise AssertionError("an owner is one of the unit classes")
