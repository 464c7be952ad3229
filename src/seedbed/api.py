"""The Python interface: from a bank to a scenario, a ledger, a script or a loaded database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from operator import index
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, overload

from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.bank.bundled import BankLike, path_text, the_bank
from seedbed.draw.address import FORMAT_VERSION
from seedbed.errors import InputError, one_line
from seedbed.ledger.dataset import Dataset, Ledger, Part
from seedbed.program.accounts import account_counts
from seedbed.program.window import build_window

if TYPE_CHECKING:
    from seedbed.scenario.plants import AutoScenarioReport, ScenarioPlant
    from seedbed.write.targets import WriteReport

__all__ = [
    "boost_inv_fanout_plants",
    "build_full_seed_sql",
    "dataset_of",
    "emit_baseline_seed",
    "emit_full_seed",
    "emit_seed",
    "full_scenario_for",
    "generate",
    "load",
    "parts_of",
    "target_leg_count",
    "today",
]

DEFAULT_WINDOW_DAYS = 90
DEFAULT_SEED = 42


def today() -> date:
    """The UTC date, the default anchor. Only this function reads the clock."""
    return datetime.now(UTC).date()


def dataset_of(
    bank: BankLike,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    scenario: "ScenarioPlant | AutoScenarioReport | None" = None,
    baseline: bool = True,
) -> Dataset:
    """The facts of a dataset. Without `anchor` it has the anchor of the scenario.

    `bank` is a bank, the path of a bank file or the name of a bundled bank. Raises InputError for an argument of the
    wrong type or outside its range, and for a scenario of another anchor or window, InstanceError for a bank file
    with problems.
    """
    bank = the_bank(bank)
    plants = _plants(scenario)
    if anchor is None:
        anchor = plants.anchor if plants is not None else today()
    if type(anchor) is not date:
        raise InputError(f"anchor: {one_line(repr(anchor))} is not a datetime.date")
    window_days, seed = _whole("window-days", window_days), _whole("seed", seed)
    accounts = {role: _whole(f"accounts: {role}", count) for role, count in (accounts or {}).items()}
    build_window(anchor, window_days, bank.calendar)
    if plants is not None and (plants.anchor, plants.window_days) != (anchor, window_days):
        raise InputError(
            f"scenario: it counts its days from {plants.anchor} over {plants.window_days} days, "
            f"the ledger from {anchor} over {window_days}"
        )
    return Dataset(
        bank=bank,
        anchor=anchor,
        window_days=window_days,
        seed=seed,
        version=str(FORMAT_VERSION),
        accounts=account_counts(bank, accounts),
        scenario=plants,
        baseline=baseline,
    )


@overload
def _plants(scenario: "ScenarioPlant | AutoScenarioReport") -> "ScenarioPlant": ...


@overload
def _plants(scenario: "ScenarioPlant | AutoScenarioReport | None") -> "ScenarioPlant | None": ...


def _plants(scenario: "ScenarioPlant | AutoScenarioReport | None") -> "ScenarioPlant | None":
    """The scenario, or the scenario of a report."""
    plants: ScenarioPlant | None = getattr(scenario, "scenario", scenario)  # type: ignore[arg-type]
    return plants


def _whole(name: str, value: object) -> int:
    """A 64-bit number of any integer type. Raises InputError for any other value, including True and False."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InputError(f"{name}: {one_line(repr(value))} is not a whole number")
    number = index(value)
    if not -(2**63) <= number < 2**63:
        raise InputError(f"{name}: the number must be from -2^63 to 2^63 - 1")
    return number


def parts_of(dataset: Dataset, groups: int = 1) -> Iterator[Part]:
    """The parts of a dataset in canonical order, made one after another. Raises InputError for `groups` below 1."""
    if _whole("groups", groups) < 1:
        raise InputError(f"groups: {groups} is less than 1")
    return parts_on(Foundation(dataset), groups)


def generate(
    bank: BankLike,
    scenario: "ScenarioPlant | AutoScenarioReport | None" = None,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    groups: int = 1,
) -> Ledger:
    """Generates the ledger of a bank in memory: the healthy baseline and, with a scenario, its plants.

    `bank` is a bank, the path of a bank file or the name of a bundled bank, here as in the other functions. `anchor`
    is the last day of the window of `window_days` calendar days (1 to 3650), the UTC date by default. `accounts` maps
    template roles to numbers of baseline accounts (the bank file's, else 20 for customers and 5 for others). `seed`
    gives another sample. `groups` is the number of groups in which blocks are made; it does not change the result.
    Raises InputError for an argument of the wrong type or outside its range, for a scenario of another anchor or
    window, and for a scenario that names an account or rail that does not exist.
    """
    dataset = dataset_of(bank, anchor, window_days, accounts, seed, scenario)
    return Ledger(dataset, tuple(parts_of(dataset, groups)))


def full_scenario_for(
    bank: BankLike,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    mode: str = "l1_plus_broad",
) -> "ScenarioPlant":
    """The scenario that `seedbed data apply` plants: several plants of each kind, one broken rail, hard negatives.

    Raises InputError for an unknown mode or an argument outside its range.
    """
    from seedbed.assembly.pipeline import ScenarioChoices, full_scenario  # noqa: PLC0415 - only for scenarios

    foundation = Foundation(dataset_of(bank, anchor, window_days, accounts, seed))
    return full_scenario(foundation, ScenarioChoices(mode=mode))


