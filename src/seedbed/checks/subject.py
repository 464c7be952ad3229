"""The subject of a check: one instance in an open database, its facts, its answer key, and its SQL names."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from seedbed.bank.findings import finding_remarks
from seedbed.bank.links import chain_name
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank, Chain
from seedbed.databases.definitions import altered_views
from seedbed.databases.reader import Database, stored_facts, table_names
from seedbed.errors import InputError, TargetError
from seedbed.ledger.columns import ANSWER_KEY, TABLES
from seedbed.ledger.dataset import Dataset
from seedbed.ledger.sql import double_quoted
from seedbed.program.outline import Outline, outline
from seedbed.scenario.plants import ScenarioPlant
from seedbed.views import EXCEPTION_VIEWS, VIEWS
from seedbed.views.macros import macros_named
from seedbed.views.sql import Sql
from seedbed.write.facts import generated_as_of, is_generated, moment_of

__all__ = ["AnswerLine", "Subject", "UnreadableViewError"]


class UnreadableViewError(TargetError):
    """An assertion reads an altered view. The message names the view and the reason."""


@dataclass(frozen=True, kw_only=True)
class AnswerLine:
    """One line of the answer key, as `ledger.columns.ANSWER_KEY` explains it."""

    plant_id: str
    kind: str
    label: str
    difficulty: str
    item: str
    place: str
    key: str


class Subject:
    """An instance in a database. Each fact about it is read once."""

    def __init__(self, database: Database, instance: str, shown_url: str = "URL") -> None:
        """`shown_url` is the name of the database in messages."""
        self.database = database
        self.instance = instance
        self.shown_url = shown_url
        self.facts: Mapping[str, Any] = stored_facts(database, instance) or {}
        key_is_there = f"{instance}_{ANSWER_KEY.name}" in table_names(database)
        self.has_answer_key = key_is_there and self.facts.get("answer_lines") is not None

    # ---- what can be asked --------------------------------------------------------------------------------------

    @property
    def has_bank(self) -> bool:
        """Whether the dataset row names the bank."""
        return self.facts.get("bank") is not None

    @property
    def is_generated(self) -> bool:
        """Whether the facts are those of a generated dataset."""
        return is_generated(self.facts)

    @cached_property
    def has_rows(self) -> bool:
        """Whether there is a leg or a balance. A generated dataset always counts: its facts have the numbers."""
        counts = (f"SELECT COUNT(*) FROM {double_quoted(f'{self.instance}_{table.name}')}" for table in TABLES)
        return self.is_generated or any(rows != [(0,)] for rows in map(self.rows, counts))

    @cached_property
    def as_of(self) -> datetime | None:
        """The as-of of the views, if one is stored."""
        return moment_of(self.facts)

    @cached_property
    def moved(self) -> bool:
        """Whether the as-of of a generated dataset was moved away from that of its answer key."""
        if not self.is_generated:
            return False
        try:
            return self.as_of != generated_as_of(self.facts)
        except ValueError as error:
            raise InputError(f"{self.instance}_dataset: the anchor is not a date ({error})") from error

    @cached_property
    def altered(self) -> Mapping[str, str]:
        """The altered views, each with the reason."""
        return altered_views(self.database, self.sql)

    @cached_property
    def unreadable(self) -> Mapping[str, str]:
        """The views that are altered or read an altered view, each with the reason. Empty if the bank is unknown."""
        if not self.has_bank or not self.altered:
            return {}
        found = dict[str, str]()
        for view in VIEWS:
            if view.name in self.altered:
                found[view.name] = f"{view.name} {self.altered[view.name]}"
            elif through := next((name for name in found if self.sql.name(name) in view.text(self.sql)), None):
                found[view.name] = f"{view.name} reads another view: {found[through]}"
        return found

    # ---- the dataset row ----------------------------------------------------------------------------------------

    @cached_property
    def bank(self) -> Bank:
        """The bank in the dataset row."""
        return parse_instance_text(self.facts["bank"], f"{self.instance}_dataset.bank")

    @cached_property
    def dataset(self) -> Dataset:
        """The facts from which the rows were made. Raises `InputError` for an invalid fact."""
        facts = self.facts
        try:
            anchor = date.fromisoformat(facts["anchor"])
        except ValueError as error:
            raise InputError(f"{self.instance}_dataset: the anchor is not a date ({error})") from error
        scenario = None
        if facts["scenario"] is not None:
            scenario = ScenarioPlant.from_json(self._parsed("scenario"), anchor, facts["window_days"])
        accounts = self._parsed("accounts")
        if not isinstance(accounts, dict):
            raise InputError(f"{self.instance}_dataset: accounts is not a JSON object")
        return Dataset(
            bank=self.bank,
            anchor=anchor,
            window_days=facts["window_days"],
            seed=facts["seed"],
            version=facts["version"],
            accounts=accounts,
            scenario=scenario,
        )

    def _parsed(self, fact: str) -> Any:
        try:
            return json.loads(self.facts[fact])
        except (TypeError, ValueError) as error:
            raise InputError(f"{self.instance}_dataset: {fact} is not JSON") from error

    @cached_property
    def outline(self) -> Outline:
        """The expected volumes of the dataset."""
        facts = self.dataset
        return outline(facts.bank, facts.anchor, facts.window_days, facts.accounts, facts.seed)

    @cached_property
    def structural(self) -> Mapping[str, frozenset[str]]:
        """The names of the elements of each structural finding, by rule. A chain has its `chain_name`."""
        found: dict[str, set[str]] = {}
        for remark in finding_remarks(self.bank, self.dataset.accounts):
            if len(remark.path) > 1:
                element = getattr(self.bank, str(remark.path[0]))[remark.path[1]]
                name = chain_name(element.parent, element.child) if isinstance(element, Chain) else None
                found.setdefault(remark.rule, set()).add(name or str(getattr(element, "name", "")))
        return {rule: frozenset(names) for rule, names in found.items()}

    # ---- the answer key and the views ---------------------------------------------------------------------------

    @cached_property
    def answer_key(self) -> list[AnswerLine]:
        """The lines of the answer key that name a row or a view. Empty without an answer key."""
        if not self.has_answer_key:
            return []
        fields = tuple(AnswerLine.__dataclass_fields__)
        columns, name = ", ".join(map(double_quoted, fields)), self.name(ANSWER_KEY.name)
        lines = self.rows(f"SELECT {columns} FROM {name} ORDER BY line")
        return [AnswerLine(**dict(zip(fields, line, strict=True))) for line in lines]

    def listed(self, view: str) -> set[str]:
        """The keys that must surface in a view."""
        return self._listed.get(view, set())

    @cached_property
    def _listed(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in self.answer_key:
            if line.item in ("view", "collateral"):
                found.setdefault(line.place, set()).add(line.key)
        return found

    def surfaced(self, view: str) -> Counter[str]:
        """The keys that an exception view has, with the number of rows that name each.

        Raises `UnreadableViewError` as `name` does.
        """
        self.name(view)
        return self._surfaced[view]

    @cached_property
    def _surfaced(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {view: Counter() for view in EXCEPTION_VIEWS if view not in self.unreadable}
        parts = (f"SELECT '{view}', view_key FROM {self.name(view)}" for view in found)
        for view, key in self.rows(" UNION ALL ".join(parts)):
            found[view][key] += 1
        return found

    # ---- SQL ----------------------------------------------------------------------------------------------------

    @cached_property
    def sql(self) -> Sql:
        """The names and macros of this bank's SQL in this engine."""
        return Sql(self.bank, macros_named(self.database.dialect))

    def name(self, plain: str) -> str:
        """The quoted name of one of the instance's tables or views.

        Raises `UnreadableViewError` for a view whose rows cannot be trusted. The assertion is then not asked.
        """
        if plain in self.unreadable:
            raise UnreadableViewError(self.unreadable[plain])
        return double_quoted(f"{self.instance}_{plain}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.database.rows(query)
