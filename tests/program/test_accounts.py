"""Accounts: every baseline account belongs to one block, and blocks have about the same number of them."""

from pathlib import Path

import pytest

import seedbed
from seedbed.program.accounts import BLOCK_ACCOUNTS, build_universe

BANK = seedbed.load_instance(Path(seedbed.__file__).parent / "banks" / "harbor_trust.yaml")


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 320, 511, 512, 513, 3_200, 10_001])
def test_a_templates_accounts_are_dealt_out_evenly_over_as_few_blocks_as_hold_them(count: int) -> None:
    universe = build_universe(BANK, {"CustomerDDA": count, "MerchantDDA": 3})
    [customers] = universe.with_role(frozenset({"CustomerDDA"}))
    slices = [customers.slice_of(block) for block in range(universe.blocks)]
    assert [number for piece in slices for number in piece] == list(range(11, 11 + count))
    sizes = {len(piece) for piece in slices}
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= BLOCK_ACCOUNTS
    assert universe.blocks == max(1, -(-count // BLOCK_ACCOUNTS))


def test_a_small_template_is_in_the_first_block_whole() -> None:
    universe = build_universe(BANK, {"CustomerDDA": 1_000, "MerchantDDA": 3})
    [merchants] = universe.with_role(frozenset({"MerchantDDA"}))
    assert [len(merchants.slice_of(block)) for block in range(universe.blocks)] == [3, 0, 0, 0]
