"""The commands as Python functions: what the command line does with a bank file or a loaded database.

Where a bank is asked for, give a `Bank`, the path of a bank file or the name of a bundled bank. Where a database is
asked for, give its URL, or the path of a DuckDB or SQLite file.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.api import DEFAULT_SEED, DEFAULT_WINDOW_DAYS, dataset_of
from seedbed.bank.bundled import BankLike, bank_of, bank_path, path_text, the_bank
from seedbed.bank.load import Validation, validate_instance
from seedbed.errors import TargetError
from seedbed.extras import install_command
from seedbed.ledger.dataset import Ledger

if TYPE_CHECKING:
    from seedbed.checks import Report
    from seedbed.checks.score import Score
    from seedbed.lockfile.files import Locked, Verification
    from seedbed.program.outline import Outline
    from seedbed.scenario.plants import AutoScenarioReport, ScenarioPlant
    from seedbed.write.targets import WriteReport

__all__ = [
    "check",
    "export",
    "lock",
    "plan",
    "refresh",
    "report",
    "score",
    "validate",
    "verify",
    "write_parquet",
]

Place = str | os.PathLike[str]


def validate(bank: Place) -> Validation:
    """Checks a bank file, or a bundled bank by name: returns the bank or its problems, and the findings.

    Raises InputError for a name that is similar to that of a bundled bank.
    """
    from seedbed.program.findings import program_remarks  # noqa: PLC0415 - NumPy only for a bank that is valid

    return validate_instance(bank_path(path_text("bank", bank)), program_remarks)


def plan(
    bank: BankLike,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
) -> "Outline":
    """The expected result of a bank: volumes, amounts, hours and caps per rail, accounts, rows. Generates no rows.

    Raises InputError for an argument outside its range, InstanceError for a bank file with problems.
    """
    from seedbed.program.outline import outline  # noqa: PLC0415 - only plans need the outline

    dataset = dataset_of(bank, anchor, window_days, accounts, seed)
    return outline(dataset.bank, dataset.anchor, dataset.window_days, accounts, dataset.seed)


def check(database: Place, *, instance: str | None = None) -> "Report":
    """Checks a loaded ledger; `report.misses` has the assertions that do not hold.

    Without `instance` the database must hold exactly one bank. Raises InputError for an invalid URL or path and for
    an instance that does not exist, and TargetError for an error of the database.
    """
    from seedbed.checks import check as checked  # noqa: PLC0415 - databases only where one is read

    return checked(_url(database), instance)


def score(database: Place, detections: Place | Iterable[str], *, instance: str | None = None) -> "Score":
    """Precision and recall of a detector against the answer key of a loaded ledger.

    `detections` are ids or view keys, or the path of a CSV or Parquet file with them. Raises the errors of `check`,
    and InputError for a file that cannot be read.
    """
    from seedbed.checks.score import read_detections  # noqa: PLC0415 - databases only where one is read
    from seedbed.checks.score import score as scored  # noqa: PLC0415

    is_file = isinstance(detections, str | os.PathLike)
    found = read_detections(path_text("detections", detections)) if is_file else detections
    return scored(_url(database), found, instance)  # type: ignore[arg-type]


def export(
    database: Place,
    output: Place,
    *,
    file_format: str = "beancount",
    instance: str | None = None,
    options: Mapping[str, str] | None = None,
) -> int:
    """Writes a loaded ledger in the format of another program, and returns the number of lines.

    `output` is a file, of the format `statements` a folder with a file per account and business day. `options` are
    those of the format. Raises the errors of `check`, and TargetError for a target that cannot be written and for
    outdated views.
    """
    from seedbed.exports import export as exported  # noqa: PLC0415 - databases only where one is read

    return exported(_url(database), instance, file_format, path_text("output", output), options).lines


def report(
    database: Place,
    output: Place,
    *,
    instance: str | None = None,
    bank: "BankLike | None" = None,
    answer_key: bool = False,
) -> Path:
    """Writes all sheets of the dashboard as one HTML file, and returns its path.

    Give `bank` if the database does not store it. `answer_key` marks each exception with its plant. Raises the errors
    of `check`, and TargetError for a file that cannot be written.
    """
    from seedbed.dashboard.ledger import LedgerLocation  # noqa: PLC0415

    try:
        from seedbed.dashboard.report import write_report  # noqa: PLC0415 - the extra `dashboard` only where it is used
    except ImportError:
        raise TargetError(f"the report needs more packages: {install_command('dashboard')}") from None

    location = LedgerLocation(_url(database), instance, bank_of(instance, bank))
    path, _ = write_report(location, path_text("output", output), answer_key=answer_key)
    return Path(path)


def refresh(
    database: Place,
    *,
    instance: str | None = None,
    bank: "BankLike | None" = None,
    as_of: date | datetime | None = None,
) -> datetime | None:
    """Rebuilds the filled views of a database after its tables changed, and returns the as-of moment.

    `as_of` sets that moment: a datetime, or a date, which means the end of the day. Without it the moment stays.
    Raises InputError for an instance that does not exist, and TargetError for an error of the database.
    """
    from seedbed.databases.loading import refresh_views  # noqa: PLC0415 - databases only where one is written
    from seedbed.write import parse_url  # noqa: PLC0415
    from seedbed.write.facts import end_of_day  # noqa: PLC0415

    moment = as_of if as_of is None or isinstance(as_of, datetime) else end_of_day(as_of)
    _, since = refresh_views(parse_url(_url(database)), instance, bank_of(instance, bank), moment)
    return since


def write_parquet(ledger: Ledger, folder: Place) -> "WriteReport":
    """Writes a ledger as a folder of Parquet files, one per table, completely or not at all.

    Raises TargetError if the folder cannot be written.
    """
    from seedbed.write import Target, write  # noqa: PLC0415 - only writing needs the writers

    return write(ledger.parts, ledger.dataset, Target(format="parquet", path=path_text("folder", folder)))


def lock(
    bank: BankLike,
    output: Place | None = None,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    scenario: "ScenarioPlant | AutoScenarioReport | str | None" = "l1_plus_broad",
    overwrite: bool = False,
) -> "Locked":
    """Writes the lock file of a dataset: its arguments, digests per table and day, and what must surface.

    `scenario` is the scenario to plant; a mode stands for that of `full_scenario_for`, None for no plants. The
    default of `output` is the name of the bank file with `.lock`, or for a bundled bank a file in the current folder.
    Raises InputError for an argument outside its range and, unless `overwrite` is set, for an existing lock that
    differs. Raises TargetError if the file cannot be written.
    """
    from seedbed.assembly.pipeline import ScenarioChoices  # noqa: PLC0415 - locks only where one is made
    from seedbed.lockfile.datasets import lock_path, made_lock  # noqa: PLC0415
    from seedbed.lockfile.files import write_lock  # noqa: PLC0415

    mode, given = (scenario, None) if isinstance(scenario, str) else ("l1_plus_broad", scenario)
    dataset = dataset_of(bank, anchor, window_days, accounts, seed, given)
    plants = None if scenario is None else (ScenarioChoices(mode=mode), dataset.scenario)
    made = made_lock(dataset, dict(accounts or {}), plants)
    return write_lock(lock_path(bank, output), made, replacing=overwrite)


def verify(bank: BankLike, lock_file: Place | None = None, *, against: Place | None = None) -> "Verification":
    """Makes the dataset of a lock file again and compares: `same`, or the first `difference` and its row.

    `against` is the URL or Parquet folder of the dataset as it was locked; with it the result has the old row too.
    Raises InputError for a file that is not a lock, and if `against` holds another dataset.
    """
    from seedbed.lockfile.datasets import lock_path, verified  # noqa: PLC0415 - locks only where one is read

    url = None if against is None else path_text("against", against)
    return verified(the_bank(bank), lock_path(bank, lock_file), url)


def _url(database: Place) -> str:
    return path_text("database", database)
