"""`seedbed rule`: explains a rule of bank files by the id at the end of each message."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from seedbed.cli.report import print_json, print_table

if TYPE_CHECKING:
    from seedbed.bank.explanations import Explanation

__all__ = ["rule"]


def _complete(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    from seedbed.bank.explanations import explanations  # noqa: PLC0415 - the texts only where they are shown

    return [CompletionItem(name) for name in explanations() if name.startswith(begun)]


@click.command()
@click.argument("rule_id", metavar="[ID]", required=False, shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def rule(rule_id: str | None, as_json: bool) -> None:
    """Explain a rule of bank files: what is wrong, why it matters, how to fix it, and the smallest example.

    ID is the text in brackets at the end of a message of `seedbed validate`. Without ID, list all rules.
    """
    from dataclasses import asdict  # noqa: PLC0415

    from seedbed.bank.explanations import explanation_of, explanations  # noqa: PLC0415 - only where they are shown

    if rule_id is not None:
        found = explanation_of(rule_id.strip("[]"))
        if as_json:
            print_json(asdict(found))
        else:
            click.echo("\n".join(_lines(found)))
    elif as_json:
        print_json([asdict(found) for found in explanations().values()])
    else:
        print_table(("id", "what is wrong"), [(name, found.wrong) for name, found in explanations().items()])


def _lines(found: "Explanation") -> Iterator[str]:
    kind = "a finding: the bank is still valid" if found.is_finding else "an error: the bank cannot be used"
    yield f"{click.style(found.id, bold=True)}, {kind}"
    yield ""
    for head, text in (("What is wrong", found.wrong), ("Why it matters", found.why), ("How to fix it", found.fix)):
        yield f"{head}: {text}"
    if found.bank:
        yield ""
        yield "The smallest example:"
        yield ""
        yield from (f"    {line}" for line in found.bank.splitlines())
        yield ""
        yield from (f"    {line}" for line in found.said.splitlines())
