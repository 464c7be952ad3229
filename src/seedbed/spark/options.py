"""The options of a Spark read: turns their text into values, with the names and rules of `data apply`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from seedbed.bank.text import suggestion
from seedbed.cli.options import (
    MODES,
    AccountsType,
    AnchorType,
    PlantsType,
    ScenarioOptions,
    WholeNumberType,
    account_counts,
)
from seedbed.errors import InputError, one_line
from seedbed.ledger.columns import ANSWER_KEY, TABLES

__all__ = ["FIRST_PASS", "ReadOptions", "read_options"]

# The table that `first_pass` reads: one row per group of blocks, with its shares.
FIRST_PASS = "first_pass"
TABLE_NAMES = (*(table.name for table in TABLES), ANSWER_KEY.name)


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The options of one read. Every field is an option of that name; None means the default."""

    instance: str = ""
    table: str = TABLES[0].name
    anchor: date | None = None
    window_days: int = 90
    accounts: Mapping[str, int] = field(default_factory=dict)
    seed: int = 42
    baseline_only: bool = False
    mode: str | None = None
    plants: dict[str, int] | None = None
    scenario: str | None = None
    blend: bool = False
    coverage: str | None = None
    partitions: int | None = None
    first_pass: str | None = None

    @property
    def planting(self) -> ScenarioOptions:
        """The options about plants."""
        return ScenarioOptions(
            mode=self.mode, plants=self.plants, scenario=self.scenario, blend=self.blend, coverage=self.coverage
        )


def read_options(given: Mapping[str, str]) -> ReadOptions:
    """Reads the options of a read. Names may have hyphens or underscores.

    Raises InputError with every problem: unknown names, wrong values, options that exclude each other, no instance.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for written, text in given.items():
        name = written.lower().replace("-", "_")
        if name not in READERS:
            near = suggestion(name, READERS)
            wrong.append(f"unknown option {one_line(written)!r}{near}")
            continue
        try:
            values[name] = READERS[name](text)
        except InputError as error:
            wrong.append(str(error))
    options = ReadOptions(**values)
    if not options.instance:
        wrong.append("instance: give a bank file, or the name of a bundled bank")
    if options.scenario is not None and options.planting != ScenarioOptions(scenario=options.scenario):
        wrong.append("scenario: it lists all plants; remove the other options about plants")
    if options.baseline_only and options.planting != ScenarioOptions():
        wrong.append("baseline_only: it plants nothing; remove the options about plants")
    if wrong:
        raise InputError("\n".join(wrong))
    return options


def _one_of(name: str, *choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            near = suggestion(text, choices)
            raise InputError(f"{name}: {one_line(text, 40)!r} is not one of {', '.join(choices)}{near}")
        return text

    return read


def _flag(name: str) -> Callable[[str], bool]:
    choose = _one_of(name, "true", "false")
    return lambda text: choose(text.lower()) == "true"


def _accounts(text: str) -> Mapping[str, int]:
    """ROLE=N,ROLE=N. Only a comma after a digit ends an item, because a role may have a comma in its name."""
    pairs = re.split(r"(?<=[0-9]),", text)
    return account_counts(tuple(AccountsType().convert(pair.strip(), None, None) for pair in pairs))


def _partitions(text: str) -> int:
    partitions = WholeNumberType("partitions").convert(text, None, None)
    if partitions < 1:
        raise InputError("partitions: give at least 1")
    return partitions


READERS: dict[str, Callable[[str], Any]] = {
    "instance": str,
    "table": _one_of("table", *TABLE_NAMES, FIRST_PASS),
    "anchor": lambda text: AnchorType().convert(text, None, None),
    "window_days": lambda text: WholeNumberType("window_days").convert(text, None, None),
    "accounts": _accounts,
    "seed": lambda text: WholeNumberType("seed", signed=True).convert(text, None, None),
    "baseline_only": _flag("baseline_only"),
    "mode": _one_of("mode", *MODES),
    "plants": lambda text: PlantsType().convert(text, None, None),
    "scenario": str,
    "blend": _flag("blend"),
    "coverage": _one_of("coverage", "full"),
    "partitions": _partitions,
    "first_pass": str,
}
assert list(READERS) == [option.name for option in fields(ReadOptions)]
