"""The possible flows of money in a bank: where rails post, which node follows which, which rail sweeps which.

A *node* makes transfers: a rail on its own, a template with its leg rails, or an aggregating rail. `links.py` gives
the nodes and links. This module adds the accounts: which nodes can fire, in which order, how often and when.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from seedbed import money
from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.graph import in_order
from seedbed.bank.grouping import grouped
from seedbed.bank.kinds import RailKind, rail_kind, role_kind
from seedbed.bank.links import DeclaredLink, DeclaredNode, Links
from seedbed.bank.model import Account, AccountTemplate, Bank, LimitSchedule, OneLegRail, Rail, TwoLegRail
from seedbed.bank.patterns import PLANT_ACCOUNTS, account_patterns, default_account_counts

__all__ = ["DeclaredLeg", "Flows"]

DAY_SECONDS = 86_400
CHAIN_DELAY_SECONDS = 900  # The longest time from the last leg of a chain parent to its child.
TICKS = 24.0  # Most ticks of one cadence in a day.
TICK_DELAY_SECONDS = 1_800  # The longest time from the latest posting that a day's last tick bundles to that tick.


@dataclass(frozen=True)
class DeclaredLeg:
    """One leg: `sign` -1 is a Debit, +1 a Credit, 0 either (Variable)."""

    key: str
    sign: int
    roles: frozenset[str]


def legs_of(rail: Rail) -> tuple[DeclaredLeg, ...]:
    """A rail's legs, the source before the destination."""
    if isinstance(rail, OneLegRail):
        sign = {"Debit": -1, "Credit": +1, "Variable": 0}[rail.leg_direction]
        return (DeclaredLeg("leg_role", sign, frozenset(rail.leg_roles)),)
    assert isinstance(rail, TwoLegRail)
    source, destination = frozenset(rail.source_roles), frozenset(rail.destination_roles)
    return DeclaredLeg("source_role", -1, source), DeclaredLeg("destination_role", +1, destination)


