"""The canonical content digest: rows of the base tables come in, one hexadecimal text goes out.

The digest depends only on the rows. It does not depend on their order, on their grouping into parts, or on their form
in Arrow (plain or dictionary text, money as decimals or cents). Rows read back from an engine must give the same
digest. A row becomes a 64-bit word: the sum of its cells, each times the odd key of its column. Two hashes of that
word, the lanes, are added over the rows modulo 2^64. BLAKE2b hashes the two sums.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.ledger.columns import TABLES, Column, Table
from seedbed.ledger.dataset import Part

__all__ = ["DIGEST_VERSION", "TableDigest", "content_digest", "dataset_digest", "row_lanes"]

Lanes = npt.NDArray[np.uint64]
Reader = Callable[[int, int], Lanes]

DIGEST_VERSION = "seedbed-digest-2"
WORD = np.dtype("<u8")
# Sixteen thousand rows of scratch (128 KB an array) stay in a core's second-level cache.
BLOCK_ROWS = 16_384
HALF = np.uint64(32)
# Units per second of Arrow's types of time.
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# Masks for the last word of a text: they keep only the bytes of the text. The index is the number of bytes left; 8
# stands for 8 and more.
TAIL_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=WORD)


@dataclass(frozen=True)
class TableDigest:
    """The sum of one table's rows: add the digests of two disjoint sets of rows to get that of both."""

    table: Table
    rows: int = 0
    lanes: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, table: Table, data: pa.Table) -> "TableDigest":
        """Digest the rows of `data`, whose columns are those of `table` in any order."""
        lane0, lane1 = (int(np.add.reduce(lane, dtype=WORD)) for lane in row_lanes(table, data))
        return cls(table, data.num_rows, (lane0, lane1))

    def __add__(self, other: "TableDigest") -> "TableDigest":
        if other.table != self.table:
            raise ValueError(f"cannot add rows of {other.table.name} to rows of {self.table.name}")
        lane0, lane1 = ((a + b) % 2**64 for a, b in zip(self.lanes, other.lanes, strict=True))
        return TableDigest(self.table, self.rows + other.rows, (lane0, lane1))


def content_digest(tables: Iterable[TableDigest]) -> str:
    """Seal table digests, in the order of `TABLES`, as 64 hexadecimal digits (BLAKE2b-256)."""
    facts = [[t.table.name, [column.name for column in t.table.columns], t.rows, *t.lanes] for t in tables]
    return blake2b(json.dumps([DIGEST_VERSION, facts]).encode(), digest_size=32).hexdigest()


def dataset_digest(parts: Iterable[Part]) -> str:
    """The content digest of a whole ledger, from its parts in any order and any grouping."""
    digests = [TableDigest(table) for table in TABLES]
    for part in parts:
        tables = part.tables
        digests = [total + TableDigest.of(total.table, tables[total.table.name]) for total in digests]
    return content_digest(digests)


def row_lanes(table: Table, data: pa.Table) -> tuple[Lanes, Lanes]:
    """Two 64-bit lanes per row, each of shape (rows,), both functions of the row's word.

    A change of one number always changes both lanes. Any other change does so with a probability of 1 - 2^-64. `data`
    has exactly the columns of `table`, in any order. Integers in a money column are cents. Raises `ValueError` for
    other columns and for money beyond 64 bits of cents, `TypeError` for floating-point money.
    """
    names = [column.name for column in table.columns]
    if sorted(data.column_names) != sorted(names):
        raise ValueError(f"{table.name}: the columns are {data.column_names}, not {names}")
    lanes = np.empty((2, data.num_rows), WORD)
    start = 0
    for batch in data.select(names).to_batches():
        stop = start + batch.num_rows
        _fill(lanes[:, start:stop], table, batch.columns)
        start = stop
    return lanes[0], lanes[1]


def _fill(lanes: Lanes, table: Table, arrays: list[pa.Array]) -> None:
    """Works column by column, so that a column's text is still in the caches when it is read a second time."""
    size = lanes.shape[1]
    blocks = [slice(start, min(start + BLOCK_ROWS, size)) for start in range(0, size, BLOCK_ROWS)]
    word = lanes[0]
    word[:] = _constants(f"{table.name}/row")[0]
    for position, (column, array) in enumerate(zip(table.columns, arrays, strict=True)):
        read = _reader(column, array, _constants(f"{table.name}/{position}/{column.name}")[0] | np.uint64(1))
        for block in blocks:
            word[block] += read(block.start, block.stop)
    lanes[1] = word
    keys = _constants("finish") | np.uint64(1)
    for block in blocks:
        for lane in (0, 1):
            _scatter(lanes[lane, block], keys[lane], keys[1 - lane])


