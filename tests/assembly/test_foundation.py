"""A process keeps the blocks that it may be asked for again, as far as they have room."""

import pytest
from tests.write.test_workers import dataset

from seedbed.assembly.foundation import Foundation


def test_a_process_keeps_no_more_blocks_than_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Foundation(dataset())
    sizes = [kept.block(number).memory for number in range(kept.blocks)]
    assert set(kept._kept) == set(range(kept.blocks))
    monkeypatch.setattr("seedbed.assembly.foundation.KEPT_BYTES", sizes[0] + max(sizes))
    bounded = Foundation(dataset())
    for number in range(bounded.blocks):
        bounded.block(number)
    assert set(bounded._kept) == {0, 1}
    bounded.release(1)
    bounded.block(2)
    assert set(bounded._kept) == {0, 2}
