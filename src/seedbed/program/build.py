"""Compiles the program of a dataset: nodes, the links between them, the sweeps, and their order.

Nodes, links, sweeps and order come from `bank/flows.py`, which structural findings use too. This module adds rates,
kinds and samplers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from seedbed.bank.flows import Flows
from seedbed.bank.grouping import grouped
from seedbed.bank.links import Decision
from seedbed.bank.model import Bank, TransferTemplate
from seedbed.draw.address import KeySpace
from seedbed.program.accounts import Universe, build_universe
from seedbed.program.rails import RailPlan, build_rails
from seedbed.units import Cents, NodeIndex, RailIndex, RailPosition, SecondOfDay

__all__ = ["ChainLink", "Node", "OneLegs", "Program", "build_program"]

REQUIRED_RATE = Decimal("0.95")
OPTIONAL_RATE = Decimal("0.50")
# The longest time from the other legs to the closing leg.
CLOSING_SPREAD_SECONDS = 60


@dataclass(frozen=True)
class OneLegs:
    """The one-leg rails of a node: `given` are on the side of the first, with this `sign`; `opposite` the rest."""

    given: tuple[RailPlan, ...]
    opposite: tuple[RailPlan, ...]
    sign: int


@dataclass(frozen=True, kw_only=True)
class Node:
    """A maker of transfers: each transfer has the firings of `rails` (leg rails in the order of the template).

    `driver` sets rate and hours. `collects`: the firings of one unit account and day share a transfer. `primary`: it
    fires by itself. `block_count`: how many blocks fire it. `after_ticks`: it also fires as a consequence of a sweep.
    `daily_transfers` is the expected number of transfers per business day.
    """

    index: NodeIndex
    name: str
    rails: tuple[RailPlan, ...]
    template: TransferTemplate | None
    driver: RailPlan
    collects: bool
    primary: bool
    block_count: int
    after_ticks: bool
    daily_transfers: Decimal

    @property
    def aggregates(self) -> bool:
        """Whether this is an aggregating rail."""
        return self.driver.cadence is not None

    @cached_property
    def closing(self) -> RailPlan | None:
        """The Variable leg rail of the template, if it has one."""
        return next((rail for rail in self.rails if rail.variable), None)

    @cached_property
    def one_legs(self) -> OneLegs:
        """The one-leg rails without the closing one."""
        rails = [rail for rail in self.rails if not rail.two_leg and not rail.variable]
        sign = rails[0].legs[0].sign if rails else 0
        return OneLegs(
            tuple(rail for rail in rails if rail.legs[0].sign == sign),
            tuple(rail for rail in rails if rail.legs[0].sign != sign),
            sign,
        )

    @property
    def derived(self) -> tuple[RailPlan, ...]:
        """The one-leg rails whose amounts follow from the other legs' (see `baseline/amounts.py`)."""
        if self.closing is not None:
            return (self.closing,)
        return () if self.template is None else self.one_legs.opposite

    @cached_property
    def bands(self) -> tuple[bool, Mapping[RailIndex, tuple[SecondOfDay, SecondOfDay]]]:
        """Whether the rails fire together, and the hours of each: their start and end.

        One-leg rails of a template fire together, in the hours that all its rails share, with room for the closing
        leg, which has no hours of its own.
        """
        rails = [rail for rail in self.rails if not rail.variable]
        if len(self.rails) > 1 and any(not rail.two_leg for rail in self.rails):
            start = max(rail.kind.band_start for rail in self.rails)
            end = min(rail.kind.band_end for rail in self.rails) - (CLOSING_SPREAD_SECONDS + 1 if self.closing else 0)
            if end > start:
                return True, {rail.index: (start, end) for rail in rails}
        return False, {rail.index: (rail.kind.band_start, rail.kind.band_end) for rail in rails}

    @property
    def expected_net(self) -> Cents:
        """The required sum of the one-leg rails of a transfer; 0 without a template."""
        return 0 if self.template is None else self.template.expected_net_cents

    @property
    def fixed(self) -> Cents | None:
        """The required sum of the given rails if they alone make the net; else None."""
        if self.template is None or self.closing is not None or self.one_legs.opposite:
            return None
        total = self.one_legs.sign * self.expected_net
        return total if self.one_legs.given and total >= len(self.one_legs.given) else None

    @property
    def nets(self) -> bool:
        """Whether transfers can have the expected net. If not, they fire anyway, and there is a finding."""
        if self.template is None or self.closing is not None or self.one_legs.opposite:
            return True
        return self.fixed is not None if self.one_legs.given else not self.expected_net


