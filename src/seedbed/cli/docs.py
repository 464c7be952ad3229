"""`seedbed docs`: prints pages that are generated from a bank."""

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.options import BANK, MODES, DatasetOptions, dataset_options

__all__ = ["dbt", "live_scenario"]


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


@click.command()
@BANK
@click.option("--schema", metavar="NAME", help="Schema of the tables; by default the dbt variable seedbed_schema.")
def dbt(bank: str, schema: str | None) -> None:
    """Print the tables and views of a bank as dbt sources, with descriptions and tests.

    Write it into the models folder of a dbt project: seedbed docs dbt BANK > models/sources.yml. A correct ledger
    passes the tests: not_null, unique, accepted_values and relationships.
    """
    model = the_bank(bank)
    from seedbed.exports.dbt import DEFAULT_SCHEMA, dbt_sources  # noqa: PLC0415 - the heavy imports only where it runs

    click.echo(dbt_sources(model, schema or DEFAULT_SCHEMA), nl=False)
