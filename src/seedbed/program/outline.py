"""The expected volumes of a dataset: `seedbed plan` prints them, and checks use them as targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.model import Bank
from seedbed.bank.timing import LAST_DAY, Delay
from seedbed.draw.samplers import Amounts
from seedbed.notebook import html_table
from seedbed.program.accounts import AccountClass
from seedbed.program.bounds import too_many
from seedbed.program.build import build_program
from seedbed.program.fan_in import expected_children
from seedbed.program.nodes import EVERY, ChainLink, Node, Program
from seedbed.program.rails import RailPlan
from seedbed.program.schedule import Counted, Monthly, expected_firings
from seedbed.program.turnover import RoleFlow, most_under_caps, role_flows
from seedbed.program.window import Ticks, Window, build_ticks, build_window
from seedbed.units import DAY_SECONDS, Cents, NodeIndex, RailIndex, SecondOfDay

__all__ = ["AccountLine", "Outline", "RailLine", "hours_text", "outline"]

# The longest time from a chain parent to its child.
CHILD_WITHIN = 900
MINUTE_SECONDS = 60
# Rough sizes of one row, measured on the bundled banks' PostgreSQL scripts, for the size that `plan` announces.
TRANSACTION_BYTES, BALANCE_BYTES = 330, 150


@dataclass(frozen=True, kw_only=True)
class RailLine:
    """One rail of the outline.

    `fires` says how it comes to fire (primary, template, chain child, sweep). `daily` is the expected firings per
    unit account and business day of this window, `units` their number. `median_cents` and `p99_cents` are of the
    distribution, None where the amount follows from others. Times are `HH:MM`; `band` is None where they follow from
    a chain parent's. `caps` are (parent role, direction, cents). `counts` says how often the bank file lets it fire,
    None where its kind does. `expected_legs` counts firings times legs, `expected_rows` the bundled copies too;
    `least_legs` are expected if every period has as few firings as it may. `together` is how many firings come at a
    time, at the least: those of a fan-in child.
    """

    rail: str
    transfer_type: str
    kind: str
    fires: str
    scale: str
    units: int
    daily: Decimal
    median_cents: Cents | None
    p99_cents: Cents | None
    band: str | None
    caps: tuple[tuple[str, str, Cents], ...]
    counts: str | None
    expected_legs: Decimal
    expected_rows: Decimal
    least_legs: Decimal
    together: int


@dataclass(frozen=True, kw_only=True)
class AccountLine:
    """One declared account or template of the outline; `baseline` and `plant` are numbers of accounts."""

    role: str
    scope: str
    kind: str
    parent_role: str | None
    baseline: int
    plant: int
    example_id: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Outline:
    """The whole outline; `refusal` says why it is more than is made, None where it is not.

    `fan_ins` has the expected child transfers of every fan-in chain, by its label.
    """

    instance: str
    anchor: date
    window_days: int
    first_day: date
    business_days: int
    blocks: int
    rails: tuple[RailLine, ...]
    accounts: tuple[AccountLine, ...]
    flows: tuple[RoleFlow, ...]
    expected_transactions: int
    expected_balances: int
    expected_script_bytes: int
    refusal: str | None
    fan_ins: Mapping[str, Decimal]

    def __repr__(self) -> str:
        rows = f"about {self.expected_transactions:,} transactions, {self.expected_balances:,} daily_balances"
        return f"<Outline of {self.instance}: {self.window_days} days to {self.anchor}; {rows}>"

    def _repr_html_(self) -> str:
        """The same for a notebook, with one line per rail."""
        columns = ("rail", "transfer type", "kind", "fires", "hours", "expected legs")
        lines = (
            (rail.rail, rail.transfer_type, rail.kind, rail.fires, rail.band or "", f"{rail.expected_legs:,.0f}")
            for rail in self.rails
        )
        return html_table(repr(self)[1:-1], columns, lines)


def outline(
    bank: Bank, anchor: date, window_days: int = 90, accounts: Mapping[str, int] | None = None, seed: int = 42
) -> Outline:
    """The outline of a dataset. Raises InputError for an argument outside its range."""
    program = build_program(bank, accounts, seed)
    window = build_window(anchor, window_days, bank.calendar)
    (firings, transfers), (least, _) = (_expected_firings(program, window, fewest) for fewest in (False, True))
    rails = tuple(_rail_line(program, rail, firings, least, int(window.days.size)) for rail in program.rails)
    lines = tuple(_account_line(c) for c in program.universe.classes)
    internal = sum(
        line.baseline + line.plant for line, c in zip(lines, program.universe.classes, strict=True) if c.internal
    )
    posted = frozenset().union(*(rail.roles for rail in program.rails))
    openings = sum(
        line.baseline + line.plant
        for line, c in zip(lines, program.universe.classes, strict=True)
        if c.internal and (not c.is_parent or c.role in posted)
    )
    days = int(window.days.size)
    transactions = round(sum((line.expected_rows for line in rails), Decimal(openings if days else 0)))
    return Outline(
        instance=bank.instance,
        anchor=anchor,
        window_days=window_days,
        first_day=date.fromordinal(window.first),
        business_days=days,
        blocks=program.universe.blocks,
        rails=rails,
        accounts=lines,
        flows=role_flows(program, firings, int(window.days.size)),
        expected_transactions=transactions,
        expected_balances=internal * days,
        expected_script_bytes=transactions * TRANSACTION_BYTES + internal * days * BALANCE_BYTES,
        refusal=too_many(program, window),
        fan_ins=_fan_ins(program, transfers, days),
    )


def _expected_firings(
    program: Program, window: Window, least: bool = False
) -> tuple[dict[tuple[RailIndex, NodeIndex], Decimal], dict[NodeIndex, Decimal]]:
    """Expected firings in the window per (rail index, node index), and expected transfers per node index.

    `least`: if every period has as few as it may.

    A sweep is expected at every tick with a probability of 1 - exp(-firings per tick). Legs that follow from other
    sweeps are not spread over the day: all legs of one day may fall into one tick.
    """
    days, hours = int(window.days.size), _hours(program)
    transfers: dict[NodeIndex, Decimal] = {}
    firings: dict[tuple[RailIndex, NodeIndex], Decimal] = {}
    gathered: dict[NodeIndex, Decimal] = {}
    for index in program.order:
        node, shares = program.nodes[index], Decimal(0)
        if node.aggregates:
            ticks = build_ticks(node.driver, window, program.keys)
            if ticks.day.size:
                transfers[index] = _expected_ticks(program, index, ticks, days, firings, hours, gathered)
            else:
                transfers[index] = Decimal(0)
        elif node.primary:
            transfers[index], shares = _primary(node, window, least)
        else:
            transfers[index], shares = _expected_as_child(program, node, transfers, days, least)
            if program.parents_together(node) > 1:
                gathered[index] = transfers[index]
        if not program.posting[index]:
            transfers[index] = Decimal(0)
        for rail in node.rails:
            # A rail that alone makes a transfer's net posts once, regardless of the number of firings in the
            # transfer.
            once = rail.variable or (not rail.two_leg and node.fixed is not None)
            count = transfers[index] if once or node.aggregates else shares
            count *= node.member_shares.get(rail.index, EVERY)
            posts = rail.index in program.posting[index]
            # Each moves a cent at least.
            most = most_under_caps(program, rail, days)
            count = count if most is None else min(count, most)
            firings[rail.index, index] = count if posts else Decimal(0)
    return firings, transfers


def _expected_as_child(
    program: Program, node: Node, transfers: Mapping[NodeIndex, Decimal], days: int, least: bool
) -> tuple[Decimal, Decimal]:
    """The expected transfers of a chain child, and its firings: one for each parent that has a share in one."""
    children = firings = Decimal(0)
    for link in program.links_into(node):
        for place in link.places(node.index):
            each, shares = _expected_of_link(program, link, transfers, days)
            rate = link.chance(place) * _in_time(link.delays[place], days, least)
            children, firings = children + each * rate, firings + shares * rate
    return children, firings


def _expected_of_link(
    program: Program, link: ChainLink, transfers: Mapping[NodeIndex, Decimal], days: int
) -> tuple[Decimal, Decimal]:
    """The child transfers for which the parents of a link suffice, and the parents with a share in one."""
    parents = transfers[link.parent] * link.share
    if not link.fan_in:
        return parents, parents
    return expected_children(parents, program.nodes[link.parent].units, days, link.expected_parents)


def _fan_ins(program: Program, transfers: Mapping[NodeIndex, Decimal], days: int) -> dict[str, Decimal]:
    """The expected child transfers of every fan-in chain, by its label."""
    found: dict[str, Decimal] = {}
    for link in (link for link in program.links if link.fan_in):
        children = _expected_of_link(program, link, transfers, days)[0] * link.chance(0)
        found[link.name] = found.get(link.name, Decimal(0)) + children
    return found


def _in_time(delay: Delay | None, days: int, least: bool) -> Decimal:
    """The share of a window's parents whose children come in the window; `least`: if each comes as late as it may."""
    if delay is None or not delay.days or not days:
        return Decimal(1)
    late = Decimal(delay.most) if least else Decimal(delay.least + delay.most) / 2
    return max(Decimal(0), 1 - late / days)


