"""Causes: finds the plants that cause an exception, by leaving plants out.

Leaving a plant out removes its rows and the amounts that sweeps carried on for it. Openings are computed again;
everything else stays. A plant is *needed* if the exception is gone without it. If no single plant is needed, because
the others cause the exception, too, a smallest set that is *enough* is named: plants are left out, the last one
first, as long as the exception remains. An opening that compensates a plant can hide the exception until another
plant is left out, so each plant may be tried more than once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from seedbed.baseline.block import Setup
from seedbed.baseline.settle import Balances, openings_of
from seedbed.baseline.sweeps import Sweeps
from seedbed.planting.transfers import Status, Surfacing
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, CentsArray, ClassIndex, DayRow, SecondOrdinal, Word

if TYPE_CHECKING:
    from seedbed.planting.planted import Planted

__all__ = ["NEGATIVE", "Settlement", "blamed", "collateral_of_balances"]

Without = frozenset[str]

NEGATIVE = "hard_negative"


def blamed(plants: Iterable[str], shows: Callable[[Without], bool]) -> Iterator[tuple[str, bool]]:
    """The plants that cause an exception, and whether each is needed. `shows` tells if it remains without some.

    If no plant is needed, hard negatives are named last.
    """
    ordered = sorted(set(plants), key=lambda plant: (plant.startswith(NEGATIVE), plant))
    needed = [plant for plant in ordered if not shows(frozenset((plant,)))]
    if needed:
        yield from ((plant, True) for plant in needed)
        return
    out: Without = frozenset()
    spared = True
    while spared:
        spared = False
        for plant in reversed(ordered):
            if plant not in out and shows(out | {plant}):
                out |= {plant}
                spared = True
    yield from ((plant, False) for plant in ordered if plant not in out)


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The balances of block 0's accounts, without plants (`before`) and with all plants (`after`).

    `nets` are the baseline's day nets. `swept` are the cents that sweeps add to them because of plants. Both have the
    shape (accounts, days). `sweeps` are the postings of the ticks with the plants. `swept_without` gives `swept`
    without some plants.
    """

    setup: Setup
    nets: CentsArray
    swept: CentsArray
    before: Balances
    after: Balances
    sweeps: Sweeps
    swept_without: Callable[[Without], CentsArray]


def collateral_of_balances(planted: "Planted", settlement: Settlement) -> list[Surfacing]:
    """Account-days that are below zero, or off a declared balance, only because of plants."""
    view, days = planted.survey.block_accounts, planted.survey.window.days
    before, after = settlement.before, settlement.after
    expected = np.array([c.expected_cents or 0 for c in view.classes], dtype=np.int64)[view.class_index]
    declared = np.array([c.expected_cents is not None for c in view.classes], dtype=np.bool_)[view.class_index]
    breached = [declared[:, None] & (b.stored != expected[:, None]) for b in (after, before)]
    rules = {
        "overdraft": (after.stored < 0, before.stored < 0),
        "expected_eod_balance_breach": (breached[0], breached[1]),
    }
    shown = {(surfacing.view, surfacing.key) for surfacing in planted.surfacings}
    left = _Left(planted, settlement)
    found = []
    for name, (now, already) in rules.items():
        for account, row in np.argwhere(now & ~already & view.internal[:, None]).tolist():
            key = f"{planted.survey.ids[account]}/{date.fromordinal(int(days[row])).isoformat()}"
            if (name, key) in shown:
                continue
            wanted = int(expected[account])

            def shows(
                out: Without,
                name: str = name,
                account: AccountIndex = account,
                row: DayRow = row,
                wanted: Cents = wanted,
            ) -> bool:
                stored = int(left.stored(account, out)[row])
                return stored < 0 if name == "overdraft" else stored != wanted

            causes = blamed(left.moving(account), shows)
            found += [
                Surfacing(plant=plant, view=name, key=key, collateral=True, needed=needed) for plant, needed in causes
            ]
    return found


