"""`seedbed demo`: a bank file to a ledger with exceptions, and to the pages that find them; nothing to set up."""

import time
from datetime import date
from pathlib import Path

import click

from seedbed.cli.check import print_report
from seedbed.cli.dashboard import show
from seedbed.cli.options import ScenarioOptions, account_counts, dataset_options, planted, read_bank
from seedbed.cli.report import print_written, with_plants, with_progress

__all__ = ["demo"]


@click.command()
@click.option("--bank", "name", default="spec_example", show_default=True, help="A bundled bank, or a bank file.")
@click.option("--folder", default="demo", show_default=True, help="Where the database and the script go.")
@click.option("--open", "open_browser", is_flag=True, help="Then show the dashboard in the browser, until Ctrl-C.")
@dataset_options
def demo(
    name: str,
    folder: str,
    open_browser: bool,
    anchor: date | None,
    window_days: int,
    accounts: tuple[tuple[str, int], ...],
    seed: int,
) -> int:
    """Generate a bank's ledger with plants on it, load it into DuckDB, write it as SQL, and find what was planted."""
    bank = read_bank(name)
    from seedbed.api import dataset_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.check import check  # noqa: PLC0415
    from seedbed.errors import TargetError  # noqa: PLC0415
    from seedbed.generation.parts import parts_on  # noqa: PLC0415
    from seedbed.plan.outline import outline  # noqa: PLC0415
    from seedbed.write import write  # noqa: PLC0415
    from seedbed.write.targets import Target  # noqa: PLC0415

    counts = account_counts(accounts)
    dataset = dataset_of(bank, anchor, window_days, counts, seed)
    foundation = planted(dataset, ScenarioOptions(None, None, None, False, None))
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
        plants: dict[str, int] = {}
        parts = with_progress(with_plants(parts_on(foundation), plants, []), foundation.dataset, quiet=False)
        report = write(parts, foundation.dataset, target)
        click.echo()
        print_written(report, time.monotonic() - started, shown, as_json=False, planted=plants)
    checked = check(f"duckdb:///{database}", bank.instance)
    click.echo()
    print_report(checked)
    click.echo()
    wrong = len(checked.misses)
    click.echo(
        f"{wrong} of these assertions do not hold."
        if wrong
        else "It reconciles to the cent, and every exception that was planted was found, and no other."
    )
    if open_browser:
        show(f"duckdb:///{database}", bank.instance, port=0, open_browser=True)
    elif not wrong:
        click.echo(f"Look around:  seedbed dashboard duckdb:///{database} --open")
    return 1 if wrong else 0
