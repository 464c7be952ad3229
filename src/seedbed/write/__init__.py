"""Writers: a table with one row per output. All writers take the same parts."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from seedbed.errors import InputError
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write.dialects import DIALECTS
from seedbed.write.engines import ENGINES, imported
from seedbed.write.schema import schema_script, schema_statements
from seedbed.write.scripts import emit_sql, write_schema
from seedbed.write.targets import STANDARD_OUTPUT, Target, WriteReport, parse_url

__all__ = [
    "DIALECTS",
    "STANDARD_OUTPUT",
    "WRITERS",
    "Target",
    "WriteReport",
    "check_target",
    "emit_sql",
    "parse_url",
    "schema_script",
    "schema_statements",
    "write",
    "write_schema",
]

Writer = Callable[[Iterable[Part], Dataset, Target], WriteReport]


class Home(NamedTuple):
    """The writer of a format, and the function that checks a target before any row is made."""

    writer: str
    check: str


# Writers are imported when they are used, so that a script does not wait for a database engine.
SCRIPT = Home("seedbed.write.scripts:write_script", "seedbed.write.scripts:check_script")
FOLDER = Home("seedbed.write.folders:write_folder", "seedbed.write.folders:check_output")
DATABASE = Home("seedbed.databases.loading:load", "seedbed.databases.loading:check_database")
WRITERS: dict[str, Home] = {
    **dict.fromkeys(DIALECTS, SCRIPT),
    **dict.fromkeys(("csv", "parquet"), FOLDER),
    **dict.fromkeys((engine.format for engine in ENGINES.values()), DATABASE),
}


def write(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Write a ledger, given as parts in canonical order, to one target.

    The parts are taken once, one after another. The digest is computed as they pass. Raises `InputError` for an
    unknown format, and `TargetError` if the target cannot be written; an earlier output then stays unchanged.
    """
    writer: Writer = imported(_home(target).writer)
    if target.answer_key is None:
        return writer(parts, dataset, target)
    from seedbed.write.key_file import with_key_file  # noqa: PLC0415 - only where a file is asked for

    return with_key_file(writer, parts, dataset, target)


def check_target(target: Target, dataset: Dataset) -> None:
    """Raise `TargetError` if it is clear beforehand that `write` would fail, so that nobody waits for the failure.

    `dataset` may still lack its scenario. The check opens no file as a database, and leaves nothing behind.
    """
    check: Callable[[Target, Dataset], None] = imported(_home(target).check)
    check(target, dataset)
    if target.answer_key is not None:
        from seedbed.write.key_file import check_key_file  # noqa: PLC0415 - only where a file is asked for
        from seedbed.write.staging import staging  # noqa: PLC0415

        with staging(check_key_file(target)):
            pass


def _home(target: Target) -> Home:
    if target.format not in WRITERS:
        raise InputError(f"unknown format {target.format[:40]!r}; known are {', '.join(WRITERS)}")
    return WRITERS[target.format]
