"""Arguments and options that several commands share, read strictly."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from seedbed.bank.bundled import bundled_banks
from seedbed.errors import InputError
from seedbed.scenario.modes import MODES

__all__ = [
    "BANK",
    "BANK_OF_INSTANCE",
    "DIALECTS",
    "INSTANCE",
    "MODES",
    "NAMED",
    "OVERWRITE",
    "URL",
    "DatasetOptions",
    "ScenarioOptions",
    "account_counts",
    "complete_bank",
    "complete_file",
    "dataset_options",
    "output_option",
    "output_options",
    "planted",
    "read_planting",
    "scenario_options",
]


def complete_bank(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Bundled banks and bank files in the current folder with this beginning. If there are none, any file."""
    here = (path.name for pattern in ("*.yaml", "*.yml") for path in Path().glob(pattern))
    names = sorted({name for name in (*bundled_banks(), *here) if name.startswith(begun)})
    return [CompletionItem(name) for name in names] or [CompletionItem(begun, "file")]


def complete_file(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """The shell's own completion of files and folders."""
    return [CompletionItem(begun, "file")]


def output_option(about: str, metavar: str = "FILE", required: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """The option `-o`, with this help text."""
    return click.option(
        "-o", "--output", metavar=metavar, shell_complete=complete_file, help=about, required=required
    )


BANK = click.argument("bank", metavar="BANK", shell_complete=complete_bank)
URL = click.argument("url", metavar="URL")
INSTANCE = click.option("--instance", metavar="NAME", help="The bank to use, if the database holds several.")
NAMED = click.option("--instance", metavar="NAME", help="The name of the bank, if its file has no key 'instance'.")
BANK_OF_INSTANCE = click.option(
    "--bank",
    metavar="BANK",
    shell_complete=complete_bank,
    help="The bank, if the database does not store it: a file, or the name of a bundled bank.",
)
OVERWRITE = click.option(
    "--overwrite",
    is_flag=True,
    help="Replace a file, or rows in a database, even if Seedbed did not make them.",
)
# The dialects of scripts. Their table is in `write/`, which no command loads to print its help.
DIALECTS = ("postgresql", "sqlite", "duckdb", "mariadb", "mysql", "oracle")
MAX_SCENARIO_BYTES = 32 * 2**20


class AnchorType(click.ParamType[date]):
    """A date as YYYY-MM-DD and nothing else."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Reads the date."""
        if isinstance(value, date):
            return value
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", str(value))
        if not match:
            raise InputError(f"anchor: '{str(value)[:40]}' is not a date in the form YYYY-MM-DD")
        try:
            return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise InputError(f"anchor: {value} is not a valid date") from None


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
        self.pattern = r"-?[0-9]{1,19}" if signed else r"[0-9]{1,18}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads the number."""
        if isinstance(value, int):
            return value
        if not re.fullmatch(self.pattern, str(value)):
            raise InputError(f"{self.option}: '{str(value)[:40]}' is not a whole number in range")
        return int(value)


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """The facts of a dataset: its last day (None for today), days, baseline accounts per template role, base seed."""

    anchor: date | None
    window_days: int
    accounts: dict[str, int]
    seed: int


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the dataset: --anchor, --window-days, --accounts, --seed.

    The command gets them as one argument, `asked`.
    """

    @wraps(command)
    def gathered(
        *args: Any,
        anchor: date | None,
        window_days: int,
        accounts: tuple[tuple[str, int], ...],
        seed: int,
        **others: Any,
    ) -> Any:
        counts = account_counts(accounts)
        asked = DatasetOptions(anchor=anchor, window_days=window_days, accounts=counts, seed=seed)
        return command(*args, asked=asked, **others)

    decorated: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--seed",
            type=WholeNumberType("seed", signed=True),
            default=42,
            show_default=True,
            help="Base seed; another number gives another sample of the same bank.",
        ),
        click.option(
            "--accounts",
            type=AccountsType(),
            multiple=True,
            help="Number of baseline accounts of a template role; repeat it for several roles.",
        ),
        click.option(
            "--window-days",
            type=WholeNumberType("window-days"),
            default=90,
            show_default=True,
            help="Calendar days in the window, up to the anchor: 1 to 3650.",
        ),
        click.option("--anchor", type=AnchorType(), help="Last day of the window; by default today (UTC)."),
    ):
        decorated = option(decorated)
    return decorated


class PlantsType(click.ParamType[dict[str, int]]):
    """KIND=N,KIND=N,…"""

    name = "KIND=N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        """Reads kinds and counts."""
        if isinstance(value, dict):
            return value
        counts: dict[str, int] = {}
        for item in str(value).split(","):
            match = re.fullmatch(r"\s*([a-z_]+)=([0-9]{1,6})\s*", item)
            if not match:
                raise InputError(f"plants: '{item[:60]}' is not KIND=N with a whole number N")
            if match[1] in counts:
                raise InputError(f"plants: {match[1]} is given twice")
            counts[match[1]] = int(match[2])
        return counts


@dataclass(frozen=True, kw_only=True)
class ScenarioOptions:
    """The options about plants. None means the default."""

    mode: str | None = None
    plants: dict[str, int] | None = None
    scenario: str | None = None
    blend: bool = False
    coverage: str | None = None


def scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about plants: --mode, --plants, --scenario, --blend, --coverage.

    The command gets them as one argument, `planting`.
    """

    @wraps(command)
    def gathered(
        *args: Any,
        mode: str | None,
        plants: dict[str, int] | None,
        scenario: str | None,
        blend: bool,
        coverage: str | None,
        **others: Any,
    ) -> Any:
        if scenario is not None and (mode or plants or blend or coverage):
            raise InputError("--scenario lists all plants; it cannot be combined with other options about plants")
        return command(
            *args,
            planting=ScenarioOptions(mode=mode, plants=plants, scenario=scenario, blend=blend, coverage=coverage),
            **others,
        )

    decorated: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--coverage", type=click.Choice(["full"]), help="Plant every kind on every rail that admits it."
        ),
        click.option(
            "--blend", is_flag=True, help="Plant on baseline accounts, with amounts as the rails draw them."
        ),
        click.option(
            "--scenario",
            metavar="FILE",
            shell_complete=complete_file,
            help="Plant exactly what this JSON file lists; 'plan --json' prints the format.",
        ),
        click.option("--plants", type=PlantsType(), help="Number of plants of a kind, such as drift=20,overdraft=0."),
        click.option(
            "--mode", type=click.Choice(list(MODES)), help="Which kinds of plants; by default l1_plus_broad."
        ),
    ):
        decorated = option(decorated)
    return decorated


