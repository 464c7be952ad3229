"""`seedbed data clean` removes the rows of a bank from a database, `schema clean` also its tables and views."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli.options import INSTANCE, URL, output_options
from seedbed.cli.report import print_json

if TYPE_CHECKING:
    from seedbed.write.targets import Target

__all__ = ["data", "schema"]

# The report, as JSON and as one line.
Removed = tuple[dict[str, Any], str]


def _command(about: str, remove: Callable[["Target", str | None], Removed]) -> click.Command:
    """A `clean` command that calls `remove`. Its help begins with `about`."""

    @click.command("clean", help=f"{about}\n\nURL names any database that `data apply --to` loads.")
    @URL
    @INSTANCE
    @output_options
    def clean(url: str, instance: str | None, quiet: bool, as_json: bool) -> None:
        from seedbed.write import parse_url  # noqa: PLC0415 - databases only where a command runs

        facts, line = remove(parse_url(url), instance)
        if as_json and not quiet:
            print_json(facts)
        elif not quiet:
            click.echo(line)

    return clean


def _rows(target: "Target", instance: str | None) -> Removed:
    from seedbed.databases.loading import clean_data  # noqa: PLC0415 - databases only where a command runs

    cleaned, had_rows = clean_data(target, instance)
    line = f"removed the rows of {cleaned}" if had_rows else f"kept    {cleaned}, which is already empty"
    return {"instance": cleaned, "unchanged": not had_rows}, line


def _tables(target: "Target", instance: str | None) -> Removed:
    from seedbed.databases.loading import clean_schema  # noqa: PLC0415 - databases only where a command runs

    cleaned, removed = clean_schema(target, instance)
    return {"instance": cleaned, "removed": removed}, f"removed {len(removed)} tables and views of {cleaned}"


data = _command("Remove the rows of one bank from a database; its tables and views stay, empty.", _rows)
schema = _command("Remove the tables and views of one bank from a database, and nothing else.", _tables)
