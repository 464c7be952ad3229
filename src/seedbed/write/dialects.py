"""SQL dialects as rows of a table, and the DDL of the ledger's tables in each of them.

A table is created with its constraints. Primary keys come after the rows if the engine is faster that way; then come
the indexes. A new dialect is a new row of `DIALECTS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seedbed.errors import InputError
from seedbed.ledger.columns import TRANSACTIONS, Column, ColumnKind, Table
from seedbed.ledger.sql import backslashed, backticked, double_quoted, single_quoted
from seedbed.write.text import BACKSLASHED_INSERT, COPY, INSERT, ORACLE_INSERT, TextForm

__all__ = [
    "DIALECTS",
    "MYSQL_MODE",
    "Dialect",
    "contract_rules",
    "create_table",
    "dialect_named",
    "drop_table",
    "finish_table",
    "is_script",
    "script_header",
    "table_name",
]

# PostgreSQL cuts identifiers at 63 bytes without an error, so two long names could become one.
IDENTIFIER_BYTES = 63
# The SQL mode that the statements rely on. As in the other engines, double quotes enclose names and || joins texts.
# Backslashes keep their usual meaning, so that every client reads a script the same way.
MYSQL_MODE = (
    "ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)


# The suffix of an instance's name while its tables are made, on engines whose DDL is visible at once. No instance may
# have it in its name.
STAGING_MARK = "$"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One engine's SQL: its column types, its quotes, its conditions, its settings.

    `rows` is the form of rows in a script; None means Parquet files beside the script. `valid_json` is a condition on
    `{column}` that also holds for null. `valid_timestamp` and `valid_money` are such conditions for engines whose
    column types accept any value. With `late_primary_key` the key is made after the rows, which is faster there.

    `client_settings` are lines for the engine's client. `begin` starts the transaction. `session` has statements that
    fix the settings that the script relies on. `analyze` gathers statistics of `{table}`.

    `staged` is for engines whose DDL is not part of a transaction. Tables are made under the instance's name with
    this suffix, and replace the old tables at the end. `views` tells whether Seedbed makes views for the engine.
    `comments` tells how tables and columns are described: by statements, within CREATE TABLE, or not at all.
    """

    name: str
    types: Mapping[ColumnKind, str]
    rows: TextForm | None
    valid_json: str
    valid_timestamp: str = ""
    valid_money: str = ""
    late_primary_key: bool = False
    client_settings: str = ""
    session: tuple[str, ...] = ()
    begin: str = "BEGIN"
    analyze: str = ""
    staged: str = ""
    table_options: str = ""
    views: bool = True
    comments: Literal["none", "statements", "inline"] = "none"
    drop: str = "DROP TABLE IF EXISTS {table}"
    quoted: Callable[[str], str] = double_quoted
    literal: Callable[[str], str] = single_quoted


def _mysql(name: str, collation: str) -> Dialect:
    """MariaDB and MySQL. They differ in the collation that compares text byte by byte, trailing blanks included."""
    return Dialect(
        name=name,
        types={
            "bigint": "BIGINT",
            "text": "VARCHAR(350)",  # names have at most 200; two such columns and a time fit into an index
            "money": "DECIMAL(20,2)",
            "timestamp": "DATETIME",
            "json": "LONGTEXT",
        },
        rows=BACKSLASHED_INSERT,
        valid_json="{column} IS NULL OR JSON_VALID({column})",
        client_settings=f"SET NAMES utf8mb4 COLLATE {collation};\n",
        session=(f"SET SESSION sql_mode = '{MYSQL_MODE}'", f"SET NAMES utf8mb4 COLLATE {collation}"),
        begin="START TRANSACTION",
        analyze="ANALYZE TABLE {table}",
        staged=STAGING_MARK,
        comments="inline",
        table_options=f" ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}",
        quoted=backticked,
        literal=backslashed,
    )


# SQLite's decimals are numbers of any kind. A sum of amounts may be off by the last bits of a floating-point number,
# which every reader rounds away. A part of a cent is never rounded away. A number beyond 2^53 is not an amount (9e999
# is infinite).
SQLITE_WHOLE_CENTS = (
    "typeof({column}) IN ('integer', 'real') AND ABS({column}) <= 9007199254740992"
    " AND ABS({column} - ROUND({column}, 2)) <= 0.000000001 + ABS({column}) * 0.00000000000001"
)


