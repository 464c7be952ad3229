"""Groups of blocks: any process can add up their shares and make their rows, and nothing shows which did."""

import pickle
from datetime import date
from functools import reduce
from pathlib import Path

import pytest

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation, Shares, neighbours
from seedbed.assembly.parts import first_parts, later_parts, parts_on, settle_shared
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.ledger.dataset import Dataset

ANCHOR = date(2030, 1, 1)


def _dataset() -> Dataset:
    bank = seedbed.load_instance(Path(seedbed.__file__).parent / "banks" / "spec_example.yaml")
    return dataset_of(bank, ANCHOR, 20, {bank.account_templates[0].role: 700})


@pytest.fixture(scope="module")
def planted() -> Foundation:
    foundation = planted_foundation(_dataset(), ScenarioChoices())
    assert foundation.blocks == 3
    return foundation


def test_blocks_made_elsewhere_from_pickles_are_the_same(planted: Foundation) -> None:
    expected = list(parts_on(planted))
    shares = [pickle.dumps(Foundation(_dataset()).shares_of(group)) for group in neighbours(planted.blocks, 2)]
    driver = Foundation(planted.dataset)
    driver.adopt(reduce(Shares.plus, map(pickle.loads, shares)))
    settled = settle_shared(driver)
    facts = pickle.dumps((planted.dataset, settled.ticks))
    made = list(first_parts(driver, settled))
    for group in (range(1, 2), range(2, 3)):
        dataset, received = pickle.loads(facts)
        made += later_parts(Foundation(dataset), received, group)
    assert [part.tables for part in made] == [part.tables for part in expected]


def test_what_other_processes_need_is_small(planted: Foundation) -> None:
    ticks = settle_shared(planted).ticks
    assert len(pickle.dumps(ticks)) < 100 * planted.setup.ticks.count + 20_000


def test_neighbours_cover_all_blocks_once_in_order() -> None:
    for blocks in (1, 2, 7, 100):
        for groups in (1, 2, 3, 100, 1000):
            found = neighbours(blocks, groups)
            assert [number for group in found for number in group] == list(range(blocks))
            assert max(map(len, found)) - min(map(len, found)) <= 1
