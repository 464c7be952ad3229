"""`seedbed bank`: works on bank files."""

from typing import TYPE_CHECKING

import click

from seedbed.bank.bundled import bank_path
from seedbed.cli.options import BANK, OVERWRITE, output_option
from seedbed.errors import TargetError
from seedbed.write.staging import write_file
from seedbed.write.targets import output_path, refusals, shown

if TYPE_CHECKING:
    from seedbed.bank.convert import Spelling

__all__ = ["bank"]


@click.group()
def bank() -> None:
    """Work on bank files."""


@bank.command()
@BANK
@click.option("--to", "spelling", type=click.Choice(["newer", "older"]), default="newer", show_default=True)
@output_option("Write the file here instead of the standard output.")
@OVERWRITE
def convert(bank: str, spelling: "Spelling", output: str | None, overwrite: bool) -> None:
    """Write a bank file in the other spelling.

    The bank stays the same: both files load as the same bank. Comments stay where possible. BANK is a file, or the
    name of a bundled bank.
    """
    from seedbed.bank.convert import converted  # noqa: PLC0415 - pydantic only where a bank is read
    from seedbed.bank.load import parse_instance_text, read_bank_text  # noqa: PLC0415

    path = bank_path(bank)
    text = converted(read_bank_text(path), spelling, str(path))
    if output is None:
        click.echo(text, nl=False)
        return
    target = output_path(output)
    with refusals(target):
        if (target.exists() or target.is_symlink()) and not overwrite:
            raise TargetError(f"{shown(output)} exists already; give --overwrite to replace it")
    write_file(target, text.encode())
    click.echo(f"wrote {shown(output)}")
    before, after = (parse_instance_text(text, str(file)).instance for file in (path, target))
    if after != before:
        click.echo(f"note  the file has no key 'instance', so the name of the bank is now {after}; it was {before}")
