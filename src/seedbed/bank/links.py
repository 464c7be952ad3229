"""The chains of a bank as links between nodes: which node follows from which, and which chains never fire.

A bank file declares chains by names. This module turns them into links between nodes. A link that never fires has the
reason. Generator, plants, views, findings and checks all use these links, so none of them asks for something that
cannot happen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from seedbed.bank.declared import Declared
from seedbed.bank.graph import circles, reachable
from seedbed.bank.grouping import grouped
from seedbed.bank.model import Bank, Chain, OneLegRail, Rail, TransferTemplate

__all__ = ["Decision", "DeclaredLink", "DeclaredNode", "End", "Links", "Void", "chain_name"]


@dataclass(frozen=True, kw_only=True)
class DeclaredNode:
    """A declared maker of transfers. The rail `driver` decides how often and when."""

    index: int
    name: str
    rails: tuple[Rail, ...]
    template: TransferTemplate | None
    driver: Rail

    @property
    def aggregates(self) -> bool:
        """Whether this is an aggregating rail."""
        return self.driver.aggregating

    @property
    def only_closes(self) -> bool:
        """Whether this is a template whose Variable leg has no other leg to close."""
        return _is_variable(self.driver)


class Void(Enum):
    """Why a link never fires."""

    ITSELF = "its two ends are the same"
    ONLY_CLOSES = "the child has only a Variable leg, which has nothing to close"
    TWICE = "another chain has the same two ends"
    DECIDED = "an XOR group of the parent decides on this child"
    CIRCLE = "it closes a circle"


@dataclass(frozen=True, kw_only=True)
class DeclaredLink:
    """Chain number `chain` as an edge between nodes.

    `parent_rail` is the declared parent if that is a leg rail, and `child_rail` the same for the child. `void` is the
    reason why the link never fires; None if it fires.
    """

    chain: int
    parent: int
    parent_rail: str | None
    child: int
    child_rail: str | None
    void: Void | None = None

    @property
    def ends(self) -> tuple["End", "End"]:
        """The two ends: the parent's and the child's."""
        return End(self.parent, self.parent_rail), End(self.child, self.child_rail)


@dataclass(frozen=True)
class End:
    """One end of a link: the transfers of a node or, with `rail`, only those in which that leg rail fired."""

    node: int
    rail: str | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision per parent transfer, about one chain without a group or about all chains of an XOR group.

    Its `label` is unique. It is `required` if any of its chains is. If the parent is a leg of several templates,
    there are links from each template.
    """

    label: str
    parent: str
    grouped: bool
    required: bool
    links: tuple[DeclaredLink, ...]


def chain_name(parent: str, child: str) -> str:
    """The name of a chain, made of its two ends. Different ends give different names."""
    return f"{_marked(parent)}>{_marked(child)}"


def _label_of(chain: Chain) -> str:
    """The label of a chain's decision: its parent and its XOR group, else its two ends."""
    if chain.xor_group:
        return f"{_marked(chain.parent)}^{_marked(chain.xor_group)}"
    return chain_name(chain.parent, chain.child)


def _marked(name: str) -> str:
    """A name with a backslash before each sign that separates names in a label."""
    return "".join("\\" + sign if sign in "\\>^" else sign for sign in name)


