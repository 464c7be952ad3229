"""Writers: one row of a table per output, all fed with the same parts."""

from collections.abc import Callable, Iterable

from seedbed.errors import InputError
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write.dialects import DIALECTS, schema_script, schema_statements
from seedbed.write.duckdb_file import apply_schema, load_duckdb, write_duckdb
from seedbed.write.folders import FILE_FORMATS, write_folder
from seedbed.write.scripts import emit_sql, write_schema, write_script
from seedbed.write.targets import STANDARD_OUTPUT, Target, WriteReport, parse_url

__all__ = [
    "DIALECTS",
    "STANDARD_OUTPUT",
    "WRITERS",
    "Target",
    "WriteReport",
    "apply_schema",
    "emit_sql",
    "load_duckdb",
    "parse_url",
    "schema_script",
    "schema_statements",
    "write",
    "write_schema",
]

Writer = Callable[[Iterable[Part], Dataset, Target], WriteReport]

WRITERS: dict[str, Writer] = {
    **dict.fromkeys(DIALECTS, write_script),
    **dict.fromkeys(FILE_FORMATS, write_folder),
    "duckdb-file": write_duckdb,
}


def write(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Write a ledger, given as parts in canonical order, to one target.

    The parts are taken one after another and each once; the digest is computed as they pass. Raises `InputError`
    for an unknown format and `TargetError` where the target cannot take the result; an earlier output is then
    as it was.
    """
    if target.format not in WRITERS:
        raise InputError(f"unknown format {target.format[:40]!r}; known are {', '.join(WRITERS)}")
    return WRITERS[target.format](parts, dataset, target)
