"""Compiles the program of a dataset from its bank: nodes with their rates, links, sweeps, and their order.

Nodes, links, sweeps and order come from `bank/flows.py`, which structural findings use too. This module adds rates,
kinds and samplers.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seedbed.bank.flows import Flows
from seedbed.bank.links import DeclaredNode, Patience
from seedbed.bank.model import Bank, TransferTemplate
from seedbed.bank.timing import Delay
from seedbed.draw.address import KeySpace
from seedbed.program.accounts import build_universe
from seedbed.program.fan_in import daily_children
from seedbed.program.leg_groups import able_members, groups_of, member_shares
from seedbed.program.nodes import EVERY, ChainLink, Node, Program
from seedbed.program.rails import RailPlan, build_rails
from seedbed.program.schedule import Counted, Monthly, Schedule
from seedbed.units import NodeIndex, RailIndex, RailPosition

__all__ = ["build_program"]

REQUIRED_RATE = Decimal("0.95")
OPTIONAL_RATE = Decimal("0.50")


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
    posting: frozenset[str],
) -> list[ChainLink]:
    """Entries of one parent and XOR group become one link; an entry without a group is a link of its own.

    `shares` are the member shares of the parent, and `posting` its rails that can post.
    """
    grouped: dict[tuple[NodeIndex, RailPosition | None, str], list[_ChainEdge]] = {}
    for entry in edges:
        grouped.setdefault((entry.parent, entry.parent_rail, entry.label), []).append(entry)
    links = []
    for (parent, position, label), members in grouped.items():
        required = any(entry.required for entry in members)
        rail = None if position is None else drafts[parent].rails[position]
        share = EVERY if rail is None else shares.get(rail.index, EVERY) if rail.name in posting else Decimal(0)
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


def _posting(flows: Flows, drafts: tuple[_Draft, ...]) -> tuple[frozenset[RailIndex], ...]:
    """The rails of each node that can post."""
    return tuple(
        frozenset(compiled.index for compiled in draft.rails if compiled.name in names)
        for draft, names in zip(drafts, flows.posting, strict=True)
    )


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
        for link in _links(bank, edges[index], drafts, transfers, shares, flows.posting[index]):
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
        posting=_posting(flows, drafts),
    )