def boost_inv_fanout_plants(
    scenario: "ScenarioPlant",
    amount_multiplier: int = 5,
    *,
    instance: "BankLike | None" = None,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
) -> "ScenarioPlant":
    """Raises the amounts of fan-outs at least `amount_multiplier` times (seed document, "Plant overlays").

    With `instance` the amount is raised further, until the measured baseline (`accounts`, `seed`) gives the fan-out a
    population z-score of 3 or more. Raises InputError for a multiplier below 1.
    """
    from seedbed.assembly.pipeline import calibrated_boost  # noqa: PLC0415 - only for scenarios
    from seedbed.scenario import overlays  # noqa: PLC0415

    if instance is None:
        return overlays.boost_inv_fanout_plants(scenario, amount_multiplier)
    dataset = dataset_of(instance, scenario.anchor, scenario.window_days, accounts, seed)
    return calibrated_boost(Foundation(dataset), scenario, amount_multiplier)


def emit_baseline_seed(
    bank: BankLike,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    dialect: str = "postgresql",
    data_dir: str | Path | None = None,
) -> str:
    """The baseline as one SQL script. The same arguments give the same bytes.

    `dialect` is `postgresql`, `sqlite`, `duckdb`, `mariadb`, `mysql` or `oracle`. The DuckDB script copies from
    Parquet files, which are written to `data_dir`. Raises InputError for an argument outside its range and
    TargetError if the files cannot be written.
    """
    return _script(dataset_of(bank, anchor, window_days, accounts, seed), dialect, data_dir)


def emit_seed(
    bank: BankLike,
    scenario: "ScenarioPlant | AutoScenarioReport",
    *,
    window_days: int | None = None,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    dialect: str = "postgresql",
    data_dir: str | Path | None = None,
) -> str:
    """The plants alone as one SQL script, on accounts with openings and no other postings.

    The arguments and errors are those of `emit_full_seed`.
    """
    plants = _plants(scenario)
    days = window_days or plants.window_days
    return _script(dataset_of(bank, None, days, accounts, seed, plants, baseline=False), dialect, data_dir)


def emit_full_seed(
    bank: BankLike,
    scenario: "ScenarioPlant | AutoScenarioReport",
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    dialect: str = "postgresql",
    data_dir: str | Path | None = None,
) -> str:
    """Baseline and plants as one SQL script. The same arguments give the same bytes.

    The DuckDB script copies from Parquet files, which are written to `data_dir`. Raises InputError for an argument
    outside its range or a scenario of another anchor or window, and TargetError if the files cannot be written.
    """
    return _script(dataset_of(bank, anchor, window_days, accounts, seed, scenario), dialect, data_dir)


def build_full_seed_sql(
    bank: BankLike,
    *,
    anchor: date | None = None,
    window_days: int = DEFAULT_WINDOW_DAYS,
    accounts: Mapping[str, int] | None = None,
    seed: int = DEFAULT_SEED,
    mode: str = "l1_plus_broad",
    dialect: str = "postgresql",
    data_dir: str | Path | None = None,
) -> str:
    """The script that `seedbed data apply` writes, as text. Raises the errors of `emit_full_seed`."""
    from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation  # noqa: PLC0415 - only for scenarios
    from seedbed.write import emit_sql  # noqa: PLC0415 - only scripts need the writers

    dataset = dataset_of(bank, anchor, window_days, accounts, seed)
    foundation = planted_foundation(dataset, ScenarioChoices(mode=mode))
    return emit_sql(parts_on(foundation), foundation.dataset, dialect, data_dir)


def _script(dataset: Dataset, dialect: str, data_dir: str | Path | None) -> str:
    from seedbed.write import emit_sql  # noqa: PLC0415 - only scripts need the writers

    return emit_sql(parts_of(dataset), dataset, dialect, data_dir)


def load(ledger: Ledger, url: str | PathLike[str], *, overwrite: bool = False) -> "WriteReport":
    """Loads a ledger into a database, completely or not at all.

    `url` is `duckdb:///FILE`, `sqlite:///FILE`, `postgresql://…`, `mysql://…` or `oracle://…`. If the
    database holds rows of this bank that no load made, they stay, unless `overwrite` is set. Raises InputError for a
    URL that is not supported, and TargetError if the load fails.
    """
    from seedbed.write import parse_url, write  # noqa: PLC0415 - only loading needs the writers

    return write(ledger.parts, ledger.dataset, replace(parse_url(path_text("url", url)), overwrite=overwrite))


def target_leg_count(
    bank: BankLike, rail: str, *, window_days: int = DEFAULT_WINDOW_DAYS, anchor: date | None = None
) -> int:
    """The expected number of legs of one rail in the window: firings times legs, without second rows of bundled legs.

    Raises KeyError for a rail that the bank does not have.
    """
    from seedbed.program.outline import outline  # noqa: PLC0415 - only targets need the outline

    dataset = dataset_of(bank, anchor, window_days)
    rails = {line.rail: line for line in outline(dataset.bank, dataset.anchor, window_days).rails}
    return round(rails[rail].expected_legs)
