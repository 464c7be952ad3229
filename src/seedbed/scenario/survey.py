"""Finds the plants that a bank admits: the accounts that plants may use, and the rails that can fire on them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np

from seedbed import money
from seedbed.bank.declared import Declared
from seedbed.bank.model import Bank, Rail
from seedbed.program.accounts import AccountClass, BlockAccounts
from seedbed.program.build import build_program
from seedbed.program.leg_groups import Groups
from seedbed.program.nodes import ChainLink, Node, Program
from seedbed.program.rails import RailCaps, RailLeg, RailLimit, RailPlan
from seedbed.program.window import Window, build_window
from seedbed.scenario.families import MOST_IN_FAMILY, Families
from seedbed.units import AccountIndex, Cents, DayOrdinal, NodeIndex, RailIndex

__all__ = ["Survey"]


# Why a member of an XOR group is in no transfer.
NO_ROOM = "a cap leaves it too little for the expected_net of its template"
NO_LINK = "every chain into its template asks for another member of its XOR group"


@dataclass(frozen=True)
class Survey:
    """A compiled bank and a window, for pickers and emissions.

    Accounts are local indices of block 0, which has every account that a plant may use.
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
    def block_accounts(self) -> BlockAccounts:
        """The accounts of block 0."""
        return self.program.universe.block_accounts(0)

    @cached_property
    def ids(self) -> list[str]:
        """Account ids in local order."""
        return self.block_accounts.text()[0]

    @cached_property
    def index_of(self) -> Mapping[str, AccountIndex]:
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
    def _nodes(self) -> Mapping[RailIndex, Node]:
        return {rail.index: node for node in reversed(self.program.nodes) for rail in node.rails}

    def node_of(self, rail: RailPlan) -> Node:
        """The node that fires a rail: the rail itself, or the first template that has it as a leg rail."""
        return self._nodes[rail.index]

    def node_named(self, template: str) -> Node | None:
        """A template's node."""
        return next((n for n in self.program.nodes if n.template is not None and n.template.name == template), None)

    def class_of(self, account: AccountIndex) -> AccountClass:
        """The class of a local account."""
        return self._classes[account]

    @cached_property
    def _classes(self) -> list[AccountClass]:
        return [self.block_accounts.classes[index] for index in self.block_accounts.class_index.tolist()]

    # ---- findings ------------------------------------------------------------------------------------------------

    def found(self, *rules: str) -> frozenset[str]:
        """The elements (account ids, roles, names) that have a structural finding of these rules."""
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

    def declared_net(self, node: Node) -> Cents | None:
        """The declared net of each transfer of a node; None for a one-leg rail."""
        declared = node.template or self.declared(node.driver)
        return getattr(declared, "expected_net_cents", None)

    def net_cannot_hold(self, node: Node) -> bool:
        """Whether a finding says that the node's net cannot hold. All of its transfers then show."""
        return node.name in self.found("finding-net-cannot-hold")

    # ---- accounts -----------------------------------------------------------------------------------------------

    @cached_property
    def customer_class(self) -> AccountClass | None:
        """The first customer-like template."""
        found = (
            c for c in self.block_accounts.classes if c.template and c.internal and c.customer and c.plant_numbers
        )
        return next(found, None)

    @cached_property
    def customers(self) -> tuple[AccountIndex, ...]:
        """The plant accounts of the first customer-like template, by number."""
        return () if self.customer_class is None else self.plant_accounts(self.customer_class)

    def plant_accounts(self, account_class: AccountClass) -> tuple[AccountIndex, ...]:
        """A template's plant accounts, by number: they have no baseline firings."""
        here = (self.block_accounts.class_index == account_class.index) & self.block_accounts.plant
        return tuple(np.flatnonzero(here).tolist())

    @cached_property
    def _pools(self) -> dict[frozenset[str], tuple[AccountIndex, ...]]:
        return {}

    def pool(self, roles: frozenset[str]) -> tuple[AccountIndex, ...]:
        """The accounts that can take a leg naming these roles: plant accounts first, then the baseline's."""
        if roles not in self._pools:
            plants = [
                a
                for c in self.block_accounts.classes
                if c.template and c.role in roles
                for a in self.plant_accounts(c)
            ]
            self._pools[roles] = (*plants, *self.block_accounts.pool(roles).tolist())
        return self._pools[roles]

    def plants_in(self, roles: frozenset[str]) -> int:
        """The number of plant accounts in a pool."""
        if roles not in self._plants_in:
            self._plants_in[roles] = sum(bool(self.block_accounts.plant[account]) for account in self.pool(roles))
        return self._plants_in[roles]

    @cached_property
    def _plants_in(self) -> dict[frozenset[str], int]:
        return {}

    def admits(self, leg: RailLeg, account: AccountIndex) -> bool:
        """Whether a leg can stand on an account."""
        return self.class_of(account).role in leg.roles

    def touches(self, rail: RailPlan, account: AccountIndex) -> bool:
        """Whether one of a rail's legs can stand on an account."""
        return any(self.admits(leg, account) for leg in rail.legs)

    def customers_touch(self, rail: RailPlan) -> bool:
        """Whether a rail posts on the first customer-like template."""
        return bool(self.customers) and self.touches(rail, self.customers[0])

    def unit_account(self, rail: RailPlan, place: int) -> AccountIndex | None:
        """The account of a plant on this rail: the place-th customer, else another account of the rail.

        Of the other accounts, a template's plant account comes before a declared account, and an internal account
        before an external one.
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
        plants = [account for account in best if bool(self.block_accounts.plant[account])] or list(best)
        return plants[place % len(plants)]

    def cap_on(self, rail: RailPlan, account: AccountIndex, *signs: int) -> Cents | None:
        """The lowest daily cap on what a rail debits (a sign of -1) or credits (+1) on an account; None if none."""
        limits = (limit for caps in rail.caps if caps.sign in signs for limit in self.limits_on(caps, account))
        return min((limit.cap for limit in limits), default=None)

    def limits_on(self, caps: RailCaps, account: AccountIndex) -> tuple[RailLimit, ...]:
        """Those of the caps under which an account comes."""
        if not self.admits(self.program.rails[caps.rail].legs[caps.leg], account):
            return ()
        return caps.limits.get(self.class_of(account).parent_role or "", ())

    def typical(self, rail: RailPlan, dollars: str) -> Decimal:
        """The amount nearest to this one that is typical of a rail: within its range, or one of its fixed amounts."""
        return money.to_decimal(rail.amounts.nearest(money.parse(dollars)))

    # ---- firing -------------------------------------------------------------------------------------------------

    def can_stand(self, rail: RailPlan) -> bool:
        """Whether every leg has an account, and two legs have different accounts."""
        pools = [self.pool(leg.roles) for leg in rail.legs]
        return all(pools) and (len(pools) == 1 or len({*pools[0], *pools[1]}) > 1)

    def refusal(self, rail: RailPlan, children: bool = True) -> str | None:
        """The reason why no complete transfer of this rail can be planted, or None. `children`: with its children."""
        node = self.node_of(rail)
        return self.family_refusal(node, children) or self._member_refusal(node, rail)

    def _member_refusal(self, node: Node, rail: RailPlan) -> str | None:
        """The reason why no transfer of a node can have a member of an XOR group; None for another rail too."""
        group = node.group_of(rail)
        if group is None or rail in self.members(node)[group]:
            return None
        if not self.can_stand(rail):
            return f"{rail.name} has no accounts to post on"
        return NO_ROOM if self._is_shut_out(node, rail) else NO_LINK

    def _is_shut_out(self, node: Node, rail: RailPlan) -> bool:
        """Whether a member of an XOR group has baseline accounts and never posts: a cap leaves it too little."""
        posting = self.program.posting[node.index]
        stands = all(self.block_accounts.pool(leg.roles).size for leg in rail.legs)
        return bool(posting) and rail.index not in posting and stands

    def family_refusal(self, node: Node, children: bool = True) -> str | None:
        """The same for a node: it cannot be planted at all, or it needs too many transfers."""
        refusal = self.refusals[node.index]
        if refusal is None and (size := self.families.size(node, children)) > MOST_IN_FAMILY:
            told = "" if self.families.gather else f"{size:,} transfers, "
            return f"with its chains it is {told}more than {MOST_IN_FAMILY} for one plant"
        return refusal or (self._childless.get(node.index) if children else None)

    @cached_property
    def _childless(self) -> Mapping[NodeIndex, str]:
        """The nodes with a Required child, or a child's child, that fires in the baseline and cannot be planted."""
        found: dict[NodeIndex, str] = {}
        for index in reversed(self.program.order):
            for link in self.required_links(self.program.nodes[index]):
                member = self.member_of(link)
                if member in found:
                    found[index] = found[member]
                elif member is None and any(self.program.posting[child] for child in link.members):
                    found[index] = f"its Required child cannot be planted: {self.refusals[link.members[0]]}"
        return found

    @cached_property
    def families(self) -> Families:
        """The sizes of what a planted transfer brings along."""
        return Families(self.program, self.parent_link, self.member_of)

    @cached_property
    def refusals(self) -> tuple[str | None, ...]:
        """Per node the reason why no whole transfer of it can be planted. None if one can be."""
        return tuple(self._refusal(node) for node in self.program.nodes)

    def _refusal(self, node: Node) -> str | None:
        for part in node.rails:
            if node.group_of(part) is None and not self.can_stand(part):
                return f"{part.name} has no accounts to post on"
        for members in node.groups:
            if not any(self.can_stand(member) and not self._is_shut_out(node, member) for member in members):
                return f"{members[0].name} has no accounts to post on, and no other member of its group has"
        if all(rail.variable for rail in node.rails):
            return f"{node.name} has no other leg for its Variable leg to close"
        return None

    @cached_property
    def rounds(self) -> Mapping[NodeIndex, int]:
        """The nodes whose transfers plants can make, each with the round in which it becomes possible.

        The nodes that a sweep bundles have earlier rounds than the sweep. A chain child has no earlier round than its
        parent. So no node causes itself, even if sweeps form a circle.
        """
        program, found = self.program, dict[NodeIndex, int]()
        grew, number = True, 0
        while grew:
            size, earlier = len(found), frozenset(found)
            for index in program.order:
                node = program.nodes[index]
                if index in found or self.refusals[index] is not None:
                    continue
                if node.aggregates:
                    able = any(self.node_of(rail).index in earlier for rail in self.bundled_by(node.driver))
                else:
                    able = node.primary or any(
                        link.parent in found and self._can_follow(link) for link in program.links_into(node)
                    )
                if able:
                    found[index] = number
            grew, number = len(found) > size, number + 1
        return found

    def parent_link(self, node: Node, rail: RailPlan | None = None) -> ChainLink | None:
        """The chain link by which plants make a node fire; None if none of its parents can be planted.

        With a `rail`, it makes a transfer in which that leg rail fires.
        """
        round_ = self.rounds.get(node.index, -1)
        links = (link for link in self.program.links_into(node) if self._makes(link, node, rail))
        return next((link for link in links if self.rounds.get(link.parent, round_ + 1) <= round_), None)

    def _makes(self, link: ChainLink, node: Node, rail: RailPlan | None) -> bool:
        """Whether a link makes transfers of a node in which a rail fires, where its parent fires."""
        return self._can_follow(link) and self.asking_place(link, node, rail) is not None

    def _can_follow(self, link: ChainLink) -> bool:
        """Whether the parent leg of a link can be planted, if its parent is a member of an XOR group."""
        node, rail = self.program.nodes[link.parent], self.parent_rail(link)
        group = None if rail is None else node.group_of(rail)
        return group is None or rail in self.members(node)[group]

    def parent_rail(self, link: ChainLink) -> RailPlan | None:
        """The leg rail that is the declared parent of a link; None where it is a whole node."""
        node = self.program.nodes[link.parent]
        return None if link.parent_rail is None else node.rails[link.parent_rail]

    def asking_place(self, link: ChainLink, node: Node, rail: RailPlan | None) -> int | None:
        """The place in a link of a child that is a transfer of a node in which a rail fires; None without one."""
        group = None if rail is None else node.group_of(rail)
        others = {other.index for other in node.groups[group]} if group is not None and rail is not None else set()
        others -= {rail.index} if rail is not None else set()
        places = (place for place, member in enumerate(link.members) if member == node.index)
        return next((place for place in places if link.asked[place] not in others), None)

    def members(self, node: Node) -> Groups:
        """The members of a node's XOR groups that can be planted: they have accounts, and a link may make them."""
        if node.index not in self._members:
            links = None if node.primary else self.program.links_into(node)
            self._members[node.index] = tuple(
                tuple(
                    rail
                    for rail in group
                    if self.can_stand(rail)
                    and not self._is_shut_out(node, rail)
                    and (not links or any(self._makes(link, node, rail) for link in links))
                )
                for group in node.groups
            )
        return self._members[node.index]

    @cached_property
    def _members(self) -> dict[NodeIndex, Groups]:
        return {}

    def to_fill(self, sweep: RailPlan) -> tuple[RailPlan, ...]:
        """The rails of which a sweep can bundle a planted firing; sweeps come last."""
        round_ = self.rounds.get(self.node_of(sweep).index, 0)
        before = [r for r in self.bundled_by(sweep) if self.rounds.get(self.node_of(r).index, round_) < round_]
        rails = [rail for rail in before if self.refusal(rail) is None]
        return tuple(sorted(rails, key=lambda rail: rail.cadence is not None))

    def root_of(self, rail: RailPlan) -> RailPlan:
        """The rail whose volume causes a rail to fire: the rail itself, or the first rail of its chain."""
        node = self.node_of(rail)
        part: RailPlan | None = rail
        while not node.primary and not node.aggregates:
            link = self.parent_link(node, part)
            if link is None:
                return rail
            node, part = self.program.nodes[link.parent], self.parent_rail(link)
        return rail if node is self.node_of(rail) else node.driver

    def required_links(self, node: Node) -> tuple[ChainLink, ...]:
        """The chain links that ask for a child of every transfer of a node."""
        return tuple(link for link in self.program.links_from(node) if link.required)

    def member_of(self, link: ChainLink) -> NodeIndex | None:
        """The first member of a chain link that can fire, None where none can."""
        place = self.place_of(link)
        return None if place is None else link.members[place]

    def place_of(self, link: ChainLink) -> int | None:
        """The place of the first member of a chain link that can fire, None where none can."""
        return next((place for place in range(len(link.members)) if self._can_be_child(link, place)), None)

    def _can_be_child(self, link: ChainLink, place: int) -> bool:
        asked, node = link.asked[place], self.program.nodes[link.members[place]]
        rail = None if asked is None else self.program.rails[asked]
        stands = rail is None or (self.can_stand(rail) and not self._is_shut_out(node, rail))
        return stands and self.refusals[node.index] is None

    def bundlers(self, rail: RailPlan) -> tuple[Node, ...]:
        """The aggregating rails that bundle a rail's legs, by name."""
        node = self.node_of(rail)
        return tuple(self.program.nodes[index] for index in self.program.bundlers.get((rail.index, node.index), ()))

    def is_bundled(self, rail: RailPlan, node: Node) -> bool:
        """Whether some aggregating rail declares that it bundles a rail within a node, even if it cannot post."""
        return bool(self._declarations.bundlers(self.declared(rail), node.template))

    @cached_property
    def _declarations(self) -> Declared:
        return Declared(self.bank)

    def _selected_as(self, rail: RailPlan) -> set[str]:
        """The bundle selectors that select a rail."""
        template = self.node_of(rail).template
        names = {rail.name, rail.transfer_type}
        if template is not None:
            names |= {template.name, template.transfer_type, f"{template.name}.{rail.name}"}
        return names

    def bundled_by(self, sweep: RailPlan) -> tuple[RailPlan, ...]:
        """The rails that an aggregating rail bundles, in the order of its selectors, then by name."""
        found = self._bundled.get(self.node_of(sweep).index, [])
        selectors = list(self.declared(sweep).bundles_activity)

        def place(rail: RailPlan) -> int:
            names = self._selected_as(rail)
            return min((n for n, selector in enumerate(selectors) if selector in names), default=len(selectors))

        return tuple(sorted(found, key=place))

    @cached_property
    def _bundled(self) -> Mapping[NodeIndex, list[RailPlan]]:
        """The rails that each aggregating node bundles, by name."""
        found: dict[NodeIndex, list[RailPlan]] = defaultdict(list)
        for rail in self.rails:
            for node in self.bundlers(rail):
                found[node.index].append(rail)
        return found

    # ---- days ---------------------------------------------------------------------------------------------------

    def day(self, days_ago: int) -> DayOrdinal | None:
        """The last business day up to `days_ago` days before the anchor; None if it lies before the window."""
        return self.day_before(self.window.last - days_ago + 1)

    def day_before(self, ordinal: DayOrdinal) -> DayOrdinal | None:
        """The last business day of the window before a day."""
        return self.window.before(ordinal)

    def day_after(self, ordinal: DayOrdinal) -> DayOrdinal | None:
        """The first business day of the window after a day."""
        return self.window.after(ordinal)
