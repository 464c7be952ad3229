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
from seedbed.bank.leg_groups import group_of, is_variable
from seedbed.bank.model import Bank, Chain, OneLegRail, Rail, TransferTemplate, TypicalFirings
from seedbed.bank.timing import Delay

__all__ = ["Decision", "DeclaredLink", "DeclaredNode", "End", "Links", "Patience", "Void", "chain_name"]


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
    def typical(self) -> TypicalFirings | None:
        """How often it fires in a period, if the file says it: of a template its own figure, else its driver's."""
        whole = self.template.firings_typical_per_period if self.template is not None else None
        return whole or self.driver.firings_typical_per_period

    @property
    def day_of_month(self) -> int | None:
        """The day of the month on which it fires once for each unit account, if the file says it."""
        whole = self.template is not None and self.template.firings_typical_per_period is not None
        return None if whole else self.driver.day_of_month

    @property
    def always(self) -> bool:
        """Whether it fires on closed days too; of a template, all legs but the Variable one have to."""
        rails = [rail for rail in self.rails if not is_variable(rail)]
        return bool(rails) and all(rail.calendar == "always" for rail in rails)

    @property
    def only_closes(self) -> bool:
        """Whether it is a template without any leg that its Variable leg could close."""
        return is_variable(self.driver)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The XOR groups of its leg rails, by their names."""
        return () if self.template is None else self.template.leg_rail_xor_groups

    @property
    def fires_once(self) -> bool:
        """Whether its legs fire once per transfer: one-leg rails of one direction, which make the expected net."""
        directions = {rail.leg_direction if isinstance(rail, OneLegRail) else "" for rail in self.rails}
        if self.template is None or directions not in ({"Debit"}, {"Credit"}):
            return False
        net = self.template.expected_net_cents
        return (net if directions == {"Credit"} else -net) >= len(self.rails)


class Void(Enum):
    """Why a link never fires."""

    ITSELF = "its two ends are one and the same"
    ONLY_CLOSES = "the child has nothing but a Variable leg, and nothing for it to close"
    ONCE = "the child is fan-in, and its legs fire once per transfer, whatever the number of parents"
    TWICE = "the same pair is there twice"
    GATHERED = "another fan-in chain has the same transfers share the same child"
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


@dataclass(frozen=True)
class Patience:
    """How long a parent may lack its child before that is an exception: so many business days, and seconds.

    `rolls`: the child of a parent on a closed day waits for the next business day.
    """

    days: int
    seconds: int
    rolls: bool

    @classmethod
    def longest(cls, delays: Iterable[Delay | None], rolls: bool) -> "Patience":
        """The patience that the longest of these delays asks for; a chain without a delay asks for none."""
        known = [delay for delay in delays if delay is not None]
        return cls(
            max((delay.most for delay in known if delay.days), default=0),
            max((delay.most for delay in known if not delay.days), default=0),
            rolls,
        )

    def __bool__(self) -> bool:
        return bool(self.days or self.seconds or self.rolls)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision per parent transfer, about one chain without a group or about all chains of an XOR group.

    Its `label` is unique. It is `required` if any of its chains is. If the parent is a leg of several templates,
    there are links from each of them. `patience` is how long a parent may lack its child.
    """

    label: str
    parent: str
    grouped: bool
    required: bool
    links: tuple[DeclaredLink, ...]
    patience: Patience


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
            fixed = (rail for rail in rails if not is_variable(rail))
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
        drafts = [link for index in range(len(self.bank.chains)) for link in self._links_of_entry(index)]
        drafts = self._gathered_once(self._decided_once(self._declared_once(drafts)))
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
                patience=Patience.longest(map(self.delay_of, found), any(map(self.rolls, found))),
            )
            for label, found in links.items()
            for chain in (chains[found[0].chain],)
        )

    @cached_property
    def always(self) -> bool:
        """Whether something may fire on closed days."""
        return any(node.always for node in self.nodes)

    def rolls(self, link: DeclaredLink) -> bool:
        """Whether the child of a parent on a closed day waits for the next business day."""
        return self.nodes[link.parent].always and not self.nodes[link.child].always

    def delay_of(self, link: DeclaredLink) -> Delay | None:
        """When the child of a link that fires follows its parent.

        Two leg rails of one template are the same child, which follows as the first of their chains says.
        """
        return self._delays[self._firing_as(link)]

    @cached_property
    def _delays(self) -> Mapping[tuple[int, str | None, int, str, str], Delay | None]:
        found: dict[tuple[int, str | None, int, str, str], Delay | None] = {}
        for link in self.firing:
            found.setdefault(self._firing_as(link), self.bank.chains[link.chain].delay)
        return found

    def _firing_as(self, link: DeclaredLink) -> tuple[int, str | None, int, str, str]:
        """Links of which this is the same fire as one; members of a leg XOR group are different children."""
        group, member = self.bank.chains[link.chain].xor_group, self.asked_member(link)
        return link.parent, link.parent_rail, link.child, group or "", member or ""

    def follows(self, name: str) -> bool:
        """Whether a rail can fire as a chain child only: on its own, or in each of its templates."""
        return all(node.index in self.into for node in self.nodes_of[name])

    def asked_member(self, link: DeclaredLink) -> str | None:
        """The leg rail that the child's transfer must have: a declared child that is in an XOR group of its template.

        Every other leg rail is in each transfer of its template.
        """
        if link.child_rail is None or group_of(self.nodes[link.child].template, link.child_rail) is None:
            return None
        return link.child_rail

    def _links_of_entry(self, index: int) -> Iterable[DeclaredLink]:
        chain = self.bank.chains[index]
        child = min(self.nodes_of[chain.child], key=lambda node: node.name)
        child_rail = chain.child if child.name != chain.child else None
        for node in self.nodes_of[chain.parent]:
            rail = chain.parent if node.name != chain.parent else None
            void = Void.ONLY_CLOSES if child.only_closes else None
            void = Void.ONCE if chain.fan_in and child.fires_once else void
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

    def _gathered_once(self, links: list[DeclaredLink]) -> list[DeclaredLink]:
        """A transfer has a share in one child of a template: by its template's own chain, else by its first leg's."""
        sharing: dict[tuple[int, int], str] = {}
        for link in links:
            if link.void is None and self.bank.chains[link.chain].fan_in:
                pair, rail = (link.parent, link.child), link.parent_rail or ""
                sharing[pair] = min(sharing.get(pair, rail), rail)
        return [
            replace(link, void=Void.GATHERED) if link.void is None and self._has_shared(link, sharing) else link
            for link in links
        ]

    def _has_shared(self, link: DeclaredLink, sharing: Mapping[tuple[int, int], str]) -> bool:
        rail = sharing.get((link.parent, link.child))
        return rail is not None and rail != (link.parent_rail or "")

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
