"""SQL scripts, streamed part by part. A script is one transaction that replaces the data of one instance.

PostgreSQL scripts hold COPY blocks for psql, SQLite scripts INSERT statements. DuckDB scripts name Parquet files,
which are written first. The facts of the dataset come after the rows, then keys and indexes, then the views.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile

from seedbed.bank.model import Bank
from seedbed.errors import InputError, TargetError
from seedbed.ledger.columns import ALL_TABLES, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.views import view_statements
from seedbed.write.dialects import (
    Dialect,
    create_table,
    dialect_named,
    finish_table,
    is_script,
    script_header,
    table_name,
)
from seedbed.write.facts import DATASET, STORED, dataset_row
from seedbed.write.folders import check_output, parquet_pattern, write_folder
from seedbed.write.schema import closing_statements, opening_statements, schema_script, staged_bank
from seedbed.write.source import PartSource, source_of
from seedbed.write.spool import Spool
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import STANDARD_OUTPUT, Target, WriteReport, output_path, output_refusals, refusals, shown
from seedbed.write.text import INSERT, Lines, RowText, Style

__all__ = ["check_script", "emit_sql", "write_schema", "write_script"]

Chunk = bytes | memoryview

# Rows of the later tables wait in memory until all transactions are written. Beyond this size they wait on disk.
SPOOL_BYTES = 64 * 1024 * 1024
COPIED_BYTES = 1024 * 1024


def write_script(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Write a script to standard output, or to a file that appears whole or not at all.

    A file is replaced only if it is a Seedbed script or `target.overwrite` is set. A DuckDB script names its
    Parquet files relative to its own folder (on standard output: relative to `target.data_dir`). Raises
    `TargetError` if the target cannot be written, `InputError` for an unknown dialect and for a DuckDB script
    without a folder for its data.
    """
    dialect = dialect_named(target.format)
    if target.path == STANDARD_OUTPUT:
        with output_refusals():
            chunks, counts = _prepared(parts, dataset, dialect, target.data_dir, None, None)
            size = sum(map(sys.stdout.buffer.write, chunks))
            sys.stdout.buffer.flush()
        return _report((), size, counts)
    path = output_path(target.path)
    check_file(path, lambda old: target.overwrite or is_script(old))
    data_dir = _data_dir(target, path)
    with staging(path) as private:
        chunks, counts = _prepared(parts, dataset, dialect, data_dir, path.parent, private)
        staged, moved = private / "script", False
        try:
            with refusals(path):
                with staged.open("xb") as stream:
                    size = sum(map(stream.write, chunks))
                with target.showing():
                    move_file(staged, path)
                    moved = True
        except TargetError as error:
            if moved or isinstance(counts, PartSource):
                raise
            # No system moves both in one step, so the Parquet files are in place before the script that names them.
            left = f"{shown(counts.paths[0])} has the new rows already, but their script is missing"
            raise TargetError(f"{error}; {left}") from error
    return _report((path,), size, counts)


def check_script(target: Target, dataset: Dataset) -> None:
    """Raise the errors that `write_script` would raise before the first row."""
    dialect = dialect_named(target.format)
    if target.path == STANDARD_OUTPUT:
        data_dir = target.data_dir
    else:
        path = output_path(target.path)
        check_file(path, lambda old: target.overwrite or is_script(old))
        with staging(path):
            pass
        data_dir = _data_dir(target, path)
    if not dialect.rows:
        check_output(Target(format="parquet", path=_needed(data_dir, dialect)), dataset)


def _data_dir(target: Target, path: Path) -> str:
    return target.data_dir or str(path.with_name(f"{path.stem}_data"))


def _needed(data_dir: str | None, dialect: Dialect) -> str:
    if data_dir is None:
        raise InputError(f"a {dialect.name} script needs a folder for its Parquet files (data_dir)")
    return data_dir


def write_schema(bank: Bank, target: Target, as_of: datetime | None = None) -> Path | None:
    """Write the script that creates a bank's empty tables and views. Returns its path; None for standard output.

    `as_of` is the moment up to which the views count ages. A file is replaced only if it is a Seedbed script or
    `target.overwrite` is set. Raises `TargetError` if the target cannot be written, `InputError` for an unknown
    dialect.
    """
    text = schema_script(bank, target.format, as_of).encode()
    if target.path == STANDARD_OUTPUT:
        with output_refusals():
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        return None
    path = output_path(target.path)
    check_file(path, lambda old: target.overwrite or is_script(old))
    with staging(path) as private:
        staged = private / "script"
        staged.write_bytes(text)
        move_file(staged, path)
    return path


def emit_sql(parts: Iterable[Part], dataset: Dataset, dialect: str, data_dir: str | Path | None = None) -> str:
    """The script as text. The `duckdb` dialect writes Parquet files to `data_dir`; its text names them from there.

    Raises `InputError` for an unknown dialect or a missing `data_dir`, `TargetError` if `data_dir` cannot be written.
    """
    folder = None if data_dir is None else str(data_dir)
    chunks, _ = _prepared(parts, dataset, dialect_named(dialect), folder, None, None)
    return b"".join(chunks).decode()


