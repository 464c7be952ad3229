"""Arguments and options that several commands share, read strictly."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from seedbed.errors import InputError

__all__ = ["BANK", "dataset_options", "output_options", "read_bank"]

BANKS = Path(__file__).parents[1] / "banks"
BANK = click.argument("bank", metavar="BANK")


def bundled_banks() -> list[str]:
    """The names of the banks that come with the package."""
    return sorted(path.stem for path in BANKS.glob("*.yaml"))


def bank_path(name: str) -> Path:
    """The file of a bank: the path itself, or a bundled bank of this name where no such file exists."""
    path = Path(name)
    plain = name.removesuffix(".yaml")
    if not path.exists() and plain in bundled_banks():
        return BANKS / f"{plain}.yaml"
    return path


def read_bank(name: str) -> Any:
    """Loads the bank of an argument. Raises InstanceError with every problem of the file."""
    from seedbed.bank.load import load_instance  # noqa: PLC0415 - pydantic only where a bank is read

    return load_instance(bank_path(name))


class AnchorType(click.ParamType[date]):
    """A date as YYYY-MM-DD and nothing else."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Reads the date."""
        if isinstance(value, date):
            return value
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", str(value))
        if not match:
            raise InputError(f"anchor: '{str(value)[:40]}' is not a date written YYYY-MM-DD")
        try:
            return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise InputError(f"anchor: {value} is not a day of the calendar") from None


class AccountsType(click.ParamType[tuple[str, int]]):
    """ROLE=N."""

    name = "ROLE=N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Reads a role and a count."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(.+)=([0-9]{1,9})", str(value))
        if not match:
            raise InputError(f"accounts: '{str(value)[:80]}' is not ROLE=N with a whole number N")
        return match[1], int(match[2])


class WholeNumberType(click.ParamType[int]):
    """A whole number in ASCII digits."""

    name = "N"

    def __init__(self, option: str, signed: bool = False) -> None:
        self.option = option
        self.pattern = r"-?[0-9]{1,18}" if signed else r"[0-9]{1,18}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads the number."""
        if isinstance(value, int):
            return value
        if not re.fullmatch(self.pattern, str(value)):
            raise InputError(f"{self.option}: '{str(value)[:40]}' is not a whole number in range")
        return int(value)


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which dataset: --anchor, --window-days, --accounts, --seed."""
    for option in (
        click.option(
            "--seed",
            type=WholeNumberType("seed", signed=True),
            default=42,
            show_default=True,
            help="Base seed: another number gives another sample of the same bank.",
        ),
        click.option(
            "--accounts",
            type=AccountsType(),
            multiple=True,
            help="Baseline accounts of a template role; may be given once per role.",
        ),
        click.option(
            "--window-days",
            type=WholeNumberType("window-days"),
            default=90,
            show_default=True,
            help="Calendar days up to the anchor, 1 to 3650.",
        ),
        click.option("--anchor", type=AnchorType(), help="Last day of the window; the UTC date by default."),
    ):
        command = option(command)
    return command


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a command reports: --quiet, --json."""
    command = click.option("--json", "as_json", is_flag=True, help="Report as one JSON object.")(command)
    return click.option("--quiet", is_flag=True, help="Report nothing but errors.")(command)


def account_counts(accounts: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """The --accounts options as a mapping. Raises InputError for a role given twice."""
    counts = dict(accounts)
    if len(counts) < len(accounts):
        raise InputError("accounts: a role is given twice")
    return counts
