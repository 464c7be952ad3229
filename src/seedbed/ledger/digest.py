"""The canonical content digest: rows of the base tables come in, one hexadecimal text goes out.

It depends on the rows alone: not on their order, their grouping into parts, or how Arrow holds them (text
plain or as a dictionary, money as decimals or cents). Rows read back from an engine must give the same
digest. A row becomes two 64-bit lanes, lanes are added modulo 2^64, and BLAKE2b seals the sums.
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
Reader = Callable[[int, int], tuple[Lanes, Lanes]]

DIGEST_VERSION = "seedbed-digest-1"
WORD = np.dtype("<u8")
# Sixteen thousand rows of scratch (128 KB an array) stay in a core's second-level cache.
BLOCK_ROWS = 16_384
# The lanes fold their high half down by different shifts, so that no pattern of changed bits cancels in both.
FOLDS = (np.uint64(32), np.uint64(29))
# The last word of a text keeps only the bytes that belong to it: index = bytes left, 8 or more keep all.
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
        tables = part.tables()
        digests = [total + TableDigest.of(total.table, tables[total.table.name]) for total in digests]
    return content_digest(digests)


def row_lanes(table: Table, data: pa.Table) -> tuple[Lanes, Lanes]:
    """Two independent 64-bit lanes per row, each of shape (rows,); any changed cell changes its row's lanes.

    `data` has exactly the columns of `table`, in any order. Integers in a money column are cents. Raises
    `ValueError` for other columns and for money beyond 64 bits of cents, `TypeError` for floats as money.
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
    """Chain the cells of each row: xor, multiply by the column's key, fold. Every step is a bijection."""
    readers = [_reader(column, array) for column, array in zip(table.columns, arrays, strict=True)]
    keys = [
        _constants(f"{table.name}/{position}/{column.name}") | np.uint64(1)
        for position, column in enumerate(table.columns)
    ]
    lanes[:] = _constants(f"{table.name}/row")[:, None]
    scratch = np.empty(min(BLOCK_ROWS, lanes.shape[1]), WORD)
    for start in range(0, lanes.shape[1], BLOCK_ROWS):
        block = lanes[:, start : start + BLOCK_ROWS]
        spare = scratch[: block.shape[1]]
        for reader, key in zip(readers, keys, strict=True):
            for lane, cells in enumerate(reader(start, start + block.shape[1])):
                _absorb(block[lane], cells, key[lane], FOLDS[lane], spare)
        _finish(block, _constants("finish") | np.uint64(1))


def _absorb(state: Lanes, cells: Lanes, key: np.uint64, fold: np.uint64, spare: Lanes) -> None:
    np.bitwise_xor(state, cells, out=state)
    np.multiply(state, key, out=state)
    np.right_shift(state, fold, out=spare)
    np.bitwise_xor(state, spare, out=state)


def _finish(block: Lanes, keys: Lanes) -> None:
    """Scatter each lane once more: the sum over rows must not see the last column's bits in their places."""
    for lane in (0, 1):
        block[lane] *= keys[lane]
        block[lane] ^= block[lane] >> np.uint64(31)
        block[lane] *= keys[1 - lane]
        block[lane] ^= block[lane] >> np.uint64(33)


def _constants(name: str) -> Lanes:
    """Two arbitrary words for a name, one per lane, shape (2,)."""
    seal = blake2b(f"{DIGEST_VERSION}/{name}".encode(), digest_size=16).digest()
    return np.frombuffer(seal, WORD)


def _reader(column: Column, array: pa.Array) -> Reader:
    """How to read a column's cells as words: a function of (start, stop) that gives both lanes' values."""
    if column.kind not in ("text", "json"):
        return _number_reader(array, NUMBERS[column.kind](column, array))
    if column.repeats and not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()  # four times as fast as hashing every repetition
    if pa.types.is_dictionary(array.type):
        if len(array.dictionary) <= len(array):
            return _dictionary_reader(array)
        array = array.dictionary_decode()
    return _text_reader(array)


def _number_reader(array: pa.Array, words: Lanes) -> Reader:
    if array.null_count == 0:
        return lambda start, stop: (words[start:stop], words[start:stop])
    null = _constants("null")
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    lane0, lane1 = (np.where(valid, words, null[lane]) for lane in (0, 1))
    return lambda start, stop: (lane0[start:stop], lane1[start:stop])


