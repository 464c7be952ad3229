"""The definition of a sheet: its texts, its view, its figures, its chart, its columns, its filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seedbed.dashboard.aggregates import rows
from seedbed.dashboard.ledger import Kind
from seedbed.views.sql import Sql

if TYPE_CHECKING:
    from seedbed.dashboard.charts import Chart
    from seedbed.dashboard.selection import Selection

__all__ = ["App", "Figure", "Sheet", "SheetColumn", "SortOrder"]


@dataclass(frozen=True, kw_only=True)
class SheetColumn:
    """One column of a table.

    `name` is the relation's column, `title` a term of the glossary, `kind` how values are written; `leads`: what a
    cell leads to: `account` (its statement), `account_day` (with the account in column `account`), `transfer`, `key`
    (whichever the row's view key names) or `pick` (the row's own drawing). `exception`: it is what is wrong, so 0 is
    healthy.
    """

    name: str
    title: str
    kind: Kind = "text"
    leads: str = ""
    account: str = "account_id"
    exception: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure at the head of a sheet: `text` makes an aggregate over the filtered rows.

    `exception`: it counts what is wrong, so 0 is healthy.
    """

    title: str
    text: Callable[[Sql], str]
    kind: Kind = "count"
    exception: bool = False


@dataclass(frozen=True)
class SortOrder:
    """One column by which a table is ordered; the columns of a table's order name each row."""

    name: str
    kind: Kind = "text"
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: a row of a table.

    `relation` makes the SELECT whose rows it shows; `where` has a predicate for each filter that applies, with
    `{value}` in the place of the value, and `dates` says whether days are compared with days or with moments. `views`
    are the views that it shows. Where the answer key can lie over its rows, the relation has the columns `place` and
    `view_key`, and `places` are the places of the answer key. `grouped` makes the table's rows of the filtered ones:
    what to select, and by what to group. `chosen` finds the account that is shown while none is asked for, on a sheet
    that is about one account. `names_templates`: its filter by rail takes transfer
    templates, too. `nothing` is said where there is no row and that is not what healthy looks like.
    """

    slug: str
    title: str
    sentence: str
    healthy: str
    views: tuple[str, ...]
    relation: Callable[[Sql], str]
    order: tuple[SortOrder, ...]
    columns: tuple[SheetColumn, ...]
    figures: tuple[Figure, ...]
    chart: Callable[["Selection"], "Chart | None"]
    where: Mapping[str, str] = field(default_factory=dict)
    dates: Kind = "day"
    places: tuple[str, ...] = ()
    grouped: Callable[[Sql], tuple[str, str]] | None = None
    chosen: Callable[["Selection"], str | None] | None = None
    names_templates: bool = False
    nothing: str = "This ledger has no such rows."

    @property
    def is_about_exceptions(self) -> bool:
        """Whether no rows at all is what healthy looks like."""
        return self.figures[0].exception and self.figures[0].text is rows


@dataclass(frozen=True)
class App:
    """Sheets that belong together."""

    slug: str
    title: str
    sentence: str
    sheets: tuple[Sheet, ...]
