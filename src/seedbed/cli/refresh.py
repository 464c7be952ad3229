"""`seedbed data refresh`, `data clean`: the views that hold their rows, filled anew; the rows, taken away."""

import time
from datetime import datetime

import click

from seedbed.bank.bundled import bank_of
from seedbed.cli.as_of import as_of_option
from seedbed.cli.options import BANK_OF_INSTANCE, INSTANCE, URL, output_options
from seedbed.cli.report import print_json

__all__ = ["clean", "refresh"]


@click.command()
@URL
@INSTANCE
@BANK_OF_INSTANCE
@as_of_option
@output_options
def refresh(
    url: str, instance: str | None, bank: str | None, as_of: datetime | None, quiet: bool, as_json: bool
) -> None:
    """Fill the views of a database anew, after its base tables changed; a view that was altered is made again.

    URL is that of any database that `data apply --to` loads. The bank is the one in the instance's dataset table,
    unless --bank is given. Without --as-of the views look up to the same moment as before: of a generated dataset
    that is the end of its anchor day.
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
        click.echo(f"as of   {moment or 'no moment: --as-of DATE says up to when ages are counted'}")


@click.command()
@URL
@INSTANCE
@output_options
def clean(url: str, instance: str | None, quiet: bool, as_json: bool) -> None:
    """Remove the rows of one bank from a database; its tables and views stay, empty.

    URL is that of any database that `data apply --to` loads.
    """
    from seedbed.databases.loading import clean_data  # noqa: PLC0415 - databases only where a command runs
    from seedbed.write import parse_url  # noqa: PLC0415

    cleaned, had_rows = clean_data(parse_url(url), instance)
    if as_json and not quiet:
        print_json({"instance": cleaned, "unchanged": not had_rows})
    elif not quiet:
        click.echo(f"removed the rows of {cleaned}" if had_rows else f"kept    {cleaned}, which is empty already")
