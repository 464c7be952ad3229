"""`seedbed data apply`: generate a ledger and write it somewhere, whole or not at all."""

import time
from datetime import date
from typing import TYPE_CHECKING

import click

from seedbed.cli.options import BANK, account_counts, dataset_options, output_options, read_bank
from seedbed.cli.report import print_written, with_progress
from seedbed.errors import InputError

if TYPE_CHECKING:
    from seedbed.write.targets import Target

__all__ = ["apply"]

DIALECTS = ("postgresql", "sqlite", "duckdb")
FOLDERS = ("parquet", "csv")


@click.command()
@BANK
@click.option("--to", "url", metavar="URL", help="Database to load: duckdb:///file.duckdb.")
@click.option(
    "-o", "--output", metavar="PATH", help="File of a script ('-': standard output), or folder of a format."
)
@click.option("--dialect", type=click.Choice(DIALECTS), help="Write -o as a SQL script of this dialect.")
@click.option("--format", "file_format", type=click.Choice(FOLDERS), help="Write -o as a folder of files.")
@click.option("--baseline-only", is_flag=True, help="The healthy baseline alone.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file even if Seedbed did not write it.")
@dataset_options
@output_options
def apply(
    bank: str,
    url: str | None,
    output: str | None,
    dialect: str | None,
    file_format: str | None,
    baseline_only: bool,
    overwrite: bool,
    anchor: date | None,
    window_days: int,
    accounts: tuple[tuple[str, int], ...],
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Generate the ledger of a bank into a database, a SQL script or a folder.

    BANK is a file, or the name of a bundled bank. The target appears when it is complete, or not at all.
    """
    target = _target(url, output, dialect, file_format, overwrite)
    model = read_bank(bank)
    from seedbed.api import dataset_of, parts_of  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.write import write  # noqa: PLC0415

    started = time.monotonic()
    counts = account_counts(accounts)
    dataset = dataset_of(model, anchor, window_days, counts, seed)
    report = write(with_progress(parts_of(dataset), dataset, quiet), dataset, target)
    if not quiet and target.path != "-":
        print_written(report, time.monotonic() - started, url or target.path, as_json)


def _target(
    url: str | None, output: str | None, dialect: str | None, file_format: str | None, overwrite: bool
) -> "Target":
    from seedbed.write.targets import Target, parse_url  # noqa: PLC0415 - writers only where a command runs

    if (url is None) == (output is None):
        raise InputError("data apply: give either --to URL or -o PATH")
    if url is not None:
        if dialect or file_format:
            raise InputError("data apply: --dialect and --format go with -o, not with --to")
        return parse_url(url)
    if (dialect is None) == (file_format is None):
        raise InputError(
            f"data apply: -o needs either --dialect ({', '.join(DIALECTS)}) or --format ({', '.join(FOLDERS)})"
        )
    if output == "-" and file_format:
        raise InputError("data apply: a folder cannot be written to standard output")
    return Target(dialect or file_format or "", str(output), overwrite)
