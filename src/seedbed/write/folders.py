"""Folders of files with a `dataset.json`. CSV has one file per table, Parquet one per table and group of blocks.

CSV follows RFC 4180 with a header and bare line feeds. A missing value is an empty cell, and empty text is `""`. Text
that a spreadsheet would read as a formula is written unchanged, because it is data.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from seedbed.assembly.groups import group_blocks
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, Table
from seedbed.ledger.dataset import NO_ROWS, Dataset, Part
from seedbed.write.facts import MANIFEST, manifest
from seedbed.write.journal import Journal
from seedbed.write.source import PartSource, source_of
from seedbed.write.spool import Spool
from seedbed.write.staging import check_folder, flush, kept_folder, kept_staging, move_folder, staging
from seedbed.write.targets import Target, WriteReport, output_path
from seedbed.write.text import CSV, Lines, RowText, Style

__all__ = ["CsvFile", "check_output", "fill_folder", "parquet_pattern", "write_folder"]

# DuckDB scans a row group per thread; 122,880 is its own vector-aligned default.
ROW_GROUP_ROWS = 122_880
CSV_STYLES = {table.name: Style(CSV, table, "") for table in ALL_TABLES}


class CsvFile:
    """A table as CSV."""

    def __init__(self, path: Path, table: Table) -> None:
        self._stream: BinaryIO = path.open("xb")
        self._text = RowText(CSV, table, "")
        self._stream.write((",".join(column.name for column in table.columns) + "\n").encode())

    def write(self, data: pa.Table) -> None:
        """Append rows."""
        for lines in self._text.style.lines(data):
            self.append(lines)

    def append(self, lines: Lines) -> None:
        """Append rows that another process has made into text."""
        self._stream.writelines(self._text.append(lines))

    def close(self) -> None:
        """End the file. A second call does nothing."""
        if not self._stream.closed:
            self._stream.write(self._text.close())
            self._stream.close()


class ParquetFile:
    """A table as Parquet: snappy, dictionaries for text that repeats, row groups of a fixed size.

    Entries and times ascend, or nearly so. They are written as differences, which takes less time and space than
    compression; amounts gain nothing from this. Only entries and times have statistics. Every row group has all
    accounts, rails and amounts, so statistics of these would let no reader skip a row group, and cost a fifth of the
    time.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self._path = path
        self._table = table
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - 30 ms that only this format needs

        repeated = [column.name for column in table.columns if column.repeats]
        ordered = [column.name for column in table.columns if column.kind in ("bigint", "timestamp")]
        self._writer = ParquetWriter(
            path,
            table.arrow_schema(),
            compression={c.name: "snappy" if c.kind in ("text", "json") else "none" for c in table.columns},
            use_dictionary=repeated,
            column_encoding=dict.fromkeys(ordered, "DELTA_BINARY_PACKED"),
            write_statistics=ordered,
            write_batch_size=ROW_GROUP_ROWS,
        )

    def write(self, data: pa.Table) -> None:
        """Append rows. They wait in memory until a row group is full."""
        self._pending.append(self._table.conformed(data))
        self._pending_rows += data.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(self._pending_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write the last row group and the footer, and wait until they are on the disk."""
        self._flush(self._pending_rows)
        self._writer.close()
        flush(self._path)

    def abandon(self) -> None:
        """Close an unfinished file that nobody will read."""
        with suppress(OSError, ValueError):
            self._writer.close()

    def _flush(self, rows: int) -> None:
        if not self._pending:
            return
        whole = pa.concat_tables(self._pending).unify_dictionaries()
        if rows:
            self._writer.write_table(whole.slice(0, rows), row_group_size=ROW_GROUP_ROWS)
        self._pending = [whole.slice(rows)]
        self._pending_rows -= rows


def csv_text(_: int, parts: Iterable[Part]) -> Iterator[tuple[str, Lines]]:
    """The text of each table's rows."""
    for part in parts:
        for name, data in part.tables.items():
            for lines in CSV_STYLES[name].lines(data):
                yield name, lines


def fill_csv(source: PartSource, folder: Path) -> None:
    """Writes one CSV file per table, block by block. The text of workers waits in files beside the folder."""
    elsewhere = Spool(csv_text, str(folder.parent))
    with ExitStack() as open_files:
        files = {table.name: CsvFile(folder / f"{table.name}.csv", table) for table in ALL_TABLES}
        for file in files.values():
            open_files.callback(file.close)
        for piece in source.pieces(csv_text, 1, elsewhere=elsewhere):
            for name, lines in piece:
                files[name].append(lines)


@dataclass(frozen=True)
class ParquetGroup:
    """Writes the files of one group into a folder, and returns their names.

    If there is one group, its files are named after the tables. A later group without answer-key lines has no
    answer-key file.
    """

    folder: str
    grouped: bool

    def __call__(self, number: int, parts: Iterable[Part]) -> Iterator[str]:
        """The files of group `number`."""
        files: dict[str, ParquetFile] = {}
        try:
            for part in chain(parts, (NO_ROWS,)):
                for table in ALL_TABLES:
                    data = part[table.name]
                    if table.name not in files and (data.num_rows or table != ANSWER_KEY or not number):
                        name = f"{table.name}{f'-{number:05}' if self.grouped else ''}.parquet"
                        files[table.name] = ParquetFile(Path(self.folder, name), table)
                        yield name
                    if data.num_rows:
                        files[table.name].write(data)
            for file in files.values():
                file.close()
        except BaseException:
            for file in files.values():
                file.abandon()
            raise


def fill_parquet(source: PartSource, dataset: Dataset, folder: Path, journal: Journal | None) -> None:
    """Writes one Parquet file per table and group. The process that makes a group's parts also writes its files.

    Groups that the journal has are skipped.
    """
    each = group_blocks(dataset)
    done = 0 if journal is None else journal.recall(source, dataset, folder)
    for piece in source.pieces(ParquetGroup(str(folder), each is not None), each, done):
        names = list(piece)
        if journal is not None:
            journal.add(folder, names, source.sums)


def parquet_pattern(dataset: Dataset, table: Table) -> str:
    """The pattern of the names of a table's Parquet files."""
    return f"{table.name}.parquet" if group_blocks(dataset) is None else f"{table.name}-*.parquet"


def is_own_name(name: str, format_: str) -> bool:
    """Whether a folder of this format can hold a file of this name."""
    tables = "|".join(table.name for table in ALL_TABLES)
    return name == MANIFEST or re.fullmatch(rf"({tables})(-[0-9]{{5,}})?\.{format_}", name) is not None


def write_folder(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Writes a folder completely or not at all; replaces only an empty folder or an earlier output.

    Raises `TargetError` for any other folder, and if the folder cannot be written.
    """
    folder = _own_folder(target)
    source = source_of(parts)
    with (kept_staging if target.resume else staging)(folder) as private:
        staged = private / "folder"
        size = fill_folder(source, dataset, staged, target.format, Journal(private) if target.resume else None)
        with target.showing():
            move_folder(staged, folder)
    return WriteReport((folder,), source.counts, size)


def check_output(target: Target, dataset: Dataset) -> None:
    """Raise `TargetError` if `write_folder` would fail at once. The scenario need not be known."""
    if target.format == "parquet":
        import_module("pyarrow.parquet")  # once, before workers are copied from this process
    folder = _own_folder(target)
    with staging(folder):
        pass
    if target.resume:
        Journal(kept_folder(folder)).check(dataset, but=("scenario",))


def _own_folder(target: Target) -> Path:
    folder = output_path(target.path)
    check_folder(folder, partial(is_own_name, format_=target.format), MANIFEST)
    return folder


def fill_folder(
    source: PartSource, dataset: Dataset, folder: Path, format_: str, journal: Journal | None = None
) -> int:
    """Make `folder` and write the tables and the manifest into it. Returns the bytes of all files."""
    folder.mkdir(exist_ok=journal is not None)
    if format_ == "csv":
        fill_csv(source, folder)
    else:
        fill_parquet(source, dataset, folder, journal)
    (folder / MANIFEST).write_text(manifest(dataset, source.counts), encoding="utf-8", newline="\n")
    return sum(path.stat().st_size for path in folder.iterdir())