def _prepared(
    parts: Iterable[Part],
    dataset: Dataset,
    dialect: Dialect,
    data_dir: str | None,
    script_folder: Path | None,
    spool_folder: Path | None,
) -> tuple[Iterator[Chunk], PartSource | WriteReport]:
    """The script's text, and the counts, which are final once the text is read to its end.

    Parquet files are written before this function returns.
    """
    if dialect.rows:
        source = source_of(parts)
        return _script(dialect, dataset, _inline_rows(dialect, dataset, source, spool_folder), source), source
    report = write_folder(parts, dataset, Target(format="parquet", path=_needed(data_dir, dialect)))
    base = os.path.relpath(report.paths[0], script_folder) if script_folder else "."
    return _script(dialect, dataset, _file_rows(dialect, dataset, Path(base)), report), report


def _script(
    dialect: Dialect, dataset: Dataset, rows: Iterable[Chunk], source: PartSource | WriteReport
) -> Iterator[Chunk]:
    instance = dataset.bank.instance
    facts = f"anchor {dataset.anchor}, {dataset.window_days} days, seed {dataset.seed}, version {dataset.version}"
    yield (script_header(instance, dialect.name, facts) + dialect.client_settings).encode()
    yield from map(_statement, opening_statements(instance, dialect))
    bank = staged_bank(dataset.bank, dialect)
    instance = bank.instance
    yield from (_statement(create_table(instance, table, dialect)) for table in STORED)
    yield from rows
    facts_row = _row_text(dialect, instance, DATASET)
    yield from facts_row.render(dataset_row(dataset, source.counts))
    yield facts_row.close()
    for table in STORED:
        yield from map(_statement, finish_table(instance, table, dialect))
        if dialect.analyze:
            yield _statement(dialect.analyze.format(table=dialect.quoted(table_name(instance, table))))
    if dialect.views:
        yield from map(_statement, view_statements(bank, dialect.name))
    yield from map(_statement, closing_statements(dataset.bank.instance, dialect))


@dataclass(frozen=True)
class ScriptText:
    """The text of each table's rows."""

    styles: Mapping[str, Style]

    def __call__(self, _: int, parts: Iterable[Part]) -> Iterator[tuple[str, Lines]]:
        """The text of these parts."""
        for part in parts:
            for name, data in part.tables.items():
                for lines in self.styles[name].lines(data):
                    yield name, lines


def _inline_rows(
    dialect: Dialect, dataset: Dataset, source: PartSource, spool_folder: Path | None
) -> Iterator[Chunk]:
    """The rows, table after table. Rows of later tables wait, so the text does not depend on the borders of parts."""
    tables = ALL_TABLES
    instance = staged_bank(dataset.bank, dialect).instance
    texts = {table.name: _row_text(dialect, instance, table) for table in tables}
    make = ScriptText({name: text.style for name, text in texts.items()})
    folder = str(spool_folder) if spool_folder else None
    elsewhere = Spool(make, folder) if folder else None
    with ExitStack() as spools:
        waiting = {
            table.name: spools.enter_context(SpooledTemporaryFile(SPOOL_BYTES, dir=folder)) for table in tables[1:]
        }
        for piece in source.pieces(make, 1, elsewhere=elsewhere):
            for name, lines in piece:
                if name in waiting:
                    waiting[name].writelines(texts[name].append(lines))
                else:
                    yield from texts[name].append(lines)
        yield texts[tables[0].name].close()
        for name, spool in waiting.items():
            spool.write(texts[name].close())
            spool.seek(0)
            while chunk := spool.read(COPIED_BYTES):
                yield chunk


def _file_rows(dialect: Dialect, dataset: Dataset, base: Path) -> Iterator[Chunk]:
    for table in ALL_TABLES:
        name = dialect.quoted(table_name(dataset.bank.instance, table))
        names = Path(_no_pattern(base.as_posix())) / parquet_pattern(dataset, table)
        source = dialect.literal(names.as_posix())
        yield _statement(f"COPY {name} FROM {source} (FORMAT parquet)")


def _no_pattern(path: str) -> str:
    """A pattern that matches this path only. DuckDB reads `*`, `?` and `[` in file names as wildcards."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _row_text(dialect: Dialect, instance: str, table: Table) -> RowText:
    return RowText(dialect.rows or INSERT, table, dialect.quoted(table_name(instance, table)))


def _statement(text: str) -> bytes:
    return f"{text};\n".encode()


def _report(paths: tuple[Path, ...], size: int, source: PartSource | WriteReport) -> WriteReport:
    """The report on the script and on its data folder, if it has one."""
    if isinstance(source, WriteReport):
        return WriteReport((*paths, *source.paths), source.counts, size + source.bytes)
    return WriteReport(paths, source.counts, size)
