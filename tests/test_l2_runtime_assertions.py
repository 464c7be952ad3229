"""The coverage assertions against the loaded database that SEEDBED_TEST_DB_URL names; skipped where it is unset.

Where several instances live in it, SEEDBED_TEST_DB_INSTANCE says which one is meant.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from seedbed.databases.reader import open_database, the_instance
from tests._harness_l2_coverage_assertions import COVERAGE, Result, Subject

URL = os.environ.get("SEEDBED_TEST_DB_URL")

pytestmark = pytest.mark.skipif(not URL, reason="SEEDBED_TEST_DB_URL names no database")


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with open_database(str(URL)) as database:
        yield Subject(database, the_instance(database, os.environ.get("SEEDBED_TEST_DB_INSTANCE")))


@pytest.mark.parametrize("assertion", COVERAGE.values(), ids=lambda assertion: assertion.__name__)
def test_every_declaration_shows_in_the_ledger(subject: Subject, assertion: Callable[[Subject], Result]) -> None:
    result = assertion(subject)
    assert result.verdict != "miss", result.offenders
