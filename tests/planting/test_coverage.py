"""Rail by kind: what the matrix admits is planted and surfaces; every empty cell says why."""

import pytest

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.overlays import coverage_matrix
from seedbed.scenario.plants import PLANT_TYPES

from .conftest import ANCHOR, ELSEWHERE, NAMES, Planted, bundled


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_is_a_plant_or_a_reason(name: str) -> None:
    matrix = coverage_matrix(Foundation(dataset_of(bundled(name), ANCHOR)).survey)
    assert sorted(matrix) == sorted(rail.name for rail in bundled(name).rails)
    for row in matrix.values():
        assert list(row) == list(KINDS)
        assert all(found for found in row.values())


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_admitted_is_planted(planted: Planted, name: str) -> None:
    _, ledger, con = planted(name, mode="every_view", coverage=True)
    admitted = {
        (rail, kind)
        for rail, row in coverage_matrix(Foundation(dataset_of(bundled(name), ANCHOR)).survey).items()
        for kind, found in row.items()
        if not isinstance(found, str)
    }
    made = set(
        con.sql(
            "select distinct detail ->> 'rail', kind from key where item = 'plant' and label <> 'hard_negative'"
        ).fetchall()
    )
    made |= {
        (template.leg_rails[0], "transfer_template")
        for template in bundled(name).transfer_templates
        if (template.name,)
        in con.sql("select distinct detail ->> 'template' from key where item = 'plant'").fetchall()
    }
    assert admitted <= made
    assert {plant for plant, _ in ledger.omitted} <= {PLANT_TYPES[kind].__name__ for kind in ELSEWHERE}