class Links:
    """The nodes of a valid bank, and the links between them."""

    def __init__(self, bank: Bank, declared: Declared | None = None) -> None:
        self.bank = bank
        self.declared = declared or Declared(bank)

    # ---- nodes --------------------------------------------------------------------------------------------------

    @cached_property
    def nodes(self) -> tuple[DeclaredNode, ...]:
        """The rails that stand on their own, in the file's order, then the templates."""
        found: list[DeclaredNode] = []
        for rail in self.bank.rails:
            if rail.name not in self.declared.templates_of:
                found.append(
                    DeclaredNode(index=len(found), name=rail.name, rails=(rail,), template=None, driver=rail)
                )
        for template in self.bank.transfer_templates:
            rails = tuple(self.declared.rails[name] for name in template.leg_rails)
            fixed = (rail for rail in rails if not _is_variable(rail))
            found.append(
                DeclaredNode(
                    index=len(found), name=template.name, rails=rails, template=template, driver=next(fixed, rails[0])
                )
            )
        return tuple(found)

    @cached_property
    def nodes_of(self) -> Mapping[str, tuple[DeclaredNode, ...]]:
        """The nodes that hold a rail or have a template's name, by name."""
        return grouped(
            (name, node)
            for node in self.nodes
            for name in dict.fromkeys([node.name, *(rail.name for rail in node.rails)])
        )

    # ---- links --------------------------------------------------------------------------------------------------

    @cached_property
    def every(self) -> tuple[DeclaredLink, ...]:
        """The links of all chains in the file's order, including links that never fire.

        If a parent is a leg rail of several templates, each of them has a link. If a child is, the first template by
        name is the child.
        """
        drafts = [link for index in range(len(self.bank.chains)) for link in self._links_of_chain(index)]
        drafts = self._decided_once(self._declared_once(drafts))
        return self._without_circles(drafts)

    @cached_property
    def firing(self) -> tuple[DeclaredLink, ...]:
        """The links that fire, in the file's order."""
        return tuple(link for link in self.every if link.void is None)

    @cached_property
    def into(self) -> Mapping[int, tuple[DeclaredLink, ...]]:
        """The links that fire, by the node that is their child."""
        return grouped((link.child, link) for link in self.firing)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions about links that fire, in the order of their first chains.

        If a chain is declared twice and either declaration is Required, the decision is Required.
        """
        chains = self.bank.chains
        asking = {link.ends for link in self.every if link.void in (None, Void.TWICE) and chains[link.chain].required}
        links = grouped((_label_of(chains[link.chain]), link) for link in self.firing)
        return tuple(
            Decision(
                label=label,
                parent=chain.parent,
                grouped=chain.xor_group is not None,
                required=any(link.ends in asking for link in found),
                links=found,
            )
            for label, found in links.items()
            for chain in (chains[found[0].chain],)
        )

    def follows(self, name: str) -> bool:
        """Whether a rail can fire as a chain child only: on its own, or in each of its templates."""
        return all(node.index in self.into for node in self.nodes_of[name])

    def _links_of_chain(self, index: int) -> Iterable[DeclaredLink]:
        chain = self.bank.chains[index]
        child = min(self.nodes_of[chain.child], key=lambda node: node.name)
        child_rail = chain.child if child.name != chain.child else None
        for node in self.nodes_of[chain.parent]:
            rail = chain.parent if node.name != chain.parent else None
            void = Void.ONLY_CLOSES if child.only_closes else None
            void = Void.ITSELF if node is child else void
            yield DeclaredLink(
                chain=index, parent=node.index, parent_rail=rail, child=child.index, child_rail=child_rail, void=void
            )

    def _declared_once(self, links: list[DeclaredLink]) -> list[DeclaredLink]:
        """Voids all but one of the chains with the same ends. The first group by name wins, else the first chain."""
        best: dict[tuple[End, End], tuple[str, int]] = {}
        for link in links:
            if link.void is None:
                best[link.ends] = min(best.get(link.ends, self._rank(link)), self._rank(link))
        return [
            replace(link, void=Void.TWICE) if link.void is None and best[link.ends] != self._rank(link) else link
            for link in links
        ]

    def _rank(self, link: DeclaredLink) -> tuple[str, int]:
        group = self.bank.chains[link.chain].xor_group
        return ("0" + group if group else "1", link.chain)

    def _decided_once(self, links: list[DeclaredLink]) -> list[DeclaredLink]:
        """Voids links to members of an XOR group of the same parent, because only the group decides about them.

        If two groups have the same member, the first group by name counts.
        """
        deciding: dict[tuple[int, int], str] = {}
        for link in links:
            group, pair = self.bank.chains[link.chain].xor_group, (link.parent, link.child)
            if link.void is None and group is not None:
                deciding[pair] = min(deciding.get(pair, group), group)
        return [
            replace(link, void=Void.DECIDED) if link.void is None and self._is_decided(link, deciding) else link
            for link in links
        ]

    def _is_decided(self, link: DeclaredLink, deciding: Mapping[tuple[int, int], str]) -> bool:
        group = deciding.get((link.parent, link.child))
        return group is not None and group != self.bank.chains[link.chain].xor_group

    def _without_circles(self, links: list[DeclaredLink]) -> tuple[DeclaredLink, ...]:
        """Voids links that close a circle. Links are tried in the order of the names of their ends."""
        every = grouped((link.parent, link.child) for link in links if link.void is None)
        if next(circles(every), None) is None:
            return tuple(links)
        edges: dict[int, list[int]] = defaultdict(list)
        closing: set[DeclaredLink] = set()
        for link in sorted((link for link in links if link.void is None), key=self._names):
            if link.parent in reachable(edges, [link.child]):
                closing.add(link)
            else:
                edges[link.parent].append(link.child)
        return tuple(replace(link, void=Void.CIRCLE) if link in closing else link for link in links)

    def _names(self, link: DeclaredLink) -> tuple[str, str, int]:
        return self.nodes[link.parent].name, self.nodes[link.child].name, link.chain


def _is_variable(rail: Rail) -> bool:
    return isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"
