"""What a bank admits: the accounts that plants may use, and which rails can fire on them as whole transfers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from seedbed.bank.model import Bank, Rail
from seedbed.plan.accounts import AccountClass, View
from seedbed.plan.program import ChainLink, Node, Program, build_program
from seedbed.plan.rails import RailLeg, RailPlan
from seedbed.plan.window import Window, build_window

__all__ = ["Survey", "split_amounts"]


@dataclass(frozen=True)
class Survey:
    """A compiled bank and a window, as the pickers and the emission see them.

    Accounts are local indices of block 0's view, which holds every account that a plant may use.
    """

    program: Program
    window: Window

    @classmethod
    def of(
        cls,
        bank: Bank,
        anchor: date,
        window_days: int = 90,
        accounts: Mapping[str, int] | None = None,
        seed: int = 42,
    ) -> "Survey":
        """Compiles a bank. Raises InputError for an argument outside its range."""
        return cls(build_program(bank, accounts, seed), build_window(anchor, window_days, bank.calendar))

    @property
    def bank(self) -> Bank:
        """The bank."""
        return self.program.bank

    @property
    def anchor(self) -> date:
        """The window's last day."""
        return date.fromordinal(self.window.last)

    @cached_property
    def view(self) -> View:
        """The accounts of block 0."""
        return self.program.universe.view(0)

    @cached_property
    def ids(self) -> list[str]:
        """Account ids in local order."""
        return self.view.text()[0]

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        """Local index by account id."""
        return {account_id: index for index, account_id in enumerate(self.ids)}

    @cached_property
    def rails(self) -> tuple[RailPlan, ...]:
        """All rails by name: pickers take the first that matches."""
        return tuple(sorted(self.program.rails, key=lambda rail: rail.name))

    @cached_property
    def rail_named(self) -> Mapping[str, RailPlan]:
        """Rails by name."""
        return {rail.name: rail for rail in self.program.rails}

    def declared(self, rail: RailPlan) -> Rail:
        """The rail as the bank file declares it."""
        return self.bank.rails[rail.index]

    @cached_property
    def _nodes(self) -> Mapping[int, Node]:
        return {rail.index: node for node in reversed(self.program.nodes) for rail in node.rails}

    def node_of(self, rail: RailPlan) -> Node:
        """What fires a rail: itself, or the first template that holds it."""
        return self._nodes[rail.index]

    def node_named(self, template: str) -> Node | None:
        """A template's node."""
        return next((n for n in self.program.nodes if n.template is not None and n.template.name == template), None)

    def class_of(self, account: int) -> AccountClass:
        """The class of a local account."""
        return self.view.classes[int(self.view.class_index[account])]

    # ---- what cannot hold ----------------------------------------------------------------------------------------

    def found(self, *rules: str) -> frozenset[str]:
        """The elements (account ids, roles, names) that structural findings of these rules are about."""
        return frozenset().union(*(self._findings.get(rule, ()) for rule in rules))

    @cached_property
    def _findings(self) -> Mapping[str, set[str]]:
        from seedbed.bank.findings import finding_remarks  # noqa: PLC0415 - only where something is left open

        named: dict[str, set[str]] = defaultdict(set)
        counts = {c.role: c.count for c in self.program.universe.classes if c.template}
        for remark in finding_remarks(self.bank, counts):
            if len(remark.path) > 1:
                element = getattr(self.bank, str(remark.path[0]))[remark.path[1]]
                keys = (getattr(element, key, None) for key in ("id", "name", "role"))
                named[remark.rule] |= set(list(filter(None, keys))[:1])
        return named

    def declared_net(self, node: Node) -> int | None:
        """What each transfer of a node is declared to net to, in cents; None for a rail of one leg."""
        declared = node.template or self.declared(node.driver)
        return getattr(declared, "expected_net_cents", None)

    def net_cannot_hold(self, node: Node) -> bool:
        """Whether a finding says so of a node's transfers: what is off then shows, fired or planted."""
        return node.name in self.found("finding-net-cannot-hold")

    # ---- accounts -----------------------------------------------------------------------------------------------

    @cached_property
    def customer_class(self) -> AccountClass | None:
        """The first customer-like template."""
        found = (c for c in self.view.classes if c.template and c.internal and c.customer and c.plant_numbers)
        return next(found, None)

    @cached_property
    def customers(self) -> tuple[int, ...]:
        """The plant accounts of the first customer-like template, by number."""
        return () if self.customer_class is None else self.plant_accounts(self.customer_class)

    def plant_accounts(self, account_class: AccountClass) -> tuple[int, ...]:
        """A template's plant accounts, by number: they have no baseline firings."""
        here = (self.view.class_index == account_class.index) & self.view.plant
        return tuple(np.flatnonzero(here).tolist())

    @cached_property
    def _pools(self) -> dict[frozenset[str], tuple[int, ...]]:
        return {}

    def pool(self, roles: frozenset[str]) -> tuple[int, ...]:
        """The accounts that can take a leg naming these roles: plant accounts first, then the baseline's."""
        if roles not in self._pools:
            plants = [a for c in self.view.classes if c.template and c.role in roles for a in self.plant_accounts(c)]
            self._pools[roles] = (*plants, *self.view.pool(roles).tolist())
        return self._pools[roles]

    def admits(self, leg: RailLeg, account: int) -> bool:
        """Whether a leg can stand on an account."""
        return self.class_of(account).role in leg.roles

    def touches(self, rail: RailPlan, account: int) -> bool:
        """Whether one of a rail's legs can stand on an account."""
        return any(self.admits(leg, account) for leg in rail.legs)

    def customers_touch(self, rail: RailPlan) -> bool:
        """Whether a rail posts on the first customer-like template."""
        return bool(self.customers) and self.touches(rail, self.customers[0])

    def unit_account(self, rail: RailPlan, place: int) -> int | None:
        """The account that a plant on this rail is about: the place-th customer, else one of the rail's own.

        Of its own, a template's plant account comes before a declared account, an internal before an external one.
        """
        if self.customers:
            customer = self.customers[place % len(self.customers)]
            if self.touches(rail, customer):
                return customer
        pools = [self.pool(leg.roles) for leg in rail.legs]
        own = [pool for pool in pools if pool]
        if not own:
            return None
        best = min(own, key=lambda pool: (not self.class_of(pool[0]).internal, not self.class_of(pool[0]).template))
        plants = [account for account in best if bool(self.view.plant[account])] or list(best)
        return plants[place % len(plants)]

    def cap_on(self, rail: RailPlan, account: int) -> int | None:
        """The daily cap in cents on what a rail may debit an account by, None where there is none."""
        if rail.legs[0].sign > 0 or not self.admits(rail.legs[0], account):
            return None
        parent = self.class_of(account).parent_role
        return rail.caps.get(parent) if parent else None

    # ---- what can fire ------------------------------------------------------------------------------------------

    def can_stand(self, rail: RailPlan) -> bool:
        """Whether every leg finds an account, two different ones where there are two."""
        pools = [self.pool(leg.roles) for leg in rail.legs]
        return all(pools) and (len(pools) == 1 or len({*pools[0], *pools[1]}) > 1)

    def refusal(self, rail: RailPlan) -> str | None:
        """Why no whole transfer with this rail can be planted; None where one can."""
        node = self.node_of(rail)
        for part in node.rails:
            if not self.can_stand(part):
                return f"{part.name} has no accounts to post on"
        if split_amounts(node, 100_00) is None:
            return f"the legs of {node.name} cannot net to its expected_net"
        return None

    def links_into(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links of which a node is a child, in the file's order."""
        return tuple(link for link in self.program.links if node.index in link.members)

    def root_of(self, rail: RailPlan) -> RailPlan:
        """The rail whose volume brings a rail about: itself, or the one at the top of the chains that lead to it."""
        node = self.node_of(rail)
        while not node.primary and not node.aggregates:
            links = [k for k in self.links_into(node) if self.refusal(self.program.nodes[k.parent].rails[0]) is None]
            if not links:
                return rail
            node = self.program.nodes[links[0].parent]
        return rail if node is self.node_of(rail) else node.driver

    def required_links(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links that ask for a child of every transfer of a node."""
        return tuple(link for link in self.program.links_from(node) if link.required)

    def member_of(self, link: ChainLink) -> int | None:
        """The first member of a chain link that can fire, None where none can."""
        nodes = self.program.nodes
        return next((m for m in link.members if self.refusal(nodes[m].rails[0]) is None), None)

    def bundlers(self, rail: RailPlan) -> tuple[Node, ...]:
        """The aggregating rails that bundle a rail's legs, by name."""
        node = self.node_of(rail)
        return tuple(self.program.nodes[index] for index in self.program.bundlers.get((rail.index, node.index), ()))

    def is_bundled(self, rail: RailPlan) -> bool:
        """Whether some aggregating rail declares that it bundles a rail, whether it can post or not."""
        return rail.index in self._declared_bundled

    @cached_property
    def _declared_bundled(self) -> frozenset[int]:
        selectors = [(other.name, set(other.bundles_activity)) for other in self.bank.rails if other.bundles_activity]
        return frozenset(
            rail.index
            for rail in self.rails
            if any(name != rail.name and self._selected_as(rail) & wanted for name, wanted in selectors)
        )

    def _selected_as(self, rail: RailPlan) -> set[str]:
        """The bundle selectors that mean a rail."""
        template = self.node_of(rail).template
        names = {rail.name, rail.transfer_type}
        if template is not None:
            names |= {template.name, template.transfer_type, f"{template.name}.{rail.name}"}
        return names

    def bundled_by(self, sweep: RailPlan) -> tuple[RailPlan, ...]:
        """The rails that an aggregating rail bundles, in the order of its selectors, then by name."""
        index = self.node_of(sweep).index
        found = [rail for rail in self.rails if index in (node.index for node in self.bundlers(rail))]
        selectors = list(self.declared(sweep).bundles_activity)

        def place(rail: RailPlan) -> int:
            names = self._selected_as(rail)
            return min((n for n, selector in enumerate(selectors) if selector in names), default=len(selectors))

        return tuple(sorted(found, key=place))

    # ---- days ---------------------------------------------------------------------------------------------------

    def day(self, days_ago: int) -> int | None:
        """The business day of a plant, as an ordinal: the last one up to `days_ago` days before the anchor.

        None where that lies before the window.
        """
        return self.day_before(self.window.last - days_ago + 1)

    def day_before(self, ordinal: int) -> int | None:
        """The last business day of the window before a day."""
        if not self.window.first < ordinal <= self.window.last + 1:
            return None
        place = int(np.searchsorted(self.window.days, ordinal)) - 1
        return int(self.window.days[place]) if place >= 0 else None

    def day_after(self, ordinal: int) -> int | None:
        """The first business day of the window after a day."""
        place = int(np.searchsorted(self.window.days, ordinal, side="right"))
        return int(self.window.days[place]) if place < self.window.days.size else None


def split_amounts(
    node: Node, cents: int, total: int | None = None, drawn: Callable[[RailPlan], int] | None = None
) -> dict[int, int] | None:
    """Cents per rail index of one transfer that nets to what is expected; None where none can.

    Every rail moves `cents`, or what `drawn` gives for it: of two legs unsigned, of one leg signed. Where one-leg
    Debits and Credits have no Variable leg to close them, the Credits share what the Debits and the expected net
    leave. With `total`, which a chain child takes over from its parent, the rails of the leading side share that.
    """
    amount_of = drawn or (lambda _: cents)
    two_leg = [rail for rail in node.rails if rail.two_leg]
    debits = [rail for rail in node.rails if not rail.two_leg and rail.legs[0].sign < 0]
    credits = [rail for rail in node.rails if not rail.two_leg and rail.legs[0].sign > 0]
    if total is None:
        amounts = {rail.index: amount_of(rail) for rail in (*two_leg, *debits, *credits)}
    else:
        amounts = _shared(two_leg or debits or credits, total)
        amounts |= {rail.index: cents for rail in (*debits, *credits) if rail.index not in amounts}
    net = node.template.expected_net_cents if node.template is not None else 0
    if node.template is not None and node.closing is None:
        if debits and credits:
            amounts |= _shared(credits, sum(amounts[rail.index] for rail in debits) + net)
        elif debits or credits:
            amounts |= _shared(debits or credits, -net if debits else net)
        elif net:
            return None
    if any(amount <= 0 for amount in amounts.values()):
        return None
    amounts |= {rail.index: -amounts[rail.index] for rail in debits}
    if node.closing is not None:
        amounts[node.closing.index] = net - sum(amounts[rail.index] for rail in (*debits, *credits))
    return amounts


def _shared(rails: Iterable[RailPlan], total: int) -> dict[int, int]:
    """A total in equal shares, the first of which take the cents that are left over."""
    chosen = list(rails)
    share, rest = divmod(total, max(len(chosen), 1))
    return {rail.index: share + (place < rest) for place, rail in enumerate(chosen)}
