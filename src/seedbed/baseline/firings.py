"""The values between the steps of firing: planned firings, and fired ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbed.bank.timing import Delay
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import (
    AccountIndices,
    CentsArray,
    DayOrdinals,
    Flags,
    Integers,
    RailIndex,
    RailPosition,
    SecondOrdinals,
    TransferIndices,
    Words,
)

__all__ = ["Batch", "Fired", "RailFirings", "Transfers"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The planned firings of one node: n firings in m transfers.

    `owner` names the source of the addresses: the role of the unit accounts, or the parent of the chain.
    Per firing: `address`, `transfer` (index of its transfer, ascending). Per transfer: `transfer_address`, business
    `day`, `unit` account (-1 for none), the words of the parent's transfer (0 for none), `after` (the
    parent's last second), `wanted` (the parent's amount) and `known` (the parent's accounts, one array each), the
    last three only for chain children. With `fan_in` each firing has a parent of its own: `parent`, `wanted` and
    `known` are per firing, and `after` is that of the last parent of the transfer. Children of a later day than their
    parent's post in hours of their own, and have no `after`. `delay` is what the chain says of the others.
    `member` is the leg rail of an XOR group that fires in all transfers; without it, and of other groups, one is
    drawn for each transfer.
    """

    owner: str
    address: Words
    transfer: TransferIndices
    transfer_address: Words
    day: DayOrdinals
    unit: AccountIndices
    parent: tuple[Words, Words]
    after: SecondOrdinals | None = None
    delay: Delay | None = None
    wanted: CentsArray | None = None
    known: tuple[AccountIndices, ...] = ()
    fan_in: bool = False
    member: RailIndex | None = None

    def of_parents(self, column: Integers, transfers: TransferIndices | None = None) -> Integers:
        """What is known of the parents, per firing; per given transfer that of its (last) parent."""
        if not self.fan_in:
            return column[self.transfer if transfers is None else transfers]
        return column if transfers is None else column[self.last_firing(transfers)]

    def last_firing(self, transfers: TransferIndices) -> Integers:
        """The place of the last firing of each of these transfers."""
        return np.searchsorted(self.transfer, transfers, side="right") - 1


@dataclass(frozen=True, kw_only=True)
class RailFirings:
    """The firings of one rail in a batch of one node: n firings, each with the one or two legs of the rail.

    `accounts` has shape (legs, n). `cents` is the gross amount of a two-leg rail and the signed
    amount of a one-leg rail. `number` is the first leg's number within the transfer. `salt` feeds the metadata.
    `parent` has the words of each firing's parent transfer, if its transfer has several; else None.
    """

    node: Node
    rail: RailPlan
    transfer: TransferIndices
    accounts: AccountIndices
    cents: CentsArray
    second: SecondOrdinals
    number: Integers
    salt: Words
    parent: tuple[Words, Words] | None = None

    def __len__(self) -> int:
        return int(self.transfer.size)

    def leg_cents(self, leg: int) -> CentsArray:
        """Signed amounts of one leg."""
        return self.cents * self.rail.legs[leg].sign if self.rail.two_leg else self.cents

    @property
    def credits(self) -> CentsArray:
        """The credits of each firing: the gross of a two-leg rail, the Credits of a one-leg rail."""
        return np.maximum(self.cents, 0)

    def chosen(self, keep: Integers) -> "RailFirings":
        """The firings at these positions, which ascend."""
        if keep.size == len(self):
            return self
        return RailFirings(
            node=self.node,
            rail=self.rail,
            transfer=self.transfer[keep],
            accounts=self.accounts[:, keep],
            cents=self.cents[keep],
            second=self.second[keep],
            number=self.number[keep],
            salt=self.salt[keep],
            parent=None if self.parent is None else (self.parent[0][keep], self.parent[1][keep]),
        )


@dataclass(frozen=True, kw_only=True)
class Transfers:
    """The transfers of one node, as arrays of m values. `words` are the two halves of the identity of a transfer.

    `parent` has the same of its parent: 0 if it has none, or several, which its firings then name.
    """

    words: tuple[Words, Words]
    parent: tuple[Words, Words]
    day: DayOrdinals
    unit: AccountIndices
    salt: Words

    def __len__(self) -> int:
        return int(self.day.size)


