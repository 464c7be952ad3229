"""Entry numbers: the append order, packed into 63 bits. They are not counted, so no change renumbers other rows.

An entry is (append second, row address) in 34 + 29 bits. The address is (rail slot, block, rank within the second). A
bijection that differs from second to second scrambles the address, so that an entry does not reveal it.
"""

from collections.abc import Iterable
from datetime import date
from hashlib import blake2b

import numpy as np

from seedbed.bank.grammar import OPENING_RAIL
from seedbed.errors import InputError
from seedbed.units import DAY_SECONDS, BlockNumber, Entries, Integers, SecondOrdinals

__all__ = ["EntryNumbers", "append_second", "queue"]


# Seconds count from here: before the first day of the longest window that ends on the first anchor.
BASE_SECOND = date(1889, 1, 1).toordinal() * DAY_SECONDS
SECOND_BITS, ADDRESS_BITS, RANK_BITS = 34, 29, 4
ADDRESS_MASK = np.int64((1 << ADDRESS_BITS) - 1)
ROWS_PER_SECOND = 1 << RANK_BITS

BALANCES = "daily_balances"


def queue(second: SecondOrdinals, per_second: int) -> Integers:
    """Positions in append order for items that arrive at these ascending seconds, at most `per_second` in each.

    Position p is appended in second p // per_second. Items whose second is full move into the next seconds.
    """
    rank = np.arange(second.size, dtype=np.int64)
    return rank + np.maximum.accumulate(second * per_second - rank) if second.size else rank


def arrival_order(second: SecondOrdinals) -> Integers:
    """The indices of these seconds in ascending order. Equal seconds keep their order.

    A second and its index in one number are distinct, so any sort gives this order. The fastest sort takes a fifth of
    the time of a stable argsort.
    """
    if not second.size:
        return np.empty(0, dtype=np.int64)
    bits = second.size.bit_length()
    keys = ((second - second.min()) << bits) | np.arange(second.size)
    keys.sort(kind="quicksort")
    places: Integers = keys & ((1 << bits) - 1)
    return places


class EntryNumbers:
    """Gives out the entry numbers of a dataset with these rails and this number of blocks.

    Besides the blocks of accounts there are four more block numbers, in this order: the sweeps, the sweeps' bundled
    rows, and two for plants. The slot of a rail is a hash of its name. If two rails have the same slot, the later one
    by name gets the next slot.
    """

    def __init__(self, rails: Iterable[str], blocks: int) -> None:
        self.blocks = blocks
        self.block_bits = (blocks + 3).bit_length()
        slots = 1 << (ADDRESS_BITS - RANK_BITS - self.block_bits)
        names = sorted({*rails, OPENING_RAIL, BALANCES})
        if len(names) > slots:
            raise InputError(
                f"accounts: {blocks} blocks of accounts leave room for {slots - 2} rails, not {len(names) - 2}"
            )
        self.slots: dict[str, int] = {}
        taken: set[int] = set()
        for name in names:
            slot = int.from_bytes(blake2b(name.encode("utf-8"), digest_size=8).digest(), "little") % slots
            while slot in taken:
                slot = (slot + 1) % slots
            taken.add(slot)
            self.slots[name] = slot

    def numbers(self, owner: str, block: BlockNumber, second: SecondOrdinals, legs: int) -> list[Entries]:
        """Entries of items that append `legs` rows each at these seconds (any order): one array per leg."""
        order = arrival_order(second)
        per_second = ROWS_PER_SECOND // legs
        place = np.empty(second.size, dtype=np.int64)
        place[order] = queue(second[order] - BASE_SECOND, per_second)
        append, rank = np.divmod(place, per_second)
        address = (self.slots[owner] << (self.block_bits + RANK_BITS)) | (block << RANK_BITS)
        return [(append << ADDRESS_BITS) | _scramble(address | (rank * legs + leg), append) for leg in range(legs)]


def append_second(entry: Entries) -> SecondOrdinals:
    """When the rows with these entries were appended."""
    return (entry >> ADDRESS_BITS) + BASE_SECOND


def _scramble(address: Integers, second: SecondOrdinals) -> Integers:
    """A bijection on 29-bit addresses that differs in every second: odd multipliers and shifts, each invertible."""
    salt = (second * 0x2545F491) & ADDRESS_MASK
    mixed = (address ^ salt) * 0x1B873593 & ADDRESS_MASK
    mixed = (mixed ^ (mixed >> 15)) * 0x0E6546B5 & ADDRESS_MASK
    mixed = (mixed ^ (mixed >> 13)) * 0x05EBCA6B & ADDRESS_MASK
    return mixed ^ (mixed >> 16)
