"""Amounts: drawn within the caps. The one-leg legs of a template add up to its expected net.

In a template the one-leg legs on the side of its first non-Variable leg are *given*: they are drawn. If a Variable
leg closes the transfer, the other legs are drawn too. Otherwise they are *derived* from the given ones, so that the
sum is exact to the cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seedbed.baseline.caps import UNLIMITED
from seedbed.baseline.firings import Batch, RailFirings
from seedbed.baseline.placement import FiringContext, closing_seconds
from seedbed.draw.samplers import Constant, Lognormal
from seedbed.program.build import Node, OneLegs
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndices, CentsArray, Flags, Integers, RailIndex, SecondOrdinals, Words

__all__ = ["close_transfers", "draw_amounts"]


SPLIT_STEPS = 1 << 20


def draw_amounts(
    context: FiringContext,
    node: Node,
    batch: Batch,
    accounts: Mapping[RailIndex, AccountIndices],
    seconds: Mapping[RailIndex, SecondOrdinals],
) -> dict[RailIndex, CentsArray]:
    """Amounts per rail, n each: gross of two-leg rails, signed of one-leg rails; 0 = the firing is dropped.

    `accounts` (legs, n) and `seconds` (n) are per rail; those of the closing leg per transfer.
    """
    wanted = None if batch.wanted is None else batch.wanted[batch.transfer]
    sides = node.one_legs
    two_leg = [rail for rail in node.rails if rail.two_leg]
    shares = _portions(context, node, batch, wanted, [*two_leg, *sides.given])
    cents: dict[RailIndex, CentsArray] = {}
    for rail in two_leg:
        placed = np.logical_and.reduce(accounts[rail.index] >= 0)
        draws = context.draws(node, batch.address, "amount", rail.name, batch.owner)
        ceiling = np.where(placed, UNLIMITED, 0)
        account, second = accounts[rail.index][0], seconds[rail.index]
        cents[rail.index] = context.caps.spend(
            rail, context.sampler(rail), account, second, draws, shares.get(rail.index), ceiling
        )
    if sides.given:
        cents |= _OneLegAmounts(
            context=context, node=node, batch=batch, sides=sides, accounts=accounts, seconds=seconds, wanted=wanted
        ).amounts(shares)
    return _whole(node, batch, accounts, cents)


def _whole(
    node: Node, batch: Batch, accounts: Mapping[RailIndex, AccountIndices], cents: dict[RailIndex, CentsArray]
) -> dict[RailIndex, CentsArray]:
    """The amounts without the transfers that miss the expected net because a cap dropped a one-leg rail.

    One-leg rails without accounts to post on are missing from every transfer, and do not affect the others.
    """
    if node.closing is not None or not node.expected_net or not node.nets or not node.collects:
        return cents
    net = np.zeros(batch.day.shape, dtype=np.int64)
    placed = np.ones(batch.address.shape, dtype=np.bool_)
    for rail in node.rails:
        if not rail.two_leg:
            np.add.at(net, batch.transfer, cents[rail.index])
            placed &= accounts[rail.index][0] >= 0
    asked = np.zeros(batch.day.shape, dtype=np.bool_)
    asked[batch.transfer[placed]] = True
    holds = (~asked | (net == node.expected_net))[batch.transfer]
    return {index: np.where(holds, values, 0) for index, values in cents.items()}


def _portions(
    context: FiringContext, node: Node, batch: Batch, total: CentsArray | None, rails: list[RailPlan]
) -> dict[RailIndex, CentsArray]:
    """A known total split over rails by random weights, at least a cent each. Empty if there is no total.

    A total of fewer cents than rails is raised to a cent each. A total of 0 stays 0.
    """
    if total is None or not rails:
        return {}
    weights = _weights(context, node, batch, rails)
    parts = _split(total, weights)
    short = np.flatnonzero((total > 0) & (np.minimum.reduce(parts) < 1))
    if short.size:
        beyond = np.maximum(total[short] - len(rails), 0)
        for part, more in zip(parts, _split(beyond, [weight[short] for weight in weights]), strict=True):
            part[short] = 1 + more
    return dict(zip([rail.index for rail in rails], parts, strict=True))


def _weights(context: FiringContext, node: Node, batch: Batch, rails: Sequence[RailPlan]) -> list[Integers]:
    """The random weights by which a total is split over rails, one per firing each."""
    draws = [context.draws(node, batch.address, "split", rail.name, batch.owner) for rail in rails]
    return [(words >> np.uint64(44)).astype(np.int64) + SPLIT_STEPS // 4 for words in draws]


def _split(total: CentsArray, weights: list[Integers]) -> list[CentsArray]:
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


@dataclass(frozen=True, kw_only=True)
class _OneLegAmounts:
    """The one-leg rails of a batch of n firings of a template or of one rail; arrays have one value per firing.

    `accounts` and `seconds` are those of `draw_amounts`; for chain children `wanted` is the amount of the parent. The
    first firing of a transfer makes the expected net, so that the transfer has it once.
    """

    context: FiringContext
    node: Node
    batch: Batch
    sides: OneLegs
    accounts: Mapping[RailIndex, AccountIndices]
    seconds: Mapping[RailIndex, SecondOrdinals]
    wanted: CentsArray | None

    @cached_property
    def net(self) -> CentsArray:
        """The required sum of the legs of each firing."""
        return self.first * np.int64(self.node.expected_net)

    @cached_property
    def first(self) -> Flags:
        """A flag for each firing that is the first of its transfer."""
        transfer = self.batch.transfer
        return np.diff(transfer, prepend=-1) > 0

    @property
    def derived(self) -> tuple[RailPlan, ...]:
        """The rails whose amounts follow from the given ones."""
        return () if self.node.closing is not None else self.node.derived

    @property
    def least(self) -> CentsArray:
        """The least sum of the given legs with which every derived leg gets a cent."""
        return self.sides.sign * self.net + len(self.derived)

    def amounts(self, shares: Mapping[RailIndex, CentsArray]) -> dict[RailIndex, CentsArray]:
        """Signed amounts per rail; `shares` splits the wanted amount, if there is one, over the given legs."""
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
        if self.node.fixed is not None:
            fires &= self.first & (given == self.node.fixed)
        if self.derived:
            total = given - self.sides.sign * self.net
            fires &= total >= len(self.derived)
            gross |= self._derive(np.where(fires, total, len(self.derived)))
        return {rail.index: np.where(fires, gross[rail.index] * rail.legs[0].sign, 0) for rail in rails}

    def _place(self, rail: RailPlan) -> tuple[AccountIndices, SecondOrdinals]:
        """The account and the second of a rail's legs."""
        return self.accounts[rail.index][0], self.seconds[rail.index]

    def _draws(self, rail: RailPlan) -> Words:
        return self.context.draws(self.node, self.batch.address, "amount", rail.name, self.batch.owner)

    def _spend(self, rail: RailPlan, wanted: CentsArray | None, ceiling: CentsArray) -> CentsArray:
        """A rail's debits within its caps: wanted, else drawn."""
        sampler, draws = self.context.sampler(rail), self._draws(rail)
        return self.context.caps.spend(rail, sampler, *self._place(rail), draws, wanted, ceiling)

    def _given(self, shares: Mapping[RailIndex, CentsArray], free: CentsArray) -> dict[RailIndex, CentsArray]:
        """The given legs: drawn, or parts of a known total. The first is raised if derived legs need more."""
        raised = np.zeros_like(free)
        if self.derived and self.wanted is None:
            raised = np.maximum(self.least - len(self.sides.given), 0)
        parts = self._parts(shares)
        credits = self.sides.sign > 0
        ceiling = np.minimum(free, self._credit_ceiling(-raised)) if credits else free
        gross: dict[RailIndex, CentsArray] = {}
        for rail in self.sides.given:
            part = parts.get(rail.index)
            if credits:
                spent = _uncapped(self.context.sampler(rail), self._draws(rail), part, ceiling)
            else:
                spent = self._debit(rail, part, ceiling, raised)
            gross[rail.index] = np.where(spent > 0, spent + raised, 0)
            raised = np.zeros_like(free)
        return gross

    def _debit(self, rail: RailPlan, part: CentsArray | None, ceiling: CentsArray, raised: CentsArray) -> CentsArray:
        """The debits of one given rail within its caps, with room for a later raise of this amount."""
        account, second = self._place(rail)
        if raised.any():
            share = self.context.caps.share(rail, account, second)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, share - raised), ceiling)
        spent = self._spend(rail, part, ceiling)
        self.context.caps.record(rail, account, second, np.where(spent > 0, raised, 0))
        return spent

    def _parts(self, shares: Mapping[RailIndex, CentsArray]) -> dict[RailIndex, CentsArray]:
        """The given legs, if the expected net or the amount of a parent determines them."""
        if self.node.fixed is not None:
            total = self.first * np.int64(self.node.fixed)
            return _portions(self.context, self.node, self.batch, total, list(self.sides.given))
        parts = dict(shares)
        if self.derived and self.wanted is not None:
            first, *others = (parts[rail.index] for rail in self.sides.given)
            # If possible, the credits add up to the parent's amount.
            exact = first if self.sides.sign > 0 else first - self.net
            needed = self.least - sum(others, np.zeros_like(first))
            parts[self.sides.given[0].index] = np.where(first > 0, np.maximum(np.maximum(exact, needed), 1), 0)
        return parts

    def _opposite(self, given: CentsArray, free: CentsArray) -> dict[RailIndex, CentsArray]:
        """The legs of the other side if a Variable leg closes the transfer; `given` is the sum of the given legs."""
        top = free if self.wanted is None else np.minimum(free, self.wanted)
        gross: dict[RailIndex, CentsArray] = {}
        for rail in self.sides.opposite:
            if self.sides.sign > 0:
                gross[rail.index] = self._spend(rail, None, top)
            else:
                ceiling = np.minimum(top, self._credit_ceiling(given))
                gross[rail.index] = _uncapped(self.context.sampler(rail), self._draws(rail), None, ceiling)
        return gross

    def _derive(self, total: CentsArray) -> dict[RailIndex, CentsArray]:
        """The derived legs: the total split over them, a cent each at least."""
        parts = _split(total - len(self.derived), _weights(self.context, self.node, self.batch, self.derived))
        gross = {rail.index: part + 1 for rail, part in zip(self.derived, parts, strict=True)}
        if self.sides.sign > 0:
            for rail in self.derived:
                self.context.caps.record(rail, *self._place(rail), gross[rail.index])
        return gross

    def _credit_ceiling(self, settled: CentsArray) -> CentsArray:
        """The largest credit with which the debits that are derived from it stay within their caps.

        `settled` is the part of each firing's debits that does not depend on this credit: drawn already, or owed
        (negative).
        """
        ceiling = np.full(self.batch.address.shape, UNLIMITED, dtype=np.int64)
        credits = self.sides.given if self.sides.sign > 0 else self.sides.opposite
        if self.sides.sign > 0:
            for rail in self.derived:
                share = self.context.caps.share(rail, *self._place(rail))
                room = (share + self.net + settled) // len(credits)
                ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        if self.node.closing is not None and credits:
            transfer = self.batch.transfer
            account, second = self.accounts[self.node.closing.index][0], self.seconds[self.node.closing.index]
            share = self.context.caps.share(self.node.closing, np.maximum(account, 0), second)[transfer]
            firings = np.bincount(transfer, minlength=self.batch.day.size)[transfer]
            room = (share + self.node.expected_net) // (len(credits) * firings) + settled // len(credits)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        return np.maximum(ceiling, 0)


