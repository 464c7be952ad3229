"""The rows of a stored table as Arrow tables, without a Python step per cell.

DuckDB speaks Arrow. The others are asked for CSV, made by the engine itself: PostgreSQL has COPY, SQLite and MySQL
join the cells of a stretch of rows into one long text. Arrow reads that, whatever the text holds.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
from pyarrow import csv

from seedbed.ledger.columns import Column, ColumnKind, Table
from seedbed.ledger.sql import double_quoted

__all__ = ["READERS"]

# So many rows are joined into one text; MySQL's server sends no text above 16 MB.
JOINED_ROWS = 8_192
COPIED_BYTES = 8 * 2**20

Reader = Callable[[Any, str, Table], Iterator[pa.Table]]

# A column as text that CSV holds, by engine and kind. Text is quoted, so that '' is not null.
SQLITE_CELLS: Mapping[ColumnKind, str] = {
    "bigint": "IFNULL({column}, '')",
    # SQLite holds amounts in floating point; as cents they are whole again.
    "money": "IFNULL(CAST(ROUND({column} * 100) AS INTEGER), '')",
    "timestamp": "IFNULL(strftime('%s', {column}), '')",
    "text": """IFNULL('"' || REPLACE({column}, '"', '""') || '"', '')""",
    "json": """IFNULL('"' || REPLACE({column}, '"', '""') || '"', '')""",
}
MYSQL_CELLS: Mapping[ColumnKind, str] = {
    "bigint": "IFNULL({column}, '')",
    "money": "IFNULL({column}, '')",
    "timestamp": "IFNULL({column}, '')",
    "text": """IFNULL(CONCAT('"', REPLACE({column}, '"', '""'), '"'), '')""",
    "json": """IFNULL(CONCAT('"', REPLACE({column}, '"', '""'), '"'), '')""",
}


def _duckdb(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    rows = connection.sql(f"SELECT {_columns(table)} FROM {name}")
    for batch in pa.RecordBatchReader.from_stream(rows):
        yield pa.Table.from_batches([batch])


def _postgresql(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    lines = bytearray()
    with connection.cursor().copy(f"COPY (SELECT {_columns(table)} FROM {name}) TO STDOUT (FORMAT csv)") as copy:
        for line in copy:
            lines += line
            if len(lines) >= COPIED_BYTES:
                yield _from_csv(bytes(lines), table, COPIED)
                lines.clear()
    if lines:
        yield _from_csv(bytes(lines), table, COPIED)


def _sqlite(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    line = " || ',' || ".join(_cells(table, SQLITE_CELLS))
    for condition in _stretches(connection, name, table):
        [(text,)] = connection.execute(f"SELECT GROUP_CONCAT({line}, char(10)) FROM {name} {condition}").fetchall()
        yield _from_csv(f"{text}\n".encode(), table, COUNTED)


def _mysql(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    line = f"CONCAT_WS(',', {', '.join(_cells(table, MYSQL_CELLS))})"
    connection.execute("SET SESSION group_concat_max_len = 1073741824")
    for condition in _stretches(connection, name, table):
        joined = f"SELECT COUNT(*), GROUP_CONCAT({line} SEPARATOR '\\n') FROM {name} {condition}"
        [(count, text)] = connection.execute(joined).fetchall()
        rows = None if text is None else _from_csv(f"{text}\n".encode(), table, COPIED)
        if rows is None or rows.num_rows != count:
            # Too long for one text: the server cuts it, or gives none.
            lines = connection.execute(f"SELECT {line} FROM {name} {condition}").fetchall()
            rows = _from_csv("".join(f"{text}\n" for (text,) in lines).encode(), table, COPIED)
        yield rows


READERS: Mapping[str, Reader] = {
    "duckdb": _duckdb,
    "postgresql": _postgresql,
    "sqlite": _sqlite,
    "mysql": _mysql,
    "mariadb": _mysql,
}


def _columns(table: Table) -> str:
    return ", ".join(double_quoted(column.name) for column in table.columns)


def _cells(table: Table, cells: Mapping[ColumnKind, str]) -> list[str]:
    return [cells[column.kind].format(column=double_quoted(column.name)) for column in table.columns]


def _stretches(connection: Any, name: str, table: Table) -> Iterator[str]:
    """Conditions that cut the table into stretches of its primary key, each of `JOINED_ROWS` rows or fewer."""
    key = double_quoted(table.columns[0].name)
    numbered = f"SELECT {key} AS k, ROW_NUMBER() OVER (ORDER BY {key}) AS n FROM {name}"
    query = f"SELECT k FROM ({numbered}) x WHERE n % {JOINED_ROWS} = 1 ORDER BY k"
    starts = [int(start) for (start,) in connection.execute(query).fetchall()]
    for start, stop in pairwise([*starts, None]):
        yield f"WHERE {key} >= {start}" + ("" if stop is None else f" AND {key} < {stop}")


# How the columns of the texts are typed: amounts as decimals, or counted in cents with times counted in seconds.
COPIED: Mapping[ColumnKind, pa.DataType] = {
    "bigint": pa.int64(),
    "money": pa.decimal128(20, 2),
    "timestamp": pa.timestamp("s"),
}
COUNTED: Mapping[ColumnKind, pa.DataType] = {"bigint": pa.int64(), "money": pa.int64(), "timestamp": pa.int64()}


def _type(column: Column, types: Mapping[ColumnKind, pa.DataType]) -> pa.DataType:
    if column.kind in types:
        return types[column.kind]
    return pa.dictionary(pa.int32(), pa.string()) if column.repeats else pa.string()


def _from_csv(text: bytes, table: Table, types: Mapping[ColumnKind, pa.DataType]) -> pa.Table:
    """Whole lines, each with its end: Arrow takes an empty last cell without one for an empty text."""
    names = [column.name for column in table.columns]
    rows = csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={column.name: _type(column, types) for column in table.columns},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for position, column in enumerate(table.columns):
        if column.kind == "timestamp":
            rows = rows.set_column(position, column.name, rows[column.name].cast(pa.timestamp("s")))
    return rows