def planted(foundation: Any, options: ScenarioOptions) -> Any:
    """The foundation with the plants that the options ask for.

    Raises InputError for wrong options or a wrong scenario file.
    """
    from seedbed.assembly.pipeline import planted_on  # noqa: PLC0415 - only for plants

    return planted_on(foundation, *read_planting(foundation.dataset, options))


def read_planting(dataset: Any, options: ScenarioOptions) -> tuple[Any, Any]:
    """The arguments of `planted_on` after the foundation: the choices, and the scenario of a file.

    Raises InputError for wrong options, before anything is made.
    """
    from seedbed.assembly.pipeline import ScenarioChoices  # noqa: PLC0415 - only for plants

    scenario = None if options.scenario is None else _read_scenario(options.scenario, dataset)
    choices = ScenarioChoices(
        mode=options.mode or "l1_plus_broad",
        counts=options.plants,
        coverage=options.coverage is not None,
        blend=options.blend,
    )
    return choices, scenario


def _read_scenario(path: str, dataset: Any) -> Any:
    from seedbed.scenario.plants import ScenarioPlant  # noqa: PLC0415 - only for plants

    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_SCENARIO_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise InputError(f"scenario: {path[:200]}: {reason}") from error
    if len(content) > MAX_SCENARIO_BYTES:
        raise InputError(f"scenario: {path[:200]} is larger than {MAX_SCENARIO_BYTES // 2**20} MB")
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "its text"
        raise InputError(f"scenario: {path[:200]} is not JSON (see {where})") from None
    return ScenarioPlant.from_json(value, dataset.anchor, dataset.window_days)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the report: --quiet, --json."""
    command = click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")(command)
    return click.option("--quiet", is_flag=True, help="Print nothing except errors.")(command)


def account_counts(accounts: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """The --accounts options as a mapping. Raises InputError for a role given twice."""
    counts = dict(accounts)
    if len(counts) < len(accounts):
        raise InputError("accounts: a role is given twice")
    return counts
