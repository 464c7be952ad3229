"""Addressed draws: `draw(key, counter)` is a 64-bit value that depends on nothing but its address.

An address is a key and a counter. The key is a 128-bit BLAKE2b hash of the value's purpose. The counter packs the
day, the account and a sequence number. There is no generator state, so any slice of a dataset can be made anywhere
and in any order.
"""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from zlib import crc32

import numpy as np

from seedbed.units import DayOrdinal, DayOrdinals, Integers, Word, Words

__all__ = ["FORMAT_VERSION", "Key", "KeySpace", "below", "counters", "draw", "seed_for_rail", "threshold"]


FORMAT_VERSION = 1

DAY_BITS, NUMBER_BITS, SEQUENCE_BITS = 20, 28, 16

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
_MULTIPLY_3 = np.uint64(0xD6E8FEB86659FD93)
_S27, _S30, _S31, _S32 = (np.uint64(bits) for bits in (27, 30, 31, 32))


def seed_for_rail(rail: str, base_seed: int = 42) -> int:
    """The rail's own seed: base seed XOR CRC-32 of the name (seed document, "RNG sub-stream layout")."""
    return base_seed ^ (crc32(rail.encode("utf-8")) & 0xFFFFFFFF)


@dataclass(frozen=True)
class Key:
    """The 128-bit key of one purpose."""

    low: Word
    high: Word


@dataclass(frozen=True)
class KeySpace:
    """Makes the keys of one dataset. Every key depends on the instance and the base seed."""

    instance: str
    base_seed: int = 42

    def key(self, owner: str, purpose: str, *parts: str) -> Key:
        """The key of one purpose of one owner (a rail, a template, an account role).

        The hash includes the owner's name and its CRC-32 seed, because two names can have the same CRC ("plumless"
        and "buckeroo"). The length of each field precedes it, so that different lists of fields give different bytes.
        """
        seed = seed_for_rail(owner, self.base_seed)
        fields = (str(FORMAT_VERSION), str(self.base_seed), self.instance, str(seed), owner, purpose, *parts)
        digest = blake2b(digest_size=16)
        for field in fields:
            text = field.encode("utf-8")
            digest.update(len(text).to_bytes(4, "little") + text)
        value = digest.digest()
        return Key(int.from_bytes(value[:8], "little"), int.from_bytes(value[8:], "little"))


def counters(day: DayOrdinals | DayOrdinal, number: Integers | int, sequence: Integers | int) -> Words:
    """Counters from (day, account number, sequence), packed 20 + 28 + 16 bits; the shapes broadcast.

    Raises OverflowError if a number does not fit into its bits.
    """
    parts = []
    for value, bits in ((day, DAY_BITS), (number, NUMBER_BITS), (sequence, SEQUENCE_BITS)):
        array = np.asarray(value, dtype=np.int64)
        if array.size and (array.min() < 0 or int(array.max()) >> bits):
            raise OverflowError(f"a number in a counter exceeds {bits} bits")
        parts.append(array.astype(np.uint64))
    packed = (parts[0] << np.uint64(NUMBER_BITS + SEQUENCE_BITS)) | (parts[1] << np.uint64(SEQUENCE_BITS)) | parts[2]
    return np.atleast_1d(packed)


def draw(key: Key, counter: Words) -> Words:
    """One 64-bit draw per counter, same shape: SplitMix64's finaliser, then two rounds of multiply and xorshift."""
    z = counter * _INCREMENT
    z += np.uint64(key.low)
    z ^= z >> _S30
    z *= _MULTIPLY_1
    z ^= z >> _S27
    z *= _MULTIPLY_2
    z ^= z >> _S31
    z ^= np.uint64(key.high)
    for _ in range(2):
        z ^= z >> _S32
        z *= _MULTIPLY_3
    z ^= z >> _S32
    return z


def below(draws: Words, bound: Integers | int) -> Integers:
    """Uniform integers in [0, bound) by a 32-bit multiply-high; 1 ≤ bound ≤ 2^32, scalar or one per draw."""
    return (((draws >> _S32) * np.asarray(bound, dtype=np.uint64)) >> _S32).astype(np.int64)


def threshold(probability: Decimal) -> Word:
    """The greatest draw of so large a share of all draws."""
    return min(int(probability * 2**64), 2**64 - 1)
