"""Fires a node: turns a batch of planned firings into transfers with their legs, as arrays.

The input is a `Batch`: accounts, times and, for chain children, the parent. The output is a `Fired`.
"""

from collections.abc import Mapping

import numpy as np

from seedbed.baseline.amounts import draw_amounts
from seedbed.baseline.closing import close_transfers
from seedbed.baseline.firings import Batch, Fired, RailFirings, Transfers
from seedbed.baseline.placement import FiringContext, closing_places, firing_seconds, leg_accounts
from seedbed.program.nodes import Node
from seedbed.units import AccountIndices, Flags, Integers, RailIndex, SecondOrdinals, TransferIndices, Words

__all__ = ["expect", "fire", "fire_legs", "transfer_salt", "transfer_words"]


def transfer_words(context: FiringContext, node: Node, owner: str, address: Words) -> tuple[Words, Words]:
    """The two words of each transfer's identity."""
    return (
        context.draws(node, address, "transfer-high", owner),
        context.draws(node, address, "transfer-low", owner),
    )


def transfer_salt(context: FiringContext, node: Node, owner: str, address: Words) -> Words:
    """The salt of the values of a template's transfer key; zeros without a template."""
    if node.template is None:
        return np.zeros(address.shape, dtype=np.uint64)
    return context.draws(node, address, "transfer-salt", owner)


def expect(context: FiringContext, node: Node, batches: list[Batch]) -> None:
    """Announces the firings of several batches to the caps, so that the first batches leave room for the others."""
    open_rails = [rail for rail in node.rails if not rail.variable]
    for rail in open_rails:
        for batch in batches if rail.caps else ():
            accounts = leg_accounts(context, node, rail, batch, None)
            second = firing_seconds(context, node, batch)[rail.index]
            for caps in rail.caps:
                context.caps.expect(caps, accounts[caps.leg], second)


def fire(context: FiringContext, node: Node, batch: Batch) -> Fired:
    """Fires a batch. Firings without an account or with an exhausted cap are dropped, and so are empty transfers."""
    accounts = {
        rail.index: leg_accounts(context, node, rail, batch, None) for rail in node.rails if not rail.variable
    }
    seconds = dict(firing_seconds(context, node, batch))
    if node.closes:
        chosen, second = closing_places(context, node, batch, seconds)
        accounts |= {index: account[None] for index, account in chosen.items()}
        seconds |= dict.fromkeys(chosen, second)
    firings = fire_legs(context, node, batch, accounts, seconds)
    none = np.zeros(batch.day.shape, dtype=np.uint64)
    transfers = Transfers(
        words=transfer_words(context, node, batch.owner, batch.transfer_address),
        parent=(none, none) if batch.fan_in else batch.parent,
        day=batch.day,
        unit=batch.unit,
        salt=transfer_salt(context, node, batch.owner, batch.transfer_address),
    )
    return _without_empty(Fired(node, transfers, firings))


def fire_legs(
    context: FiringContext,
    node: Node,
    batch: Batch,
    accounts: Mapping[RailIndex, AccountIndices],
    seconds: Mapping[RailIndex, SecondOrdinals],
) -> tuple[RailFirings, ...]:
    """The legs of a batch on given accounts, shape (legs, n), at given seconds, n each; both per rail index.

    Those of closing legs are per transfer; a closing rail without accounts fires in none. Both baseline and plants
    get their amounts here.
    """
    open_rails = [rail for rail in node.rails if not rail.variable]
    cents = draw_amounts(context, node, batch, accounts, seconds)
    legs_per_firing = sum(len(rail.legs) for rail in open_rails)
    first_number = _rank_in_transfer(batch.transfer) * legs_per_firing
    salt = context.draws(node, batch.address, "salt", batch.owner)
    firings = []
    fires = {r.index: np.logical_and.reduce(accounts[r.index] >= 0) & (cents[r.index] != 0) for r in open_rails}
    whole = _of_all_parents(batch, list(fires.values())) if batch.fan_in else None
    for rail in open_rails:
        everything = RailFirings(
            node=node,
            rail=rail,
            transfer=batch.transfer,
            accounts=accounts[rail.index],
            cents=cents[rail.index],
            second=seconds[rail.index],
            number=first_number,
            salt=salt,
            parent=batch.parent if batch.fan_in else None,
        )
        keep = fires[rail.index]
        if whole is not None:
            context.caps.refund(everything.chosen(np.flatnonzero(keep & ~whole)))
            keep = keep & whole
        firings.append(everything.chosen(np.flatnonzero(keep)))
        first_number = first_number + len(rail.legs)
    if node.closes:
        closing, closed = close_transfers(context, node, batch, firings, accounts)
        firings = [firing.chosen(np.flatnonzero(closed[firing.transfer])) for firing in firings]
        firings += closing
    return tuple(firings)


def _of_all_parents(batch: Batch, fires: list[Flags]) -> Flags:
    """The firings of a fan-in batch whose transfers have a leg for each parent: they fire for all or for none."""
    missing = ~np.logical_or.reduce(fires)
    short = np.bincount(batch.transfer[missing], minlength=batch.day.size) > 0
    return ~short[batch.transfer]


def _rank_in_transfer(transfer: TransferIndices) -> Integers:
    """Each firing's rank among those of its transfer; `transfer` is ascending."""
    if transfer.size < 2:
        return np.zeros_like(transfer)
    place = np.arange(transfer.size, dtype=np.int64)
    follows = np.zeros(transfer.size, dtype=np.bool_)
    follows[1:] = transfer[1:] == transfer[:-1]
    return place - np.maximum.accumulate(np.where(follows, 0, place))


def _without_empty(fired: Fired) -> Fired:
    used = np.zeros(len(fired.transfers), dtype=np.bool_)
    for firing in fired.firings:
        used[firing.transfer] = True
    return fired.keeping(used)
