"""The program of a dataset: what makes transfers, what follows them, what sweeps them, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from seedbed.bank.grouping import grouped
from seedbed.bank.links import Decision, Patience
from seedbed.bank.model import Bank, TransferTemplate
from seedbed.bank.timing import Delay
from seedbed.draw.address import KeySpace
from seedbed.program.accounts import Universe
from seedbed.program.rails import RailCaps, RailPlan
from seedbed.program.schedule import Schedule
from seedbed.units import CapIndex, Cents, NodeIndex, RailIndex, RailPosition, SecondOfDay

__all__ = ["CLOSING_SPREAD_SECONDS", "EVERY", "ChainLink", "Node", "OneLegs", "Program"]

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
