"""Stored rows that are read back are the rows that were stored, whatever texts and gaps they have."""

import sqlite3

import pyarrow as pa
import pytest

from seedbed.connect import open_database
from seedbed.databases import reading
from seedbed.databases.urls import parse_address
from seedbed.ledger.columns import Column, Table
from seedbed.write.dialects import DIALECTS, create_table, table_name

from .servers import Server

TABLE = Table(
    "odd",
    (
        Column("entry", "bigint"),
        Column("text", "text"),
        Column("gap", "text", nullable=True, repeats=True),
        Column("money", "money", nullable=True),
        Column("time", "timestamp", nullable=True),
    ),
    (),
)
TEXTS = ("", '"', "\\", "a,b", "\\N", "'; drop table x; -- ", "😀", " ", "x\ny", "\x01", "é\t", "")
ROWS = [
    (5 * n + 3, text, TEXTS[n] if n % 3 else None, None if n % 2 else -n, None if n % 4 else f"2030-01-{n + 1:02}")
    for n, text in enumerate(TEXTS)
]


def _literal(dialect: str, value: object) -> str:
    if isinstance(value, str):
        return DIALECTS[dialect].literal(value)
    return "NULL" if value is None else str(value)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
@pytest.mark.parametrize("joined", [1, 5, len(ROWS), 100])
def test_odd_cells_come_back_as_they_were_stored(
    engine: str, joined: int, request: pytest.FixtureRequest, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "JOINED_ROWS", joined)
