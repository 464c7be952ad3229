"""Amounts: drawn within the caps, and for templates such that one-leg legs net to the expected net.

In a template the one-leg legs on the side of its first non-Variable leg are *given* (drawn); the others are drawn too
where a Variable leg closes the rest, else *derived* from the given ones, so that the sum comes out to the cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from seedbed.baseline.caps import UNLIMITED
from seedbed.baseline.firings import Batch, RailFirings
from seedbed.baseline.stage import Stage, closing_seconds, leg_accounts
from seedbed.draw.address import draw
from seedbed.plan.program import Node
from seedbed.plan.rails import RailPlan

__all__ = ["close_transfers", "draw_amounts"]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

SPLIT_STEPS = 1 << 20


@dataclass(frozen=True)
class _Sides:
    """The one-leg rails of a template: given and derived (or, before a closing leg, opposite) ones."""

    given: tuple[RailPlan, ...]
    opposite: tuple[RailPlan, ...]
    sign: int


def _sides(node: Node) -> _Sides:
    one_leg = [rail for rail in node.rails if not rail.two_leg and not rail.variable]
    if not one_leg:
        return _Sides((), (), 0)
    sign = one_leg[0].legs[0].sign
    return _Sides(
        tuple(rail for rail in one_leg if rail.legs[0].sign == sign),
        tuple(rail for rail in one_leg if rail.legs[0].sign != sign),
        sign,
    )


def draw_amounts(
    stage: Stage, node: Node, batch: Batch, accounts: Mapping[int, Integers], seconds: Mapping[int, Integers]
) -> dict[int, Integers]:
    """Cents per rail index, n each: gross of two-leg rails, signed of one-leg rails; 0 = the firing is dropped."""
    wanted = None if batch.wanted is None else batch.wanted[batch.transfer]
    sides = _sides(node)
    two_leg = [rail for rail in node.rails if rail.two_leg]
    shares = _portions(stage, node, batch, wanted, [*two_leg, *sides.given])
    cents: dict[int, Integers] = {}
    for rail in two_leg:
        placed = (accounts[rail.index] >= 0).all(axis=0)
        draws = draw(stage.key(node, "amount", rail.name, batch.owner), batch.address)
        ceiling = np.where(placed, UNLIMITED, 0)
        cents[rail.index] = stage.caps.spend(
            rail, accounts[rail.index][0], seconds[rail.index], draws, shares.get(rail.index), ceiling
        )
    if sides.given:
        cents |= _one_leg_amounts(stage, node, batch, sides, accounts, seconds, shares, wanted)
    return cents


def _portions(
    stage: Stage, node: Node, batch: Batch, total: Integers | None, rails: list[RailPlan]
) -> dict[int, Integers]:
    """A known total split over rails by random weights; nothing where there is no total."""
    if total is None:
        return {}
    keys = [stage.key(node, "split", rail.name, batch.owner) for rail in rails]
    weights = [(draw(key, batch.address) >> np.uint64(44)).astype(np.int64) + SPLIT_STEPS // 4 for key in keys]
    return dict(zip([rail.index for rail in rails], _split(total, weights), strict=True))


def _split(total: Integers, weights: list[Integers]) -> list[Integers]:
    """Whole cents in proportion to the weights, the remainder to the last; they sum to the total exactly."""
    if len(weights) == 1:
        return [total]
    left, weight_left = total.copy(), sum(weights[1:], weights[0].copy())
    parts = []
    for weight in weights[:-1]:
        # Amounts reach 2^43 and weights 2^21: the product stays below 2^64 only when the quotient is taken apart.
        whole, rest = np.divmod(left, weight_left)
        part = whole * weight + rest * weight // weight_left
        parts.append(part)
        left, weight_left = left - part, weight_left - weight
    return [*parts, left]


def _one_leg_amounts(
    stage: Stage,
    node: Node,
    batch: Batch,
    sides: _Sides,
    accounts: Mapping[int, Integers],
    seconds: Mapping[int, Integers],
    shares: Mapping[int, Integers],
    wanted: Integers | None,
) -> dict[int, Integers]:
    placed = np.ones(batch.address.shape, dtype=np.bool_)
    for rail in (*sides.given, *sides.opposite):
        placed &= accounts[rail.index][0] >= 0
    net = node.template.expected_net_cents if node.template else None
    closes = node.closing is not None
    derived = sides.opposite if net is not None and not closes else ()
    # What the given legs must come to at least, so that every derived leg gets a cent.
    floor = sides.sign * (net or 0) + len(derived)
    extra = max(0, floor - len(sides.given)) if derived and wanted is None else 0
    fixed = _fixed_total(node, sides, closes)
    free = np.where(placed, UNLIMITED, 0)
    credit_ceiling = partial(_credit_ceiling, stage, node, batch, sides, derived, accounts, seconds)
    ceiling = np.minimum(free, credit_ceiling(np.full_like(free, -extra))) if sides.sign > 0 else free
    if fixed is not None:
        parts = _portions(stage, node, batch, np.full(batch.address.shape, fixed), list(sides.given))
    else:
        parts = dict(shares)
    if derived and wanted is not None:
        first, *others = (parts[rail.index] for rail in sides.given)
        parts[sides.given[0].index] = _first_part(first, sum(others, np.zeros_like(first)), sides, net or 0, floor)
    gross: dict[int, Integers] = {}
    for position, rail in enumerate(sides.given):
        more = extra if position == 0 else 0
        draws = draw(stage.key(node, "amount", rail.name, batch.owner), batch.address)
        account, second = accounts[rail.index][0], seconds[rail.index]
        if sides.sign < 0:
            top = ceiling
            if more:
                share = stage.caps.share(rail, account, second)
                top = np.where(share < UNLIMITED, np.minimum(top, share - more), top)
            spent = stage.caps.spend(rail, account, second, draws, parts.get(rail.index), top)
            stage.caps.record(rail, account, second, np.where(spent > 0, more, 0))
        else:
            spent = _uncapped(rail, draws, parts.get(rail.index), ceiling)
        gross[rail.index] = np.where(spent > 0, spent + more, 0)
    given = sum((gross[rail.index] for rail in sides.given), np.zeros_like(free))
    for rail in sides.opposite if not derived else ():
        draws = draw(stage.key(node, "amount", rail.name, batch.owner), batch.address)
        top = free if wanted is None else np.minimum(free, wanted)
        if sides.sign > 0:
            gross[rail.index] = stage.caps.spend(rail, accounts[rail.index][0], seconds[rail.index], draws, None, top)
        else:
            gross[rail.index] = _uncapped(rail, draws, None, np.minimum(top, credit_ceiling(given)))
    fires = placed.copy()
    for rail in (*sides.given, *(() if derived else sides.opposite)):
        fires &= gross[rail.index] > 0
    if fixed is not None:
        fires &= given == fixed
    if derived:
        total = given - sides.sign * (net or 0)
        fires &= total >= len(derived)
        gross |= _derive(
            stage, node, batch, derived, np.where(fires, total, len(derived)), accounts, seconds, sides.sign
        )
    return {
        rail.index: np.where(fires, gross[rail.index] * rail.legs[0].sign, 0)
        for rail in (*sides.given, *sides.opposite)
    }


def _first_part(first: Integers, others: Integers, sides: _Sides, net: int, floor: int) -> Integers:
    """The first given leg's part of a parent's amount: such that the credits come to that amount where they can."""
    exact = first if sides.sign > 0 else first - net
    return np.where(first > 0, np.maximum(np.maximum(exact, floor - others), 1), 0)


def _uncapped(rail: RailPlan, draws: Words, wanted: Integers | None, ceiling: Integers) -> Integers:
    """Credits: no cap of their own, only the ceiling that other legs impose."""
    if wanted is not None:
        return np.maximum(np.minimum(wanted, ceiling), 0)
    cents = np.where(ceiling >= UNLIMITED, rail.amounts.cents(draws), 0)
    bound = np.flatnonzero((ceiling >= 1) & (ceiling < UNLIMITED))
    if bound.size:
        cents[bound] = rail.amounts.cents_at_most(draws[bound], ceiling[bound])
    return cents


def _fixed_total(node: Node, sides: _Sides, closes: bool) -> int | None:
    """The given side's total where it alone must make the expected net, else None."""
    if node.template is None or closes or sides.opposite:
        return None
    total = sides.sign * node.template.expected_net_cents
    return total if total >= len(sides.given) else None


