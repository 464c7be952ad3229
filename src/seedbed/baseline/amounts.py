"""Amounts: drawn within the caps. The one-leg legs of a template add up to its expected net.

In a template the one-leg legs on the side of its first non-Variable leg are *given*: they are drawn. If Variable legs
close the transfer (`closing.py`), the other legs are drawn too. Otherwise they are *derived* from the given ones, so
that the sum is exact to the cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seedbed.baseline.caps import UNLIMITED
from seedbed.baseline.firings import Batch
from seedbed.baseline.placement import FiringContext
from seedbed.program.nodes import Node, OneLegs
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndices, CentsArray, Flags, Integers, RailIndex, SecondOrdinals, Words

__all__ = ["draw_amounts", "split_weights"]


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
    wanted = None if batch.wanted is None else batch.of_parents(batch.wanted)
    sides = node.one_legs
    two_leg = [rail for rail in node.rails if rail.two_leg]
    shares = _portions(context, node, batch, wanted, [*two_leg, *sides.given])
    cents: dict[RailIndex, CentsArray] = {}
    for rail in two_leg:
        placed = np.logical_and.reduce(accounts[rail.index] >= 0)
        draws = context.draws(node, batch.address, "amount", rail.name, batch.owner)
        ceiling = np.where(placed, UNLIMITED, 0)
        places = accounts[rail.index], seconds[rail.index]
        cents[rail.index] = context.caps.spend(
            rail, context.sampler(rail), *places, draws, shares.get(rail.index), ceiling
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
    several = batch.fan_in or any(rail.two_leg for rail in node.rails)
    if node.closes or not node.expected_net or not node.nets or not several:
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
    return [split_weights(words) for words in draws]


def split_weights(draws: Words) -> Integers:
    """Random weights, of which the largest is five times the least."""
    weights: Integers = (draws >> np.uint64(44)).astype(np.int64) + SPLIT_STEPS // 4
    return weights


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
        return () if self.node.closes else self.node.derived

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
        if not self.derived and self.sides.opposite:
            gross |= self._opposite(given, free)
        for cents in gross.values():
            fires &= cents > 0
        if self.node.fixed is not None:
            fires &= self.first & (given == self.node.fixed)
            self._take_back(gross, fires)
        if self.derived:
            total = given - self.sides.sign * self.net
            fires &= total >= len(self.derived)
            gross |= self._derive(np.where(fires, total, len(self.derived)))
        return {rail.index: np.where(fires, gross[rail.index] * rail.legs[0].sign, 0) for rail in rails}

    def _take_back(self, gross: Mapping[RailIndex, CentsArray], fires: Flags) -> None:
        """Takes back what the given legs of firings that are dropped have spent of caps."""
        for rail in self.sides.given:
            caps = rail.caps_on(self.sides.sign)
            if caps is not None:
                self.context.caps.record(caps, *self._place(rail), np.where(fires, 0, -gross[rail.index]))

    def _place(self, rail: RailPlan) -> tuple[AccountIndices, SecondOrdinals]:
        """The account and the second of a rail's legs."""
        return self.accounts[rail.index][0], self.seconds[rail.index]

    def _draws(self, rail: RailPlan) -> Words:
        return self.context.draws(self.node, self.batch.address, "amount", rail.name, self.batch.owner)

    def _spend(self, rail: RailPlan, wanted: CentsArray | None, ceiling: CentsArray) -> CentsArray:
        """A rail's amounts within its caps: wanted, else drawn."""
        places = self.accounts[rail.index], self.seconds[rail.index]
        sampler, draws, whole = self.context.sampler(rail), self._draws(rail), self.node.fixed is not None
        return self.context.caps.spend(rail, sampler, *places, draws, wanted, ceiling, whole)

    def _given(self, shares: Mapping[RailIndex, CentsArray], free: CentsArray) -> dict[RailIndex, CentsArray]:
        """The given legs: drawn, or parts of what is known; the first is raised by what the legs that follow need."""
        raised = np.zeros_like(free)
        if self.wanted is None:
            raised = np.maximum(self.least - len(self.sides.given), 0) if self.derived else self._left_to_given
        parts = self._parts(shares)
        ceiling = np.minimum(free, self._ceiling(self.sides.given, -raised))
        gross: dict[RailIndex, CentsArray] = {}
        for rail in self.sides.given:
            spent = self._given_of(rail, parts.get(rail.index), ceiling, raised)
            gross[rail.index] = np.where(spent > 0, spent + raised, 0)
            raised = np.zeros_like(free)
        return gross

    def _given_of(
        self, rail: RailPlan, part: CentsArray | None, ceiling: CentsArray, raised: CentsArray
    ) -> CentsArray:
        """The amounts of one given rail within its caps, with room to be raised by so much afterwards."""
        caps = rail.caps_on(self.sides.sign)
        if caps is None:
            return self._spend(rail, part, ceiling)
        place = self._place(rail)
        if raised.any():
            share = self.context.caps.share(caps, *place)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, share - raised), ceiling)
        spent = self._spend(rail, part, ceiling)
        self.context.caps.record(caps, *place, np.where(spent > 0, raised, 0))
        return spent

    def _parts(self, shares: Mapping[RailIndex, CentsArray]) -> dict[RailIndex, CentsArray]:
        """The given legs, if the expected net or the amount of a parent determines them."""
        if self.node.fixed is not None:
            total = self.first * np.int64(self.node.fixed)
            parts = _portions(self.context, self.node, self.batch, total, list(self.sides.given))
            return self._within_rooms(parts, total)
        parts = dict(shares)
        if self.wanted is not None and not self.derived and self._left_to_given.any():
            first, *others = (parts[rail.index] for rail in self.sides.given)
            needed = self._left_to_given - sum(others, np.zeros_like(first))
            parts[self.sides.given[0].index] = np.where(first > 0, np.maximum(first, needed), 0)
        if self.derived and self.wanted is not None:
            first, *others = (parts[rail.index] for rail in self.sides.given)
            # If possible, the credits add up to the parent's amount.
            exact = first if self.sides.sign > 0 else first - self.net
            needed = self.least - sum(others, np.zeros_like(first))
            parts[self.sides.given[0].index] = np.where(first > 0, np.maximum(np.maximum(exact, needed), 1), 0)
        return parts

    @cached_property
    def _left_to_given(self) -> CentsArray:
        """The part of each firing's net that caps on the closing legs leave to the given ones."""
        if all(rail.caps_on(self.sides.sign) is None for rail in self.node.closers):
            return np.zeros_like(self.net)
        room = self._closing_room(self.sides.sign)[self.batch.transfer]
        return np.where(room < UNLIMITED, np.maximum(self.sides.sign * self.net - room, 0), 0)

    def _within_rooms(self, parts: dict[RailIndex, CentsArray], total: CentsArray) -> dict[RailIndex, CentsArray]:
        """The parts of a known total, of which a cap's excess goes to rails that have room for it.

        The rooms are even shares of what is left, or all of it if the shares together are less than the total.
        """
        given, ledger = self.sides.given, self.context.caps
        if len(given) < 2 or all(rail.caps_on(self.sides.sign) is None for rail in given):
            return parts
        waiting = np.ones(total.shape, dtype=np.bool_)
        for rooms_of in (ledger.share, ledger.remaining):
            rooms = [np.minimum(rooms_of(rail.caps_on(self.sides.sign), *self._place(rail)), total) for rail in given]
            within = [np.minimum(parts[rail.index], room) for rail, room in zip(given, rooms, strict=True)]
            excess = total - sum(within, np.zeros_like(total))
            for place, room in enumerate(rooms):
                more = np.minimum(room - within[place], excess)
                within[place] = within[place] + more
                excess -= more
            fits = waiting & (excess == 0)
            for rail, part in zip(given, within, strict=True):
                parts[rail.index] = np.where(fits, part, parts[rail.index])
            waiting &= ~fits
        return parts

    def _opposite(self, given: CentsArray, free: CentsArray) -> dict[RailIndex, CentsArray]:
        """The legs of the other side if a Variable leg closes the transfer; `given` is the sum of the given legs."""
        top = free if self.wanted is None else np.minimum(free, self.wanted)
        ceiling = np.minimum(top, self._ceiling(self.sides.opposite, given))
        return {rail.index: self._spend(rail, None, ceiling) for rail in self.sides.opposite}

    def _derive(self, total: CentsArray) -> dict[RailIndex, CentsArray]:
        """The derived legs: the total split over them, a cent each at least."""
        parts = _split(total - len(self.derived), _weights(self.context, self.node, self.batch, self.derived))
        gross = {rail.index: part + 1 for rail, part in zip(self.derived, parts, strict=True)}
        for rail in self.derived:
            caps = rail.caps_on(-self.sides.sign)
            if caps is not None:
                self.context.caps.record(caps, *self._place(rail), gross[rail.index])
        return gross

    def _ceiling(self, rails: Sequence[RailPlan], settled: CentsArray) -> CentsArray:
        """The most that each of these rails, of one side, may move if what follows is to stay within its caps.

        `settled` is the part of the other side that does not depend on these rails: drawn already, or owed
        (negative).
        """
        ceiling = np.full(self.batch.address.shape, UNLIMITED, dtype=np.int64)
        sign = rails[0].legs[0].sign
        for rail in self.derived:
            caps = rail.caps_on(-sign)
            if caps is not None:
                share = self.context.caps.share(caps, *self._place(rail))
                room = (share + sign * self.net + settled) // len(rails)
                ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        if any(rail.caps_on(-sign) is not None for rail in self.node.closers):
            transfer = self.batch.transfer
            share = self._closing_room(-sign)[transfer]
            firings = np.bincount(transfer, minlength=self.batch.day.size)[transfer]
            room = (share + sign * self.node.expected_net) // (len(rails) * firings) + settled // len(rails)
            ceiling = np.where(share < UNLIMITED, np.minimum(ceiling, room), ceiling)
        return np.maximum(ceiling, 0)

    def _closing_room(self, sign: int) -> CentsArray:
        """What the closing legs of each transfer of the batch may debit (`sign` -1) or credit (+1) together."""
        room = np.zeros(self.batch.day.shape, dtype=np.int64)
        for rail in self.node.closers:
            if rail.index in self.accounts:
                account, second = self._place(rail)
                here = np.flatnonzero(account >= 0)
                share = self.context.caps.share(rail.caps_on(sign), account[here], second[here])
                free = np.maximum(share, room[here]) >= UNLIMITED
                room[here] = np.where(free, UNLIMITED, share + np.where(free, 0, room[here]))
        return room
