"""`seedbed score`: compares the findings of a detector with the answer key."""

from dataclasses import asdict

import click

from seedbed.cli.options import INSTANCE, URL, complete_file, output_options
from seedbed.cli.report import print_json, print_table

__all__ = ["score"]


@click.command()
@URL
@click.option(
    "--detections",
    required=True,
    metavar="FILE",
    shell_complete=complete_file,
    help="What the detector found: a CSV file with a header, or a Parquet file.",
)
@INSTANCE
@output_options
def score(url: str, detections: str, instance: str | None, quiet: bool, as_json: bool) -> None:
    """Score a detector: precision, recall and false positives, per kind and per difficulty.

    URL names a DuckDB, SQLite, PostgreSQL, MariaDB or MySQL database. FILE has leg ids, transfer ids, account-days
    (account/date) or view keys, in a column named id, key, transaction_id, transfer_id or view_key. A plant is found
    if FILE has one of its rows, their transfers, their account-days or its view keys. Collateral keys, and the other
    legs and transfers of a breached account-day, count as true and find no plant.
    """
    from seedbed.checks.score import read_detections  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.checks.score import score as scored  # noqa: PLC0415

    result = scored(url, read_detections(detections), instance)
    shares = {"precision": result.precision, "recall": result.recall, "f1": result.f1}
    if as_json:
        recalls = {line.name: line.recall for line in (*result.kinds, *result.difficulties)}
        facts = asdict(result) | {name: _rounded(share) for name, share in shares.items()}
        for lines in (facts["kinds"], facts["difficulties"]):
            for line in lines:
                line["recall"] = _rounded(recalls[line["name"]])
        print_json(facts)
        return
    if quiet:
        return
    figures = ", ".join(f"{name} {_percent(share)}" for name, share in shares.items())
    click.echo(f"{result.instance}: {figures}")
    click.echo(f"found   {result.found:,} of {result.positives:,} exceptions")
    false = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in result.false_positives.items())
    total = sum(result.false_positives.values())
    click.echo(f"named   {result.detections:,}: {result.true_positives:,} true, {total:,} false ({false})")
    for title, lines in (("kind", result.kinds), ("difficulty", result.difficulties)):
        click.echo()
        print_table(
            (title, ">exceptions", ">found", ">recall", ">hard negatives", ">hit"),
            [
                (
                    line.name,
                    f"{line.positives:,}",
                    f"{line.found:,}",
                    _percent(line.recall),
                    f"{line.hard_negatives:,}",
                    f"{line.hard_negatives_hit:,}",
                )
                for line in lines
            ],
        )
    if result.unlisted:
        more = result.false_positives["unlisted"] - len(result.unlisted)
        rest = f" and {more:,} more" if more else ""
        click.echo(f"\nnot in the answer key: {', '.join(result.unlisted)}{rest}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
