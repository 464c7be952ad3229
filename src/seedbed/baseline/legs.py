"""Turns the firings of a block into arrays of all columns of its legs, rail by rail, unsorted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.bank.grammar import OPENING_RAIL, OPENING_TYPE
from seedbed.baseline.block import Block, Setup
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.firings import RailFirings, Transfers
from seedbed.baseline.metadata import MetadataRows, metadata_text
from seedbed.baseline.settle import Balances
from seedbed.baseline.text import json_text
from seedbed.draw.address import counters, draw
from seedbed.ledger.columns import STATUSES, SUPERSEDES
from seedbed.program.accounts import BlockAccounts
from seedbed.program.nodes import Node
from seedbed.units import (
    DAY_SECONDS,
    AccountIndices,
    BlockNumber,
    BlockNumbers,
    CentsArray,
    DayOrdinals,
    Entries,
    Integers,
    RailIndex,
    SecondOrdinals,
    TickIndices,
    Words,
)

__all__ = [
    "POSTED",
    "REASONS",
    "LegArrays",
    "LegCollector",
    "completion_second",
    "legs_of_blocks",
    "legs_of_openings",
]


ORIGIN_OF_OPENINGS = "InternalInitiated"
NO_TEMPLATE: str | None = None
# The narrowest types for the unsorted columns: a block has up to a million legs.
LEG_TYPES: Mapping[str, np.dtype[Any]] = {
    "kind": np.dtype(np.int32),
    "entry": np.dtype(np.int64),
    "account": np.dtype(np.int32),
    "cents": np.dtype(np.int64),
    "second": np.dtype(np.int64),
    "completion": np.dtype(np.int64),
    "number": np.dtype(np.int32),
    "bundle": np.dtype(np.int32),
    "block": np.dtype(np.int32),
    "status": np.dtype(np.int8),
    "supersedes": np.dtype(np.int8),
    "firing": np.dtype(np.int32),
}
POSTED = STATUSES.index("Posted")
REASONS = (None, *SUPERSEDES)


@dataclass(frozen=True, kw_only=True)
class LegArrays:
    """n legs as arrays, before they become rows, with the texts of their codes.

    `kind` is the index into `kinds`: (rail name, transfer type, template name, origin). `second` and `completion`
    are second ordinals; completion is 0 for none. `bundle` is the tick that bundled the leg, -1 for none. `block` is
    the block number in the entry of its second row. `status` and `supersedes` are indices into `STATUSES` and
    `REASONS`. `firing` is the index into `words`, `parent` and `metadata`. The types are those of `LEG_TYPES`.
    """

    kinds: list[tuple[str, str, str | None, str]]
    kind: Integers
    entry: Entries
    account: AccountIndices
    cents: CentsArray
    second: SecondOrdinals
    completion: SecondOrdinals
    number: Integers
    bundle: TickIndices
    block: BlockNumbers
    status: Integers
    supersedes: Integers
    firing: Integers
    words: tuple[Words, Words]
    parent: tuple[Words, Words]
    metadata: pa.Array


def completion_second(node: Node, day: DayOrdinals) -> SecondOrdinals:
    """The completion of each transfer of a node as a second ordinal; 0 for none.

    A transfer without a template has none. A transfer whose completion is a metadata key that no leg has, has none.
    """
    completion = node.template.completion if node.template is not None else None
    if completion is None or (
        completion.key and not any(completion.key in rail.metadata_keys for rail in node.rails)
    ):
        return np.zeros(day.shape, dtype=np.int64)
    if completion.family == "month_end":
        days, place = np.unique(day, return_inverse=True)
        ends = [_next_month(date.fromordinal(value)).toordinal() for value in days.tolist()]
        return np.array(ends, dtype=np.int64)[place] * DAY_SECONDS
    # A date in metadata is the day after that of the transfer, and means the end of that day.
    extra = 1 if completion.family == "metadata" else completion.days
    return (day + 1 + extra) * DAY_SECONDS


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def legs_of_blocks(
    setup: Setup,
    numbers: EntryNumbers,
    blocks: list[tuple[Block, BlockNumber, BlockNumber]],
    openings: LegArrays | None,
    more: Callable[["LegCollector", pa.Array], None] | None = None,
) -> LegArrays | None:
    """The legs of these blocks and the opening legs, in one set of arrays; None if there are none.

    Each block comes with the block numbers for the entries of first and of second rows. All have the same local
    accounts. `more` may add further legs. It gets the JSON-escaped ids of the local accounts.
    """
    ids = pa.array(json_text(blocks[0][0].block_accounts.text()[0]), pa.string())
    collected = LegCollector()
    for block, number, second_number in blocks:
        per_rail: dict[RailIndex, list[tuple[Transfers, RailFirings, TickIndices]]] = {}
        for fired, firing, tick in block.firings():
            if len(firing):
                per_rail.setdefault(firing.rail.index, []).append((fired.transfers, firing, tick))
        for rail_index in sorted(per_rail):
            rail, found = setup.program.rails[rail_index], per_rail[rail_index]
            seconds = np.concatenate([firing.second for _, firing, _ in found])
            entries = numbers.numbers(rail.name, number, seconds, len(rail.legs))
            start = 0
            for transfers, firing, tick in found:
                stop = start + len(firing)
                day = transfers.day[firing.transfer]
                rows = MetadataRows(
                    day, transfers.unit[firing.transfer], firing.salt, transfers.salt[firing.transfer]
                )
                metadata = metadata_text(setup.program.keys, firing.node, rail, rows, ids)
                completion = completion_second(firing.node, day)
                columns = {
                    "bundle": tick,
                    "completion": completion,
                    "block": np.full(day.size, second_number),
                    "status": np.full(day.size, POSTED),
                    "supersedes": np.zeros(day.size, dtype=np.int64),
                }
                collected.add_firings(transfers, firing, columns, metadata, [e[start:stop] for e in entries])
                start = stop
    if more is not None:
        more(collected, ids)
    if openings is not None:
        collected.add_legs(openings)
    return collected.legs() if collected.kinds else None


class LegCollector:
    """Gathers arrays rail by rail and joins them once."""

    def __init__(self) -> None:
        self.kinds: list[tuple[str, str, str | None, str]] = []
        self.columns: dict[str, list[Integers]] = {}
        self.words: list[list[Words]] = [[], [], [], []]
        self.metadata: list[pa.Array] = []
        self.firings = 0

    def add_firings(
        self,
        transfers: Transfers,
        firing: RailFirings,
        columns: Mapping[str, Integers],
        metadata: pa.Array,
        entries: list[Entries],
    ) -> None:
        """Adds one rail's firings: `columns` are the same for all legs, `entries` are leg by leg."""
        rail, template = firing.rail, firing.node.template
        places = self.firings + np.arange(len(firing))
        of_all = _narrow({**columns, "second": firing.second, "firing": places})
        for leg, rail_leg in enumerate(rail.legs):
            self.kinds.append((rail.name, rail.transfer_type, template.name if template else None, rail_leg.origin))
            values = {
                "kind": np.full(len(firing), len(self.kinds) - 1),
                "entry": entries[leg],
                "account": firing.accounts[leg],
                "cents": firing.leg_cents(leg),
                "number": firing.number + leg,
            }
            for name, array in (_narrow(values) | of_all).items():
                self.columns.setdefault(name, []).append(array)
        for place, words in enumerate(transfers.words):
            self.words[place].append(words[firing.transfer])
        parents = firing.parent or tuple(words[firing.transfer] for words in transfers.parent)
        for place, words in enumerate(parents, start=2):
            self.words[place].append(words)
        self.metadata.append(metadata)
        self.firings += len(firing)

    def add_legs(self, legs: LegArrays) -> None:
        """Adds complete legs."""
        moved = {"kind": len(self.kinds), "firing": self.firings}
        columns = _narrow({name: getattr(legs, name) + moved.get(name, 0) for name in LEG_TYPES})
        for name, array in columns.items():
            self.columns.setdefault(name, []).append(array)
        for place, words in enumerate((*legs.words, *legs.parent)):
            self.words[place].append(words)
        self.kinds += legs.kinds
        self.metadata.append(legs.metadata)
        self.firings += len(legs.metadata)

    def legs(self) -> LegArrays:
        """All added legs in one set of arrays. The collector is empty afterwards."""
        columns = {name: np.concatenate(self.columns.pop(name)) for name in LEG_TYPES}
        words = [np.concatenate(arrays) for arrays in self.words]
        return LegArrays(
            kinds=self.kinds,
            words=(words[0], words[1]),
            parent=(words[2], words[3]),
            metadata=pa.chunked_array(self.metadata, pa.string()).combine_chunks(),
            **columns,
        )