def _uncapped(
    amounts: Lognormal | Constant, draws: Words, wanted: CentsArray | None, ceiling: CentsArray
) -> CentsArray:
    """Amounts of Credits. They have no cap of their own; only other legs limit them."""
    if wanted is not None:
        return np.maximum(np.minimum(wanted, ceiling), 0)
    cents = np.where(ceiling >= UNLIMITED, amounts.cents(draws), 0)
    bound = np.flatnonzero((ceiling >= 1) & (ceiling < UNLIMITED))
    if bound.size:
        cents[bound] = amounts.cents_at_most(draws[bound], ceiling[bound])
    return cents


def close_transfers(
    context: FiringContext, node: Node, batch: Batch, firings: list[RailFirings], account: AccountIndices
) -> tuple[RailFirings, Flags]:
    """The Variable leg of each transfer with other legs. It closes the transfer to the expected net and posts last.

    `account` has one account per transfer of the batch, -1 for none. The flags mark the transfers that could be
    closed: they have an account, and the cap allows the amount.
    """
    closing = node.closing
    assert closing is not None, "only templates close"
    net, last, legs = (np.zeros(batch.day.shape, dtype=np.int64) for _ in range(3))
    for firing in firings:
        if not firing.rail.two_leg:
            np.add.at(net, firing.transfer, firing.cents)
        np.maximum.at(last, firing.transfer, firing.second)
        np.maximum.at(legs, firing.transfer, firing.number + len(firing.rail.legs))
    transfers = np.flatnonzero(legs)
    chosen = account[transfers]
    cents = node.expected_net - net[transfers]
    second = closing_seconds(context, node, batch, last[transfers], transfers)
    room = context.caps.share(closing, np.maximum(chosen, 0), second)
    keep = np.flatnonzero((chosen >= 0) & (-cents <= room))
    salt = context.draws(node, batch.transfer_address[transfers], "closing-salt", batch.owner)
    legs_at = legs[transfers]
    closed = RailFirings(
        node=node,
        rail=closing,
        transfer=transfers,
        accounts=chosen[None],
        cents=cents,
        second=second,
        number=legs_at,
        salt=salt,
    ).chosen(keep)
    context.caps.record(closing, closed.accounts[0], closed.second, np.maximum(-closed.cents, 0))
    flags = np.zeros(batch.day.shape, dtype=np.bool_)
    flags[closed.transfer] = True
    return closed, flags
