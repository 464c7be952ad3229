"""Arrow tables as text, without a Python step per row: PostgreSQL's COPY format, SQL INSERT statements, CSV.

Text that repeats is escaped once per dictionary value. Columns are joined element by element, and the data buffer of
the joined array is the output. The bytes depend on the rows and their order only, not on the borders of parts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.ledger.columns import Column, Table
from seedbed.write.locks import OPENS_FOLDERS

__all__ = [
    "BACKSLASHED_INSERT",
    "COPY",
    "CSV",
    "INSERT",
    "ORACLE_INSERT",
    "ROWS",
    "Lines",
    "RowText",
    "Style",
    "TextForm",
    "oracle_text",
]

# Rows that are joined at once: large enough to hide the cost of a call, small enough for the caches.
BATCH_ROWS = 16_384
# SQLite's parser holds a whole statement: 500 rows is its compound limit, and 256 KB is far from its 1 MB limit.
STATEMENT_ROWS = 500
STATEMENT_BYTES = 256 * 1024
# Characters that a literal of MySQL and MariaDB must escape. The backslash comes first.
BACKSLASHED = (("\\", "\\\\"), ("'", "''"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
# A character has at most 4 bytes. Oracle's literals have at most 4,000 bytes, lines of SQL*Plus at most 2,499.
ORACLE_CHARACTERS = 1_000
ORACLE_CODES = (("\n", 10), ("\r", 13), ("\t", 9))
# Oracle's multi-table insert accepts at most 999 columns in all.
ORACLE_ROWS = 40


def _copy_text(values: pa.Array) -> pa.Array:
    """Text with the backslash sequences of COPY. A value `\\N` or `\\.` is escaped, too."""
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
    """String literals of MySQL and MariaDB, where a backslash escapes. Line ends and tabs are escaped, too."""
    present = _text_bytes(values)
    for character, escape in BACKSLASHED:
        if character.encode() in present:
            values = pc.replace_substring(values, character, escape)
    return pc.binary_join_element_wise("'", values, "'", "")


def _oracle_literal(values: pa.Array) -> pa.Array:
    """String literals of Oracle, with at most 4,000 bytes each and with lines that SQL*Plus accepts."""
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
    """One text as an expression of Oracle. Long text becomes a CLOB of several literals, each on its own line."""
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


# Makes the cells of some rows of one column.
Cells = Callable[[slice], pa.Array]


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """The form of rows as text. `{table}` in `opening` and `cut` stands for the table's quoted name.

    A table's text is `opening`, then rows, then `closing`. A table without rows has no text. A row is its cells,
    joined by `separator`, then `close_row`. `next_row` stands between two rows of a statement, `cut` between two
    statements. A statement has at most `statement_rows` rows.
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


# The rows of COPY and LOAD DATA, which both read the same backslash sequences.
ROWS = TextForm(separator="\t", null="\\N", text=_copy_text, close_row="\n")
COPY = replace(ROWS, opening="COPY {table} FROM stdin;\n", closing="\\.\n")
CSV = TextForm(separator=",", null="", text=_csv_cell, close_row="\n")
INSERT = TextForm(
    separator=",",
    null="NULL",
    text=_literal,
    timestamp=_literal,
    opening="INSERT INTO {table} VALUES\n(",
    close_row=")",
    next_row=",\n(",
    cut=";\nINSERT INTO {table} VALUES\n(",
    closing=";\n",
)
BACKSLASHED_INSERT = replace(INSERT, text=_backslashed_literal)
ORACLE_INSERT = TextForm(
    separator=",\n",
    null="NULL",
    text=_oracle_literal,
    timestamp=_oracle_timestamp,
    opening="INSERT ALL\nINTO {table} VALUES\n(",
    close_row=")",
    next_row="\nINTO {table} VALUES\n(",
    cut="\nSELECT 1 FROM dual;\nINSERT ALL\nINTO {table} VALUES\n(",
    closing="\nSELECT 1 FROM dual;\n",
    statement_rows=ORACLE_ROWS,
)


@dataclass(frozen=True)
class Lines:
    """Rows as text that does not depend on the rows before them. Every row begins with `Style.lead`.

    `lengths` has the bytes of each row without the lead, if the form has several statements. The text may be in a
    file of its own; then `text` is the file's path.
    """

    text: memoryview | bytes | Path
    rows: int
    lengths: npt.NDArray[np.int64] | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the bytes instead of Arrow's buffer."""
        text = self.text if isinstance(self.text, Path) else bytes(self.text)
        return Lines, (text, self.rows, self.lengths)

    def taken(self) -> memoryview:
        """The text. Call this once: it removes a file, whose bytes live as long as the returned view."""
        if not isinstance(self.text, Path):
            return memoryview(self.text)
        if not OPENS_FOLDERS:  # such a system cannot remove an open file either
            text = self.text.read_bytes()
            self.text.unlink()
            return memoryview(text)
        with self.text.open("rb") as stream:
            self.text.unlink()
            return memoryview(mmap(stream.fileno(), 0, access=ACCESS_READ))


