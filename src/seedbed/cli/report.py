"""How commands speak: tables, figures with thousands separators, progress on a terminal, JSON."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seedbed.ledger.dataset import Dataset, Part
    from seedbed.write.targets import WriteReport

__all__ = ["dollars", "print_json", "print_table", "print_written", "with_plants", "with_progress"]


def dollars(cents: int | None) -> str:
    """Cents as dollars with thousands separators; a dash for none."""
    return "-" if cents is None else f"{cents // 100:,}.{cents % 100:02d}"


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """An aligned table; columns whose header starts with '>' are aligned right (figures)."""
    right = [column.startswith(">") for column in columns]
    lines = [[column.removeprefix(">") for column in columns], *[list(row) for row in rows]]
    widths = [max(_width(line[k]) for line in lines) for k in range(len(columns))]
    if title:
        click.echo(click.style(title, bold=True))
    for number, line in enumerate(lines):
        cells = [
            " " * (width - _width(cell)) + cell if is_right else cell + " " * (width - _width(cell))
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ]
        text = "  " + "  ".join(cells).rstrip()
        click.echo(click.style(text, dim=True) if number == 0 else text)


def _width(text: str) -> int:
    """Terminal columns of a text: wide characters count two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only for text beyond ASCII

    return cell_len(text)


def with_progress(parts: Iterable["Part"], dataset: "Dataset", quiet: bool) -> Iterator["Part"]:
    """Passes parts on; on a terminal long work shows rows so far, rows per second and the time left."""
    if quiet or not sys.stderr.isatty():
        yield from parts
        return
    from seedbed.plan.outline import outline  # noqa: PLC0415 - only where somebody is watching

    facts = (dataset.bank, dataset.anchor, dataset.window_days, dataset.accounts, dataset.seed)
    expected_rows = outline(*facts).expected_transactions
    started, shown, rows = time.monotonic(), False, 0
    for part in parts:
        rows += part.transactions.num_rows
        elapsed = time.monotonic() - started
        if elapsed > 1:
            rate = rows / elapsed
            left = max(0.0, (expected_rows - rows) / rate)
            line = f"  {rows:,} of about {expected_rows:,} rows, {rate:,.0f} rows/s, {left:.0f} s left"
            click.echo(f"\r{line}\033[K", nl=False, err=True)
            shown = True
        yield part
    if shown:
        click.echo("\r\033[K", nl=False, err=True)


def with_plants(parts: Iterable["Part"], planted: dict[str, int], omitted: list[tuple[str, str]]) -> Iterator["Part"]:
    """Passes parts on; counts what is planted, by kind, and adds what could not be to the list."""
    import pyarrow.compute as pc  # noqa: PLC0415 - the heavy imports only where a command runs

    for part in parts:
        omitted += part.omitted
        plants = part.answer_key.filter(pc.equal(part.answer_key.column("item"), "plant"))
        for kind, label in zip(plants["kind"].to_pylist(), plants["label"].to_pylist(), strict=True):
            counted = label if label == "hard_negative" else kind
            planted[counted] = planted.get(counted, 0) + 1
        yield part


def print_written(
    report: "WriteReport",
    seconds: float,
    shown_target: str,
    as_json: bool,
    planted: Mapping[str, int] | None = None,
    omitted: Sequence[tuple[str, str]] = (),
) -> None:
    """What was written, where, how many rows, how long, the content digest, and what is planted and what is not."""
    if as_json:
        print_json(
            {
                "target": shown_target,
                "paths": [str(path) for path in report.paths],
                "rows": dict(report.rows),
                "bytes": report.bytes,
                "seconds": round(seconds, 3),
                "digest": report.digest,
                "unchanged": report.unchanged,
                "plants": dict(planted or {}),
                "omitted": [{"plant": plant, "reason": reason} for plant, reason in omitted],
            }
        )
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in report.rows.items() if count or name != "answer_key")
    if report.unchanged:
        click.echo(f"kept    {shown_target}: this load is there already, nothing was changed")
    else:
        click.echo(f"wrote   {shown_target}")
    for path in report.paths[1:]:
        click.echo(f"        {path.name}")
    click.echo(f"rows    {rows}")
    size = f"size    {report.bytes:,} bytes in" if report.paths else "took   "
    click.echo(f"{size} {seconds:.2f} s")
    click.echo(f"digest  {report.digest}")
    if planted:
        click.echo(f"plants  {', '.join(f'{count} {kind}' for kind, count in planted.items())}")
    for plant, reason in omitted:
        click.echo(f"omitted {plant}: {reason}")
