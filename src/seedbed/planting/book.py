"""The book of a planting: draws, days, accounts, and what has been promised under caps."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from seedbed.baseline.block import Work
from seedbed.draw.address import counters, draw
from seedbed.errors import InputError
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.program import Node
from seedbed.plan.rails import RailPlan
from seedbed.planting.base import Base
from seedbed.scenario.survey import Survey

__all__ = ["Book", "NothingLeftError", "UnplantableError"]

WORDS_AT_ONCE = 32


class UnplantableError(Exception):
    """A plant that cannot be made; the message is the reason."""


class NothingLeftError(UnplantableError):
    """A transfer for which a cap leaves nothing."""


class Book:
    """What planting looks up and what it has spoken for. Days and seconds are ordinals, amounts cents."""

    def __init__(self, work: Work, survey: Survey, base: Base) -> None:
        self.work = work
        self.survey = survey
        self.base = base
        self._flows: dict[tuple[int, int, int], int] = defaultdict(int)
        self._claimed: set[tuple[str, ...]] = set()
        self._occupied: set[tuple[int, int, int]] = set()
        self._words: dict[str, list[int]] = {}
        self._batches: dict[str, int] = defaultdict(int)

    # ---- draws --------------------------------------------------------------------------------------------------

    def word(self, plant: str) -> int:
        """The next 64-bit draw of a plant; no plant's draws depend on another plant."""
        words = self._words.setdefault(plant, [])
        if not words:
            address = counters(0, self._batches[plant], np.arange(WORDS_AT_ONCE))
            self._batches[plant] += 1
            words += draw(self.work.program.keys.key(plant, "plant"), address).tolist()[::-1]
        return words.pop()

    def below(self, plant: str, bound: int) -> int:
        """The next draw of a plant below a bound (1 where the bound is lower)."""
        return (self.word(plant) >> 32) * max(bound, 1) >> 32

    # ---- names and days -----------------------------------------------------------------------------------------

    def account(self, account_id: str) -> int:
        """The local account of an id. Raises InputError where there is none that a plant can use."""
        if account_id not in self.survey.index_of:
            raise InputError(f"scenario: no account '{account_id[:80]}' that a plant can use")
        return self.survey.index_of[account_id]

    def rail(self, name: str, children: bool = True) -> RailPlan:
        """The rail of a name, to be planted with its children or without.

        Raises InputError where the bank has none, UnplantableError where it cannot fire.
        """
        if name not in self.survey.rail_named:
            raise InputError(f"scenario: the bank has no rail '{name[:80]}'")
        rail = self.survey.rail_named[name]
        refusal = self.survey.refusal(rail, children)
        if refusal is not None:
            raise UnplantableError(refusal)
        return rail

    def day(self, days_ago: int) -> int:
        """The business day of a plant. Raises UnplantableError where it lies before the window."""
        day = self.survey.day(days_ago)
        if day is None:
            raise UnplantableError(f"{days_ago} days before the anchor there is no business day in the window")
        return day

    def claim(self, day: int, *key: str) -> int:
        """The last business day up to `day` on which nothing claimed this key; it is claimed from now on."""
        found: int | None = day
        while found is not None:
            if (*key, str(found)) not in self._claimed:
                self._claimed.add((*key, str(found)))
                return found
            found = self.survey.day_before(found)
        raise UnplantableError("every earlier business day of the window has one already")

    def free_day(self, node: Node, unit: int, day: int, movable: bool = True) -> int:
        """The last business day up to `day` on which an account has no transfer of a template; taken then.

        What is not `movable` is planted on that day or not at all.
        """
        found: int | None = day
        while found is not None:
            if self.is_free(node, unit, found):
                self.occupy(node, unit, found)
                return found
            if not movable:
                raise UnplantableError(f"the account has another transfer of {node.name} on that day")
            found = self.survey.day_before(found)
        raise UnplantableError(f"the account has a transfer of {node.name} on every earlier business day")

    def is_free(self, node: Node, unit: int, day: int) -> bool:
        """Whether an account has no transfer of a template on a day."""
        return (node.index, unit, day) not in self._occupied

    def vacate(self, node: Node, unit: int, day: int) -> None:
        """Gives back a day that was taken."""
        self._occupied.discard((node.index, unit, day))

    def occupy(self, node: Node, unit: int, day: int) -> None:
        """Marks a day on which an account has a transfer of a template whose key is the account and the day."""
        self._occupied.add((node.index, unit, day))

    # ---- caps ---------------------------------------------------------------------------------------------------

    def cap_day(self, account: int, second: int) -> int:
        """The business day to which a posting on an account counts for caps."""
        return (second - int(self.survey.view.offset_seconds[account])) // DAY_SECONDS

    def flow(self, rail: RailPlan, account: int, day: int) -> int:
        """What an account pays out by a rail on a cap day, baseline and plants."""
        return self.base.spent.cents(rail, account, day) + self._flows.get((rail.index, account, day), 0)

    def headroom(self, rail: RailPlan, account: int, second: int) -> int | None:
        """What a cap leaves of an account's day, None without a cap."""
        cap = self.survey.cap_on(rail, account)
        return None if cap is None else cap - self.flow(rail, account, self.cap_day(account, second))

    def room(self, rail: RailPlan, wanted: Sequence[int], cents: int, second: int) -> int | None:
        """What a cap leaves of the day of the account that a rail debits, None where that is enough.

        The account is the first wanted one of which anything is left, else any other.
        """
        leg = rail.legs[0]
        for account in wanted:
            left = self.headroom(rail, account, second) if account >= 0 and self.survey.admits(leg, account) else 0
            if left is None or left > 0:
                return left if left is not None and left < cents else None
        rooms = [self.headroom(rail, account, second) for account in self.survey.pool(leg.roles)]
        most = max((cents if left is None else left for left in rooms), default=0)
        return max(most, 0) if most < cents else None

    def spend(self, rail: RailPlan, account: int, second: int, cents: int) -> None:
        """Books what is paid out under a cap; a negative amount takes it back."""
        if self.survey.cap_on(rail, account) is not None:
            self._flows[rail.index, account, self.cap_day(account, second)] += cents

    def payer(self, rail: RailPlan, accounts: Sequence[int], second: int, cents: int) -> int:
        """The first of these accounts whose cap has room for the amount; the first of all where none has."""
        for account in accounts:
            room = self.headroom(rail, account, second)
            if room is None or room >= cents:
                return account
        return accounts[0]
