"""The words of messages."""

import pytest

from seedbed.errors import counted


@pytest.mark.parametrize(("count", "text"), [(0, "0 senders"), (1, "1 sender"), (1_200, "1,200 senders")])
def test_a_count_has_its_noun(count: int, text: str) -> None:
    assert counted(count, "sender") == text
