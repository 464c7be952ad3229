"""The warning of a command that shows views, if the views are outdated."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seedbed.bank.model import Bank

__all__ = ["warn_of_stale_views"]


def warn_of_stale_views(url: str, instance: str | None, bank: "Bank | None") -> None:
    """Prints one line on standard error if the views of a ledger are older than its tables.

    Raises the `InputError` and `TargetError` of reading the ledger.
    """
    from seedbed.checks.filled import views_behind  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.databases.reader import open_database, stored_bank, the_instance  # noqa: PLC0415
    from seedbed.write.urls import parse_database_url  # noqa: PLC0415

    with open_database(url) as database:
        name = the_instance(database, bank.instance if bank else instance)
        behind = views_behind(database, bank or stored_bank(database, name))
    if behind:
        others = f" and {len(behind) - 1} more are" if len(behind) > 1 else " is"
        click.echo(
            f"seedbed: {name}_{behind[0]}{others} outdated: the tables or the views have changed;"
            f" run `seedbed data refresh {parse_database_url(url).shown}`",
            err=True,
        )
