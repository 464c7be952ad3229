"""The rows of a stored table as Arrow tables, without a Python step per cell.

DuckDB speaks Arrow. The others are asked for the cells of a stretch of rows at once, and while those become Arrow
they gather the next ones: SQLite and MySQL as one long text of CSV, PostgreSQL as one run of bytes per column.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from seedbed.ledger.columns import Column, ColumnKind, Table
from seedbed.ledger.sql import double_quoted
from seedbed.write.alongside import Alongside

__all__ = ["READERS"]

# So many rows are joined into one text; MySQL's server sends no text above 16 MB.
JOINED_ROWS = 8_192

# Whole lines of CSV, and how many rows they are.
Lines = tuple[bytes, int]
Reader = Callable[[Any, str, Table], Iterator[pa.Table]]

# A column as text that CSV holds, by kind; for SQLite a form of printf and its argument, which prints null as
# nothing. Text is quoted, so that '' is not null.
SQLITE_CELLS: Mapping[ColumnKind, tuple[str, str]] = {
    "bigint": ("%d", "{column}"),
    # SQLite holds amounts in floating point; as cents they are whole again.
    "money": ("%d", "CAST(ROUND({column} * 100) AS INTEGER)"),
    "timestamp": ("%s", "IFNULL(strftime('%s', {column}), '')"),
    "text": ('"%w"', "{column}"),
    "json": ('"%w"', "{column}"),
}
MYSQL_CELLS: Mapping[ColumnKind, str] = {
    "bigint": "IFNULL({column}, '')",
    "money": "IFNULL({column}, '')",
    "timestamp": "IFNULL({column}, '')",
    "text": """IFNULL(CONCAT('"', REPLACE({column}, '"', '""'), '"'), '')""",
    "json": """IFNULL(CONCAT('"', REPLACE({column}, '"', '""'), '"'), '')""",
}
# What stands for null, and between two cells.
SENT_NUMBER, SENT_TEXT = (r"\x8000000000000001", ""), (r"\xff", r"\x00")
NULL_NUMBER, NULL_BYTE = 1 - 2**63, 0xFF
# How PostgreSQL sends a cell, by kind.
POSTGRESQL_CELLS: Mapping[ColumnKind, tuple[str, tuple[str, str]]] = {
    "bigint": ("int8send({column}::bigint)", SENT_NUMBER),
    # Amounts that no load stores may be larger than the type: they are others in any case.
    "money": (
        "int8send(CASE WHEN {column} BETWEEN -9e16 AND 9e16 THEN ({column} * 100)::bigint"
        " WHEN {column} IS NOT NULL THEN 9000000000000000000 END)",
        SENT_NUMBER,
    ),
    "timestamp": ("timestamp_send({column}::timestamp)", SENT_NUMBER),
    "text": ("textsend({column}::text)", SENT_TEXT),
    "json": ("textsend({column}::text)", SENT_TEXT),
}
# Its times are microseconds since the year 2000.
POSTGRESQL_EPOCH = np.datetime64("2000-01-01", "us")


def _duckdb(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    rows = connection.sql(f"SELECT {_columns(table)} FROM {name}")
    for batch in pa.RecordBatchReader.from_stream(rows):
        yield pa.Table.from_batches([batch])


def _postgresql(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    runs = ", ".join(_run(column) for column in table.columns)

    def stretches() -> Iterator[Sequence[bytes]]:
        for condition in _stretches(connection, name, table):
            [columns] = connection.cursor(binary=True).execute(f"SELECT {runs} FROM {name} {condition}").fetchall()
            if columns[0]:
                yield columns

    return _made(partial(_from_runs, table), stretches())


def _run(column: Column) -> str:
    """All cells of a column as PostgreSQL sends them: numbers of eight bytes, texts with a null byte in between.

    No text has that byte in PostgreSQL, and none in UTF-8 has 255.
    """
    sent, (absent, between) = POSTGRESQL_CELLS[column.kind]
    cell = sent.format(column=double_quoted(column.name))
    if column.nullable:
        cell = f"COALESCE({cell}, '{absent}'::bytea)"
    return f"string_agg({cell}, '{between}'::bytea)"


def _sqlite(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    line = _sqlite_line(table)

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), GROUP_CONCAT({line}, char(10)) FROM {name} {condition}"
            [(count, text)] = connection.execute(joined).fetchall()
            yield f"{text}\n".encode(), count

    return _made(partial(_from_csv, table, COUNTED), texts())


def _sqlite_line(table: Table) -> str:
    """A row of CSV by one printf, which takes half the time of joining: %w doubles the double quotes of a text."""
    forms, cells = [], []
    for column in table.columns:
        form, cell = SQLITE_CELLS[column.kind]
        cell = cell.format(column=double_quoted(column.name))
        if column.nullable:
            form, cell = "%s", f"CASE WHEN {double_quoted(column.name)} IS NOT NULL THEN printf('{form}', {cell}) END"
        forms.append(form)
        cells.append(cell)
    return f"printf('{','.join(forms)}', {', '.join(cells)})"


def _mysql(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    line = f"CONCAT_WS(',', {', '.join(_cells(table, MYSQL_CELLS))})"
    connection.execute("SET SESSION group_concat_max_len = 1073741824")
    [(most,)] = connection.execute("SELECT @@max_allowed_packet").fetchall()

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), GROUP_CONCAT({line} SEPARATOR '\n') FROM {name} {condition}"
            [(count, text)] = connection.execute(joined).fetchall()
            whole = b"" if text is None else f"{text}\n".encode()
            if not whole or 2 * len(whole) > most:
                # Too long for one text: the server cuts it, or gives none.
                lines = connection.execute(f"SELECT {line} FROM {name} {condition}").fetchall()
                whole = "".join(f"{text}\n" for (text,) in lines).encode()
            yield whole, count

    return _made(partial(_from_csv, table, COPIED), texts())


def _oracle(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    kinds = {**COPIED, "text": pa.string(), "json": pa.string()}
    cursor = connection.execute(f"SELECT {_columns(table)} FROM {name}")
    while rows := cursor.fetchmany(JOINED_ROWS):
        cells = zip(table.columns, zip(*rows, strict=True), strict=True)
        yield pa.table({column.name: pa.array(values).cast(kinds[column.kind]) for column, values in cells})


READERS: Mapping[str, Reader] = {
    "duckdb": _duckdb,
    "postgresql": _postgresql,
    "sqlite": _sqlite,
    "mysql": _mysql,
    "mariadb": _mysql,
    "oracle": _oracle,
}


def _columns(table: Table) -> str:
    return ", ".join(double_quoted(column.name) for column in table.columns)


def _cells(table: Table, cells: Mapping[ColumnKind, str]) -> list[str]:
    return [cells[column.kind].format(column=double_quoted(column.name)) for column in table.columns]


def _stretches(connection: Any, name: str, table: Table) -> Iterator[str]:
    """Conditions that cut the table into stretches of its primary key, each of `JOINED_ROWS` rows or fewer."""
    key = double_quoted(table.columns[0].name)
    [(start,)] = connection.execute(f"SELECT MIN({key}) FROM {name}").fetchall()
    while start is not None:
        # Skipping along the key costs little; numbering all rows first would sort them.
        skip = f"SELECT {key} FROM {name} WHERE {key} > {int(start)} ORDER BY {key} LIMIT 1 OFFSET {JOINED_ROWS - 1}"
        [(stop,)] = connection.execute(skip).fetchall() or [(None,)]
        yield f"WHERE {key} >= {int(start)}" + ("" if stop is None else f" AND {key} < {int(stop)}")
        start = stop


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


def _made(make: Callable[[Any], pa.Table], stretches: Iterator[Any]) -> Iterator[pa.Table]:
    """A table of each stretch, made while the next one is fetched."""
    making: Alongside[pa.Table] | None = None
    try:
        for stretch in stretches:
            before, making = making, Alongside(partial(make, stretch))
            if before is not None:
                yield before.result()
        if making is not None:
            yield making.result()
    finally:
        if making is not None:
            making.wait()


def _from_csv(table: Table, types: Mapping[ColumnKind, pa.DataType], lines: Lines) -> pa.Table:
    """Whole lines, each with its end: Arrow takes an empty last cell without one for an empty text."""
    text, rows = lines
    names = [column.name for column in table.columns]
    data = csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
        # Lines within texts are rare, and looking for them takes half as long again.
        csv.ParseOptions(newlines_in_values=text.count(b"\n") != rows),
        csv.ConvertOptions(
            column_types={column.name: _type(column, types) for column in table.columns},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    for position, column in enumerate(table.columns):
        if column.kind == "timestamp":
            data = data.set_column(position, column.name, data[column.name].cast(pa.timestamp("s")))
    return data


def _from_runs(table: Table, runs: Sequence[bytes]) -> pa.Table:
    arrays = (
        (_texts if column.kind in ("text", "json") else _numbers)(column, run)
        for column, run in zip(table.columns, runs, strict=True)
    )
    return pa.table(list(arrays), [column.name for column in table.columns])


def _numbers(column: Column, run: bytes) -> pa.Array:
    """Numbers and times as they are, amounts in cents."""
    numbers = np.frombuffer(run, ">i8").astype(np.int64)
    absent = numbers == NULL_NUMBER if column.nullable else None
    if column.kind != "timestamp":
        return pa.array(numbers, mask=absent)
    return pa.array(POSTGRESQL_EPOCH + numbers.view("timedelta64[us]"), mask=absent)


def _texts(column: Column, run: bytes) -> pa.Array:
    """Arrow's own form: where each text ends, and all their bytes without what stands between them."""
    cells = np.frombuffer(run + b"\0", np.uint8)
    ends = np.flatnonzero(cells == 0)
    starts = np.append(0, ends[:-1] + 1)
    absent = cells[starts] == NULL_BYTE
    lengths = np.where(absent, 0, ends - starts)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    texts = pa.StringArray.from_buffers(
        ends.size,
        pa.py_buffer(offsets),
        pa.py_buffer(cells[(cells != 0) & (cells != NULL_BYTE)]),
        pa.py_buffer(np.packbits(~absent, bitorder="little")) if column.nullable else None,
    )
    return texts.dictionary_encode() if column.repeats else texts
