"""`seedbed export`: writes a loaded ledger in the format of another program."""

import time

import click

from seedbed.cli.options import INSTANCE, URL, complete_file, output_options
from seedbed.cli.report import print_json

__all__ = ["export"]

FORMATS = ("beancount",)


@click.command()
@URL
@click.option("--format", "file_format", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="-",
    shell_complete=complete_file,
    help="Write to this file; by default to standard output.",
)
@INSTANCE
@output_options
def export(url: str, file_format: str, output: str, instance: str | None, quiet: bool, as_json: bool) -> None:
    """Write a loaded ledger in the format of another program, which can then check it independently.

    URL names a DuckDB, SQLite, PostgreSQL, MariaDB or MySQL database. Beancount's `bean-check` accepts a healthy
    ledger and reports every account-day whose stored balance is not the sum of its postings.
    """
    from seedbed.exports import export as exported  # noqa: PLC0415 - the heavy imports only where a command runs

    started = time.monotonic()
    lines = exported(url, instance, file_format, output)
    if output == "-" or quiet:
        return
    if as_json:
        print_json({"target": output, "format": file_format, "lines": lines})
    else:
        click.echo(f"wrote   {output}")
        click.echo(f"lines   {lines:,} in {time.monotonic() - started:.2f} s")
