"""Asks every health condition of the tests about a folder of Parquet files, by DuckDB.

    python benchmarks/health.py DIR [--memory 4GB] [--scratch DIR]

DIR is what `seedbed data apply --baseline-only --format parquet` writes. The conditions are those of `tests/health`:
they know the bank file and the design, and share no code with the generator. What speaks against one is printed below
its name; the exit code is 1 then. DuckDB works in a private file beside DIR, so that rows need not fit in memory.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.health.conditions import EXACT, STATISTICAL, findings_of  # noqa: E402 - the checkout's tests
from tests.health.facts import Facts, gather_on  # noqa: E402

from seedbed.bank.load import parse_instance_text  # noqa: E402

# Name in the conditions → name of the table in the files.
SOURCES = {"transactions": "transactions", "balances": "daily_balances"}


def pattern_of(folder: Path, table: str) -> str:
    """The Parquet files of a table: one, or one per group of blocks."""
    single = folder / f"{table}.parquet"
    return str(single if single.exists() else folder / f"{table}-*.parquet").replace("'", "''")


def facts_on(folder: Path, connection: duckdb.DuckDBPyConnection) -> Facts:
    """The files and what their bank declares, in one connection; ends this program where plants are in them."""
    manifest: dict[str, Any] = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    if manifest["scenario"] is not None:
        sys.exit(f"{folder}: plants break health on purpose; write it with --baseline-only")
    bank = parse_instance_text(json.dumps(manifest["bank"]))
    for name, table in SOURCES.items():
        connection.execute(f"create view {name} as from read_parquet('{pattern_of(folder, table)}')")
    counts, anchor = manifest["accounts"], date.fromisoformat(manifest["anchor"])
    findings = findings_of(bank, counts)
    facts = gather_on(connection, bank, anchor, manifest["window_days"], counts, findings)
    facts.settle()
    return facts


def judge(facts: Facts) -> int:
    """Prints a line per condition; gives the number of those that something speaks against."""
    broken = 0
    for condition in (*EXACT, *STATISTICAL):
        started = time.perf_counter()
        against = condition.check(facts)
        broken += bool(against)
        print(f"{'BROKEN' if against else 'holds ':6} {time.perf_counter() - started:7.1f} s  {condition.name}")
        for text in against:
            print(f"         {text}")
        sys.stdout.flush()
    return broken


def main() -> None:
    """The whole of it."""
    parser = argparse.ArgumentParser(description="Every health condition over a folder of Parquet files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    parser.add_argument("--scratch", type=Path, help="where DuckDB keeps what does not fit; beside DIR by default")
    options = parser.parse_args()
    started = time.perf_counter()
    beside = options.scratch or options.folder.parent
    with tempfile.TemporaryDirectory(prefix="seedbed-health-", dir=beside) as scratch:
        config = {"memory_limit": options.memory, "preserve_insertion_order": False}
        connection = duckdb.connect(f"{scratch}/health.duckdb", config=config)
        facts = facts_on(options.folder, connection)
        rows, balances = (facts.rows(f"select count(*) from {name}")[0][0] for name in SOURCES)
        print(f"{options.folder}: {rows:,} transactions, {balances:,} balances; gathered in "
              f"{time.perf_counter() - started:.1f} s", flush=True)  # fmt: skip
        broken = judge(facts)
        connection.close()
    total = len(EXACT) + len(STATISTICAL)
    print(f"{total - broken} of {total} conditions hold; {time.perf_counter() - started:.1f} s")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
