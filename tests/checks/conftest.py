"""Databases with the bundled banks on all three engines, each loaded once."""

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from seedbed.cli.main import run
from tests.planting.conftest import ANCHOR

Loaded = Callable[..., str]


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, postgresql: tuple[Path, str]) -> Loaded:
    """Makes the URL of a database that holds a bundled bank: (bank, engine, baseline only)."""
    folder = tmp_path_factory.mktemp("loaded")

    @cache
    def made(name: str, engine: str = "duckdb", *options: str) -> str:
        place = folder / f"{name}{len(list(folder.iterdir()))}.{engine}"
        url = f"{engine}:///{place}"
        apply = ["data", "apply", name, "--anchor", ANCHOR.isoformat(), "--quiet", *options]
        if engine == "duckdb":
            assert run([*apply, "--to", url]) == 0
            return url
        script = f"{place}.sql"
        assert run([*apply, "-o", script, "--dialect", engine]) == 0
        if engine == "sqlite":
            with closing(sqlite3.connect(place)) as connection:
                connection.executescript(Path(script).read_text(encoding="utf-8"))
            return url
        psql, uri = postgresql
        subprocess.run([psql, "-X", "-q", "-f", script, uri], check=True, capture_output=True)
        return uri

    return made
