"""The aggregates that sheets show, in the SQL of each engine. Sums are exact on every engine."""

from collections.abc import Callable

from seedbed.views.sql import Sql

__all__ = ["distinct", "extreme", "matching", "rows", "total"]

Aggregate = Callable[[Sql], str]


def rows(_sql: Sql) -> str:
    """The number of rows."""
    return "COUNT(*)"


def distinct(column: str) -> Aggregate:
    """The number of different values of a column."""
    return lambda _sql: f"COUNT(DISTINCT {column})"


def matching(predicate: str) -> Aggregate:
    """The number of rows for which a predicate holds."""
    return lambda _sql: f"COUNT(CASE WHEN {predicate} THEN 1 END)"


def total(money: str, predicate: str = "1 = 1", *, absolute: bool = False) -> Aggregate:
    """The sum of an amount, over the rows for which a predicate holds."""

    def text(s: Sql) -> str:
        amount = f"ABS({s.exact(money)})" if absolute else s.exact(money)
        return s.money(f"COALESCE(SUM(CASE WHEN {predicate} THEN {amount} ELSE 0 END), 0)")

    return text


def extreme(function: str, expression: str) -> Aggregate:
    """The MIN or MAX of an expression; null without rows."""
    return lambda _sql: f"{function}({expression})"
