"""Databases with the bundled banks on all three engines, and clients of dashboards on them."""

from collections.abc import Callable
from functools import cache

import pytest
from starlette.testclient import TestClient

from seedbed.dashboard.app import dashboard
from seedbed.dashboard.ledger import LedgerLocation
from tests.checks.conftest import loaded

__all__ = ["Client", "client", "loaded"]

HOST = "127.0.0.1:8750"
Client = Callable[..., TestClient]


@pytest.fixture(scope="session")
def client(loaded: Callable[..., str]) -> Client:
    """Makes the client of a dashboard: (bank, engine, options of data apply)."""

    @cache
    def made(bank: str, engine: str = "duckdb", *options: str) -> TestClient:
        instance = bank if bank in ("spec_example", "harbor_trust") else None
        location = LedgerLocation(loaded(bank, engine, *options), instance)
        return TestClient(dashboard(location, {HOST}), base_url=f"http://{HOST}")

    return made
