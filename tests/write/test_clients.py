"""MariaDB and Oracle scripts: loaded by the real client where there is one, else read as the engine would."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from seedbed.ledger.columns import ALL_TABLES, TABLES, TRANSACTIONS
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import dataset_digest
from seedbed.write import Target, emit_sql, write
from seedbed.write.facts import DATASET, Tally, dataset_facts
from seedbed.write.schema import drop_statements, object_names
from seedbed.write.text import oracle_text
from tests.databases.servers import Server
from tests.waiting import LONG

Digest = Callable[[dict[str, Any]], str]
SCRIPTS = ("postgresql", "sqlite", "mariadb", "mysql", "oracle")


@pytest.fixture
def database(mariadb: Server) -> Iterator[pymysql.Connection]:  # type: ignore[type-arg]
    with pymysql.connect(
        unix_socket=str(mariadb.socket), user="root", database="bank", autocommit=True
    ) as connection:
        yield connection
        for statement in drop_statements("demo", "mariadb"):
            connection.cursor().execute(statement)


def run_mariadb(server: Server, script: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["mariadb", "--no-defaults", f"--socket={server.socket}", "-uroot", *options, "bank"]
    with script.open("rb") as stream:
        return subprocess.run(command, stdin=stream, capture_output=True, text=True, check=False, timeout=LONG)


def query(connection: Any, sql: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return list(cursor.fetchall())


def stored(connection: Any) -> dict[str, Any]:
    return {table.name: query(connection, f"SELECT * FROM demo_{table.name}") for table in TABLES}


@pytest.mark.parametrize("mode", ["STRICT_ALL_TABLES", "NO_BACKSLASH_ESCAPES", "ANSI,ORACLE", ""])
def test_the_mariadb_client_loads_the_script_whatever_the_server_is_set_to(
    parts: tuple[Part, ...],
    dataset: Dataset,
    digest_of_rows: Digest,
    mariadb: Server,
    database: Any,
    mode: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "demo.sql"
    report = write(parts, dataset, Target(format="mariadb", path=str(path)))
    [(usual,)] = query(database, "SELECT @@GLOBAL.sql_mode")
    query(database, f"SET GLOBAL sql_mode = '{mode}'")
    try:
        for _ in range(2):  # a second run replaces the data
            done = run_mariadb(mariadb, path, "--default-character-set=latin1")
            assert (done.returncode, done.stderr) == (0, "")
    finally:
        query(database, f"SET GLOBAL sql_mode = '{usual}'")
    assert digest_of_rows(stored(database)) == report.digest == dataset_digest(parts)
    names = {name for (name,) in query(database, "SHOW TABLES")}
    assert {name for name in names if name.startswith("demo")} == set(object_names("demo"))


def test_a_failing_mariadb_script_leaves_the_old_rows_and_a_good_one_clears_what_it_left(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, mariadb: Server, database: Any, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    report = write(parts, dataset, Target(format="mariadb", path=str(good)))
    assert run_mariadb(mariadb, good).returncode == 0
    bad.write_text(good.read_text(encoding="utf-8").replace("'Posted'", "'posted'", 5), encoding="utf-8")
    assert run_mariadb(mariadb, bad).returncode == 1
    assert digest_of_rows(stored(database)) == report.digest
    assert run_mariadb(mariadb, good).returncode == 0
    assert not [name for (name,) in query(database, "SHOW TABLES") if "$" in name]


def test_the_duckdb_client_loads_the_script(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, tmp_path: Path
) -> None:
    client = Path(sys.executable).with_name("duckdb")
    report = write(parts, dataset, Target(format="duckdb", path=str(tmp_path / "demo.sql")))
    command = [client, "-bail", "-no-stdin", "-f", "demo.sql", "x.duckdb"]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONG)
        assert (done.returncode, done.stderr) == (0, "")
    asked = subprocess.run(
        [client, "-csv", "-noheader", "x.duckdb", "SELECT digest FROM demo_dataset"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout.strip() == report.digest


@pytest.mark.parametrize("dialect", SCRIPTS)
def test_the_lines_of_a_script_are_what_clients_accept(
    parts: tuple[Part, ...], dataset: Dataset, dialect: str
) -> None:
    text = emit_sql(parts, dataset, dialect)
    allowed = "\n\r\t" if dialect == "sqlite" else "\n\t" if dialect == "postgresql" else "\n"
    assert not {c for c in text if c < " "} - set(allowed)
    if dialect == "oracle":
        # SQL*Plus: lines of 2,499 characters, a hyphen at the end goes on, a command may stand at a line's beginning.
        lines = text.splitlines()
        assert max(map(len, lines)) < 2_499
        assert not [line for line in lines if line.endswith("-") and not line.startswith("--")]
        assert not [line for line in lines if re.match(r"[@#!]|\.$", line)]
        assert lines.index("SET DEFINE OFF") < 5


LITERAL = re.compile(r"'((?:[^']|'')*)'")


def oracle_value(expression: str) -> str | None:
    """A text expression of Oracle, evaluated: literals, CHR and TO_CLOB, joined."""
    if expression == "NULL":
        return None
    pieces = re.findall(r"'(?:[^']|'')*'|CHR\(\d+\)", expression)
    assert re.sub(r"'(?:[^']|'')*'|CHR\(\d+\)|TO_CLOB|[()|\n]", "", expression) == ""
    return "".join(chr(int(p[4:-1])) if p.startswith("CHR") else p[1:-1].replace("''", "'") for p in pieces)


def split_cells(row: str) -> list[str]:
    """The expressions of one row: commas outside of literals and parentheses part them."""
    cells, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(row):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == "," and depth == 0:
                cells.append(row[start:position].strip())
                start = position + 1
    return [*cells, row[start:].strip()]


def oracle_rows(text: str, name: str) -> list[list[str]]:
    """The rows of all INSERT ALL statements into a table, as expressions."""
    rows = []
    for match in re.finditer(rf'INTO "{name.upper()}" VALUES\n\(', text):
        position, depth, quoted = match.end(), 1, False
        while depth:
            character = text[position]
            if character == "'":
                quoted = not quoted
            elif not quoted:
                depth += (character == "(") - (character == ")")
            position += 1
        rows.append(split_cells(text[match.end() : position - 1]))
    return rows


def test_oracle_literals_say_what_the_rows_hold(parts: tuple[Part, ...], dataset: Dataset) -> None:
    text = emit_sql(parts, dataset, "oracle")
    for table in ALL_TABLES:
        expected = [row for part in parts for row in part[table.name].to_pylist()]
        found = oracle_rows(text, f"demo_{table.name}")
        assert len(found) == len(expected)
        for cells, row in zip(found, expected, strict=True):
            for column, cell in zip(table.columns, cells, strict=True):
                value = row[column.name]
                if column.kind in ("text", "json"):
                    assert oracle_value(cell) == value
                elif column.kind == "timestamp":
                    assert cell == ("NULL" if value is None else f"TIMESTAMP'{value}'")
                else:
                    assert cell == ("NULL" if value is None else str(value))
    [facts] = oracle_rows(text, "demo_dataset")
    tally = Tally(parts)
    assert len(list(tally)) == len(parts)
    expected_facts = dataset_facts(dataset, tally.counts)
    bank = [column.name for column in DATASET.columns].index("bank")
    assert oracle_value(facts[bank]) == expected_facts["bank"]


def test_an_oracle_insert_has_no_more_columns_than_a_statement_takes(
    parts: tuple[Part, ...], dataset: Dataset
) -> None:
    statements = emit_sql(parts, dataset, "oracle").split("SELECT 1 FROM dual;")
    most = max(statement.count('INTO "DEMO_TRANSACTIONS"') for statement in statements)
    assert 1 < most * len(TRANSACTIONS.columns) <= 999


@pytest.mark.parametrize("text", ["x" * 5_000, "&" * 3_000, "é😀'" * 2_000, "a\nb" * 1_000])
def test_a_long_oracle_text_is_made_of_pieces(text: str) -> None:
    expression = oracle_text(text)
    assert oracle_value(expression) == text
    assert all(len(piece.encode()) <= 4_000 for piece in LITERAL.findall(expression))
    assert max(map(len, expression.splitlines())) < 2_499
