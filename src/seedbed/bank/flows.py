"""How money can move in a bank: which rail posts where, what follows from what, what sweeps it, at what hours.

A *node* makes transfers: a rail on its own, a template with its leg rails, or an aggregating rail. `links.py` gives
the nodes and links. This module adds the accounts: which nodes can fire, in which order, how often and when.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from seedbed import money
from seedbed.bank.classify import Kinds
from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.graph import in_order
from seedbed.bank.grouping import grouped
from seedbed.bank.kinds import RailKind
from seedbed.bank.links import DeclaredLink, DeclaredNode, Links
from seedbed.bank.model import Account, AccountTemplate, Bank, LimitSchedule, OneLegRail, Rail, TwoLegRail
from seedbed.bank.patterns import PLANT_ACCOUNTS, account_patterns, default_account_counts

__all__ = ["DeclaredLeg", "Flows"]

DAY_SECONDS = 86_400
CHAIN_DELAY_SECONDS = 900  # A chain child posts at most so long after its parent's last leg.
TICKS = 24.0  # A day has no more ticks of one cadence.
TICK_DELAY_SECONDS = 1_800  # A day's last tick comes at most so long after the latest posting that it bundles.


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
    """The flows of a bank that keeps every rule, for given numbers of baseline accounts per template role."""

    def __init__(self, bank: Bank, counts: Mapping[str, int] | None = None) -> None:
        self.bank = bank
        self.declared = Declared(bank)
        self.kinds = Kinds(bank)
        self.links = Links(bank, self.declared)
        self.nodes, self.nodes_of = self.links.nodes, self.links.nodes_of
        self.counts = default_account_counts(bank) | dict(counts or {})
        self.holders: tuple[Account | AccountTemplate, ...] = (*bank.accounts, *bank.account_templates)
        self.legs = {rail.name: legs_of(rail) for rail in bank.rails}

    @cached_property
    def accounts(self) -> Mapping[str, int]:
        """The baseline accounts of every role; a declared account with a plant account's id is none."""
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
        """The roles directly under each parent role, external ones too."""
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
        """The internal accounts and templates directly under each parent role: its balance is their sum."""
        return grouped((holder.parent_role, holder) for holder in self.holders if holder.scope == "internal")

    @cached_property
    def rails_on(self) -> Mapping[str, tuple[tuple[Rail, DeclaredLeg], ...]]:
        """Every leg that can post on a role."""
        legs = ((rail, leg) for rail in self.bank.rails for leg in self.legs[rail.name])
        return grouped((role, (rail, leg)) for rail, leg in legs for role in leg.roles)

    def sides_exist(self, rail: Rail) -> bool:
        """Whether every leg has a baseline account, and a second leg another one than the first."""
        pools = [sum(self.accounts.get(role, 0) for role in leg.roles) for leg in self.legs[rail.name]]
        together = sum(self.accounts.get(role, 0) for role in dict.fromkeys(role for _, role in rail_roles(rail)))
        return min(pools) > 0 and together >= len(pools)

    def caps_on(self, rail: Rail) -> list[LimitSchedule]:
        """The limits that a rail's legs come under, those of its Debits and those of its Credits."""
        return [limit for limit in self.declared.limits_on.get(rail.name, ()) if self.capped_roles(rail, limit)]

    def capped_roles(self, rail: Rail, limit: LimitSchedule) -> frozenset[str]:
        """The roles under a limit's parent on which a rail posts in the limit's direction."""
        return self._moved(rail, limit.sign) & self.under.get(limit.parent_role, frozenset())

    def _moved(self, rail: Rail, sign: int) -> frozenset[str]:
        """The roles that a rail debits (`sign` -1) or credits (+1); a Variable leg does either."""
        legs = self.legs[rail.name]
        return frozenset(role for leg in legs if leg.sign in (sign, 0) for role in leg.roles)

    @cached_property
    def links_of(self) -> Mapping[int, tuple[DeclaredLink, ...]]:
        """The links of each chain, by the chain's index, those that never fire too."""
        return grouped((link.chain, link) for link in self.links.every)

    @property
    def parents(self) -> Mapping[int, tuple[DeclaredLink, ...]]:
        """The links that make a node fire."""
        return self.links.into

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The nodes so that chain parents come before children and sweeps after what they bundle, where that can be.

        What sweeps bundle in a circle gives way; among equals the name decides.
        """
        swept = ((self.nodes_of[name][0].index, node.index) for name, of in self.bundles.items() for _, node in of)
        return in_order(
            [node.name for node in self.nodes], ((link.child, link.parent) for link in self.links.firing), swept
        )

    @cached_property
    def bundles(self) -> Mapping[str, tuple[tuple[Rail, DeclaredNode], ...]]:
        """What each aggregating rail bundles, by its name: rails within nodes."""
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

        The one-leg rails of a template post together or not at all; its Variable leg closes what others posted, and
        nothing posts that it cannot close.
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
        """The least and greatest net in cents of a template's transfers that have these legs; None without a bound.

        Every one-leg rail posts at least a cent, or zero where it is the Variable leg, and stays within its caps.
        """
        least: int | None = 0
        greatest: int | None = 0
        for rail in node.rails:
            if not isinstance(rail, OneLegRail) or rail.name not in posting:
                continue
            if rail.leg_direction in ("Debit", "Variable"):
                most = self._most(rail, -1)
                least = least - most if least is not None and most is not None else None
                greatest = greatest - 1 if greatest is not None and rail.leg_direction == "Debit" else greatest
            if rail.leg_direction in ("Credit", "Variable"):
                most = self._most(rail, +1)
                greatest = greatest + most if greatest is not None and most is not None else None
                least = least + 1 if least is not None and rail.leg_direction == "Credit" else least
        return least, greatest

    def _most(self, rail: Rail, sign: int) -> int | None:
        """The most cents that a rail may move in one direction, in or out; None if an account of it has no cap."""
        lowest: dict[str, int] = {}
        for limit in self.caps_on(rail):
            if limit.sign == sign:
                lowest[limit.parent_role] = min(limit.cap_cents, lowest.get(limit.parent_role, limit.cap_cents))
        capped = {role for parent_role in lowest for role in self.under[parent_role]}
        return max(lowest.values()) if lowest and self._moved(rail, sign) <= capped else None

    def is_shut_out(self, node: DeclaredNode) -> bool:
        """Whether caps leave the legs of a template too little for its expected net, so that none can post."""
        if node.template is None:
            return False
        posting, wanted = self.posting[node.index], node.template.expected_net_cents
        signs = {leg.sign for name in posting for leg in self.legs[name] if leg.key == "leg_role"}
        least, greatest = self.net_range(node, posting)
        short_of_debits = bool(signs & {-1, 0}) and least is not None and wanted < least
        short_of_credits = bool(signs & {+1, 0}) and greatest is not None and wanted > greatest
        return short_of_debits or short_of_credits or self._none_can_follow(node)

    def _none_can_follow(self, node: DeclaredNode) -> bool:
        """Whether caps leave no room for what follows from the least that the given legs of a template can be.

        The given legs are on the side of its first one-leg rail that is not Variable; from them follow the Variable
        leg, or else those of the other side. Each leg is a cent at least. If that is less than the net asks for, the
        first given leg is raised.
        """
        signs = {
            rail.name: self.legs[rail.name][0].sign
            for rail in node.rails
            if isinstance(rail, OneLegRail) and rail.name in self.posting[node.index]
        }
        sign = next((sign for sign in signs.values() if sign), 0)
        given = [name for name in signs if signs[name] == sign]
        closing = [name for name in signs if not signs[name]]
        following = closing or [name for name in signs if signs[name] == -sign]
        if not sign or not following or node.template is None:
            return False
        net = sign * node.template.expected_net_cents
        raised = 0 if closing else max(net + len(following) - len(given), 0)
        first = self._most(self.declared.rails[given[0]], sign)
        rooms = [self._most(self.declared.rails[name], -sign) for name in following]
        if first is not None and first <= raised:
            return True
        return any(room is not None and room + net - raised < len(given) for room in rooms)

    @cached_property
    def consequences(self) -> Mapping[int, set[int]]:
        """From each node to its chain children and to the aggregating rails that bundle it."""
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
        """The sweeps that can bundle nothing but 0.00: Variable legs that have nothing to close, and such sweeps."""
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
        """Whether the legs of a rail within a node can be other than 0.00."""
        posting = self.posting[node.index]
        closes = isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"
        others = any(
            isinstance(part, OneLegRail) and part is not rail and part.name in posting for part in node.rails
        )
        off = node.template is not None and node.template.expected_net_cents != 0
        return rail.name in posting and (not closes or others or off)

    @cached_property
    def firing(self) -> frozenset[int]:
        """The nodes that can fire: accounts to post on exist, and so does what makes them fire."""
        return self.firing_without()

    def firing_without(self, *out: int) -> frozenset[int]:
        """The nodes that can fire before these have fired."""
        found: set[int] = set()
        waiting = [node.index for node in self.nodes if node.index not in out]
        while waiting:
            node = self.nodes[waiting.pop()]
            if node.index not in found and node.index not in out and self._can_fire(node, found):
                found.add(node.index)
                waiting.extend(self.consequences.get(node.index, ()))
        return frozenset(found)

    def _can_fire(self, node: DeclaredNode, found: set[int]) -> bool:
        """Whether a node can fire given those that can."""
        if not self.posting[node.index] or self.is_silenced(node) or self.is_shut_out(node):
            return False
        if node.aggregates:
            bundled = self.bundles.get(node.name, ())
            return any(other.index in found and rail.name in self.posting[other.index] for rail, other in bundled)
        links = self.parents.get(node.index)
        return not links or any(self.link_fires(link, found) for link in links)

    def link_fires(self, link: DeclaredLink, found: set[int] | frozenset[int]) -> bool:
        """Whether the parent of a link fires and has an amount to pass on, given the nodes that fire."""
        posts = link.parent_rail is None or link.parent_rail in self.posting[link.parent]
        return link.parent in found and posts and link.parent not in self.moving_nothing

    def rail_fires(self, rail: Rail) -> bool:
        """Whether a rail can post anywhere."""
        nodes = self.nodes_of[rail.name]
        return any(node.index in self.firing and rail.name in self.posting[node.index] for node in nodes)

    def kind(self, rail: Rail) -> RailKind:
        """The kind of a rail, which has its hours."""
        return self.kinds.of_rail(rail)

    @cached_property
    def daily(self) -> Mapping[int, tuple[float, float]]:
        """Per node the transfers and the cents that a business day leads one to expect, at the most.

        A chain child takes over the amounts of all its parents, a sweep what it bundles at each of its ticks; of a
        circle of sweeps only what comes before it.
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
        """The transfers a day of a node that nothing else makes fire, and their cents: its rails' means."""
        driver = self.kind(node.driver)
        override = self.bank.baseline.rails.get(node.driver.name)
        transfers = float(driver.daily_firings)
        if override is not None and override.seed_volume_multiplier is not None:
            transfers *= float(override.seed_volume_multiplier)
        if node.driver.per is not None:
            transfers *= self.counts[node.driver.per]
        elif driver.scale != "system":
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

    def _at_day_beginning(self, node: DeclaredNode) -> bool:
        """Whether a sweep takes at midnight what the day before left."""
        return node.aggregates and node.driver.cadence is not None and node.driver.cadence.family == "daily-bod"

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
                if self._at_day_beginning(self.nodes[after]):
                    continue
                if self.nodes[after].aggregates:
                    changed = (known[0], max(known[1], min(DAY_SECONDS, end + TICK_DELAY_SECONDS)))
                else:
                    changed = (min(known[0], start), max(known[1], min(DAY_SECONDS, end + CHAIN_DELAY_SECONDS)))
                if changed != known:
                    found[after] = changed
                    waiting.append(after)
        return found
