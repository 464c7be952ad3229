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
from seedbed.lockfile.verdict import explanation
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import output_path, shown

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
# Makes the parts of the dataset, anew at each call.
Parts = Callable[[], Iterable[Part]]


@dataclass(frozen=True)
class Locked:
    """A lock file that exists. `changed` tells whether its text has changed."""

    path: Path
    lock: Lock
    changed: bool


@dataclass(frozen=True)
class Verification:
    """The result of `verify`: the lock file's lock, the lock that its arguments give today, the first difference."""

    path: Path
    locked: Lock
    made: Lock
    difference: Difference | None

    @property
    def same(self) -> bool:
        """Whether the dataset is the locked one."""
        return self.difference is None

    def renew(self) -> Locked:
        """Replaces the lock file by the lock of today. Raises TargetError if the file cannot be written."""
        return write_lock(self.path, self.made, replacing=True)

    @property
    def surfacing(self) -> tuple[SurfacingChange, ...]:
        """The views whose expected rows have changed."""
        return tuple(surfacing_changes(self.locked, self.made))

    @property
    def causes(self) -> tuple[str, ...]:
        """Other changes since the lock was made, which may explain the difference."""
        causes = []
        if self.locked.bank != self.made.bank:
            causes.append("the bank has changed since the lock was made")
        if self.locked.version != self.made.version:
            causes.append(f"the format version of the rows was {self.locked.version} and is now {self.made.version}")
        return tuple(causes)

    def __repr__(self) -> str:
        return f"<Verification of {self.path}: {'the same' if self.same else 'it differs'}>"

    def __str__(self) -> str:
        return "\n".join(explanation(self))


def load_lock(path: Path) -> Lock:
    """The lock in a file. Raises InputError if the file does not exist or is not a lock."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InputError(f"{shown(path)} is larger than {MOST_BYTES // 2**20} MB: not a lock file")
        return read_lock(content.decode("utf-8"), shown(path))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        hint = "; `seedbed lock BANK` makes one" if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"{shown(path)}: {reason}{hint}") from None


def same_lock(one: Lock, other: Lock) -> bool:
    """Whether two locks are equal, apart from the version of Seedbed that made them."""
    return replace(one, seedbed=other.seedbed) == other


def write_lock(path: Path, lock: Lock, *, replacing: bool) -> Locked:
    """Writes a lock, whole or not at all. Only with `replacing` does it replace a lock of another dataset.

    Raises InputError for such a lock otherwise, TargetError if the file cannot be written or is not a lock.
    """
    target = output_path(str(path))
    check_file(target, _is_lock)
    if target.exists():
        before = None if replacing and not _is_readable(target) else load_lock(target)
        if before is not None and same_lock(before, lock):
            return Locked(path, lock, changed=False)
        if not replacing:
            raise InputError(
                f"{shown(path)} locks another dataset. Give --update to lock what its own arguments make today, or"
                " --overwrite to lock this dataset"
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
    """Compares a lock with the lock `made` from the same arguments. `parts` makes the rows that must be shown.

    `against` is the URL or folder of the dataset as it was when the lock was made. If it is given, the result has the
    old row, too. Raises InputError if another dataset is stored there, and whatever reading it raises.
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
        raise InputError("against: the dataset stored there is not the locked one")


def _stored_rows(url: str, instance: str, table: Table, day: str) -> Iterator[Row]:
    with open_database(url) as database:
        for batch in database.batches(instance, table):
            for data in of_the_day(table, batch, day):
                yield from plain_rows(table, data)
