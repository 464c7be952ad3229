"""Fires one planted transfer as a batch of one, with the functions of the baseline: amounts, closing leg, numbers.

A plant has its own draws, the requested amounts, and the accounts and times that were chosen for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from seedbed.baseline.fire import fire_legs
from seedbed.baseline.firings import Batch, RailFirings
from seedbed.baseline.placement import FiringContext
from seedbed.planting.reservations import Reservations
from seedbed.program.nodes import Node
from seedbed.units import (
    AccountIndex,
    AccountIndices,
    Cents,
    DayOrdinal,
    RailIndex,
    SecondOrdinal,
    SecondOrdinals,
    Word,
)

__all__ = ["Draws", "batch_of", "fire_single", "gathered", "together"]


_PLACE, _ADDRESS = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint64)
# Amounts are asked for, and shared out evenly.
_ASKED, _EVEN = frozenset(("amount",)), frozenset(("split", "closing-split"))


@dataclass
class Draws:
    """The draws of one firing of a plant: each purpose takes the plant's next word when it is first asked for.

    `place` is that of the firing in its transfer.
    """

    reservations: Reservations
    plant: str
    words: dict[tuple[str, tuple[str, ...]], Word] = field(default_factory=dict)
    place: int = 0

    def __call__(self, purpose: str, parts: tuple[str, ...]) -> Word:
        """The draw of a purpose; where what it decides is asked for, the firing's place among what is asked."""
        if purpose in _ASKED:
            return self.place
        if purpose in _EVEN:
            return 0
        # All legs of a firing have its metadata.
        place = ("salt" if purpose == "closing-salt" else purpose), parts
        if place not in self.words:
            self.words[place] = self.reservations.word(self.plant)
        return self.words[place]

    def again(self) -> "Draws":
        """The draws of another firing in the same transfer."""
        same = {place: word for place, word in self.words.items() if place[0].startswith("transfer")}
        return Draws(self.reservations, self.plant, same)


def batch_of(day: DayOrdinal, unit: AccountIndex, after: SecondOrdinal | None, total: Cents | None) -> Batch:
    """A batch of one firing: its day and unit account, and its parent's last second and amount if it takes these."""
    return Batch(
        owner="",
        address=_ADDRESS,
        transfer=_PLACE,
        transfer_address=_ADDRESS,
        day=np.array([day], dtype=np.int64),
        unit=np.array([unit], dtype=np.int64),
        parent=(_ADDRESS, _ADDRESS),
        after=None if after is None else np.array([after], dtype=np.int64),
        wanted=None if total is None else np.array([total], dtype=np.int64),
    )


def together(batch: Batch, count: int) -> Batch:
    """A batch of one firing, repeated as `count` firings of its transfer."""
    return replace(batch, address=np.zeros(count, dtype=np.uint64), transfer=np.zeros(count, dtype=np.int64))


def gathered(batch: Batch, totals: Sequence[Cents | None]) -> Batch:
    """A batch of one firing as one with a firing for each of several parents, which pass these amounts on."""
    known = [total for total in totals if total is not None]
    several = together(batch, len(totals))
    return replace(
        several,
        parent=(several.address, several.address),
        wanted=np.array(known, dtype=np.int64) if len(known) == len(totals) else None,
        fan_in=True,
    )


def fire_single(
    context: FiringContext,
    node: Node,
    batch: Batch,
    accounts: Mapping[RailIndex, AccountIndices],
    seconds: Mapping[RailIndex, SecondOrdinals],
) -> tuple[RailFirings, ...]:
    """Fires the batch on these accounts, shape (legs, n), at these seconds.

    Afterwards its spending of caps is released, because the result may still be rejected.
    """
    before = [
        (caps, accounts[rail.index][caps.leg], seconds[rail.index])
        for rail in node.rails
        if rail.index in accounts
        for caps in context.caps.binding(rail)
    ]
    left = [context.caps.remaining(*place) for place in before]
    fired = fire_legs(context, node, batch, accounts, seconds)
    for place, cents in zip(before, left, strict=True):
        context.caps.give_back(*place, cents)
    return fired
