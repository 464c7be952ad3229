"""Daily caps: the amount that each capped account may still pay out on a day. Firings spend it in sequence order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from seedbed.baseline.firings import RailFirings
from seedbed.draw.samplers import Constant, Lognormal
from seedbed.program.accounts import BlockAccounts
from seedbed.program.rails import RailPlan
from seedbed.program.window import Window
from seedbed.units import (
    DAY_SECONDS,
    AccountIndices,
    CapSlots,
    CentsArray,
    DayOrdinals,
    Integers,
    RailIndex,
    SecondOrdinals,
    Words,
)

__all__ = ["UNLIMITED", "CapLedger"]


UNLIMITED = np.int64(2**62)


@dataclass(kw_only=True)
class CapLedger:
    """The rest of each cap, per (account, cap day) of one rail. No two rails debit one role with one transfer type.

    The cap day is the date of posting minus the offset of the role. An account that several blocks may debit gives
    each of its `spenders` (the number of blocks that fire a rail) an equal share of the cap, so that no block depends
    on the spending of another. Firings after the ticks may spend what the blocks have not `spent`, per rail index and
    slot. `announced` counts the firings that have not spent yet, if a node fires in several batches. With `lifted` no
    cap limits anything, and none is spent.
    """

    block_accounts: BlockAccounts
    window: Window
    spenders: Mapping[RailIndex, int]
    spent: Mapping[RailIndex, CentsArray] | None = None
    left: dict[RailIndex, CentsArray] = field(default_factory=dict)
    announced: dict[RailIndex, Integers] = field(default_factory=dict)
    lifted: bool = False

    def binds(self, rail: RailPlan) -> bool:
        """Whether any cap limits the debits of a rail."""
        return bool(rail.caps) and not self.lifted

    @property
    def _span(self) -> int:
        """Cap days per account: those of the window, and for shifted business days two before and one after."""
        return self.window.last - self.window.first + 4

    def day(self, account: AccountIndices, second: SecondOrdinals) -> DayOrdinals:
        """The cap day in which a posting on an account at a second counts."""
        day: DayOrdinals = (second - self.block_accounts.offset_seconds[account]) // DAY_SECONDS
        return day

    def _slots(self, account: AccountIndices, second: SecondOrdinals) -> CapSlots:
        """The slot of each (account, cap day) in the rail's array of remaining cents."""
        return account * self._span + self.day(account, second) - (self.window.first - 2)

    def _at_first(self, rail: RailPlan) -> CentsArray:
        caps = np.full(len(self.block_accounts.classes), UNLIMITED, dtype=np.int64)
        for c in self.block_accounts.classes:
            cap = rail.caps.get(c.parent_role) if c.parent_role else None
            if cap is not None:
                # Apart from its own block, only blocks without a slice of the template use the account.
                slices = max(1, c.slices) - 1 if c.template else 0
                caps[c.index] = cap // max(1, self.spenders[rail.index] - slices) if self.spent is None else cap
        return np.repeat(caps[self.block_accounts.class_index], self._span)

    def _left(self, rail: RailPlan) -> CentsArray:
        if rail.index not in self.left:
            self.left[rail.index] = self._at_first(rail)
            if self.spent and rail.index in self.spent:
                self._reported(self.left[rail.index])[:] -= self.spent[rail.index].reshape(-1, self._span - 1)
        return self.left[rail.index]

    def spent_on_shared(self, rails: Iterable[RailPlan]) -> dict[RailIndex, CentsArray]:
        """The spending of the shared accounts' caps from the day before the window to the day after it.

        Per rail index, one value per (account, cap day).
        """
        return {
            rail.index: self._reported(self._at_first(rail) - self.left[rail.index])[
                : self.block_accounts.shared
            ].reshape(-1)
            for rail in rails
            if rail.index in self.left
        }

    def left_on_shared(self, rail: RailPlan) -> CentsArray:
        """The rest of the shared accounts' caps on the same days, shape (accounts, cap days)."""
        return self._reported(self._left(rail))[: self.block_accounts.shared]

    def _reported(self, slots: CentsArray) -> CentsArray:
        """The slots in the shape (accounts, cap days), without the first day, which has no posting of the window."""
        return slots.reshape(-1, self._span)[:, 1:]

    def refund(self, firing: RailFirings) -> None:
        """Releases the spending of firings."""
        self.record(firing.rail, firing.accounts[0], firing.second, np.minimum(firing.leg_cents(0), 0))

    def remaining(self, rail: RailPlan, account: AccountIndices, second: SecondOrdinals) -> CentsArray:
        """The rest of the cap for each (account, second). `UNLIMITED` if no cap applies."""
        if not self.binds(rail):
            return np.full(account.shape, UNLIMITED, dtype=np.int64)
        return self._left(rail)[self._slots(account, second)]

    def give_back(self, rail: RailPlan, account: AccountIndices, second: SecondOrdinals, left: CentsArray) -> None:
        """Sets the rest of the cap for each (account, second) to the value of `remaining` before a trial."""
        if self.binds(rail):
            self._left(rail)[self._slots(account, second)] = left

    def expect(self, rail: RailPlan, account: AccountIndices, second: SecondOrdinals) -> None:
        """Announces firings that will spend. Until they have, earlier firings leave them an even share."""
        if rail.index not in self.announced:
            self.announced[rail.index] = np.zeros_like(self._left(rail))
        np.add.at(self.announced[rail.index], self._slots(account, second), 1)

    def share(self, rail: RailPlan, account: AccountIndices, second: SecondOrdinals) -> CentsArray:
        """The rest of the cap, divided evenly among these firings of the same account and day."""
        left = self.remaining(rail, account, second)
        if not self.binds(rail):
            return left
        slots = self._slots(account, second)
        _, place, count = np.unique(slots, return_inverse=True, return_counts=True)
        return np.where(left < UNLIMITED, left // count[place], left)

    def record(self, rail: RailPlan, account: AccountIndices, second: SecondOrdinals, cents: CentsArray) -> None:
        """Spends amounts that were fixed before, within their shares."""
        if self.binds(rail):
            np.subtract.at(self._left(rail), self._slots(account, second), cents)

    def spend(
        self,
        rail: RailPlan,
        amounts: Lognormal | Constant,
        account: AccountIndices,
        second: SecondOrdinals,
        draws: Words,
        wanted: CentsArray | None = None,
        ceiling: CentsArray | None = None,
    ) -> CentsArray:
        """Amounts for firings that debit these accounts: `wanted` or drawn, within cap and ceiling; 0 = dropped.

        Firings of one account and day spend its cap in the given order. Each leaves the later firings the amounts
        that they want. If all together want more than the rest of the cap, it leaves them even shares. A drawn amount
        takes at most two such shares if the medians of all would not fit. A firing that finds less than a cent is
        dropped.
        """
        limit = np.full(account.shape, UNLIMITED) if ceiling is None else ceiling
        if not self.binds(rail):
            return _amounts(amounts, draws, wanted, limit)
        left = self._left(rail)
        slots = self._slots(account, second)
        capped = left[slots] < UNLIMITED
        cents = np.zeros(account.shape, dtype=np.int64)
        free = np.flatnonzero(~capped)
        cents[free] = _amounts(amounts, draws[free], _some(wanted, free), limit[free])
        behind = self._behind(rail, slots)
        median = int(amounts.cents(np.array([2**63], dtype=np.uint64))[0])
        for now, here, later in _rounds(np.flatnonzero(capped), slots, wanted):
            room = left[slots[now]]
            unspent = here + behind[now]
            if wanted is None:
                fair = np.where(unspent * median > room, np.minimum(room, 2 * room // unspent), room)
            else:
                fair = np.maximum(room // unspent, room - later)
            cents[now] = _amounts(amounts, draws[now], _some(wanted, now), np.minimum(fair, limit[now]))
            left[slots[now]] -= cents[now]
        return cents

    def _behind(self, rail: RailPlan, slots: CapSlots) -> Integers:
        """The number of firings in later batches for each of these slots. These firings stop being announced."""
        announced = self.announced.get(rail.index)
        if announced is None:
            return np.zeros_like(slots)
        np.subtract.at(announced, slots, 1)
        return announced[slots]


def _some(values: CentsArray | None, chosen: Integers) -> CentsArray | None:
    return None if values is None else values[chosen]


def _amounts(sampler: Lognormal | Constant, draws: Words, wanted: CentsArray | None, limit: CentsArray) -> CentsArray:
    """Wanted or drawn amounts of at most `limit`. 0 if the limit is below a cent."""
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


def _rounds(
    chosen: Integers, slots: CapSlots, wanted: CentsArray | None
) -> Iterator[tuple[Integers, Integers, CentsArray]]:
    """The chosen positions in rounds: the k-th firing of every slot is in round k.

    With each come the number of firings of its slot that have yet to spend, including itself, and the amounts that
    those after it want.
    """
    if not chosen.size:
        return
    order = chosen[np.argsort(slots[chosen], kind="stable")]
    sorted_slots = slots[order]
    starts = np.flatnonzero(np.diff(sorted_slots, prepend=sorted_slots[0] - 1))
    lengths = np.diff(starts, append=order.size)
    rank = np.arange(order.size) - np.repeat(starts, lengths)
    unspent = np.repeat(lengths, lengths) - rank
    total = np.zeros_like(order) if wanted is None else np.cumsum(wanted[order])
    later = np.repeat(total[starts + lengths - 1], lengths) - total
    by_rank = np.argsort(rank, kind="stable")
    for places in np.split(by_rank, np.cumsum(np.bincount(rank))[:-1]):
        yield order[places], unspent[places], later[places]
