"""Rules on fan-in chains, where several parent transfers share one child transfer."""

from collections.abc import Iterator

from seedbed.bank.declared import Declared
from seedbed.bank.text import Path, path_text, quote

__all__ = ["counts_alone", "delayed_fan_ins", "grouped_fan_ins", "mixed_children", "rail_children"]

Found = Iterator[tuple[Path, str]]


def rail_children(declared: Declared) -> Found:
    """Only a template's transfer can hold the legs of several parents."""
    for index, chain in enumerate(declared.bank.chains):
        if chain.fan_in and chain.child in declared.rails and chain.child not in declared.templates:
            message = f"{quote(chain.child)} is a rail; the child of a fan-in chain must be a transfer template"
            yield ("chains", index, "child"), message


def counts_alone(declared: Declared) -> Found:
    """Only the child of a fan-in chain has several parents to be counted."""
    for index, chain in enumerate(declared.bank.chains):
        if chain.expected_parent_count is not None and not chain.fan_in:
            message = "only a fan-in chain has an expected_parent_count; remove it, or add 'fan_in: true'"
            yield ("chains", index, "expected_parent_count"), message


def grouped_fan_ins(declared: Declared) -> Found:
    """One child transfer answers several parents, so it is no choice that a single parent makes."""
    for index, chain in enumerate(declared.bank.chains):
        if chain.fan_in and chain.xor_group is not None:
            message = "a fan-in chain cannot be a member of an XOR group; remove one of the two"
            yield ("chains", index, "xor_group"), message


def delayed_fan_ins(declared: Declared) -> Found:
    """A child of several parents follows the last of them, soon after it."""
    for index, chain in enumerate(declared.bank.chains):
        if chain.fan_in and chain.delay is not None:
            message = "the child of a fan-in chain follows its last parent at once; remove the delay"
            yield ("chains", index, "delay"), message


def mixed_children(declared: Declared) -> Found:
    """A template whose transfers several parents share follows no single parent too, by its name or by a leg."""
    chains = declared.bank.chains
    shared: dict[str, int] = {}
    for index, chain in enumerate(chains):
        if chain.fan_in:
            shared.setdefault(chain.child, index)
    for index, chain in enumerate(chains):
        templates = [t.name for t in declared.templates_of.get(chain.child, ())]
        child = chain.child if chain.child in declared.templates else min(templates, default=chain.child)
        if not chain.fan_in and child in shared:
            other = path_text(("chains", shared[child]))
            message = f"{quote(child)} is the child of a fan-in chain in {other}; it cannot follow single parents too"
            yield ("chains", index, "child"), message
