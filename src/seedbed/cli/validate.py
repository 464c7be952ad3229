"""`seedbed validate`: everything that is wrong with a bank file, and everything structurally odd about it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from seedbed.cli.options import BANK, bank_path, output_options
from seedbed.cli.report import print_json
from seedbed.errors import counted

if TYPE_CHECKING:
    from seedbed.bank.model import Bank
    from seedbed.bank.text import Remark

__all__ = ["validate"]


def _of_the_plan(bank: "Bank") -> "Iterator[Remark]":
    from seedbed.program.bounds import flood_remarks  # noqa: PLC0415 - NumPy only for a bank that is valid

    return flood_remarks(bank)


@click.command()
@BANK
@output_options
def validate(bank: str, quiet: bool, as_json: bool) -> int:
    """Check a bank file.

    Reports every problem at once as file:line:column, and structural findings: things that load, but can never hold
    or never happen. BANK is a file, or the name of a bundled bank.
    """
    from seedbed.bank.load import validate_instance  # noqa: PLC0415 - pydantic only where a bank is read

    model, problems, findings = validate_instance(bank_path(bank), _of_the_plan)
    if as_json:
        print_json({"problems": [asdict(p) for p in problems], "findings": [asdict(f) for f in findings]})
    else:
        for problem in problems:
            click.echo(str(problem), err=True)
        if not quiet:
            for finding in findings:
                click.echo(f"finding: {finding}")
            if model is not None:
                parts = (
                    (model.accounts, "account"),
                    (model.account_templates, "account template"),
                    (model.rails, "rail"),
                    (model.transfer_templates, "transfer template"),
                    (model.chains, "chain"),
                    (model.limit_schedules, "limit"),
                )
                declared = ", ".join(counted(len(items), noun) for items, noun in parts)
                click.echo(f"{model.instance}: valid; {declared}; {counted(len(findings), 'finding')}")
    return 2 if problems else 0
