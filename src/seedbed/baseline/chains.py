"""Chains: decides which parents get which child, and makes the batches in which the children fire."""

from decimal import Decimal

import numpy as np

from seedbed.baseline.entries import arrival_order
from seedbed.baseline.firings import Batch, Fired
from seedbed.baseline.placement import FiringContext
from seedbed.draw.address import below, draw
from seedbed.program.build import ChainLink, Node
from seedbed.units import CentsArray, Flags, Integers, NodeIndex, RailPosition, SecondOrdinals, Word, Words

__all__ = ["child_batches", "passed_on"]


# A Required chain with fewer parents than this in the window completes for all of them.
FEW_PARENTS = 20
# With fewer parents than this, chance alone can leave less than the 80% that coverage asks for.
CHANCY_PARENTS = 60
REQUIRED_PERCENT = 80


def child_batches(context: FiringContext, link: ChainLink, parent: Fired) -> dict[NodeIndex, Batch]:
    """The batches of child firings that one chain link makes for the transfers of its parent, by child node.

    Parents come in time order, so that caps are spent in time order. Each parent picks one of the members that can
    fire; then the rate of the member decides. The first parent of each member in the window always completes.
    """
    amount = passed_on(parent, link.parent_rail)
    last = parent.last_second()
    # A parent that moves nothing, such as a sweep with a sum of 0.00, has no children.
    candidates = np.flatnonzero(amount > 0)
    order = candidates[_in_time(last[candidates], parent.transfers.words[0][candidates])]
    if not order.size:
        return {}
    picked, completes = _decisions(context, link, parent, order)
    known = parent.accounts()
    batches = {}
    for member, child in enumerate(link.members):
        chosen = order[completes & (picked == member)]
        address = parent.transfers.words[1][chosen]
        batches[child] = Batch(
            owner=link.name,
            address=address,
            transfer=np.arange(chosen.size, dtype=np.int64),
            transfer_address=address,
            day=parent.transfers.day[chosen],
            unit=parent.transfers.unit[chosen],
            parent=(parent.transfers.words[0][chosen], parent.transfers.words[1][chosen]),
            after=last[chosen],
            wanted=amount[chosen],
            known=tuple(column[chosen] for column in known),
        )
    return batches


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


def _decisions(context: FiringContext, link: ChainLink, parent: Fired, order: Integers) -> tuple[Integers, Flags]:
    address = parent.transfers.words[1][order]
    keys = context.program.keys
    able = np.array(link.able, dtype=np.int64)
    picked = able[below(draw(keys.key(link.name, "member", parent.node.name), address), able.size)]
    rates = np.array([_threshold(rate) for rate in link.rates], dtype=np.uint64)
    completes = draw(keys.key(link.name, "completion", parent.node.name), address) <= rates[picked]
    inside = np.flatnonzero(context.window.holds(parent.transfers.day[order]))
    first = inside[: able.size]
    picked[first] = able[: first.size]
    completes[first] = True
    few = _fewer(context, parent.node, inside.size, FEW_PARENTS)
    chancy = _fewer(context, parent.node, inside.size, CHANCY_PARENTS)
    missed = 100 * np.count_nonzero(completes[inside]) < REQUIRED_PERCENT * inside.size
    if link.required and (few or (chancy and missed)):
        completes[inside] = True
    return picked, completes


def _fewer(context: FiringContext, parent: Node, count: int, than: int) -> bool:
    """Whether the window holds fewer parents than this; where several blocks fire them, by the expected number."""
    if parent.block_count > 1:
        return parent.daily_transfers * int(context.window.days.size) < than
    return count < than


def _threshold(rate: Decimal) -> Word:
    return min(int(rate * 2**64), 2**64 - 1)


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
