"""`seedbed lock` writes a reviewable file about a dataset; `seedbed verify` makes it again and compares."""

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
    output_option,
    output_options,
    read_planting,
    scenario_options,
)
from seedbed.cli.prepare import check_workers, prepared
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
    help="Number of processes; by default one per core for large ledgers.",
)


@click.command()
@BANK
@output_option("The lock file to write; by default BANK.lock.")
@click.option("--update", is_flag=True, help="Renew the existing lock with its own arguments.")
@click.option("--overwrite", is_flag=True, help="Replace an existing lock, even if its dataset differs.")
@click.option("--baseline-only", is_flag=True, help="Lock only the healthy baseline, without plants.")
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
    """Write a lock file: a reviewable summary of what `data apply` generates with these arguments.

    It holds the arguments, the digests of the dataset and of each table and day, the row counts, and what must show
    in each exception view. Keep it with the bank file; `seedbed verify` makes the dataset again and compares. A lock
    of a different dataset is replaced only with --update or --overwrite.
    """
    if baseline_only and planting != ScenarioOptions():
        raise InputError("lock: --baseline-only plants nothing; it cannot be combined with options about plants")
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
    """Makes datasets with `workers` processes and shows the progress. Raises InputError for a number out of range."""
    check_workers(workers)

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
    """Raises InputError for an argument of the dataset beside --update, which uses the arguments of the lock."""
    own = {"bank", "output", "update", "workers", "quiet", "as_json"}
    given = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name not in own
        and context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise InputError(
            f"lock: --update uses the arguments of the lock; it cannot be combined with {', '.join(given)}"
        )


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
    "--lock",
    "lock_file",
    metavar="FILE",
    shell_complete=complete_file,
    help="The lock file to read; by default BANK.lock.",
)
@click.option(
    "--against",
    metavar="URL",
    help="The dataset as it was locked, in a database or Parquet folder, to show the old row too.",
)
@WORKERS
@output_options
def verify(
    bank: str, lock_file: str | None, against: str | None, workers: int | None, quiet: bool, as_json: bool
) -> int:
    """Make the dataset of a lock file again, with the arguments of the lock, and compare.

    If anything differs, the exit code is 1, and the report names the first table, day and row that differ, and the
    keys that were added to or removed from what must show in the views.
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
