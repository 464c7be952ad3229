"""Queries the rows of one sheet in one state: figures, pages of rows, and other aggregates over the filtered rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from seedbed.dashboard.ledger import VALUE, Kind, OpenLedger, Scalar, plain, whole
from seedbed.dashboard.sheets import Figure, Sheet, SortOrder
from seedbed.dashboard.state import State, day_bounds, read_cursor, written_cursor
from seedbed.databases.reader import table_names
from seedbed.ledger.columns import ANSWER_KEY

__all__ = ["PAGE_ROWS", "Answer", "Page", "Row", "Selection"]

PAGE_ROWS = 50
Row = dict[str, Scalar]
# The items of answer key lines about rows of views.
SURFACING = "'view', 'collateral'"
BASE = ("transactions", "daily_balances")
# The names in braces by which predicates of sheets refer to other views.
TABLES = {
    "legs": "current_transactions",
    "days": "account_days",
    "trail": "money_trail",
    "off_net": "transfer_net",
    "choices": "leg_xor_exceptions",
    "chains": "chain_exceptions",
    "fan_ins": "fan_in_exceptions",
}


@dataclass(frozen=True)
class Page:
    """Some rows of a table in order. `first` is the number of the first row, `after` the cursor of the next page."""

    rows: list[Row]
    first: int
    after: str


@dataclass(frozen=True)
class Answer:
    """A line of the answer key about one row."""

    plant_id: str
    kind: str
    label: str


class Selection:
    """The rows of a sheet that pass the filters of a state.

    `asked` is the state of the request. `state` adds the account that the sheet chooses if no account is asked for.
    """

    def __init__(self, source: OpenLedger, sheet: Sheet, state: State) -> None:
        self.source = source
        self.sheet = sheet
        self.asked = state
        self.state = state
        if sheet.chosen and "account" not in state.filters:
            chosen = sheet.chosen(self)
            self.state = state.filtered(account=chosen) if chosen else state

    # ---- queries ------------------------------------------------------------------------------------------------

    @cached_property
    def _filter(self) -> tuple[str, list[Scalar]]:
        predicates, values = ["1 = 1"], list[Scalar]()
        for name, value in self.state.filters.items():
            predicate = self.sheet.where.get(name)
            if predicate is not None:
                s = self.source.sql
                tables = {word: s.name(view) for word, view in TABLES.items()}
                predicates.append("(" + predicate.format(value=VALUE, **tables) + ")")
                values += [self._bound(name, value)] * predicate.count("{value}")
        return " AND ".join(predicates), values

    def _bound(self, name: str, value: str | date) -> Scalar:
        """The value that a filter compares with. For a sheet that compares moments a day becomes its start or end."""
        if isinstance(value, date) and self.sheet.dates == "moment":
            start, end = day_bounds(value)
            return end if name == "to" else start
        return value

    @cached_property
    def filtered(self) -> str:
        """The filtered rows of the relation as a subquery; `values` go with it."""
        return f"(SELECT * FROM ({self.sheet.relation(self.source.sql)}) whole WHERE {self._filter[0]}) b"

    @cached_property
    def shown(self) -> str:
        """The rows of the table as a subquery; `values` go with it."""
        if self.sheet.grouped is None:
            return self.filtered.removesuffix("b") + "r"
        select, group = self.sheet.grouped(self.source.sql)
        return f"(SELECT {select} FROM {self.filtered} GROUP BY {group}) r"

    @property
    def values(self) -> list[Scalar]:
        """The values of `shown`."""
        return self._filter[1]

    def aggregate(
        self, select: str, kinds: Sequence[Kind], tail: str = "", rows: str | None = None
    ) -> list[tuple[Scalar, ...]]:
        """The rows of `SELECT select FROM rows tail`, as plain values of these kinds. `rows` defaults to `shown`."""
        found = self.source.rows(f"SELECT {select} FROM {rows or self.shown} {tail}", self.values)
        return [tuple(plain(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in found]

    def first_figure(self) -> Scalar:
        """The first figure alone. A count over no rows is 0."""
        figure = self.sheet.figures[0]
        ((found,),) = self.aggregate(figure.text(self.source.sql), [figure.kind])
        return _counted(found, figure)

    def figures(self) -> list[Scalar]:
        """The sheet's figures, in order. A count over no rows is 0."""
        return [_counted(found, figure) for found, figure in zip(self._totals, self.sheet.figures, strict=False)]

    @property
    def size(self) -> int:
        """The number of rows."""
        return whole(self._totals[-1])

    @cached_property
    def _totals(self) -> tuple[Scalar, ...]:
        """All figures and the number of rows, from one query."""
        figures = self.sheet.figures
        select = ", ".join([*(figure.text(self.source.sql) for figure in figures), "COUNT(*)"])
        (found,) = self.aggregate(select, [*(figure.kind for figure in figures), "count"])
        return found

    # ---- rows ---------------------------------------------------------------------------------------------------

    def page(self, limit: int = PAGE_ROWS, after: str | None = None) -> Page:
        """The rows after the cursor `after`, by default the state's. The last page has an empty `after`.

        Raises `InputError` for a cursor of another table.
        """
        order = self.sheet.order
        cursor = self.state.after if after is None else after
        position, last = read_cursor(cursor, [item.kind for item in order]) if cursor else (0, [])
        beyond, values = _beyond(order, last) if last else ("1 = 1", [])
        kinds = self._kinds
        ordered = ", ".join(f"{item.name} {'DESC' if item.descending else 'ASC'}" for item in order)
        text = f"SELECT {', '.join(kinds)} FROM {self.shown} WHERE {beyond} ORDER BY {ordered} LIMIT {limit + 1}"
        found = self.source.rows(text, [*self.values, *values])
        rows = [self._row(values) for values in found[:limit]]
        more = len(found) > limit
        following = self.cursor(position + len(rows), rows[-1]) if more else ""
        return Page(rows, position + 1, following)

    def picked(self) -> Row | None:
        """The row that the state picks, else the first row of the table. None if the table is empty."""
        kinds = [item.kind for item in self.sheet.order]
        if self.state.pick:
            _, values = read_cursor(self.state.pick, kinds)
            same = " AND ".join(f"{item.name} = {VALUE}" for item in self.sheet.order)
            text = f"SELECT {', '.join(self._kinds)} FROM {self.shown} WHERE {same}"
            found = self.source.rows(text, [*self.values, *values])
            if found:
                return self._row(found[0])
        rows = self.page(1, after="").rows
        return rows[0] if rows else None

    def cursor(self, position: int, row: Row) -> str:
        """The cursor of a row. A state that picks the row holds it, too."""
        return written_cursor(position, [row[item.name] for item in self.sheet.order])

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        sheet = self.sheet
        kinds = {item.name: item.kind for item in sheet.order} | {c.name: c.kind for c in sheet.columns}
        kinds |= {c.account: "text" for c in sheet.columns if c.leads == "account_day"}
        return kinds | ({"place": "text", "view_key": "text"} if sheet.places else {})

    def _row(self, values: Sequence[Any]) -> Row:
        return {name: plain(value, kind) for (name, kind), value in zip(self._kinds.items(), values, strict=True)}

    # ---- the answer key -----------------------------------------------------------------------------------------

    @cached_property
    def has_answer_key(self) -> bool:
        """Whether the ledger has an answer key with lines about this sheet's rows."""
        if not self.sheet.places or self.source.facts.get("answer_lines") is None:
            return False
        return f"{self.source.bank.instance}_{ANSWER_KEY.name}" in table_names(self.source.database)

    def answers(self, rows: Sequence[Row]) -> list[Answer | None]:
        """The first line of the answer key about each of these rows; None for a row without one."""
        if not rows:
            return []
        keys = list(dict.fromkeys(row["view_key"] for row in rows))
        found = self.source.rows(
            f"SELECT place, key, plant_id, kind, label FROM {self.source.sql.name(ANSWER_KEY.name)}"
            f" WHERE {self._surfacing} AND key IN ({', '.join([VALUE] * len(keys))}) ORDER BY line",
            keys,
        )
        first: dict[tuple[str, str], Answer] = {}
        for place, key, *rest in found:
            first.setdefault((place, key), Answer(*rest))
        return [first.get((str(row["place"]), str(row["view_key"]))) for row in rows]

    def judgement(self) -> tuple[int, int, int | None]:
        """The numbers of listed rows, of rows that are not listed, and of lines of the answer key without a row.

        The answer key cannot be filtered, so the third number is None if a filter is set.
        """
        name = self.source.sql.name(ANSWER_KEY.name)
        lines = f"SELECT DISTINCT place, key FROM {name} WHERE {self._surfacing}"
        text = f"SELECT COUNT(*) FROM {self.shown} JOIN ({lines}) k ON k.place = r.place AND k.key = r.view_key"
        ((listed,),) = self.source.rows(text, self.values)
        ((expected,),) = self.source.rows(f"SELECT COUNT(*) FROM ({lines}) k")
        filtered = any(name in self.sheet.where for name in self.state.filters)
        return int(listed), self.size - int(listed), None if filtered else int(expected) - int(listed)

    @property
    def is_of_views(self) -> bool:
        """Whether the sheet shows rows of views. Else it shows rows of the base tables."""
        return not set(self.sheet.places) <= set(BASE)

    @property
    def _surfacing(self) -> str:
        items = SURFACING if self.is_of_views else "'row'"
        return f"item IN ({items}) AND place IN ({self.source.sql.names(self.sheet.places)})"

    def narrowed(self, **filters: str | date | None) -> "Selection":
        """This selection with other filters."""
        return Selection(self.source, self.sheet, replace(self.state.filtered(**filters), after="", pick=""))


def _counted(value: Scalar, figure: Figure) -> Scalar:
    return 0 if value is None and figure.kind == "count" else value


def _beyond(order: Sequence[SortOrder], last: Sequence[Scalar]) -> tuple[str, list[Scalar]]:
    """The predicate of all rows after the row with the values `last`, and the values of the predicate."""
    alternatives, values = [], list[Scalar]()
    for index, item in enumerate(order):
        same = [f"{earlier.name} = {VALUE}" for earlier in order[:index]]
        alternatives.append(
            "(" + " AND ".join([*same, f"{item.name} {'<' if item.descending else '>'} {VALUE}"]) + ")"
        )
        values += [*last[:index], last[index]]
    return " OR ".join(alternatives), values
