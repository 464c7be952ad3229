"""`seedbed data apply`: generates a ledger and writes it, completely or not at all."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.bank.bundled import the_bank
from seedbed.cli.options import (
    BANK,
    DIALECTS,
    NAMED,
    OVERWRITE,
    DatasetOptions,
    ScenarioOptions,
    WholeNumberType,
    complete_file,
    dataset_options,
    output_option,
    output_options,
    scenario_options,
)
from seedbed.cli.prepare import check_workers, prepared
from seedbed.cli.report import Progress, noting_plants, print_written
from seedbed.errors import InputError

if TYPE_CHECKING:
    from seedbed.write.source import LedgerSource
    from seedbed.write.targets import Target

__all__ = ["apply"]

FOLDERS = ("parquet", "csv")


@click.command()
@BANK
@NAMED
@click.option("--to", "url", metavar="URL", help="Load this database: duckdb:///FILE, sqlite:///FILE, postgresql://…")
@output_option(
    "Write to this file (with --dialect; '-' is standard output) or folder (with --format).", metavar="PATH"
)
@click.option("--dialect", type=click.Choice(DIALECTS), help="Write -o as a SQL script of this dialect.")
@click.option("--format", "file_format", type=click.Choice(FOLDERS), help="Write -o as a folder of files.")
@click.option("--baseline-only", is_flag=True, help="The healthy baseline alone.")
@OVERWRITE
@click.option(
    "--answer-key",
    metavar="FILE",
    shell_complete=complete_file,
    help="Write the answer key as CSV to this file; by default beside the output.",
)
@click.option(
    "--workers",
    type=WholeNumberType("workers"),
    help="Number of processes; by default one per core for large ledgers.",
)
@click.option(
    "--resume", is_flag=True, help="Keep finished groups of a Parquet folder, so that a second run continues."
)
@scenario_options
@dataset_options
@output_options
def apply(
    bank: str,
    instance: str | None,
    url: str | None,
    output: str | None,
    dialect: str | None,
    file_format: str | None,
    baseline_only: bool,
    overwrite: bool,
    answer_key: str | None,
    workers: int | None,
    resume: bool,
    planting: ScenarioOptions,
    asked: DatasetOptions,
    quiet: bool,
    as_json: bool,
) -> None:
    """Generate the ledger of a bank with planted exceptions into a database, a SQL script or a folder.

    BANK is a file, or the name of a bundled bank. The target appears completely or not at all. The answer key is a
    table in every output, and a CSV file beside it.
    """
    _refuse_contradictions(baseline_only, planting, workers, resume, file_format)
    target = replace(_target(url, output, dialect, file_format, overwrite), resume=resume)
    target = replace(target, answer_key=answer_key or _key_file(target))
    model = the_bank(bank, instance)
    from seedbed.api import dataset_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.write import check_target, write  # noqa: PLC0415
    from seedbed.write.source import LedgerSource  # noqa: PLC0415

    started = time.monotonic()
    dataset = dataset_of(model, asked.anchor, asked.window_days, asked.accounts, asked.seed)
    check_target(target, dataset)
    plants: dict[str, int] = {}
    omitted: list[tuple[str, str]] = []
    progress = Progress(dataset, quiet)
    with ExitStack() as ending:
        foundation, crew = prepared(dataset, workers, None if baseline_only else planting, progress, ending)
        if foundation.dataset.scenario is not None:
            omitted += foundation.dataset.scenario.omitted
        source = LedgerSource(foundation, crew, noting_plants(plants, omitted), progress)
        with _saying_what_is_kept(source, resume and not quiet):
            report = write(source, foundation.dataset, target)
    progress.end()
    if not quiet and target.path != "-":
        shown = target.database_url.shown if target.database_url else target.path
        print_written(report, time.monotonic() - started, shown, as_json, plants, omitted)


@contextmanager
def _saying_what_is_kept(source: "LedgerSource", said: bool) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if said and source.counts.rows["transactions"]:
            click.echo("Finished groups are kept. Run the same command again to continue.", err=True)
        raise


def _refuse_contradictions(
    baseline_only: bool, planting: ScenarioOptions, workers: int | None, resume: bool, file_format: str | None
) -> None:
    if baseline_only and planting != ScenarioOptions(
        mode=None, plants=None, scenario=None, blend=False, coverage=None
    ):
        raise InputError(
            "data apply: --baseline-only plants nothing; it cannot be combined with options about plants"
        )
    check_workers(workers)
    if resume and file_format != "parquet":
        raise InputError("data apply: --resume needs --format parquet")


def _key_file(target: "Target") -> str | None:
    """The answer key file beside an output. Folders contain it; standard output and servers have none."""
    if target.path == "-" or target.format in FOLDERS or target.format.endswith("-database"):
        return None
    path = Path(target.path)
    return str(path.with_name(f"{path.stem}_answer_key.csv")) if path.name else None


def _target(
    url: str | None, output: str | None, dialect: str | None, file_format: str | None, overwrite: bool
) -> "Target":
    from seedbed.write.targets import Target, parse_url  # noqa: PLC0415 - writers only where a command runs

    if (url is None) == (output is None):
        raise InputError("data apply: give either --to URL or -o PATH")
    if url is not None:
        if dialect or file_format:
            raise InputError("data apply: --dialect and --format need -o; they cannot be combined with --to")
        if url.lower().endswith(".sql"):
            raise InputError("data apply: --to loads a database; write a script with -o FILE --dialect postgresql")
        return replace(parse_url(url), overwrite=overwrite, explained=True)
    if (dialect is None) == (file_format is None):
        raise InputError(f"data apply: -o needs --dialect ({', '.join(DIALECTS)}) or --format ({', '.join(FOLDERS)})")
    if output == "-" and file_format:
        raise InputError("data apply: a folder cannot go to standard output")
    return Target(format=dialect or file_format or "", path=str(output), overwrite=overwrite)
