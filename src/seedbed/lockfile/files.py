"""Lock files on disk: reads them strictly, writes them completely or not at all, and never replaces one silently."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seedbed.databases.reader import open_database, stored_facts, the_instance
from seedbed.errors import InputError
from seedbed.ledger.columns import Table
from seedbed.ledger.dataset import Part
from seedbed.lockfile.comparing import (
    ALL_TABLES,
    Difference,
    Row,
    RowPair,
    SurfacingChange,
    first_difference,
    first_pair,
    of_the_day,
    plain_rows,
    rows_of,
    surfacing_changes,
)
from seedbed.lockfile.lock import LOCK_FORMAT, Lock, lock_text, read_lock
from seedbed.lockfile.words import explanation
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import place, shown

__all__ = [
    "Locked",
    "Parts",
    "Verification",
    "load_lock",
    "same_lock",
    "verification",
    "write_lock",
]

MOST_BYTES = 64 * 2**20
# The parts of the dataset, made anew each time that they are asked for.
Parts = Callable[[], Iterable[Part]]


@dataclass(frozen=True)
class Locked:
    """A lock file that is there now; `changed` says whether its text is new."""

    path: Path
    lock: Lock
    changed: bool


@dataclass(frozen=True)
class Verification:
    """What `verify` found: the lock, what its arguments make today, and the first difference, if there is one."""

    path: Path
    locked: Lock
    made: Lock
    difference: Difference | None

    @property
    def same(self) -> bool:
        """Whether the dataset is what the lock says."""
        return self.difference is None

    def renew(self) -> Locked:
        """Writes what is made today as the lock. Raises TargetError where the file cannot be written."""
        return write_lock(self.path, self.made, replacing=True)

    @property
    def surfacing(self) -> tuple[SurfacingChange, ...]:
        """The views that must show other rows than the lock says."""
        return tuple(surfacing_changes(self.locked, self.made))

    @property
    def causes(self) -> tuple[str, ...]:
        """What else is not as it was when the lock was made."""
        causes = []
        if self.locked.bank != self.made.bank:
            causes.append("the bank has changed since the lock was made")
        if self.locked.version != self.made.version:
            causes.append(f"the rows' format was {self.locked.version}, and is {self.made.version}")
        return tuple(causes)

    def __repr__(self) -> str:
        return f"<Verification of {self.path}: {'the same' if self.same else 'it differs'}>"

    def __str__(self) -> str:
        return "\n".join(explanation(self))


def load_lock(path: Path) -> Lock:
    """The lock of a file. Raises InputError for a file that is not there or is no lock."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InputError(f"{shown(path)} is larger than {MOST_BYTES // 2**20} MB: not a lock file")
        return read_lock(content.decode("utf-8"), shown(path))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or "not a text in UTF-8"
        hint = "; `seedbed lock BANK` makes one" if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"{shown(path)}: {reason}{hint}") from None


def same_lock(one: Lock, other: Lock) -> bool:
    """Whether two locks say the same, whatever version of Seedbed made them."""
    return replace(one, seedbed=other.seedbed) == other


def write_lock(path: Path, lock: Lock, *, replacing: bool) -> Locked:
    """Writes a lock, whole or not at all. A lock that is there and says something else is only replaced when told to.

    Raises InputError for such a lock, TargetError where the file cannot be written or is no lock.
    """
    target = place(str(path))
    check_file(target, _is_lock)
    if target.exists():
        before = None if replacing and not _is_readable(target) else load_lock(target)
        if before is not None and same_lock(before, lock):
            return Locked(path, lock, changed=False)
        if not replacing:
            raise InputError(
                f"{shown(path)} locks another dataset; --update makes its dataset again and locks that,"
                " --overwrite locks this one"
            )
    with staging(target) as private:
        staged = private / "lock"
        staged.write_text(lock_text(lock), encoding="utf-8", newline="\n")
        move_file(staged, target)
    return Locked(path, lock, changed=True)


def _is_lock(path: Path) -> bool:
    with path.open("rb") as stream:
        return LOCK_FORMAT.rpartition("-")[0].encode() in stream.read(1_000)


def _is_readable(path: Path) -> bool:
    try:
        load_lock(path)
    except InputError:
        return False
    return True


def verification(path: Path, locked: Lock, made: Lock, parts: Parts, against: str | None = None) -> Verification:
    """Compares a lock with what its arguments made just now; `parts` makes the rows again if they have to be shown.

    `against` is the URL or folder of the dataset as it was when the lock was made: then the first row that differs is
    given as it was, too. Raises InputError where something else is stored there, and as reading it does.
    """
    if against is not None:
        _check_stored(against, locked)
    difference = first_difference(locked, made)
    if difference is None or difference.table not in ALL_TABLES or not difference.day:
        return Verification(path, locked, made, difference)
    table = ALL_TABLES[difference.table]
    if against is None:
        rows = rows_of(parts(), difference)
        pair = RowPair(None, rows[0] if len(rows) == 1 == difference.stop - difference.start else None)
        return Verification(path, locked, made, replace(difference, rows=rows, pair=pair))
    stored = _stored_rows(against, locked.instance, table, difference.day)
    today = rows_of(parts(), replace(difference, start=0, stop=max(1, difference.made_rows)))
    return Verification(path, locked, made, replace(difference, pair=first_pair(difference, stored, today)))


def _check_stored(url: str, locked: Lock) -> None:
    with open_database(url) as database:
        facts = stored_facts(database, the_instance(database, locked.instance)) or {}
    if (facts.get("digest"), facts.get("answer_digest")) != (locked.digest, locked.answer_digest):
        raise InputError("against: the dataset that is stored there is not the one that the lock describes")


def _stored_rows(url: str, instance: str, table: Table, day: str) -> Iterator[Row]:
    with open_database(url) as database:
        for batch in database.batches(instance, table):
            for data in of_the_day(table, batch, day):
                yield from plain_rows(table, data)
