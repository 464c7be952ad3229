"""`seedbed demo`: loads the baseline of a bundled bank and checks it, then plants exceptions and checks again."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.check import print_offenders, print_report
from seedbed.cli.dashboard import show
from seedbed.cli.options import (
    DatasetOptions,
    ScenarioOptions,
    complete_bank,
    complete_file,
    dataset_options,
    planted,
)
from seedbed.cli.report import Progress, noting_plants, print_table, print_written
from seedbed.errors import TargetError

if TYPE_CHECKING:
    from seedbed.assembly.foundation import Foundation
    from seedbed.checks import Report
    from seedbed.ledger.dataset import Dataset
    from seedbed.write.targets import Target

__all__ = ["demo"]

# One kind for every exception view, which shows that each view finds its own exceptions.
PLANTS = ScenarioOptions(mode="every_view")


@click.command()
@click.argument("bank", metavar="[BANK]", default="spec_example", shell_complete=complete_bank)
@click.option(
    "--folder",
    metavar="FOLDER",
    default="demo",
    show_default=True,
    shell_complete=complete_file,
    help="Folder for the databases and the script.",
)
@click.option(
    "--open", "open_browser", is_flag=True, help="Afterwards show the dashboard in the browser, until Ctrl-C."
)
@dataset_options
def demo(
    bank: str,
    folder: str,
    open_browser: bool,
    asked: DatasetOptions,
) -> int:
    """Generate a bank's baseline and check that it reconciles; then plant exceptions and check that all are found.

    BANK is a file, or the name of a bundled bank; by default spec_example.
    """
    model = the_bank(bank)
    from seedbed.api import dataset_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.assembly.foundation import Foundation  # noqa: PLC0415
    from seedbed.checks import check  # noqa: PLC0415
    from seedbed.write.targets import Target  # noqa: PLC0415

    dataset = dataset_of(model, asked.anchor, asked.window_days, asked.accounts, asked.seed)
    place = _made(folder)
    _print_bank(dataset)
    baseline, database = place / f"{model.instance}_baseline.duckdb", place / f"{model.instance}.duckdb"
    key_file, script = place / f"{model.instance}_answer_key.csv", place / f"{model.instance}_baseline.postgresql.sql"

    click.echo("\n1. The healthy baseline, as a database and as SQL\n")
    healthy = Foundation(dataset)
    _write(healthy, Target(format="duckdb-file", path=str(baseline)))
    _write(healthy, Target(format="postgresql", path=str(script)))
    books = check(f"duckdb:///{baseline}", model.instance)
    click.echo()
    print_report(books, ("coverage", "health", "conservation", "dataset"))

    click.echo("\n2. The same bank with exceptions planted, and what the views find\n")
    _write(
        planted(Foundation(dataset), PLANTS),
        Target(format="duckdb-file", path=str(database), answer_key=str(key_file)),
    )
    found = check(f"duckdb:///{database}", model.instance)
    click.echo()
    _print_found(found)
    wrong = len(books.misses) + len(found.misses)
    _print_verdict(wrong)
    if open_browser:
        show(f"duckdb:///{database}", model.instance, port=0, open_browser=True)
    else:
        click.echo(f"Look around:  ./run dashboard duckdb:///{database} --open")
    return 1 if wrong else 0


def _made(folder: str) -> Path:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{folder}: {error.strerror}") from error
    return Path(folder)


def _print_bank(dataset: "Dataset") -> None:
    """One line about the bank."""
    from seedbed.program.outline import outline  # noqa: PLC0415 - the heavy imports only where a command runs

    bank = dataset.bank
    plan = outline(bank, dataset.anchor, dataset.window_days, dataset.accounts, dataset.seed)
    click.echo(
        f"{bank.instance}: {plan.first_day} to {plan.anchor}, {plan.business_days} business days, "
        f"{len(bank.rails)} rails, {sum(line.baseline for line in plan.accounts):,} accounts"
    )


def _print_verdict(wrong: int) -> None:
    click.echo()
    if wrong:
        click.echo(f"{wrong} of these assertions {'does' if wrong == 1 else 'do'} not hold.")
    else:
        click.echo("It reconciles to the cent, and the planted exceptions are the only ones.")


def _write(foundation: "Foundation", target: "Target") -> None:
    from seedbed.write import write  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.write.source import LedgerSource  # noqa: PLC0415

    started, dataset = time.monotonic(), foundation.dataset
    plants: dict[str, int] = {}
    omitted = [] if dataset.scenario is None else list(dataset.scenario.omitted)
    source = LedgerSource(foundation, None, noting_plants(plants, omitted), Progress(dataset, quiet=False))
    report = write(source, dataset, target)
    shown = f"duckdb:///{target.path}" if target.format == "duckdb-file" else target.path
    print_written(report, time.monotonic() - started, shown, as_json=False, planted=plants, omitted=omitted)


def _print_found(report: "Report") -> None:
    """Prints the planted and the found exceptions of each view, and one line for all other assertions.

    An assertion that misses is printed in full.
    """
    views = [result for result in report.results if result.group == "answer key"]
    others = [result for result in report.results if result not in views and result.verdict != "not applicable"]
    held = sum(result.verdict == "ok" for result in others)
    lines = [(result.name, result.expected or "-", result.found or "-", result.verdict) for result in views]
    rest = ("all other assertions", f"{len(others)}", f"{held}", "ok" if held == len(others) else "miss")
    print_table(("exception view", ">answer key", ">found", "verdict"), [*lines, rest])
    print_offenders(report)
