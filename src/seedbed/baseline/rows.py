"""Rows: from legs to the transactions of a part, as Arrow columns sorted by entry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.baseline.block import Work
from seedbed.baseline.entries import EntryNumbers, append_second
from seedbed.baseline.legs import REASONS, Legs
from seedbed.baseline.system import Sweeps
from seedbed.baseline.text import Texts, fixed_text, identifiers, suffixed
from seedbed.ledger.arrow import decimals, int64s, timestamps
from seedbed.ledger.columns import STATUSES, TRANSACTIONS
from seedbed.plan.accounts import View

__all__ = ["PART_SCHEMA", "transaction_tables"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BUNDLED = REASONS.index("BundleAssignment")

# Columns are made for so many rows at a time: what is made on the way fits in the caches, in memory used before.
SLICE_ROWS = 61_440
# So many rows are a part: two slices, and the row group of DuckDB and of the Parquet files.
PART_SLICES = 2
# Metadata comes as a dictionary, a third as long as the rows: it is hashed and escaped a third as often.
PART_SCHEMA = pa.schema(
    field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name == "metadata" else field
    for field in TRANSACTIONS.arrow_schema()
)


def second_rows(work: Work, numbers: EntryNumbers, legs: Legs, sweeps: Sweeps) -> tuple[Integers, Integers]:
    """The second rows of bundled legs: which legs, and their entries, appended when their tick posts.

    Where so many rows met in one second that the first row is not appended by then, the second row comes after it.
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
            name = work.program.nodes[index].name
            entry[here] = numbers.numbers(name, number, second[here], 1)[0]
    return bundled, entry


def transaction_tables(
    work: Work, numbers: EntryNumbers, view: View, sweeps: Sweeps, legs: Legs | None
) -> Iterator[pa.Table]:
    """The transactions of a block, in tables of at most a part's rows, one at least.

    They are its legs, and second rows for those of them that are bundled. Metadata come as a dictionary.
    """
    if legs is None:
        yield PART_SCHEMA.empty_table()
        return
    bundled, second_entry = second_rows(work, numbers, legs, sweeps)
    row = np.concatenate((np.arange(legs.entry.size), bundled))
    entry = np.concatenate((legs.entry, second_entry))
    # No two entries are equal, so any sort gives the same order, and this is a fifth of the time of a stable one.
    order = np.argsort(entry, kind="quicksort")
    texts, bundles = _texts(legs, view), identifiers(*sweeps.words)
    slices = (order[start : start + SLICE_ROWS] for start in range(0, order.size, SLICE_ROWS))
    tables = (
        _table(legs, row.take(here), entry.take(here), here >= legs.entry.size, view, texts, bundles)
        for here in slices
    )
    while part := list(islice(tables, PART_SLICES)):
        yield pa.concat_tables(part)


@dataclass(frozen=True)
class FiringTexts:
    """What all rows of a firing share, made once for each of the f firings that n rows come from.

    `code` has each row's place in the others: transfer ids as characters, shape (f, 20), and metadata. Two legs and
    their second rows are four rows of one firing.
    """

    code: npt.NDArray[np.int32]
    transfer: npt.NDArray[np.uint8]
    metadata: pa.Array

    @classmethod
    def of(cls, legs: Legs, row: Integers) -> "FiringTexts":
        """Those of these rows."""
        firing = legs.firing.take(row)
        occurs = np.zeros(legs.words[0].size, dtype=np.bool_)
        occurs[firing] = True
        distinct = np.flatnonzero(occurs)
        places = np.empty(occurs.size, dtype=np.int32)
        places[distinct] = np.arange(distinct.size)
        transfer = identifiers(legs.words[0].take(distinct), legs.words[1].take(distinct))
        return cls(places.take(firing), transfer, legs.metadata.take(int64s(distinct)))

    def metadata_of_rows(self) -> pa.DictionaryArray:
        """Each row's metadata."""
        valid = None
        if self.metadata.null_count:
            present = self.metadata.is_valid().to_numpy(zero_copy_only=False)
            valid = pa.py_buffer(np.packbits(present.take(self.code), bitorder="little"))
        indices = pa.Array.from_buffers(pa.int32(), self.code.size, [valid, pa.py_buffer(self.code)])
        return pa.DictionaryArray.from_arrays(indices, self.metadata)


def _texts(legs: Legs, view: View) -> Mapping[str, Texts]:
    """The texts of the columns that repeat them, in the order of what they are looked up by."""
    ids, names = view.text()
    classes = view.classes
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
    legs: Legs,
    row: Integers,
    entry: Integers,
    is_second: Flags,
    view: View,
    texts: Mapping[str, Texts],
    bundle_text: npt.NDArray[np.uint8],
) -> pa.Table:
    firing, account, kind = (column.take(row).astype(np.int64) for column in (legs.firing, legs.account, legs.kind))
    cents, completion = legs.cents.take(row), legs.completion.take(row)
    account_class = view.class_index.take(account)
    firings = FiringTexts.of(legs, row)
    # `take` copies a row at a time, indexing a character at a time: twenty times the time.
    transfer = firings.transfer.take(firings.code, axis=0)
    parent_high, parent_low = legs.parent[0].take(firing), legs.parent[1].take(firing)
    has_parent = (parent_high != 0) | (parent_low != 0)
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
        "transfer_parent_id": lambda: fixed_text(
            identifiers(parent_high[has_parent], parent_low[has_parent]), has_parent
        ),
        "rail_name": lambda: texts["rail_name"].at(kind),
        "template_name": lambda: texts["template_name"].at(kind),
        "bundle_id": lambda: fixed_text(bundle_text.take(legs.bundle[row[is_second]], axis=0), is_second),
        "supersedes": lambda: texts["supersedes"].at(supersedes),
        "origin": lambda: texts["origin"].at(kind),
        "metadata": firings.metadata_of_rows,
    }
    return pa.Table.from_arrays([makers[name]() for name in PART_SCHEMA.names], schema=PART_SCHEMA)
