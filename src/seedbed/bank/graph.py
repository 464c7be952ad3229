"""Walks over directed graphs. They do not recurse, because a long chain would exhaust the stack."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import TypeVar

__all__ = ["circles", "in_order", "reachable"]

Name = TypeVar("Name", bound=Hashable)


def reachable(edges: Mapping[Name, Iterable[Name]], starts: Iterable[Name]) -> set[Name]:
    """The starts and every node that can be reached from them."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        for node in edges.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def circles(edges: Mapping[Name, Iterable[Name]]) -> Iterator[list[Name]]:
    """Some circles of a directed graph, at least one if there is any. Each node is in at most one of them.

    A depth-first walk without recursion. `path` is the way from a start to the current node.
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


def in_order(
    names: Sequence[str], after: Iterable[tuple[int, int]], rather_after: Iterable[tuple[int, int]] = ()
) -> tuple[int, ...]:
    """The indices of the names in an order in which, for each pair in `after`, the first follows the second.

    The same holds for each pair in `rather_after`, unless that would make a circle. If several may come next, the
    first by name does; those that `rather_after` allows have precedence. `after` must have no circle.
    """
    hard, soft = [0] * len(names), [0] * len(names)
    hard_edges: dict[int, set[int]] = defaultdict(set)
    soft_edges: dict[int, set[int]] = defaultdict(set)
    for pairs, edges, waits in ((after, hard_edges, hard), (rather_after, soft_edges, soft)):
        for late, early in pairs:
            if late not in edges[early]:
                edges[early].add(late)
                waits[late] += 1
    free: list[tuple[str, int]] = []
    best: list[tuple[str, int]] = []
    done: dict[int, None] = {}

    def offer(index: int) -> None:
        if not hard[index]:
            heappush(free, (names[index], index))
            if not soft[index]:
                heappush(best, (names[index], index))

    for index in range(len(names)):
        offer(index)
    while free:
        _, chosen = heappop(best or free)
        if chosen in done:
            continue
        done[chosen] = None
        for waits, edges in ((hard, hard_edges), (soft, soft_edges)):
            for index in edges[chosen]:
                waits[index] -= 1
                if not waits[index] and index not in done:
                    offer(index)
    assert len(done) == len(names), "`after` must have no circle"
    return tuple(done)
