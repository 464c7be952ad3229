"""Times loads into each engine beside the plain bulk path of the same driver, with all data in memory beforehand.

    python benchmarks/load.py [--rows N] [--bank BANK] [--engines duckdb,sqlite,postgresql,mysql] [--without-views]

The plain path creates the same tables, adds the rows in the form that the driver takes (made before the clock
starts), builds the same keys and indexes and commits. Seedbed's load starts from Arrow tables, reads every row back
and compares digest, counts and sums before it commits. Views are timed apart: the plain path has none. The servers
are the tests' own, started here. Beside the seconds stand those of processor time, the server's included: on a busy
machine they can be compared, where the clock's cannot.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.databases.servers import Server, mariadb_server, postgresql_server, running

import seedbed
from seedbed.bank.bundled import bank_path
from seedbed.databases import loading
from seedbed.databases.drivers import mysql_connection, server_connection
from seedbed.databases.reader import open_database
from seedbed.databases.sqlite import sqlite_values
from seedbed.ledger.columns import TABLES, Table
from seedbed.ledger.dataset import Ledger
from seedbed.write import DIALECTS, parse_url
from seedbed.write.dialects import create_table, finish_table, table_name
from seedbed.write.text import ROWS, RowText

PLAIN = "plain"


def made(bank_name: str, rows: int) -> Ledger:
    """A baseline of about so many transaction rows over 90 days."""
    bank = seedbed.load_instance(bank_path(bank_name))
    role = max(bank.account_templates, key=lambda template: template.parent_role is not None).role
    few, more = (seedbed.generate(bank, anchor=date(2030, 1, 1), accounts={role: n}) for n in (256, 512))
    each = (more.transactions.num_rows - few.transactions.num_rows) / 256
    return seedbed.generate(bank, anchor=date(2030, 1, 1), accounts={role: round(rows / each)})


def statements(dialect: str, when: str) -> Iterator[str]:
    """The DDL around the rows."""
    for table in TABLES:
        if when == "before":
            yield f"DROP TABLE IF EXISTS {DIALECTS[dialect].quoted(table_name(PLAIN, table))}"
            yield create_table(PLAIN, table, DIALECTS[dialect])
        else:
            yield from finish_table(PLAIN, table, DIALECTS[dialect])


def text_of(ledger: Ledger, table: Table) -> bytes:
    """What COPY and LOAD DATA read."""
    return b"".join(RowText(ROWS, table, "").render(getattr(ledger, table.name)))


@contextmanager
def plain_duckdb(ledger: Ledger, url: str) -> Iterator[Callable[[], None]]:
    """INSERT from Arrow tables."""
    with duckdb.connect(parse_url(url).path) as connection:
        tables = {table.name: getattr(ledger, table.name) for table in TABLES}

        def run() -> None:
            for statement in statements("duckdb", "before"):
                connection.execute(statement)
            connection.execute("BEGIN")
            for name, rows in tables.items():
                connection.register("rows_", rows)
                connection.execute(f"INSERT INTO {PLAIN}_{name} SELECT * FROM rows_")
            connection.execute("COMMIT")
            for statement in statements("duckdb", "after"):
                connection.execute(statement)
            connection.execute("CHECKPOINT")

        yield run


@contextmanager
def plain_sqlite(ledger: Ledger, url: str) -> Iterator[Callable[[], None]]:
    """`executemany` from a list of tuples."""
    with closing(sqlite3.connect(parse_url(url).path, isolation_level=None)) as connection:
        tuples = {}
        for table in TABLES:
            rows = getattr(ledger, table.name)
            tuples[table.name] = list(zip(*(sqlite_values(c, rows[c.name]) for c in table.columns), strict=True))

        def run() -> None:
            connection.execute("BEGIN")
            for statement in statements("sqlite", "before"):
                connection.execute(statement)
            for table in TABLES:
                marks = ",".join("?" * len(table.columns))
                connection.executemany(f"INSERT INTO {PLAIN}_{table.name} VALUES ({marks})", tuples[table.name])
            for statement in statements("sqlite", "after"):
                connection.execute(statement)
            connection.execute("COMMIT")

        yield run


@contextmanager
def plain_postgresql(ledger: Ledger, url: str) -> Iterator[Callable[[], None]]:
    """COPY from text."""
    address = parse_url(url).address
    assert address is not None
    with closing(server_connection(address)) as connection:
        texts = {table.name: text_of(ledger, table) for table in TABLES}

        def run() -> None:
            connection.execute("BEGIN")
            for statement in statements("postgresql", "before"):
                connection.execute(statement)
            for name, text in texts.items():
                with connection.cursor().copy(f"COPY {PLAIN}_{name} FROM STDIN") as copy:
                    copy.write(text)
            for statement in statements("postgresql", "after"):
                connection.execute(statement)
            connection.execute("COMMIT")

        yield run


@contextmanager
def plain_mysql(ledger: Ledger, url: str) -> Iterator[Callable[[], None]]:
    """LOAD DATA LOCAL from text."""
    address = parse_url(url).address
    assert address is not None
    with mysql_connection(address) as connection, ExitStack() as stack:
        files = {table.name: stack.enter_context(tempfile.TemporaryFile()) for table in TABLES}
        for table in TABLES:
            files[table.name].write(text_of(ledger, table))

        def run() -> None:
            for statement in statements("mariadb", "before"):
                connection.execute(statement)
            for name, file in files.items():
                file.seek(0)
                path = f"/dev/fd/{file.fileno()}"
                connection.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {PLAIN}_{name} CHARACTER SET utf8mb4")
            for statement in statements("mariadb", "after"):
                connection.execute(statement)

        yield run


PLAINS: dict[str, Callable[[Ledger, str], Any]] = {
    "duckdb": plain_duckdb,
    "sqlite": plain_sqlite,
    "postgresql": plain_postgresql,
    "mysql": plain_mysql,
}


def worked(server: Server | None) -> float:
    """Seconds of processor time so far: of this process, and of the server with all its processes."""
    ticks, waiting = 0, [str(server.process.pid)] if server and server.process else []
    while waiting:
        process = Path("/proc", waiting.pop())
        # User and system time, its own and that of the children that have ended.
        ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
        for task in (process / "task").iterdir():
            waiting += (task / "children").read_text().split()
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def timed(run: Callable[[], object], server: Server | None) -> tuple[float, float]:
    """Seconds of one call, and seconds of processor time."""
    started, before = time.perf_counter(), worked(server)
    run()
    return time.perf_counter() - started, worked(server) - before


def measure(engine: str, url: str, ledger: Ledger, server: Server | None, views: bool) -> None:
    """One engine's line: plain, load, ratio, whole load with views, drift."""
    plain_url = url.replace(f".{engine}", f"-plain.{engine}")
    with PLAINS[engine](ledger, plain_url) as run:
        plain, plain_work = timed(run, server)
    with patch.object(loading, "view_statements", lambda *_: []):
        load, load_work = timed(lambda: seedbed.load(ledger, url), server)
    # The views of a large ledger take a while: what is known is said.
    print(
        f"{engine:<11} plain {plain:6.1f} s (work {plain_work:6.1f} s)   load {load:6.1f} s (work {load_work:6.1f} s)"
        f"   ratio {load / plain:4.2f} (work {load_work / plain_work:4.2f})   ",
        end="",
        flush=True,
    )
    if not views:
        print()
        return
    loading.clean_schema(parse_url(url), ledger.dataset.bank.instance)
    whole, _ = timed(lambda: seedbed.load(ledger, url), server)
    again, _ = timed(lambda: seedbed.load(ledger, url), server)
    with open_database(url) as database:
        [(drift,)] = database.rows(f"SELECT COUNT(*) FROM {ledger.dataset.bank.instance}_drift")
    print(f"with views {whole:6.1f} s   again {again:5.1f} s   drift rows {drift}", flush=True)


def main() -> None:
    """The whole of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bank", default="harbor_trust")
    parser.add_argument("--engines", default=",".join(PLAINS))
    parser.add_argument("--without-views", action="store_true")
    options = parser.parse_args()
    ledger = made(options.bank, options.rows)
    print(f"{ledger.transactions.num_rows:,} transactions, {ledger.daily_balances.num_rows:,} balances")
    makers = {"postgresql": postgresql_server, "mysql": mariadb_server}
    for engine in options.engines.split(","):
        if engine in makers:
            for server in running(makers[engine]()):
                measure(engine, server.url, ledger, server, not options.without_views)
        else:
            with tempfile.TemporaryDirectory() as folder:
                url = f"{engine}:///{folder}/bank.{engine}"
                measure(engine, url, ledger, None, not options.without_views)


main()
