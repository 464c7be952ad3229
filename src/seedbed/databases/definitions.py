"""Compares the views of a database with those that its bank should have: kind, columns, definition.

A filled view that is a table has no definition; `checks/filled.py` compares its rows. Nothing is written: the
comparison in DuckDB needs a temporary view, which ends with the connection.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from seedbed.databases.reader import Database
from seedbed.views import VIEWS, View, sort_of
from seedbed.views.sql import Sql
from seedbed.write.engines import engine_of, imported

__all__ = [
    "altered_views",
    "no_definition",
    "relation_kinds",
    "relation_names",
    "same_parsed_text",
    "same_plan",
    "same_text",
]

# No instance can have this name.
TEMPORARY = "seedbed$expected"
# The key of positions in the text, which DuckDB adds to each node of a parsed statement.
PLACES = ("query_location", "query_location_length")
# Node types that may be nested in either direction, and the key of their operator.
CONJUNCTIONS = ("CONJUNCTION_AND", "CONJUNCTION_OR")
SORT = ("type", "setop_type", "setop_all")


def relation_kinds(database: Database) -> dict[str, str]:
    """All tables and views that an unqualified name can mean, by name: TABLE, VIEW or MATERIALIZED VIEW."""
    return dict(database.rows(engine_of(database.dialect).relations))


def relation_names(database: Database) -> set[str]:
    """The names of all tables and views that an unqualified name can mean."""
    return set(relation_kinds(database))


def altered_views(database: Database, sql: Sql, names: Collection[str] | None = None) -> dict[str, str]:
    """The altered views among those with these names (default: all), each with the reason.

    Names are without the instance. A view that reads an altered view is compared only as far as it can be read.
    """
    kinds, altered = relation_kinds(database), dict[str, str]()
    for view in VIEWS:
        if names is not None and view.name not in names:
            continue
        kind, wanted = kinds.get(f"{sql.bank.instance}_{view.name}"), sort_of(view, sql.macros)
        if kind is None:
            altered[view.name] = "is missing"
        elif kind != wanted:
            altered[view.name] = f"is a {kind.lower()}, not a {wanted.lower()}"
        elif any(sql.name(name) in view.text(sql) for name in altered):
            continue
        elif (found := columns_of(database, f"SELECT * FROM {sql.name(view.name)}")) != (
            expected := columns_of(database, view.text(sql))
        ):
            altered[view.name] = f"has the columns {', '.join(found)}, not {', '.join(expected)}"
        elif kind != "TABLE" and not imported(engine_of(database.dialect).definition)(database, sql, view):
            altered[view.name] = "has another definition"
    return altered


def columns_of(database: Database, select: str) -> list[str]:
    """The names of a query's columns."""
    cursor = database.connection.execute(f"SELECT * FROM ({select}) q WHERE 1 = 0")
    found = [str(column[0]) for column in cursor.description]
    cursor.fetchall()
    return found


def same_text(database: Database, sql: Sql, view: View) -> bool:
    """SQLite stores the text of the statement, from the name on."""
    name = f"{sql.bank.instance}_{view.name}"
    [(text,)] = database.rows(
        f"SELECT sql FROM sqlite_master WHERE type = 'view' AND lower(name) = {sql.literal(name)}"
    )
    stored: str = text
    body = stored.partition(" AS\n")[2]
    return bool(body.strip() == view.text(sql).strip())


def same_parsed_text(database: Database, sql: Sql, view: View) -> bool:
    """DuckDB stores its own text of the parsed view. A temporary view gives the expected text in the same form.

    Each time a file is opened, DuckDB adds more brackets, so the parsed trees are compared.
    """
    database.connection.execute(f'CREATE OR REPLACE TEMP VIEW "{TEMPORARY}" AS {view.text(sql)}')
    name = sql.literal(f"{sql.bank.instance}_{view.name}")
    found, expected = (
        _tree(database, sql, str(text).partition(" AS ")[2])
        for where in (
            f"database_name = current_database() AND schema_name = current_schema() AND view_name = {name}",
            f"database_name = 'temp' AND view_name = '{TEMPORARY}'",
        )
        for (text,) in database.rows(f"SELECT sql FROM duckdb_views() WHERE {where}")
    )
    database.connection.execute(f'DROP VIEW "{TEMPORARY}"')
    return bool(found == expected)


def _tree(database: Database, sql: Sql, select: str) -> Any:
    """The tree that DuckDB parses from a query. The text itself if DuckDB cannot parse it."""
    [(answer,)] = database.rows(f"SELECT json_serialize_sql({sql.literal(select)})")
    tree = json.loads(str(answer), object_hook=_flat)
    return select if tree["error"] else tree["statements"]


def _flat(node: dict[str, Any]) -> dict[str, Any]:
    """A subtree without positions. A nested AND in AND, OR in OR or UNION in UNION is merged into one node."""
    flat = {name: value for name, value in node.items() if name not in PLACES}
    if flat.get("type") in CONJUNCTIONS or flat.get("setop_type") == "UNION":
        flat["children"] = [
            part
            for child in flat.get("children", ())
            for part in (child["children"] if _is_of_the_same(child, flat) else [child])
        ]
    return flat


def _is_of_the_same(child: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    bare = not any(child.get(name) for name in ("modifiers", "sample", "alias"))
    named = child.get("cte_map", {}).get("map")
    return bare and not named and all(child.get(name) == node.get(name) for name in SORT)


def same_plan(database: Database, sql: Sql, view: View) -> bool:
    """PostgreSQL stores a parsed tree, and a read-only transaction creates no view. So the two plans are compared.

    A plan does not show the rows of VALUES, so the literals are compared too.
    """
    [(stored,)] = database.rows(f"SELECT pg_get_viewdef({sql.literal(sql.name(view.name))}::regclass)")
    expected = view.text(sql)
    if _literals(str(stored)) != _literals(expected):
        return False

    def plan(select: str) -> str:
        lines = database.rows(f"EXPLAIN (VERBOSE, COSTS OFF) {select}")
        return _renumbered("\n".join(line for (line,) in lines))

    return plan(str(stored)) == plan(expected)


# Literals, and text that looks like a literal. Intervals have several spellings; the plan has them, too.
TOKEN = re.compile(
    r"""interval\s+'[^']*'|'[^']*'::interval|(?P<escaped>E)?'(?P<text>(?:[^']|'')*)'|"(?:[^"]|"")*\"|[A-Za-z_]\w*"""
    r"""|(?P<number>\d+(?:\.\d+)?)""",
    re.IGNORECASE,
)


def _literals(select: str) -> list[str]:
    """The texts and numbers of a query without signs, sorted."""
    found = []
    for token in TOKEN.finditer(select):
        text = token["text"] if token["number"] is None else token["number"]
        if text is not None:
            found.append((text.replace("\\\\", "\\") if token["escaped"] else text).lstrip("-"))
    return sorted(found)


def _renumbered(plan: str) -> str:
    """A plan with its aliases numbered in order of appearance. Text in quotes is unchanged."""
    numbers: dict[str, str] = {}
    counts: Counter[str] = Counter()

    def renumbered(found: re.Match[str]) -> str:
        if found["alias"] is None:
            return found[0]
        if found[0] not in numbers:
            counts[found["alias"]] += 1
            numbers[found[0]] = f"{found['alias']}_{counts[found['alias']]}"
        return numbers[found[0]]

    return re.sub(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"|\b(?P<alias>[a-z]\w*?)(?:_\d+)+\b""", renumbered, plan)


def no_definition(_database: Database, _sql: Sql, _view: View) -> bool:
    """The definition check of an engine whose views are all stored as tables."""
    return False
