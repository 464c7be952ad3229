"""`seedbed data refresh` rebuilds the filled views of a database."""

import time
from datetime import datetime

import click

from seedbed.bank.bundled import bank_of
from seedbed.cli.as_of import as_of_option
from seedbed.cli.options import BANK_OF_INSTANCE, INSTANCE, URL, output_options
from seedbed.cli.report import print_json

__all__ = ["refresh"]


@click.command()
@URL
@INSTANCE
@BANK_OF_INSTANCE
@as_of_option
@output_options
def refresh(
    url: str, instance: str | None, bank: str | None, as_of: datetime | None, quiet: bool, as_json: bool
) -> None:
    """Rebuild the filled views of a database after its base tables changed, and restore altered views.

    URL names any database that `data apply --to` loads. The bank is that of the table INSTANCE_dataset, unless you
    give --bank. Without --as-of the moment does not change; in a generated dataset it is the end of the anchor day.
    """
    model = bank_of(instance, bank)
    from seedbed.databases.loading import refresh_views  # noqa: PLC0415 - databases only where a command runs
    from seedbed.write import parse_url  # noqa: PLC0415

    started = time.monotonic()
    target = parse_url(url)
    refreshed, moment = refresh_views(target, instance, model, as_of)
    if quiet:
        return
    if as_json:
        print_json({"target": target.path, "instance": refreshed, "as_of": None if moment is None else str(moment)})
    else:
        click.echo(f"views   of {refreshed} are up to date, in {time.monotonic() - started:.2f} s")
        click.echo(f"as of   {moment or 'not set; give --as-of DATE to count ages'}")
