"""Reservations: the draws, days and accounts that plants have taken, and their spending of caps."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from seedbed.baseline.block import Setup
from seedbed.baseline.caps import UNLIMITED, CapLedger
from seedbed.baseline.placement import FiringContext
from seedbed.draw.address import counters, draw
from seedbed.draw.samplers import Constant
from seedbed.errors import InputError
from seedbed.planting.settled_baseline import SettledBaseline
from seedbed.planting.transfers import PlantedFiring
from seedbed.program.nodes import Node
from seedbed.program.rails import RailCaps, RailPlan
from seedbed.scenario.survey import Survey
from seedbed.units import (
    AccountIndex,
    Cents,
    CentsArray,
    DayOrdinal,
    NodeIndex,
    RailIndex,
    SecondOrdinal,
    Word,
    Words,
)

__all__ = ["NothingLeftError", "Reservations", "UnplantableError"]


WORDS_AT_ONCE = 32


@lru_cache(maxsize=64)
def _addresses(batch: int) -> Words:
    """The addresses of one batch of a plant's draws."""
    return counters(0, batch, np.arange(WORDS_AT_ONCE))


class UnplantableError(Exception):
    """The plant cannot be made. The message is the reason."""


class NothingLeftError(UnplantableError):
    """A transfer for which a cap leaves nothing."""


