"""Amounts: drawn within the caps, and for templates such that one-leg legs net to the expected net.

In a template the one-leg legs on the side of its first non-Variable leg are *given* (drawn); the others are drawn too
where a Variable leg closes the rest, else *derived* from the given ones, so that the sum comes out to the cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
        cents |= _OneLegs(stage, node, batch, sides, accounts, seconds, wanted).amounts(shares)
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


@dataclass(frozen=True)
class _OneLegs:
    """The one-leg rails of a batch, n firings of a template or of one rail; arrays have one value per firing.

    `accounts` and `seconds` are those of `draw_amounts`, `wanted` is the parent's amount of chain children.
    """

    stage: Stage
    node: Node
    batch: Batch
    sides: _Sides
    accounts: Mapping[int, Integers]
    seconds: Mapping[int, Integers]
    wanted: Integers | None

    @property
    def net(self) -> int:
        """What the legs must come to, in cents."""
        return 0 if self.node.template is None else self.node.template.expected_net_cents

    @property
    def derived(self) -> tuple[RailPlan, ...]:
        """The rails whose amounts follow from the given ones."""
        return () if self.node.template is None or self.node.closing is not None else self.sides.opposite

    @property
    def least(self) -> int:
        """What the given legs must come to at least, so that every derived leg gets a cent."""
        return self.sides.sign * self.net + len(self.derived)

    @property
    def fixed(self) -> int | None:
        """The given side's total where it alone must make the expected net, else None."""
        if self.node.template is None or self.node.closing is not None or self.sides.opposite:
            return None
        total = self.sides.sign * self.net
        return total if total >= len(self.sides.given) else None

    def amounts(self, shares: Mapping[int, Integers]) -> dict[int, Integers]:
        """Signed cents per rail index; `shares` are the given legs' shares of what is wanted, if anything is."""
        rails = (*self.sides.given, *self.sides.opposite)
        fires = np.ones(self.batch.address.shape, dtype=np.bool_)
        for rail in rails:
            fires &= self.accounts[rail.index][0] >= 0
        free = np.where(fires, UNLIMITED, 0)
        gross = self._given(shares, free)
        given = sum(gross.values(), np.zeros_like(free))
        if not self.derived:
            gross |= self._opposite(given, free)
        for cents in gross.values():
            fires &= cents > 0
        if self.fixed is not None:
            fires &= given == self.fixed
        if self.derived:
            total = given - self.sides.sign * self.net
            fires &= total >= len(self.derived)
            gross |= self._derive(np.where(fires, total, len(self.derived)))
        return {rail.index: np.where(fires, gross[rail.index] * rail.legs[0].sign, 0) for rail in rails}

    def _place(self, rail: RailPlan) -> tuple[Integers, Integers]:
        """The account and the second of a rail's legs."""
        return self.accounts[rail.index][0], self.seconds[rail.index]

    def _draws(self, rail: RailPlan) -> Words:
        return draw(self.stage.key(self.node, "amount", rail.name, self.batch.owner), self.batch.address)

    def _given(self, shares: Mapping[int, Integers], free: Integers) -> dict[int, Integers]:
        """The given legs: drawn, or parts of what is known; the first is raised by what derived legs need."""
        raised = max(0, self.least - len(self.sides.given)) if self.derived and self.wanted is None else 0
        parts = self._parts(shares)
        credits = self.sides.sign > 0
        ceiling = np.minimum(free, self._credit_ceiling(np.full_like(free, -raised))) if credits else free
        gross: dict[int, Integers] = {}
        for rail in self.sides.given:
            part = parts.get(rail.index)
            if credits:
                spent = _uncapped(rail, self._draws(rail), part, ceiling)
            else:
                spent = self._debit(rail, part, ceiling, raised)
            gross[rail.index] = np.where(spent > 0, spent + raised, 0)
            raised = 0
        return gross

    def _debit(self, rail: RailPlan, part: Integers | None, ceiling: Integers, raised: int) -> Integers:
        """One given rail's debits within its caps, such that they can be raised by so much afterwards."""
        account, second = self._place(rail)
        if raised:
            share = self.stage.caps.share(rail, account, second)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, share - raised), ceiling)
        spent = self.stage.caps.spend(rail, account, second, self._draws(rail), part, ceiling)
        self.stage.caps.record(rail, account, second, np.where(spent > 0, raised, 0))
        return spent

    def _parts(self, shares: Mapping[int, Integers]) -> dict[int, Integers]:
        """What the given legs must be, where that is known: by the expected net, or by a parent's amount."""
        if self.fixed is not None:
            total = np.full(self.batch.address.shape, self.fixed)
            return _portions(self.stage, self.node, self.batch, total, list(self.sides.given))
        parts = dict(shares)
        if self.derived and self.wanted is not None:
            first, *others = (parts[rail.index] for rail in self.sides.given)
            # The credits are to come to the parent's amount, where they can.
            exact = first if self.sides.sign > 0 else first - self.net
            needed = self.least - sum(others, np.zeros_like(first))
            parts[self.sides.given[0].index] = np.where(first > 0, np.maximum(np.maximum(exact, needed), 1), 0)
        return parts

    def _opposite(self, given: Integers, free: Integers) -> dict[int, Integers]:
        """The legs of the other side where a Variable leg closes the rest; `given` is what the given ones come to."""
        top = free if self.wanted is None else np.minimum(free, self.wanted)
        gross: dict[int, Integers] = {}
        for rail in self.sides.opposite:
            if self.sides.sign > 0:
                gross[rail.index] = self.stage.caps.spend(rail, *self._place(rail), self._draws(rail), None, top)
            else:
                ceiling = np.minimum(top, self._credit_ceiling(given))
                gross[rail.index] = _uncapped(rail, self._draws(rail), None, ceiling)
        return gross

    def _derive(self, total: Integers) -> dict[int, Integers]:
        """The derived legs: the total split over them, a cent each at least."""
        parts = _portions(self.stage, self.node, self.batch, total - len(self.derived), list(self.derived))
        gross = {index: part + 1 for index, part in parts.items()}
        if self.sides.sign > 0:
            for rail in self.derived:
                self.stage.caps.record(rail, *self._place(rail), gross[rail.index])
        return gross

    def _credit_ceiling(self, settled: Integers) -> Integers:
        """The most that one credit may be, so that the debits which follow from it stay within their caps.

        `settled` is the part of each firing's debits that does not follow from this: drawn already, or owed
        (negative).
        """
        ceiling = np.full(self.batch.address.shape, UNLIMITED, dtype=np.int64)
        credits = self.sides.given if self.sides.sign > 0 else self.sides.opposite
        if self.sides.sign > 0:
            for rail in self.derived:
                share = self.stage.caps.share(rail, *self._place(rail))
                room = (share + self.net + settled) // len(credits)
                ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        if self.node.closing is not None and credits:
            transfer = self.batch.transfer
            share = self._closing_share(self.node.closing)[transfer]
            firings = np.bincount(transfer, minlength=self.batch.day.size)[transfer]
            room = (share + self.net) // (len(credits) * firings) + settled // len(credits)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        return np.maximum(ceiling, 0)

    def _closing_share(self, closing: RailPlan) -> Integers:
        """What each transfer's closing leg may debit at most."""
        transfers = np.arange(self.batch.day.size)
        if not closing.caps:
            return np.full(transfers.shape, UNLIMITED)
        last = np.zeros(self.batch.day.shape, dtype=np.int64)
        for second in self.seconds.values():
            np.maximum.at(last, self.batch.transfer, second)
        account = leg_accounts(self.stage, self.node, closing, self.batch, transfers)[0]
        second = closing_seconds(self.stage, self.node, self.batch, last, transfers)
        return self.stage.caps.share(closing, np.maximum(account, 0), second)


def _uncapped(rail: RailPlan, draws: Words, wanted: Integers | None, ceiling: Integers) -> Integers:
    """Credits: no cap of their own, only the ceiling that other legs impose."""
    if wanted is not None:
        return np.maximum(np.minimum(wanted, ceiling), 0)
    cents = np.where(ceiling >= UNLIMITED, rail.amounts.cents(draws), 0)
    bound = np.flatnonzero((ceiling >= 1) & (ceiling < UNLIMITED))
    if bound.size:
        cents[bound] = rail.amounts.cents_at_most(draws[bound], ceiling[bound])
    return cents


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
