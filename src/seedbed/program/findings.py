"""The structural findings that take rates and unit accounts to know, and not the declarations alone."""

from collections.abc import Callable, Iterator

from seedbed.bank.model import Bank
from seedbed.bank.text import Remark, quote
from seedbed.program.bounds import CHAINS_MULTIPLY, flood_remarks
from seedbed.program.build import build_program

__all__ = ["FAN_IN_WAITS", "PROGRAM_FINDINGS", "fan_in_remarks", "program_remarks"]

FAN_IN_WAITS = "finding-fan-in-waits"

# Business days of the default window of 90 days, at the most.
USUAL_DAYS = 65


def fan_in_remarks(bank: Bank) -> Iterator[Remark]:
    """The finding that a fan-in chain waits for more parents than come together in the usual window."""
    if not any(chain.expected_parent_count for chain in bank.chains):
        return
    program = build_program(bank)
    for index, chain in enumerate(bank.chains):
        size = chain.expected_parent_count
        parents = [
            program.nodes[link.parent]
            for link in program.links
            if link.fan_in and index in link.chains and link.expected_parents == size
        ]
        most = max((node.daily_transfers * USUAL_DAYS / node.units for node in parents), default=None)
        if size is not None and most is not None and most < size:
            yield Remark(
                ("chains", index, "expected_parent_count"),
                FAN_IN_WAITS,
                f"{size} parents share a child, and about {most:.0f} come together in 90 days, counted per unit "
                f"account where {quote(chain.parent)} has one: most parents stay without a child",
            )


PROGRAM_FINDINGS: tuple[tuple[str, Callable[[Bank], Iterator[Remark]]], ...] = (
    (CHAINS_MULTIPLY, flood_remarks),
    (FAN_IN_WAITS, fan_in_remarks),
)


def program_remarks(bank: Bank) -> Iterator[Remark]:
    """Every finding of this module, for the account numbers of the bank file."""
    for _, find in PROGRAM_FINDINGS:
        yield from find(bank)
