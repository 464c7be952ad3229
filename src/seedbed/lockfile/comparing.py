"""Compares a lock with the dataset that its arguments give now, and finds the first row that differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from seedbed import money
from seedbed.ledger.columns import ANSWER_KEY, TABLES, Table
from seedbed.ledger.dataset import Part
from seedbed.lockfile.days import DayFacts, differing_stretch, rows_by_day
from seedbed.lockfile.lock import Lock, ViewRows

__all__ = [
    "ALL_TABLES",
    "Difference",
    "Row",
    "RowPair",
    "SurfacingChange",
    "first_difference",
    "first_pair",
    "of_the_day",
    "plain_rows",
    "rows_of",
    "surfacing_changes",
]

ALL_TABLES: Mapping[str, Table] = {table.name: table for table in (*TABLES, ANSWER_KEY)}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class RowPair:
    """The first row that differs: as the lock's dataset has it, and as it is made today.

    `locked` is None where only today's dataset has the row, and where the locked rows are not at hand; `made` is None
    where today's dataset has no such row.
    """

    locked: Row | None
    made: Row | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ, where both rows are there."""
        if self.locked is None or self.made is None:
            return ()
        return tuple(name for name, value in self.made.items() if value != self.locked[name])


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first table and day that differ, and where in the day the first row that differs is.

    `start` and `stop` are positions in the day, from 0, in the order in which Seedbed makes rows; they are one row
    but on days of very many rows. `day` is empty where all days of the table are the same: then somebody changed the
    lock by hand. `rows` are today's rows of that range.
    """

    table: str
    day: str = ""
    start: int = 0
    stop: int = 0
    locked_rows: int = 0
    made_rows: int = 0
    rows: tuple[Row, ...] = ()
    pair: RowPair | None = None


class SurfacingChange(NamedTuple):
    """A view that must show other rows than the lock says: how many, and the keys that went and that came."""

    view: str
    locked: int
    made: int
    gone: tuple[str, ...]
    come: tuple[str, ...]


def first_difference(locked: Lock, made: Lock) -> Difference | None:
    """The first difference, without rows; None where the two are the same in everything that rows decide."""
    for name, table in made.tables.items():
        before = locked.tables[name]
        for day in sorted(before.days.keys() | table.days.keys()):
            difference = _of_day(name, day, before.days.get(day), table.days.get(day))
            if difference is not None:
                return difference
        if (before.rows, before.digest) != (table.rows, table.digest):
            return Difference(table=name, locked_rows=before.rows, made_rows=table.rows)
    for what in ("digest", "answer_digest", "surfacing"):
        if getattr(locked, what) != getattr(made, what):
            return Difference(table="surface" if what == "surfacing" else what)
    return None


def _of_day(name: str, day: str, before: DayFacts | None, now: DayFacts | None) -> Difference | None:
    if before is None or now is None:
        return Difference(
            table=name,
            day=day,
            start=0,
            stop=1,
            locked_rows=before.rows if before else 0,
            made_rows=now.rows if now else 0,
        )
    if (before.rows, before.digest, before.stretch, before.marks) == (now.rows, now.digest, now.stretch, now.marks):
        return None
    start, stop = differing_stretch(before, now)
    return Difference(table=name, day=day, start=start, stop=stop, locked_rows=before.rows, made_rows=now.rows)


def surfacing_changes(locked: Lock, made: Lock) -> Iterator[SurfacingChange]:
    """Each view that must show other rows than the lock says."""
    for view in sorted(locked.surfacing.keys() | made.surfacing.keys()):
        before, now = (lock.surfacing.get(view, ViewRows(0, ())) for lock in (locked, made))
        if before != now:
            gone, come = set(before.keys) - set(now.keys), set(now.keys) - set(before.keys)
            yield SurfacingChange(view, before.rows, now.rows, tuple(sorted(gone)), tuple(sorted(come)))


def rows_of(parts: Iterable[Part], difference: Difference) -> tuple[Row, ...]:
    """Today's rows at the place of a difference; the parts are made no further than that."""
    table, seen = ALL_TABLES[difference.table], 0
    found: list[Row] = []
    for part in parts:
        for data in of_the_day(table, part[table.name], difference.day):
            skipped = max(0, difference.start - seen)
            found += plain_rows(table, data.slice(skipped, max(0, difference.stop - seen - skipped)))
            seen += data.num_rows
        if seen >= difference.stop:
            break
    return tuple(found)


def first_pair(difference: Difference, before: Iterable[Row], now: Sequence[Row]) -> RowPair | None:
    """The first row that differs, as it was and as it is; None where all rows of the day are the same.

    `before` are the day's rows as they were, in any order, `now` today's in the order in which they are made. A row
    is known again by its entry, a line of the answer key by its number.
    """
    key = ALL_TABLES[difference.table].columns[0].name
    old, new = ({row[key]: row for row in rows} for rows in (before, now))
    changed = (row for row in now[difference.start : difference.stop] if row != old.get(row[key]))
    gone = (old[place] for place in sorted(old.keys() - new.keys()))
    later = (row for row in now if row != old.get(row[key]))
    if (row := next(changed, None)) is None and (lost := next(gone, None)) is not None:
        return RowPair(lost, None)
    row = row or next(later, None)
    return None if row is None else RowPair(old.get(row[key]), row)


def of_the_day(table: Table, data: pa.Table, day: str) -> Iterator[pa.Table]:
    """The rows of one day, if there are any."""
    for name, rows in rows_by_day(table, data):
        if name == day:
            yield data.take(pa.array(rows))


def plain_rows(table: Table, data: pa.Table) -> list[Row]:
    """Rows as values of Python in the order of the contract; money is Decimal dollars, also if it came as cents."""
    amounts = [column.name for column in table.columns if column.kind == "money"]
    rows: list[dict[str, Any]] = data.select([column.name for column in table.columns]).to_pylist()
    for row in rows:
        row |= {name: money.to_decimal(row[name]) for name in amounts if isinstance(row[name], int)}
    return list(rows)