@dataclass(frozen=True)
class Style:
    """One table's text in one form: its beginning, and the text between two rows and between two statements."""

    form: TextForm
    table: Table
    quoted_name: str

    @property
    def opening(self) -> bytes:
        """The text before the first row."""
        return self._named(self.form.opening)

    @property
    def lead(self) -> bytes:
        """The end of a row and the text before the next row."""
        return self._named(self.form.close_row + self.form.next_row)

    @property
    def cut(self) -> bytes:
        """The end of a row and of its statement, and the beginning of the next statement."""
        return self._named(self.form.close_row + self.form.cut)

    def _named(self, text: str) -> bytes:
        return text.replace("{table}", self.quoted_name).encode()

    def lines(self, data: pa.Table) -> Iterator[Lines]:
        """Rows as text, `BATCH_ROWS` at a time. Any process can make the text of any rows, in any order.

        `data` has the table's columns; text is plain or a dictionary.
        """
        data = data.select([column.name for column in self.table.columns])
        for chunk in data.to_batches():
            makers = [
                _cells(self.form, column, array)
                for column, array in zip(self.table.columns, chunk.columns, strict=True)
            ]
            for start in range(0, chunk.num_rows, BATCH_ROWS):
                yield self._joined([make(slice(start, start + BATCH_ROWS)) for make in makers])

    def _joined(self, cells: list[pa.Array]) -> Lines:
        form = self.form
        # The text between two rows is joined to the first cell. That copies a short text instead of the whole row.
        lead = self.lead
        cells[0] = pc.binary_join_element_wise(lead.decode(), _filled(cells[0], form.null), "")
        lines = pc.binary_join_element_wise(
            *cells, form.separator, null_handling="replace", null_replacement=form.null
        )
        lengths = np.diff(_offsets(lines)).astype(np.int64) - len(lead) if form.cut else None
        return Lines(_buffer(lines), len(lines), lengths)


class RowText:
    """The text of one table's rows, in order. Call `render` for each piece of the rows, then `close`."""

    def __init__(self, form: TextForm, table: Table, quoted_name: str) -> None:
        self.style = Style(form, table, quoted_name)
        self._rows = 0
        self._bytes = 0

    def render(self, data: pa.Table) -> Iterator[memoryview]:
        """The text of further rows. `data` has the table's columns; text is plain or a dictionary."""
        for lines in self.style.lines(data):
            yield from self.append(lines)

    def append(self, lines: Lines) -> Iterator[memoryview]:
        """The text of further rows, with the opening before the first row and with the borders of statements."""
        text, lead = lines.taken(), len(self.style.lead)
        cuts = [] if lines.lengths is None else self._cuts(lines.lengths, lead)
        written = 0
        if self._rows == 0:
            yield memoryview(self.style.opening)
            written = lead
            cuts = cuts[1:]
        for cut in cuts:
            yield text[written:cut]
            yield memoryview(self.style.cut)
            written = cut + lead
        yield text[written:]
        self._rows += lines.rows

    def _cuts(self, lengths: npt.NDArray[np.int64], lead: int) -> list[int]:
        """The positions in the text at which a new statement begins.

        A statement ends before it has too many rows or bytes.
        """
        numbers = np.arange(self._rows, self._rows + lengths.size)
        ends = self._bytes + np.cumsum(lengths)
        starts = ends - lengths
        self._bytes = int(ends[-1])
        # A row that crosses a multiple of STATEMENT_BYTES begins a statement. This bounds the size of statements.
        cuts = (numbers % self.style.form.statement_rows == 0) | (
            starts // STATEMENT_BYTES != ends // STATEMENT_BYTES
        )
        positions: list[int] = (np.cumsum(lengths + lead) - lengths - lead)[cuts].tolist()
        return positions

    def whole(self, data: pa.Table) -> Iterator[memoryview]:
        """The complete text of a table with exactly these rows."""
        yield from self.render(data)
        yield memoryview(self.close())

    def close(self) -> bytes:
        """The end of the last row and the closing text."""
        return f"{self.style.form.close_row}{self.style.form.closing}".encode() if self._rows else b""


def _filled(cells: pa.Array, null: str) -> pa.Array:
    return pc.fill_null(cells, null) if cells.null_count else cells


def _cells(form: TextForm, column: Column, array: pa.Array) -> Cells:
    """A function from a slice of rows to the text cells of one column. Null stays null.

    Each text of a dictionary is made once.
    """
    if column.kind == "timestamp":
        return lambda rows: form.timestamp(array[rows].cast(pa.timestamp("s")).cast(pa.string()))
    if column.kind not in ("text", "json"):
        return lambda rows: array[rows].cast(pa.string())
    if not pa.types.is_dictionary(array.type):
        return lambda rows: form.text(array[rows].cast(pa.string()))
    if len(array.dictionary) > len(array):
        return lambda rows: form.text(array[rows].dictionary_decode().cast(pa.string()))
    texts = form.text(array.dictionary.cast(pa.string()))
    return lambda rows: texts.take(array.indices[rows])


def _text_bytes(values: pa.Array) -> bytes:
    """The UTF-8 bytes of a string array (one copy), for a search for rare characters."""
    _, offset_buffer, data_buffer = values.buffers()
    if data_buffer is None or len(values) == 0:
        return b""
    offsets = np.frombuffer(offset_buffer, "<i4", len(values) + 1, values.offset * 4)
    return bytes(memoryview(data_buffer)[offsets[0] : offsets[-1]])


def _offsets(lines: pa.Array) -> npt.NDArray[np.int32]:
    """The offsets at which the lines of a freshly joined string array begin, and the end of the last line."""
    return np.frombuffer(lines.buffers()[1], "<i4", len(lines) + 1, lines.offset * 4)


def _buffer(lines: pa.Array) -> memoryview:
    """The text of a freshly joined string array, end to end, without a copy."""
    return memoryview(lines.buffers()[2])[: int(_offsets(lines)[-1])]