class Reservations:
    """The lookups of planting, and everything that plants have reserved."""

    def __init__(self, setup: Setup, survey: Survey, baseline: SettledBaseline) -> None:
        self.setup = setup
        self.survey = survey
        self.baseline = baseline
        self.caps = CapLedger(
            block_accounts=survey.block_accounts, window=setup.window, spenders={}, spent=baseline.paid
        )
        self._lifted = replace(self.caps, lifted=True)
        self._claimed: set[tuple[str, ...]] = set()
        self._occupied: set[tuple[NodeIndex, AccountIndex, DayOrdinal]] = set()
        self._words: dict[str, list[Word]] = {}
        self._batches: dict[str, int] = defaultdict(int)

    # ---- draws --------------------------------------------------------------------------------------------------

    def word(self, plant: str) -> Word:
        """The next 64-bit draw of a plant. The draws of a plant do not depend on other plants."""
        words = self._words.setdefault(plant, [])
        if not words:
            batch = self._batches[plant]
            self._batches[plant] += 1
            words += draw(self.setup.program.keys.key(plant, "plant"), _addresses(batch)).tolist()[::-1]
        return words.pop()

    def below(self, plant: str, bound: int) -> int:
        """The next draw of a plant below a bound. The bound is at least 1."""
        return (self.word(plant) >> 32) * max(bound, 1) >> 32

    # ---- names and days -----------------------------------------------------------------------------------------

    def account(self, account_id: str) -> AccountIndex:
        """The local account of an id. Raises InputError if a plant cannot use the account or it does not exist."""
        if account_id not in self.survey.index_of:
            raise InputError(f"scenario: account '{account_id[:80]}' does not exist or cannot be used by a plant")
        return self.survey.index_of[account_id]

    def rail(self, name: str, children: bool = True) -> RailPlan:
        """The rail of a name, to be planted with its children or without.

        Raises InputError if the bank has no such rail, UnplantableError if the rail cannot fire.
        """
        if name not in self.survey.rail_named:
            raise InputError(f"scenario: the bank has no rail '{name[:80]}'")
        rail = self.survey.rail_named[name]
        refusal = self.survey.refusal(rail, children)
        if refusal is not None:
            raise UnplantableError(refusal)
        return rail

    def day(self, days_ago: int) -> DayOrdinal:
        """The business day of a plant. Raises UnplantableError if it lies before the window."""
        day = self.survey.day(days_ago)
        if day is None:
            raise UnplantableError(f"{days_ago} days before the anchor there is no business day in the window")
        return day

    def claim(self, day: DayOrdinal, *key: str) -> DayOrdinal:
        """Claims the last business day, up to `day`, on which nothing has claimed this key. Returns the day."""
        found: DayOrdinal | None = day
        while found is not None:
            if (*key, str(found)) not in self._claimed:
                self._claimed.add((*key, str(found)))
                return found
            found = self.survey.day_before(found)
        raise UnplantableError("every earlier business day of the window has one already")

    def free_day(self, node: Node, unit: AccountIndex, day: DayOrdinal, movable: bool = True) -> DayOrdinal:
        """Takes the last business day, up to `day`, on which an account has no transfer of a template.

        If the baseline has one on every day, a day without a planted transfer is enough. A transfer that is not
        `movable` is planted on `day` or not at all.
        """
        one: DayOrdinal | None = day
        found: DayOrdinal | None = None
        while one is not None:
            if self.is_free(node, unit, one):
                found = one
                break
            if found is None and (node.index, unit, one) not in self._occupied:
                found = one
            one = self.survey.day_before(one) if movable else None
        if found is None:
            on_days = "on every earlier business day" if movable else "on that day"
            raise UnplantableError(f"the account has another transfer of {node.name} {on_days}")
        self._occupied.add((node.index, unit, found))
        return found

    def is_free(self, node: Node, unit: AccountIndex, day: DayOrdinal) -> bool:
        """Whether an account has no transfer, on a day, of a template whose key is the account and the day."""
        keyed = unit if node.driver.unit_classes else -1
        return (node.index, unit, day) not in self._occupied and (
            node.index,
            keyed,
            day,
        ) not in self.baseline.collected

    def vacate(self, node: Node, unit: AccountIndex, day: DayOrdinal) -> None:
        """Releases a day that was taken."""
        self._occupied.discard((node.index, unit, day))

    # ---- caps ---------------------------------------------------------------------------------------------------

    def cap_day(self, account: AccountIndex, second: SecondOrdinal) -> DayOrdinal:
        """The business day in which a posting on an account counts for caps."""
        return int(self.caps.day(np.array([account]), np.array([second]))[0])

    def context(
        self,
        draws: Sequence[Callable[[str, tuple[str, ...]], Word]],
        asked: Mapping[RailIndex, CentsArray] | Mapping[RailIndex, Cents] | None = None,
        lifted: bool = False,
    ) -> FiringContext:
        """The context in which the firings of a planted transfer fire, each with its own draws.

        `asked` has the requested cents by rail index. The rest of the caps bounds them unless `lifted`.
        """

        def source(purpose: str, parts: tuple[str, ...], count: int) -> list[Word]:
            return [one(purpose, parts) for one in draws[:count]]

        asks = None if asked is None else {index: Constant(cents) for index, cents in asked.items()}
        caps = self._lifted if lifted else self.caps
        return FiringContext(
            program=self.setup.program,
            window=self.setup.window,
            block_accounts=self.survey.block_accounts,
            caps=caps,
            source=source,
            asks=asks,
        )

    def left(self, rail: RailPlan, leg: int, accounts: Sequence[AccountIndex], second: SecondOrdinal) -> list[Cents]:
        """What caps leave of these accounts' days for a leg of a rail; `UNLIMITED` without a cap."""
        places = np.array(accounts, dtype=np.int64)
        rooms: CentsArray = np.full(places.shape, UNLIMITED)
        for caps in rail.caps:
            if caps.leg == leg:
                rooms = np.minimum(rooms, self.caps.remaining(caps, places, np.full(places.shape, second)))
        found: list[Cents] = rooms.tolist()
        return found

    def headroom(self, caps: RailCaps | None, account: AccountIndex, second: SecondOrdinal) -> Cents | None:
        """What caps leave of an account's day, below zero what is beyond them; None without a cap."""
        if caps is None or not self.survey.limits_on(caps, account):
            return None
        return int(self.caps.remaining(caps, np.array([account]), np.array([second]))[0])

    def room(self, rail: RailPlan, account: AccountIndex, second: SecondOrdinal) -> Cents | None:
        """What the caps in both directions leave of an account's day for a rail; None without a cap."""
        rooms = (self.headroom(caps, account, second) for caps in rail.caps)
        return min((room for room in rooms if room is not None), default=None)

    def spend(self, caps: RailCaps, account: AccountIndex, second: SecondOrdinal, cents: Cents) -> None:
        """Books what is moved under caps; a negative amount takes it back."""
        if self.survey.limits_on(caps, account):
            self.caps.record(caps, np.array([account]), np.array([second]), np.array([cents], dtype=np.int64))

    def book(self, firing: PlantedFiring, times: int = 1) -> None:
        """Books what a firing moves under the caps of its rail; -1 times takes it back."""
        for caps in firing.rail.caps:
            moved = max(caps.sign * firing.leg_cents(caps.leg), 0)
            self.spend(caps, firing.accounts[caps.leg], firing.second, times * moved)

    def with_room(
        self, rail: RailPlan, leg: int, accounts: Sequence[AccountIndex], second: SecondOrdinal, cents: Cents
    ) -> AccountIndex:
        """The first of these accounts whose caps have room for the amount; the first of all where none has."""
        rooms = self.left(rail, leg, accounts, second)
        return next((a for a, room in zip(accounts, rooms, strict=True) if room >= cents), accounts[0])

    def spender(
        self,
        rail: RailPlan,
        leg: int,
        known: Sequence[AccountIndex],
        others: Sequence[AccountIndex],
        second: SecondOrdinal,
        cents: Cents,
    ) -> AccountIndex:
        """The first known account of which caps leave anything, else the other that has room, or the most of it."""
        accounts = (*known, *others)
        rooms = self.left(rail, leg, accounts, second)
        for account, room in zip(known, rooms, strict=False):
            if room > 0:
                return account
        rest = rooms[len(known) :]
        best = max((min(room, cents) for room in rest), default=0)
        return others[[min(room, cents) for room in rest].index(best)] if best > 0 else accounts[0]