def _scatter(state: Lanes, first: np.uint64, second: np.uint64) -> None:
    """Applies two bijections of 64 bits. They keep equal sums over columns from giving equal sums over rows."""
    state ^= state >> HALF
    state *= first
    state ^= state >> np.uint64(31)
    state *= second
    state ^= state >> np.uint64(33)


def _constants(name: str) -> Lanes:
    """Two arbitrary words for a name, one per lane, shape (2,)."""
    seal = blake2b(f"{DIGEST_VERSION}/{name}".encode(), digest_size=16).digest()
    return np.frombuffer(seal, WORD)


def _reader(column: Column, array: pa.Array, key: np.uint64) -> Reader:
    """A function of (start, stop) that reads a column's cells as words times `key`."""
    if column.kind not in ("text", "json"):
        return _number_reader(array, NUMBERS[column.kind](column, array), key)
    if column.repeats and not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()  # four times as fast as hashing every repetition
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) <= len(array):
            return _dictionary_reader(array, key)
        array = array.dictionary_decode()
    read = _text_reader(array)
    return lambda start, stop: read(start, stop) * key


def _number_reader(array: pa.Array, words: Lanes, key: np.uint64) -> Reader:
    """Reads numbers. It folds the high half down, so that differences in high bits do not cancel between columns."""
    if array.null_count:
        words = np.where(array.is_valid().to_numpy(zero_copy_only=False), words, _constants("null")[0])

    def read(start: int, stop: int) -> Lanes:
        cells: Lanes = words[start:stop] >> HALF
        cells ^= words[start:stop]
        cells *= key
        return cells

    return read


def _dictionary_reader(array: pa.DictionaryArray, key: np.uint64) -> Reader:
    """Hash each distinct value once. One more slot at the end is for null."""
    size = len(array.dictionary)
    cells = np.empty(size + 1, WORD)
    cells[:size] = _text_reader(array.dictionary)(0, size)
    cells[size] = _constants("null")[0]
    cells *= key
    codes = array.indices.fill_null(size) if array.indices.null_count else array.indices
    slots = codes.to_numpy(zero_copy_only=False)
    return lambda start, stop: cells.take(slots[start:stop])


def _text_reader(array: pa.Array) -> Reader:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        array = array.cast(pa.large_string())
    wide = pa.types.is_large_string(array.type)
    _, offset_buffer, data_buffer = array.buffers()
    size = len(array)
    offset_type = np.dtype("<i8" if wide else "<i4")
    if size == 0 or offset_buffer is None:
        offsets = np.zeros(size + 1, np.int64)
    else:
        offsets = np.frombuffer(offset_buffer, offset_type, size + 1, array.offset * offset_type.itemsize)
        offsets = offsets.astype(np.int64)
    length = int(offsets[-1] - offsets[0])
    # The last word of the last text may reach beyond the buffer. Eight spare bytes make that read safe.
    padded = np.empty(length + 8, np.uint8)
    padded[length:] = 0
    if length:
        padded[:length] = np.frombuffer(data_buffer, np.uint8, length, int(offsets[0]))
    # One word starts at every byte. This view is unaligned and overlapping, and is never copied.
    words: Lanes = np.ndarray((length + 1,), WORD, buffer=padded, strides=(1,))
    starts = offsets - offsets[0]
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None

    lengths = np.diff(starts)
    width = int(lengths[0]) if size else 0
    if valid is None and width and bool((lengths == width).all()):
        return lambda start, stop: _even_words(words, start * width, stop - start, width)
    if valid is not None and (sparse := _sparse_reader(words, lengths, np.flatnonzero(valid))):
        return sparse

    def read(start: int, stop: int) -> Lanes:
        cells = _text_words(words, starts[start:stop], lengths[start:stop])
        if valid is not None:
            cells[~valid[start:stop]] = _constants("null")[0]
        return cells

    return read