def _upper_quoted(name: str) -> str:
    """The name in capitals and quotes. Users of Oracle can then write it without quotes."""
    return double_quoted(name.upper())


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="postgresql",
            types={
                "bigint": "bigint",
                "text": "text",
                "money": "decimal(20,2)",
                "timestamp": "timestamp(0) without time zone",
                "json": "text",
            },
            rows=COPY,
            # The cast itself raises on invalid text; `IS JSON` would need version 16.
            valid_json="{column} IS NULL OR {column}::json IS NOT NULL",
            late_primary_key=True,
            client_settings="\\set ON_ERROR_STOP on\n",
            session=(
                "SET LOCAL client_encoding = 'UTF8'",
                "SET LOCAL standard_conforming_strings = on",
                "SET LOCAL DateStyle = 'ISO, YMD'",
                "SET LOCAL client_min_messages = warning",
            ),
            analyze="ANALYZE {table}",
            comments="statements",
        ),
        Dialect(
            name="sqlite",
            types={
                # INTEGER, not BIGINT, makes the primary key the rowid, so there is no second tree.
                "bigint": "INTEGER",
                "text": "TEXT",
                "money": "DECIMAL(20,2)",
                "timestamp": "TEXT",
                "json": "TEXT",
            },
            rows=INSERT,
            valid_json="{column} IS NULL OR json_valid({column})",
            # Texts in this form compare like times. `datetime` gives null for other text. Without '0 seconds' it
            # would accept 30 February.
            valid_timestamp="{column} IS datetime({column}, '0 seconds')",
            valid_money=f"{{column}} IS NULL OR ({SQLITE_WHOLE_CENTS})",
        ),
        Dialect(
            name="duckdb",
            types={
                "bigint": "BIGINT",
                "text": "VARCHAR",
                "money": "DECIMAL(20,2)",
                "timestamp": "TIMESTAMP",
                "json": "VARCHAR",
            },
            rows=None,  # DuckDB parses INSERT statements slowly: 40,000 rows took 7 s
            valid_json="{column} IS NULL OR json_valid({column})",
            late_primary_key=True,
            comments="statements",
        ),
        _mysql("mariadb", "utf8mb4_nopad_bin"),
        _mysql("mysql", "utf8mb4_0900_bin"),
        Dialect(
            name="oracle",
            types={
                "bigint": "NUMBER(19)",
                "text": "VARCHAR2(1000 CHAR)",
                "money": "NUMBER(20,2)",
                "timestamp": "TIMESTAMP(0)",
                "json": "CLOB",
            },
            rows=ORACLE_INSERT,
            valid_json="{column} IS NULL OR {column} IS JSON",
            late_primary_key=True,
            # By default SQL*Plus reads & as a variable and a blank line as the end, and continues after an error.
            client_settings=(
                "SET DEFINE OFF\nSET SQLBLANKLINES ON\nSET SQLTERMINATOR ';'\n"
                "WHENEVER SQLERROR EXIT FAILURE ROLLBACK\nWHENEVER OSERROR EXIT FAILURE ROLLBACK\n"
            ),
            begin="SET TRANSACTION READ WRITE",
            views=False,
            drop=(
                "BEGIN EXECUTE IMMEDIATE 'DROP TABLE {table} PURGE'; EXCEPTION WHEN OTHERS THEN"
                " IF SQLCODE <> -942 THEN RAISE; END IF; END;\n/\n--"
            ),
            quoted=_upper_quoted,
        ),
    )
}

PARTS_OF_CENTS = "is not in whole cents"
SCRIPT_MARK = "-- Seedbed"
# The sign rule in SQL that every engine accepts. Some engines cannot compare truth values.
SIGN_RULE = "({money} < 0 AND {direction} = 'Debit') OR ({money} >= 0 AND {direction} = 'Credit')"


def dialect_named(name: str) -> Dialect:
    """The dialect of this name. Raises `InputError`, which lists the known dialects, for another name."""
    if name not in DIALECTS:
        raise InputError(f"unknown dialect {name[:40]!r}; known are {', '.join(DIALECTS)}")
    return DIALECTS[name]


def table_name(instance: str, table: Table) -> str:
    """The prefixed name of a table. Raises `InputError` if it is so long that an engine would cut it."""
    name = f"{instance}_{table.name}"
    longest = f"{name}_ix{len(table.indexes)}"
    if not instance or len(longest.encode()) > IDENTIFIER_BYTES:
        raise InputError(f"the instance {instance[:40]!r} is empty or too long to prefix table names")
    return name


def create_table(instance: str, table: Table, dialect: Dialect) -> str:
    """The CREATE TABLE statement with every constraint except a late primary key."""
    quoted = dialect.quoted
    lines = [_column_line(column, dialect) for column in table.columns]
    if not dialect.late_primary_key:
        lines[0] = lines[0].replace(" NOT NULL", " NOT NULL PRIMARY KEY")
    lines += [f"CHECK ({rule})" for rule in _checks(table, dialect)]
    if dialect.comments == "inline":
        described = zip(lines, table.columns, strict=False)
        lines[: len(table.columns)] = [f"{line} COMMENT {dialect.literal(c.about)}" for line, c in described]
    about = f" COMMENT={dialect.literal(table.about)}" if dialect.comments == "inline" else ""
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quoted(table_name(instance, table))} (\n  {body}\n){dialect.table_options}{about}"


