"""`seedbed check`: checks a loaded ledger and sets the exit code."""

import time
from collections.abc import Collection
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from seedbed.cli.options import INSTANCE, URL, output_options
from seedbed.cli.report import print_json, print_table

if TYPE_CHECKING:
    from seedbed.checks import Report

__all__ = ["check", "print_offenders", "print_report"]


@click.command()
@URL
@INSTANCE
@output_options
def check(url: str, instance: str | None, quiet: bool, as_json: bool) -> int:
    """Check a loaded ledger: coverage, conservation, every exception view against the answer key, views, digest.

    URL names a DuckDB, SQLite, PostgreSQL, MariaDB or MySQL database; nothing is written. Your own feed has no answer
    key and no targets: assertions that need them are not asked, and the exceptions of the feed are reported. The exit
    code is 1 if anything does not hold. The last line counts the assertions that were not asked.
    """
    from seedbed.checks import check as checked  # noqa: PLC0415 - the heavy imports only where a command runs

    started = time.monotonic()
    report = checked(url, instance)
    seconds = time.monotonic() - started
    if as_json:
        results = [asdict(result) for result in report.results]
        passed = not report.misses
        head = {"instance": report.instance, "as_of": report.as_of, "ok": passed, "seconds": round(seconds, 3)}
        print_json(head | {"not_asked": len(report.unasked), "verdict": report.verdict, "results": results})
    elif not quiet:
        print_report(report)
        click.echo()
        moment = f", as of {report.as_of}" if report.as_of else ""
        click.echo(f"{report.instance}: {report.verdict}; in {seconds:.2f} s{moment}")
    return 1 if report.misses else 0


def print_report(report: "Report", groups: Collection[str] | None = None) -> None:
    """Prints the results of all or some groups as a table, and the first wrong rows of each miss."""
    shown = [result for result in report.results if groups is None or result.group in groups]
    lines = [
        (result.group, result.name, result.expected or "-", result.found or "-", result.verdict) for result in shown
    ]
    print_table(("group", "assertion", ">expected", ">found", "verdict"), lines)
    print_offenders(report)
    reasons = [result for result in shown if result.reason]
    if reasons:
        click.echo()
    for result in reasons:
        click.echo(f"  {result.group}, {result.name}: {result.reason}")


def print_offenders(report: "Report") -> None:
    """Prints the first wrong rows of every assertion that misses, and the command that repairs them, if any."""
    for result in report.misses:
        click.echo(f"\n  {result.group}, {result.name}: expected {result.expected}, found {result.found}")
        for offender in result.offenders:
            click.echo(f"    {offender}")
        if result.wrong > len(result.offenders) > 0:
            click.echo(f"    and {result.wrong - len(result.offenders):,} more")
        if result.remedy:
            click.echo(f"    {result.remedy}")
