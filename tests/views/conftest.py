"""One connection to each engine, for all tests."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.databases.servers import Server

from .engines import ENGINES, Engine, Engines


@pytest.fixture(scope="session")
def engines(postgresql: tuple[Path, str], mariadb: Server) -> Iterator[Engines]:
    with ExitStack() as stack:
        yield Engines(
            [
                Engine(dialect, stack.enter_context(closing(connect(postgresql[1], str(mariadb.socket)))))
                for dialect, connect in ENGINES.items()
            ]
        )
