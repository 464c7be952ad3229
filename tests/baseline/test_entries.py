"""Entry numbers: unique, in append order, and the same whatever else the bank has."""

from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seedbed
from seedbed.bank.load import parse_instance_text
from seedbed.baseline.entries import ADDRESS_BITS, BASE_SECOND, EntryNumbers, _scramble, append_second, queue
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


def test_an_entry_tells_when_it_was_appended() -> None:
    seconds = BASE_SECOND + np.arange(100, dtype=np.int64) * 1_000_003
    assert np.array_equal(append_second(EntryNumbers(["a"], 3).numbers("a", 1, seconds, 2)[1]), seconds)


CROWDED = """
instance: crowded
accounts:
  - {id: clearing, role: Clearing, scope: internal}
  - {id: outside, role: Outside, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal}
rails:
  - {name: Inbound, transfer_type: ach_inbound, source_role: Outside, destination_role: CustomerDda,
     expected_net: 0.00, origin: ExternalForcePosted}
  - {name: Sweep, transfer_type: sweep, source_role: Clearing, destination_role: Outside, expected_net: 0.00,
     origin: InternalInitiated, aggregating: true, cadence: intraday-1h, bundles_activity: [Inbound]}
baseline:
  accounts: {CustomerDda: 50}
  rails: {Inbound: {seed_volume_multiplier: 1000}}
"""


def test_a_bundled_leg_is_appended_again_after_its_first_row_however_many_rows_wait() -> None:
    """More than nine transfers a second all day: first rows are appended ever later behind their posting."""
    bank = parse_instance_text(CROWDED)
    rows = seedbed.generate(bank, anchor=date(2030, 1, 2), window_days=1).transactions.sort_by("id")
    again = pc.is_valid(rows.column("supersedes"))
    second = rows.filter(again).select(["id", "entry"])
    first = rows.filter(pc.invert(again)).select(["id", "entry"]).filter(pc.field("id").isin(second.column("id")))
    assert first.column("id").equals(second.column("id"))
    assert first.num_rows > 300_000
    appended = [append_second(table.column("entry").to_numpy()) for table in (first, second)]
    assert (appended[0] < appended[1]).all()
    assert np.unique(rows.column("entry").to_numpy()).size == rows.num_rows


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
