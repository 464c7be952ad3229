"""The text of a verification result."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seedbed.errors import counted, one_line
from seedbed.lockfile.comparing import Difference, Row, SurfacingChange
from seedbed.lockfile.days import WHOLE

if TYPE_CHECKING:
    from seedbed.lockfile.files import Verification

__all__ = ["explanation"]

# Most rows and keys that are listed.
SHOWN = 8
CELL_CHARACTERS = 100
# Facts beside the tables that may differ, and the message.
BESIDE_TABLES = {
    "digest": "the digest of the dataset differs, though no table does: the lock was changed by hand",
    "answer_digest": "the digest of the answer key differs, though no line does: the lock was changed by hand",
    "surface": "the list of what must surface differs from the answer key: the lock was changed by hand",
}


def explanation(found: "Verification") -> Iterator[str]:
    """The lines about a verification, the verdict first."""
    path, difference = one_line(str(found.path)), found.difference
    if difference is None:
        rows = ", ".join(f"{table.rows:,} {name}" for name, table in found.made.tables.items())
        yield f"same    {path}: {rows}"
    else:
        yield f"differs {path}: {_where(difference)}"
        yield from _rows(difference)
    for change in found.surfacing:
        yield from _change(change)
    for cause in found.causes:
        yield f"note    {cause}"
    if difference is None:
        return
    if difference.rows or difference.pair is None:
        yield "next    to see the old row, give the old dataset: --against URL or FOLDER"
    yield "next    if the dataset is meant to change: `seedbed lock BANK --update`"


def _where(difference: Difference) -> str:
    if difference.table in BESIDE_TABLES:
        return BESIDE_TABLES[difference.table]
    if not difference.day:
        return f"{difference.table}: the table differs, though none of its days does: the lock was changed by hand"
    day = "" if difference.day == WHOLE else f" {difference.day}"
    counts = f"{difference.locked_rows:,} in the lock, {difference.made_rows:,} now"
    if difference.stop - difference.start == 1:
        return f"{difference.table}{day}: row {difference.stop:,} is the first that differs (rows: {counts})"
    found = f"the first row that differs is one of rows {difference.start + 1:,} to {difference.stop:,}"
    return f"{difference.table}{day}: {found} (rows: {counts})"


def _rows(difference: Difference) -> Iterator[str]:
    pair = difference.pair
    if pair is not None and pair.locked is not None:
        yield from _pair(pair.locked, pair.made)
    elif pair is not None and pair.made is not None and not difference.rows:
        yield "was     no such row"
        yield f"now     {_shown(pair.made)}"
    elif difference.rows:
        for row in difference.rows[:SHOWN]:
            yield f"now     {_shown(row)}"
    elif difference.day:
        yield "now     no such row"


def _pair(was: Row, now: Row | None) -> Iterator[str]:
    if now is None:
        yield f"was     {_shown(was)}"
        yield "now     no such row"
        return
    yield f"now     {_shown(now)}"
    for name, value in now.items():
        if value != was[name]:
            yield f"column  {name}: {_cell(was[name])} → {_cell(value)}"


def _shown(row: Row) -> str:
    """The cells of a row that are not null, each with its column."""
    return ", ".join(f"{name} {_cell(value)}" for name, value in row.items() if value is not None)


def _cell(value: object) -> str:
    return "null" if value is None else one_line(str(value), CELL_CHARACTERS)


def _change(change: SurfacingChange) -> Iterator[str]:
    yield f"surface {change.view}: {counted(change.locked, 'row')} in the lock, {change.made:,} now"
    for sign, keys in (("-", change.gone), ("+", change.come)):
        for key in keys[:SHOWN]:
            yield f"        {sign} {one_line(key)}"
        if len(keys) > SHOWN:
            yield f"        {sign} {len(keys) - SHOWN:,} more"