def _dictionary_reader(array: pa.DictionaryArray) -> Reader:
    """Hash each distinct value once; one more slot at the end holds the null."""
    size = len(array.dictionary)
    lanes = np.empty((2, size + 1), WORD)
    lanes[:, :size] = _text_reader(array.dictionary)(0, size)
    lanes[:, size] = _constants("null")
    codes = array.indices.fill_null(size) if array.indices.null_count else array.indices
    slots = codes.to_numpy(zero_copy_only=False)
    return lambda start, stop: (lanes[0].take(slots[start:stop]), lanes[1].take(slots[start:stop]))


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
    # The last text's last word may reach past the buffer's end: eight spare bytes make that read safe.
    padded = np.empty(length + 8, np.uint8)
    padded[length:] = 0
    if length:
        padded[:length] = np.frombuffer(data_buffer, np.uint8, length, int(offsets[0]))
    # A word at every byte address: the view is unaligned and overlapping, and never copied.
    words: Lanes = np.ndarray((length + 1,), WORD, buffer=padded, strides=(1,))
    starts = offsets - offsets[0]
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None

    lengths = np.diff(starts)
    width = int(lengths[0]) if size else 0
    if valid is None and width and bool((lengths == width).all()):
        return lambda start, stop: _even_lanes(words, start * width, stop - start, width)
    if valid is not None and (sparse := _sparse_reader(words, lengths, np.flatnonzero(valid))):
        return sparse

    def read(start: int, stop: int) -> tuple[Lanes, Lanes]:
        lanes = _text_lanes(words, starts[start:stop], lengths[start:stop])
        if valid is not None:
            lanes[:, ~valid[start:stop]] = _constants("null")[:, None]
        return lanes[0], lanes[1]

    return read


def _sparse_reader(words: Lanes, lengths: npt.NDArray[np.int64], present: npt.NDArray[np.int64]) -> Reader | None:
    """The reader of texts of one width among nulls, which take no room; None where they are others."""
    width = int(lengths[present[0]]) if present.size else 1
    if not width or lengths.sum() != width * present.size or bool((lengths[present] != width).any()):
        return None
    null = _constants("null")

    def read(start: int, stop: int) -> tuple[Lanes, Lanes]:
        first, last = np.searchsorted(present, (start, stop)).tolist()
        lanes = np.empty((2, stop - start), WORD)
        lanes[:] = null[:, None]
        if last > first:
            here = present[first:last] - start
            lanes[0, here], lanes[1, here] = _even_lanes(words, first * width, last - first, width)
        return lanes[0], lanes[1]

    return read


def _even_lanes(words: Lanes, first: int, count: int, width: int) -> tuple[Lanes, Lanes]:
    """As `_text_lanes`, for texts of one width end to end from byte `first`: their words lie evenly spaced."""
    keys = _constants("text") | np.uint64(1)
    lanes = np.empty((2, count), WORD)
    lanes[:] = np.uint64(width) * keys[::-1, None]
    scratch = np.empty(count, WORD)
    for done in range(0, width, 8):
        cells = (
            words[first + done : first + done + (count - 1) * width + 1 : width] & TAIL_MASKS[min(8, width - done)]
        )
        for lane in (0, 1):
            _absorb(lanes[lane], cells, keys[lane], FOLDS[lane], scratch)
    return lanes[0], lanes[1]


def _text_lanes(words: Lanes, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Lanes:
    """Hash texts given by byte offset and length, word by word, all texts at once; shape (2, texts)."""
    keys = _constants("text") | np.uint64(1)
    lanes: Lanes = lengths.astype(WORD) * keys[::-1, None]
    longest = int(lengths.max(initial=0))
    shortest = int(lengths.min(initial=longest))
    for done in range(0, longest, 8):
        everyone = shortest > done
        rows = slice(None) if everyone else np.flatnonzero(lengths > done)
        left = lengths[rows] - done
        cells = words[starts[rows] + done]
        if shortest < done + 8:
            cells &= TAIL_MASKS.take(left, mode="clip")
        for lane in (0, 1):
            state = lanes[lane, rows]  # a view when every text goes on, else a copy
            _absorb(state, cells, keys[lane], FOLDS[lane], np.empty_like(state))
            if not everyone:
                lanes[lane, rows] = state
    return lanes


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
        # Fractions of a second are never generated: any word of their own makes the row another one.
        seconds = _fixed_words(array.cast(pa.timestamp("s"), safe=False), 1)[:, 0]
        fractions = _fixed_words(array.cast(pa.timestamp("ns")), 1)[:, 0] % np.uint64(10**9)
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
