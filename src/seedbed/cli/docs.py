"""`seedbed docs`: prints pages that are generated from a bank."""

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.options import BANK, MODES, DatasetOptions, dataset_options

__all__ = ["live_scenario"]


@click.command("live-scenario")
@BANK
@click.option(
    "--mode",
    type=click.Choice(list(MODES)),
    default="l1_plus_broad",
    show_default=True,
    help="Which kinds of plants.",
)
@dataset_options
def live_scenario(
    bank: str,
    mode: str,
    asked: DatasetOptions,
) -> None:
    """Print the default scenario of a bank as Markdown, one line per plant, before plants are repeated.

    BANK is a file, or the name of a bundled bank.
    """
    model = the_bank(bank)
    from seedbed.api import today  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.scenario.live import live_scenario as as_markdown  # noqa: PLC0415
    from seedbed.scenario.overlays import default_scenario_for  # noqa: PLC0415

    report = default_scenario_for(
        model,
        anchor=asked.anchor or today(),
        mode=mode,
        window_days=asked.window_days,
        accounts=asked.accounts,
        seed=asked.seed,
    )
    click.echo(as_markdown(report.scenario, model.instance), nl=False)
