"""XOR groups of compiled leg rails: their members, which of them can post, and how often each fires."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from seedbed.bank.model import TransferTemplate
from seedbed.program.rails import RailPlan
from seedbed.units import RailIndex

__all__ = ["Groups", "able_members", "groups_of", "member_shares"]

Groups = tuple[tuple[RailPlan, ...], ...]


def groups_of(template: TransferTemplate | None, rails: Sequence[RailPlan]) -> Groups:
    """The XOR groups of a template's leg rails."""
    by_name = {rail.name: rail for rail in rails}
    groups = () if template is None else template.leg_rail_xor_groups
    return tuple(tuple(by_name[name] for name in members) for members in groups)


def able_members(groups: Groups, posting: Collection[str]) -> Groups:
    """The members of each group that can post in the baseline; `posting` has the names of the rails that can."""
    return tuple(tuple(rail for rail in members if rail.name in posting) for members in groups)


def member_shares(able: Groups, made: Sequence[tuple[RailIndex | None, Decimal]]) -> dict[RailIndex, Decimal]:
    """The share of a node's transfers in which each able member of its groups fires.

    `made` has what makes the transfers: the member that is asked for, if any, and how many. Otherwise each member is
    equally likely.
    """
    total = sum((count for _, count in made), Decimal(0))
    shares = {}
    for members in able:
        own = [rail.index for rail in members]
        free = sum((count for asked, count in made if asked not in own), Decimal(0)) / max(len(own), 1)
        for rail in own:
            taken = sum((count for asked, count in made if asked == rail), free)
            shares[rail] = taken / total if total else Decimal(1) / len(own)
    return shares
