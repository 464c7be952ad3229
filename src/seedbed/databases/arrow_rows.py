"""The rows of a stored table as Arrow tables, without a Python step per cell.

DuckDB returns Arrow itself. The other engines return the cells of many rows at once: SQLite and MySQL as one long CSV
text, PostgreSQL as one sequence of bytes per column. While these become Arrow, the engine gathers the next rows. The
thread that makes the Arrow tables also makes the caller's result, because more threads would only wait for each
other.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from seedbed.ledger.columns import MONEY_TYPE, Column, ColumnKind, Table
from seedbed.ledger.sql import double_quoted
from seedbed.money import CENTS_PER_DOLLAR, EXPONENT
from seedbed.write.background import BackgroundCall

__all__ = ["duckdb_rows", "mysql_rows", "oracle_rows", "postgresql_rows", "sqlite_rows"]

# Rows that are joined into one text. MySQL's server sends no text above 16 MB.
JOINED_ROWS = 8_192
# Pages of 8 KB whose rows, some thousand, PostgreSQL joins into one text.
JOINED_PAGES = 256

# Whole lines of CSV, and their number of rows.
Lines = tuple[bytes, int]
# The result that a caller makes of each Arrow table.
Made = Any
Make = Callable[[pa.Table], Made]
# (connection, quoted name, table, the function for each stretch of its rows)
Reader = Callable[[Any, str, Table, Make], Iterator[Made]]

# Kind → a column as CSV text. For SQLite this is a format of printf and its argument; null prints nothing. Text is
# quoted, so that '' differs from null.
SQLITE_CELLS: Mapping[ColumnKind, tuple[str, str]] = {
    "bigint": ("%d", "{column}"),
    # SQLite stores amounts in floating point. As cents they are whole numbers again.
    "money": ("%d", f"CAST(ROUND({{column}} * {CENTS_PER_DOLLAR}) AS INTEGER)"),
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
# The number that stands for null in a column from PostgreSQL.
NULL_NUMBER, SENT_NULL_NUMBER = 1 - 2**63, r"'\x8000000000000001'::bytea"
# Kind → the expression by which PostgreSQL sends numbers and times.
POSTGRESQL_NUMBERS: Mapping[ColumnKind, str] = {
    "bigint": "int8send({column}::bigint)",
    # Amounts and times that no load stores may not fit the type, or have fractions of cents. All of these become one
    # value that no load stores either.
    "money": (
        "int8send(CASE WHEN {column} BETWEEN -9e16 AND 9e16"
        f" AND (scale({{column}}::numeric) <= {EXPONENT} OR {{column}} = ROUND({{column}}::numeric, {EXPONENT}))"
        f" THEN ({{column}} * {CENTS_PER_DOLLAR})::bigint"
        " WHEN {column} IS NOT NULL THEN 9000000000000000000 END)"
    ),
    "timestamp": (
        "timestamp_send(CASE WHEN {column} BETWEEN '0001-01-01' AND '9999-12-31' THEN {column}::timestamp"
        " WHEN {column} IS NOT NULL THEN timestamp '9999-12-31 00:00:00.5' END)"
    ),
}


@dataclass(frozen=True)
class TextRun:
    """The encoding of text columns from PostgreSQL: one byte stands for null, another ends each cell."""

    cell: str
    null: tuple[int, str]
    between: tuple[int, str]


# No load stores control characters. If a table has some, the wrong number of cells shows it. Then the texts are sent
# again as bytes, which takes half as long again: no text has a null byte in PostgreSQL, and no UTF-8 text a byte 255.
PLAIN_RUN = TextRun("{column}::text", (0x1E, "chr(30)"), (0x1F, "chr(31)"))
BYTES_RUN = TextRun("textsend({column}::text)", (0xFF, r"'\xff'::bytea"), (0, r"'\x00'::bytea"))
# PostgreSQL's times are microseconds since the year 2000.
POSTGRESQL_EPOCH = np.datetime64("2000-01-01", "us")


def duckdb_rows(connection: Any, name: str, table: Table, make: Make) -> Iterator[Made]:
    """Applies `make` to the rows of a DuckDB table, stretch by stretch."""
    rows = connection.sql(f"SELECT {_columns(table)} FROM {name}")
    batches = iter(pa.RecordBatchReader.from_stream(rows))
    return _made(make, (pa.Table.from_batches([batch]) for batch in batches))


def postgresql_rows(connection: Any, name: str, table: Table, make: Make) -> Iterator[Made]:
    """Applies `make` to the rows of a PostgreSQL table, stretch by stretch."""
    table = _with_nulls(connection, name, table)
    anything = replace(table, columns=tuple(replace(column, nullable=True) for column in table.columns))

    def runs(asked: Table, form: TextRun, condition: str) -> list[bytes]:
        """The cells of each column, and the number of those that are not null."""
        selected = ", ".join(part for column in asked.columns for part in (_run(column, form), _present(column)))
        # Raw bytes, so that no cell becomes a Python text.
        result = connection.cursor(binary=True).execute(f"SELECT {selected} FROM {name} {condition}").pgresult
        return [result.get_value(0, position) or b"" for position in range(result.nfields)]

    def stretches() -> Iterator[tuple[str, list[bytes]]]:
        for condition in _page_stretches(connection, name) or _stretches(connection, name, table):
            found = runs(table, PLAIN_RUN, condition)
            if found[0]:
                yield condition, found

    def made(stretch: tuple[str, list[bytes]]) -> Made:
        condition, found = stretch
        try:
            return make(_from_runs(table, PLAIN_RUN, found))
        except AmbiguousError:
            return make(_from_runs(anything, BYTES_RUN, runs(anything, BYTES_RUN, condition)))

    return _made(made, stretches())


def _with_nulls(connection: Any, name: str, table: Table) -> Table:
    """The table with the nullable columns of the stored table, which a load may not have made."""
    never_null = f"SELECT attname FROM pg_attribute WHERE attrelid = {_oid(name)} AND attnotnull"
    names = {column for (column,) in connection.execute(never_null).fetchall()}
    return replace(
        table, columns=tuple(replace(column, nullable=column.name not in names) for column in table.columns)
    )


def _present(column: Column) -> str:
    """The number of texts in a column with nulls. For other columns the number of rows is enough."""
    return f"COUNT({double_quoted(column.name)})" if _is_text(column) and column.nullable else "NULL"


def _is_text(column: Column) -> bool:
    return column.kind in ("text", "json")


def _run(column: Column, form: TextRun) -> str:
    """All cells of a column as one value from PostgreSQL: numbers of eight bytes, texts with a byte between them."""
    cell, null, between = form.cell, form.null[1], form.between[1]
    if not _is_text(column):
        cell, null, between = POSTGRESQL_NUMBERS[column.kind], SENT_NULL_NUMBER, "''::bytea"
    cell = cell.format(column=double_quoted(column.name))
    return f"string_agg({f'COALESCE({cell}, {null})' if column.nullable else cell}, {between})"


def sqlite_rows(connection: Any, name: str, table: Table, make: Make) -> Iterator[Made]:
    """Applies `make` to the rows of a SQLite table, stretch by stretch."""
    line = _sqlite_line(table)

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), GROUP_CONCAT({line}, char(10)) FROM {name} {condition}"
            [(count, text)] = connection.execute(joined).fetchall()
            yield f"{text}\n".encode(), count

    return _made(lambda lines: make(_from_csv(table, COUNTED, lines)), texts())


def _sqlite_line(table: Table) -> str:
    """A row of CSV from one printf, which takes half the time of joining. %w doubles the double quotes in a text."""
    forms, cells = [], []
    for column in table.columns:
        form, cell = SQLITE_CELLS[column.kind]
        cell = cell.format(column=double_quoted(column.name))
        if column.nullable:
            form, cell = "%s", f"CASE WHEN {double_quoted(column.name)} IS NOT NULL THEN printf('{form}', {cell}) END"
        forms.append(form)
        cells.append(cell)
    return f"printf('{','.join(forms)}', {', '.join(cells)})"


def mysql_rows(connection: Any, name: str, table: Table, make: Make) -> Iterator[Made]:
    """Applies `make` to the rows of a MySQL or MariaDB table, stretch by stretch."""
    line = f"CONCAT_WS(',', {', '.join(_cells(table, MYSQL_CELLS))})"
    connection.execute("SET SESSION group_concat_max_len = 1073741824")
    [(most,)] = connection.execute("SELECT @@max_allowed_packet").fetchall()

    def texts() -> Iterator[Lines]:
        for condition in _stretches(connection, name, table):
            joined = f"SELECT COUNT(*), GROUP_CONCAT({line} SEPARATOR '\n') FROM {name} {condition}"
            [(count, text)] = connection.execute(joined).fetchall()
            whole = b"" if text is None else f"{text}\n".encode()
            if not whole or 2 * len(whole) > most:
                # The text is too long: the server cut it, or returned none.
                lines = connection.execute(f"SELECT {line} FROM {name} {condition}").fetchall()
                whole = "".join(f"{text}\n" for (text,) in lines).encode()
            yield whole, count

    return _made(lambda lines: make(_from_csv(table, COPIED, lines)), texts())


def oracle_rows(connection: Any, name: str, table: Table, make: Make) -> Iterator[Made]:
    """Applies `make` to the rows of an Oracle table, stretch by stretch."""
    kinds = {**COPIED, "text": pa.string(), "json": pa.string()}
    cursor = connection.execute(f"SELECT {_columns(table)} FROM {name}")
    while rows := cursor.fetchmany(JOINED_ROWS):
        cells = zip(table.columns, zip(*rows, strict=True), strict=True)
        yield make(pa.table({column.name: pa.array(values).cast(kinds[column.kind]) for column, values in cells}))


def _columns(table: Table) -> str:
    return ", ".join(double_quoted(column.name) for column in table.columns)


def _cells(table: Table, cells: Mapping[ColumnKind, str]) -> list[str]:
    return [cells[column.kind].format(column=double_quoted(column.name)) for column in table.columns]


def _stretches(connection: Any, name: str, table: Table) -> Iterator[str]:
    """Conditions that cut the table into ranges of its primary key with at most `JOINED_ROWS` rows each."""
    key = double_quoted(table.columns[0].name)
    [(start,)] = connection.execute(f"SELECT MIN({key}) FROM {name}").fetchall()
    while start is not None:
        # Skipping along the key costs little; numbering all rows first would sort them.
        skip = f"SELECT {key} FROM {name} WHERE {key} > {int(start)} ORDER BY {key} LIMIT 1 OFFSET {JOINED_ROWS - 1}"
        [(stop,)] = connection.execute(skip).fetchall() or [(None,)]
        yield f"WHERE {key} >= {int(start)}" + ("" if stop is None else f" AND {key} < {int(stop)}")
        start = stop


def _page_stretches(connection: Any, name: str) -> list[str]:
    """Conditions that cut a PostgreSQL table into ranges of pages, which need no index. Empty for other tables."""
    counted = (
        "SELECT pg_relation_size(pg_class.oid) / current_setting('block_size')::int FROM pg_class"
        " JOIN pg_am ON pg_am.oid = relam AND amname = 'heap'"
        f" WHERE pg_class.oid = {_oid(name)} AND NOT relhassubclass"
        # Before version 14 PostgreSQL reads the whole table for every range.
        " AND current_setting('server_version_num')::int >= 140000"
    )
    pages = connection.execute(counted).fetchone()
    starts = [f"ctid >= '({start},0)'" for start in range(0, int(pages[0]), JOINED_PAGES)] if pages else []
    # The last one has no end: rows may have moved since the pages were counted.
    ends = [f" AND {start.replace('>=', '<')}" for start in starts[1:]] + [""]
    return [f"WHERE {start}{end}" for start, end in zip(starts, ends, strict=False)]


def _oid(name: str) -> str:
    """The number of the table with this quoted name."""
    literal = name.replace("'", "''")
    return f"'{literal}'::regclass"


# The types of the columns in the text: amounts as decimals, or amounts in cents and times in seconds.
COPIED: Mapping[ColumnKind, pa.DataType] = {
    "bigint": pa.int64(),
    "money": MONEY_TYPE,
    "timestamp": pa.timestamp("s"),
}
COUNTED: Mapping[ColumnKind, pa.DataType] = {"bigint": pa.int64(), "money": pa.int64(), "timestamp": pa.int64()}


def _type(column: Column, types: Mapping[ColumnKind, pa.DataType]) -> pa.DataType:
    if column.kind in types:
        return types[column.kind]
    return pa.dictionary(pa.int32(), pa.string()) if column.repeats else pa.string()


def _made(make: Callable[[Any], Made], stretches: Iterator[Any]) -> Iterator[Made]:
    """Applies the function to each stretch while the next one is fetched."""
    making: BackgroundCall[Made] | None = None
    try:
        for stretch in stretches:
            before, making = making, BackgroundCall(partial(make, stretch))
            if before is not None:
                yield before.result()
        if making is not None:
            yield making.result()
    finally:
        if making is not None:
            making.wait()


def _from_csv(table: Table, types: Mapping[ColumnKind, pa.DataType], lines: Lines) -> pa.Table:
    """Whole lines with their line ends. Without a line end Arrow reads an empty last cell as an empty text."""
    text, rows = lines
    names = [column.name for column in table.columns]
    data = csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
        # Texts with line ends are rare, and looking for them takes half as long again.
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


class AmbiguousError(Exception):
    """A text contains a byte that stands for null or ends a cell."""


def _from_runs(table: Table, form: TextRun, runs: list[bytes]) -> pa.Table:
    rows = len(runs[0]) // 8
    arrays = [
        _texts(column, form, run, rows, int.from_bytes(present)) if _is_text(column) else _numbers(column, run)
        for column, run, present in zip(table.columns, runs[::2], runs[1::2], strict=True)
    ]
    return pa.table(arrays, [column.name for column in table.columns])


def _numbers(column: Column, run: bytes) -> pa.Array:
    """Numbers and times unchanged, amounts in cents."""
    numbers = np.frombuffer(run, ">i8").astype(np.int64)
    absent = numbers == NULL_NUMBER if column.nullable else None
    if column.kind != "timestamp":
        return pa.array(numbers, mask=absent)
    return pa.array(POSTGRESQL_EPOCH + numbers.view("timedelta64[us]"), mask=absent)


def _texts(column: Column, form: TextRun, run: bytes, rows: int, present: int) -> pa.Array:
    """The cells of a stretch as Arrow texts. Repeated texts become a dictionary first, so that few bytes move."""
    cells = np.frombuffer(run + bytes([form.between[0]]) if rows else b"", np.uint8)
    if not column.repeats:
        texts = _cells_of(form, cells)
        absent = texts.null_count
    else:
        _, ends = _marks(form, cells)
        closed = pa.StringArray.from_buffers(ends.size - 1, pa.py_buffer(ends), pa.py_buffer(cells))
        encoded = closed.dictionary_encode()
        values = _cells_of(form, np.frombuffer(encoded.dictionary.buffers()[2] or b"", np.uint8))
        null = pc.index(values.is_null(), True).as_py()
        absent = np.count_nonzero(encoded.indices.to_numpy() == null) if values.null_count else 0
        texts = pa.DictionaryArray.from_arrays(encoded.indices, values)
    if len(texts) != rows or absent != (rows - present if column.nullable else 0):
        raise AmbiguousError
    return texts


def _marks(form: TextRun, cells: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
    """A flag for each byte that belongs to a text, shape (bytes,), and the offsets of the cells, shape (cells + 1,).

    A cell includes the byte that ends it.
    """
    kept = cells != form.between[0]
    return kept, np.append(0, np.flatnonzero(~kept) + 1).astype(np.int32)


def _cells_of(form: TextRun, cells: npt.NDArray[np.uint8]) -> pa.StringArray:
    """Arrow's form of cells that include the byte that ends them: the offsets, and the bytes of all cells."""
    kept, ends = _marks(form, cells)
    lengths = np.diff(ends) - 1
    absent = (lengths == 1) & (cells[ends[:-1]] == form.null[0])
    kept[ends[:-1][absent]] = False
    lengths[absent] = 0
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    validity = pa.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None
    return pa.StringArray.from_buffers(lengths.size, pa.py_buffer(offsets), pa.py_buffer(cells[kept]), validity)
