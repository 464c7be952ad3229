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
# The tone of what a drawing is not about.
QUIET = 5
# Tones that stand out from the paper by themselves, for series of equal weight.
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
    """A place of a flow. `column` puts it from left to right; `heavy`: it is what the drawing is about."""

    name: str
    label: str
    column: int = 0
    tone: int = 0


@dataclass(frozen=True)
class FlowLink:
    """What flows from one place to another."""

    source: str
    target: str
    value: int
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One drawing: `bars` (vertical), `rows` (horizontal bars), `line`, `sankey` or `graph`.

    `title` says what is drawn, `unit` how its numbers are written, `note` how it is read. Bars are stacked;
    `logarithmic` is for counts that span powers of ten.
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
        """What the script draws, as plain JSON values."""
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
        """The same numbers as text: a heading, and lines whose cells after the names are figures.

        Categories in which everything is 0 are left out; `names` cells come first.
        """
        if self.links:
            labels = {node.name: node.label for node in self.nodes}
            flows = [[labels[k.source], labels[k.target], shown(k.value, self.unit)] for k in self.links]
            return ["From", "To", "Amount" if self.unit == "money" else "Count"], flows
        lines = [
            [category, *(shown(series.values[place], self.unit) for series in self.series)]
            for place, category in enumerate(self.categories)
            if any(series.values[place] for series in self.series)
        ]
        return [self.heading, *(series.name for series in self.series)], lines

    @property
    def names(self) -> int:
        """How many cells of a line of the table are names."""
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
    """A measure per day, on all business days; one series, or one per value of a column, in the order of `tones`."""
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
    """Rows of (category, series, count) as stacked bars, the largest category first; the small ones are one bar.

    Series stand in the order of `tones`. Those of the quiet tone do not count for the order of the categories, unless
    nothing else does.
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
    """(day, stored, computed) of an account as two lines; where they differ, the script marks the day."""
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
    """Names with their tones, which no filter changes; those without a tone of their own have the first."""
    known = [(name, tone) for name, tone in tones.items() if name in names]
    return known + [(name, 0) for name in sorted(names - tones.keys())]
