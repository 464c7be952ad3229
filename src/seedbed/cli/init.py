"""`seedbed init`: writes a commented starter bank, with the JSON Schema that editors complete and check it by."""

import re
import shlex
from pathlib import Path

import click

from seedbed.bank.bundled import BANKS, bundled_banks
from seedbed.cli.options import complete_bank, complete_file
from seedbed.errors import InputError, TargetError, one_line
from seedbed.write.staging import check_file, write_file
from seedbed.write.targets import output_path, refusals, shown

__all__ = ["init"]

STARTER = Path(__file__).parents[1] / "starter"
SCHEMA = "seedbed.schema.json"
EXAMPLE = "my_bank"


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_file)
@click.option(
    "--from", "source", metavar="NAME", shell_complete=complete_bank, help="Start from this bundled bank instead."
)
def init(file: str, source: str | None) -> None:
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
    write_file(target, (_starter(target) if source is None else _copy(source, target)).encode())
    if not known:
        write_file(schema, schema_text)
    name = shown(file)
    click.echo(f"wrote   {name}")
    click.echo(f"schema  {shown(Path(file).with_name(SCHEMA))}, for editors that know YAML")
    command_word = f"./{name}" if name.startswith("-") else name
    click.echo(f"next    seedbed plan {shlex.quote(command_word)}")


def _starter(target: Path) -> str:
    """The starter's text, named after the file."""
    return (STARTER / "bank.yaml").read_text(encoding="utf-8").replace(EXAMPLE, _instance(target) or EXAMPLE)


def _copy(source: str, target: Path) -> str:
    """The text of a bundled bank, named after the file, with the line that names the schema."""
    if source not in bundled_banks():
        raise InputError(f"from: {one_line(source)} is none of the bundled banks: {', '.join(bundled_banks())}")
    text = (BANKS / f"{source}.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^instance: .*$", f"instance: {_instance(target) or source}", text, count=1)
    head = (STARTER / "bank.yaml").read_text(encoding="utf-8").partition("\n")[0]
    return text if text.startswith(head) else f"{head}\n{text}"


def _instance(target: Path) -> str | None:
    """The name of the file as that of a bank; None where it is none."""
    from seedbed.bank.grammar import ScalarError, parse_instance  # noqa: PLC0415 - only where a file is written

    try:
        return parse_instance(re.sub(r"[^a-z0-9]+", "_", target.stem.lower()).rstrip("_"))
    except ScalarError:
        return None


def _is_schema(path: Path) -> bool:
    """Whether a file is an earlier version's schema, which may be replaced."""
    return b'"title": "A bank for Seedbed"' in path.read_bytes()[:200]