def _primary(node: Node, window: Window, least: bool) -> tuple[Decimal, Decimal]:
    """The expected transfers of a node that fires by itself, and its firings, which a transfer may collect."""
    days, units = window.firing_days(node.always).size, node.driver.units
    if node.schedule is None:
        firings = node.driver.daily * units * days
        return (units * days * (1 - (-node.driver.daily).exp()) if node.collects else firings), firings
    firings = expected_firings(node.schedule, units, window, node.always)[least]
    if not node.collects or isinstance(node.schedule, Monthly) or not days:
        return firings, firings
    return units * days * (1 - (-firings / (units * days)).exp()), firings


def _expected_ticks(
    program: Program,
    index: NodeIndex,
    ticks: Ticks,
    days: int,
    firings: Mapping[tuple[RailIndex, NodeIndex], Decimal],
    hours: Mapping[NodeIndex, tuple[SecondOfDay, SecondOfDay]],
    gathered: Mapping[NodeIndex, Decimal],
) -> Decimal:
    """The expected number of ticks of a sweep that have something to bundle. `hours` are the hours of each node.

    `gathered` has the expected transfers of fan-in children.
    What other sweeps bundle too may be gone, whichever ticks first; it counts only where there is nothing else.
    """
    bundled = {ends: bundlers for ends, bundlers in program.bundlers.items() if index in bundlers}
    alone = [ends for ends, bundlers in bundled.items() if len(bundlers) == 1 and firings.get(ends)]
    closings = _closings(ticks)
    on_days = ticks.day.size // len(closings)
    per_tick, together = [Decimal(0)] * len(closings), Decimal(0)
    for rail, node in alone or bundled:
        count = firings.get((rail, node), Decimal(0))
        # The legs of a fan-in child come together.
        count = min(count, gathered.get(node, count))
        if program.nodes[node].after_ticks:
            together += count
            continue
        band = program.nodes[node].bands[1].get(rail) if program.nodes[node].primary else None
        for place, share in enumerate(_shares(band or hours[node], closings)):
            per_tick[place] += count * share / on_days
    spread = sum((on_days * (1 - (-count).exp()) for count in per_tick), Decimal(0))
    chances = min(ticks.day.size, days)
    return max(spread, chances * (1 - (-together / chances).exp()))


