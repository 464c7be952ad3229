"""Daily caps: what a capped account may still pay out, or take in, on a day. Firings spend it in sequence order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seedbed.baseline.firings import RailFirings
from seedbed.draw.samplers import Amounts, Constant
from seedbed.program.accounts import BlockAccounts
from seedbed.program.rails import RailCaps, RailPlan
from seedbed.program.window import Window
from seedbed.units import (
    DAY_SECONDS,
    AccountIndices,
    CapIndex,
    CapSlots,
    Cents,
    CentsArray,
    DayOrdinals,
    Flags,
    Integers,
    RailIndex,
    SecondOrdinals,
    Words,
)

__all__ = ["UNLIMITED", "CapLedger"]


UNLIMITED = np.int64(2**62)


@dataclass(kw_only=True)
class CapLedger:
    """The rest of each cap, per (account, cap day) of one rail and direction.

    No two rails post on one role with one transfer type, so no cap bounds two of them on one account. The cap day is
    the date of posting minus the offset of the role. An account that several blocks may debit or credit gives each of
    its `spenders` (the number of blocks that fire a rail) an equal share of the cap, so that no block depends on the
    spending of another. Firings after the ticks may spend what the blocks have not `spent`, per slot. `announced`
    counts the firings that have not spent yet, if a node fires in several batches. With `lifted` no cap limits
    anything, and none is spent.
    """

    block_accounts: BlockAccounts
    window: Window
    spenders: Mapping[RailIndex, int]
    spent: Mapping[CapIndex, CentsArray] | None = None
    left: dict[CapIndex, CentsArray] = field(default_factory=dict)
    announced: dict[CapIndex, Integers] = field(default_factory=dict)
    lifted: bool = False

    def binding(self, rail: RailPlan) -> tuple[RailCaps, ...]:
        """The caps that bound what a rail moves."""
        return () if self.lifted else rail.caps

    @property
    def _span(self) -> int:
        """Cap days per account: those of the window, and for shifted business days two before and one after."""
        return self.window.last - self.window.first + 4

    def day(self, account: AccountIndices, second: SecondOrdinals) -> DayOrdinals:
        """The cap day to which a posting on an account at a second counts."""
        own = (second - self.block_accounts.offset_seconds[account]) // DAY_SECONDS
        return self.window.cap_day(own, second // DAY_SECONDS)

    def _slots(self, account: AccountIndices, second: SecondOrdinals) -> CapSlots:
        """Where each (account, cap day) stands in an array of what is left."""
        return account * self._span + self.day(account, second) - (self.window.first - 2)

    def _at_first(self, caps: RailCaps) -> CentsArray:
        whole = np.full(len(self.block_accounts.classes), UNLIMITED, dtype=np.int64)
        for c in self.block_accounts.classes:
            cap = caps.lowest.get(c.parent_role) if c.parent_role else None
            if cap is not None:
                # Apart from its own block, only blocks without a slice of the template use the account.
                slices = max(1, c.slices) - 1 if c.template else 0
                whole[c.index] = cap // max(1, self.spenders[caps.rail] - slices) if self.spent is None else cap
        return np.repeat(whole[self.block_accounts.class_index], self._span)

    def _left(self, caps: RailCaps) -> CentsArray:
        if caps.index not in self.left:
            self.left[caps.index] = self._at_first(caps)
            if self.spent and caps.index in self.spent:
                self._reported(self.left[caps.index])[:] -= self.spent[caps.index].reshape(-1, self._span - 1)
        return self.left[caps.index]

    def spent_on_shared(self, rails: Iterable[RailPlan]) -> dict[CapIndex, CentsArray]:
        """What has been spent of the shared accounts' caps from the day before the window to the day after it.

        One value per (account, cap day).
        """
        return {
            caps.index: self._reported(self._at_first(caps) - self.left[caps.index])[
                : self.block_accounts.shared
            ].reshape(-1)
            for rail in rails
            for caps in rail.caps
            if caps.index in self.left
        }

    def left_on_shared(self, caps: RailCaps) -> CentsArray:
        """What is left of the shared accounts' caps on the same days, shape (accounts, cap days)."""
        return self._reported(self._left(caps))[: self.block_accounts.shared]

    def _reported(self, slots: CentsArray) -> CentsArray:
        """The slots in the shape (accounts, cap days), without the first day, which has no posting of the window."""
        return slots.reshape(-1, self._span)[:, 1:]

    def refund(self, firing: RailFirings) -> None:
        """Takes back what firings have spent."""
        for caps in firing.rail.caps:
            spent = caps.spent(firing.leg_cents(caps.leg))
            self.record(caps, firing.accounts[caps.leg], firing.second, -spent)

    def remaining(self, caps: RailCaps | None, account: AccountIndices, second: SecondOrdinals) -> CentsArray:
        """What is left for each (account, second), `UNLIMITED` where no cap applies."""
        if caps is None or self.lifted:
            return np.full(account.shape, UNLIMITED, dtype=np.int64)
        return self._left(caps)[self._slots(account, second)]

    def give_back(self, caps: RailCaps, account: AccountIndices, second: SecondOrdinals, left: CentsArray) -> None:
        """Sets what is left for each (account, second), as `remaining` had it before a trial."""
        self._left(caps)[self._slots(account, second)] = left

    def expect(self, caps: RailCaps, account: AccountIndices, second: SecondOrdinals) -> None:
        """Announces firings that will spend. Until they have, earlier firings leave them an even share."""
        if caps.index not in self.announced:
            self.announced[caps.index] = np.zeros_like(self._left(caps))
        np.add.at(self.announced[caps.index], self._slots(account, second), 1)

    def share(self, caps: RailCaps | None, account: AccountIndices, second: SecondOrdinals) -> CentsArray:
        """What is left divided evenly among these firings of the same account and day."""
        left = self.remaining(caps, account, second)
        if caps is None or self.lifted:
            return left
        slots = self._slots(account, second)
        _, place, count = np.unique(slots, return_inverse=True, return_counts=True)
        return np.where(left < UNLIMITED, left // count[place], left)

    def record(
        self, caps: RailCaps | None, account: AccountIndices, second: SecondOrdinals, cents: CentsArray
    ) -> None:
        """Spends amounts that were fixed elsewhere within their shares."""
        if caps is not None and not self.lifted:
            np.subtract.at(self._left(caps), self._slots(account, second), cents)

    def spend(
        self,
        rail: RailPlan,
        amounts: Amounts | Constant,
        accounts: AccountIndices,
        second: SecondOrdinals,
        draws: Words,
        wanted: CentsArray | None = None,
        ceiling: CentsArray | None = None,
        whole: bool = False,
    ) -> CentsArray:
        """Amounts for firings on these accounts, shape (legs, n): `wanted` or drawn, within caps and ceiling.

        Firings of one account and day spend its cap in the given order. Each leaves the later ones what they want or,
        if all together want more than is left, an even share. A drawn amount takes at most two such shares if the
        medians of all would not fit. A firing that finds less than a cent of some cap is dropped: it has 0. With
        `whole` a firing gets all that it wants or is dropped, first come first served.
        """
        limit = np.full(second.shape, UNLIMITED) if ceiling is None else ceiling
        bounds = [self._bound(caps, accounts[caps.leg], second, wanted) for caps in self.binding(rail)]
        if not bounds:
            return _amounts(amounts, draws, wanted, limit)
        capped = np.logical_or.reduce([bound.capped for bound in bounds])
        cents = np.zeros(second.shape, dtype=np.int64)
        free = np.flatnonzero(~capped)
        cents[free] = _amounts(amounts, draws[free], _some(wanted, free), limit[free])
        median = int(amounts.cents(np.array([2**63], dtype=np.uint64))[0])
        for now in _rounds(np.flatnonzero(capped), bounds):
            most = limit[now]
            for bound in bounds:
                fair = bound.room(now) if whole else bound.fair(now, median if wanted is None else None)
                most = np.minimum(most, fair)
            if whole and wanted is not None:
                most = np.where(most < wanted[now], 0, most)
            cents[now] = _amounts(amounts, draws[now], _some(wanted, now), most)
            for bound in bounds:
                bound.spend(now, cents[now])
        return cents

    def _bound(
        self, caps: RailCaps, account: AccountIndices, second: SecondOrdinals, wanted: CentsArray | None
    ) -> "_Bound":
        left, slots = self._left(caps), self._slots(account, second)
        capped = left[slots] < UNLIMITED
        behind = self._behind(caps, slots)
        turns, unspent, later = _turns(np.flatnonzero(capped), slots, wanted, behind)
        return _Bound(left=left, slots=slots, capped=capped, turns=turns, unspent=unspent, later=later)

    def _behind(self, caps: RailCaps, slots: CapSlots) -> Integers:
        """How many firings of later batches wait for each of these slots; these are no longer announced."""
        announced = self.announced.get(caps.index)
        if announced is None:
            return np.zeros_like(slots)
        np.subtract.at(announced, slots, 1)
        return announced[slots]


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """The caps in one direction under which a batch of n firings spends, one value per firing.

    `left` is what is left per slot, and `slots` where each firing stands in it. Of the `capped` firings `turns` has
    the rank among those of the same slot, `unspent` how many of them are yet to spend, itself among them, and `later`
    what those after it want.
    """

    left: CentsArray
    slots: CapSlots
    capped: Flags
    turns: Integers
    unspent: Integers
    later: CentsArray

    def room(self, now: Integers) -> CentsArray:
        """What is left for each of these firings."""
        return self.left[self.slots[now]]

    def fair(self, now: Integers, median: Cents | None) -> CentsArray:
        """The most that each of these firings may take, by what it wants or by the `median` of drawn amounts."""
        room, unspent = self.room(now), self.unspent[now]
        if median is None:
            fair = np.maximum(room // unspent, room - self.later[now])
        else:
            fair = np.where(unspent * median > room, np.minimum(room, 2 * room // unspent), room)
        return fair if self.capped[now].all() else np.where(self.capped[now], fair, UNLIMITED)

    def spend(self, now: Integers, cents: CentsArray) -> None:
        """Spends what these firings move; no two of them are on one capped slot."""
        here = np.flatnonzero(self.capped[now])
        self.left[self.slots[now[here]]] -= cents[here]


def _some(values: CentsArray | None, chosen: Integers) -> CentsArray | None:
    return None if values is None else values[chosen]


def _amounts(sampler: Amounts | Constant, draws: Words, wanted: CentsArray | None, limit: CentsArray) -> CentsArray:
    """Wanted or drawn amounts at most `limit`; 0 where the limit is below a cent."""
    if wanted is not None:
        return np.maximum(np.minimum(wanted, limit), 0)
    unbounded = limit >= UNLIMITED
    if unbounded.all():
        return sampler.cents(draws)
    cents = np.zeros(draws.shape, dtype=np.int64)
    free = np.flatnonzero(unbounded)
    cents[free] = sampler.cents(draws[free])
    bound = np.flatnonzero((limit >= 1) & (limit < UNLIMITED))
    if bound.size:
        cents[bound] = sampler.cents_at_most(draws[bound], limit[bound])
    return cents


def _turns(
    chosen: Integers, slots: CapSlots, wanted: CentsArray | None, behind: Integers
) -> tuple[Integers, Integers, CentsArray]:
    """The turns, the unspent and the later of a bound, for the chosen positions; the others are alone.

    `behind` counts the firings of later batches.
    """
    turns, unspent, later = np.zeros_like(slots), np.ones_like(slots), np.zeros_like(slots)
    if chosen.size:
        order = chosen[np.argsort(slots[chosen], kind="stable")]
        sorted_slots = slots[order]
        starts = np.flatnonzero(np.diff(sorted_slots, prepend=sorted_slots[0] - 1))
        lengths = np.diff(starts, append=order.size)
        rank = np.arange(order.size) - np.repeat(starts, lengths)
        total = np.zeros_like(order) if wanted is None else np.cumsum(wanted[order])
        turns[order] = rank
        unspent[order] = np.repeat(lengths, lengths) - rank + behind[order]
        later[order] = np.repeat(total[starts + lengths - 1], lengths) - total
    return turns, unspent, later


def _rounds(chosen: Integers, bounds: Sequence[_Bound]) -> Iterator[Integers]:
    """The chosen positions in rounds, ascending in each: a firing comes after the earlier ones of all its slots."""
    if not chosen.size:
        return
    turn = bounds[0].turns[chosen] if len(bounds) == 1 else _later_turns(chosen, bounds)
    by_turn = np.argsort(turn, kind="stable")
    yield from np.split(chosen[by_turn], np.cumsum(np.bincount(turn))[:-1])


def _later_turns(chosen: Integers, bounds: Sequence[_Bound]) -> Integers:
    """The least turns of the chosen positions that rise along every slot of every bound."""
    before = [_before(chosen, bound) for bound in bounds]
    # The last place stands for the firing before a first one.
    turn = np.append(np.zeros(chosen.size, dtype=np.int64), -1)
    while True:
        after: Integers = np.maximum.reduce([turn[places] + 1 for places in before])
        if (after == turn[:-1]).all():
            return after
        turn[:-1] = after


def _before(chosen: Integers, bound: _Bound) -> Integers:
    """For each chosen position the place of the one before it on the same slot; -1 if there is none."""
    slots = np.where(bound.capped[chosen], bound.slots[chosen], -1 - chosen)
    order = np.argsort(slots, kind="stable")
    same = np.append(False, slots[order][1:] == slots[order][:-1])
    before = np.full(chosen.size, -1, dtype=np.int64)
    before[order[same]] = order[np.flatnonzero(same) - 1]
    return before
