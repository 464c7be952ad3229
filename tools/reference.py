"""Writes the pages of docs/ that are made from the program: python tools/reference.py"""

import inspect
import sys
from datetime import date
from pathlib import Path

import duckdb

import seedbed
from seedbed.scenario.live import live_scenario
from seedbed.views import VIEWS, View
from seedbed.write import schema_statements

DOCS = Path(__file__).parents[1] / "docs"
BANK = Path(seedbed.__file__).parent / "banks" / "harbor_trust.yaml"
ANCHOR = date(2030, 1, 1)

VIEWS_HEAD = """# Views

Plain SQL on the two tables and the row of facts, right for any feed that keeps the columns' contract: caps, ages,
chains and expected nets of the bank are written into it, "now" is `as_of` in `<instance>_dataset`. Names have the
instance in front. A row of an **exception view** is something wrong; its `view_key` names it, and the answer key
lists it. Filled views hold their rows; `seedbed data refresh` fills them anew. On MariaDB and MySQL all views are
filled.

| view | exception | filled |
|---|---|---|
"""
LIVE_HEAD = """# Live scenario

What `seedbed docs live-scenario harbor_trust --anchor 2030-01-01` prints: the plants that the larger bundled bank
gets, before they are made dense. It is made from the bank on every change of it.

"""


def views_page() -> str:
    """Every view: what it is, and its columns with their types in DuckDB."""
    bank = seedbed.load_instance(BANK)
    parts = []
    with duckdb.connect() as connection:
        for statement in schema_statements(bank, "duckdb"):
            connection.execute(statement)
        for view in VIEWS:
            columns = connection.sql(f"SELECT * FROM {bank.instance}_{view.name} LIMIT 0")
            listed = ", ".join(f"`{name}`" for name in columns.columns)
            parts.append(f"## {view.name}\n\n{_prose(view)}\n\nColumns: {listed}\n")
    table = "".join(
        f"| [{v.name}](#{v.name}) | {'yes' if v.exception else ''} | {'yes' if v.filled else ''} |\n" for v in VIEWS
    )
    return f"{VIEWS_HEAD}{table}\n" + "\n".join(parts)


def _prose(view: View) -> str:
    """The docstring of the function that makes a view."""
    return inspect.getdoc(view.text) or ""


def live_page() -> str:
    """The live scenario of the larger bundled bank."""
    bank = seedbed.load_instance(BANK)
    report = seedbed.default_scenario_for(bank, anchor=ANCHOR, mode="l1_plus_broad")
    return LIVE_HEAD + live_scenario(report.scenario, bank.instance)


PAGES = {"views.md": views_page, "live-scenario.md": live_page}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"{name} written\n")
