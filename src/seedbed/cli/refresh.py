"""`seedbed data refresh`: the views that hold their rows, filled anew."""

import time

import click

from seedbed.cli.options import output_options, read_bank
from seedbed.cli.report import print_json
from seedbed.errors import InputError

__all__ = ["refresh"]


@click.command()
@click.argument("url", metavar="URL")
@click.option("--instance", help="Which bank, where several live in one database.")
@click.option(
    "--bank", metavar="BANK", help="The bank, where the database does not hold it; a file or a bundled name."
)
@output_options
def refresh(url: str, instance: str | None, bank: str | None, quiet: bool, as_json: bool) -> None:
    """Fill the views of a database anew, after its base tables changed.

    URL is duckdb:///file.duckdb. The bank is the one in the instance's dataset table, unless --bank is given.
    """
    model = read_bank(bank) if bank else None
    from seedbed.write.duckdb_file import refresh_views  # noqa: PLC0415 - writers only where a command runs

    if model and instance not in (None, model.instance):
        raise InputError(f"data refresh: --instance is not the instance of --bank, {model.instance}")
    started = time.monotonic()
    refreshed, path = refresh_views(url, instance, model)
    if quiet:
        return
    if as_json:
        print_json({"target": str(path), "instance": refreshed})
    else:
        click.echo(f"views   of {refreshed} are up to date, in {time.monotonic() - started:.2f} s")
