"""`seedbed validate`: shows all problems and all structural findings of a bank file."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.bank.bundled import bank_path
from seedbed.cli.annotations import ANNOTATIONS
from seedbed.cli.options import BANK, NAMED, output_options
from seedbed.cli.report import print_json
from seedbed.errors import InputError, Problem, counted, one_line

if TYPE_CHECKING:
    from seedbed.bank.model import Bank
    from seedbed.bank.text import Remark

__all__ = ["validate"]

TAB = "\t"


def _of_the_plan(bank: "Bank") -> "Iterator[Remark]":
    from seedbed.program.findings import program_remarks  # noqa: PLC0415 - NumPy only for a bank that is valid

    return program_remarks(bank)


def _pointed_at(path: Path, problem: Problem) -> str:
    """The line of the file that has a problem, with a caret under the column."""
    lines = path.read_text(encoding="utf-8").splitlines()
    line = lines[problem.line - 1] if problem.line <= len(lines) else ""
    return f"    {one_line(line.replace(TAB, ' '))}\n    {' ' * (problem.column - 1)}^"


@click.command()
@BANK
@NAMED
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(ANNOTATIONS)),
    help="Report for a code host: as GitHub's annotations, or as a SARIF log.",
)
@output_options
def validate(bank: str, instance: str | None, file_format: str | None, quiet: bool, as_json: bool) -> int:
    """Check a bank file.

    Reports every problem at once, as file:line:column, and structural findings: declarations that are valid but can
    never hold or never happen. BANK is a file, or the name of a bundled bank.
    """
    from seedbed.bank.load import validate_instance  # noqa: PLC0415 - pydantic only where a bank is read

    if file_format and as_json:
        raise InputError("give either --format or --json, not both")
    model, problems, findings = validate_instance(bank_path(bank), _of_the_plan, instance)
    if file_format:
        report = ANNOTATIONS[file_format](problems, () if quiet else findings)
        if isinstance(report, dict):
            print_json(report)
        else:
            click.echo("".join(f"{line}\n" for line in report), nl=False)
    elif as_json:
        print_json({"problems": [asdict(p) for p in problems], "findings": [asdict(f) for f in findings]})
    else:
        _print_remarks(bank, problems, () if quiet else findings)
        if model is not None and not quiet:
            click.echo(_summary(model, findings))
        if not quiet and any(not remark.rule.startswith("file-") for remark in (*problems, *findings)):
            click.echo("`seedbed rule ID` explains the rule whose id ends a message", err=bool(problems))
    return 2 if problems else 0


def _print_remarks(bank: str, problems: Sequence[Problem], findings: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)
        if problem.rule == "yaml-syntax" and problem.line:
            click.echo(_pointed_at(bank_path(bank), problem), err=True)
    for finding in findings:
        click.echo(f"finding: {finding}")


def _summary(model: "Bank", findings: Sequence[Problem]) -> str:
    parts = (
        (model.accounts, "account"),
        (model.account_templates, "account template"),
        (model.rails, "rail"),
        (model.transfer_templates, "transfer template"),
        (model.chains, "chain"),
        (model.limit_schedules, "limit"),
    )
    declared = ", ".join(counted(len(items), noun) for items, noun in parts)
    return f"{model.instance}: valid; {declared}; {counted(len(findings), 'finding')}"