def _credit_ceiling(
    stage: Stage,
    node: Node,
    batch: Batch,
    sides: _Sides,
    derived: tuple[RailPlan, ...],
    accounts: Mapping[int, Integers],
    seconds: Mapping[int, Integers],
    settled: Integers,
) -> Integers:
    """The most that one credit may be, so that the debits which follow from it stay within their caps.

    `settled` is the part of each firing's debits that does not follow from this: drawn already, or owed (negative).
    """
    ceiling = np.full(batch.address.shape, UNLIMITED, dtype=np.int64)
    net = node.template.expected_net_cents if node.template else 0
    credits = sides.given if sides.sign > 0 else sides.opposite
    if derived and sides.sign > 0:
        for rail in derived:
            share = stage.caps.share(rail, accounts[rail.index][0], seconds[rail.index])
            room = (share + net + settled) // len(credits)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
    closing = node.closing
    if closing is not None and credits:
        share = _closing_share(stage, node, batch, closing, seconds)[batch.transfer]
        firings = np.bincount(batch.transfer, minlength=batch.day.size)[batch.transfer]
        room = (share + net) // (len(credits) * firings) + settled // len(credits)
        ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
    return np.maximum(ceiling, 0)


def _closing_share(
    stage: Stage, node: Node, batch: Batch, closing: RailPlan, seconds: Mapping[int, Integers]
) -> Integers:
    """What each transfer's closing leg may debit at most."""
    transfers = np.arange(batch.day.size)
    if not closing.caps:
        return np.full(transfers.shape, UNLIMITED)
    account = leg_accounts(stage, node, closing, batch, transfers)[0]
    second = closing_seconds(stage, node, batch, _last(batch, seconds), transfers)
    return stage.caps.share(closing, np.maximum(account, 0), second)


