"""Loading DuckDB files: what is replaced, what survives, what is refused."""

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from seedbed.databases.duckdb_file import DuckdbSession
from seedbed.databases.loading import apply_schema
from seedbed.errors import TargetError
from seedbed.ledger.columns import TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import dataset_digest
from seedbed.views import VIEWS
from seedbed.write import Target, WriteReport, parse_url, write

Digest = Callable[[dict[str, Any]], str]


def load_duckdb(parts: Iterable[Part], dataset: Dataset, path: str) -> WriteReport:
    return write(parts, dataset, Target(format="duckdb-file", path=path))


def stored(path: Path) -> dict[str, Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {t.name: connection.execute(f"SELECT * FROM demo_{t.name}").fetchall() for t in TABLES}


def test_the_rows_survive_with_their_constraints_and_facts(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    report = write(parts, dataset, Target(format="duckdb-file", path=str(path)))
    assert digest_of_rows(stored(path)) == report.digest == dataset_digest(parts)
    assert (report.paths, report.bytes) == ((path,), path.stat().st_size)
    with duckdb.connect(str(path)) as connection:
        facts = connection.execute("SELECT * EXCLUDE (bank, as_of), as_of::text FROM demo_dataset").fetchall()
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("UPDATE demo_transactions SET status = 'Done'")
        constraints = connection.execute(
            "SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchone()
    (instance, anchor, days, seed, version, accounts, scenario, *counted, load_id, as_of) = facts[0]
    (legs, balances, lines, digest, answer_digest) = counted
    assert (accounts, scenario, lines) == ("{}", None, 9)
    assert (instance, anchor, days, seed, version) == ("demo", "2030-01-01", 90, 42, "1")
    assert (legs, balances, digest, as_of) == (47, 30, report.digest, "2030-01-02 00:00:00")
    assert (len(load_id), len(answer_digest)) == (16, 64)
    assert constraints == (4,)
    assert [file.name for file in tmp_path.iterdir()] == ["bank.duckdb"]


def test_other_objects_in_the_file_survive_a_second_load(
    parts: tuple[Part, ...], dataset: Dataset, digest_of_rows: Digest, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    write(parts, dataset, Target(format="duckdb-file", path=str(path)))
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE demo_transactions_notes (note text); CREATE TABLE demo2_dataset (a int)")
        connection.execute("INSERT INTO demo_transactions_notes VALUES ('kept'); CREATE VIEW v AS SELECT 1 AS one")
    path.chmod(0o600)
    load_duckdb(parts[:1], dataset, str(path))
    assert digest_of_rows(stored(path)) == dataset_digest(parts[:1])
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT note, one FROM demo_transactions_notes, v, demo2_dataset").fetchall() == []
        assert connection.execute("SELECT note FROM demo_transactions_notes").fetchall() == [("kept",)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_repeated_loads_do_not_grow_the_file(parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "bank.duckdb"
    sizes = [load_duckdb(parts[: 2 - turn % 2], dataset, str(path)).bytes for turn in range(8)]
    assert max(sizes) <= max(sizes[:3]) * 1.2


def test_a_reader_keeps_the_old_rows(parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "bank.duckdb"
    load_duckdb(parts, dataset, str(path))
    with duckdb.connect(str(path), read_only=True) as reader:
        load_duckdb(parts[:1], dataset, str(path))
        assert reader.execute("SELECT count(*) FROM demo_transactions").fetchone() == (47,)
    assert len(stored(path)["transactions"]) == 30


@pytest.mark.parametrize("content", [b"", b"notes", b"x" * 50_000])
def test_a_file_that_is_no_database_stays(
    parts: tuple[Part, ...], dataset: Dataset, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_bytes(content)
    with pytest.raises(TargetError, match="not a valid DuckDB database") as refused:
        load_duckdb(parts, dataset, str(path))
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == content


def test_a_writer_in_another_process_is_not_overrun(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    load_duckdb(parts, dataset, str(path))
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout and writer.stdin
        writer.stdout.readline()
        with pytest.raises(TargetError, match="lock"):
            load_duckdb(parts[:1], dataset, str(path))
        writer.stdin.close()
    assert len(stored(path)["transactions"]) == 47


def test_two_loads_into_one_file_do_not_undo_each_other(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    load_duckdb(parts, dataset, str(path))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TargetError, match="is being loaded by another process"):
            load_duckdb(parts, dataset, str(path))

    def another_load_finishes_first() -> Iterator[Part]:
        (tmp_path / "new.duckdb").write_bytes(b"theirs")
        yield from parts

    with pytest.raises(TargetError, match="created by another process"):
        load_duckdb(another_load_finishes_first(), dataset, str(tmp_path / "new.duckdb"))
    assert (tmp_path / "new.duckdb").read_bytes() == b"theirs"


def test_unfinished_writes_of_another_program_are_not_lost(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    load_duckdb(parts, dataset, str(path))
    (tmp_path / "bank.duckdb.wal").write_bytes(b"pending")
    with pytest.raises(TargetError, match="unfinished writes"):
        load_duckdb(parts, dataset, str(path))


def test_rows_that_read_back_differently_never_reach_the_target(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DuckdbSession.insert

    def truncated(session: DuckdbSession, instance: str, table: Any, rows: pa.Table) -> None:
        whole(session, instance, table, rows.slice(0, 20))

    monkeypatch.setattr(DuckdbSession, "insert", truncated)
    with pytest.raises(TargetError, match=r"differ from the rows loaded \(37 of 47 transactions"):
        load_duckdb(parts, dataset, str(tmp_path / "bank.duckdb"))
    assert list(tmp_path.iterdir()) == []


def test_rows_that_break_a_constraint_are_refused_in_one_line(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    rows = parts[0]["transactions"]
    wrong = rows.set_column(7, rows.schema.field(7), pc.negate(rows["amount_money"]).cast(pa.decimal128(20, 2)))
    with pytest.raises(TargetError, match="Constraint Error: CHECK") as refused:
        load_duckdb(
            [Part({"transactions": wrong, "daily_balances": parts[0]["daily_balances"]})],
            dataset,
            str(tmp_path / "bank.duckdb"),
        )
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_view_with_the_name_of_a_table_is_not_dropped(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW demo_transactions AS SELECT 1 AS one")
    with pytest.raises(TargetError, match="demo_transactions"):
        load_duckdb(parts, dataset, str(path))


def test_schema_apply_makes_empty_tables_and_keeps_the_rest(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    bank, other = dataset.bank, dataset.bank.model_copy(update={"instance": "other"})
    apply_schema(bank, parse_url(f"duckdb:///{path}"))
    assert stored(path) == {"transactions": [], "daily_balances": []}
    load_duckdb(parts, dataset, str(path))
    apply_schema(other, parse_url(f"duckdb:///{path}"))
    assert len(stored(path)["transactions"]) == 47
    apply_schema(bank, parse_url(f"duckdb:///{path}"))
    assert stored(path) == {"transactions": [], "daily_balances": []}


def test_an_older_client_reads_rows_and_views(parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path) -> None:
    client = Path(sys.executable).with_name("duckdb")
    if not client.exists():
        pytest.skip("no DuckDB client here")
    path = tmp_path / "bank.duckdb"
    write(parts, dataset, Target(format="duckdb-file", path=str(path)))
    for name in (*(f"demo_{table.name}" for table in TABLES), *(f"demo_{view.name}" for view in VIEWS)):
        query = f"SELECT count(*) FROM {name}"
        done = subprocess.run([client, "-csv", "-noheader", path, query], capture_output=True, text=True, check=False)
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(query).fetchone()
        assert (done.stderr, rows) == ("", (int(done.stdout),))


def test_a_new_file_has_the_storage_version_of_duckdb_1_3(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "bank.duckdb"
    for _ in range(2):
        write(parts, dataset, Target(format="duckdb-file", path=str(path)))
        # Behind the checksum and the magic bytes; 66 is the number of DuckDB 1.3.
        assert path.read_bytes()[8:12] == b"DUCK"
        assert int.from_bytes(path.read_bytes()[12:20], "little") == 66
