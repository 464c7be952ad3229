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
    """Where a format's writer is, and what asks beforehand whether it could begin."""

    writer: str
    check: str


# They are imported when they are used: a script should not wait for a database engine.
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

    The parts are taken one after another and each once; the digest is computed as they pass. Raises `InputError`
    for an unknown format and `TargetError` where the target cannot take the result; an earlier output is then
    as it was.
    """
    writer: Writer = imported(_home(target).writer)
    if target.answer_key is None:
        return writer(parts, dataset, target)
    from seedbed.write.key_file import with_key_file  # noqa: PLC0415 - only where a file is asked for

    return with_key_file(writer, parts, dataset, target)


def check_target(target: Target, dataset: Dataset) -> None:
    """Raise `TargetError` where it is plain beforehand that `write` cannot: nobody need wait for that.

    `dataset` may still lack its scenario. Files are not opened as databases, and nothing is left behind.
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
