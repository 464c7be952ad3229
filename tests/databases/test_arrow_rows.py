"""Stored rows that are read back are the rows that were stored, whatever texts and gaps they have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seedbed.databases import arrow_rows
from seedbed.databases.loading import _session
from seedbed.databases.reader import open_database
from seedbed.ledger.columns import Column, Table
from seedbed.ledger.digest import row_lanes
from seedbed.write import parse_url
from seedbed.write.dialects import DIALECTS, create_table, drop_table
from tests.databases.servers import Server

TABLE = Table(
    "odd",
    (
        Column(name="entry", kind="bigint"),
        Column(name="text", kind="text"),
        Column(name="gap", kind="text", nullable=True, repeats=True),
        Column(name="width", kind="text", nullable=True),
        Column(name="money", kind="money", nullable=True),
        Column(name="time", kind="timestamp", nullable=True),
    ),
    (),
)
TEXTS = (
    "",
    '"',
    "\\",
    "a,b",
    "\\N",
    "'; drop table x; -- ",
    "😀",
    " ",
    "x\ny",
    "\x01",
    "é\t",
    "\\'--",
    "\x1e",
    "a\x1fb",
    "",
)
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
    address = parse_url(url).database_url
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
        monkeypatch.setattr(arrow_rows, "JOINED_ROWS", joined)
        with open_database(url) as database:
            batches = list(database.batches("t", TABLE))
        # PostgreSQL is asked for pages, of which these are one.
        assert len(batches) == (1 if engine == "postgresql" else -(-len(ROWS) // joined))
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


CELLS = {
    "loaded": ("'x' || n", "NULLIF('g' || n % 3, 'g0')", "NULLIF('wide', left('wide', n % 5))"),
    # Bytes that stand for null and between two cells, at either end and alone, in few of the rows.
    "marks within": ("CASE n % 50 WHEN 0 THEN chr(31) || n ELSE 'x' END", "chr(30)", "NULLIF('wide', 'w')"),
    "marks for nulls": ("'x'", "CASE n % 7 WHEN 0 THEN chr(30) WHEN 1 THEN NULL ELSE 'g' END", "NULL"),
    "marks that cancel": ("CASE n WHEN 7 THEN NULL WHEN 8 THEN 'x' || chr(31) || 'y' ELSE 'x' END", "NULL", "NULL"),
    "a null that cannot be": ("NULLIF('x' || n, 'x9')", "'g'", "'w'"),
}


COLUMNS = "entry bigint, text text, gap text, width text, money numeric(20, 2), time timestamp"
# A table is read by its pages; what has none of its own, or not all of its rows in them, by its key.
KINDS = {
    "table": (f"CREATE TABLE t_odd ({COLUMNS})",),
    "view": (f"CREATE TABLE t_under ({COLUMNS})", "CREATE VIEW t_odd AS SELECT * FROM t_under"),
    "partitioned": (
        f"CREATE TABLE t_odd ({COLUMNS}) PARTITION BY RANGE (entry)",
        "CREATE TABLE t_under PARTITION OF t_odd FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE t_rest PARTITION OF t_odd DEFAULT",
    ),
    "inherited": (
        f"CREATE TABLE t_odd ({COLUMNS})",
        "CREATE TABLE t_under () INHERITS (t_odd)",
        "INSERT INTO t_under VALUES (0, 'first')",
    ),
}


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("kind", KINDS)
def test_postgresql_gives_whatever_is_stored_page_by_page(
    kind: str, cells: tuple[str, str, str], postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = parse_url(postgres.url).database_url
    assert address is not None
    with _session(address) as session:
        session.run("BEGIN")
        for statement in KINDS[kind]:
            session.run(statement)
        session.run(
            f"INSERT INTO t_odd SELECT n, {', '.join(cells)}, n / 4.0, timestamp '2030-01-01' + n * interval '1 s'"
            " FROM generate_series(1, 700) n"
        )
        wanted = session.database.rows("SELECT * FROM t_odd ORDER BY entry")
        for joined in (1, 3, 1000):
            monkeypatch.setattr(arrow_rows, "JOINED_PAGES", joined)
            monkeypatch.setattr(arrow_rows, "JOINED_ROWS", 100 * joined)
            batches = list(session.database.batches("t", TABLE))
            assert (len(batches) > 1) == (joined < 1000)
            found = [
                row
                for batch in batches
                for row in zip(*(batch[column.name].to_pylist() for column in TABLE.columns), strict=True)
            ]
            found.sort(key=lambda row: row[0])
            assert [tuple(map(_plain, TABLE.columns, row)) for row in found] == [
                tuple(map(_plain, TABLE.columns, row)) for row in wanted
            ]
            for batch in batches:
                row_lanes(TABLE, batch)
        session.run("ROLLBACK")


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        ("time", "'infinity'"),
        ("time", "'-infinity'"),
        ("time", "'9999-12-31 23:59:59.5'"),
        ("time", "'0044-03-15 BC'"),
        ("time", "'2030-01-01 00:00:07.000001'"),
        ("money", "1.004"),
        ("money", "0.996"),
        ("money", "'NaN'"),
        ("money", "1e30"),
    ],
)
def test_what_no_load_stores_is_other_rows_to_postgresql(column: str, odd: str, postgres: Server) -> None:
    address = parse_url(postgres.url).database_url
    assert address is not None
    with _session(address) as session:

        def lanes() -> list[int]:
            [batch] = session.database.batches("t", TABLE)
            batch.to_pylist()
            return row_lanes(TABLE, batch)[0].tolist()

        session.run("BEGIN")
        session.run(
            "CREATE TABLE t_odd (entry bigint, text text, gap text, width text, money numeric, time timestamp)"
        )
        session.run("INSERT INTO t_odd VALUES (1, 'x', NULL, NULL, 1.00, '2030-01-01 00:00:07')")
        before = lanes()
        session.run("UPDATE t_odd SET money = 1.0000")
        assert lanes() == before
        session.run(f"UPDATE t_odd SET {column} = {odd}")
        assert lanes() != before
        session.run("ROLLBACK")


def test_postgresql_gives_rows_that_moved_since_the_pages_were_counted(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_rows, "JOINED_PAGES", 1)
    address = parse_url(postgres.url).database_url
    assert address is not None
    with _session(address) as session:
        session.run("BEGIN")
        session.run(f"CREATE TABLE t_odd ({COLUMNS})")
        session.run("INSERT INTO t_odd SELECT n, 'x' FROM generate_series(1, 3000) n")
        batches = session.database.batches("t", TABLE)
        found = [next(batches)]
        # The rows behind the last counted page: appended, as by another writer's move.
        session.run("INSERT INTO t_odd SELECT n, 'y' FROM generate_series(3001, 9000) n")
        found += batches
        assert sum(batch.num_rows for batch in found) == 9000
        session.run("ROLLBACK")
