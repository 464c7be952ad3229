"""Compiles the program of a dataset: nodes, the links between them, the sweeps, and their order.

Nodes, links, sweeps and order come from `bank/flows.py`, which structural findings use too. This module adds rates,
kinds and samplers.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from seedbed.bank.flows import Flows
from seedbed.bank.grammar import Delay
from seedbed.bank.grouping import grouped
from seedbed.bank.links import Decision, DeclaredNode, Patience
from seedbed.bank.model import Bank, TransferTemplate
from seedbed.draw.address import KeySpace
from seedbed.program.accounts import Universe, build_universe
from seedbed.program.fan_in import daily_children
from seedbed.program.leg_groups import able_members, groups_of, member_shares
from seedbed.program.rails import RailCaps, RailPlan, build_rails
from seedbed.program.schedule import Counted, Monthly, Schedule
from seedbed.units import CapIndex, Cents, NodeIndex, RailIndex, RailPosition, SecondOfDay

__all__ = ["ChainLink", "Node", "OneLegs", "Program", "build_program"]

REQUIRED_RATE = Decimal("0.95")
OPTIONAL_RATE = Decimal("0.50")
# The share of all transfers.
EVERY = Decimal(1)
# A closing leg posts within so many seconds after the others.
CLOSING_SPREAD_SECONDS = 60
# A planted firing has so many ordinary ones beside it at the most if the bank file says how often its node fires.
MOST_BESIDE = Decimal(40)


@dataclass(frozen=True)
class OneLegs:
    """The one-leg rails of a node: `given` are on the side of the first, with this `sign`; `opposite` the rest."""

    given: tuple[RailPlan, ...]
    opposite: tuple[RailPlan, ...]
    sign: int


@dataclass(frozen=True, kw_only=True)
class Node:
    """A maker of transfers: each transfer has the firings of `rails` (leg rails in the order of the template).

    Of each of the XOR `groups` of Variable leg rails exactly one fires in a transfer; in the baseline it is one of
    those in the same place of `able`. A member's share in `member_shares` is that of the transfers in which it fires.
    `driver` sets rate and hours. `collects`: the firings of one unit account and day share a transfer. `primary`: it
    fires by itself. `block_count`: how many blocks fire it. `after_ticks`: it also fires as a consequence of a sweep.
    `schedule` is how often, if the bank file says it. `always`: it fires on closed days too. `daily_transfers` is the
    expected number of transfers per business day, and `daily_least` the same if every period has as few as it may.
    `units` is the number of accounts that cause them, each for itself (1 if none does).
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
    schedule: Schedule | None
    always: bool
    daily_transfers: Decimal
    units: int
    daily_least: Decimal
    groups: tuple[tuple[RailPlan, ...], ...] = ()
    able: tuple[tuple[RailPlan, ...], ...] = ()
    member_shares: Mapping[RailIndex, Decimal] = field(default_factory=dict)

    @property
    def aggregates(self) -> bool:
        """Whether this is an aggregating rail."""
        return self.driver.cadence is not None

    @property
    def unit_firings(self) -> Decimal:
        """The firings of one unit account and business day on average; of scheduled ones at most what plants copy."""
        if self.schedule is None:
            return self.driver.daily
        return min(self.schedule.daily(self.driver.units) / self.driver.units, MOST_BESIDE)

    @cached_property
    def closers(self) -> tuple[RailPlan, ...]:
        """The Variable leg rails of the template: those that fire in a transfer close it together."""
        return tuple(rail for rail in self.rails if rail.variable)

    @property
    def closes(self) -> bool:
        """Whether Variable legs close the transfers."""
        return bool(self.closers)

    @cached_property
    def lone_closer(self) -> RailPlan | None:
        """The Variable leg rail that is in no XOR group, and so fires in every transfer."""
        return next((rail for rail in self.closers if self.group_of(rail) is None), None)

    @property
    def closing_legs(self) -> int:
        """How many Variable legs close a transfer: the lone one, and one of each XOR group."""
        return int(self.lone_closer is not None) + len(self.groups)

    def group_of(self, rail: RailPlan) -> int | None:
        """The place among `groups` of the one that a rail is in; None without one."""
        return next((place for place, members in enumerate(self.groups) if rail in members), None)

    @cached_property
    def one_legs(self) -> OneLegs:
        """The one-leg rails without the closing ones."""
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
        if self.closes:
            return self.closers
        return () if self.template is None else self.one_legs.opposite

    @cached_property
    def bands(self) -> tuple[bool, Mapping[RailIndex, tuple[SecondOfDay, SecondOfDay]]]:
        """Whether the rails fire together, and the hours of each: their start and end.

        One-leg rails of a template fire together, in the hours that all its rails share, with room for the closing
        legs, which have no hours of their own.
        """
        rails = [rail for rail in self.rails if not rail.variable]
        if len(self.rails) > 1 and any(not rail.two_leg for rail in self.rails):
            start = max(rail.kind.band_start for rail in self.rails)
            end = min(rail.kind.band_end for rail in self.rails) - (CLOSING_SPREAD_SECONDS + 1 if self.closes else 0)
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
        if self.template is None or self.closes or self.one_legs.opposite:
            return None
        total = self.one_legs.sign * self.expected_net
        return total if self.one_legs.given and total >= len(self.one_legs.given) else None

    @property
    def nets(self) -> bool:
        """Whether transfers can have the expected net. If not, they fire anyway, and there is a finding."""
        if self.template is None or self.closes or self.one_legs.opposite:
            return True
        return self.fixed is not None if self.one_legs.given else not self.expected_net


