"""Entry numbers: unique, in append order, and the same whatever else the bank has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.baseline.entries import ADDRESS_BITS, BASE_SECOND, EntryNumbers, _scramble, queue
from seedbed.errors import InputError


@given(st.lists(st.integers(0, 50), max_size=200), st.integers(1, 16))
def test_a_queue_serves_everybody_once_in_order_and_never_early(seconds: list[int], per_second: int) -> None:
    arrivals = np.array(sorted(seconds), dtype=np.int64)
    places = queue(arrivals, per_second)
    assert np.unique(places).size == places.size
    assert (np.diff(places) > 0).all()
    assert (places // per_second >= arrivals).all()


def test_the_scramble_is_a_bijection_in_every_second() -> None:
    addresses = np.random.default_rng(3).integers(0, 1 << ADDRESS_BITS, 300_000)
    addresses = np.unique(addresses)
    for second in (0, 1, 9_780_000_000):
        mixed = _scramble(addresses, np.full(addresses.shape, second))
        assert np.unique(mixed).size == addresses.size
        assert mixed.min() >= 0
        assert mixed.max() < 1 << ADDRESS_BITS


@settings(max_examples=30)
@given(st.data())
def test_entries_are_unique_over_rails_and_blocks(data: st.DataObject) -> None:
    rails = data.draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=8, unique=True))
    blocks = data.draw(st.integers(1, 5))
    numbers = EntryNumbers(rails, blocks)
    found = []
    for rail in rails:
        for block in range(blocks + 4):
            seconds = BASE_SECOND + np.array(data.draw(st.lists(st.integers(0, 3), max_size=40)), dtype=np.int64)
            for legs in numbers.numbers(rail, block, seconds, 2):
                found += legs.tolist()
    assert len(set(found)) == len(found)
    assert all(0 <= entry < 2**63 for entry in found)


def test_removing_a_rail_renumbers_no_other() -> None:
    seconds = BASE_SECOND + np.arange(100, dtype=np.int64) // 7
    many = EntryNumbers(["a", "b", "c"], 3).numbers("b", 1, seconds, 1)[0]
    one = EntryNumbers(["b"], 3).numbers("b", 1, seconds, 1)[0]
    assert np.array_equal(many, one)


def test_the_last_second_of_the_last_year_fits() -> None:
    last = np.array([803_000 * 86_400], dtype=np.int64)
    assert EntryNumbers(["a"], 1).numbers("a", 0, last, 1)[0][0] > 0


def test_too_many_blocks_for_the_rails_is_refused() -> None:
    with pytest.raises(InputError, match="leave room for"):
        EntryNumbers([f"rail {k}" for k in range(300)], 400_000)
