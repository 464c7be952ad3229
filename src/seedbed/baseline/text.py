"""Text in arrays: opaque identifiers and metadata, built without a loop over rows."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.units import Flags, Integers, Word, Words

__all__ = [
    "Texts",
    "encoded",
    "fixed_text",
    "identifier",
    "identifiers",
    "json_objects",
    "json_text",
    "references",
    "suffixed",
]


# Crockford's base 32 in lower case: no i, l, o, u.
ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
DIGITS = ALPHABET.decode()
# Two characters as one 16-bit value, first character first in memory.
_PAIRS = np.array([[a, b] for a in ALPHABET for b in ALPHABET], dtype=np.uint8).view("<u2").ravel()
IDENTIFIER_WIDTH = 20
REFERENCE_WIDTH = 12
NUMBER_WIDTH = 4


def _base32(values: Words, width: int) -> npt.NDArray[np.uint8]:
    """The lowest 5 * width bits of each value in base 32, shape (n, width); width is even."""
    text = np.empty((values.size, width // 2), dtype="<u2")
    for pair in range(width // 2):
        index = (values >> np.uint64(10 * pair)) & np.uint64(1023)
        text[:, width // 2 - 1 - pair] = _PAIRS.take(index.view(np.int64))
    return text.view(np.uint8)


def fixed_text(characters: npt.NDArray[np.uint8], valid: Flags | None = None) -> pa.Array:
    """An Arrow string array over ASCII characters of shape (n, width).

    With `valid`, one flag per row, `characters` has the valid rows only and the others are null.
    Raises OverflowError if the characters of one block exceed 2^31.
    """
    width = characters.shape[1]
    if characters.size >= 2**31:
        raise OverflowError("a block of more than 2^31 characters")
    if valid is None:
        count, mask = characters.shape[0], None
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    else:
        count, mask = valid.size, pa.py_buffer(np.packbits(valid, bitorder="little"))
        offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum(valid, out=offsets[1:])
        offsets *= np.int32(width)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters)), mask
    )


def identifiers(high: Words, low: Words) -> npt.NDArray[np.uint8]:
    """Transfer identifiers, shape (n, 20), from 50 bits of each word."""
    return np.concatenate((_base32(high, IDENTIFIER_WIDTH // 2), _base32(low, IDENTIFIER_WIDTH // 2)), axis=1)


def suffixed(characters: npt.NDArray[np.uint8], number: Integers) -> npt.NDArray[np.uint8]:
    """Leg identifiers, shape (n, 25): the transfer's, a hyphen, and the leg's number in base 32.

    Raises OverflowError for a transfer of more than a million legs.
    """
    if number.size and int(number.max()) >= 32**NUMBER_WIDTH:
        raise OverflowError("a transfer has more than 2^20 legs")
    text = np.empty((number.size, characters.shape[1] + 1 + NUMBER_WIDTH), dtype=np.uint8)
    text[:, : characters.shape[1]] = characters
    text[:, characters.shape[1]] = ord("-")
    # Numbers are few: each is written once, as one word of four characters.
    written = _base32(np.arange(number.max(initial=0) + 1, dtype=np.uint64), NUMBER_WIDTH).view("<u4").ravel()
    text[:, -NUMBER_WIDTH:] = written.take(number).view(np.uint8).reshape(-1, NUMBER_WIDTH)
    return text


def identifier(high: Word, low: Word, leg: int | None = None) -> str:
    """One identifier, of a transfer or with `leg` of a leg, equal to those of `identifiers` and `suffixed`."""
    text = _digits(high, IDENTIFIER_WIDTH // 2) + _digits(low, IDENTIFIER_WIDTH // 2)
    return text if leg is None else f"{text}-{_digits(leg, NUMBER_WIDTH)}"


def _digits(value: int, width: int) -> str:
    return "".join([DIGITS[value >> shift & 31] for shift in range(5 * width - 5, -1, -5)])


def references(values: Words) -> pa.Array:
    """Twelve-character opaque references."""
    return fixed_text(_base32(values, REFERENCE_WIDTH))


class Texts:
    """Texts that columns refer to by a code. Equal texts share a code; None is null."""

    def __init__(self, values: Sequence[str | None]) -> None:
        distinct = pa.array(values, pa.string()).dictionary_encode()
        self._dictionary = distinct.dictionary
        self._codes = distinct.indices.fill_null(0).to_numpy()
        self._present = np.array([value is not None for value in values], dtype=np.bool_)
        self._all_present = distinct.null_count == 0

    def at(self, places: Integers) -> pa.DictionaryArray:
        """The texts of these codes, dictionary-encoded."""
        codes = self._codes.take(places)
        valid = None
        if not self._all_present:
            valid = pa.py_buffer(np.packbits(self._present.take(places), bitorder="little"))
        indices = pa.Array.from_buffers(pa.int32(), codes.size, [valid, pa.py_buffer(codes)])
        return pa.DictionaryArray.from_arrays(indices, self._dictionary)


def encoded(values: Sequence[str | None], places: Integers) -> pa.DictionaryArray:
    """A dictionary-encoded array of the values at these indices."""
    return Texts(values).at(places)


def json_text(values: Sequence[str]) -> list[str]:
    """Each value as the inside of a JSON string, without its quotes."""
    return [json.dumps(value, ensure_ascii=False)[1:-1] for value in values]


def json_objects(fields: Sequence[tuple[str, pa.Array]], count: int) -> pa.Array:
    """One JSON object per row from (key, array of JSON-escaped text) pairs; null where there are no fields."""
    if not fields:
        return pa.nulls(count, pa.string())
    pieces: list[pa.Array | pa.Scalar] = []
    before = "{"
    for key, values in fields:
        pieces += [pa.scalar(f'{before}"{json_text([key])[0]}": "', pa.string()), values]
        before = '", '
    pieces.append(pa.scalar('"}', pa.string()))
    return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.string()))