@dataclass(frozen=True, kw_only=True)
class ChainLink:
    """One independent decision per parent transfer: none or one of `members` fires.

    If a leg rail is the declared parent, `parent_rail` is its position among the rails of the parent node, else None.
    `rates` are the probabilities of the members once they are picked. A chain without `xor_group` has one member.
    `able` has the positions of the members that can post in the baseline; only these are picked. If none can, it has
    all.
    """

    name: str
    parent: NodeIndex
    parent_rail: RailPosition | None
    members: tuple[NodeIndex, ...]
    rates: tuple[Decimal, ...]
    required: bool
    able: tuple[int, ...]

    def probability(self, position: int) -> Decimal:
        """The probability that a parent transfer fires this member."""
        return self.rates[position] / len(self.able) if position in self.able else Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled bank.

    `order` lists the nodes: chain parents precede their children, and aggregating rails follow the nodes that they
    bundle, as far as the bank allows that. `bundlers` maps (rail index, node index) to the nodes of the aggregating
    rails that bundle such legs, by name. `posting` has per node the indices of the rails that can post there in the
    baseline.
    """

    bank: Bank
    universe: Universe
    keys: KeySpace
    rails: tuple[RailPlan, ...]
    nodes: tuple[Node, ...]
    links: tuple[ChainLink, ...]
    decisions: tuple[Decision, ...]
    order: tuple[NodeIndex, ...]
    bundlers: Mapping[tuple[RailIndex, NodeIndex], tuple[NodeIndex, ...]]
    posting: tuple[frozenset[RailIndex], ...]

    def links_from(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links whose parent is this node, in the file's order."""
        return self._from.get(node.index, ())

    def links_into(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links of which this node is a child, in the file's order."""
        return self._into.get(node.index, ())

    @cached_property
    def place(self) -> Mapping[NodeIndex, int]:
        """The index of each node in `order`."""
        return {index: place for place, index in enumerate(self.order)}

    @cached_property
    def _from(self) -> Mapping[NodeIndex, tuple[ChainLink, ...]]:
        return grouped((link.parent, link) for link in self.links)

    @cached_property
    def _into(self) -> Mapping[NodeIndex, tuple[ChainLink, ...]]:
        return grouped((member, link) for link in self.links for member in dict.fromkeys(link.members))


@dataclass(frozen=True)
class _Draft:
    """A node before the chains are known."""

    name: str
    rails: tuple[RailPlan, ...]
    template: TransferTemplate | None
    driver: RailPlan


def _drafts(flows: Flows, rails: tuple[RailPlan, ...]) -> tuple[_Draft, ...]:
    by_name = {rail.name: rail for rail in rails}
    return tuple(
        _Draft(node.name, tuple(by_name[rail.name] for rail in node.rails), node.template, by_name[node.driver.name])
        for node in flows.nodes
    )


@dataclass(frozen=True, kw_only=True)
class _ChainEdge:
    """One declared chain between two nodes. `able` tells whether its child can post in the baseline."""

    parent: NodeIndex
    parent_rail: RailPosition | None
    child: NodeIndex
    required: bool
    label: str
    able: bool


def _chain_edges(flows: Flows) -> list[_ChainEdge]:
    """The declared chains that fire, as edges between nodes.

    Two leg rails of one template are the same child. Chains to both become one edge, required if either is.
    """
    edges: dict[tuple[NodeIndex, RailPosition | None, NodeIndex, str], _ChainEdge] = {}
    decided = {link: decision for decision in flows.links.decisions for link in decision.links}
    for link in flows.links.firing:
        chain = flows.bank.chains[link.chain]
        legs = [rail.name for rail in flows.nodes[link.parent].rails]
        position = None if link.parent_rail is None else legs.index(link.parent_rail)
        parent, child = NodeIndex(link.parent), NodeIndex(link.child)
        key = parent, position, child, chain.xor_group or ""
        same = edges.get(key)
        label, required = decided[link].label, decided[link].required
        required = required or (same is not None and same.required)
        posting = flows.posting[link.child]
        able = bool(posting) if link.child_rail is None else link.child_rail in posting
        able = able or (same is not None and same.able)
        edges[key] = _ChainEdge(
            parent=parent,
            parent_rail=position,
            child=child,
            required=required,
            label=same.label if same else label,
            able=able,
        )
    return list(edges.values())


def _links(
    edges: Sequence[_ChainEdge], drafts: tuple[_Draft, ...], transfers: Mapping[NodeIndex, Decimal]
) -> list[ChainLink]:
    """Edges of one parent and XOR group become one link. An edge without a group becomes a link alone."""
    grouped: dict[tuple[NodeIndex, RailPosition | None, str], list[_ChainEdge]] = {}
    for edge in edges:
        grouped.setdefault((edge.parent, edge.parent_rail, edge.label), []).append(edge)
    links = []
    for (parent, position, label), members in grouped.items():
        required = any(edge.required for edge in members)
        rates = tuple(_rate(drafts[edge.child], required, transfers[parent]) for edge in members)
        children = tuple(edge.child for edge in members)
        able = tuple(index for index, edge in enumerate(members) if edge.able) or tuple(range(len(members)))
        links.append(
            ChainLink(
                name=label,
                parent=parent,
                parent_rail=position,
                members=children,
                rates=rates,
                required=required,
                able=able,
            )
        )
    return links


def _rate(child: _Draft, required: bool, parent_transfers: Decimal) -> Decimal:
    """The completion rate: 95% or 50%. An optional ACH return keeps the volume of its own kind."""
    if required:
        return REQUIRED_RATE
    driver = child.driver
    if driver.kind.name == "ach_return" and parent_transfers:
        return min(Decimal(1), driver.daily * driver.units / parent_transfers)
    return OPTIONAL_RATE


def _collects(draft: _Draft) -> bool:
    return draft.template is not None and any(rail.two_leg for rail in draft.rails)


def _own_transfers(draft: _Draft) -> Decimal:
    """Expected transfers per business day of a node that fires by itself."""
    driver = draft.driver
    if driver.cadence is not None:
        family, number = driver.cadence.family, driver.cadence.number
        ticks = {
            "intraday": Decimal(-(-8 // max(number, 1))),
            "daily-eod": Decimal(1),
            "daily-bod": Decimal(1),
        }
        return ticks.get(family, Decimal("0.2") if family == "weekly" else Decimal(1) / 21)
    per_unit = 1 - (-driver.daily).exp() if _collects(draft) else driver.daily
    return driver.units * per_unit


def _bundlers(flows: Flows, drafts: tuple[_Draft, ...]) -> dict[tuple[RailIndex, NodeIndex], tuple[NodeIndex, ...]]:
    index_of = {draft.name: NodeIndex(index) for index, draft in enumerate(drafts)}
    return {
        (compiled.index, NodeIndex(node.index)): tuple(index_of[name] for name in names)
        for node in flows.nodes
        for rail, compiled in zip(node.rails, drafts[node.index].rails, strict=True)
        if (names := flows.bundlers(rail, node))
    }


def _transfers_as_child(
    into: Sequence[ChainLink], index: NodeIndex, transfers: Mapping[NodeIndex, Decimal]
) -> Decimal:
    """Transfers per business day of a node that only fires as a child. `into` are the links to it."""
    members = ((link, place) for link in into for place, member in enumerate(link.members) if member == index)
    each = (transfers[link.parent] * link.probability(place) for link, place in members)
    return sum(each, Decimal(0))


def _node(index: NodeIndex, draft: _Draft, parents: Sequence[Node], daily_transfers: Decimal) -> Node:
    """A node, made after its chain parents."""
    driver = draft.driver
    primary = not parents and driver.cadence is None
    own_blocks = max([1, *(c.slices for c in driver.unit_classes)]) if primary else 0
    return Node(
        index=index,
        name=draft.name,
        rails=draft.rails,
        template=draft.template,
        driver=driver,
        collects=_collects(draft),
        primary=primary,
        block_count=max([own_blocks, *(parent.block_count for parent in parents)]),
        after_ticks=driver.cadence is not None or any(parent.after_ticks for parent in parents),
        daily_transfers=daily_transfers,
    )


def build_program(bank: Bank, accounts: Mapping[str, int] | None = None, seed: int = 42) -> Program:
    """Compiles a bank for given account counts and base seed. Raises InputError for impossible counts."""
    universe = build_universe(bank, accounts)
    rails = build_rails(bank, universe)
    flows = Flows(bank, {c.role: c.count for c in universe.classes if c.template})
    drafts = _drafts(flows, rails)
    edges: dict[NodeIndex, list[_ChainEdge]] = defaultdict(list)
    parents: dict[NodeIndex, set[NodeIndex]] = defaultdict(set)
    for edge in _chain_edges(flows):
        edges[edge.parent].append(edge)
        parents[edge.child].add(edge.parent)
    nodes: dict[NodeIndex, Node] = {}
    transfers: dict[NodeIndex, Decimal] = {}
    links: list[ChainLink] = []
    into: dict[NodeIndex, list[ChainLink]] = defaultdict(list)
    order = tuple(NodeIndex(index) for index in flows.order)
    for index in order:
        draft = drafts[index]
        own = not parents[index] or draft.driver.cadence is not None
        transfers[index] = _own_transfers(draft) if own else _transfers_as_child(into[index], index, transfers)
        for link in _links(edges[index], drafts, transfers):
            links.append(link)
            for member in dict.fromkeys(link.members):
                into[member].append(link)
        nodes[index] = _node(index, draft, [nodes[parent] for parent in parents[index]], transfers[index])
    return Program(
        bank=bank,
        universe=universe,
        keys=KeySpace(bank.instance, seed),
        rails=rails,
        nodes=tuple(nodes[index] for index in sorted(nodes)),
        links=tuple(links),
        decisions=flows.links.decisions,
        order=order,
        bundlers=_bundlers(flows, drafts),
        posting=tuple(
            frozenset(compiled.index for compiled in draft.rails if compiled.name in names)
            for draft, names in zip(drafts, flows.posting, strict=True)
        ),
    )
