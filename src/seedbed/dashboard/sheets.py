"""The definition of a sheet: its texts, views, figures, chart, columns and filters."""

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

    `name` is the column of the relation, `title` a term of the glossary, `kind` the format of the values.

    `leads` names the page to which a cell links: `account` (the account's statement), `account_day` (the account is
    in column `account`), `transfer`, `key` (the row that the view key names) or `pick` (the chart of this row).
    `exception` marks a column that counts exceptions; 0 is healthy there.
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

    `exception` marks a figure that counts exceptions; 0 is healthy there.
    """

    title: str
    text: Callable[[Sql], str]
    kind: Kind = "count"
    exception: bool = False


@dataclass(frozen=True)
class SortOrder:
    """One column by which a table is sorted. The sort columns of a table together identify a row."""

    name: str
    kind: Kind = "text"
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet.

    `views` are the views that it shows. `relation` makes the SELECT of its rows. `grouped`, if given, makes the table
    from the filtered rows: it returns the columns to select and those to group by.

    `where` has a predicate for each filter that the sheet uses; `{value}` stands for the value. `dates` tells whether
    the predicates compare days or moments. `names_templates`: the rail filter accepts transfer templates, too.

    `places` are the places in the answer key that list the sheet's rows. If there are any, the relation has the
    columns `place` and `view_key`.

    `chosen` is for a sheet about one account: it finds the account to show if the filter names none. `nothing` is the
    sentence for an empty table of a sheet that should have rows.
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
        """Whether the sheet lists exceptions, so that an empty table is healthy."""
        return self.figures[0].exception and self.figures[0].text is rows


@dataclass(frozen=True)
class App:
    """A group of sheets."""

    slug: str
    title: str
    sentence: str
    sheets: tuple[Sheet, ...]
