"""`seedbed dashboard`: shows a loaded ledger in the browser."""

import click

from seedbed.bank.bundled import bank_of
from seedbed.cli.freshness import warn_of_stale_views
from seedbed.cli.options import BANK_OF_INSTANCE, INSTANCE, URL, WholeNumberType
from seedbed.errors import InputError, TargetError
from seedbed.extras import install_command

__all__ = ["dashboard", "show"]

DEFAULT_PORT = 8750


@click.command()
@URL
@INSTANCE
@BANK_OF_INSTANCE
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=WholeNumberType("port"),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 takes any free port.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    envvar="SEEDBED_DASHBOARD_TOKEN",
    help="Secret that browsers must give; required if other machines can connect. Or set SEEDBED_DASHBOARD_TOKEN.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in a browser.")
def dashboard(
    url: str, instance: str | None, bank: str | None, host: str, port: int, token: str | None, open_browser: bool
) -> None:
    """Show a loaded ledger in the browser until Ctrl-C: three apps with sheets, read-only.

    URL is duckdb:///file.duckdb, sqlite:///file.sqlite or postgresql://….
    """
    if port >= 2**16:
        raise InputError(f"port: {port} is not a port number")
    show(url, instance, bank, looking=True, host=host, port=port, token=token, open_browser=open_browser)


def show(
    url: str,
    instance: str | None,
    bank: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    open_browser: bool = False,
    looking: bool = False,
) -> None:
    """Serves the dashboard until it is interrupted. With `looking` it first warns if views are outdated."""
    model = bank_of(instance, bank)
    try:
        from seedbed.dashboard.server import serve  # noqa: PLC0415 - the heavy imports only where a command runs
    except ImportError:
        raise TargetError(f"the dashboard needs more packages: {install_command('dashboard')}") from None
    from seedbed.dashboard.ledger import LedgerLocation  # noqa: PLC0415

    def say(page: str) -> None:
        ended = "with ?token=… added the first time; Ctrl-C ends it" if token else "Ctrl-C ends it"
        click.echo(f"The dashboard is at  {page}  ({ended})")

    if looking:
        warn_of_stale_views(url, instance, model)
    serve(LedgerLocation(url, instance, model), host, port, token, open_browser=open_browser, say=say)
