"""Arrow tables as text, without a Python step per row: PostgreSQL's COPY format, SQL INSERT statements, CSV.

A text form is a row of a table. Text that repeats is escaped once per dictionary value, columns are joined element
by element, and the joined array's data buffer already is the output. The bytes depend on the rows and their order
only, not on how they arrive in parts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.ledger.arrow import int64s
from seedbed.ledger.columns import Column, Table

__all__ = [
    "BACKSLASHED_INSERT",
    "COPY",
    "CSV",
    "INSERT",
    "ORACLE_INSERT",
    "ROWS",
    "RowText",
    "TextForm",
    "oracle_text",
]

# Rows joined at once: large enough to hide the cost of a call, small enough for the caches.
BATCH_ROWS = 16_384
# SQLite's parser holds a whole statement: 500 rows is its compound limit, and 256 KB is far from its 1 MB limit.
STATEMENT_ROWS = 500
STATEMENT_BYTES = 256 * 1024
# What stands before a row: places among the leads of a table's text.
FIRST, NEXT, CUT = range(3)
# What must not stand in a literal of MySQL and MariaDB as it is; the backslash comes first.
BACKSLASHED = (("\\", "\\\\"), ("'", "''"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
# Four bytes each at most make 4,000; a line of SQL*Plus has 2,499.
ORACLE_CHARACTERS = 1_000
ORACLE_CODES = (("\n", 10), ("\r", 13), ("\t", 9))
# Oracle's multi-table insert takes 999 columns in all.
ORACLE_ROWS = 40


def _copy_text(values: pa.Array) -> pa.Array:
    """Backslash sequences of COPY's text format; a value that reads `\\N` or `\\.` becomes harmless too."""
    present = _text_bytes(values)
    for character, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        if character.encode() in present:
            values = pc.replace_substring(values, character, escape)
    return values


def _literal(values: pa.Array) -> pa.Array:
    """SQL string literals; null stays null."""
    if b"'" in _text_bytes(values):
        values = pc.replace_substring(values, "'", "''")
    return pc.binary_join_element_wise("'", values, "'", "")


def _backslashed_literal(values: pa.Array) -> pa.Array:
    """String literals where a backslash escapes: MySQL and MariaDB; line ends and tabs are escaped too."""
    present = _text_bytes(values)
    for character, escape in BACKSLASHED:
        if character.encode() in present:
            values = pc.replace_substring(values, character, escape)
    return pc.binary_join_element_wise("'", values, "'", "")


def _oracle_literal(values: pa.Array) -> pa.Array:
    """String literals of Oracle, none longer than its 4,000 bytes and each line what SQL*Plus takes."""
    if len(values) == 0:
        return values
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > ORACLE_CHARACTERS:
        return pa.array([None if text is None else oracle_text(text) for text in values.to_pylist()], pa.string())
    literals = _literal(values)
    for character, code in ORACLE_CODES:
        if character.encode() in _text_bytes(values):
            literals = pc.replace_substring(literals, character, f"'||CHR({code})||\n'")
    return literals


def oracle_text(text: str) -> str:
    """One text as an expression of Oracle; what is long becomes a CLOB, made of pieces on lines of their own."""
    pieces = [text[start : start + ORACLE_CHARACTERS] for start in range(0, len(text), ORACLE_CHARACTERS)] or [""]
    quoted = ["'" + piece.replace("'", "''") + "'" for piece in pieces]
    for character, code in ORACLE_CODES:
        quoted = [piece.replace(character, f"'||CHR({code})||\n'") for piece in quoted]
    return quoted[0] if len(quoted) == 1 else "||\n".join(f"TO_CLOB({piece})" for piece in quoted)


def _oracle_timestamp(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise("TIMESTAMP'", values, "'", "")


def _csv_cell(values: pa.Array) -> pa.Array:
    """RFC 4180 cells: quoted where needed, and where empty, so that empty text differs from null."""
    present = _text_bytes(values)
    awkward = any(character in present for character in (b'"', b",", b"\n", b"\r"))
    empty = pc.equal(pc.binary_length(values), 0)
    needed = pc.or_(empty, pc.match_substring_regex(values, '[",\r\n]')) if awkward else empty
    if not pc.any(needed).as_py():
        return values
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(values, '"', '""'), '"', "")
    return pc.if_else(needed, quoted, values)


def _unchanged(values: pa.Array) -> pa.Array:
    return values


@dataclass(frozen=True)
class TextForm:
    """How rows become text. `{table}` in `opening` and `cut` stands for the table's quoted name.

    A table's text is `opening`, then rows, then `closing`; a table without rows has none. A row is its cells
    joined by `separator`, then `close_row`; between two rows stands `next_row`, or `cut` where a statement ends,
    which has `statement_rows` rows at most.
    """

    separator: str
    null: str
    text: Callable[[pa.Array], pa.Array]
    timestamp: Callable[[pa.Array], pa.Array] = _unchanged
    opening: str = ""
    closing: str = ""
    close_row: str = ""
    next_row: str = ""
    cut: str = ""
    statement_rows: int = STATEMENT_ROWS


