"""A contract of one more table, written by every writer: run by `test_extending.py` in a process of its own.

python tests/further_table.py BANK.yaml
"""

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from seedbed.ledger import columns

# The one row, before anything else of Seedbed is there.
ACCOUNTS = columns.Table(
    "accounts",
    (
        columns.Column(name="line", kind="bigint"),
        columns.Column(name="account_id", kind="text"),
        columns.Column(name="opened", kind="money"),
    ),
    (("account_id",),),
)
columns.ALL_TABLES = (*columns.ALL_TABLES, ACCOUNTS)  # type: ignore[assignment]

from seedbed.api import dataset_of, parts_of  # noqa: E402
from seedbed.bank.load import load_instance  # noqa: E402
from seedbed.databases.reader import open_database  # noqa: E402
from seedbed.ledger.digest import TableDigest  # noqa: E402
from seedbed.write import Target, parse_url, write  # noqa: E402


def main(bank_file: Path) -> None:
    """Writes the ledger of a bank with a table of accounts, and reads it back."""
    folder = bank_file.parent
    dataset = dataset_of(load_instance(bank_file), date(2030, 1, 1), 5)
    rows = pa.table({"line": [0, 1], "account_id": ["till", "vault"], "opened": [Decimal("1.00"), Decimal("2.50")]})
    rows = rows.cast(ACCOUNTS.arrow_schema())
    parts = list(parts_of(dataset))
    parts[-1] = replace(parts[-1], tables={**parts[-1].tables, "accounts": rows})
    targets = {
        "csv": Target(format="csv", path=str(folder / "csv")),
        "parquet": Target(format="parquet", path=str(folder / "parquet")),
        "sqlite": parse_url(f"sqlite:///{folder}/tiny.sqlite"),
        "duckdb": parse_url(f"duckdb:///{folder}/tiny.duckdb"),
        "script": Target(format="sqlite", path=str(folder / "tiny.sql")),
    }
    for name, target in targets.items():
        assert write(parts, dataset, target).rows["accounts"] == 2, name
        print(name)
    assert pa.csv.read_csv(folder / "csv" / "accounts.csv")["account_id"].to_pylist() == ["till", "vault"]
    assert pa.parquet.read_table(folder / "parquet" / "accounts.parquet").to_pylist() == rows.to_pylist()
    for engine in ("sqlite", "duckdb"):
        with open_database(f"{engine}:///{folder}/tiny.{engine}") as database:
            stored = pa.concat_tables(database.batches("tiny", ACCOUNTS))
            assert TableDigest.of(ACCOUNTS, stored) == TableDigest.of(ACCOUNTS, rows), engine
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((folder / "tiny.sql").read_text(encoding="utf-8"))
        assert connection.execute("SELECT MIN(account_id), COUNT(*) FROM tiny_accounts").fetchone() == ("till", 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