class Flows:
    """The flows of a valid bank, for given numbers of baseline accounts per template role."""

    def __init__(self, bank: Bank, counts: Mapping[str, int] | None = None) -> None:
        self.bank = bank
        self.declared = Declared(bank)
        self.links = Links(bank, self.declared)
        self.nodes, self.nodes_of = self.links.nodes, self.links.nodes_of
        self.counts = default_account_counts(bank) | dict(counts or {})
        self.holders: tuple[Account | AccountTemplate, ...] = (*bank.accounts, *bank.account_templates)
        self.legs = {rail.name: legs_of(rail) for rail in bank.rails}

    @cached_property
    def accounts(self) -> Mapping[str, int]:
        """The number of baseline accounts of every role, without declared accounts that are plant accounts."""
        patterns = account_patterns(self.bank)
        plants = {
            account_id
            for role, (pattern, _) in patterns.items()
            for account_id in render_account_pattern(pattern, role, range(1, PLANT_ACCOUNTS + 1))
        }
        found: dict[str, int] = defaultdict(int, self.counts)
        for account in self.bank.accounts:
            if account.role is not None and account.id not in plants:
                found[account.role] += 1
        return found

    @cached_property
    def under(self) -> Mapping[str, frozenset[str]]:
        """The roles directly under each parent role, including external roles."""
        found: dict[str, set[str]] = defaultdict(set)
        for element in self.holders:
            if element.parent_role is not None and element.role is not None:
                found[element.parent_role].add(element.role)
        return {role: frozenset(below) for role, below in found.items()}

    @cached_property
    def holders_of(self) -> Mapping[str, tuple[Account | AccountTemplate, ...]]:
        """The accounts and templates that have a role."""
        return grouped((holder.role, holder) for holder in self.holders)

    @cached_property
    def internal_under(self) -> Mapping[str, tuple[Account | AccountTemplate, ...]]:
        """The internal accounts and templates directly under each parent role. The parent's balance is their sum."""
        return grouped((holder.parent_role, holder) for holder in self.holders if holder.scope == "internal")

    @cached_property
    def rails_of_type(self) -> Mapping[str, tuple[Rail, ...]]:
        """The rails of each transfer type."""
        return grouped((rail.transfer_type, rail) for rail in self.bank.rails)

    @cached_property
    def limits_on_type(self) -> Mapping[str, tuple[LimitSchedule, ...]]:
        """The limits on each transfer type."""
        return grouped((limit.transfer_type, limit) for limit in self.bank.limit_schedules)

    @cached_property
    def rails_on(self) -> Mapping[str, tuple[tuple[Rail, DeclaredLeg], ...]]:
        """Every leg that can post on a role."""
        legs = ((rail, leg) for rail in self.bank.rails for leg in self.legs[rail.name])
        return grouped((role, (rail, leg)) for rail, leg in legs for role in leg.roles)

    def sides_exist(self, rail: Rail) -> bool:
        """Whether every leg has a baseline account, and two legs have two different accounts."""
        pools = [sum(self.accounts.get(role, 0) for role in leg.roles) for leg in self.legs[rail.name]]
        together = sum(self.accounts.get(role, 0) for role in dict.fromkeys(role for _, role in rail_roles(rail)))
        return min(pools) > 0 and together >= len(pools)

    def caps_on(self, rail: Rail) -> list[LimitSchedule]:
        """The limits that cap a rail's Debits."""
        debited = {role for leg in self.legs[rail.name] if leg.sign <= 0 for role in leg.roles}
        limits = self.limits_on_type.get(rail.transfer_type, ())
        return [limit for limit in limits if debited & self.under.get(limit.parent_role, frozenset())]

    @cached_property
    def links_of(self) -> Mapping[int, tuple[DeclaredLink, ...]]:
        """The links of each chain, by the chain's index, including links that never fire."""
        return grouped((link.chain, link) for link in self.links.every)

    @property
    def parents(self) -> Mapping[int, tuple[DeclaredLink, ...]]:
        """The links that make a node fire."""
        return self.links.into

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The nodes in an order in which chain parents precede children and sweeps follow the nodes that they bundle.

        Sweeps in a circle cannot all follow; then some precede. Nodes that could come in any order are sorted by
        name.
        """
        swept = ((self.nodes_of[name][0].index, node.index) for name, of in self.bundles.items() for _, node in of)
        return in_order(
            [node.name for node in self.nodes], ((link.child, link.parent) for link in self.links.firing), swept
        )

    @cached_property
    def bundles(self) -> Mapping[str, tuple[tuple[Rail, DeclaredNode], ...]]:
        """The rails, each within a node, that an aggregating rail bundles, by the name of that rail."""
        return grouped(
            (name, (rail, node)) for node in self.nodes for rail in node.rails for name in self.bundlers(rail, node)
        )

    def bundlers(self, rail: Rail, node: DeclaredNode) -> tuple[str, ...]:
        """The aggregating rails that bundle a rail within a node and have accounts to post on, in order of name."""
        names = self.declared.bundlers(rail, node.template)
        return tuple(name for name in names if self.sides_exist(self.declared.rails[name]))

    @cached_property
    def posting(self) -> tuple[frozenset[str], ...]:
        """Per node the rails that can post when it fires.

        The one-leg rails of a template post together or not at all. The Variable leg closes the transfer; if it
        cannot post, nothing posts.
        """
        return tuple(frozenset(self._posting(node)) for node in self.nodes)

    def _posting(self, node: DeclaredNode) -> set[str]:
        able = {rail.name for rail in node.rails if self.sides_exist(rail)}
        one_leg = [rail for rail in node.rails if isinstance(rail, OneLegRail)]
        closing = {rail.name for rail in one_leg if rail.leg_direction == "Variable"}
        together = {rail.name for rail in one_leg} - closing
        if not together <= able:
            able -= together
        return able if closing <= able and able - closing else set()

    def net_range(self, node: DeclaredNode, posting: Collection[str]) -> tuple[int | None, int | None]:
        """The least and greatest net, in cents, of a template's transfers with these legs. None means no bound.

        Every one-leg rail posts at least a cent, the Variable leg at least zero. Debits stay within their caps.
        """
        least: int | None = 0
        greatest: int | None = 0
        for rail in node.rails:
            if not isinstance(rail, OneLegRail) or rail.name not in posting:
                continue
            caps = [limit.cap_cents for limit in self.caps_on(rail)]
            if rail.leg_direction in ("Debit", "Variable"):
                least = least - max(caps) if least is not None and caps and self._all_capped(rail) else None
                greatest = greatest - 1 if greatest is not None and rail.leg_direction == "Debit" else greatest
            if rail.leg_direction in ("Credit", "Variable"):
                greatest = None
                least = least + 1 if least is not None and rail.leg_direction == "Credit" else least
        return least, greatest

    def _all_capped(self, rail: Rail) -> bool:
        """Whether every account that a rail debits is under a cap."""
        capped = {role for limit in self.caps_on(rail) for role in self.under[limit.parent_role]}
        debited = {role for leg in self.legs[rail.name] if leg.sign <= 0 for role in leg.roles}
        return debited <= capped

    def is_shut_out(self, node: DeclaredNode) -> bool:
        """Whether caps keep a template's Debits too small for its expected net, so that it can never post."""
        posting = self.posting[node.index]
        debits = any(leg.sign <= 0 for name in posting for leg in self.legs[name] if leg.key == "leg_role")
        least, _ = self.net_range(node, posting)
        wanted = node.template.expected_net_cents if node.template is not None else 0
        return node.template is not None and debits and least is not None and wanted < least

    @cached_property
    def consequences(self) -> Mapping[int, set[int]]:
        """The chain children of each node and the aggregating rails that bundle it."""
        edges: dict[int, set[int]] = defaultdict(set)
        for link in self.links.firing:
            edges[link.parent].add(link.child)
        for name, bundled in self.bundles.items():
            for _, node in bundled:
                edges[node.index].add(self.nodes_of[name][0].index)
        return edges

    def is_silenced(self, node: DeclaredNode) -> bool:
        """Whether the file sets the volume of a node that fires by itself to zero."""
        override = self.bank.baseline.rails.get(node.driver.name)
        by_itself = not node.aggregates and not self.parents.get(node.index)
        return by_itself and override is not None and override.seed_volume_multiplier == 0

    @cached_property
    def moving_nothing(self) -> frozenset[int]:
        """The sweeps that always move 0.00. They bundle only Variable legs with nothing to close, or such sweeps."""
        moving: set[int] = set()
        waiting = [node.index for node in self.nodes if not node.aggregates]
        while waiting:
            index = waiting.pop()
            for name, bundled in self.bundles.items():
                sweep = self.nodes_of[name][0].index
                carried = (rail for rail, node in bundled if node.index == index)
                if sweep not in moving and any(self._has_amount(rail, self.nodes[index]) for rail in carried):
                    moving.add(sweep)
                    waiting.append(sweep)
        return frozenset(node.index for node in self.nodes if node.aggregates) - moving

    def _has_amount(self, rail: Rail, node: DeclaredNode) -> bool:
        """Whether the legs of a rail within a node can have an amount other than 0.00."""
        posting = self.posting[node.index]
        closes = isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"
        others = any(
            isinstance(part, OneLegRail) and part is not rail and part.name in posting for part in node.rails
        )
        off = node.template is not None and node.template.expected_net_cents != 0
        return rail.name in posting and (not closes or others or off)

    @cached_property
    def firing(self) -> frozenset[int]:
        """The nodes that can fire. They have accounts to post on and, if needed, a parent or legs to bundle."""
        return self.firing_without()

    def firing_without(self, *out: int) -> frozenset[int]:
        """The nodes that can fire before the nodes `out` have fired."""
        found: set[int] = set()
        waiting = [node.index for node in self.nodes if node.index not in out]
        while waiting:
            node = self.nodes[waiting.pop()]
            if node.index not in found and node.index not in out and self._can_fire(node, found):
                found.add(node.index)
                waiting.extend(self.consequences.get(node.index, ()))
        return frozenset(found)

    def _can_fire(self, node: DeclaredNode, found: set[int]) -> bool:
        """Whether a node can fire, given the nodes found so far."""
        if not self.posting[node.index] or self.is_silenced(node) or self.is_shut_out(node):
            return False
        if node.aggregates:
            bundled = self.bundles.get(node.name, ())
            return any(other.index in found and rail.name in self.posting[other.index] for rail, other in bundled)
        links = self.parents.get(node.index)
        return not links or any(self.link_fires(link, found) for link in links)

    def link_fires(self, link: DeclaredLink, found: set[int] | frozenset[int]) -> bool:
        """Whether the parent of a link fires with an amount other than 0.00, given the nodes that fire."""
        posts = link.parent_rail is None or link.parent_rail in self.posting[link.parent]
        return link.parent in found and posts and link.parent not in self.moving_nothing

    def rail_fires(self, rail: Rail) -> bool:
        """Whether a rail can post anywhere."""
        nodes = self.nodes_of[rail.name]
        return any(node.index in self.firing and rail.name in self.posting[node.index] for node in nodes)

    def kind(self, rail: Rail) -> RailKind:
        """The kind of a rail, which decides its volume, amounts and hours."""

        def customer(sign: int) -> bool:
            roles = {role for leg in self.legs[rail.name] if leg.sign == sign for role in leg.roles}
            return bool(roles & self._customer_roles)

        family = rail.cadence.family if rail.aggregating and rail.cadence else None
        return rail_kind(rail.transfer_type, family, customer(-1), customer(+1))

    @cached_property
    def _customer_roles(self) -> frozenset[str]:
        parents = {element.parent_role for element in self.holders if element.scope == "internal"}
        return frozenset(
            element.role
            for element in self.holders
            if element.role and role_kind(element.role, element.scope).name == "customer_dda"
            if element.role not in parents
        )

    @cached_property
    def daily(self) -> Mapping[int, tuple[float, float]]:
        """Per node an upper bound on the expected transfers and cents of a business day.

        A chain child moves the amounts of all its parents. A sweep moves the amounts that it bundles. In a circle of
        sweeps only nodes that precede in `order` count.
        """
        found: dict[int, tuple[float, float]] = {}
        for index in self.order:
            node = self.nodes[index]
            if node.aggregates:
                sources = {other.index for _, other in self.bundles.get(node.name, ())}
            else:
                sources = {link.parent for link in self.parents.get(index, ())}
            if not sources and not node.aggregates:
                found[index] = self._daily_by_itself(node)
                continue
            parts = [found[source] for source in sorted(sources) if source in found]
            transfers, cents = sum(part[0] for part in parts), sum(part[1] for part in parts)
            found[index] = (min(transfers, TICKS) if node.aggregates else transfers, cents)
        return found

    def _daily_by_itself(self, node: DeclaredNode) -> tuple[float, float]:
        """The daily transfers of a node that fires by itself, and their cents, from the mean amounts of its rails."""
        driver = self.kind(node.driver)
        override = self.bank.baseline.rails.get(node.driver.name)
        transfers = float(driver.daily_firings)
        if override is not None and override.seed_volume_multiplier is not None:
            transfers *= float(override.seed_volume_multiplier)
        if driver.scale != "system":
            named = {role for rail in node.rails for leg in self.legs[rail.name] for role in leg.roles}
            units = {role: count for role, count in self.counts.items() if role in named} or self.counts
            transfers *= sum(units.values())
        cents = 0.0
        for rail in node.rails:
            kind, own = self.kind(rail), self.bank.baseline.rails.get(rail.name)
            dollars, sigma = kind.mu.exp(), kind.sigma
            if own is not None and own.seed_amount is not None:
                dollars, sigma = money.to_decimal(own.seed_amount.median_cents), own.seed_amount.sigma
            cents += float(money.CENTS_PER_DOLLAR * dollars * (sigma * sigma / 2).exp())
        return transfers, transfers * cents

    @cached_property
    def posting_seconds(self) -> Mapping[int, tuple[int, int]]:
        """The earliest and the latest second of the day at which each node may post."""
        found = {}
        for node in self.nodes:
            kinds = [self.kind(rail) for rail in node.rails]
            start = min(kind.band_start for kind in kinds)
            end = max(kind.band_end for kind in kinds) + (TICK_DELAY_SECONDS if node.aggregates else 0)
            found[node.index] = (DAY_SECONDS, 0) if self.parents.get(node.index) else (start, end)
        waiting = [node.index for node in self.nodes]
        while waiting:
            index = waiting.pop()
            start, end = found[index]
            for after in self.consequences.get(index, ()):
                known = found[after]
                if self.nodes[after].aggregates:
                    changed = (known[0], max(known[1], min(DAY_SECONDS, end + TICK_DELAY_SECONDS)))
                else:
                    changed = (min(known[0], start), max(known[1], min(DAY_SECONDS, end + CHAIN_DELAY_SECONDS)))
                if changed != known:
                    found[after] = changed
                    waiting.append(after)
        return found
