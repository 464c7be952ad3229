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
    """The first row that differs: the row of the locked dataset and the row that is made today.

    `locked` is None if only today's dataset has the row, or if the locked rows are not at hand. `made` is None if
    today's dataset has no such row.
    """

    locked: Row | None
    made: Row | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ; none unless both rows are there."""
        if self.locked is None or self.made is None:
            return ()
        return tuple(name for name, value in self.made.items() if value != self.locked[name])


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first table and day that differ, and the range of rows with the first difference.

    `start` and `stop` are positions in the day, from 0, in the order in which Seedbed makes rows. The range is one
    row, or several on a day of very many rows. `rows` are today's rows of the range. `day` is empty if no day of the
    table differs: then somebody changed the lock by hand.
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
    """A view whose expected rows have changed: the numbers of rows, and the keys that are gone and that are new."""

    view: str
    locked: int
    made: int
    gone: tuple[str, ...]
    come: tuple[str, ...]


def first_difference(locked: Lock, made: Lock) -> Difference | None:
    """The first difference between the rows of two locks, without the rows. None if there is no difference."""
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
    """The views whose expected rows differ between the two locks."""
    for view in sorted(locked.surfacing.keys() | made.surfacing.keys()):
        before, now = (lock.surfacing.get(view, ViewRows(0, ())) for lock in (locked, made))
        if before != now:
            gone, come = set(before.keys) - set(now.keys), set(now.keys) - set(before.keys)
            yield SurfacingChange(view, before.rows, now.rows, tuple(sorted(gone)), tuple(sorted(come)))


def rows_of(parts: Iterable[Part], difference: Difference) -> tuple[Row, ...]:
    """Today's rows in the range of a difference. Parts after the range are not made."""
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
    """The first row that differs, before and now. None if all rows of the day are the same.

    `before` are the locked rows of the day in any order, `now` are today's rows in the order in which they are made.
    Rows are matched by their entry, lines of the answer key by their number.
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
    """The rows of one day, as at most one table."""
    for name, rows in rows_by_day(table, data):
        if name == day:
            yield data.take(pa.array(rows))


def plain_rows(table: Table, data: pa.Table) -> list[Row]:
    """Rows as Python values, with the columns in the order of the contract. Money is Decimal dollars."""
    amounts = [column.name for column in table.columns if column.kind == "money"]
    rows: list[dict[str, Any]] = data.select([column.name for column in table.columns]).to_pylist()
    for row in rows:
        row |= {name: money.to_decimal(row[name]) for name in amounts if isinstance(row[name], int)}
    return list(rows)
