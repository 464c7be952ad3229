"""Compares the rows of the base tables and the answer key with the facts: their number, their digest, the first rows.

A digest tells that rows differ, but not which. A dataset is a function of its facts. So only if the digest is wrong,
the rows are generated again from the facts and compared by hash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from seedbed import money
from seedbed.checks.result import SHOWN_OFFENDERS, Result, judged, not_asked
from seedbed.checks.subject import Subject
from seedbed.ledger.columns import ANSWER_KEY, DAILY_BALANCES, TABLES, TRANSACTIONS, Table
from seedbed.ledger.digest import TableDigest, content_digest, row_lanes
from seedbed.units import Words
from seedbed.write.facts import generated_as_of, load_id

__all__ = ["CONTENTS"]

GROUP = "dataset"
Batches = Callable[[], Iterable[pa.Table]]


def _row_counts(subject: Subject) -> Iterator[Result]:
    counts = {"transactions": "transaction_rows", "daily_balances": "balance_rows"}
    if subject.has_answer_key:
        counts["answer_key"] = "answer_lines"
    for table, fact in counts.items():
        [(found,)] = subject.rows(f"SELECT COUNT(*) FROM {subject.name(table)}")
        yield judged(GROUP, f"rows of {table}", int(subject.facts[fact]), found, ())


def _load_id(subject: Subject) -> Iterator[Result]:
    facts = dict(subject.facts)
    if subject.moved:
        # `data refresh --as-of` moves the as-of of the views; the dataset stays the same.
        facts["as_of"] = generated_as_of(facts)
    stated, found = str(facts["load_id"]), load_id(facts)
    yield judged(GROUP, "load id of the facts", stated[:16], found[:16], ())


def _digests(subject: Subject) -> Iterator[Result]:
    yield _digest(subject, "content digest", subject.facts["digest"], TABLES)
    if subject.has_answer_key and subject.facts.get("answer_digest") is not None:
        yield _digest(subject, "digest of the answer key", subject.facts["answer_digest"], (ANSWER_KEY,))
    else:
        yield not_asked(GROUP, "digest of the answer key", "there is no answer key, or its digest is not stored")


def _digest(subject: Subject, name: str, stated: str, tables: tuple[Table, ...]) -> Result:
    totals = []
    for table in tables:
        digests = subject.database.made(subject.instance, table, partial(TableDigest.of, table))
        totals.append(sum(digests, TableDigest(table)))
    found = content_digest(totals)
    offenders = [] if found == stated else _differences(subject, stated, tables)
    return judged(GROUP, name, stated[:16], found[:16], offenders)


CONTENTS: Mapping[str, Callable[[Subject], Iterator[Result]]] = {
    "load id of the facts": _load_id,
    "row counts": _row_counts,
    "content digest": _digests,
}


def _differences(subject: Subject, stated: str, tables: tuple[Table, ...]) -> list[str]:
    """The differences from the generated rows; empty if the facts do not give the stored digest."""
    # Only here does a check use the generator: to name rows that are known to be wrong.
    from seedbed.assembly.foundation import Foundation  # noqa: PLC0415
    from seedbed.assembly.parts import parts_on  # noqa: PLC0415

    foundation = Foundation(subject.dataset)
    if foundation.dataset.version != str(_format_version()):
        return []
    digests = {table.name: TableDigest(table) for table in tables}
    words: dict[str, list[Words]] = {table.name: [] for table in tables}
    for part in parts_on(foundation):
        for table in tables:
            data = part[table.name]
            digests[table.name] += TableDigest.of(table, data)
            words[table.name].append(row_lanes(table, data)[0].copy())
    if content_digest(digests.values()) != stated:
        return []
    found: list[str] = []
    for table in tables:

        def generated(table: Table = table) -> Iterator[pa.Table]:
            return (part[table.name] for part in parts_on(foundation))

        def stored(table: Table = table) -> Iterator[pa.Table]:
            return subject.database.batches(subject.instance, table)

        found += _row_differences(table, _sorted(words[table.name]), generated, stored)
    return found


def _format_version() -> object:
    from seedbed.draw.address import FORMAT_VERSION  # noqa: PLC0415

    return FORMAT_VERSION


def _row_differences(table: Table, wanted: Words, generated: Batches, stored: Batches) -> list[str]:
    """The rows that only one side has, paired by primary key if both have it; the first few as text.

    `wanted` has the sorted hashes of the rows as generated.
    """
    there = _sorted([row_lanes(table, batch)[0].copy() for batch in stored()])
    missing = _rows_of(table, generated, _only(wanted, there))
    unexpected = _rows_of(table, stored, _only(there, wanted))
    lines = []
    for entry in sorted(missing.keys() | unexpected.keys()):
        before, after = missing.get(entry), unexpected.get(entry)
        row = before or after
        assert row is not None
        name = _row_name(table, row)
        if after is None:
            lines.append(f"{name} is missing")
        elif before is None:
            lines.append(f"{name} was not generated")
        else:
            changed = (column for column in before if before[column] != after[column])
            cells = (f"{column} is {_shown(after[column])}, generated {_shown(before[column])}" for column in changed)
            lines.append(f"{name}: {'; '.join(cells)}")
    return lines


def _sorted(lanes: list[Words]) -> Words:
    return np.sort(np.concatenate(lanes)) if lanes else np.empty(0, np.uint64)


def _only(these: Words, those: Words) -> Words:
    """The hashes that are in the first array and not in the second."""
    if not those.size:
        return these
    place = np.minimum(np.searchsorted(those, these), those.size - 1)
    only: Words = these[those[place] != these]
    return only


def _rows_of(table: Table, batches: Batches, words: Words) -> dict[int, dict[str, object]]:
    """The rows with these hashes by primary key, the first few thousand; values as text, money in dollars."""
    found: dict[int, dict[str, object]] = {}
    for batch in batches() if words.size else ():
        if len(found) >= words.size or len(found) > 1000 * SHOWN_OFFENDERS:
            break
        chosen = np.flatnonzero(np.isin(row_lanes(table, batch)[0], words))
        for row in batch.take(pa.array(chosen)).to_pylist():
            found[row[table.columns[0].name]] = {name: _plain(table, name, value) for name, value in row.items()}
    return found


def _plain(table: Table, name: str, value: object) -> object:
    kind = next(column.kind for column in table.columns if column.name == name)
    if kind == "money" and isinstance(value, int):
        return money.format(value)
    return None if value is None else str(value)


def _shown(value: object) -> str:
    return "null" if value is None else str(value)


def _row_name(table: Table, row: dict[str, object]) -> str:
    if table is TRANSACTIONS:
        return f"leg {row['id']} (entry {row['entry']})"
    if table is ANSWER_KEY:
        return f"line {row['line']} ({row['plant_id']}, {row['item']}, {row['place']} {row['key']})"
    assert table is DAILY_BALANCES
    return f"{row['account_id']}/{str(row['business_day_start'])[:10]}"
