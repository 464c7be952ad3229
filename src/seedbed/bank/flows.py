"""The possible flows of money in a bank: where rails post, which node follows which, which rail sweeps which.

A *node* makes transfers: a rail on its own, a template with its leg rails, or an aggregating rail. `links.py` gives
the nodes and links. This module adds the accounts: which nodes can fire, in which order, how often and when.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seedbed import money
from seedbed.bank.classify import Kinds
from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.graph import in_order
from seedbed.bank.grouping import grouped
from seedbed.bank.kinds import RailKind
from seedbed.bank.leg_groups import group_of, is_variable
from seedbed.bank.links import DeclaredLink, DeclaredNode, Links
from seedbed.bank.model import Account, AccountTemplate, Bank, LimitSchedule, OneLegRail, Rail, TwoLegRail
from seedbed.bank.patterns import PLANT_ACCOUNTS, account_patterns, default_account_counts
from seedbed.bank.periods import busiest_day

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


def added(total: int | None, more: int | None) -> int | None:
    """The sum of two bounds; None is no bound."""
    return None if total is None or more is None else total + more


def widest(bounds: Iterable[int | None], of: Callable[[list[int]], int]) -> int | None:
    """The lowest or highest of several bounds, as `of` chooses; None, which is no bound, is wider than any."""
    found = list(bounds)
    return None if None in found else of([bound for bound in found if bound is not None])


def _net_gives_amounts(node: DeclaredNode) -> bool:
    """Whether the one-leg rails of a template, all of one direction, share its expected net: no amount is drawn."""
    one_leg = [rail for rail in node.rails if isinstance(rail, OneLegRail)]
    directions = {rail.leg_direction for rail in one_leg}
    if node.template is None or len(directions) != 1 or "Variable" in directions:
        return False
    sign = 1 if directions == {"Credit"} else -1
    return sign * node.template.expected_net_cents >= len(one_leg)


class Flows:
    """The flows of a valid bank, for given numbers of baseline accounts per template role."""

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

        The one-leg rails of a template post together or not at all. Its Variable legs, of each XOR group one, close
        what others posted, and nothing posts that they cannot close.
        """
        return tuple(frozenset(self._posting(node)) for node in self.nodes)

    def _posting(self, node: DeclaredNode) -> set[str]:
        able = {rail.name for rail in node.rails if self.sides_exist(rail) and not self.is_too_dear(rail, node)}
        variable = {rail.name for rail in node.rails if is_variable(rail)}
        together = {rail.name for rail in node.rails if isinstance(rail, OneLegRail)} - variable
        if not together <= able:
            able -= together
        grouped_names = {name for members in node.groups for name in members}
        closes = variable - grouped_names <= able and all(able.intersection(members) for members in node.groups)
        if not closes or not able - variable:
            return set()
        for members in node.groups:
            # A member whose cap leaves too little for the expected net never fires, if another one can.
            present, beside = able.intersection(members), able.difference(members)
            shut_out = {name for name in present if self._is_shut_out(node, beside | {name})}
            able -= shut_out if present - shut_out else set()
        return able

    def is_too_dear(self, rail: Rail, node: DeclaredNode) -> bool:
        """Whether each fixed amount of a rail that draws its amounts is above a cap on every account of one side."""
        given = next(
            (one.leg_direction for one in node.rails if isinstance(one, OneLegRail) and not is_variable(one)), ""
        )
        drawn = not isinstance(rail, OneLegRail) or (rail.leg_direction == given and not _net_gives_amounts(node))
        if not rail.amount or not drawn or rail.aggregating or self.parents.get(node.index):
            return False
        least = min(point.amount_cents for point in rail.amount)
        for sign in (-1, +1):
            limits = [limit for limit in self.caps_on(rail) if limit.sign == sign and limit.cap_cents < least]
            below = frozenset().union(*(self.capped_roles(rail, limit) for limit in limits))
            if limits and self._moved(rail, sign) <= below:
                return True
        return False

    def net_range(self, node: DeclaredNode, posting: Collection[str]) -> tuple[int | None, int | None]:
        """The least and greatest net, in cents, of a template's transfers with these legs. None means no bound.

        Every one-leg rail posts at least a cent, or zero where it is a Variable leg, and stays within its caps. Of an
        XOR group the member counts that has the most room.
        """
        least: int | None = 0
        greatest: int | None = 0
        for members in self._firing_together(node, posting):
            least = added(least, widest((self._bound(rail, -1) for rail in members), min))
            greatest = added(greatest, widest((self._bound(rail, +1) for rail in members), max))
        return least, greatest

    def _firing_together(self, node: DeclaredNode, posting: Collection[str]) -> list[tuple[OneLegRail, ...]]:
        """The one-leg rails of a node's transfers that have these legs; the members of an XOR group as one."""
        rails = {rail.name: rail for rail in node.rails if isinstance(rail, OneLegRail) and rail.name in posting}
        groups = [tuple(rails.pop(name) for name in members if name in rails) for members in node.groups]
        return [*((rail,) for rail in rails.values()), *(members for members in groups if members)]

    def _bound(self, rail: OneLegRail, sign: int) -> int | None:
        """The lowest (`sign` -1) or highest (+1) signed amount of a one-leg rail in cents; None without a bound."""
        if rail.leg_direction == ("Credit" if sign < 0 else "Debit"):
            return -sign
        most = self._most(rail, sign)
        return None if most is None else sign * most

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
        return self._is_shut_out(node, self.posting[node.index])

    def is_member_shut_out(self, node: DeclaredNode, rail: Rail) -> bool:
        """Whether caps leave one leg rail of an XOR group too little for the expected net, and another one enough."""
        posting = self.posting[node.index]
        chosen = bool(posting) and group_of(node.template, rail.name) is not None
        return chosen and rail.name not in posting and self.sides_exist(rail)

    def _is_shut_out(self, node: DeclaredNode, posting: Collection[str]) -> bool:
        if node.template is None:
            return False
        wanted = node.template.expected_net_cents
        signs = {leg.sign for name in posting for leg in self.legs[name] if leg.key == "leg_role"}
        least, greatest = self.net_range(node, posting)
        short_of_debits = bool(signs & {-1, 0}) and least is not None and wanted < least
        short_of_credits = bool(signs & {+1, 0}) and greatest is not None and wanted > greatest
        return short_of_debits or short_of_credits or self._none_can_follow(node, posting)

    def _none_can_follow(self, node: DeclaredNode, posting: Collection[str]) -> bool:
        """Whether caps leave no room for what follows from the least that the given legs of a template can be.

        The given legs are on the side of its first one-leg rail that is not Variable; from them follow the Variable
        legs together, or else those of the other side. Each leg is a cent at least. If that is less than the net asks
        for, the first given leg is raised.
        """
        signs = {
            rail.name: self.legs[rail.name][0].sign
            for rail in node.rails
            if isinstance(rail, OneLegRail) and rail.name in posting
        }
        sign = next((sign for sign in signs.values() if sign), 0)
        given = [name for name in signs if signs[name] == sign]
        closing = [members for members in self._firing_together(node, posting) if is_variable(members[0])]
        following = [name for name in signs if signs[name] == -sign]
        if not sign or node.template is None or not (closing or following):
            return False
        net = sign * node.template.expected_net_cents
        raised = max(net + len(following) - len(given), 0)
        first = self._most(self.declared.rails[given[0]], sign)
        rooms = [self._most(self.declared.rails[name], -sign) for name in following]
        if closing:
            same = self._most_together(closing, sign)
            raised = 0 if same is None else max(net - same, 0)
            rooms = [self._most_together(closing, -sign)]
        if first is not None and first <= raised:
            return True
        return any(room is not None and room + net - raised < len(given) for room in rooms)

    def _most_together(self, closing: Iterable[Sequence[Rail]], sign: int) -> int | None:
        """The most that Variable legs, one of each group, may move in one direction; None without a bound."""
        together: int | None = 0
        for members in closing:
            together = added(together, widest((self._most(rail, sign) for rail in members), max))
        return together

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
        if node.aggregates or self.parents.get(node.index):
            return False
        if node.typical is not None:
            return node.typical.range[1] == 0
        override = self.bank.baseline.rails.get(node.driver.name)
        return override is not None and override.seed_volume_multiplier == 0

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
        closes = is_variable(rail)
        others = any(
            isinstance(part, OneLegRail) and not is_variable(part) and part.name in posting for part in node.rails
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
        size = -1
        # Another parent of a node found before can make another member of an XOR group fire, and so what follows it.
        while len(found) > size:
            size = len(found)
            waiting = [node.index for node in self.nodes if node.index not in found]
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
            return any(other.index in found and self.posts(rail.name, other.index, found) for rail, other in bundled)
        links = self.parents.get(node.index)
        return not links or any(self.link_fires(link, found) for link in links)

    def link_fires(self, link: DeclaredLink, found: set[int] | frozenset[int]) -> bool:
        """Whether the parent of a link fires and has an amount to pass on, given the nodes that fire."""
        posts = link.parent_rail is None or self.posts(link.parent_rail, link.parent, found)
        return link.parent in found and posts and link.parent not in self.moving_nothing

    def posts(self, rail: str, index: int, found: set[int] | frozenset[int]) -> bool:
        """Whether a rail posts in the transfers of a node that fires, given the nodes that fire.

        A chain whose child is one member of an XOR group makes no transfer with another member.
        """
        node = self.nodes[index]
        if rail not in self.posting[index]:
            return False
        group, links = group_of(node.template, rail), self.parents.get(index)
        if group is None or not links:
            return True
        others = {*node.groups[group]} - {rail}
        asked = ((link, self.links.asked_member(link)) for link in links)
        return any(member not in others and self.link_fires(link, found) for link, member in asked)

    def rail_fires(self, rail: Rail) -> bool:
        """Whether a rail can post anywhere."""
        nodes = (node.index for node in self.nodes_of[rail.name])
        return any(index in self.firing and self.posts(rail.name, index, self.firing) for index in nodes)

    def kind(self, rail: Rail) -> RailKind:
        """The kind of a rail, which has its hours."""
        return self.kinds.of_rail(rail)

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
        transfers = 1.0 if node.day_of_month is not None else transfers
        if node.driver.per is not None:
            transfers *= self.counts[node.driver.per]
        elif driver.scale != "system":
            named = {role for rail in node.rails for leg in self.legs[rail.name] for role in leg.roles}
            units = {role: count for role, count in self.counts.items() if role in named} or self.counts
            transfers *= sum(units.values())
        transfers = transfers if node.typical is None else busiest_day(node.typical)
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
            start, end = self._hours(node)
            end += TICK_DELAY_SECONDS if node.aggregates else 0
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
                    hours = [
                        self._following(link, start, end) for link in self.parents[after] if link.parent == index
                    ]
                    changed = min(known[0], *(h[0] for h in hours)), max(known[1], *(h[1] for h in hours))
                if changed != known:
                    found[after] = changed
                    waiting.append(after)
        return found

    def _hours(self, node: DeclaredNode) -> tuple[int, int]:
        """The seconds of the day from the first to the last hour of a node's rails."""
        kinds = [self.kind(rail) for rail in node.rails]
        return min(kind.band_start for kind in kinds), max(kind.band_end for kind in kinds)

    def _following(self, link: DeclaredLink, start: int, end: int) -> tuple[int, int]:
        """The seconds of the day at which the child of a link may post: after the parent's, or in its own hours."""
        delay = self.links.delay_of(link)
        if delay is None or not delay.days:
            return start, min(DAY_SECONDS, end + (CHAIN_DELAY_SECONDS if delay is None else delay.most))
        own = self._hours(self.nodes[link.child])
        if delay.least > 0:
            return own
        return min(start, own[0]), max(own[1], min(DAY_SECONDS, end + CHAIN_DELAY_SECONDS))
