"""Charts as data: turns numbers into the input of the chart script and into a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from seedbed.dashboard.figures import shown
from seedbed.dashboard.ledger import VALUE, Kind, Scalar, whole
from seedbed.dashboard.selection import Selection

__all__ = [
    "QUIET",
    "STRONG",
    "Chart",
    "FlowLink",
    "FlowNode",
    "Series",
    "balance_line",
    "business_days",
    "by_category",
    "by_day",
]

MAX_CATEGORIES = 40
OTHERS = "all others"
# The tone of series and nodes in the background.
QUIET = 5
# Tones that all stand out from the paper, for series that matter equally.
STRONG = (0, 1, 3, 6, 4)
ONE_TONE: Mapping[str, int] = {}


@dataclass(frozen=True)
class Series:
    """One series of a chart with categories; money in cents. `tone` chooses the colour, 0 is the accent."""

    name: str
    values: tuple[int, ...]
    tone: int = 0


@dataclass(frozen=True)
class FlowNode:
    """One end of a flow. Columns count from left to right; `tone` chooses the colour."""

    name: str
    label: str
    column: int = 0
    tone: int = 0


@dataclass(frozen=True)
class FlowLink:
    """A flow from one node to another; `strong` draws it in the colour of tone 1."""

    source: str
    target: str
    value: int
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One drawing: `bars` (vertical), `rows` (horizontal bars), `line`, `sankey` or `graph`.

    `unit` is the format of its numbers; `note` tells how to read it. Bars are stacked; `logarithmic` is for counts
    that span powers of ten.
    """

    shape: str
    title: str
    unit: Kind = "count"
    heading: str = "Day"
    categories: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    nodes: tuple[FlowNode, ...] = ()
    links: tuple[FlowLink, ...] = ()
    logarithmic: bool = False
    note: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.links and not any(value for series in self.series for value in series.values)

    def data(self) -> dict[str, Any]:
        """The input of the chart script, as plain JSON values."""
        return {
            "shape": self.shape,
            "title": self.title,
            "unit": self.unit,
            "logarithmic": self.logarithmic,
            "categories": self.categories,
            "series": [{"name": s.name, "values": s.values, "tone": s.tone} for s in self.series],
            "nodes": [{"name": n.name, "label": n.label, "column": n.column, "tone": n.tone} for n in self.nodes],
            "links": [
                {"source": k.source, "target": k.target, "value": k.value, "strong": k.strong} for k in self.links
            ],
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The same numbers as a table of text: its heading and its lines.

        A line begins with `names` cells of names; the others are numbers. Categories whose values are all 0 are
        left out.
        """
        if self.links:
            labels = {node.name: node.label for node in self.nodes}
            flows = [[labels[k.source], labels[k.target], shown(k.value, self.unit)] for k in self.links]
            return ["From", "To", "Amount" if self.unit == "money" else "Count"], flows
        lines = [
            [category, *(shown(series.values[index], self.unit) for series in self.series)]
            for index, category in enumerate(self.categories)
            if any(series.values[index] for series in self.series)
        ]
        return [self.heading, *(series.name for series in self.series)], lines

    @property
    def names(self) -> int:
        """The number of cells with names in each line of the table."""
        return 2 if self.links else 1


def business_days(selection: Selection) -> list[date]:
    """The business days of the balances, within the filtered range."""
    filters, s = selection.state.filters, selection.source.sql
    predicates, values = ["1 = 1"], list[Scalar]()
    for name, comparison in (("from", ">="), ("to", "<=")):
        if name in filters and name in selection.sheet.where:
            predicates.append(f"business_day {comparison} {VALUE}")
            values.append(filters[name])
    text = f"SELECT DISTINCT business_day FROM {s.name('account_days')} WHERE {' AND '.join(predicates)} ORDER BY 1"
    return [date.fromisoformat(str(day)[:10]) for (day,) in selection.source.rows(text, values)]


def by_day(
    selection: Selection,
    title: str,
    measure: str,
    *,
    day: str = "business_day",
    series: str = "",
    tones: Mapping[str, int] = ONE_TONE,
    unit: Kind = "count",
) -> Chart:
    """A measure for every business day, as one series or as one per value of the column `series`.

    Series stand in the order of `tones`.
    """
    name = series or "''"
    grouped = f"GROUP BY {day}, {series}" if series else f"GROUP BY {day}"
    found = selection.aggregate(f"{day}, {name}, {measure}", ["day", "word", unit], grouped)
    days = sorted({*business_days(selection), *(row[0] for row in found if isinstance(row[0], date))})
    cells = {(row[0], str(row[1])): row[2] for row in found}
    drawn = tuple(
        Series(shown(name, "word") if series else title, tuple(whole(cells.get((d, name), 0)) for d in days), tone)
        for name, tone in _toned({str(row[1]) for row in found}, tones)
    )
    return Chart(shape="bars", title=title, unit=unit, categories=tuple(d.isoformat() for d in days), series=drawn)


def by_category(
    rows: Iterable[tuple[Scalar, ...]],
    title: str,
    heading: str,
    tones: Mapping[str, int] = ONE_TONE,
    shape: str = "bars",
) -> Chart:
    """Rows of (category, series, count) as stacked bars, the largest category first.

    Beyond `MAX_CATEGORIES` the smallest categories share one bar. Series stand in the order of `tones`. Series of the
    quiet tone decide the order of two categories only if all others are equal.
    """
    totals: dict[str, list[int]] = {}
    cells: dict[tuple[str, str], int] = {}
    for category, series, value in rows:
        count, cell = whole(value), (str(category), str(series))
        cells[cell] = cells.get(cell, 0) + count
        sums = totals.setdefault(str(category), [0, 0])
        sums[tones.get(str(series)) == QUIET] -= count
    ranked = sorted(totals, key=lambda category: (totals[category], category))
    kept = ranked if len(ranked) <= MAX_CATEGORIES else ranked[: MAX_CATEGORIES - 1]
    rest = ranked[len(kept) :]
    drawn = []
    for name, tone in _toned({series for _, series in cells}, tones):
        values = [cells.get((category, name), 0) for category in kept]
        if rest:
            values.append(sum(cells.get((category, name), 0) for category in rest))
        drawn.append(Series(shown(name, "word"), tuple(values), tone))
    return Chart(
        shape=shape,
        title=title,
        unit="count",
        heading=heading,
        categories=(*kept, *([OTHERS] if rest else [])),
        series=tuple(drawn),
    )


def balance_line(account: str, days: Iterable[Sequence[Scalar]]) -> Chart:
    """The stored and the computed balance of an account as two lines; the script marks each day on which they differ.

    `days` are (day, stored, computed).
    """
    found = [(str(day), whole(stored), whole(computed)) for day, stored, computed in days]
    stored, computed = tuple(one for _, one, _ in found), tuple(other for *_, other in found)
    return Chart(
        shape="line",
        title=f"Balance of {account} at the end of each business day",
        unit="money",
        categories=tuple(day for day, _, _ in found),
        series=(Series("Stored", stored, 0), Series("Computed", computed, 1)),
        note="" if stored == computed else "A dot marks a day that drifts.",
    )


def _toned(names: set[str], tones: Mapping[str, int]) -> list[tuple[str, int]]:
    """Names with their tones. A name has the same tone under any filter; one that `tones` lacks has tone 0."""
    known = [(name, tone) for name, tone in tones.items() if name in names]
    return known + [(name, 0) for name in sorted(names - tones.keys())]