def _narrow(columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The columns in their types."""
    return {name: values.astype(LEG_TYPES[name], copy=False) for name, values in columns.items()}


def legs_of_openings(
    setup: Setup, numbers: EntryNumbers, block_accounts: BlockAccounts, balances: Balances, number: BlockNumber
) -> LegArrays | None:
    """One opening leg per internal account at 00:00:00 of the first business day; None without a business day."""
    first = block_accounts.shared if number else 0
    account = np.flatnonzero(balances.opens[first:]) + first
    if not setup.window.days.size or not account.size:
        return None
    zero = np.zeros(account.size, dtype=np.int64)
    # On a closed day before the first business day something may post already, if the bank has rails that do.
    first_day = setup.window.first if setup.program.always else int(setup.window.days[0])
    second = zero + first_day * DAY_SECONDS
    keys = setup.program.keys
    words = [np.empty(account.size, dtype=np.uint64) for _ in range(2)]
    for account_class in block_accounts.classes:
        here = np.flatnonzero(block_accounts.class_index[account] == account_class.index)
        if not here.size:
            continue
        owner = account_class.role if account_class.template else account_class.id_pattern
        address = counters(0, block_accounts.number[account[here]], 0)
        for half in range(2):
            words[half][here] = draw(keys.key(owner, f"opening-transfer-{half}"), address)
    none = np.zeros(account.size, dtype=np.uint64)
    return LegArrays(
        kinds=[(OPENING_RAIL, OPENING_TYPE, NO_TEMPLATE, ORIGIN_OF_OPENINGS)],
        kind=zero,
        entry=numbers.numbers(OPENING_RAIL, number, second, 1)[0],
        account=account,
        cents=balances.opening[account],
        second=second,
        completion=zero,
        number=zero,
        bundle=zero - 1,
        block=zero,
        status=zero + POSTED,
        supersedes=zero,
        firing=np.arange(account.size, dtype=np.int64),
        words=(words[0], words[1]),
        parent=(none, none),
        metadata=pa.nulls(account.size, pa.string()),
    )
