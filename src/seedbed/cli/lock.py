"""`seedbed lock` and `seedbed verify`: a reviewable file of what a dataset came to, and whether it still does."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.options import (
    BANK,
    DatasetOptions,
    ScenarioOptions,
    WholeNumberType,
    complete_file,
    dataset_options,
    output_options,
    read_planting,
    scenario_options,
)
from seedbed.cli.prepare import prepared
from seedbed.cli.report import Progress, print_json
from seedbed.errors import InputError, counted, one_line

if TYPE_CHECKING:
    from seedbed.assembly.foundation import Foundation
    from seedbed.ledger.dataset import Dataset, Part
    from seedbed.lockfile.datasets import Maker, Plants
    from seedbed.lockfile.files import Locked, Verification

__all__ = ["lock", "verify"]

WORKERS = click.option(
    "--workers",
    type=WholeNumberType("workers"),
    help="Processes to make the rows; one per core if the ledger is large.",
)


@click.command()
@BANK
@click.option(
    "-o", "--output", metavar="FILE", shell_complete=complete_file, help="The lock file; the bank's name with .lock."
)
@click.option("--update", is_flag=True, help="Renew the lock that is there, with its own arguments.")
@click.option("--overwrite", is_flag=True, help="Replace a lock of another dataset.")
@click.option("--baseline-only", is_flag=True, help="Lock the healthy baseline alone.")
@WORKERS
@scenario_options
@dataset_options
@output_options
@click.pass_context
def lock(
    context: click.Context,
    bank: str,
    output: str | None,
    update: bool,
    overwrite: bool,
    baseline_only: bool,
    workers: int | None,
    planting: ScenarioOptions,
    asked: DatasetOptions,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a lock file: what `data apply` with these arguments makes of a bank, for people to review.

    It has the arguments, the digests of the dataset, of each table and each day, the row counts, and what must
    surface in each exception view. Keep it with the bank file; `seedbed verify` compares it with what is made later.
    A lock that says something else is not replaced unless --update or --overwrite is given.
    """
    if baseline_only and planting != ScenarioOptions():
        raise InputError("lock: --baseline-only leaves nothing to plant; it goes with no option about plants")
    model, make = the_bank(bank), _with_workers(workers, quiet)
    from seedbed.api import dataset_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.lockfile.datasets import lock_path, made_lock, updated_lock  # noqa: PLC0415
    from seedbed.lockfile.files import load_lock, write_lock  # noqa: PLC0415

    path = lock_path(bank, output)
    if update:
        _refuse_arguments(context)
        made = updated_lock(model, load_lock(path), make)
    else:
        given = asked.accounts
        dataset = dataset_of(model, asked.anchor, asked.window_days, given, asked.seed)
        made = made_lock(dataset, given, None if baseline_only else read_planting(dataset, planting), make)
    locked = write_lock(path, made, replacing=update or overwrite)
    if not quiet:
        _print_locked(locked, as_json)


def _with_workers(workers: int | None, quiet: bool) -> "Maker":
    """Makes datasets by so many processes, and shows how far it is."""

    @contextmanager
    def make(dataset: "Dataset", plants: "Plants | None") -> "Iterator[tuple[Foundation, Iterable[Part]]]":
        from seedbed.write.source import LedgerSource  # noqa: PLC0415 - the heavy imports only where a command runs

        progress = Progress(dataset, quiet)
        with ExitStack() as ending:
            foundation, crew = prepared(dataset, workers, plants, progress, ending)
            yield foundation, LedgerSource(foundation, crew, progress)
        progress.end()

    return make


def _refuse_arguments(context: click.Context) -> None:
    """Raises InputError for an argument of the dataset beside --update, which takes them from the lock."""
    own = {"bank", "output", "update", "workers", "quiet", "as_json"}
    given = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name not in own
        and context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise InputError(f"lock: --update takes the arguments of the lock; it does not go with {', '.join(given)}")


def _print_locked(locked: "Locked", as_json: bool) -> None:
    made = locked.lock
    rows = {name: table.rows for name, table in made.tables.items()}
    surfacing = {view: found.rows for view, found in made.surfacing.items()}
    if as_json:
        print_json(
            {"path": str(locked.path), "changed": locked.changed, "digest": made.digest}
            | {"rows": rows, "surfacing": surfacing}
        )
        return
    click.echo(f"{'wrote' if locked.changed else 'kept':<8}{one_line(str(locked.path))}")
    click.echo(f"rows    {', '.join(f'{count:,} {name}' for name, count in rows.items())}")
    click.echo(f"surface {counted(sum(surfacing.values()), 'row')} of {counted(len(surfacing), 'view')}")
    click.echo(f"digest  {made.digest}")


@click.command()
@BANK
@click.option(
    "--lock", "lock_file", metavar="FILE", shell_complete=complete_file, help="The lock file, if it is elsewhere."
)
@click.option(
    "--against",
    metavar="URL",
    help="The dataset as it was locked, in a database or Parquet folder: shows the first row as it was, too.",
)
@WORKERS
@output_options
def verify(
    bank: str, lock_file: str | None, against: str | None, workers: int | None, quiet: bool, as_json: bool
) -> int:
    """Make the dataset of a lock file again, and compare.

    The arguments are those of the lock. The exit code is 1 if anything differs; then the first table, the first day
    and the first row that differ are named, and the keys that must surface no longer or for the first time.
    """
    model = the_bank(bank)
    from seedbed.lockfile.datasets import lock_path, verified  # noqa: PLC0415 - the heavy imports where it runs

    found = verified(model, lock_path(bank, lock_file), against, _with_workers(workers, quiet))
    if as_json:
        print_json(_as_json(found))
    elif not quiet:
        click.echo(str(found))
    return 0 if found.same else 1


def _as_json(found: "Verification") -> dict[str, Any]:
    return {
        "path": str(found.path),
        "same": found.same,
        "locked": found.locked.digest,
        "made": found.made.digest,
        "causes": found.causes,
        "difference": None if found.difference is None else asdict(found.difference),
        "surfacing": [change._asdict() for change in found.surfacing],
    }
