"""Summarises each day of a table: its row count, its digest, and marks that lead to the first row that differs.

Rows of a day have the order in which Seedbed makes them. A mark is twelve bits of the sum over all rows up to a row.
So every mark after the first difference differs, except by chance: once in 4,096 times. A day has a mark for every
row. A day of very many rows has a mark for every stretch of 2, 4, 8, … rows, which keeps the lock file small.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.ledger.columns import ANSWER_KEY, DAILY_BALANCES, TRANSACTIONS, Table
from seedbed.ledger.digest import TableDigest, content_digest, row_lanes
from seedbed.units import DAY_SECONDS

__all__ = [
    "WHOLE",
    "DayFacts",
    "DaySums",
    "TableSums",
    "differing_stretch",
    "read_marks",
    "rows_by_day",
]

WORD = np.dtype("<u8")
MARK_BITS = np.uint64(12)
EPOCH = date(1970, 1, 1)
# The column whose date is the day of a row. The answer key has no such column, so all of it counts as one day.
DAY_COLUMNS: Mapping[str, str] = {TRANSACTIONS.name: "posting", DAILY_BALANCES.name: "business_day_start"}
WHOLE = "all"
# A mark takes two characters, so the marks of a table take at most half a megabyte.
MOST_MARKS, FEWEST_MARKS_A_DAY = 2**18, 16
# Hexadecimal digits of a day's digest.
DIGEST_DIGITS = 16

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SIGNS = np.frombuffer(ALPHABET, np.uint8)

Marks = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class DayFacts:
    """One day of one table: rows, digest, and a mark after every `stretch` rows, as text."""

    rows: int
    digest: str
    stretch: int
    marks: str


class DaySums:
    """The running sums of one day; rows come in the order in which they are made."""

    def __init__(self, table: Table, most_marks: int) -> None:
        self.digest = TableDigest(table)
        self._most = most_marks
        self._stretch = 1
        self._running = np.uint64(0)
        self._marks: Marks = np.empty(0, np.uint16)

    def add(self, lanes: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]) -> None:
        """Takes the lanes of the next rows, each of shape (rows,)."""
        before, count = self.digest.rows, len(lanes[0])
        running = np.cumsum(np.concatenate([[self._running], lanes[0]]), dtype=WORD)[1:]
        self._running = running[-1]
        ends = np.flatnonzero((np.arange(before + 1, before + count + 1) % self._stretch) == 0)
        fresh = (running[ends] >> (np.uint64(64) - MARK_BITS)).astype(np.uint16)
        self._marks = np.concatenate([self._marks, fresh])
        while len(self._marks) > self._most:
            self._marks, self._stretch = self._marks[1::2], 2 * self._stretch
        lane0, lane1 = (int(np.add.reduce(lane, dtype=WORD)) for lane in lanes)
        self.digest += TableDigest(self.digest.table, count, (lane0, lane1))

    @property
    def facts(self) -> DayFacts:
        """The summary of the rows so far."""
        digest = content_digest([self.digest])[:DIGEST_DIGITS]
        return DayFacts(self.digest.rows, digest, self._stretch, _written(self._marks))


class TableSums:
    """The running sums of one table, day by day. The marks are shared out over `window_days` days."""

    def __init__(self, table: Table, window_days: int) -> None:
        self.table = table
        days = window_days if table.name in DAY_COLUMNS else 1
        self._most = max(FEWEST_MARKS_A_DAY, MOST_MARKS // days)
        self._days: dict[str, DaySums] = {}

    def add(self, data: pa.Table) -> None:
        """Takes the next rows of the table."""
        if not data.num_rows:
            return
        lanes = row_lanes(self.table, data)
        for day, rows in rows_by_day(self.table, data):
            sums = self._days.setdefault(day, DaySums(self.table, self._most))
            sums.add((lanes[0][rows], lanes[1][rows]))

    @property
    def total(self) -> TableDigest:
        """The digest of the whole table."""
        return sum((day.digest for day in self._days.values()), TableDigest(self.table))

    @property
    def facts(self) -> dict[str, DayFacts]:
        """The summary of each day, in the order of the days."""
        return {day: self._days[day].facts for day in sorted(self._days)}


def rows_by_day(table: Table, data: pa.Table) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """The days in some rows, each with the ascending positions of its rows."""
    days = _ordinals(table, data)
    order = np.argsort(days, kind="stable")
    found, starts = np.unique(days[order], return_index=True)
    for day, rows in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        yield _name(table, day), rows


def _ordinals(table: Table, data: pa.Table) -> npt.NDArray[np.int64]:
    """The day of every row as days since 1970; 0 for a table without days."""
    column = DAY_COLUMNS.get(table.name)
    if column is None:
        return np.zeros(data.num_rows, np.int64)
    seconds = data[column].cast(pa.timestamp("s"), safe=False).cast(pa.int64()).to_numpy()
    days: npt.NDArray[np.int64] = seconds // DAY_SECONDS
    return days


def _name(table: Table, day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat() if table.name in DAY_COLUMNS else WHOLE


def differing_stretch(locked: DayFacts, made: DayFacts) -> tuple[int, int]:
    """The range (start, stop) of positions in the day, from 0, that holds the first row that differs.

    `stop` may be one more than the rows of one side: then that side has no such row.
    """
    stretch = max(locked.stretch, made.stretch)
    every = (stretch // day.stretch for day in (locked, made))
    theirs, ours = (read_marks(day.marks)[n - 1 :: n] for n, day in zip(every, (locked, made), strict=True))
    common, most = min(len(ours), len(theirs)), max(locked.rows, made.rows)
    wrong = np.flatnonzero(ours[:common] != theirs[:common])
    # If all marks agree by chance, the last row is the answer.
    first = min(int(wrong[0]) if wrong.size else common, (most - 1) // stretch)
    return first * stretch, min((first + 1) * stretch, most)


def _written(marks: Marks) -> str:
    """Marks as text, two characters each."""
    text = np.empty((len(marks), 2), np.uint8)
    text[:, 0], text[:, 1] = SIGNS[marks >> 6], SIGNS[marks & 63]
    return text.tobytes().decode("ascii")


def read_marks(text: str) -> Marks:
    """The marks of a text that `_written` made. Raises ValueError for other text."""
    codes = np.full(128, 64, np.uint16)
    codes[SIGNS] = np.arange(64, dtype=np.uint16)
    read = codes[np.frombuffer(text.encode("ascii"), np.uint8)]
    if len(text) % 2 or bool((read > 63).any()):
        raise ValueError("marks are pairs of letters, digits, - and _")
    return (read[0::2] << 6 | read[1::2]).astype(np.uint16)


assert set(DAY_COLUMNS) < {TRANSACTIONS.name, DAILY_BALANCES.name, ANSWER_KEY.name}