def _closings(ticks: Ticks) -> list[SecondOfDay]:
    """When the ticks of a day close; the last one, or one at the day's beginning, takes a whole day."""
    first = int(ticks.day[0])
    return [int(closing) - first * DAY_SECONDS or DAY_SECONDS for closing in ticks.closing[ticks.day == first]]


def _hours(program: Program) -> dict[NodeIndex, tuple[SecondOfDay, SecondOfDay]]:
    """The seconds of the day between which each node posts: its own hours, or the time after its cause."""
    found: dict[NodeIndex, tuple[SecondOfDay, SecondOfDay]] = {}
    for index in program.order:
        node = program.nodes[index]
        own = list(node.bands[1].values()) or [(node.driver.kind.band_start, node.driver.kind.band_end)]
        bands = own
        if not node.primary and (links := program.links_into(node)):
            bands = []
            for parent, delay in [(link.parent, link.delays[m]) for link in links for m in link.places(index)]:
                start, end = found[parent]
                if delay is not None and delay.days and delay.least:
                    bands += own
                else:
                    bands.append((start, end + (CHILD_WITHIN if delay is None or delay.days else delay.most)))
        found[index] = min(start for start, _ in bands), min(max(end for _, end in bands), DAY_SECONDS)
    return found


def _shares(band: tuple[SecondOfDay, SecondOfDay], closings: list[SecondOfDay]) -> list[Decimal]:
    """The share of postings that each tick of a day takes, if postings are spread evenly over a band."""
    start, end = band
    edges = [start, *(min(max(closing, start), end) for closing in closings)]
    return [Decimal(late - early) / (end - start) for early, late in pairwise(edges)]


