"""Folders of files, one file per table and a `dataset.json`: CSV and Parquet.

CSV follows RFC 4180 with a header and bare line feeds. A missing value is an empty cell, empty text is `""`, and
text that a spreadsheet would take for a formula is written as it is: the data must survive.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

from seedbed.ledger.columns import ANSWER_KEY, TABLES, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write.facts import MANIFEST, Tally, manifest
from seedbed.write.staging import check_folder, move_folder, staging
from seedbed.write.targets import Target, WriteReport, place
from seedbed.write.text import CSV, RowText

__all__ = ["FILE_FORMATS", "fill_folder", "folder_names", "write_folder"]

# One file each.
FILES = (*TABLES, ANSWER_KEY)
# DuckDB scans a row group per thread; 122,880 is its own vector-aligned default.
ROW_GROUP_ROWS = 122_880


class TableFile(Protocol):
    """One table's file while it is being written."""

    def write(self, data: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what is held back and end the file."""


class CsvFile:
    """A table as CSV."""

    def __init__(self, path: Path, table: Table) -> None:
        self._stream: BinaryIO = path.open("xb")
        self._text = RowText(CSV, table, "")
        self._stream.write((",".join(column.name for column in table.columns) + "\n").encode())

    def write(self, data: pa.Table) -> None:
        """Append rows."""
        for text in self._text.render(data):
            self._stream.write(text)

    def close(self) -> None:
        """End the file."""
        self._stream.write(self._text.close())
        self._stream.close()


class ParquetFile:
    """A table as Parquet: zstd, dictionaries for text that repeats, row groups of a fixed size."""

    def __init__(self, path: Path, table: Table) -> None:
        self._schema = table.arrow_schema()
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - 30 ms that only this format needs

        repeated = [column.name for column in table.columns if column.repeats]
        self._writer = ParquetWriter(path, self._schema, compression="zstd", use_dictionary=repeated)

    def write(self, data: pa.Table) -> None:
        """Append rows; they are held back until a row group is full."""
        self._pending.append(_conformed(data, self._schema))
        self._pending_rows += data.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(self._pending_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush(self._pending_rows)
        self._writer.close()

    def _flush(self, rows: int) -> None:
        if not self._pending:
            return
        whole = pa.concat_tables(self._pending).unify_dictionaries()
        if rows:
            self._writer.write_table(whole.slice(0, rows), row_group_size=ROW_GROUP_ROWS)
        self._pending = [whole.slice(rows)]
        self._pending_rows -= rows


FILE_FORMATS: dict[str, Callable[[Path, Table], TableFile]] = {"csv": CsvFile, "parquet": ParquetFile}


def folder_names(format_: str) -> frozenset[str]:
    """The names of all files that a folder of this format holds."""
    return frozenset({MANIFEST, *(f"{table.name}.{format_}" for table in FILES)})


def write_folder(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Write a folder that appears whole or not at all; replaces only an empty one or an earlier output.

    Raises `TargetError` for a folder that is something else, or that cannot be written.
    """
    folder = place(target.path)
    check_folder(folder, folder_names(target.format), MANIFEST)
    with staging(folder) as private:
        staged = private / "folder"
        tally = Tally(parts)
        size = fill_folder(tally, dataset, staged, target.format)
        move_folder(staged, folder)
    return WriteReport((folder,), tally.counts, size)


def fill_folder(tally: Tally, dataset: Dataset, folder: Path, format_: str) -> int:
    """Make `folder` and write the tables and the manifest into it; gives the bytes of all files."""
    folder.mkdir()
    with ExitStack() as open_files:
        files = {}
        for table in FILES:
            file = FILE_FORMATS[format_](folder / f"{table.name}.{format_}", table)
            files[table.name] = file
            open_files.callback(file.close)
        for part in tally:
            for name, data in part.tables().items():
                files[name].write(data)
    (folder / MANIFEST).write_text(manifest(dataset, tally.counts), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def _conformed(data: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows in exactly this schema: text that arrived plain is encoded, and the other way round."""
    columns = []
    for field in schema:
        column = data[field.name]
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        columns.append(column.cast(field.type))
    return pa.table(columns, schema=schema)
