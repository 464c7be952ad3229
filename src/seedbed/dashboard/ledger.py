"""One instance of an open database, for reading: takes a query with its values and returns rows of plain values.

An open ledger serves one request. It sees one state of the database, cannot write, and cannot reach the file system
through the engine. A query that takes longer than `QUERY_SECONDS` is cancelled.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from seedbed import money
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.databases.reader import Database, open_database, stored_facts, the_instance
from seedbed.errors import InputError
from seedbed.views.macros import macros_named
from seedbed.views.sql import Sql
from seedbed.write.engines import ENGINES, engine_of

__all__ = ["VALUE", "Kind", "LedgerLocation", "OpenLedger", "Scalar", "open_ledger", "plain", "whole"]

# Stands for a value in a query. No text of a bank can hold this character, so no literal is mistaken for it.
VALUE = "\0"
QUERY_SECONDS = 30

Kind = str
Scalar = str | int | Decimal | date | datetime | None


@dataclass(frozen=True)
class LedgerLocation:
    """Where a ledger is: the URL of a database, and the instance and bank if the database cannot tell them."""

    url: str
    instance: str | None = None
    bank: Bank | None = None


@dataclass(frozen=True)
class OpenLedger:
    """An open database, the names and macros of its instance's SQL, and the dataset's facts (empty for a feed)."""

    database: Database
    sql: Sql
    facts: Mapping[str, Any]

    @property
    def bank(self) -> Bank:
        """The bank that declares the ledger."""
        return self.sql.bank

    def rows(self, text: str, values: Sequence[Scalar] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query. Each `VALUE` in it stands for one of `values`, in order."""
        marks = str(engine_of(self.database.dialect).placeholder)
        if marks == "%s":
            text = text.replace("%", "%%")
        found: list[tuple[Any, ...]] = self.database.connection.execute(
            text.replace(VALUE, marks), [_bound(self.database.dialect, value) for value in values]
        ).fetchall()
        return found


# Statements that restrict a connection further than opening it for reading does.
PRECAUTIONS: Mapping[str, tuple[str, ...]] = {
    "duckdb": ("SET enable_external_access = false", "SET lock_configuration = true"),
    "sqlite": ("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF"),
    "postgresql": (f"SET LOCAL statement_timeout = {QUERY_SECONDS * 1000}",),
}


@contextmanager
def open_ledger(location: LedgerLocation) -> Iterator[OpenLedger]:
    """The ledger at a location, open until the block ends.

    Raises `InputError` for a location without a ledger, `TargetError` for a query that fails or takes too long.
    """
    with open_database(location.url) as database:
        if engine_of(database.dialect).placeholder is None:
            read = ", ".join(engine.name for engine in ENGINES.values() if engine.placeholder is not None)
            raise InputError(f"the dashboard reads {read}, not {database.dialect}")
        for precaution in PRECAUTIONS[database.dialect]:
            database.connection.execute(precaution)
        interrupt = getattr(database.connection, "interrupt", None)
        timer = threading.Timer(QUERY_SECONDS, interrupt) if interrupt else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            yield _source(database, location)
        finally:
            if timer:
                timer.cancel()


def _source(database: Database, location: LedgerLocation) -> OpenLedger:
    instance = the_instance(database, location.bank.instance if location.bank else location.instance)
    facts = stored_facts(database, instance)
    bank = location.bank
    if bank is None:
        if facts is None:
            raise InputError(f"{instance}_dataset does not name the bank; give --bank")
        bank = _bank(facts["bank"], f"{instance}_dataset.bank")
    return OpenLedger(database, Sql(bank, macros_named(database.dialect)), facts or {})


@lru_cache(maxsize=4)
def _bank(text: str, name: str) -> Bank:
    return parse_instance_text(text, name)


def _bound(dialect: str, value: Scalar) -> Scalar | float:
    """A value as the engine stores it. SQLite stores days and times as text, and decimals as floating point."""
    if dialect != "sqlite":
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


TEN_THOUSANDTH = Decimal("0.0001")


def whole(value: Scalar) -> int:
    """A count, or an amount in cents; 0 for null."""
    assert value is None or isinstance(value, int)
    return value or 0


def plain(value: Any, kind: Kind) -> Scalar:
    """A value in the same form whatever the engine: money in cents, days as `date`, times as `datetime`."""
    if value is None:
        return None
    match kind:
        case "money":
            return money.from_decimal(Decimal(str(value)), ROUND_HALF_EVEN)
        case "count" | "age" | "flag":
            return int(value)
        case "ratio":
            return Decimal(str(value)).quantize(TEN_THOUSANDTH)
        case "day":
            return date.fromisoformat(str(value)[:10])
        case "moment":
            return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        case _:
            return str(value)
