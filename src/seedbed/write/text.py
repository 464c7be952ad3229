"""Arrow tables as text, without a Python step per row: PostgreSQL's COPY format, SQL INSERT statements, CSV.

A text form is a row of a table. Text that repeats is escaped once per dictionary value, columns are joined element
by element, and the joined array's data buffer already is the output. The bytes depend on the rows and their order
only, not on how they arrive in parts.
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

# Rows joined at once: large enough to hide the cost of a call, small enough for the caches.
BATCH_ROWS = 16_384
# SQLite's parser holds a whole statement: 500 rows is its compound limit, and 256 KB is far from its 1 MB limit.
STATEMENT_ROWS = 500
STATEMENT_BYTES = 256 * 1024
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


# What makes the cells of some rows of one column.
Cells = Callable[[slice], pa.Array]


@dataclass(frozen=True, kw_only=True)
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
    """Rows as text that knows nothing of the rows before it: every row begins with the `lead` of one that follows
    another. `lengths` has the bytes of each row without it, where the form cuts rows into statements. The text may
    wait in a file of its own, of which only the path is held.
    """

    text: memoryview | bytes | Path
    rows: int
    lengths: npt.NDArray[np.int64] | None

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker sends the bytes themselves; Arrow's buffer stays where it is."""
        text = self.text if isinstance(self.text, Path) else bytes(self.text)
        return Lines, (text, self.rows, self.lengths)

    def taken(self) -> memoryview:
        """The text, to be asked for once: a file is gone then, and its bytes go when nobody looks at them."""
        if not isinstance(self.text, Path):
            return memoryview(self.text)
        if not OPENS_FOLDERS:  # nor is an open file removed there
            text = self.text.read_bytes()
            self.text.unlink()
            return memoryview(text)
        with self.text.open("rb") as stream:
            self.text.unlink()
            return memoryview(mmap(stream.fileno(), 0, access=ACCESS_READ))


@dataclass(frozen=True)
class Style:
    """One table's text in one form: what opens it, what stands between two rows, and between two statements."""

    form: TextForm
    table: Table
    quoted_name: str

    @property
    def opening(self) -> bytes:
        """What stands before the first row."""
        return self._named(self.form.opening)

    @property
    def lead(self) -> bytes:
        """The end of a row and what stands before the next one."""
        return self._named(self.form.close_row + self.form.next_row)

    @property
    def cut(self) -> bytes:
        """The end of a row and of its statement, and the beginning of another."""
        return self._named(self.form.close_row + self.form.cut)

    def _named(self, text: str) -> bytes:
        return text.replace("{table}", self.quoted_name).encode()

    def lines(self, data: pa.Table) -> Iterator[Lines]:
        """Rows as text, some thousand at a time; any process can make it, in any order.

        `data` has the table's columns, text plain or as a dictionary.
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
        # What lies between two rows goes in front of the first cell: that copies a short text, not the row once more.
        lead = self.lead
        cells[0] = pc.binary_join_element_wise(lead.decode(), _filled(cells[0], form.null), "")
        lines = pc.binary_join_element_wise(
            *cells, form.separator, null_handling="replace", null_replacement=form.null
        )
        lengths = np.diff(_offsets(lines)).astype(np.int64) - len(lead) if form.cut else None
        return Lines(_buffer(lines), len(lines), lengths)


class RowText:
    """The text of one table's rows, in order, as they arrive: `render` each piece, then `close`."""

    def __init__(self, form: TextForm, table: Table, quoted_name: str) -> None:
        self.style = Style(form, table, quoted_name)
        self._rows = 0
        self._bytes = 0

    def render(self, data: pa.Table) -> Iterator[memoryview]:
        """The text of further rows; `data` has the table's columns, text plain or as a dictionary."""
        for lines in self.style.lines(data):
            yield from self.place(lines)

    def place(self, lines: Lines) -> Iterator[memoryview]:
        """The same text in its place: the first row opens it, and where a statement ends another one begins."""
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
        """Where in the text rows begin that begin a statement: each so many rows, before it has too many bytes."""
        numbers = np.arange(self._rows, self._rows + lengths.size)
        ends = self._bytes + np.cumsum(lengths)
        starts = ends - lengths
        self._bytes = int(ends[-1])
        # A row that reaches into the next stretch of bytes begins a statement, and so bounds its size.
        cuts = (numbers % self.style.form.statement_rows == 0) | (
            starts // STATEMENT_BYTES != ends // STATEMENT_BYTES
        )
        places: list[int] = (np.cumsum(lengths + lead) - lengths - lead)[cuts].tolist()
        return places

    def whole(self, data: pa.Table) -> Iterator[memoryview]:
        """The text of these rows and of no others."""
        yield from self.render(data)
        yield memoryview(self.close())

    def close(self) -> bytes:
        """What ends the last row, and follows it."""
        return f"{self.style.form.close_row}{self.style.form.closing}".encode() if self._rows else b""


def _filled(cells: pa.Array, null: str) -> pa.Array:
    return pc.fill_null(cells, null) if cells.null_count else cells


def _cells(form: TextForm, column: Column, array: pa.Array) -> Cells:
    """One column as text cells, a function of which rows; null stays null. Each text of a dictionary is made once."""
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
    """The UTF-8 bytes behind a string array (one copy), to look for characters that are rarely there."""
    _, offset_buffer, data_buffer = values.buffers()
    if data_buffer is None or len(values) == 0:
        return b""
    offsets = np.frombuffer(offset_buffer, "<i4", len(values) + 1, values.offset * 4)
    return bytes(memoryview(data_buffer)[offsets[0] : offsets[-1]])


def _offsets(lines: pa.Array) -> npt.NDArray[np.int32]:
    """Where the lines of a freshly joined string array begin, and where the last one ends."""
    return np.frombuffer(lines.buffers()[1], "<i4", len(lines) + 1, lines.offset * 4)


def _buffer(lines: pa.Array) -> memoryview:
    """The text of a freshly joined string array, end to end, without a copy."""
    return memoryview(lines.buffers()[2])[: int(_offsets(lines)[-1])]
