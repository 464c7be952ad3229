"""`seedbed init`: writes a commented starter bank, with the JSON Schema that editors complete and check it by."""

import re
import shlex
from pathlib import Path

import click

from seedbed.cli.options import complete_file
from seedbed.errors import TargetError
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import output_path, refusals, shown

__all__ = ["init"]

STARTER = Path(__file__).parents[1] / "starter"
SCHEMA = "seedbed.schema.json"
EXAMPLE = "my_bank"


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_file)
def init(file: str) -> None:
    """Write a starter bank to FILE, and beside it the JSON Schema that its first line names.

    The bank is named after the file, if the name is valid. Existing files are not changed.
    """
    target = output_path(file)
    schema = target.with_name(SCHEMA)
    schema_text = (STARTER / SCHEMA).read_bytes()
    if target == schema:
        raise TargetError(f"{shown(file)} is the name of the schema; give the bank another name")
    with refusals(schema):
        known = schema.exists() and schema.read_bytes() == schema_text
    with refusals(target):
        if target.exists() or target.is_symlink():
            raise TargetError(f"{shown(file)} exists already; nothing was changed")
    if not known:
        check_file(schema, _is_schema)
    _write(target, _starter(target).encode())
    if not known:
        _write(schema, schema_text)
    name = shown(file)
    click.echo(f"wrote   {name}")
    click.echo(f"schema  {shown(Path(file).with_name(SCHEMA))}, for editors that know YAML")
    command_word = f"./{name}" if name.startswith("-") else name
    click.echo(f"next    seedbed plan {shlex.quote(command_word)}")


def _starter(target: Path) -> str:
    """The starter's text, named after the file."""
    from seedbed.bank.grammar import ScalarError, parse_instance  # noqa: PLC0415 - only where a file is written

    text = (STARTER / "bank.yaml").read_text(encoding="utf-8")
    try:
        return text.replace(EXAMPLE, parse_instance(re.sub(r"[^a-z0-9]+", "_", target.stem.lower()).rstrip("_")))
    except ScalarError:
        return text


def _is_schema(path: Path) -> bool:
    """Whether a file is an earlier version's schema, which may be replaced."""
    return b'"title": "A bank for Seedbed"' in path.read_bytes()[:200]


def _write(target: Path, content: bytes) -> None:
    with staging(target) as private:
        staged = private / "file"
        staged.write_bytes(content)
        move_file(staged, target)
