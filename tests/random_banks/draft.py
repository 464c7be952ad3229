"""A bank being built: what is there so far, and the choices that are still to be made."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.random_banks import words

__all__ = ["Draft", "Element"]

T = TypeVar("T")
Element = dict[str, Any]


@dataclass
class Draft:
    """A bank being built, and the source of its choices.

    A choice takes its first or smallest value where the source gives zeros. `pairs` are the transfer types and roles
    that are some rail's already. With `groups`, leg rails of templates may exclude each other.
    """

    source: random.Random
    bank: Element
    pairs: set[tuple[str, str]] = field(default_factory=set)
    rails_made: int = 0
    groups: bool = False

    def count(self, least: int, most: int) -> int:
        """A number in this range."""
        return self.source.randint(least, most)

    def often(self, percent: int) -> bool:
        """True in about this share of the draws."""
        return self.source.randint(0, 99) >= 100 - percent

    def pick(self, items: Sequence[T]) -> T:
        """One of these."""
        return items[self.source.randint(0, len(items) - 1)]

    def some(self, items: Sequence[T], least: int = 0, most: int = 3) -> list[T]:
        """Some of these, each once, as many as there are at most."""
        left = list(items)
        wanted = self.count(min(least, len(left)), min(most, len(left)))
        return [left.pop(self.source.randint(0, len(left) - 1)) for _ in range(wanted)]

    @property
    def roles(self) -> list[str]:
        """Every declared role."""
        holders = [*self.bank["accounts"], *self.bank["account_templates"]]
        return list(dict.fromkeys(holder["role"] for holder in holders if "role" in holder))

    def name(self, plain: str, percent: int = 6) -> str:
        """A name: this one, now and then an odd one with it as its end, so that names stay apart."""
        if not self.often(percent):
            return plain
        odd = self.pick(words.ODD_NAMES)
        return f"{odd[: 199 - len(plain)].strip()} {plain}"
