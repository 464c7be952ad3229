"""`seedbed report`: all sheets of the dashboard as one file."""

import time

import click

from seedbed.bank.bundled import bank_of
from seedbed.cli.freshness import warn_of_stale_views
from seedbed.cli.options import BANK_OF_INSTANCE, INSTANCE, URL, output_option, output_options
from seedbed.cli.report import print_json
from seedbed.errors import TargetError
from seedbed.extras import install_command

__all__ = ["report"]


@click.command()
@URL
@output_option("The HTML file to write.", required=True)
@INSTANCE
@BANK_OF_INSTANCE
@click.option("--answer-key", is_flag=True, help="Mark each exception with its plant from the answer key.")
@output_options
def report(
    url: str, output: str, instance: str | None, bank: str | None, answer_key: bool, quiet: bool, as_json: bool
) -> None:
    """Write all sheets of a loaded ledger as one HTML file that opens without a server or a network.

    URL is duckdb:///file.duckdb, sqlite:///file.sqlite or postgresql://…. Tables hold their first 100 rows.
    """
    model = bank_of(instance, bank)
    try:
        from seedbed.dashboard.report import write_report  # noqa: PLC0415 - the heavy imports only where a command runs
    except ImportError:
        raise TargetError(f"the report needs more packages: {install_command('dashboard')}") from None
    from seedbed.dashboard.ledger import LedgerLocation  # noqa: PLC0415
    from seedbed.write.targets import shown  # noqa: PLC0415

    started = time.monotonic()
    warn_of_stale_views(url, instance, model)
    path, size = write_report(LedgerLocation(url, instance, model), output, answer_key=answer_key)
    if quiet:
        return
    if as_json:
        print_json({"target": str(path), "bytes": size})
    else:
        click.echo(f"wrote   {shown(output)}")
        click.echo(f"size    {size:,} bytes in {time.monotonic() - started:.2f} s")
