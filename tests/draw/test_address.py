"""Addressed draws: fixed values, independence of keys, bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.draw.address import Key, KeySpace, below, counters, draw, seed_for_rail

MASK = 2**64 - 1


def reference_draw(key: Key, counter: int) -> int:
    """The mix as the design writes it, in Python integers."""
    z = (counter * 0x9E3779B97F4A7C15 + key.low) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    z ^= z >> 31
    z ^= key.high
    for _ in range(2):
        z = ((z ^ (z >> 32)) * 0xD6E8FEB86659FD93) & MASK
    return z ^ (z >> 32)


@given(st.integers(0, MASK), st.integers(0, MASK), st.lists(st.integers(0, MASK), min_size=1, max_size=20))
def test_draw_is_the_mix_of_the_design(low: int, high: int, values: list[int]) -> None:
    key = Key(low, high)
    expected = [reference_draw(key, value) for value in values]
    assert draw(key, np.array(values, dtype=np.uint64)).tolist() == expected


def test_seed_for_rail_is_42_xor_crc32() -> None:
    assert seed_for_rail("") == 42
    assert seed_for_rail("plumless") == seed_for_rail("buckeroo")


def test_keys_of_names_that_share_a_crc_differ() -> None:
    keys = KeySpace("bank")
    assert keys.key("plumless", "amount") != keys.key("buckeroo", "amount")


def test_every_field_changes_the_key() -> None:
    seen = {
        KeySpace("bank").key("rail", "amount"),
        KeySpace("other").key("rail", "amount"),
        KeySpace("bank", 43).key("rail", "amount"),
        KeySpace("bank").key("rails", "amount"),
        KeySpace("bank").key("rail", "count"),
        KeySpace("bank").key("rail", "amount", ""),
        KeySpace("bank").key("rail", "amount", "a", "b"),
        KeySpace("bank").key("rail", "amount", "ab"),
    }
    assert len(seen) == 8


def test_counters_are_distinct_and_bounded() -> None:
    days, numbers, sequences = np.meshgrid([0, 1, 2**20 - 1], [0, 7, 2**28 - 1], [0, 1, 2**16 - 1])
    packed = counters(days.ravel(), numbers.ravel(), sequences.ravel())
    assert np.unique(packed).size == 27
    for bad in ((2**20, 0, 0), (0, 2**28, 0), (0, 0, 2**16), (-1, 0, 0)):
        with pytest.raises(OverflowError):
            counters(*bad)


def test_below_is_uniform_and_neighbours_are_independent() -> None:
    draws = draw(KeySpace("bank").key("rail", "pick"), np.arange(200_000, dtype=np.uint64))
    picks = below(draws, 10)
    assert abs(np.bincount(picks, minlength=10) - 20_000).max() < 5 * 134
    table = np.bincount(picks[0::2] * 10 + picks[1::2], minlength=100)
    chi_square = float(((table - 1_000.0) ** 2 / 1_000.0).sum())
    assert chi_square < 99 + 5 * (2 * 99) ** 0.5
