"""A load in a process of its own, as a user runs it: `python -m tests.databases.child URL NAME [FILE BYTES]`.

It says when it is ready, starts at the next line of its input, says `step` before each thing that it asks of the
database, and ends with the command line's exit code.
"""

import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from seedbed.cli.main import run
from seedbed.databases import duckdb_file, mysql, postgresql, sqlite
from seedbed.databases.reader import Database

from .bank import apply_arguments, load

SESSIONS = (duckdb_file.DuckdbSession, mysql.MysqlSession, postgresql.PostgresqlSession, sqlite.SqliteSession)


def main() -> None:
    """The whole of it."""
    url, name, *limit = sys.argv[1:]
    # Everything is imported and generated once, so that what is killed is the load.
    load_nowhere(name)
    say_steps()
    print("ready", flush=True)
    sys.stdin.readline()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), int(limit[0])))
    os._exit(run(apply_arguments(url, name)))


def load_nowhere(name: str) -> None:
    """A load into a database that goes away."""
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        load(f"sqlite:///{folder}/x", name)


def say_steps() -> None:
    """Whoever listens knows how far the load is, however fast the machine may be."""
    for session in SESSIONS:
        for name in ("lock", "begin", "run", "insert", "commit"):
            setattr(session, name, told(getattr(session, name)))
    for owner, name in ((Database, "rows"), (duckdb_file, "move_file"), (sqlite, "move_file")):
        setattr(owner, name, told(getattr(owner, name)))


def told(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, said before it is made."""

    def telling(*arguments: Any) -> Any:
        print("step", flush=True)
        return call(*arguments)

    return telling


main()
