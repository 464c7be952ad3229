"""SQL that differs between engines: one row of macros per dialect. All other text of the views is shared.

The views use only what MariaDB 10.11 has too: CASE inside aggregates, window functions without QUALIFY, common table
expressions at the front. A new engine is a new row here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from seedbed.errors import InputError
from seedbed.ledger.sql import backslashed, backticked, double_quoted, single_quoted
from seedbed.money import CENTS_PER_DOLLAR, EXPONENT

__all__ = ["MACROS", "Macros", "macros_named"]


def _pointer(key: str) -> str:
    """A key of a JSON object as a JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _dollar_path(key: str) -> str:
    """A key of a JSON object as a path of MySQL and MariaDB."""
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unchanged(key: str) -> str:
    return key


@dataclass(frozen=True, kw_only=True)
class Macros:
    """One engine's spellings; braces name the operands.

    `materialised` is the statement of a filled view: a materialised view or a table. `indexed` tells whether lookups
    in it need indexes. `exact` turns a stored amount into a number whose sums are exact (whole cents in SQLite, which
    has no decimals); `decimals` is the number of its decimals. `money` turns this number back into an amount, `cents`
    into whole cents in floating point. `has_text` tests whether a JSON object has a value other than null and '' at
    `path`, which `json_path` makes of a key. `all_filled` tells that every view stores its rows. This is so if a load
    renames its tables, because the text of a view does not follow the renaming. `row` is a row of VALUES.
    """

    name: str
    materialised: Literal["MATERIALIZED VIEW", "TABLE"]
    indexed: bool
    day: str
    day_text: str
    time: str
    midnight: str
    next_day: str
    earlier_hours: str
    earlier_seconds: str
    seconds_between: str
    cents: str
    whole: str
    ratio: str
    has_text: str
    text: str
    exact: str = "{money}"
    money: str = "({exact})"
    decimals: int = EXPONENT
    all_filled: bool = False
    row: str = "({values})"
    json_path: Callable[[str], str] = _unchanged
    analyze: str = ""
    quoted: Callable[[str], str] = double_quoted
    literal: Callable[[str], str] = single_quoted


def _mysql(name: str, row: str) -> Macros:
    return Macros(
        name=name,
        materialised="TABLE",
        indexed=True,
        day="CAST({at} AS DATE)",
        day_text="DATE_FORMAT({at}, '%Y-%m-%d')",
        time="CAST({at} AS TIME)",
        midnight="CAST(CAST({at} AS DATE) AS DATETIME)",
        next_day="({day} + INTERVAL 1 DAY)",
        earlier_hours="({at} - INTERVAL {hours} HOUR)",
        earlier_seconds="({at} - INTERVAL {seconds} SECOND)",
        seconds_between="TIMESTAMPDIFF(SECOND, {early}, {late})",
        cents=f"CAST(({{exact}}) * {CENTS_PER_DOLLAR} AS DOUBLE)",
        whole="CAST({number} AS SIGNED)",
        ratio="CAST(ROUND({number}, 4) AS DECIMAL(18, 4))",
        # As text, because JSON distinguishes null, '' and the word null.
        has_text="COALESCE(CAST(JSON_EXTRACT({json}, {path}) AS CHAR), 'null') NOT IN ('null', '\"\"')",
        text="CHAR(350)",
        json_path=_dollar_path,
        all_filled=True,
        row=row,
        analyze="ANALYZE TABLE {table}",
        quoted=backticked,
        literal=backslashed,
    )


MACROS = {
    macros.name: macros
    for macros in (
        Macros(
            name="postgresql",
            materialised="MATERIALIZED VIEW",
            indexed=True,
            day="CAST({at} AS date)",
            day_text="to_char({at}, 'YYYY-MM-DD')",
            time="CAST({at} AS time)",
            midnight="date_trunc('day', {at})",
            next_day="({day} + 1)",
            earlier_hours="({at} - interval '{hours} hours')",
            earlier_seconds="({at} - {seconds} * interval '1 second')",
            seconds_between="CAST(EXTRACT(EPOCH FROM ({late} - {early})) AS bigint)",
            cents=f"CAST(({{exact}}) * {CENTS_PER_DOLLAR} AS double precision)",
            whole="CAST({number} AS bigint)",
            ratio="ROUND(CAST({number} AS numeric), 4)",
            has_text="COALESCE(CAST({json} AS json) ->> {path}, '') <> ''",
            text="text",
            analyze="ANALYZE {table}",
        ),
        Macros(
            name="sqlite",
            materialised="TABLE",
            indexed=True,
            day="date({at})",
            day_text="date({at})",
            time="time({at})",
            midnight="(date({at}) || ' 00:00:00')",
            next_day="date({day}, '+1 day')",
            earlier_hours="datetime({at}, '-{hours} hours')",
            earlier_seconds="datetime({at}, '-' || ({seconds}) || ' seconds')",
            seconds_between="(CAST(strftime('%s', {late}) AS INTEGER) - CAST(strftime('%s', {early}) AS INTEGER))",
            cents="CAST({exact} AS REAL)",
            whole="CAST({number} AS INTEGER)",
            ratio="ROUND({number}, 4)",
            # Not json_extract: its paths cannot name every key.
            has_text=(
                "EXISTS (SELECT 1 FROM json_each({json}) AS item"
                " WHERE item.key = {path} AND item.type <> 'null' AND item.value <> '')"
            ),
            text="TEXT",
            exact=f"CAST(ROUND({{money}} * {CENTS_PER_DOLLAR}) AS INTEGER)",
            money=f"(({{exact}}) / {CENTS_PER_DOLLAR}.0)",
            decimals=0,
        ),
        Macros(
            name="duckdb",
            materialised="TABLE",
            indexed=False,  # columns are scanned faster than an index over millions of rows is built
            day="CAST({at} AS DATE)",
            day_text="strftime({at}, '%Y-%m-%d')",
            time="CAST({at} AS TIME)",
            midnight="CAST(CAST({at} AS DATE) AS TIMESTAMP)",
            next_day="({day} + 1)",
            earlier_hours="({at} - INTERVAL {hours} HOUR)",
            earlier_seconds="({at} - to_seconds({seconds}))",
            seconds_between="date_diff('second', {early}, {late})",
            cents=f"CAST(({{exact}}) * {CENTS_PER_DOLLAR} AS DOUBLE)",
            whole="CAST({number} AS BIGINT)",
            ratio="CAST(ROUND({number}, 4) AS DECIMAL(18, 4))",
            has_text="COALESCE(json_extract_string({json}, {path}), '') <> ''",
            text="VARCHAR",
            json_path=_pointer,
        ),
        _mysql("mariadb", "({values})"),
        _mysql("mysql", "ROW({values})"),
    )
}


def macros_named(dialect: str) -> Macros:
    """The macros of a dialect. For an unknown dialect the `InputError` lists the known ones."""
    if dialect not in MACROS:
        raise InputError(f"unknown dialect {dialect[:40]!r}; known are {', '.join(MACROS)}")
    return MACROS[dialect]