def finish_table(instance: str, table: Table, dialect: Dialect) -> list[str]:
    """The statements after the rows of a bulk load: descriptions, the late primary key and the indexes."""
    name = table_name(instance, table)
    quoted = dialect.quoted
    comments = _comments(name, table, dialect) if dialect.comments == "statements" else []
    # All descriptions go as one statement, so that a distant server answers only once.
    statements = [";\n".join(comments)] if comments else []
    if dialect.late_primary_key:
        key = quoted(table.columns[0].name)
        statements.append(f"ALTER TABLE {quoted(name)} ADD PRIMARY KEY ({key})")
    for number, columns in enumerate(table.indexes, 1):
        keys = ", ".join(quoted(column) for column in columns)
        statements.append(f"CREATE INDEX {quoted(f'{name}_ix{number}')} ON {quoted(name)} ({keys})")
    return statements


def _comments(name: str, table: Table, dialect: Dialect) -> list[str]:
    """The statements that describe a table and its columns."""
    quoted, literal = dialect.quoted, dialect.literal
    columns = ((f"COLUMN {quoted(name)}.{quoted(column.name)}", column.about) for column in table.columns)
    described = [(f"TABLE {quoted(name)}", table.about), *columns]
    return [f"COMMENT ON {what} IS {literal(about)}" for what, about in described if about]


def drop_table(instance: str, table: Table, dialect: Dialect) -> str:
    """The statement that removes this table and its indexes, if it exists."""
    return dialect.drop.format(table=dialect.quoted(table_name(instance, table)))


def script_header(instance: str, dialect: str, facts: str = "empty tables") -> str:
    """The first line of every script. It describes the file, and marks it as one that Seedbed may replace."""
    return f"{SCRIPT_MARK} {dialect} script of instance {instance}: {facts}\n"


def is_script(path: Path) -> bool:
    """Whether a file's first line is a script header."""
    with path.open("rb") as stream:
        return stream.readline(200).startswith(f"{SCRIPT_MARK} ".encode())


def _column_line(column: Column, dialect: Dialect) -> str:
    needed = "" if column.nullable else " NOT NULL"
    return f"{dialect.quoted(column.name)} {dialect.types[column.kind]}{needed}"


def _checks(table: Table, dialect: Dialect) -> list[str]:
    """The CHECK conditions of a table, in the order of its columns. NOT NULL stands with each column, not here."""
    quoted = dialect.quoted
    rules = []
    for column in table.columns:
        if column.values:
            rules.append(_is_one_of(column, dialect))
        if column.kind == "json":
            rules.append(dialect.valid_json.format(column=quoted(column.name)))
        rules += [rule for _, rule in _typed(column, dialect)]
    if table is TRANSACTIONS:
        rules.append(SIGN_RULE.format(money=quoted("amount_money"), direction=quoted("amount_direction")))
    return rules


def _is_one_of(column: Column, dialect: Dialect) -> str:
    return f"{dialect.quoted(column.name)} IN ({', '.join(map(dialect.literal, column.values))})"


def _typed(column: Column, dialect: Dialect) -> list[tuple[str, str]]:
    """(fault, condition) for a column whose type in this engine accepts more values than the contract; else empty."""
    kinds = {
        "timestamp": ("is not a time", dialect.valid_timestamp),
        "money": (PARTS_OF_CENTS, dialect.valid_money),
    }
    fault, rule = kinds.get(column.kind, ("", ""))
    return [(f"{column.name} {fault}", rule.format(column=dialect.quoted(column.name)))] if rule else []


def contract_rules(table: Table, dialect: Dialect) -> list[tuple[str, str]]:
    """(fault, condition that every valid row meets) for each rule about single rows.

    No rule checks that a text is JSON, because PostgreSQL raises an error for other texts.
    """
    rules = []
    for column in table.columns:
        name = dialect.quoted(column.name)
        if not column.nullable:
            rules.append((f"{column.name} is null", f"{name} IS NOT NULL"))
        if column.values:
            rules.append(
                (
                    f"{column.name} is not one of {', '.join(column.values)}",
                    f"{name} IS NULL OR {_is_one_of(column, dialect)}",
                )
            )
        typed = _typed(column, dialect)
        if column.kind == "money" and not typed:
            typed = [(f"{column.name} {PARTS_OF_CENTS}", f"{name} IS NULL OR ROUND({name}, 2) = {name}")]
        rules += typed
    if table is TRANSACTIONS:
        money, direction = dialect.quoted("amount_money"), dialect.quoted("amount_direction")
        rule = SIGN_RULE.format(money=money, direction=direction)
        rules.append(("amount_direction disagrees with the sign", rule))
    return rules
