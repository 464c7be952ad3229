"""Rows: from legs to the transactions of a part, as Arrow columns sorted by entry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.baseline.block import Setup
from seedbed.baseline.entries import EntryNumbers, append_second
from seedbed.baseline.legs import REASONS, LegArrays
from seedbed.baseline.sweeps import Sweeps
from seedbed.baseline.text import Texts, fixed_text, identifiers, suffixed
from seedbed.ledger.arrow import decimals, int64s, timestamps
from seedbed.ledger.columns import STATUSES, TRANSACTIONS
from seedbed.program.accounts import BlockAccounts
from seedbed.units import Entries, Flags, Integers

__all__ = ["PART_SCHEMA", "transaction_tables"]


BUNDLED = REASONS.index("BundleAssignment")

# The rows of a part: intermediate arrays fit in the caches and reuse memory. It is the row group of DuckDB and of the
# Parquet files.
PART_ROWS = 122_880
# Metadata comes as a dictionary with a third as many values as rows, so that a third is hashed and escaped.
PART_SCHEMA = pa.schema(
    field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name == "metadata" else field
    for field in TRANSACTIONS.arrow_schema()
)


def second_rows(setup: Setup, numbers: EntryNumbers, legs: LegArrays, sweeps: Sweeps) -> tuple[Integers, Entries]:
    """The second rows of bundled legs: the legs and the new entries. They are appended when the tick posts.

    If so many rows fall into one second that the first row is appended later, the second row follows it.
    """
    nothing = np.empty(0, dtype=np.int64)
    if not sweeps.posted.size:
        return nothing, nothing
    bundled = np.flatnonzero((legs.bundle >= 0) & sweeps.posted[np.maximum(legs.bundle, 0)])
    entry = np.empty(bundled.size, dtype=np.int64)
    tick, block = legs.bundle[bundled], legs.block[bundled]
    node = sweeps.node[tick]
    second = np.maximum(sweeps.second[tick], append_second(legs.entry[bundled]) + 1)
    for index in np.flatnonzero(np.bincount(node)).tolist():
        swept = node == index
        for number in np.flatnonzero(np.bincount(block[swept])).tolist():
            here = np.flatnonzero(swept & (block == number))
            name = setup.program.nodes[index].name
            entry[here] = numbers.numbers(name, number, second[here], 1)[0]
    return bundled, entry


def transaction_tables(
    setup: Setup, numbers: EntryNumbers, block_accounts: BlockAccounts, sweeps: Sweeps, legs: LegArrays | None
) -> Iterator[pa.Table]:
    """The transactions of a block, in one or more tables of at most a part's rows.

    They are the legs, and second rows of bundled legs. Metadata is a dictionary.
    """
    if legs is None:
        yield PART_SCHEMA.empty_table()
        return
    bundled, second_entry = second_rows(setup, numbers, legs, sweeps)
    row = np.concatenate((np.arange(legs.entry.size), bundled))
    entry = np.concatenate((legs.entry, second_entry))
    # No two entries are equal, so any sort gives the same order, and this is a fifth of the time of a stable one.
    order = np.argsort(entry, kind="quicksort")
    texts, bundles = _texts(legs, block_accounts), identifiers(*sweeps.words)
    for start in range(0, order.size, PART_ROWS):
        here = order[start : start + PART_ROWS]
        yield _table(legs, row.take(here), entry.take(here), here >= legs.entry.size, block_accounts, texts, bundles)


@dataclass(frozen=True, kw_only=True)
class FiringTexts:
    """The texts that all rows of a firing share. They are made once for each of the f firings of n rows.

    `code` has the firing of each row. The others are: transfer ids as characters, shape (f, 20); flags for firings
    with a parent transfer; the ids of the p parents, shape (p, 20), and the index of each firing's parent; metadata.
    Two legs and their second rows are four rows of one firing.
    """

    code: npt.NDArray[np.int32]
    transfer: npt.NDArray[np.uint8]
    has_parent: Flags
    parent: npt.NDArray[np.uint8]
    parent_place: Integers
    metadata: pa.Array

    @classmethod
    def of(cls, legs: LegArrays, row: Integers) -> "FiringTexts":
        """The texts of these rows."""
        firing = legs.firing.take(row)
        occurs = np.zeros(legs.words[0].size, dtype=np.bool_)
        occurs[firing] = True
        distinct = np.flatnonzero(occurs)
        places = np.empty(occurs.size, dtype=np.int32)
        places[distinct] = np.arange(distinct.size)
        high, low = legs.parent[0].take(distinct), legs.parent[1].take(distinct)
        has_parent = (high != 0) | (low != 0)
        return cls(
            code=places.take(firing),
            transfer=identifiers(legs.words[0].take(distinct), legs.words[1].take(distinct)),
            has_parent=has_parent,
            parent=identifiers(high[has_parent], low[has_parent]),
            parent_place=np.cumsum(has_parent) - 1,
            metadata=legs.metadata.take(int64s(distinct)),
        )

    def parents_of_rows(self) -> pa.Array:
        """Each row's parent transfer."""
        present = self.has_parent.take(self.code)
        return fixed_text(self.parent.take(self.parent_place.take(self.code[present]), axis=0), present)

    def metadata_of_rows(self) -> pa.DictionaryArray:
        """Each row's metadata."""
        valid = None
        if self.metadata.null_count:
            present = self.metadata.is_valid().to_numpy(zero_copy_only=False)
            valid = pa.py_buffer(np.packbits(present.take(self.code), bitorder="little"))
        indices = pa.Array.from_buffers(pa.int32(), self.code.size, [valid, pa.py_buffer(self.code)])
        return pa.DictionaryArray.from_arrays(indices, self.metadata.fill_null(""))


