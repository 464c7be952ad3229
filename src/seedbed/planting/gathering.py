"""Fan-in children of plants: the parents that wait for one get it once their plant is made, with others beside them.

Parents of one plant share children, so they are counted when all of them are known.
"""

from collections.abc import Sequence
from dataclasses import replace

from seedbed.planting.planter import Planter, Waiting
from seedbed.planting.requests import TransferRequest
from seedbed.planting.reservations import NothingLeftError
from seedbed.units import NodeIndex

__all__ = ["gather"]


def gather(planter: Planter, plant: str) -> None:
    """Makes the fan-in children for which transfers of a plant wait, with as many more parents as each needs.

    These come with their own parents and children, for which others may have to wait in turn. Raises
    UnplantableError if that takes too many transfers.
    """
    while waiting := [one for one in planter.waiting if one.parent.plant == plant]:
        link, member = waiting[0].link, waiting[0].member
        together = [one for one in waiting if one.link is link]
        short = -len(together) % link.least_parents if link.expected_parents else max(2 - len(together), 0)
        if short:
            last = together[-1]
            planter.waiting.append(replace(last, parent=planter.sibling(last.parent, link)))
            continue
        planter.waiting = [one for one in planter.waiting if one.parent.plant != plant or one.link is not link]
        size = link.expected_parents or len(together)
        ordered = sorted(together, key=lambda one: one.parent.last_second)
        for first in range(0, len(ordered), size):
            _shared_child(planter, ordered[first : first + size], member)


def _shared_child(planter: Planter, waiting: Sequence[Waiting], member: NodeIndex) -> None:
    """The child that these parents share, with its own Required children; none if a cap leaves nothing for it."""
    link, parents = waiting[0].link, [one.parent for one in waiting]
    (last, total), *others = [(parent, planter.passed_on(parent, link)) for parent in reversed(parents)]
    accounts = (*waiting[-1].prefer, *(int(column[0]) for column in last.fired.accounts()))
    request = TransferRequest(
        plant=last.plant,
        day=max(parent.day for parent in parents),
        cents=total,
        prefer=accounts,
        parent=last,
        total=total,
        others=tuple(others),
    )
    try:
        child = planter.transfer(planter.reservations.setup.program.nodes[member], request)
    except NothingLeftError:
        return
    planter.required_children(child, accounts)
