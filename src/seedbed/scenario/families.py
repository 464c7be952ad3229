"""How many transfers a planted one needs with its chains: its parents, and their and its own Required children.

Where parents share children, a parent needs others beside it, and these their own parents and children. Then what the
planter would make is counted, in its order.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property

from seedbed.program.nodes import ChainLink, Node, Program
from seedbed.units import NodeIndex

__all__ = ["MOST_IN_FAMILY", "Families"]

# The most transfers of one plant. Only chains that multiply, or whose parents share children, need more.
MOST_IN_FAMILY = 50

ParentLink = Callable[[Node], ChainLink | None]
MemberOf = Callable[[ChainLink], NodeIndex | None]


class Families:
    """The sizes of families in a program; `parent_link` and `member_of` say which parent and child a plant makes."""

    def __init__(self, program: Program, parent_link: ParentLink, member_of: MemberOf) -> None:
        self.program = program
        self.parent_link = parent_link
        self.member_of = member_of
        self._sizes: dict[tuple[NodeIndex, bool], int] = {}

    @cached_property
    def gather(self) -> bool:
        """Whether parents share children anywhere in the bank."""
        return any(link.fan_in for link in self.program.links)

    def size(self, node: Node, children: bool = True) -> int:
        """The number of transfers that a planted transfer of a node needs, with its Required children or without.

        If parents share children, more than a plant may need are not counted: it is then one more.
        """
        key = node.index, children
        if key not in self._sizes:
            self._sizes[key] = self._gathered(node, children) if self.gather else self._plain(node, children)
        return self._sizes[key]

    def _plain(self, node: Node, children: bool) -> int:
        size = self._descendants[node.index] if children else 1
        link = None if node.primary else self.parent_link(node)
        while link is not None:
            parent = self.program.nodes[link.parent]
            member = self.member_of(link) if link.required else None
            # The parent's other children come along, too.
            size += self._descendants[parent.index] - (0 if member is None else self._descendants[member])
            link = None if parent.primary else self.parent_link(parent)
        return size

    @cached_property
    def _descendants(self) -> Mapping[NodeIndex, int]:
        """Per node one transfer of it with all Required children, theirs too."""
        found: dict[NodeIndex, int] = {}
        for index in reversed(self.program.order):
            links = (link for link in self.program.links_from(self.program.nodes[index]) if link.required)
            members = (self.member_of(link) for link in links)
            found[index] = 1 + sum(found[member] for member in members if member is not None)
        return found

    def _gathered(self, node: Node, children: bool) -> int:
        family = _Gathering(self)
        try:
            family.add(node, children=children)
            family.gather()
        except _TooManyError:
            return MOST_IN_FAMILY + 1
        return family.size


class _TooManyError(Exception):
    """More transfers than are counted."""


class _Gathering:
    """The transfers counted so far, and how many parents wait for the child of each link."""

    def __init__(self, families: Families) -> None:
        self.families = families
        self.program = families.program
        self.size = 0
        self.waiting: Counter[int] = Counter()

    def add(self, node: Node, skip: ChainLink | None = None, children: bool = True) -> None:
        """A transfer with its parents and Required children, without the child of the link `skip`."""
        self._count()
        link = None if node.primary else self.families.parent_link(node)
        if link is not None:
            for _ in range(link.least_parents if link.fan_in else 1):
                self.add(self.program.nodes[link.parent], link)
        if children:
            self._below(node, skip)

    def gather(self) -> None:
        """The children for which parents wait, and the parents that they lack."""
        while self.waiting:
            place, count = self.waiting.popitem()
            link = self.program.links[place]
            member = self.families.member_of(link)
            assert member is not None, "only what can be planted is waited for"
            short = -count % link.least_parents if link.expected_parents else max(2 - count, 0)
            for _ in range(short):
                self.add(self.program.nodes[link.parent], link)
            for _ in range((count + short) // link.expected_parents if link.expected_parents else 1):
                self._count()
                self._below(self.program.nodes[member])

    def _count(self) -> None:
        self.size += 1
        if self.size > MOST_IN_FAMILY:
            raise _TooManyError

    def _below(self, node: Node, skip: ChainLink | None = None) -> None:
        for link in self.program.links_from(node):
            member = self.families.member_of(link)
            if not link.required or link is skip or member is None:
                continue
            if link.fan_in:
                self.waiting[self.program.links.index(link)] += 1
            else:
                self._count()
                self._below(self.program.nodes[member])
