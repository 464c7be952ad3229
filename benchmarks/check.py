"""Times `seedbed check` against a plain scan of the same database: both base tables, every column, in Arrow batches.

    python benchmarks/check.py [--bank BANK] [--accounts ROLE=N]... [--window-days N] [--runs N] [--database FILE]

Without `--database` the ledger is made first, in a folder of its own; with it, what is there is checked.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from seedbed.checks import ASSERTIONS, check_database
from seedbed.checks.subject import Subject
from seedbed.cli.main import run
from seedbed.databases.reader import open_database, the_instance
from seedbed.ledger.columns import TABLES

ANCHOR = "2030-01-01"


def scan(url: str) -> int:
    """Reads every row of both base tables, and gives their number."""
    with open_database(url) as database:
        instance = the_instance(database, None)
        return sum(batch.num_rows for table in TABLES for batch in database.batches(instance, table))


def check(url: str) -> bool:
    """The whole check; whether everything holds."""
    with open_database(url) as database:
        return not check_database(database, the_instance(database, None)).misses


def seconds(call: Callable[[str], object], url: str, runs: int) -> float:
    """The median of some runs."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call(url)
        times.append(time.perf_counter() - started)
    return median(times)


def slowest(url: str) -> list[tuple[float, str]]:
    """Each assertion's own time, asked one after another, slowest first."""
    times = []
    with open_database(url) as database:
        subject = Subject(database, the_instance(database, None))
        for assertion in ASSERTIONS:
            started = time.perf_counter()
            results = list(assertion(subject))
            times.append((time.perf_counter() - started, results[-1].name))
    return sorted(times, reverse=True)


def main() -> None:
    """Makes the database if need be, and prints the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", default="harbor_trust")
    parser.add_argument("--accounts", action="append", default=[], metavar="ROLE=N")
    parser.add_argument("--window-days", default="90")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--database", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.database or Path(folder) / "ledger.duckdb"
        url = f"duckdb:///{path}"
        if arguments.database is None:
            accounts = [option for pair in arguments.accounts for option in ("--accounts", pair)]
            apply = ["data", "apply", arguments.bank, "--anchor", ANCHOR, "--window-days", arguments.window_days]
            if run([*apply, *accounts, "--to", url, "--quiet"]):
                sys.exit("the ledger could not be made")
        rows, holds = scan(url), check(url)
        reference, checked = seconds(scan, url, arguments.runs), seconds(check, url, arguments.runs)
        print(f"rows    {rows:,}; {'everything holds' if holds else 'NOT EVERYTHING HOLDS'}")
        print(f"scan    {reference:.2f} s")
        print(f"check   {checked:.2f} s, ratio {checked / reference:.1f}")
        for spent, name in slowest(url)[:6]:
            print(f"  {spent:6.2f} s  {name}")


main()