def _last(batch: Batch, seconds: Mapping[int, Integers]) -> Integers:
    last = np.zeros(batch.day.shape, dtype=np.int64)
    for second in seconds.values():
        np.maximum.at(last, batch.transfer, second)
    return last


def _derive(
    stage: Stage,
    node: Node,
    batch: Batch,
    derived: tuple[RailPlan, ...],
    total: Integers,
    accounts: Mapping[int, Integers],
    seconds: Mapping[int, Integers],
    given_sign: int,
) -> dict[int, Integers]:
    """The derived legs: the total split over them, a cent each at least."""
    parts = _portions(stage, node, batch, total - len(derived), list(derived))
    gross = {index: part + 1 for index, part in parts.items()}
    if given_sign > 0:
        for rail in derived:
            stage.caps.record(rail, accounts[rail.index][0], seconds[rail.index], gross[rail.index])
    return gross


def close_transfers(
    stage: Stage, node: Node, batch: Batch, firings: list[RailFirings]
) -> tuple[RailFirings, npt.NDArray[np.bool_]]:
    """The Variable leg of each transfer that has other legs: what closes it to the expected net, posted last.

    The flags, one per transfer of the batch, tell which could be closed: there is an account, and the cap allows it.
    """
    closing = node.closing
    assert closing is not None and node.template is not None, "only templates close"
    net, last, legs = (np.zeros(batch.day.shape, dtype=np.int64) for _ in range(3))
    for firing in firings:
        if not firing.rail.two_leg:
            np.add.at(net, firing.transfer, firing.cents)
        np.maximum.at(last, firing.transfer, firing.second)
        np.maximum.at(legs, firing.transfer, firing.number + len(firing.rail.legs))
    transfers = np.flatnonzero(legs)
    account = leg_accounts(stage, node, closing, batch, transfers)
    cents = node.template.expected_net_cents - net[transfers]
    second = closing_seconds(stage, node, batch, last[transfers], transfers)
    room = stage.caps.share(closing, np.maximum(account[0], 0), second)
    keep = np.flatnonzero((account[0] >= 0) & (-cents <= room))
    salt = draw(stage.key(node, "closing-salt", batch.owner), batch.transfer_address[transfers])
    closed = RailFirings(node, closing, transfers, account, cents, second, legs[transfers], salt).chosen(keep)
    stage.caps.record(closing, closed.accounts[0], closed.second, np.maximum(-closed.cents, 0))
    flags = np.zeros(batch.day.shape, dtype=np.bool_)
    flags[closed.transfer] = True
    return closed, flags
