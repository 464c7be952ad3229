"""`seedbed schema apply`: the two base tables, empty."""

from pathlib import Path

import click

from seedbed.cli.options import BANK, output_options, read_bank
from seedbed.cli.report import print_json
from seedbed.errors import InputError

__all__ = ["apply"]


@click.command()
@BANK
@click.option("--to", "url", metavar="URL", help="Database to create the tables in: duckdb:///file.duckdb.")
@click.option("-o", "--output", metavar="FILE", help="Write the script here instead; '-' is standard output.")
@click.option(
    "--dialect", metavar="DIALECT", default="postgresql", show_default=True, help="postgresql, sqlite, duckdb."
)
@output_options
def apply(bank: str, url: str | None, output: str | None, dialect: str, quiet: bool, as_json: bool) -> None:
    """Create both base tables with all constraints and indexes.

    BANK is a file, or the name of a bundled bank.
    """
    if (url is None) == (output is None):
        raise InputError("schema apply: give either --to URL or -o FILE")
    model = read_bank(bank)
    from seedbed.write import schema  # noqa: PLC0415 - writers only where a command runs

    if url is not None:
        written = schema.apply_schema(model.instance, url)
    else:
        written = schema.write_schema(model.instance, dialect, str(output))
    if as_json:
        print_json({"target": str(written), "tables": schema.table_names(model.instance)})
    elif not quiet and output != "-":
        click.echo(f"created {', '.join(schema.table_names(model.instance))} in {Path(str(written)).name}")
