"""`seedbed demo`: a bank file to a ledger that reconciles, on a bundled bank, with nothing to set up."""

import time
from datetime import date
from pathlib import Path

import click

from seedbed.cli.check import print_report
from seedbed.cli.options import account_counts, dataset_options, read_bank
from seedbed.cli.report import print_written, with_progress

__all__ = ["demo"]


@click.command()
@click.option("--bank", "name", default="spec_example", show_default=True, help="A bundled bank, or a bank file.")
@click.option("--folder", default="demo", show_default=True, help="Where the database and the script go.")
@dataset_options
def demo(
    name: str,
    folder: str,
    anchor: date | None,
    window_days: int,
    accounts: tuple[tuple[str, int], ...],
    seed: int,
) -> int:
    """Generate a bank's baseline, load it into DuckDB, write it as SQL, and show that it reconciles."""
    bank = read_bank(name)
    from seedbed.api import dataset_of, parts_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.check import check  # noqa: PLC0415
    from seedbed.errors import TargetError  # noqa: PLC0415
    from seedbed.plan.outline import outline  # noqa: PLC0415
    from seedbed.write import write  # noqa: PLC0415
    from seedbed.write.targets import Target  # noqa: PLC0415

    counts = account_counts(accounts)
    dataset = dataset_of(bank, anchor, window_days, counts, seed)
    plan = outline(bank, dataset.anchor, window_days, counts, seed)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{folder}: {error.strerror}") from error
    database, script = Path(folder) / f"{bank.instance}.duckdb", Path(folder) / f"{bank.instance}.postgresql.sql"
    click.echo(
        f"{bank.instance}: {plan.first_day} to {plan.anchor}, {plan.business_days} business days, "
        f"{len(bank.rails)} rails, {sum(line.baseline for line in plan.accounts):,} accounts"
    )
    for target, shown in (
        (Target("duckdb-file", str(database)), f"duckdb:///{database}"),
        (Target("postgresql", str(script)), str(script)),
    ):
        started = time.monotonic()
        parts = with_progress(parts_of(dataset), dataset, quiet=False)
        report = write(parts, dataset, target)
        click.echo()
        print_written(report, time.monotonic() - started, shown, as_json=False)
    checked = check(f"duckdb:///{database}", bank.instance)
    click.echo()
    print_report(checked)
    click.echo()
    wrong = len(checked.misses)
    click.echo(
        f"{wrong} of these assertions do not hold."
        if wrong
        else f"It reconciles to the cent. Look around:  duckdb {database}"
    )
    return 1 if wrong else 0