@dataclass(frozen=True)
class Fired:
    """The transfers and firings of one node in one block, rail by rail."""

    node: Node
    transfers: Transfers
    firings: tuple[RailFirings, ...]

    def last_second(self) -> SecondOrdinals:
        """Each transfer's last posting."""
        last = np.zeros(len(self.transfers), dtype=np.int64)
        for firing in self.firings:
            np.maximum.at(last, firing.transfer, firing.second)
        return last

    def credits(self, rail_position: RailPosition | None) -> CentsArray:
        """The credits of each transfer; with a position, those of that leg rail (its gross)."""
        total = np.zeros(len(self.transfers), dtype=np.int64)
        for firing in self.firings:
            if rail_position is None:
                np.add.at(total, firing.transfer, firing.credits)
            elif firing.rail is self.node.rails[rail_position]:
                np.add.at(total, firing.transfer, np.abs(firing.cents))
        return total

    def parents_of(self, transfers: TransferIndices) -> Words:
        """The first words of the parents of these transfers, in no particular order; 0 for none."""
        if all(firing.parent is None for firing in self.firings):
            return self.transfers.parent[0][transfers]
        chosen = np.zeros(len(self.transfers), dtype=np.bool_)
        chosen[transfers] = True
        named = [f.parent[0][chosen[f.transfer]] for f in self.firings if f.parent is not None]
        return np.concatenate([self.transfers.parent[0][transfers], *named])

    def accounts(self) -> tuple[AccountIndices, ...]:
        """The accounts that each transfer touches, one array per leg (-1 where the leg has not fired).

        Destinations come first, because the recipient of the money passes it on. If a transfer has several firings,
        the first counts.
        """
        columns: list[tuple[int, AccountIndices]] = []
        for firing in self.firings:
            for leg, rail_leg in enumerate(firing.rail.legs):
                column = np.full(len(self.transfers), -1, dtype=np.int64)
                column[firing.transfer[::-1]] = firing.accounts[leg, ::-1]
                columns.append((-rail_leg.sign, column))
        return tuple(column for _, column in sorted(columns, key=lambda pair: pair[0]))

    def keeping(self, kept: Flags) -> "Fired":
        """These transfers only, renumbered, and their firings."""
        if kept.all():
            return self
        renumbered, old = np.cumsum(kept) - 1, self.transfers
        transfers = Transfers(
            words=(old.words[0][kept], old.words[1][kept]),
            parent=(old.parent[0][kept], old.parent[1][kept]),
            day=old.day[kept],
            unit=old.unit[kept],
            salt=old.salt[kept],
        )
        chosen = [firing.chosen(np.flatnonzero(kept[firing.transfer])) for firing in self.firings]
        firings = tuple(replace(firing, transfer=renumbered[firing.transfer]) for firing in chosen)
        return Fired(self.node, transfers, firings)


def concatenate(node: Node, parts: list[Fired]) -> Fired:
    """Several batches of one node as one, transfers renumbered in batch order."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(len(part.transfers) for part in parts)]).tolist()

    def words(pairs: list[tuple[Words, Words]]) -> tuple[Words, Words]:
        empty = [np.empty(0, np.uint64)]
        return (
            np.concatenate([pair[0] for pair in pairs] or empty),
            np.concatenate([pair[1] for pair in pairs] or empty),
        )

    none = [np.empty(0, np.int64)]
    transfers = Transfers(
        words=words([part.transfers.words for part in parts]),
        parent=words([part.transfers.parent for part in parts]),
        day=np.concatenate([part.transfers.day for part in parts] or none),
        unit=np.concatenate([part.transfers.unit for part in parts] or none),
        salt=np.concatenate([part.transfers.salt for part in parts] or [np.empty(0, np.uint64)]),
    )
    firings = []
    for rail in node.rails:
        found = [(offsets[k], f) for k, part in enumerate(parts) for f in part.firings if f.rail is rail]
        if found:
            firings.append(
                RailFirings(
                    node=node,
                    rail=rail,
                    transfer=np.concatenate([f.transfer + offset for offset, f in found]),
                    accounts=np.concatenate([f.accounts for _, f in found], axis=1),
                    cents=np.concatenate([f.cents for _, f in found]),
                    second=np.concatenate([f.second for _, f in found]),
                    number=np.concatenate([f.number for _, f in found]),
                    salt=np.concatenate([f.salt for _, f in found]),
                    parent=_parents([f.parent for _, f in found]),
                )
            )
    return Fired(node, transfers, tuple(firings))


def _parents(parts: Sequence[tuple[Words, Words] | None]) -> tuple[Words, Words] | None:
    """The parents that firings of several batches name; all of a node's batches do, or none does."""
    named = [part for part in parts if part is not None]
    if not named:
        return None
    return np.concatenate([part[0] for part in named]), np.concatenate([part[1] for part in named])
