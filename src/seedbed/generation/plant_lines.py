"""The answer key's lines about plants: facts, rows, and where each must surface."""

import json
from collections.abc import Iterator, Sequence
from datetime import date

from seedbed.generation.answer_key import Line
from seedbed.planting.emission import leg_id
from seedbed.planting.negatives import WORDS
from seedbed.planting.planted import Planted
from seedbed.planting.transfers import Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import HardNegative, plain
from seedbed.views import EXCEPTION_VIEWS

__all__ = ["plant_lines"]


def plant_lines(planted: Planted, collateral: Sequence[Surfacing]) -> Iterator[Line]:
    """The lines of every plant, plant by plant: the plant itself, its rows, the views."""
    surfacings: dict[str, list[Surfacing]] = {plant: [] for plant in planted.plants}
    for surfacing in (*planted.surfacings, *collateral):
        surfacings[surfacing.plant].append(surfacing)
    rows = _rows_of(planted)
    for plant_id, plant in planted.plants.items():
        found = surfacings[plant_id]
        if isinstance(plant, HardNegative):
            facts = {**plain(plant), "what": WORDS[plant.kind]}
            head = (plant_id, plant.kind, "hard_negative", "hard")
        else:
            kind = KINDS[plant_id.rpartition("-")[0]]
            facts = plain(plant)
            shows = any(s.view in EXCEPTION_VIEWS and not s.collateral for s in found)
            label = "exception" if kind.exception or shows else "activity"
            head = (plant_id, kind.name, label, kind.difficulty)
        yield (*head, "plant", "", "", json.dumps(facts, ensure_ascii=False))
        for table, key in rows.get(plant_id, ()):
            yield (*head, "row", table, key, None)
        for surfacing in dict.fromkeys(found):
            yield (*head, "collateral" if surfacing.collateral else "view", surfacing.view, surfacing.key, None)


def _rows_of(planted: Planted) -> dict[str, list[tuple[str, str]]]:
    """The rows that each plant made, by table: legs by their ids, stored balances by account and day."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for transfer in planted.transfers:
        for firing in transfer.firings:
            for leg in range(len(firing.accounts)):
                rows.setdefault(transfer.plant, []).append(("transactions", leg_id(firing, leg)))
    for plant, account, row, _ in planted.delta_rows:
        day = date.fromordinal(int(planted.survey.window.days[row]))
        key = f"{planted.survey.ids[account]}/{day.isoformat()}"
        rows.setdefault(plant, []).append(("daily_balances", key))
    return rows
