"""The live scenario of a bank as Markdown: one line per plant, as in the seed document."""

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal

from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import (
    InboundBreachPlant,
    LimitBreachPlant,
    OverdraftPlant,
    Plant,
    RailFiringPlant,
    ScenarioPlant,
)

__all__ = ["live_scenario", "plant_line"]

# Fields that the line of a kind leaves out.
HIDDEN: dict[type[object], str] = {OverdraftPlant: "rail", RailFiringPlant: "account_id"}


def plant_line(plant: Plant) -> str:
    """The facts of a plant as `field=value`; lists of accounts or names are shown as their number."""
    return " ".join(
        f"{field.name}={_value(plant, getattr(plant, field.name))}"
        for field in fields(plant)
        if HIDDEN.get(type(plant)) != field.name
    )


def _value(plant: Plant, value: object) -> str:
    if isinstance(value, tuple):
        return str(len(value))
    # A breach is a multiple of its cap, and is shown like one: whole dollars without cents.
    breach = isinstance(plant, LimitBreachPlant | InboundBreachPlant)
    if breach and isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return str(value)


def live_scenario(scenario: ScenarioPlant, instance: str) -> str:
    """The scenario as Markdown: a paragraph per kind with its sheet, then a line per plant, then what is omitted."""
    return "\n".join(_lines(scenario, instance)) + "\n"


def _lines(scenario: ScenarioPlant, instance: str) -> Iterator[str]:
    yield f"> Mode: `{scenario.mode}` · Anchor: `{scenario.anchor}` · Instance: `{instance}`"
    for kind in KINDS.values():
        plants = scenario.of(kind.name)
        if plants:
            yield ""
            yield f"**{kind.label}** — {len(plants)} planted. {kind.sheet} sheet: {kind.description}."
            yield ""
            yield from (f"- `{plant_line(plant)}`" for plant in plants)
    if scenario.omitted:
        yield ""
        yield "**Omitted**"
        yield ""
        yield from (f"- {label}: {reason}" for label, reason in scenario.omitted)
