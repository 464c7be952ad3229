"""The results of planting: transfers, their firings, and the surfacings of each plant."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from seedbed.baseline.firings import Fired, RailFirings, Transfers
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndex, Cents, DayOrdinal, SecondOrdinal, Seconds, TickIndex, Word

__all__ = ["PlantedFiring", "PlantedTransfer", "Reason", "Status", "Surfacing"]


class Status(IntEnum):
    """The index of a status in `STATUSES`."""

    PENDING = 0
    POSTED = 1
    FAILED = 2


class Reason(IntEnum):
    """The reason why a later row replaces an earlier one: the index in (none, *SUPERSEDES)."""

    NONE = 0
    INFLIGHT = 1
    BUNDLE_ASSIGNMENT = 2
    TECHNICAL_CORRECTION = 3


@dataclass(kw_only=True)
class PlantedFiring:
    """One firing of one rail in its last state. `cents` are gross for two legs, signed for one leg.

    `first` (status, cents, second, salt) is what an earlier row said where a later one, appended at `appended` for
    `reason`, replaces it. `tick` is the tick that bundles the firing, or `sweep` the planted one that does. A
    `companion` is one of the ordinary firings that a busy template collects beside the one that is planted. In a
    transfer with several parents each firing has its own `parent`.

    Flaws: `short` are the cents that its Debit or one leg lacks, `late` are the seconds by which it posts too late,
    `missing` is a metadata key that its legs lack.
    """

    transfer: "PlantedTransfer"
    rail: RailPlan
    accounts: tuple[AccountIndex, ...]
    cents: Cents
    second: SecondOrdinal
    number: int
    salt: Word
    status: Status = Status.POSTED
    tick: TickIndex = -1
    sweep: "PlantedTransfer | None" = None
    reason: Reason = Reason.NONE
    first: tuple[Status, Cents, SecondOrdinal, Word] | None = None
    appended: SecondOrdinal = 0
    companion: bool = False
    parent: "PlantedTransfer | None" = None
    short: Cents = 0
    late: Seconds = 0
    missing: str = ""
    half: bool = False

    def leg_cents(self, leg: int) -> Cents:
        """The signed amount of one leg in its last state."""
        if not self.rail.two_leg:
            return self.cents
        return self.cents * self.rail.legs[leg].sign + (0 if leg else self.short)

    @property
    def bundled(self) -> bool:
        """Whether a sweep takes it."""
        return self.tick >= 0 or self.sweep is not None


@dataclass(kw_only=True)
class PlantedTransfer:
    """One whole transfer of a node for one plant. `words` and `salt` decide its id and metadata.

    `total` is what it takes over from its chain parent; a fan-in child has `others` beside it. `closers` are the
    Variable leg rails that fire in it.
    """

    plant: str
    node: Node
    day: DayOrdinal
    unit: AccountIndex
    words: tuple[Word, Word]
    salt: Word
    parent: "PlantedTransfer | None" = None
    total: Cents | None = None
    others: tuple["PlantedTransfer", ...] = ()
    closers: tuple[RailPlan, ...] = ()
    firings: list[PlantedFiring] = field(default_factory=list)

    @property
    def rails(self) -> list[RailPlan]:
        """The rails that fire in it, the closing ones last."""
        return [*(rail for rail in self.node.rails if not rail.variable), *self.closers]

    def own(self, rail: RailPlan) -> PlantedFiring:
        """The firing of a rail that the plant is about."""
        return next(firing for firing in self.firings if firing.rail is rail and not firing.companion)

    @property
    def parents(self) -> tuple["PlantedTransfer", ...]:
        """Its chain parents: none, one, or those of a fan-in child."""
        return () if self.parent is None else (self.parent, *self.others)

    @property
    def last_second(self) -> SecondOrdinal:
        """The last posting, as if no posting were late."""
        return max(firing.second - firing.late for firing in self.firings)

    @property
    def fired(self) -> Fired:
        """The transfer in the form of the baseline: arrays of one transfer."""
        rails = {firing.rail.index: firing.rail for firing in self.firings}
        firings = tuple(_fired(self.node, [f for f in self.firings if f.rail is rail]) for rail in rails.values())
        none = np.zeros(1, dtype=np.uint64)
        words = (np.array([self.words[0]], dtype=np.uint64), np.array([self.words[1]], dtype=np.uint64))
        return Fired(
            self.node,
            Transfers(
                words=words, parent=(none, none), day=np.array([self.day]), unit=np.array([self.unit]), salt=none
            ),
            firings,
        )

    @property
    def swept(self) -> bool:
        """Whether the transfer is a sweep or follows from one."""
        above: PlantedTransfer | None = self
        while above is not None and not above.node.aggregates:
            above = above.parent
        return above is not None

    @property
    def posted(self) -> bool:
        """Whether any leg is Posted."""
        return any(firing.status is Status.POSTED for firing in self.firings)


def _fired(node: Node, firings: list[PlantedFiring]) -> RailFirings:
    """The firings of one rail in one transfer as arrays."""
    return RailFirings(
        node=node,
        rail=firings[0].rail,
        transfer=np.zeros(len(firings), dtype=np.int64),
        accounts=np.array([firing.accounts for firing in firings], dtype=np.int64).T,
        cents=np.array([firing.cents for firing in firings], dtype=np.int64),
        second=np.array([firing.second for firing in firings], dtype=np.int64),
        number=np.array([firing.number for firing in firings], dtype=np.int64),
        salt=np.array([firing.salt for firing in firings], dtype=np.uint64),
    )


@dataclass(frozen=True, kw_only=True)
class Surfacing:
    """One view and key in which a plant must show.

    For collateral, `needed` tells that it is gone without the plant. Else the plant is one of a set that is enough.
    """

    plant: str
    view: str
    key: str
    collateral: bool = False
    needed: bool = True