# What COPY and LOAD DATA read: both take the same backslash sequences.
ROWS = TextForm("\t", "\\N", _copy_text, close_row="\n")
COPY = replace(ROWS, opening="COPY {table} FROM stdin;\n", closing="\\.\n")
CSV = TextForm(",", "", _csv_cell, close_row="\n")
INSERT = TextForm(
    ",",
    "NULL",
    _literal,
    timestamp=_literal,
    opening="INSERT INTO {table} VALUES\n(",
    close_row=")",
    next_row=",\n(",
    cut=";\nINSERT INTO {table} VALUES\n(",
    closing=";\n",
)
BACKSLASHED_INSERT = replace(INSERT, text=_backslashed_literal)
ORACLE_INSERT = TextForm(
    ",\n",
    "NULL",
    _oracle_literal,
    timestamp=_oracle_timestamp,
    opening="INSERT ALL\nINTO {table} VALUES\n(",
    close_row=")",
    next_row="\nINTO {table} VALUES\n(",
    cut="\nSELECT 1 FROM dual;\nINSERT ALL\nINTO {table} VALUES\n(",
    closing="\nSELECT 1 FROM dual;\n",
    statement_rows=ORACLE_ROWS,
)


class RowText:
    """The text of one table's rows, in order, as they arrive: `render` each piece, then `close`."""

    def __init__(self, form: TextForm, table: Table, quoted_name: str) -> None:
        self._form = form
        self._table = table
        self._opening = form.opening.replace("{table}", quoted_name)
        next_row, cut = (lead.replace("{table}", quoted_name) for lead in (form.next_row, form.cut))
        self._leads = pa.array(["", form.close_row + next_row, form.close_row + cut], pa.string())
        self._rows = 0
        self._bytes = 0

    def render(self, data: pa.Table) -> Iterator[memoryview]:
        """The text of further rows; `data` has the table's columns, text plain or as a dictionary."""
        data = data.select([column.name for column in self._table.columns])
        for batch in data.to_batches(max_chunksize=BATCH_ROWS):
            if batch.num_rows:
                yield from self._batch(batch)

    def whole(self, data: pa.Table) -> Iterator[memoryview]:
        """The text of these rows and of no others."""
        yield from self.render(data)
        yield memoryview(self.close())

    def close(self) -> bytes:
        """What ends the last row, and follows it."""
        return f"{self._form.close_row}{self._form.closing}".encode() if self._rows else b""

    def _batch(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        form = self._form
        if self._rows == 0:
            yield memoryview(self._opening.encode())
        cells = [
            _cells(form, column, array) for column, array in zip(self._table.columns, batch.columns, strict=True)
        ]
        # What lies between two rows goes in front of the first cell: that copies a short text, not the row once more.
        cells[0] = pc.binary_join_element_wise(self._leads_of(cells), _filled(cells[0], form.null), "")
        lines = pc.binary_join_element_wise(
            *cells, form.separator, null_handling="replace", null_replacement=form.null
        )
        yield _buffer(lines)
        self._rows += len(lines)

    def _leads_of(self, cells: list[pa.Array]) -> pa.Array | pa.Scalar:
        """What stands before each row: nothing, the row before's end, or that and the beginning of a statement."""
        numbers = np.arange(self._rows, self._rows + len(cells[0]))
        cuts = self._cuts(cells, numbers) if self._form.cut else False
        if self._rows and cuts is False:
            return self._leads[NEXT]
        return self._leads.take(int64s(np.where(numbers == 0, FIRST, np.where(cuts, CUT, NEXT))))

    def _cuts(self, cells: list[pa.Array], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which rows begin a statement: every so many rows, and before a statement has too many bytes."""
        lengths = np.full(numbers.size, len(self._form.separator) * (len(cells) - 1), dtype=np.int64)
        for cell in cells:
            lengths += np.asarray(pc.fill_null(pc.binary_length(cell), len(self._form.null)))
        ends = self._bytes + np.cumsum(lengths)
        starts = np.concatenate(([self._bytes], ends[:-1]))
        self._bytes = int(ends[-1])
        # A row that reaches into the next stretch of bytes begins a statement, and so bounds its size.
        cuts: npt.NDArray[np.bool_] = (numbers % self._form.statement_rows == 0) | (
            starts // STATEMENT_BYTES != ends // STATEMENT_BYTES
        )
        return cuts


def _filled(cells: pa.Array, null: str) -> pa.Array:
    return pc.fill_null(cells, null) if cells.null_count else cells


def _cells(form: TextForm, column: Column, array: pa.Array) -> pa.Array:
    """One column as text cells; null stays null."""
    if column.kind == "timestamp":
        return form.timestamp(array.cast(pa.timestamp("s")).cast(pa.string()))
    if column.kind not in ("text", "json"):
        return array.cast(pa.string())
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) <= len(array):
            return form.text(array.dictionary.cast(pa.string())).take(array.indices)
        array = array.dictionary_decode()
    return form.text(array.cast(pa.string()))


def _text_bytes(values: pa.Array) -> bytes:
    """The UTF-8 bytes behind a string array (one copy), to look for characters that are rarely there."""
    _, offset_buffer, data_buffer = values.buffers()
    if data_buffer is None or len(values) == 0:
        return b""
    offsets = np.frombuffer(offset_buffer, "<i4", len(values) + 1, values.offset * 4)
    return bytes(memoryview(data_buffer)[offsets[0] : offsets[-1]])


def _buffer(lines: pa.Array) -> memoryview:
    """The text of a freshly joined string array, end to end, without a copy."""
    _, offset_buffer, data_buffer = lines.buffers()
    end = int(np.frombuffer(offset_buffer, "<i4", 1, (lines.offset + len(lines)) * 4)[0])
    return memoryview(data_buffer)[:end]
