"""A folder of Parquet files as a database to read: a DuckDB file beside the system's temporary files holds it.

The views are made as in a load. The file lives as long as the process. It is made again after the folder changes.
"""

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import duckdb

from seedbed.errors import TargetError, one_line
from seedbed.ledger.columns import ALL_TABLES, Table
from seedbed.views import view_statements
from seedbed.write.dialects import DIALECTS, create_table, finish_table, table_name
from seedbed.write.facts import DATASET, MANIFEST, STORED, bank_of_manifest, row_of_manifest
from seedbed.write.targets import refusals, shown

__all__ = ["file_of_folder"]

DIALECT = DIALECTS["duckdb"]
KEPT_FOLDERS = 4


def file_of_folder(folder: Path) -> Path:
    """A DuckDB file with the tables and views of a Parquet folder.

    Raises `TargetError` for a folder that is not an output of Seedbed or cannot be read.
    """
    with refusals(folder):
        if not (folder / MANIFEST).is_file():
            raise TargetError(
                f"{shown(folder)}: no {MANIFEST}: `data apply --format parquet` did not write this folder"
            )
        return _made(folder.absolute(), (folder / MANIFEST).stat().st_mtime_ns)


@lru_cache(maxsize=KEPT_FOLDERS)
def _made(folder: Path, _stamp: int) -> Path:
    private = Path(tempfile.mkdtemp(prefix="seedbed-"))
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    target = private / "folder.duckdb"
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    try:
        bank, facts = bank_of_manifest(text), row_of_manifest(text)
        with duckdb.connect(target) as connection:
            for table in STORED:
                connection.execute(create_table(bank.instance, table, DIALECT))
            for table in ALL_TABLES:
                _fill(connection, bank.instance, table, folder)
            connection.register("facts", facts)
            connection.execute(f"INSERT INTO {DIALECT.quoted(table_name(bank.instance, DATASET))} BY NAME FROM facts")
            connection.unregister("facts")
            for table in STORED:
                for statement in finish_table(bank.instance, table, DIALECT):
                    connection.execute(statement)
            for statement in view_statements(bank, DIALECT.name):
                connection.execute(statement)
    except (duckdb.Error, ValueError, KeyError) as error:
        raise TargetError(f"{shown(folder)}: {one_line(str(error).splitlines()[0])}") from error
    return target


def _fill(connection: duckdb.DuckDBPyConnection, instance: str, table: Table, folder: Path) -> None:
    """The rows of one table, from one file or from one file per group. Raises `ValueError` if there is no file."""
    patterns = (f"{table.name}.parquet", f"{table.name}-[0-9]*.parquet")
    files = sorted(str(path) for pattern in patterns for path in folder.glob(pattern))
    if not files:
        raise ValueError(f"no {table.name}.parquet; only Parquet folders are read, and CSV folders are not")
    columns = ", ".join(DIALECT.quoted(column.name) for column in table.columns)
    name = DIALECT.quoted(table_name(instance, table))
    connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM read_parquet($1)", [files])
