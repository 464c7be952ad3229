"""Identifiers: one at a time and in arrays, the same text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seedbed.baseline.text import identifier, identifiers, suffixed

WORDS = st.integers(0, 2**64 - 1)


@given(WORDS, WORDS, st.integers(0, 2**20 - 1))
def test_one_identifier_is_that_of_the_arrays(high: int, low: int, leg: int) -> None:
    characters = identifiers(np.array([high], np.uint64), np.array([low], np.uint64))
    assert identifier(high, low) == bytes(characters[0]).decode()
    assert identifier(high, low, leg) == bytes(suffixed(characters, np.array([leg]))[0]).decode()
