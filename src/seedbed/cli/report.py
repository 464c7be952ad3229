"""The output of commands: tables, numbers with thousands separators, progress on a terminal, JSON."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from seedbed import money
from seedbed.cli.signals import stop_if_asked

if TYPE_CHECKING:
    from seedbed.ledger.dataset import Dataset
    from seedbed.write.source import Passed
    from seedbed.write.targets import WriteReport

__all__ = ["Progress", "dollars", "noting_plants", "print_json", "print_table", "print_written", "with_bar"]

# The least columns of a useful progress bar.
BAR_WIDTH, LEAST_BAR = 24, 4
# Seconds between two lines of progress, on a terminal and elsewhere. Shorter work shows no progress.
LIVE_SECONDS, LINE_SECONDS = 1.0, 10.0


def dollars(cents: int | None) -> str:
    """Cents as dollars with thousands separators; a dash for None."""
    return "-" if cents is None else money.grouped(cents)


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
    """Terminal columns of a text. A wide character takes two columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only for text beyond ASCII

    return cell_len(text)


class Progress:
    """Shows rows so far, rows per second and the time left, on standard error, during long work.

    A terminal shows one line that changes; other outputs get a line now and then. After each part this object also
    ends the process if it was asked to end.
    """

    def __init__(self, dataset: "Dataset", quiet: bool) -> None:
        self._dataset = dataset
        self._quiet = quiet
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._started = time.monotonic()
        self._said = self._started
        self._rows_started: float | None = None
        self._rows = 0
        self._shown = False

    @cached_property
    def _expected(self) -> int:
        from seedbed.assembly.groups import expected_rows  # noqa: PLC0415 - only where somebody waits

        return max(1, expected_rows(self._dataset))

    def __call__(self, passed: "Passed") -> None:
        """Counts the rows of parts that were written."""
        stop_if_asked()
        now = time.monotonic()
        if self._rows_started is None:
            self._rows_started = now
            self._first_rows = passed.transaction_rows
        self._rows += passed.transaction_rows
        if self._is_due(now):
            fresh = self._rows - self._first_rows
            rate = fresh / max(now - self._rows_started, 0.001) if fresh else self._rows / (now - self._started)
            left = max(0, self._expected - self._rows) / rate
            self._say(
                self._rows / self._expected,
                f"{self._rows:,} of about {self._expected:,} rows, {rate:,.0f} rows/s, {_duration(left)} left",
            )

    def shared(self, done: float) -> None:
        """Notes the progress of the first pass, from 0 to 1."""
        stop_if_asked()
        now = time.monotonic()
        if self._is_due(now):
            left = (now - self._started) * (1 - done) / done
            self._say(done, f"first pass, {done:.0%} of about {self._expected:,} rows, {_duration(left)} left")

    def end(self) -> None:
        """Removes the line of progress."""
        if self._shown and self._live:
            click.echo("\r\033[K", nl=False, err=True)

    def _is_due(self, now: float) -> bool:
        due = not self._quiet and now - self._said >= (LIVE_SECONDS if self._live else LINE_SECONDS)
        if due:
            self._said = now
        return due

    def _say(self, done: float, text: str) -> None:
        self._shown = True
        with suppress(OSError):
            click.echo(
                f"\r{with_bar(done, text, self._columns)}\033[K" if self._live else text, nl=not self._live, err=True
            )

    @property
    def _columns(self) -> int:
        """The current width of the terminal."""
        with suppress(OSError, ValueError):
            return os.get_terminal_size(sys.stderr.fileno()).columns
        return 80


def with_bar(done: float, text: str, columns: int) -> str:
    """A line of at most `columns` columns, because a longer line would wrap. The bar gets the rest of the space."""
    width = min(BAR_WIDTH, columns - len(text) - len("  [] ") - 1)
    full = max(0, min(width, int(width * done)))
    bar = f"[{'#' * full}{' ' * (width - full)}] " if width >= LEAST_BAR else ""
    return f"  {bar}{text}"[: max(0, columns - 1)]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def noting_plants(planted: dict[str, int], omitted: list[tuple[str, str]]) -> "Callable[[Passed], None]":
    """Counts the planted plants by kind, and adds omitted plants to the list."""
    import pyarrow.compute as pc  # noqa: PLC0415 - the heavy imports only where a command runs

    def note(passed: "Passed") -> None:
        omitted.extend(passed.omitted)
        plants = passed.answer_key.filter(pc.equal(passed.answer_key.column("item"), "plant"))
        for kind, label in zip(plants["kind"].to_pylist(), plants["label"].to_pylist(), strict=True):
            counted = label if label == "hard_negative" else kind
            planted[counted] = planted.get(counted, 0) + 1

    return note


def print_written(
    report: "WriteReport",
    seconds: float,
    shown_target: str,
    as_json: bool,
    planted: Mapping[str, int] | None = None,
    omitted: Sequence[tuple[str, str]] = (),
) -> None:
    """Prints the report of a write: the target, rows, time, content digest, plants and omitted plants."""
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
        click.echo(f"kept    {shown_target}: it already holds this load, so nothing was changed")
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
