"""`seedbed schema apply` creates empty base tables and their views."""

from dataclasses import replace
from datetime import datetime

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.as_of import as_of_option
from seedbed.cli.options import BANK, DIALECTS, NAMED, OVERWRITE, output_option, output_options
from seedbed.cli.report import print_json
from seedbed.errors import InputError

__all__ = ["apply"]


@click.command()
@BANK
@NAMED
@click.option("--to", "url", metavar="URL", help="Database to create the tables in: duckdb:///FILE, postgresql://…")
@output_option("Write the script here instead; '-' is standard output.")
@click.option("--dialect", type=click.Choice(DIALECTS), help="The script's dialect; postgresql if not given.")
@OVERWRITE
@as_of_option
@output_options
def apply(
    bank: str,
    instance: str | None,
    url: str | None,
    output: str | None,
    dialect: str | None,
    overwrite: bool,
    as_of: datetime | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Create the empty base tables and all views of a bank. This replaces existing ones and the rows of a load.

    BANK is a file, or the name of a bundled bank. Tables with rows of your own are not changed, unless you give
    --overwrite. Views count ages up to --as-of; you can set it later with `data refresh --as-of`.
    """
    if (url is None) == (output is None):
        raise InputError("schema apply: give either --to URL or -o FILE")
    if url is not None and dialect:
        raise InputError("schema apply: --dialect needs -o; it cannot be combined with --to")
    model = the_bank(bank, instance)
    from seedbed.ledger.columns import TABLES  # noqa: PLC0415 - writers only where a command runs
    from seedbed.views import VIEWS  # noqa: PLC0415
    from seedbed.write import Target, parse_url, write_schema  # noqa: PLC0415

    path: object
    if url is not None:
        from seedbed.databases.loading import apply_schema  # noqa: PLC0415

        target = replace(parse_url(url), overwrite=overwrite)
        apply_schema(model, target, as_of)
        path = target.database_url.shown if target.database_url else target.path
    else:
        path = write_schema(
            model, Target(format=dialect or "postgresql", path=str(output), overwrite=overwrite), as_of
        )
    tables = [f"{model.instance}_{table.name}" for table in TABLES]
    views = [f"{model.instance}_{view.name}" for view in VIEWS]
    if path is None or quiet:
        return
    if as_json:
        print_json({"target": str(path), "tables": tables, "views": views, "as_of": _text(as_of)})
    else:
        click.echo(f"wrote   {output or path}")
        click.echo(f"tables  {', '.join(tables)}, empty")
        click.echo(f"views   {len(views)}, of {views[0]}, … {views[-1]}")
        if as_of is not None:
            click.echo(f"as of   {as_of}")


def _text(as_of: datetime | None) -> str | None:
    return None if as_of is None else str(as_of)
