"""Checks that each filled view stores the rows that its definition returns now."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from seedbed.bank.model import Bank
from seedbed.databases.definitions import altered_views, columns_of
from seedbed.databases.reader import Database
from seedbed.views import VIEWS, View, sort_of
from seedbed.views.macros import Macros, macros_named
from seedbed.views.sql import Sql
from seedbed.write.engines import engine_of, imported

__all__ = ["duckdb_sum", "mysql_sum", "postgresql_sum", "sqlite_sum", "stale_views", "views_behind"]


def stale_views(
    database: Database, sql: Sql, altered: Iterable[str], names: Iterable[str] | None = None
) -> list[str]:
    """The filled views, all or those of these names, whose rows differ from what their SELECT returns now.

    A SELECT over other filled views reads their present rows, so that each view is judged alone. A view that is
    altered, or reads an `altered` view, is left out. Each comparison costs as much as filling the view, and a digest
    of both sides.
    """
    macros, altered, wanted = macros_named(database.dialect), tuple(altered), None if names is None else set(names)
    return [
        view.name
        for view in VIEWS
        if (wanted is None or view.name in wanted)
        and sort_of(view, macros) != "VIEW"
        and not any(name == view.name or sql.name(name) in view.text(sql) for name in altered)
        and not _same_rows(database, sql, macros, view)
    ]


def views_behind(database: Database, bank: Bank, names: Collection[str] | None = None) -> list[str]:
    """The outdated views among those with these names (default: all). They are altered or have stale rows."""
    sql = Sql(bank, macros_named(database.dialect))
    altered = altered_views(database, sql, names)
    return [*altered, *stale_views(database, sql, altered, names)]


def _same_rows(database: Database, sql: Sql, macros: Macros, view: View) -> bool:
    """Whether the two sides have the same rows, equally often, in any order."""
    columns = columns_of(database, f"SELECT * FROM {sql.name(view.name)}")
    digest: Callable[[Database, str, list[str]], tuple[Any, ...]] = imported(engine_of(database.dialect).row_sum)

    def of(select: str) -> tuple[Any, ...]:
        return digest(database, select, [macros.quoted(column) for column in columns])

    return of(f"SELECT * FROM {sql.name(view.name)}") == of(view.text(sql))


# ---- the number of rows, and a sum over them of a hash of each ------------------------------------------------


def duckdb_sum(database: Database, select: str, _columns: list[str]) -> tuple[Any, ...]:
    """In DuckDB."""
    return database.rows(f"SELECT COUNT(*), SUM(hash(q)) FROM ({select}) q")[0]


def postgresql_sum(database: Database, select: str, _columns: list[str]) -> tuple[Any, ...]:
    """In PostgreSQL."""
    return database.rows(f"SELECT COUNT(*), SUM(hashtextextended(q::text, 0)) FROM ({select}) q")[0]


def mysql_sum(database: Database, select: str, columns: list[str]) -> tuple[Any, ...]:
    """In MySQL and MariaDB."""
    cells = ", ".join(f"QUOTE({column})" for column in columns)
    number = f"CAST(CONV(SUBSTRING(MD5(CONCAT_WS(',', {cells})), 1, 15), 16, 10) AS UNSIGNED)"
    return database.rows(f"SELECT COUNT(*), SUM({number}) FROM ({select}) q")[0]


class _RowSum:
    """SQLite has no hash function, so this is Python's hash of each row, which is equal for 1 and 1.0.

    It is equal for -1 and -2, too, so a row with one of these is hashed as text.
    """

    def __init__(self) -> None:
        self._sum = 0

    def step(self, *cells: object) -> None:
        """Adds a row."""
        if -1 in cells or -2 in cells:
            self._sum += hash(
                repr([int(cell) if type(cell) is float and cell.is_integer() else cell for cell in cells])
            )
        else:
            self._sum += hash(cells)

    def finalize(self) -> str:
        """The sum as text, because it does not fit into SQLite's integers."""
        return str(self._sum)


def sqlite_sum(database: Database, select: str, columns: list[str]) -> tuple[Any, ...]:
    """In SQLite."""
    database.connection.create_aggregate("seedbed_rows", len(columns), _RowSum)
    return database.rows(f"SELECT COUNT(*), seedbed_rows({', '.join(columns)}) FROM ({select}) q")[0]