def _texts(legs: LegArrays, block_accounts: BlockAccounts) -> Mapping[str, Texts]:
    """The texts of columns with repeated texts, in the order of their codes."""
    ids, names = block_accounts.text()
    classes = block_accounts.classes
    rail, transfer_type, template, origin = ([k[column] for k in legs.kinds] for column in range(4))
    texts: dict[str, Sequence[str | None]] = {
        "account_id": ids,
        "account_name": names,
        "account_role": [c.role for c in classes],
        "account_scope": [c.scope for c in classes],
        "account_parent_role": [c.parent_role for c in classes],
        "amount_direction": ["Credit", "Debit"],
        "status": STATUSES,
        "transfer_type": transfer_type,
        "rail_name": rail,
        "template_name": template,
        "supersedes": REASONS,
        "origin": origin,
    }
    return {name: Texts(values) for name, values in texts.items()}


def _table(
    legs: LegArrays,
    row: Integers,
    entry: Entries,
    is_second: Flags,
    block_accounts: BlockAccounts,
    texts: Mapping[str, Texts],
    bundle_text: npt.NDArray[np.uint8],
) -> pa.Table:
    account, kind = (column.take(row).astype(np.int64) for column in (legs.account, legs.kind))
    cents, completion = legs.cents.take(row), legs.completion.take(row)
    account_class = block_accounts.class_index.take(account)
    firings = FiringTexts.of(legs, row)
    # `take` copies whole rows. Indexing copies single characters, which takes twenty times as long.
    transfer = firings.transfer.take(firings.code, axis=0)
    supersedes = np.where(is_second, BUNDLED, legs.supersedes.take(row))
    makers: dict[str, Callable[[], pa.Array]] = {
        "entry": lambda: int64s(entry),
        "id": lambda: fixed_text(suffixed(transfer, legs.number.take(row))),
        "account_id": lambda: texts["account_id"].at(account),
        "account_name": lambda: texts["account_name"].at(account),
        "account_role": lambda: texts["account_role"].at(account_class),
        "account_scope": lambda: texts["account_scope"].at(account_class),
        "account_parent_role": lambda: texts["account_parent_role"].at(account_class),
        "amount_money": lambda: decimals(cents),
        "amount_direction": lambda: texts["amount_direction"].at((cents < 0).astype(np.int64)),
        "status": lambda: texts["status"].at(legs.status.take(row)),
        "posting": lambda: timestamps(legs.second.take(row)),
        "transfer_id": lambda: fixed_text(transfer),
        "transfer_type": lambda: texts["transfer_type"].at(kind),
        "transfer_completion": lambda: timestamps(completion, completion > 0),
        "transfer_parent_id": firings.parents_of_rows,
        "rail_name": lambda: texts["rail_name"].at(kind),
        "template_name": lambda: texts["template_name"].at(kind),
        "bundle_id": lambda: fixed_text(bundle_text.take(legs.bundle[row[is_second]], axis=0), is_second),
        "supersedes": lambda: texts["supersedes"].at(supersedes),
        "origin": lambda: texts["origin"].at(kind),
        "metadata": firings.metadata_of_rows,
    }
    return pa.Table.from_arrays([makers[name]() for name in PART_SCHEMA.names], schema=PART_SCHEMA)
