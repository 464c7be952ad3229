"""The amount that a planted transfer requests from each of its rails, so that its legs add up to the expected net."""

from collections.abc import Sequence

from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import Cents, RailIndex

__all__ = ["asked_amounts"]


def asked_amounts(
    node: Node, cents: Cents, about: RailPlan | None = None, closing_legs: int | None = None
) -> dict[RailIndex, Cents]:
    """The requested amount of each rail, by its index, unsigned: `cents`, or for a closing leg what closes the rest.

    So many closing legs share that; by default as many as close a lawful transfer.

    A derived leg follows from the given ones. If `about` names a derived leg, its amount is requested of every
    derived leg, and the given legs share the sum.
    """
    sides = node.one_legs
    derived = () if node.closes else node.derived
    asked = {rail.index: cents for rail in node.rails}
    if node.fixed is not None:
        asked |= _shared(sides.given, node.fixed)
    if derived:
        given = cents * len(sides.given)
        if about in derived:
            given = max(cents * len(derived) + sides.sign * node.expected_net, len(sides.given))
        follows = max(given - sides.sign * node.expected_net, len(derived))
        asked |= _shared(sides.given, given) | _shared(derived, follows)
    if node.closes:
        net = sum(asked[rail.index] * rail.legs[0].sign for rail in (*sides.given, *sides.opposite))
        share = abs(node.expected_net - net) // max(node.closing_legs if closing_legs is None else closing_legs, 1)
        asked |= {rail.index: share for rail in node.closers}
    return asked


def _shared(rails: Sequence[RailPlan], total: Cents) -> dict[RailIndex, Cents]:
    """A total in equal shares; the last share takes the remainder."""
    share, rest = divmod(total, len(rails))
    return {rail.index: share + (rail is rails[-1]) * rest for rail in rails}