@dataclass(frozen=True, kw_only=True)
class ChainLink:
    """One independent decision per parent transfer: none or one of `members` fires.

    If a leg rail is the declared parent, `parent_rail` is its position among the rails of the parent node, else None;
    it fires in the `share` of the parent's transfers. Where the declared child of a member is in an XOR group of leg
    rails, the child's transfers have it, by `asked`.
    `rates` are the probabilities of the members once they are picked. A chain without `xor_group` has one member.
    `able` has the positions of the members that can post in the baseline; only these are picked. If none can, it has
    all. `delays` say when each member follows, None for soon; `patience` is how long a parent may lack its child.

    With `fan_in` the parents share transfers of the one member: `expected_parents` each, or those of a business day
    if that is None. Its rate is then that of the child transfers. `chains` are the indices of the declarations.
    """

    name: str
    parent: NodeIndex
    parent_rail: RailPosition | None
    members: tuple[NodeIndex, ...]
    rates: tuple[Decimal, ...]
    required: bool
    able: tuple[int, ...]
    chains: tuple[int, ...]
    asked: tuple[RailIndex | None, ...]
    delays: tuple[Delay | None, ...]
    patience: Patience
    share: Decimal = EVERY
    fan_in: bool = False
    expected_parents: int | None = None

    @property
    def least_parents(self) -> int:
        """The least number of parents with which a fan-in child is complete."""
        return self.expected_parents or 2

    def places(self, member: NodeIndex) -> list[int]:
        """The positions at which a node is a member."""
        return [place for place, one in enumerate(self.members) if one == member]

    def chance(self, position: int) -> Decimal:
        """The probability that a parent, whose declared leg fires, fires this member or has a share in it."""
        return self.rates[position] / len(self.able) if position in self.able else Decimal(0)

    def probability(self, position: int) -> Decimal:
        """The probability that any transfer of the parent fires this member, or has a share in it."""
        return self.share * self.chance(position)


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

    @cached_property
    def always(self) -> bool:
        """Whether some node may fire on closed days."""
        return any(node.always for node in self.nodes)

    def links_from(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links whose parent is this node, in the file's order."""
        return self._from.get(node.index, ())

    def links_into(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links of which this node is a child, in the file's order."""
        return self._into.get(node.index, ())

    def parents_together(self, node: Node) -> int:
        """The least number of parents that share a transfer of a node; 1 if none do."""
        return min((link.least_parents for link in self.links_into(node) if link.fan_in), default=1)

    @cached_property
    def caps(self) -> Mapping[CapIndex, RailCaps]:
        """All caps by their index."""
        return {caps.index: caps for rail in self.rails for caps in rail.caps}

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


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A node before the chains are known."""

    name: str
    rails: tuple[RailPlan, ...]
    template: TransferTemplate | None
    driver: RailPlan
    schedule: Schedule | None
    always: bool


def _drafts(flows: Flows, rails: tuple[RailPlan, ...]) -> tuple[_Draft, ...]:
    by_name = {rail.name: rail for rail in rails}
    return tuple(
        _Draft(
            name=node.name,
            rails=tuple(by_name[rail.name] for rail in node.rails),
            template=node.template,
            driver=by_name[node.driver.name],
            schedule=None if node.aggregates or flows.parents.get(node.index) else _schedule(node),
            always=node.always,
        )
        for node in flows.nodes
    )


def _schedule(node: DeclaredNode) -> Schedule | None:
    if node.typical is not None:
        return Counted(node.typical.period, *node.typical.range)
    return None if node.day_of_month is None else Monthly(node.day_of_month)


@dataclass(frozen=True, kw_only=True)
class _ChainEdge:
    """One chain declaration between two nodes; `able` where its child can post in the baseline.

    `asked` is the declared child if that is a member of an XOR group of leg rails.
    """

    parent: NodeIndex
    parent_rail: RailPosition | None
    child: NodeIndex
    asked: RailIndex | None
    required: bool
    label: str
    able: bool
    chain: int
    delay: Delay | None
    patience: Patience


def _chain_edges(flows: Flows) -> list[_ChainEdge]:
    """The declared chains that fire, as edges between nodes.

    Two leg rails of one template are the same child: their declarations become one, required if either is. Members of
    its XOR groups are children of their own, since no transfer has two members.
    """
    edges: dict[tuple[NodeIndex, RailPosition | None, NodeIndex, RailIndex | None, str], _ChainEdge] = {}
    numbers = {rail.name: RailIndex(index) for index, rail in enumerate(flows.bank.rails)}
    decided = {link: decision for decision in flows.links.decisions for link in decision.links}
    for link in flows.links.firing:
        chain = flows.bank.chains[link.chain]
        legs = [rail.name for rail in flows.nodes[link.parent].rails]
        position = None if link.parent_rail is None else legs.index(link.parent_rail)
        parent, child = NodeIndex(link.parent), NodeIndex(link.child)
        member = flows.links.asked_member(link)
        asked = None if member is None else numbers[member]
        key = parent, position, child, asked, chain.xor_group or ""
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
            asked=asked,
            required=required,
            label=same.label if same else label,
            able=able,
            chain=same.chain if same else link.chain,
            delay=flows.links.delay_of(link),
            patience=same.patience if same else decided[link].patience,
        )
    return list(edges.values())


def _links(
    bank: Bank,
    edges: Sequence[_ChainEdge],
    drafts: tuple[_Draft, ...],
    transfers: Mapping[NodeIndex, Decimal],
    shares: Mapping[RailIndex, Decimal],
) -> list[ChainLink]:
    """Entries of one parent and XOR group become one link; an entry without a group is a link of its own.

    `shares` are the member shares of the parent.
    """
    grouped: dict[tuple[NodeIndex, RailPosition | None, str], list[_ChainEdge]] = {}
    for entry in edges:
        grouped.setdefault((entry.parent, entry.parent_rail, entry.label), []).append(entry)
    links = []
    for (parent, position, label), members in grouped.items():
        required = any(entry.required for entry in members)
        share = EVERY if position is None else shares.get(drafts[parent].rails[position].index, EVERY)
        rates = tuple(_rate(drafts[entry.child], required, transfers[parent] * share) for entry in members)
        declared = bank.chains[members[0].chain]
        if declared.fan_in:
            # What is left over at the end of the window is what the baseline leaves open.
            rates = (Decimal(1) if required else OPTIONAL_RATE,)
        children = tuple(entry.child for entry in members)
        able = tuple(place for place, entry in enumerate(members) if entry.able) or tuple(range(len(members)))
        links.append(
            ChainLink(
                name=label,
                parent=parent,
                parent_rail=position,
                members=children,
                rates=rates,
                required=required,
                able=able,
                chains=tuple(entry.chain for entry in members),
                delays=tuple(entry.delay for entry in members),
                patience=members[0].patience,
                fan_in=declared.fan_in,
                expected_parents=declared.expected_parent_count,
                asked=tuple(entry.asked for entry in members),
                share=share,
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
    """Whether the firings of a unit account and day share a transfer; a template's own figure counts whole ones."""
    template = draft.template
    if template is None or template.firings_typical_per_period is not None:
        return False
    return any(rail.two_leg for rail in draft.rails)


def _own_transfers(draft: _Draft, least: bool = False) -> Decimal:
    """Expected transfers per business day of a node that fires by itself; `least`: of as few firings as may be."""
    driver = draft.driver
    if driver.cadence is not None:
        family, number = driver.cadence.family, driver.cadence.number
        ticks = {
            "intraday": Decimal(-(-8 // max(number, 1))),
            "daily-eod": Decimal(1),
            "daily-bod": Decimal(1),
        }
        return ticks.get(family, Decimal("0.2") if family == "weekly" else Decimal(1) / 21)
    daily = driver.daily
    if draft.schedule is not None:
        firings = draft.schedule.daily_least(driver.units) if least else draft.schedule.daily(driver.units)
        daily = firings / driver.units
    per_unit = 1 - (-daily).exp() if _collects(draft) else daily
    # What fires always has its rate on every day of the week, if the file does not count it by periods.
    days = Decimal(7) / 5 if draft.always and draft.schedule is None else 1
    return driver.units * per_unit * days


def _bundlers(flows: Flows, drafts: tuple[_Draft, ...]) -> dict[tuple[RailIndex, NodeIndex], tuple[NodeIndex, ...]]:
    index_of = {draft.name: NodeIndex(index) for index, draft in enumerate(drafts)}
    return {
        (compiled.index, NodeIndex(node.index)): tuple(index_of[name] for name in names)
        for node in flows.nodes
        for rail, compiled in zip(node.rails, drafts[node.index].rails, strict=True)
        if (names := flows.bundlers(rail, node))
    }


def _transfers_as_child(
    into: Sequence[ChainLink],
    index: NodeIndex,
    transfers: Mapping[NodeIndex, Decimal],
    units: Mapping[NodeIndex, int],
) -> Decimal:
    """Transfers per business day of a node that fires as a child of others only; `into` are the links to it."""
    return sum((expected for _, expected in _made_by(into, index, transfers, units)), Decimal(0))


def _made_by(
    into: Sequence[ChainLink],
    index: NodeIndex,
    transfers: Mapping[NodeIndex, Decimal],
    units: Mapping[NodeIndex, int],
) -> Iterator[tuple[RailIndex | None, Decimal]]:
    """The transfers that each member of these links makes of a node, with the group member that they ask for."""
    for link in into:
        for place, member in enumerate(link.members):
            if member == index:
                yield link.asked[place], _children_of(link, transfers, units) * link.chance(place)


def _children_of(link: ChainLink, transfers: Mapping[NodeIndex, Decimal], units: Mapping[NodeIndex, int]) -> Decimal:
    """The transfers per business day for which the parents of a link suffice."""
    parents = transfers[link.parent] * link.share
    return daily_children(parents, units[link.parent], link.expected_parents) if link.fan_in else parents


def _node(
    index: NodeIndex,
    draft: _Draft,
    parents: Sequence[Node],
    daily: tuple[Decimal, Decimal],
    units: int,
    able: tuple[tuple[RailPlan, ...], ...],
    shares: Mapping[RailIndex, Decimal],
) -> Node:
    """A node, once its chain parents are known; `daily`: its expected transfers a day, and of as few as may be."""
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
        schedule=draft.schedule,
        always=draft.always,
        daily_transfers=daily[0],
        daily_least=daily[1],
        units=units,
        groups=groups_of(draft.template, draft.rails),
        able=able,
        member_shares=shares,
    )


def _units(draft: _Draft, parents: Sequence[int]) -> int:
    """The number of accounts that cause a node's transfers, each for itself: its own units, or its parents'."""
    if draft.driver.cadence is not None:
        return 1
    return max(parents, default=draft.driver.units) or 1


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
    least: dict[NodeIndex, Decimal] = {}
    units: dict[NodeIndex, int] = {}
    links: list[ChainLink] = []
    into: dict[NodeIndex, list[ChainLink]] = defaultdict(list)
    order = tuple(NodeIndex(index) for index in flows.order)
    for index in order:
        draft = drafts[index]
        own = not parents[index] or draft.driver.cadence is not None
        units[index] = _units(draft, [units[parent] for parent in parents[index]])
        for found, few in ((transfers, False), (least, True)):
            found[index] = (
                _own_transfers(draft, few) if own else _transfers_as_child(into[index], index, found, units)
            )
        able = able_members(groups_of(draft.template, draft.rails), flows.posting[index])
        made = [] if own else list(_made_by(into[index], index, transfers, units))
        shares = member_shares(able, made)
        for link in _links(bank, edges[index], drafts, transfers, shares):
            links.append(link)
            for member in dict.fromkeys(link.members):
                into[member].append(link)
        above = [nodes[parent] for parent in parents[index]]
        nodes[index] = _node(index, draft, above, (transfers[index], least[index]), units[index], able, shares)
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
