"""Stored rows that are read back are the rows that were stored, whatever texts and gaps they have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seedbed.connect import open_database
from seedbed.databases import reading
from seedbed.databases.loading import _session
from seedbed.ledger.columns import Column, Table
from seedbed.ledger.digest import row_lanes
from seedbed.write import parse_url
from seedbed.write.dialects import DIALECTS, create_table, drop_table

TABLE = Table(
    "odd",
    (
        Column("entry", "bigint"),
        Column("text", "text"),
        Column("gap", "text", nullable=True, repeats=True),
        Column("width", "text", nullable=True),
        Column("money", "money", nullable=True),
        Column("time", "timestamp", nullable=True),
    ),
    (),
)
TEXTS = ("", '"', "\\", "a,b", "\\N", "'; drop table x; -- ", "😀", " ", "x\ny", "\x01", "é\t", "\\'--", "")
ROWS = [
    (
        5 * number + 3,
        text,
        None if number % 3 else text,
        None if number % 4 else "even",
        None if number % 2 else -number,
        None if number % 5 else f"2030-01-{number + 1:02} 00:00:01",
    )
    for number, text in enumerate(TEXTS)
]


@contextmanager
def _statements(url: str) -> Iterator[Callable[[str], None]]:
    address = parse_url(url).address
    assert address is not None
    with _session(address) as session:
        yield session.run
        if hasattr(session, "committed"):
            session.committed = True


def _plain(column: Column, value: Any) -> Any:
    if value is None or column.kind in ("text", "bigint"):
        return value
    return str(value) if column.kind == "timestamp" else int(value if isinstance(value, int) else value.scaleb(2))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_odd_cells_come_back_as_they_were_stored(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixtures = {"postgresql": "postgres", "mysql": "mariadb"}
    url = request.getfixturevalue(fixtures[engine]).url if engine in fixtures else f"sqlite:///{tmp_path}/odd.sqlite"
    dialect = DIALECTS["mariadb" if engine == "mysql" else engine]
    with _statements(url) as run:
        run(drop_table("t", TABLE, dialect))
        run(create_table("t", TABLE, dialect))
        for row in ROWS:
            cells = (
                dialect.literal(cell) if isinstance(cell, str) else "NULL" if cell is None else str(cell)
                for cell in row
            )
            run(f"INSERT INTO t_odd VALUES ({', '.join(cells)})")
    for joined in (1, 5, len(ROWS), 100):
        monkeypatch.setattr(reading, "JOINED_ROWS", joined)
        with open_database(url) as database:
            batches = list(database.batches("t", TABLE))
        assert len(batches) == -(-len(ROWS) // joined)
        found = [
            row for batch in batches for row in zip(*(batch[c.name].to_pylist() for c in TABLE.columns), strict=True)
        ]
        assert [tuple(map(_plain, TABLE.columns, row)) for row in found] == [
            (*row[:4], None if row[4] is None else row[4] * 100, row[5]) for row in ROWS
        ]
        for batch in batches:
            row_lanes(TABLE, batch)  # the digest takes them in this form
    with _statements(url) as run:
        run("DELETE FROM t_odd")
    with open_database(url) as database:
        assert list(database.batches("t", TABLE)) == []
    with _statements(url) as run:
        run(drop_table("t", TABLE, dialect))
