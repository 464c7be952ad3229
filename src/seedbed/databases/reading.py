"""The rows of a stored table as Arrow tables, without a Python step per cell.

DuckDB speaks Arrow. The others are asked for CSV: they join the cells of a stretch of rows into one long text, and
Arrow reads that, whatever it holds, while they make the next one.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

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


def _duckdb(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    rows = connection.sql(f"SELECT {_columns(table)} FROM {name}")
    for batch in pa.RecordBatchReader.from_stream(rows):
        yield pa.Table.from_batches([batch])


def _postgresql(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    # A row's own text is CSV between brackets, in which backslashes are doubled as quotes are; the zeros keep the
    # brackets away from the cells. COPY would send a message for every row, which takes the client twice as long.
    row = f"ROW(0, {_columns(table)}, 0)::text"

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), convert_to(string_agg({row}, E'\\n'), 'UTF8') FROM {name} {condition}"
            [(count, text)] = connection.cursor(binary=True).execute(joined).fetchall()
            yield text.replace(b"\\\\", b"\\") + b"\n", count

    return _parsed(texts(), table, COPIED, bracketed=True)


def _sqlite(connection: Any, name: str, table: Table) -> Iterator[pa.Table]:
    line = _sqlite_line(table)

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), GROUP_CONCAT({line}, char(10)) FROM {name} {condition}"
            [(count, text)] = connection.execute(joined).fetchall()
            yield f"{text}\n".encode(), count

    return _parsed(texts(), table, COUNTED)


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

    return _parsed(texts(), table, COPIED)


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


def _parsed(
    texts: Iterator[Lines], table: Table, types: Mapping[ColumnKind, pa.DataType], bracketed: bool = False
) -> Iterator[pa.Table]:
    """The texts as tables, each parsed while the next one is fetched."""
    parsing: Alongside[pa.Table] | None = None
    try:
        for text, rows in texts:
            before, parsing = parsing, Alongside(partial(_from_csv, text, rows, table, types, bracketed))
            if before is not None:
                yield before.result()
        if parsing is not None:
            yield parsing.result()
    finally:
        if parsing is not None:
            parsing.wait()


def _from_csv(
    text: bytes, rows: int, table: Table, types: Mapping[ColumnKind, pa.DataType], bracketed: bool
) -> pa.Table:
    """Whole lines, each with its end: Arrow takes an empty last cell without one for an empty text."""
    names = [column.name for column in table.columns]
    data = csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(
            column_names=["(", *names, ")"] if bracketed else names, block_size=len(text) + 1, use_threads=False
        ),
        # Lines within texts are rare, and looking for them takes half as long again.
        csv.ParseOptions(newlines_in_values=text.count(b"\n") != rows),
        csv.ConvertOptions(
            column_types={column.name: _type(column, types) for column in table.columns},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,
            include_columns=names,
        ),
    )
    for position, column in enumerate(table.columns):
        if column.kind == "timestamp":
            data = data.set_column(position, column.name, data[column.name].cast(pa.timestamp("s")))
    return data
