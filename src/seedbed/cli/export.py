"""`seedbed export`: writes a loaded ledger in the format of another program."""

import time

import click

from seedbed.cli.options import INSTANCE, URL, complete_file, output_options
from seedbed.cli.report import print_json
from seedbed.errors import InputError

__all__ = ["export"]

# The table of formats is in `exports/`, which no command loads to print its help.
FORMATS = ("beancount", "statements")


@click.command()
@URL
@click.option("--format", "file_format", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    default="-",
    shell_complete=complete_file,
    help="Write to this file or folder; by default to standard output.",
)
@click.option(
    "--option", "options", metavar="NAME=VALUE", multiple=True, help="An option of the format; can be repeated."
)
@INSTANCE
@output_options
def export(
    url: str,
    file_format: str,
    output: str,
    options: tuple[str, ...],
    instance: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a loaded ledger in the format of another program, which can then check it independently.

    URL names a DuckDB, SQLite, PostgreSQL, MariaDB or MySQL database. Beancount's `bean-check` accepts a healthy
    ledger and reports every account-day whose stored balance is not the sum of its postings. `statements` writes a
    folder with a CSV file per account and business day; its options are account, role, from and to.
    """
    from seedbed.exports import export as exported  # noqa: PLC0415 - the heavy imports only where a command runs

    started = time.monotonic()
    documents, lines = exported(url, instance, file_format, output, dict(map(_option, options)))
    if output == "-" or quiet:
        return
    if as_json:
        print_json({"target": output, "format": file_format, "documents": documents, "lines": lines})
    else:
        click.echo(f"wrote   {output}")
        of = f" in {documents:,} files" if documents > 1 else ""
        click.echo(f"lines   {lines:,}{of} in {time.monotonic() - started:.2f} s")


def _option(text: str) -> tuple[str, str]:
    """The name and the value of an option."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"option: '{text[:40]}' is not NAME=VALUE")
    return name, value
