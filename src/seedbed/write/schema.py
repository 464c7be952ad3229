"""The schema of an instance: statements that create and drop its base tables, its table of facts and its views.

A script or load has three phases. It opens (a transaction, or removal of old staged tables), creates and fills the
tables, and closes with one step that shows everything.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from seedbed.bank.model import Bank
from seedbed.views import VIEWS, drop_view_statements, view_statements
from seedbed.write.dialects import (
    Dialect,
    create_table,
    dialect_named,
    drop_table,
    finish_table,
    script_header,
    table_name,
)
from seedbed.write.facts import DATASET, STORED, feed_row
from seedbed.write.text import COPY, INSERT, RowText

__all__ = [
    "OBJECTS",
    "closing_statements",
    "drop_statements",
    "object_names",
    "opening_statements",
    "schema_script",
    "schema_statements",
    "staged_bank",
]

# The names of all tables and views without the instance, in the order in which they are made.
OBJECTS = tuple(item.name for item in (*STORED, *VIEWS))


def object_names(instance: str) -> tuple[str, ...]:
    """The names of all tables and views of an instance, in the order in which they are made."""
    return tuple(f"{instance}_{name}" for name in OBJECTS)


def staged_bank(bank: Bank, dialect: Dialect) -> Bank:
    """The bank under its staging name, which its tables have until they are complete."""
    return bank.model_copy(update={"instance": f"{bank.instance}{dialect.staged}"}) if dialect.staged else bank


def schema_statements(bank: Bank, dialect: str) -> list[str]:
    """The statements that create the empty tables, with all constraints and indexes, and their views.

    Raises `InputError` for an unknown dialect and for an instance that is too long to be a prefix.
    """
    row = dialect_named(dialect)
    tables = [
        statement
        for table in STORED
        for statement in (create_table(bank.instance, table, row), *finish_table(bank.instance, table, row))
    ]
    return [*tables, *(view_statements(bank, dialect) if row.views else ())]


def drop_statements(instance: str, dialect: str, kinds: Mapping[str, str] | None = None) -> list[str]:
    """The statements that remove the views and tables of one instance, if they exist. Views come first.

    `kinds` is the argument of `drop_view_statements`. Raises the errors of `schema_statements`.
    """
    row = dialect_named(dialect)
    tables = (drop_table(instance, table, row) for table in STORED)
    return [*(drop_view_statements(instance, dialect, kinds) if row.views else ()), *tables]


def opening_statements(instance: str, dialect: Dialect) -> list[str]:
    """The statements before the tables are created. They begin a transaction and drop the old tables.

    A dialect with staging instead removes old staged tables.
    """
    if dialect.staged:
        return [*dialect.session, *_leftovers(instance, dialect)]
    return [dialect.begin, *dialect.session, *drop_statements(instance, dialect.name)]


def closing_statements(instance: str, dialect: Dialect, names: Sequence[str] = OBJECTS) -> list[str]:
    """The statements that show the new tables in one step and remove the old ones.

    `names` are the tables and views to replace, without the instance. The default is all of them.
    """
    if dialect.staged:
        return [*_swap_statements(instance, dialect, names), *_leftovers(instance, dialect)]
    return ["COMMIT"]


def _swap_statements(instance: str, dialect: Dialect, plain_names: Sequence[str]) -> list[str]:
    """One RENAME that moves the old tables away and the staged tables into their place.

    MariaDB and MySQL rename several tables in one step, even if the server crashes. A RENAME may name only tables
    that exist, so the server itself lists them when it runs the statements.
    """
    prefixes = (f"{instance}{dialect.staged * times}_" for times in range(3))
    names, staged, old = (tuple(f"{prefix}{name}" for name in plain_names) for prefix in prefixes)
    quoted, literal = dialect.quoted, dialect.literal

    def renamings(sources: tuple[str, ...], targets: tuple[str, ...]) -> list[str]:
        return [f"{quoted(source)} TO {quoted(target)}" for source, target in zip(sources, targets, strict=True)]

    def present(candidates: tuple[str, ...], texts: list[str]) -> str:
        cases = " ".join(
            f"WHEN {literal(name)} THEN {literal(text)}" for name, text in zip(candidates, texts, strict=True)
        )
        listed = ", ".join(map(literal, candidates))
        return (
            f"(SELECT GROUP_CONCAT(CASE table_name {cases} END SEPARATOR ', ') FROM information_schema.tables"
            f" WHERE table_schema = DATABASE() AND table_name IN ({listed}))"
        )

    away, into = present(names, renamings(names, old)), present(staged, renamings(staged, names))
    return [
        "SET SESSION group_concat_max_len = 1048576",
        f"SET @seedbed_swap = CONCAT_WS(', ', {away}, {into})",
        "SET @seedbed_swap = CONCAT('RENAME TABLE ', @seedbed_swap)",
        "PREPARE seedbed_swap FROM @seedbed_swap",
        "EXECUTE seedbed_swap",
        "DEALLOCATE PREPARE seedbed_swap",
    ]


def _leftovers(instance: str, dialect: Dialect) -> list[str]:
    """The statement that removes all staged tables of an earlier load."""
    names = (*object_names(f"{instance}{dialect.staged * 2}"), *object_names(f"{instance}{dialect.staged}"))
    return [f"DROP TABLE IF EXISTS {', '.join(map(dialect.quoted, names))}"]


def schema_script(bank: Bank, dialect: str, as_of: datetime | None = None) -> str:
    """A script that replaces all tables of the instance by empty tables with views, in one step.

    The new table of facts has the bank, and the as-of if one is given. Raises the errors of `schema_statements`.
    """
    row = dialect_named(dialect)
    staged = staged_bank(bank, row)
    # INSERT instead of COPY: any client can run it, whereas only psql reads COPY rows in a script.
    form = INSERT if row.rows in (None, COPY) else row.rows
    facts = RowText(form, DATASET, row.quoted(table_name(staged.instance, DATASET)))

    def joined(statements: Sequence[str]) -> str:
        return "".join(f"{statement};\n" for statement in statements)

    return (
        script_header(bank.instance, dialect)
        + row.client_settings
        + joined([*opening_statements(bank.instance, row), *schema_statements(staged, dialect)])
        + b"".join(facts.whole(feed_row(bank, as_of))).decode()
        + joined(closing_statements(bank.instance, row))
    )