def _sparse_reader(words: Lanes, lengths: npt.NDArray[np.int64], present: npt.NDArray[np.int64]) -> Reader | None:
    """A faster reader for texts that all have one width, with nulls between them. None if the widths differ."""
    width = int(lengths[present[0]]) if present.size else 1
    if not width or lengths.sum() != width * present.size or bool((lengths[present] != width).any()):
        return None

    def read(start: int, stop: int) -> Lanes:
        first, last = np.searchsorted(present, (start, stop)).tolist()
        cells = np.full(stop - start, _constants("null")[0], WORD)
        if last > first:
            cells[present[first:last] - start] = _even_words(words, first * width, last - first, width)
        return cells

    return read


def _even_words(words: Lanes, first: int, count: int, width: int) -> Lanes:
    """The same as `_text_words`, for texts of one width that lie end to end from byte `first`."""
    key, length_key = _constants("text") | np.uint64(1)
    state: Lanes = np.full(count, width, WORD) * length_key
    for done in range(0, width, 8):
        cells = words[first + done : first + done + (count - 1) * width + 1 : width]
        _absorb(state, cells & TAIL_MASKS[min(8, width - done)], key)
    return state


def _text_words(words: Lanes, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Lanes:
    """Hash texts given by byte offset and length, word by word, all texts at once; shape (texts,)."""
    key, length_key = _constants("text") | np.uint64(1)
    hashes: Lanes = lengths.astype(WORD) * length_key
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    for done in range(0, longest, 8):
        everyone = shortest > done
        rows = slice(None) if everyone else np.flatnonzero(lengths > done)
        left = lengths[rows] - done
        cells = words[starts[rows] + done]
        if shortest < done + 8:
            cells &= TAIL_MASKS.take(left, mode="clip")
        state = hashes[rows]  # a view if every text has a further word, else a copy
        _absorb(state, cells, key)
        if not everyone:
            hashes[rows] = state
    return hashes


def _absorb(state: Lanes, cells: Lanes, key: np.uint64) -> None:
    """Chain one more word into each text's hash: every step is a bijection of the state."""
    state ^= cells
    state *= key
    state ^= state >> HALF


def _fixed_words(array: pa.Array, words_each: int) -> npt.NDArray[Any]:
    """The little-endian words of a fixed-width array, without a copy; shape (rows, words_each)."""
    if len(array) == 0:
        return np.empty((0, words_each), WORD)
    width = 8 * words_each
    flat = np.frombuffer(array.buffers()[1], WORD, len(array) * words_each, array.offset * width)
    return flat.reshape(-1, words_each)


def _integer_words(_: Column, array: pa.Array) -> Lanes:
    return _fixed_words(array.cast(pa.int64()), 1)[:, 0]


def _second_words(_: Column, array: pa.Array) -> Lanes:
    try:
        return _fixed_words(array.cast(pa.timestamp("s")), 1)[:, 0]
    except pa.ArrowInvalid:
        # Generated times have no fractions of a second, so any word will do that makes the row differ.
        seconds = _fixed_words(array.cast(pa.timestamp("s"), safe=False), 1)[:, 0]
        each = TICKS[array.type.unit]
        ticks = _fixed_words(array.cast(pa.int64()), 1)[:, 0].view(np.int64) % each
        fractions = (ticks * (10**9 // each)).view(WORD)
        words: Lanes = seconds ^ fractions << np.uint64(34)
        return words


def _cent_words(column: Column, array: pa.Array) -> Lanes:
    if pa.types.is_floating(array.type):
        raise TypeError(f"{column.name}: floating-point money has no exact digest; give decimals or integer cents")
    if pa.types.is_integer(array.type):
        return _integer_words(column, array)
    if not (pa.types.is_decimal128(array.type) and array.type.scale == 2):
        array = array.cast(pa.decimal128(38, 2))
    halves = _fixed_words(array, 2)
    low: Lanes = halves[:, 0]
    fits = halves[:, 1].view("<i8") == low.view("<i8") >> 63
    if not fits.all() and not (fits | ~array.is_valid().to_numpy(zero_copy_only=False)).all():
        raise ValueError(f"{column.name}: money beyond 64 bits of cents")
    return low


NUMBERS: dict[str, Callable[[Column, pa.Array], Lanes]] = {
    "bigint": _integer_words,
    "money": _cent_words,
    "timestamp": _second_words,
}
