"""Groups pairs of keys and items by key."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

__all__ = ["grouped"]

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


def grouped(pairs: Iterable[tuple[Key | None, Item]]) -> Mapping[Key, tuple[Item, ...]]:
    """The items of each key, in order. Items without a key are left out."""
    found: dict[Key, list[Item]] = defaultdict(list)
    for key, item in pairs:
        if key is not None:
            found[key].append(item)
    return {key: tuple(items) for key, items in found.items()}
