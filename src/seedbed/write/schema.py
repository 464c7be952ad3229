"""The whole schema of an instance, base tables, the table of facts and views: created empty, and dropped in order."""

from seedbed.bank.model import Bank
from seedbed.views import drop_view_statements, view_statements
from seedbed.write.dialects import create_table, dialect_named, drop_table, finish_table, script_header
from seedbed.write.facts import STORED

__all__ = ["drop_statements", "schema_script", "schema_statements"]


def schema_statements(bank: Bank, dialect: str) -> list[str]:
    """The statements that create the tables, empty, with all constraints and indexes, and the views on them.

    Raises `InputError` for an unknown dialect or an instance that is too long to be a prefix.
    """
    row = dialect_named(dialect)
    tables = [
        statement
        for table in STORED
        for statement in (create_table(bank.instance, table, row), *finish_table(bank.instance, table, row))
    ]
    return [*tables, *view_statements(bank, dialect)]


def drop_statements(instance: str, dialect: str) -> list[str]:
    """The statements that remove exactly this instance's views and tables, where they are there, views first.

    Raises as `schema_statements` does.
    """
    row = dialect_named(dialect)
    tables = (drop_table(instance, table, row) for table in STORED)
    return [*drop_view_statements(instance, dialect), *tables]


def schema_script(bank: Bank, dialect: str) -> str:
    """One transaction that replaces the instance's tables by empty ones, with views; the facts of old rows go too.

    Raises as `schema_statements` does.
    """
    row = dialect_named(dialect)
    statements = [
        row.begin,
        *row.session,
        *drop_statements(bank.instance, dialect),
        *schema_statements(bank, dialect),
        "COMMIT",
    ]
    return (
        script_header(bank.instance, dialect)
        + row.client_settings
        + "".join(f"{statement};\n" for statement in statements)
    )
