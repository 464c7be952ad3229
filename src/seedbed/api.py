"""The Python interface: a bank in, a ledger, a script or a loaded database out."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.bank.model import Bank
from seedbed.draw.address import FORMAT_VERSION
from seedbed.generation.foundation import Foundation
from seedbed.generation.parts import parts_on
from seedbed.ledger.dataset import Dataset, Ledger, Part
from seedbed.plan.accounts import account_counts
from seedbed.plan.window import build_window

if TYPE_CHECKING:
    from seedbed.write.targets import WriteReport

__all__ = ["dataset_of", "emit_baseline_seed", "generate", "load", "parts_of", "target_leg_count", "today"]

DEFAULT_WINDOW_DAYS = 90
DEFAULT_SEED = 42


def today() -> date:
    """The UTC date: what an anchor is where none is given. Read here, at the edge, and nowhere else."""
    return datetime.now(UTC).date()


def dataset_of(
    bank: Bank,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
) -> Dataset:
    """The facts of a dataset. Raises InputError for an argument outside its range."""
    anchor = anchor or today()
    build_window(anchor, window_days, bank.calendar)
    return Dataset(bank, anchor, window_days, seed, str(FORMAT_VERSION), account_counts(bank, accounts))


def parts_of(dataset: Dataset, groups: int = 1) -> Iterator[Part]:
    """The parts of a dataset in canonical order, made one after another."""
    return parts_on(Foundation(dataset), groups)


def generate(
    bank: Bank,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    groups: int = 1,
) -> Ledger:
    """The healthy baseline of a bank, in memory.

    `anchor` is the last day of the window of `window_days` calendar days (1 to 3650), the UTC date by default.
    `accounts` maps template roles to numbers of baseline accounts (the bank file's, else 20 for customers and 5 for
    others). `seed` gives another sample. `groups` is in how many groups the blocks of accounts are made; it never
    changes a byte. Raises InputError for an argument outside its range.
    """
    dataset = dataset_of(bank, anchor, window_days, accounts, seed)
    return Ledger(dataset, tuple(parts_of(dataset, groups)))


def emit_baseline_seed(
    bank: Bank,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    dialect: str = "postgresql",
    data_dir: str | Path | None = None,
) -> str:
    """The baseline as one SQL script (`postgresql`, `sqlite` or `duckdb`), the same bytes for the same arguments.

    The DuckDB script copies from Parquet files, which are written to `data_dir`. Raises InputError for an argument
    outside its range and TargetError where the files cannot be written.
    """
    from seedbed.write import emit_sql  # noqa: PLC0415 - only scripts need the writers

    dataset = dataset_of(bank, anchor, window_days, accounts, seed)
    return emit_sql(parts_of(dataset), dataset, dialect, data_dir)


def load(ledger: Ledger, url: str) -> "WriteReport":
    """Loads a ledger into a database (`duckdb:///file.duckdb`), whole or not at all.

    Raises InputError for a URL that is not supported and TargetError where the database cannot take it.
    """
    from seedbed.write import parse_url, write  # noqa: PLC0415 - only loading needs the writers

    return write(ledger.parts, ledger.dataset, parse_url(url))


def target_leg_count(
    bank: Bank, rail: str, *, window_days: int = DEFAULT_WINDOW_DAYS, anchor: date | None = None
) -> int:
    """The expected legs of one rail in the window, rounded: firings times legs, bundled copies not counted.

    Raises KeyError for a rail that the bank does not have.
    """
    from seedbed.plan.outline import outline  # noqa: PLC0415 - only targets need the outline

    dataset = dataset_of(bank, anchor, window_days)
    rails = {line.rail: line for line in outline(bank, dataset.anchor, window_days).rails}
    return round(rails[rail].expected_legs)
