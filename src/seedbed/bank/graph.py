"""Walks over directed graphs of names, without recursion so that a long chain cannot exhaust the stack."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

__all__ = ["circles", "reachable"]

Name = TypeVar("Name", bound=Hashable)


def reachable(edges: Mapping[Name, Iterable[Name]], starts: Iterable[Name]) -> set[Name]:
    """The starts and every node that edges lead to from them."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        for node in edges.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def circles(edges: Mapping[Name, Iterable[Name]]) -> Iterator[list[Name]]:
    """Circles of a directed graph, each node at most in one of them; none is found only where there is none.

    A depth-first walk without recursion: `path` is the way from a start to where the walk stands.
    """
    finished: set[Name] = set()
    for start in edges:
        path: dict[Name, Iterator[Name]] = {}
        step: Name | None = start if start not in finished else None
        while step is not None or path:
            if step is not None:
                path[step] = iter(edges.get(step, ()))
            here = next(reversed(path))
            step = next((node for node in path[here] if node not in finished), None)
            if step is None:
                finished.add(here)
                del path[here]
            elif step in path:
                names = list(path)
                cycle = names[names.index(step) :]
                yield cycle
                finished.update(cycle)
                for node in cycle:
                    del path[node]
                step = None
