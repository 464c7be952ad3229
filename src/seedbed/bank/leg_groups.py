"""Leg XOR groups: of each group of Variable leg rails exactly one fires in every transfer of a template."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from seedbed.bank.grammar import MAX_NAME
from seedbed.bank.model import OneLegRail, Rail, TransferTemplate

__all__ = ["group_label", "group_of", "is_variable", "lone_variables"]

DIGEST_BYTES = 8


def is_variable(rail: Rail | None) -> bool:
    """Whether the rail has one leg, whose amount and direction close a transfer."""
    return isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"


def group_of(template: TransferTemplate | None, rail: str) -> int | None:
    """The number of the XOR group in which a leg rail of this name is; None without a group."""
    groups = () if template is None else template.leg_rail_xor_groups
    return next((number for number, members in enumerate(groups) if rail in members), None)


def lone_variables(template: TransferTemplate | None, rails: Iterable[Rail]) -> Iterator[Rail]:
    """The Variable rails, among these leg rails of a template, that are in no XOR group."""
    return (rail for rail in rails if is_variable(rail) and group_of(template, rail.name) is None)


def group_label(members: Iterable[str]) -> str:
    """The name of a group: its members with strokes between them, cut to the length of a name.

    Different groups have different labels: a backslash precedes a stroke in a name, and a digest ends a cut label.
    """
    text = " | ".join(name.replace("\\", "\\\\").replace("|", "\\|") for name in members)
    if len(text) <= MAX_NAME:
        return text
    digest = blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{text[: MAX_NAME - 2 * DIGEST_BYTES - 1]}…{digest}"
