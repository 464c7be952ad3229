"""Closing legs: the Variable legs of a transfer bring it to the expected net and post last, at one second.

A template has one Variable leg beside its XOR groups at most, and of each group one fires. Those that fire in a
transfer share what is left by random weights, in whole cents, all with one sign. What exceeds the cap of one goes to
the others.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from seedbed.baseline.amounts import split_weights
from seedbed.baseline.caps import UNLIMITED
from seedbed.baseline.firings import Batch, RailFirings
from seedbed.baseline.placement import ABSENT, FiringContext, closing_seconds
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndices, CentsArray, Flags, Integers, RailIndex, SecondOrdinals, Words

__all__ = ["close_transfers"]

Closers = Sequence[tuple[RailPlan, AccountIndices]]


def close_transfers(
    context: FiringContext,
    node: Node,
    batch: Batch,
    firings: list[RailFirings],
    accounts: Mapping[RailIndex, AccountIndices],
) -> tuple[list[RailFirings], Flags]:
    """The Variable legs of each transfer with other legs, rail by rail.

    `accounts` has the accounts of closing rails, shape (1, transfers of the batch): -1 for none, `ABSENT` where the
    rail does not fire. The flags say which transfers could be closed: their closing legs have accounts, and the caps
    allow the amount.
    """
    net, last, legs = (np.zeros(batch.day.shape, dtype=np.int64) for _ in range(3))
    for firing in firings:
        if not firing.rail.two_leg:
            np.add.at(net, firing.transfer, firing.cents)
        np.maximum.at(last, firing.transfer, firing.second)
        np.maximum.at(legs, firing.transfer, firing.number + len(firing.rail.legs))
    transfers = np.flatnonzero(legs)
    second = closing_seconds(context, node, batch, last[transfers], transfers)
    closers = [(r, accounts[r.index][0][transfers]) for r in node.closers if r.index in accounts]
    weights = _weights(context, node, batch.transfer_address[transfers], batch.owner, closers)
    parts, closed = _within_caps(context, closers, weights, node.expected_net - net[transfers], second)
    salt = context.draws(node, batch.transfer_address[transfers], "closing-salt", batch.owner)
    number, found = legs[transfers], []
    parents = batch.last_firing(transfers) if batch.fan_in else transfers
    for (rail, account), cents in zip(closers, parts, strict=True):
        everything = RailFirings(
            node=node,
            rail=rail,
            transfer=transfers,
            accounts=account[None],
            cents=cents,
            second=second,
            number=number,
            salt=salt,
            parent=(batch.parent[0][parents], batch.parent[1][parents]) if batch.fan_in else None,
        )
        one = everything.chosen(np.flatnonzero(closed & (account >= 0)))
        for caps in context.caps.binding(rail):
            context.caps.record(caps, one.accounts[0], one.second, caps.spent(one.cents))
        number = number + (account >= 0)
        found.append(one)
    flags = np.zeros(batch.day.shape, dtype=np.bool_)
    flags[transfers[closed]] = True
    return found, flags


def _weights(context: FiringContext, node: Node, address: Words, owner: str, closers: Closers) -> list[Integers]:
    """The weights by which closing legs share an amount: 0 for a rail that does not fire in a transfer."""
    present = [(account >= 0).astype(np.int64) for _, account in closers]
    if not present or not (sum(present, np.zeros_like(present[0])) > 1).any():
        return present
    draws = [context.draws(node, address, "closing-split", rail.name, owner) for rail, _ in closers]
    return [split_weights(words) * here for words, here in zip(draws, present, strict=True)]


def _within_caps(
    context: FiringContext, closers: Closers, weights: list[Integers], total: CentsArray, second: SecondOrdinals
) -> tuple[list[CentsArray], Flags]:
    """The total of each transfer split over its closing legs, and the flags of those that caps and accounts allow."""
    left, weight_left = np.abs(total), sum(weights, np.zeros_like(total))
    allowed, some = np.ones(total.shape, dtype=np.bool_), weight_left > 0
    spare = np.zeros_like(total)
    parts, rooms = [], []
    for (rail, account), weight in zip(closers, weights, strict=True):
        allowed &= (account >= 0) | (account == ABSENT)
        whole, rest = np.divmod(left, np.maximum(weight_left, 1))
        part = whole * weight + rest * weight // np.maximum(weight_left, 1)
        left, weight_left = left - part, weight_left - weight
        here = np.flatnonzero(account >= 0)
        room = np.where(account >= 0, UNLIMITED, 0)
        for caps in context.caps.binding(rail):
            share = context.caps.share(caps, account[here], second[here])
            room[here] = np.where(caps.spent(total[here]) > 0, np.maximum(share, 0), room[here])
        over = np.maximum(part - room, 0)
        spare += over
        parts.append(part - over)
        rooms.append(room)
    sign = np.where(total < 0, -1, 1)
    cents = []
    for part, room in zip(parts, rooms, strict=True):
        more = np.minimum(spare, room - part)
        spare -= more
        cents.append((part + more) * sign)
    return cents, allowed & (~some | (spare == 0))
