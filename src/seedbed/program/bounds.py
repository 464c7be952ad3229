"""Computes how far chains multiply the firings of a bank, and rejects a bank that exceeds the limits.

Accounts and days add up, but layers of chains multiply. In a bank of forty rails one firing can cause a million.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from seedbed.bank.model import Bank
from seedbed.bank.text import Remark, quote
from seedbed.program.build import build_program
from seedbed.program.nodes import Program
from seedbed.program.window import Window
from seedbed.units import NodeIndex

__all__ = ["CHAINS_MULTIPLY", "ChainLoad", "chain_load", "flood_remarks", "too_many"]

# The finding's id. It is not among those of `bank`, because it needs rates and blocks.
CHAINS_MULTIPLY = "finding-chains-multiply"

# The most chain firings that follow from one firing. More are allowed if a block stays below the second figure per
# business day. Measured, a block of 90 days then has at most 2.5 million rows, a gigabyte. The numbers of accounts
# and days do not matter.
MOST_OF_ONE, MOST_A_DAY = 100, 20_000


@dataclass(frozen=True)
class ChainLoad:
    """The expected chain firings: `of_one` for one transfer of `root`, `a_day` per business day in one block.

    `root` is the node that fires by itself and causes the most.
    """

    root: str
    of_one: Decimal
    a_day: Decimal

    @property
    def is_too_much(self) -> bool:
        """Whether both limits are exceeded."""
        return self.of_one > MOST_OF_ONE and self.a_day > MOST_A_DAY


def chain_load(program: Program) -> ChainLoad:
    """The chain firings to which chains multiply the firings of a bank."""
    below: dict[NodeIndex, Decimal] = {}
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
    """The reason, with figures, why the chains of a bank multiply too far; None if they do not."""
    load, days = chain_load(program), int(window.days.size)
    if not load.is_too_much or not days:
        return None
    in_all = load.a_day * program.universe.blocks * days
    return (
        f"the chains make too many firings: {load.of_one:,.0f} follow from one of '{load.root[:80]}', "
        f"{in_all:,.0f} in all ({load.a_day:,.0f} a business day in a block). Where more than {MOST_OF_ONE} follow "
        f"from one, at most {MOST_A_DAY:,} a day are made: remove chains, or lower seed_volume_multiplier or accounts"
    )


def flood_remarks(bank: Bank) -> Iterator[Remark]:
    """The structural finding that chains multiply too far with the account numbers of the bank file."""
    load = chain_load(build_program(bank))
    if load.is_too_much:
        yield Remark(
            ("chains",),
            CHAINS_MULTIPLY,
            f"`data apply` refuses this bank: {load.of_one:,.0f} firings follow from one of {quote(load.root)}, "
            f"{load.a_day:,.0f} a business day in a block; where more than {MOST_OF_ONE} follow from one, at most "
            f"{MOST_A_DAY:,} a day are made",
        )
