"""NumPy arrays as Arrow columns of the contract's types, over the same memory."""

import numpy as np
import pyarrow as pa

from seedbed.ledger.columns import MONEY_TYPE
from seedbed.units import DAY_SECONDS, EPOCH_ORDINAL, CentsArray, Flags, Integers, SecondOrdinals

__all__ = ["decimals", "int64s", "timestamps"]


def int64s(values: Integers) -> pa.Array:
    """Integers as an Arrow array over the same memory.

    `pa.array` is not used: it imports numpy.ma, which takes longer than making the rows of a small bank.
    """
    return pa.Array.from_buffers(pa.int64(), values.size, [None, pa.py_buffer(np.ascontiguousarray(values))])


def decimals(cents: CentsArray) -> pa.Array:
    """Cents as decimal128(20, 2). The low words are the cents, the high words their sign."""
    words = np.empty((cents.size, 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(MONEY_TYPE, cents.size, [None, pa.py_buffer(words)])


def timestamps(second: SecondOrdinals, valid: Flags | None = None) -> pa.Array:
    """Second ordinals as timestamp[s]; null where not `valid`."""
    epoch = second - EPOCH_ORDINAL * DAY_SECONDS
    mask = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.timestamp("s"), epoch.size, [mask, pa.py_buffer(np.ascontiguousarray(epoch))])
