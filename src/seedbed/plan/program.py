"""The program: what fires, what it makes fire, what sweeps it, and in which order. Compiled once per dataset.

A *node* is whatever makes transfers: a rail on its own, a template with its leg rails, or an aggregating rail. Chain
links lead from node to node; a chain end that is a leg rail stands for the templates that hold it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from seedbed.bank.declared import selector_texts
from seedbed.bank.model import Bank, TransferTemplate
from seedbed.draw.address import KeySpace
from seedbed.plan.accounts import Universe, build_universe
from seedbed.plan.rails import RailPlan, build_rails

__all__ = ["ChainLink", "Node", "Program", "build_program", "can_post"]

REQUIRED_RATE = Decimal("0.95")
OPTIONAL_RATE = Decimal("0.50")


@dataclass(frozen=True)
class Node:
    """Something that makes transfers, from the firings of `rails` (leg rails in the template's order).

    `driver` sets rate and hours; `collects`: the firings of one unit account and day share a transfer. `primary`:
    fires by itself. `block_count`: how many blocks fire it; `after_ticks`: also fires as a consequence of a sweep.
    `daily_transfers` is the expected number of transfers per business day.
    """

    index: int
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

    @property
    def closing(self) -> RailPlan | None:
        """The Variable leg rail of the template, if it has one."""
        return next((rail for rail in self.rails if rail.variable), None)

    @property
    def derived(self) -> tuple[RailPlan, ...]:
        """The one-leg rails whose amounts follow from the other legs' (see `baseline/amounts.py`)."""
        if self.closing is not None:
            return (self.closing,)
        one_leg = [rail for rail in self.rails if not rail.two_leg and self.template is not None]
        return tuple(rail for rail in one_leg if rail.legs[0].sign != one_leg[0].legs[0].sign)


@dataclass(frozen=True)
class ChainLink:
    """One independent decision per parent transfer: none or one of `members` fires.

    `parent_rail` is the position among the parent node's rails where a leg rail is the declared parent, else None.
    `rates` are the members' probabilities once picked; a group without `xor_group` has one member.
    """

    name: str
    parent: int
    parent_rail: int | None
    members: tuple[int, ...]
    rates: tuple[Decimal, ...]
    required: bool


@dataclass(frozen=True)
class Program:
    """A compiled bank.

    `order` lists the nodes so that chain parents come before children and an aggregating rail comes after what it
    bundles, wherever the bank allows that; `bundlers` maps (rail index, node index) to the nodes of the aggregating
    rails that bundle such legs, by name.
    """

    bank: Bank
    universe: Universe
    keys: KeySpace
    rails: tuple[RailPlan, ...]
    nodes: tuple[Node, ...]
    links: tuple[ChainLink, ...]
    order: tuple[int, ...]
    bundlers: Mapping[tuple[int, int], tuple[int, ...]]

    def links_from(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links whose parent is this node, in the file's order."""
        return tuple(link for link in self.links if link.parent == node.index)


@dataclass(frozen=True)
class _Draft:
    """A node before the chains are known."""

    name: str
    rails: tuple[RailPlan, ...]
    template: TransferTemplate | None


def _drafts(bank: Bank, rails: tuple[RailPlan, ...]) -> tuple[_Draft, ...]:
    by_name = {rail.name: rail for rail in rails}
    leg_rails = {name for template in bank.transfer_templates for name in template.leg_rails}
    alone = tuple(_Draft(rail.name, (rail,), None) for rail in rails if rail.name not in leg_rails)
    templates = tuple(
        _Draft(template.name, tuple(by_name[name] for name in template.leg_rails), template)
        for template in bank.transfer_templates
    )
    return alone + templates


def _ends(drafts: tuple[_Draft, ...], name: str) -> list[tuple[int, int | None]]:
    """The nodes that a chain end means, with the position of the leg rail where the end is one."""
    exact = [(index, None) for index, draft in enumerate(drafts) if draft.name == name]
    if exact:
        return list(exact)
    return [
        (index, position)
        for index, draft in enumerate(drafts)
        for position, rail in enumerate(draft.rails)
        if rail.name == name
    ]


@dataclass(frozen=True)
class _Entry:
    """One chain declaration between two nodes."""

    parent: int
    parent_rail: int | None
    child: int
    required: bool
    label: str


def _entries(bank: Bank, drafts: tuple[_Draft, ...]) -> list[_Entry]:
    """Chain declarations as edges between nodes, without those that would close a circle of nodes.

    Two leg rails of one template are the same child: their declarations become one, required if either is.
    """
    entries: dict[tuple[int, int | None, int, str], _Entry] = {}
    reaches: dict[int, set[int]] = {index: {index} for index in range(len(drafts))}
    for chain in bank.chains:
        children = _ends(drafts, chain.child)
        for parent, position in _ends(drafts, chain.parent):
            child = children[0][0]
            if parent in reaches[child]:
                continue  # A structural finding: the child would be its own cause.
            label = f"{chain.parent}^{chain.xor_group}" if chain.xor_group else f"{chain.parent}>{chain.child}"
            group = chain.xor_group or ""
            same = entries.get((parent, position, child, group))
            required = chain.required or (same is not None and same.required)
            entries[parent, position, child, group] = _Entry(
                parent, position, child, required, same.label if same else label
            )
            for above in reaches.values():
                if parent in above:
                    above.update(reaches[child])
    return list(entries.values())


def _links(entries: list[_Entry], drafts: tuple[_Draft, ...], transfers: Mapping[int, Decimal]) -> list[ChainLink]:
    """Entries of one parent and XOR group become one link; an entry without a group is a link of its own."""
    grouped: dict[tuple[int, int | None, str], list[_Entry]] = {}
    for entry in entries:
        grouped.setdefault((entry.parent, entry.parent_rail, entry.label), []).append(entry)
    links = []
    for (parent, position, label), members in grouped.items():
        required = any(entry.required for entry in members)
        rates = tuple(_rate(drafts[entry.child], required, transfers[parent]) for entry in members)
        links.append(ChainLink(label, parent, position, tuple(entry.child for entry in members), rates, required))
    return links


def _rate(child: _Draft, required: bool, parent_transfers: Decimal) -> Decimal:
    """The completion rate: 95% or 50%; an optional ACH return keeps the volume of its own row of the table."""
    if required:
        return REQUIRED_RATE
    driver = _driver(child)
    if driver.kind.name == "ach_return" and parent_transfers:
        return min(Decimal(1), driver.daily * driver.units / parent_transfers)
    return OPTIONAL_RATE


def _driver(draft: _Draft) -> RailPlan:
    return next((rail for rail in draft.rails if not rail.variable), draft.rails[0])


def _collects(draft: _Draft) -> bool:
    return draft.template is not None and any(rail.two_leg for rail in draft.rails)


def _own_transfers(draft: _Draft) -> Decimal:
    """Expected transfers per business day of a node that fires by itself."""
    driver = _driver(draft)
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


def _topological(edges: Mapping[int, set[int]], soft: Mapping[int, set[int]], names: list[str]) -> list[int]:
    """Nodes so that every edge's start comes first, and every soft edge's too unless soft edges form a circle."""
    done: list[int] = []
    left = set(range(len(names)))
    while left:
        free = [node for node in left if not edges[node] & left]
        best = [node for node in free if not soft[node] & left] or free
        chosen = min(best, key=lambda node: names[node])
        done.append(chosen)
        left.remove(chosen)
    return done


def can_post(universe: Universe, rail: RailPlan) -> bool:
    """Whether every leg of a rail finds a baseline account, two different ones where it has two legs."""
    sides = [[c for c in universe.with_role(leg.roles) if c.count] for leg in rail.legs]
    if not all(sides):
        return False
    only = [sum(c.count for c in side) == 1 for side in sides]
    return len(sides) == 1 or not all(only) or sides[0] != sides[1]


def _bundlers(drafts: tuple[_Draft, ...], bank: Bank, universe: Universe) -> dict[tuple[int, int], tuple[int, ...]]:
    able = {draft.name for draft in drafts if can_post(universe, draft.rails[0])}
    selectors = {
        rail.name: set(rail.bundles_activity) for rail in bank.rails if rail.aggregating and rail.name in able
    }
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    for node, draft in enumerate(drafts):
        for rail in draft.rails:
            texts = selector_texts(rail.name, rail.transfer_type, draft.template)
            by = [
                (other.name, index)
                for index, other in enumerate(drafts)
                if other.name != rail.name and texts & selectors.get(other.name, set())
            ]
            if by:
                found[rail.index, node] = tuple(index for _, index in sorted(by))
    return found


def build_program(bank: Bank, accounts: Mapping[str, int] | None = None, seed: int = 42) -> Program:
    """Compiles a bank for given account counts and base seed. Raises InputError for impossible counts."""
    universe = build_universe(bank, accounts)
    rails = build_rails(bank, universe)
    drafts = _drafts(bank, rails)
    entries = _entries(bank, drafts)
    bundlers = _bundlers(drafts, bank, universe)
    parents: dict[int, set[int]] = {index: set() for index in range(len(drafts))}
    for entry in entries:
        parents[entry.child].add(entry.parent)
    bundled: dict[int, set[int]] = {index: set() for index in range(len(drafts))}
    for (_, node), by in bundlers.items():
        for bundler in by:
            bundled[bundler].add(node)
    order = _topological(parents, bundled, [draft.name for draft in drafts])

    nodes: dict[int, Node] = {}
    transfers: dict[int, Decimal] = {}
    links: list[ChainLink] = []
    for index in order:
        draft, driver = drafts[index], _driver(drafts[index])
        primary = not parents[index] and driver.cadence is None
        into = [(link, position) for link in links for position, m in enumerate(link.members) if m == index]
        if primary or driver.cadence is not None:
            transfers[index] = _own_transfers(draft)
        else:
            transfers[index] = sum(
                (transfers[link.parent] / len(link.members) * link.rates[position] for link, position in into),
                Decimal(0),
            )
        links += _links([entry for entry in entries if entry.parent == index], drafts, transfers)
        own_blocks = max([1, *(c.slices for c in driver.unit_classes)]) if primary else 0
        nodes[index] = Node(
            index=index,
            name=draft.name,
            rails=draft.rails,
            template=draft.template,
            driver=driver,
            collects=_collects(draft),
            primary=primary,
            block_count=max([own_blocks, *(nodes[parent].block_count for parent in parents[index])]),
            after_ticks=driver.cadence is not None or any(nodes[parent].after_ticks for parent in parents[index]),
            daily_transfers=transfers[index],
        )
    return Program(
        bank=bank,
        universe=universe,
        keys=KeySpace(bank.instance, seed),
        rails=rails,
        nodes=tuple(nodes[index] for index in range(len(drafts))),
        links=tuple(links),
        order=tuple(order),
        bundlers=bundlers,
    )
