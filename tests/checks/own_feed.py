"""A healthy feed of one's own: a small bank's rows in the tables of `schema apply`, without an answer key."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from seedbed.cli.main import run
from seedbed.ledger.columns import TABLES

__all__ = ["ANCHOR", "INSTANCE", "change", "feed_bank", "make_feed"]

INSTANCE, ANCHOR, DAYS = "tb", "2030-01-01", "30"
OPENERS: dict[str, Any] = {"duckdb": duckdb.connect, "sqlite": sqlite3.connect}


def _flow(name: str, source: str, destination: str, transfer_type: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "transfer_type": transfer_type,
        "source_role": source,
        "destination_role": destination,
        "expected_net": 0,
        "origin": "InternalInitiated",
    } | more


def feed_bank() -> dict[str, Any]:
    """A bank with a control account, a cap, ages, and a sweep of fees."""
    internal = {"gl-1": "Ctl", "gl-2": "FeeClearing", "gl-3": "FeeIncome"}
    return {
        "instance": INSTANCE,
        "accounts": [
            *({"id": i, "name": r, "role": r, "scope": "internal"} for i, r in internal.items()),
            {"id": "ext-1", "name": "O1", "role": "Other", "scope": "external"},
            {"id": "ext-2", "name": "O2", "role": "Other", "scope": "external"},
        ],
        "account_templates": [{"role": "CustomerDDA", "scope": "internal", "parent_role": "Ctl"}],
        "rails": [
            _flow("In", "Other", "CustomerDDA", "ach_inbound", max_pending_age="PT24H"),
            _flow("Out", "CustomerDDA", "Other", "wire_outbound"),
            _flow("Fee", "CustomerDDA", "FeeClearing", "customer_fee", max_unbundled_age="PT20H"),
            _flow(
                "Sweep",
                "FeeClearing",
                "FeeIncome",
                "fee_sweep",
                aggregating=True,
                cadence="daily-eod",
                bundles_activity=["Fee"],
            ),
        ],
        "limit_schedules": [{"parent_role": "Ctl", "transfer_type": "wire_outbound", "cap": "5000.00"}],
        "role_business_day_offsets": {"FeeIncome": 3},
    }


def make_feed(engine: str, folder: Path, as_of: str | None = ANCHOR) -> Path:
    """A database whose tables `schema apply` made and somebody else filled; the views are filled, too."""
    bank, book, feed = folder / "tb.yaml", folder / f"book.{engine}", folder / f"feed.{engine}"
    bank.write_text(json.dumps(feed_bank()), encoding="utf-8")
    apply = ["data", "apply", str(bank), "--anchor", ANCHOR, "--window-days", DAYS, "--baseline-only", "--quiet"]
    assert run([*apply, "--to", f"{engine}:///{book}"]) == 0
    moment = [] if as_of is None else ["--as-of", as_of]
    assert run(["schema", "apply", str(bank), *moment, "--to", f"{engine}:///{feed}", "--quiet"]) == 0
    names = [f"{INSTANCE}_{table.name}" for table in TABLES]
    change(feed, [f"ATTACH '{book}' AS book", *(f"INSERT INTO {name} SELECT * FROM book.{name}" for name in names)])
    assert run(["data", "refresh", f"{engine}:///{feed}", "--quiet"]) == 0
    return feed


def change(path: Path, statements: Iterable[str]) -> None:
    """Runs statements in a database file."""
    with closing(OPENERS[path.suffix[1:]](path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