def _rail_line(
    program: Program,
    rail: RailPlan,
    firings: Mapping[tuple[RailIndex, NodeIndex], Decimal],
    least: Mapping[tuple[RailIndex, NodeIndex], Decimal],
    days: int,
) -> RailLine:
    nodes = [node for node in program.nodes if any(part is rail for part in node.rails)]
    legs = sum((firings[rail.index, node.index] for node in nodes), Decimal(0)) * len(rail.legs)
    bundled = sum(
        (firings[rail.index, node.index] for node in nodes if (rail.index, node.index) in program.bundlers),
        Decimal(0),
    ) * len(rail.legs)
    primary = [node for node in nodes if node.primary]
    drawn = any(all(part is not rail for part in node.derived) for node in primary)
    lines = tuple(
        (role, "Inbound" if caps.sign > 0 else "Outbound", cap)
        for caps in rail.caps
        for role, cap in caps.lowest.items()
        if any(c.parent_role == role for c in program.universe.with_role(rail.legs[caps.leg].roles))
    )
    return RailLine(
        rail=rail.name,
        transfer_type=rail.transfer_type,
        kind=rail.kind.label,
        fires=_fires(rail, nodes),
        scale=_scale(rail),
        units=rail.units,
        daily=legs / len(rail.legs) / rail.units / days if days else rail.daily,
        median_cents=_quantile(rail.amounts, 0.5) if drawn else None,
        p99_cents=_quantile(rail.amounts, 0.99) if drawn else None,
        band=hours_text(rail.kind.band_start, rail.kind.band_end) if primary or rail.cadence else None,
        caps=lines,
        counts=_counts(primary),
        expected_legs=legs,
        expected_rows=legs + bundled,
        least_legs=sum((least[rail.index, node.index] for node in nodes), Decimal(0)) * len(rail.legs),
        together=1 if rail.variable else min((program.parents_together(node) for node in nodes), default=1),
    )


def _scale(rail: RailPlan) -> str:
    """What the units of a rail are: customers, merchants, other accounts by their role, or the whole bank."""
    units = rail.unit_classes
    if not units:
        return rail.kind.scale
    if all(c.customer for c in units):
        return "customer"
    return "merchant" if all(c.merchant for c in units) else units[0].role


def _counts(nodes: list[Node]) -> str | None:
    """How often the bank file lets these nodes fire, in words; None if it says nothing."""
    found = []
    for node in nodes:
        if isinstance(node.schedule, Counted):
            least, most, period = node.schedule.least, node.schedule.most, node.schedule.period.replace("_", " ")
            found.append(f"{least:,} a {period}" if least == most else f"{least:,} to {most:,} a {period}")
        elif node.schedule is not None:
            day = "the last day" if node.schedule.day == LAST_DAY else f"day {node.schedule.day}"
            found.append(f"{day} of the month")
    return ", ".join(dict.fromkeys(found)) or None


def _fires(rail: RailPlan, nodes: list[Node]) -> str:
    if rail.cadence is not None:
        return f"sweep {rail.cadence.text}"
    templates = [_leg_words(rail, node) for node in nodes if node.template is not None]
    way = "primary" if any(node.primary for node in nodes) else "chain child"
    return f"{way}, template {', '.join(templates)}" if templates else way


def _leg_words(rail: RailPlan, node: Node) -> str:
    """The name of a template and, for a leg rail of an XOR group, of how many it is one."""
    group = node.group_of(rail)
    return node.name if group is None else f"{node.name} (one of {len(node.groups[group])})"


def _quantile(amounts: Amounts, share: float) -> Cents:
    """The amount below which a share of the draws lie, from the sampler itself."""
    return int(amounts.cents(np.array([int(share * 2**64)], dtype=np.uint64))[0])


def hours_text(start: SecondOfDay, end: SecondOfDay) -> str:
    """Hours of the day as `HH:MM-HH:MM`; a single minute as `HH:MM`."""
    return _clock(start) if end - start < MINUTE_SECONDS else f"{_clock(start)}-{_clock(end)}"


def _clock(second: SecondOfDay) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _account_line(account_class: AccountClass) -> AccountLine:
    example = account_class.id_pattern
    if account_class.template:
        example = render_account_pattern(account_class.id_pattern, account_class.role, [11])[0]
    return AccountLine(
        role=account_class.role,
        scope=account_class.scope,
        kind=account_class.kind.name,
        parent_role=account_class.parent_role,
        baseline=account_class.count,
        plant=int(account_class.plant) + len(account_class.plant_numbers),
        example_id=example,
    )
