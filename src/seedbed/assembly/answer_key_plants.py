"""The answer key's lines about plants: facts, rows, and where each must surface."""

import json
from collections.abc import Iterator, Sequence
from datetime import date

from seedbed import money
from seedbed.assembly.answer_key import KeyLine
from seedbed.planting.emission import leg_id
from seedbed.planting.negatives import DESCRIPTIONS
from seedbed.planting.planted import Planted
from seedbed.planting.transfers import Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import HardNegative, plain
from seedbed.units import DAY_SECONDS
from seedbed.views import EXCEPTION_VIEWS

__all__ = ["plant_lines"]

# The detail of collateral that would also show without the plant, because other plants are enough.
ENOUGH = json.dumps({"cause": "enough"})


def plant_lines(planted: Planted, collateral: Sequence[Surfacing]) -> Iterator[KeyLine]:
    """The lines of every plant, plant by plant: the plant itself, its rows, the views."""
    surfacings: dict[str, list[Surfacing]] = {plant: [] for plant in planted.plants}
    for surfacing in (*planted.surfacings, *collateral):
        surfacings[surfacing.plant].append(surfacing)
    rows, landed = _rows_of(planted), _landed(planted)
    for plant_id, plant in planted.plants.items():
        found = surfacings[plant_id]
        if isinstance(plant, HardNegative):
            facts = {**plain(plant), "what": DESCRIPTIONS[plant.kind]}
            head = (plant_id, plant.kind, "hard_negative", "hard")
        else:
            kind = KINDS[plant_id.rpartition("-")[0]]
            facts = plain(plant)
            shows = any(s.view in EXCEPTION_VIEWS and not s.collateral for s in found)
            label = "exception" if kind.exception or shows else "activity"
            head = (plant_id, kind.name, label, kind.difficulty)
        facts |= {"planted": landed[plant_id]}
        yield (*head, "plant", "", "", json.dumps(facts, ensure_ascii=False))
        for table, key in rows.get(plant_id, ()):
            yield (*head, "row", table, key, None)
        for surfacing in dict.fromkeys(found):
            item, detail = "collateral" if surfacing.collateral else "view", None if surfacing.needed else ENOUGH
            yield (*head, item, surfacing.view, surfacing.key, detail)


def _landed(planted: Planted) -> dict[str, dict[str, str]]:
    """The actual business day of each plant, and its actual account and amount if they differ from the request.

    A closed or taken day, a cap, a breach or a template's other legs can make them differ.
    """
    landed = {}
    for plant_id, _, row, _ in planted.delta_rows:
        landed[plant_id] = {"business_day": date.fromordinal(int(planted.survey.window.days[row])).isoformat()}
    for transfer in planted.transfers:
        plant = planted.plants[transfer.plant]
        name, template = getattr(plant, "rail", None), getattr(plant, "template", None)
        node = transfer.node
        about = node.driver.name if node.template is not None and node.template.name == template else name
        choice = next((rail for rail in node.closers if rail.name == about and node.group_of(rail) is not None), None)
        if choice is not None and choice not in transfer.closers:
            # A plant about a group of which no leg rail fires.
            about = node.driver.name
        own = next((f for f in transfer.firings if f.rail.name == about and not f.companion), None)
        if own is None or transfer.plant in landed:
            continue
        facts = {"business_day": date.fromordinal(own.second // DAY_SECONDS).isoformat()}
        amount = money.to_decimal(abs(own.cents))
        if amount != getattr(plant, "amount", amount):
            facts["amount"] = str(amount)
        ids = [planted.survey.ids[account] for account in own.accounts]
        if getattr(plant, "account_id", ids[0]) not in ids:
            facts["account_id"] = ids[0]
        landed[transfer.plant] = facts
    return landed


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
