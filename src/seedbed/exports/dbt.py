"""The tables and views of a bank as sources of dbt, with descriptions and tests.

The tests follow from the column contract (nulls, enumerations, keys) and from the bank's declarations (roles, rails,
types, templates). A generated ledger passes them, with or without plants. On your own feed they find rows that
differ from the contract or the declarations.
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import yaml

from seedbed.bank.declared import Declared
from seedbed.bank.grammar import OPENING_RAIL, OPENING_TYPE
from seedbed.bank.model import Bank
from seedbed.ledger.columns import DAILY_BALANCES, TRANSACTIONS, Column, Table
from seedbed.program.accounts import NO_ROLE
from seedbed.views import VIEWS, View
from seedbed.write.facts import STORED
from seedbed.write.schema import schema_statements

__all__ = ["DEFAULT_SCHEMA", "dbt_sources"]

# dbt 1.10 introduced `arguments` of tests. Later versions warn if it is missing.
HEAD = "# Sources of dbt 1.10 and later for the bank {instance}; made by `seedbed docs dbt`.\n"
# The default schema of the tables: that of the variable `seedbed_schema`, else that of the target.
DEFAULT_SCHEMA = "{{ var('seedbed_schema', target.schema) }}"
# Column of transactions → the column of transactions that it refers to.
PARENTS = {"transfer_parent_id": "transfer_id", "bundle_id": "transfer_id"}
# First word of `View.keyed_by` → the view's column, and the table and column to which it refers.
REFERENCES = {"leg": ("view_key", TRANSACTIONS, "id"), "account": ("account_id", DAILY_BALANCES, "account_id")}
JINJA = ("{{", "{%", "{#")


def dbt_sources(bank: Bank, schema: str = DEFAULT_SCHEMA) -> str:
    """The text of a `sources.yml`. `schema` is the schema of the tables, as a name or as Jinja."""
    columns = _view_columns(bank)
    values = _declared_values(bank)
    tables = [
        *(_table(bank.instance, table, values) for table in STORED),
        *(_view(bank.instance, view, columns[view.name]) for view in VIEWS),
    ]
    source = {
        "name": bank.instance,
        "description": _plain(bank.description or f"The ledger of {bank.instance}."),
        "schema": schema,
        "tables": tables,
    }
    text = yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True, width=110)
    return HEAD.format(instance=bank.instance) + text


def _table(instance: str, table: Table, values: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    columns = [_column(instance, table, column, values) for column in table.columns]
    return _named(instance, table.name, table.about) | {"columns": columns}


def _view(instance: str, view: View, columns: Iterable[str]) -> dict[str, Any]:
    tests: dict[str, list[Any]] = {}
    if view.keyed_by is not None:
        tests["view_key"] = ["not_null", "unique"]
        kind = view.keyed_by.partition("/")[0]
        if kind in REFERENCES and view.keyed_by != "leg/key":
            column, table, field = REFERENCES[kind]
            tests.setdefault(column, []).append(_related(instance, table, field))
    told = [{"name": name} | ({"data_tests": tests[name]} if name in tests else {}) for name in columns]
    about = " ".join((inspect.getdoc(view.text) or "").split())
    return _named(instance, view.name, about) | {"columns": told}


def _named(instance: str, name: str, about: str) -> dict[str, Any]:
    return {"name": name, "identifier": f"{instance}_{name}", "description": _plain(about)}


def _column(instance: str, table: Table, column: Column, values: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    tests: list[Any] = [] if column.nullable else ["not_null"]
    if column is table.columns[0]:
        tests.append("unique")
    allowed = column.values or (values.get(column.name, ()) if table in (TRANSACTIONS, DAILY_BALANCES) else ())
    if allowed:
        tests.append({"accepted_values": {"arguments": {"values": [_plain(value) for value in allowed]}}})
    if table is TRANSACTIONS and column.name in PARENTS:
        tests.append(_related(instance, TRANSACTIONS, PARENTS[column.name]))
    told = {"name": column.name, "description": _plain(column.about)}
    return told | ({"data_tests": tests} if tests else {})


def _related(instance: str, table: Table, field: str) -> dict[str, Any]:
    return {"relationships": {"arguments": {"to": f"source('{instance}', '{table.name}')", "field": field}}}


def _declared_values(bank: Bank) -> dict[str, list[str]]:
    """The sorted values that the bank's declarations allow, by column."""
    declared = Declared(bank)
    without_role = [NO_ROLE] if any(account.role is None for account in bank.accounts) else []
    parents = {account.parent_role for account in bank.accounts} | {t.parent_role for t in bank.account_templates}
    return {
        "account_role": sorted({*declared.roles, *without_role}),
        "account_parent_role": sorted(role for role in parents if role is not None),
        "transfer_type": sorted({*declared.types, OPENING_TYPE}),
        "rail_name": sorted({*declared.rails, OPENING_RAIL}),
        "template_name": sorted(declared.templates),
    }


def _view_columns(bank: Bank) -> dict[str, list[str]]:
    """The columns of every view, read from an empty database."""
    with duckdb.connect() as connection:
        for statement in schema_statements(bank, "duckdb"):
            connection.execute(statement)
        return {
            view.name: connection.sql(f'SELECT * FROM "{bank.instance}_{view.name}" LIMIT 0').columns
            for view in VIEWS
        }


def _plain(text: str) -> str:
    """A text that dbt leaves unchanged, even if it looks like Jinja."""
    one_line = " ".join(text.split())
    return f"{{% raw %}}{one_line}{{% endraw %}}" if any(sign in one_line for sign in JINJA) else one_line
