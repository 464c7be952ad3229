"""Text in arrays: opaque identifiers and metadata, built without a loop over rows."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["encoded", "fixed_text", "identifiers", "json_objects", "json_text", "references", "suffixed"]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

# Crockford's base 32 in lower case: no i, l, o, u.
ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = np.array([[a, b] for a in ALPHABET for b in ALPHABET], dtype=np.uint8)
IDENTIFIER_WIDTH = 20
REFERENCE_WIDTH = 12
NUMBER_WIDTH = 4


def _base32(values: Words, width: int) -> npt.NDArray[np.uint8]:
    """The lowest 5 * width bits of each value in base 32, shape (n, width); width is even."""
    text = np.empty((values.size, width), dtype=np.uint8)
    for pair in range(width // 2):
        index = (values >> np.uint64(10 * pair)) & np.uint64(1023)
        text[:, width - 2 * pair - 2 : width - 2 * pair] = _PAIRS[index.astype(np.int64)]
    return text


def fixed_text(characters: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """An Arrow string array over ASCII characters of shape (n, width), null where not `valid`."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    data = pa.py_buffer(np.ascontiguousarray(characters))
    mask = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    large = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), data, mask)
    return large.cast(pa.string())


def identifiers(high: Words, low: Words) -> npt.NDArray[np.uint8]:
    """Transfer identifiers, shape (n, 20): 50 bits of each word."""
    return np.concatenate((_base32(high, IDENTIFIER_WIDTH // 2), _base32(low, IDENTIFIER_WIDTH // 2)), axis=1)


def suffixed(characters: npt.NDArray[np.uint8], number: Integers) -> npt.NDArray[np.uint8]:
    """Leg identifiers, shape (n, 25): the transfer's, a hyphen, and the leg's number in base 32.

    Raises OverflowError for a transfer of more than a million legs.
    """
    if number.size and int(number.max()) >= 32**NUMBER_WIDTH:
        raise OverflowError("a transfer has more than 2^20 legs")
    hyphen = np.full((number.size, 1), ord("-"), dtype=np.uint8)
    return np.concatenate((characters, hyphen, _base32(number.astype(np.uint64), NUMBER_WIDTH)), axis=1)


def references(values: Words) -> pa.Array:
    """Twelve-character opaque references."""
    return fixed_text(_base32(values, REFERENCE_WIDTH))


def encoded(values: Sequence[str | None], codes: npt.NDArray[np.int64]) -> pa.DictionaryArray:
    """A dictionary-encoded array of values[codes]; equal values share a code, None is null."""
    distinct = pa.array(values, pa.string()).dictionary_encode()
    indices = distinct.indices.take(pa.array(codes))
    return pa.DictionaryArray.from_arrays(indices, distinct.dictionary)


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
        pieces += [pa.scalar(f'{before}"{json_text([key])[0]}": "'), values]
        before = '", '
    pieces.append(pa.scalar('"}'))
    return pc.binary_join_element_wise(*pieces, pa.scalar(""))
