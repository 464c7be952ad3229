"""Chains: decides which parents get which child, and makes the batches in which the children fire."""

from collections.abc import Iterator

import numpy as np

from seedbed.baseline.entries import arrival_order
from seedbed.baseline.fan_in import shared_children
from seedbed.baseline.firings import Batch, Fired
from seedbed.baseline.placement import FiringContext
from seedbed.draw.address import below, draw, threshold
from seedbed.program.nodes import ChainLink, Node
from seedbed.units import (
    AccountIndices,
    CentsArray,
    DayOrdinals,
    Flags,
    Integers,
    NodeIndex,
    RailPosition,
    SecondOrdinals,
    Words,
)

__all__ = ["child_batches", "passed_on"]


# A Required chain with fewer parents than this in the window completes for all of them.
FEW_PARENTS = 20
# With fewer parents than this, chance alone can leave less than the 80% that coverage asks for.
CHANCY_PARENTS = 60
REQUIRED_PERCENT = 80


def child_batches(context: FiringContext, link: ChainLink, parent: Fired) -> Iterator[tuple[NodeIndex, Batch]]:
    """The batches of child firings that one chain link makes for the transfers of its parent, with the child node.

    Parents come in time order, so that caps are spent in time order. Each parent picks one of the members that can
    fire; then the rate of the member decides. The first parent of each member in the window always completes. A child
    whose day lies beyond the window does not fire. Parents that share a child make one batch of it.
    """
    amount = passed_on(parent, link.parent_rail)
    last = parent.last_second()
    # A parent that moves nothing, such as a sweep with a sum of 0.00, has no children.
    candidates = np.flatnonzero(amount > 0)
    order = candidates[_in_time(last[candidates], parent.transfers.words[0][candidates])]
    if link.fan_in:
        order = order[context.window.holds(parent.transfers.day[order])]
    if not order.size:
        return
    if link.fan_in:
        yield link.members[0], shared_children(context, link, parent, amount, last, order)
        return
    picked, completes = _decisions(context, link, parent, order, last)
    known = parent.accounts()
    for member, child in enumerate(link.members):
        chosen, delay = order[completes & (picked == member)], link.delays[member]
        day = parent.transfers.day[chosen]
        moves = parent.node.always and not context.program.nodes[child].always
        if not moves and (delay is None or not delay.days):
            yield child, _batch(link, parent, chosen, day, last, amount, known, member)
            continue
        moved = _child_days(context, link, member, parent, chosen)
        for here, after in (((moved == day), last), ((moved != day) & (moved >= 0), None)):
            yield child, _batch(link, parent, chosen[here], moved[here], after, amount, known, member)


def _batch(
    link: ChainLink,
    parent: Fired,
    chosen: Integers,
    day: DayOrdinals,
    after: SecondOrdinals | None,
    amount: CentsArray,
    known: tuple[AccountIndices, ...],
    member: int,
) -> Batch:
    """The children of the chosen parents, on these days; `after`: when each parent last posted, on the same day."""
    address = parent.transfers.words[1][chosen]
    return Batch(
        owner=link.name,
        address=address,
        transfer=np.arange(chosen.size, dtype=np.int64),
        transfer_address=address,
        day=day,
        unit=parent.transfers.unit[chosen],
        parent=(parent.transfers.words[0][chosen], parent.transfers.words[1][chosen]),
        after=None if after is None else after[chosen],
        delay=link.delays[member],
        wanted=amount[chosen],
        known=tuple(column[chosen] for column in known),
        member=link.asked[member],
    )


def _child_days(context: FiringContext, link: ChainLink, member: int, parent: Fired, chosen: Integers) -> DayOrdinals:
    """The day of the child of each of these parents: so many business days later, and of no closed day that it skips.

    -1 where it lies beyond the window.
    """
    day, delay = parent.transfers.day[chosen], link.delays[member]
    days = np.zeros(chosen.size, dtype=np.int64)
    if delay is not None and delay.days:
        key = context.program.keys.key(link.name, "delay", parent.node.name, str(member))
        days = delay.least + below(draw(key, parent.transfers.words[1][chosen]), delay.most - delay.least + 1)
    moved = context.window.later(day, days)
    always = context.program.nodes[link.members[member]].always
    return np.where((days == 0) & context.window.holds(day), day, moved) if always else moved


def _in_time(second: SecondOrdinals, word: Words) -> SecondOrdinals:
    """The order by second and, for the few equal seconds, by the distinct words.

    A sort by two keys would take several times as long.
    """
    order = arrival_order(second)
    ordered = second[order]
    equal = ordered[1:] == ordered[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    several = order[tied]
    order[tied] = several[np.lexsort((word[several], second[several]))]
    return order


def _decisions(
    context: FiringContext, link: ChainLink, parent: Fired, order: Integers, last: SecondOrdinals
) -> tuple[Integers, Flags]:
    """Which member each parent picks, and whether that completes. Parents whose child may come yet do not count."""
    address = parent.transfers.words[1][order]
    keys = context.program.keys
    able = np.array(link.able, dtype=np.int64)
    picked = able[below(draw(keys.key(link.name, "member", parent.node.name), address), able.size)]
    rates = np.array([threshold(rate) for rate in link.rates], dtype=np.uint64)
    completes = draw(keys.key(link.name, "completion", parent.node.name), address) <= rates[picked]
    inside = np.flatnonzero(context.window.holds(parent.transfers.day[order]))
    if link.patience:
        inside = inside[context.window.is_due(last[order[inside]], link.patience)]
    first = inside[: able.size]
    picked[first] = able[: first.size]
    completes[first] = True
    days = int(context.window.days.size) - link.patience.days
    few = _fewer(link, parent.node, inside.size, days, FEW_PARENTS)
    chancy = _fewer(link, parent.node, inside.size, days, CHANCY_PARENTS)
    missed = 100 * np.count_nonzero(completes[inside]) < REQUIRED_PERCENT * inside.size
    if link.required and (few or (chancy and missed)):
        completes[inside] = True
    return picked, completes


def _fewer(link: ChainLink, parent: Node, count: int, days: int, than: int) -> bool:
    """Whether the window holds fewer parents than this; where several blocks fire them, by those expected."""
    if parent.block_count > 1:
        return parent.daily_least * link.share * days < than
    return count < than


def passed_on(parent: Fired, rail_position: RailPosition | None) -> CentsArray:
    """The amount that a child gets: the credits of the parent transfer, or its debits if it has no credits.

    If the parent is a leg rail, it is the amount of that leg, or that of the transfer if the leg closed nothing. It
    is 0 if the leg has not fired.
    """
    credits = parent.credits(None)
    gross = np.zeros(credits.shape, dtype=np.int64)
    if not (credits > 0).all():
        for firing in parent.firings:
            np.add.at(gross, firing.transfer, np.abs(firing.cents))
    whole = np.where(credits > 0, credits, gross)
    if rail_position is None:
        return whole
    fired = np.zeros(credits.shape, dtype=np.bool_)
    for firing in parent.firings:
        if firing.rail is parent.node.rails[rail_position]:
            fired[firing.transfer] = True
    own = parent.credits(rail_position)
    return np.where(own > 0, own, np.where(fired, whole, 0))
