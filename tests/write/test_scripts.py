"""SQL scripts, loaded by the real engines and read back."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from seedbed.errors import InputError, TargetError
from seedbed.ledger.columns import TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import dataset_digest
from seedbed.write import Target, emit_sql, write
from seedbed.write.schema import drop_statements
from tests.waiting import LONG

Digest = Callable[[dict[str, Any]], str]
Regroup = Callable[[tuple[Part, ...], int], list[Part]]
DIALECTS = ("postgresql", "sqlite", "duckdb")


def script(parts: Any, dataset: Dataset, dialect: str, folder: Path) -> str:
    return emit_sql(parts, dataset, dialect, data_dir=folder / "data")


def run_psql(server: tuple[Path, str], path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    psql, uri = server
    command = [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, uri]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=LONG
    )


def stored(cursor: Any, tables: tuple[str, ...] = tuple(table.name for table in TABLES)) -> dict[str, Any]:
    return {name: cursor.execute(f'SELECT * FROM "demo_{name}"').fetchall() for name in tables}


@pytest.fixture
def database(postgresql: tuple[Path, str]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgresql[1], autocommit=True) as connection:
        yield connection
        for statement in (*drop_statements("demo", "postgresql"), "DROP TABLE IF EXISTS x, other_transactions"):
            connection.execute(statement)


def test_psql_loads_the_script_and_the_rows_survive(
    parts: tuple[Part, ...],
    dataset: Dataset,
    digest_of_rows: Digest,
    postgresql: tuple[Path, str],
    database: psycopg.Connection,
    tmp_path: Path,
) -> None:
    database.execute("CREATE TABLE x (a int); CREATE TABLE other_transactions (a int)")
    path = tmp_path / "demo.sql"
    report = write(parts, dataset, Target(format="postgresql", path=str(path)))
    for _ in range(2):  # a second run replaces the data
        done = run_psql(postgresql, path)
        assert (done.returncode, done.stderr) == (0, "")
    assert digest_of_rows(stored(database)) == report.digest == dataset_digest(parts)
    names = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {"x", "other_transactions"} < {name for (name,) in names}


def test_the_script_pins_what_a_session_could_have_changed(
    parts: tuple[Part, ...],
    dataset: Dataset,
    digest_of_rows: Digest,
    postgresql: tuple[Path, str],
    database: psycopg.Connection,
    tmp_path: Path,
) -> None:
    path = tmp_path / "demo.sql"
    report = write(parts, dataset, Target(format="postgresql", path=str(path)))
    done = run_psql(
        postgresql,
        path,
        LC_ALL="C",
        PGCLIENTENCODING="LATIN1",
        PGOPTIONS="-c standard_conforming_strings=off -c DateStyle=German",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert digest_of_rows(stored(database)) == report.digest


def test_a_failing_script_leaves_the_old_rows(
    parts: tuple[Part, ...],
    dataset: Dataset,
    digest_of_rows: Digest,
    postgresql: tuple[Path, str],
    database: psycopg.Connection,
    tmp_path: Path,
) -> None:
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    report = write(parts, dataset, Target(format="postgresql", path=str(good)))
    bad.write_text(good.read_text().replace("\tPosted\t", "\tposted\t"))
    assert run_psql(postgresql, good).returncode == 0
    assert run_psql(postgresql, bad).returncode == 3
    assert digest_of_rows(stored(database)) == report.digest


def test_sqlite_loads_the_script_and_the_rows_survive(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest
) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE x (a)")
    for _ in range(2):
        connection.executescript(emit_sql(parts, dataset, "sqlite"))
    assert digest_of_rows(stored(connection)) == dataset_digest(parts)
    assert connection.execute("SELECT count(*) FROM x").fetchone() == (0,)
    connection.close()


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 client here")
def test_the_sqlite_client_loads_the_script(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, tmp_path: Path
) -> None:
    path = tmp_path / "demo.sql"
    report = write(parts, dataset, Target(format="sqlite", path=str(path)))
    with path.open("rb") as stream:
        done = subprocess.run(
            ["sqlite3", "-bail", tmp_path / "demo.db"], stdin=stream, capture_output=True, check=False, timeout=LONG
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    connection = sqlite3.connect(tmp_path / "demo.db")
    assert digest_of_rows(stored(connection)) == report.digest
    connection.close()


def test_sqlite_statements_stay_small(parts: tuple[Part, ...], dataset: Dataset) -> None:
    many = [parts[0]] * 60
    texts = emit_sql(many, dataset, "sqlite").split(";\nINSERT INTO ")
    assert max(len(text.encode()) for text in texts) < 300_000
    assert max(text.count("\n(") for text in texts) <= 500
    assert sum(text.count("\n(") for text in texts) == 60 * 47 + 1


def test_duckdb_runs_the_script_from_its_folder(
    parts: tuple[Part, ...],
    dataset: Dataset,
    digest_of_rows: Digest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "scripts" / "it's [a] st*r?.sql"
    path.parent.mkdir()
    write(
        parts[:1], dataset, Target(format="parquet", path=str(path.parent / "it's a star_data"))
    )  # what a pattern would read
    report = write(parts, dataset, Target(format="duckdb", path=str(path)))
    assert report.paths == (path, path.parent / "it's [a] st*r?_data")
    monkeypatch.chdir(path.parent)
    with duckdb.connect() as connection:
        for _ in range(2):
            connection.execute(path.read_text())
        assert digest_of_rows(stored(connection)) == report.digest == dataset_digest(parts)


def test_duckdb_text_names_files_from_the_data_folder(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, tmp_path: Path
) -> None:
    text = emit_sql(parts, dataset, "duckdb", data_dir=tmp_path / "data")
    assert "FROM 'transactions.parquet'" in text
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{tmp_path / 'data'}'")
        connection.execute(text)
        assert digest_of_rows(stored(connection)) == dataset_digest(parts)


def test_a_duckdb_script_needs_a_data_folder(parts: tuple[Part, ...], dataset: Dataset) -> None:
    with pytest.raises(InputError, match="data_dir"):
        emit_sql(parts, dataset, "duckdb")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_text_does_not_depend_on_the_parts(
    parts: tuple[Part, ...], dataset: Dataset, regroup: Regroup, dialect: str, rows: int, tmp_path: Path
) -> None:
    assert script(parts, dataset, dialect, tmp_path) == script(regroup(parts, rows), dataset, dialect, tmp_path)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_file_is_the_text(parts: tuple[Part, ...], dataset: Dataset, dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.sql"
    report = write(parts, dataset, Target(format=dialect, path=str(path)))
    text = path.read_bytes().decode()
    assert text.replace("demo_data/", "") == script(parts, dataset, dialect, tmp_path)
    files = [path, *(tmp_path / "demo_data").glob("*")]
    assert report.bytes == sum(file.stat().st_size for file in files)
    assert report.rows == {"transactions": 47, "daily_balances": 30, "answer_key": 9}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_standard_output_gets_the_same_script(
    parts: tuple[Part, ...], dataset: Dataset, dialect: str, tmp_path: Path, capfdbinary: Any
) -> None:
    report = write(parts, dataset, Target(format=dialect, path="-", data_dir=str(tmp_path / "data")))
    assert capfdbinary.readouterr().out.decode() == script(parts, dataset, dialect, tmp_path)
    assert report.paths == ((tmp_path / "data",) if dialect == "duckdb" else ())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_ledger_without_rows_gives_empty_tables(dataset: Dataset, dialect: str, tmp_path: Path) -> None:
    text = script((), dataset, dialect, tmp_path)
    assert 'COPY "demo_transactions" FROM stdin' not in text
    connection: Any = sqlite3.connect(":memory:") if dialect == "sqlite" else duckdb.connect()
    if dialect == "sqlite":
        connection.executescript(text)
    elif dialect == "duckdb":
        connection.execute(f"SET file_search_path = '{tmp_path / 'data'}'")
        connection.execute(text)
    if dialect != "postgresql":
        facts = connection.execute("SELECT as_of, transaction_rows, digest FROM demo_dataset").fetchone()
        assert (str(facts[0]), *facts[1:]) == ("2030-01-02 00:00:00", 0, dataset_digest(()))
    connection.close()


def test_a_script_replaces_only_a_script(parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "notes.sql"
    path.write_text("-- mine\n")
    path.chmod(0o640)
    with pytest.raises(TargetError, match="exists, and Seedbed did not write it"):
        write(parts, dataset, Target(format="sqlite", path=str(path)))
    assert path.read_text() == "-- mine\n"
    write(parts, dataset, Target(format="sqlite", path=str(path), overwrite=True))
    write(parts, dataset, Target(format="postgresql", path=str(path)))
    assert path.read_text(encoding="utf-8").startswith(
        "-- Seedbed postgresql script of instance demo: anchor 2030-01-01"
    )
    assert path.stat().st_mode & 0o777 == 0o640


def test_rows_that_are_in_place_before_a_script_that_fails_are_named(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sql"

    def in_the_way() -> Iterator[Part]:
        yield from parts
        path.mkdir()

    with pytest.raises(TargetError) as refused:
        write(in_the_way(), dataset, Target(format="duckdb", path=str(path)))
    folder = tmp_path / "ledger_data"
    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).endswith(f"; {folder} has the new rows already, but their script is missing")
    assert (folder / "dataset.json").exists()
    path.rmdir()
    with pytest.raises(TargetError) as refused:
        write(in_the_way(), dataset, Target(format="sqlite", path=str(path)))
    assert "new rows" not in str(refused.value)


def test_an_unknown_dialect_is_named_with_the_known_ones(parts: tuple[Part, ...], dataset: Dataset) -> None:
    with pytest.raises(InputError, match="unknown dialect 'oracle8'; known are postgresql, sqlite, duckdb"):
        emit_sql(parts, dataset, "oracle8")
    with pytest.raises(InputError, match=r"unknown format 'xlsx'; known are .*duckdb-file"):
        write(parts, dataset, Target(format="xlsx", path="out"))
