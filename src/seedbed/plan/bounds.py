"""How much chains multiply: what a bank's firings come to, before anything is made, and when that is too much.

Accounts and days add up; layers of chains multiply. A bank of forty rails can ask for a million firings of one.
"""

from dataclasses import dataclass
from decimal import Decimal

from seedbed.plan.program import Program
from seedbed.plan.window import Window

__all__ = ["ChainLoad", "chain_load", "too_many"]

# A firing may bring so many chain firings along, or as many more as keep a block below the second figure: measured, a
# block of 90 days then has at most some 2.5 million rows, a gigabyte. The sizes of accounts and windows do not count.
MOST_OF_ONE, MOST_A_DAY = 100, 20_000


@dataclass(frozen=True)
class ChainLoad:
    """The chain firings that are expected.

    `of_one` of one transfer of `root`, which fires by itself and brings the most along; `a_day` per business day in
    one block.
    """

    root: str
    of_one: Decimal
    a_day: Decimal


def chain_load(program: Program) -> ChainLoad:
    """What chains multiply a bank's firings to."""
    below: dict[int, Decimal] = {}
    for index in reversed(program.order):
        below[index] = sum(
            (
                link.probability(place) * (1 + below[member])
                for link in program.links_from(program.nodes[index])
                for place, member in enumerate(link.members)
            ),
            Decimal(0),
        )
    roots = [node for node in program.nodes if node.primary or node.aggregates]
    root = max(roots, key=lambda node: below[node.index], default=None)
    children = (node.daily_transfers for node in program.nodes if not node.primary and not node.aggregates)
    a_day = sum(children, Decimal(0)) / program.universe.blocks
    return ChainLoad("", Decimal(0), a_day) if root is None else ChainLoad(root.name, below[root.index], a_day)


def too_many(program: Program, window: Window) -> str | None:
    """Why a bank's chains come to more than is made, with the figures; None where they do not."""
    load, days = chain_load(program), int(window.days.size)
    if load.of_one <= MOST_OF_ONE or load.a_day <= MOST_A_DAY or not days:
        return None
    in_all = load.a_day * program.universe.blocks * days
    return (
        f"the chains make too many firings: {load.of_one:,.0f} follow from one of '{load.root[:80]}', "
        f"{in_all:,.0f} in all ({load.a_day:,.0f} a business day in a block). Where more than {MOST_OF_ONE} follow "
        f"from one, at most {MOST_A_DAY:,} a day are made: remove chains, or lower seed_volume_multiplier or accounts"
    )