class _Left:
    """The balances without some plants, account by account."""

    def __init__(self, planted: "Planted", settlement: Settlement) -> None:
        self.planted = planted
        self.settlement = settlement
        self.view = planted.survey.block_accounts
        self.days = planted.survey.window.days
        self._own: dict[AccountIndex, dict[str, CentsArray]] = defaultdict(dict)
        self._carried: dict[AccountIndex, dict[str, CentsArray]] = defaultdict(dict)
        self._off: dict[AccountIndex, dict[str, CentsArray]] = defaultdict(dict)
        self._add_legs()
        self._add_sweeps()
        for plant, account, row, cents in planted.delta_rows:
            self._of(self._off, account, plant)[row] += cents
        self._stored: dict[tuple[AccountIndex, Without], CentsArray] = {}
        self._kept: dict[tuple[AccountIndex, Without], CentsArray] = {}
        self._openings: dict[tuple[AccountIndex, Cents], Cents] = {}
        self._swept: dict[Without, CentsArray] = {}
        self._moved: dict[AccountIndex, Without] = {}
        self._below: dict[AccountIndex, list[tuple[AccountIndex, int]]] = {}

    # ---- the effects of each plant ------------------------------------------------------------------------------

    def _of(
        self, effects: dict[AccountIndex, dict[str, CentsArray]], account: AccountIndex, plant: str
    ) -> CentsArray:
        return effects[account].setdefault(plant, np.zeros(self.days.size, dtype=np.int64))

    def _post(
        self,
        effects: dict[AccountIndex, dict[str, CentsArray]],
        account: AccountIndex,
        plant: str,
        second: SecondOrdinal,
        cents: Cents,
    ) -> None:
        """A posting: it moves the balances of its business day and of all later ones."""
        day = (second - int(self.view.offset_seconds[account])) // DAY_SECONDS
        self._of(effects, account, plant)[int(np.searchsorted(self.days, day)) :] += cents

    def _add_legs(self) -> None:
        for transfer in self.planted.transfers:
            for own in transfer.firings:
                for leg, account in enumerate(own.accounts if own.status is Status.POSTED else ()):
                    self._post(self._own, account, transfer.plant, own.second, own.leg_cents(leg))

    def _add_sweeps(self) -> None:
        """The amounts that sweeps and their chain children carry on for each plant."""
        sweeps = self.settlement.sweeps
        carried: dict[Word, dict[str, Cents]] = defaultdict(dict)
        # A transfer has the shares of all its parents.
        inherited: dict[Word, dict[Word, dict[str, Cents]]] = defaultdict(dict)
        for transfer in self.planted.transfers:
            for own in transfer.firings:
                if own.tick >= 0:
                    word = int(sweeps.words[0][own.tick])
                    carried[word][transfer.plant] = carried[word].get(transfer.plant, 0) + abs(own.cents)
        for fired, posted, tick in sweeps.block.firings() if carried else ():
            words = fired.transfers.words[0].tolist()
            parents = fired.transfers.parent[0][posted.transfer] if posted.parent is None else posted.parent[0]
            for place, (number, parent) in enumerate(zip(posted.transfer.tolist(), parents.tolist(), strict=True)):
                shares = carried.get(parent) if parent else carried.get(words[number])
                if not shares:
                    continue
                if parent:
                    inherited[words[number]][parent] = shares
                    carried[words[number]] = _sum_of(inherited[words[number]].values())
                if tick[place] >= 0:
                    above = carried[int(sweeps.words[0][tick[place]])]
                    above.update({plant: above.get(plant, 0) + cents for plant, cents in shares.items()})
                for leg, rail_leg in enumerate(posted.rail.legs):
                    account, second = int(posted.accounts[leg, place]), int(posted.second[place])
                    for plant, cents in shares.items():
                        self._post(self._carried, account, plant, second, rail_leg.sign * cents)

    @cached_property
    def _tangled(self) -> frozenset[AccountIndex]:
        """Accounts on which sweeps do not carry exactly the amounts of plants, because of caps or opposite signs."""
        told = np.zeros_like(self.settlement.swept)
        for account, plants in self._carried.items():
            told[account] = sum(plants.values())
        off = np.cumsum(self.settlement.swept, axis=1) != told
        return frozenset(np.flatnonzero(off.any(axis=1)).tolist())

    # ---- which accounts an account depends on -------------------------------------------------------------------

    def moving(self, account: AccountIndex) -> set[str]:
        """The plants that move an account, or one below it, on some day."""
        found: set[str] = set()
        for below, _ in self._tree(account):
            found |= self._moving(below)
            if below in self._tangled:
                found |= {t.plant for t in self.planted.transfers if any(f.tick >= 0 for f in t.firings)}
        return found

    def _tree(self, account: AccountIndex) -> list[tuple[AccountIndex, int]]:
        """The account and the accounts below it that plants touch, and how many times its balance includes each."""
        if account not in self._below:
            weight = self._weights(int(self.view.class_index[account]))
            touched = self._own.keys() | self._carried.keys() | self._off.keys() | self._tangled
            found = [(below, weight.get(int(self.view.class_index[below]), 0)) for below in sorted(touched)]
            self._below[account] = [(account, 1), *((b, w) for b, w in found if w and b != account)]
        return self._below[account]

    def _weights(self, top: ClassIndex) -> dict[ClassIndex, int]:
        """Class → the number of times that the balance of an account of class `top` includes one of its accounts."""
        classes = self.view.classes
        held = np.bincount(self.view.class_index, minlength=len(classes)).tolist()
        weights: dict[ClassIndex, int] = {}
        level = {top: 1}
        while level:
            below: dict[ClassIndex, int] = defaultdict(int)
            for parent, times in level.items():
                for c in classes:
                    if c.internal and c.parent_role == classes[parent].role and c.parent_role:
                        below[c.index] += times * (1 if parent == top else held[parent])
            for index, times in below.items():
                weights[index] = weights.get(index, 0) + times
            level = dict(below)
        return weights

    # ---- balances -----------------------------------------------------------------------------------------------

    def stored(self, account: AccountIndex, out: Without) -> CentsArray:
        """The stored balance of every day without these plants."""
        if (account, out) not in self._stored:
            stored: CentsArray = self.settlement.after.stored[account].copy()
            for below, weight in self._tree(account):
                touching = self._touching(below, out)
                if touching:
                    stored += weight * (self._kept_by(below, touching) - self._kept_by(below, frozenset()))
            self._stored[account, out] = stored
        return self._stored[account, out]

    def _touching(self, account: AccountIndex, out: Without) -> Without:
        return out if account in self._tangled else out & self._moving(account)

    def _moving(self, account: AccountIndex) -> Without:
        """The plants that move the account itself."""
        if account not in self._moved:
            moved = (self._own[account], self._carried[account], self._off[account])
            self._moved[account] = frozenset(plant for effects in moved for plant in effects)
        return self._moved[account]

    def _kept_by(self, account: AccountIndex, out: Without) -> CentsArray:
        """The account's own balance without these plants and without children: opening, postings, deltas."""
        if (account, out) not in self._kept:
            planted = np.zeros(self.days.size, dtype=np.int64)
            for plant, moved in self._own[account].items():
                planted += 0 if plant in out else moved
            planted += self._carried_without(account, out)
            baseline = np.cumsum(self.settlement.nets[account])
            running = baseline + planted
            kept = running + self._opening(account, out, running, baseline)
            for plant, cents in self._off[account].items():
                kept += 0 if plant in out else cents
            self._kept[account, out] = kept
        return self._kept[account, out]

    def _carried_without(self, account: AccountIndex, out: Without) -> CentsArray:
        if account in self._tangled:
            if out not in self._swept:
                self._swept[out] = np.cumsum(self.settlement.swept_without(out), axis=1)
            tangled: CentsArray = self._swept[out][account]
            return tangled
        carried = np.zeros(self.days.size, dtype=np.int64)
        for plant, moved in self._carried[account].items():
            carried += 0 if plant in out else moved
        return carried

    def _opening(self, account: AccountIndex, out: Without, running: CentsArray, baseline: CentsArray) -> Cents:
        """The opening without these plants. A given opening stays if one of the plants that need it stays."""
        if account in self.planted.openings and not self.planted.opened_for.get(account, frozenset()) <= out:
            return self.planted.openings[account]
        # An opening follows from the lowest balance that the postings alone would cause.
        deepest = int(running.min(initial=0))
        if (account, deepest) not in self._openings:
            _, opening = openings_of(
                self.settlement.setup, self.view, np.array([account]), baseline[None], running[None]
            )
            self._openings[account, deepest] = int(opening[0])
        return self._openings[account, deepest]


def _sum_of(shares: Iterable[dict[str, Cents]]) -> dict[str, Cents]:
    """Cents per plant, added up."""
    total: dict[str, Cents] = {}
    for share in shares:
        for plant, cents in share.items():
            total[plant] = total.get(plant, 0) + cents
    return total
