"""The expected volumes of a dataset: `seedbed plan` prints them, and checks use them as targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.model import Bank
from seedbed.draw.samplers import Lognormal
from seedbed.notebook import html_table
from seedbed.program.accounts import AccountClass
from seedbed.program.bounds import too_many
from seedbed.program.build import Node, Program, build_program
from seedbed.program.rails import RailPlan
from seedbed.program.window import Ticks, Window, build_ticks, build_window
from seedbed.units import DAY_SECONDS, Cents, NodeIndex, RailIndex, SecondOfDay

__all__ = ["AccountLine", "Outline", "RailLine", "outline"]

# The longest time from a chain parent to its child.
CHILD_WITHIN = 900
# Rough sizes of one row, measured on the bundled banks' PostgreSQL scripts, for the size that `plan` announces.
TRANSACTION_BYTES, BALANCE_BYTES = 330, 150


@dataclass(frozen=True, kw_only=True)
class RailLine:
    """One rail of the outline.

    `fires` tells why it fires (primary, template, chain child, sweep). `daily` is the expected number of firings per
    unit account and business day of this window, `units` the number of unit accounts. `median_cents` and `p99_cents`
    are of the distribution; None if the amount follows from others. Times are `HH:MM`; `band` is None if they follow
    from a chain parent. `caps` are (parent role, cents). `expected_legs` counts firings times legs, `expected_rows`
    also the second rows of bundled legs.
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
    caps: tuple[tuple[str, Cents], ...]
    expected_legs: Decimal
    expected_rows: Decimal


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
    """The whole outline. `refusal` is the reason why `data apply` rejects the bank; None if it accepts it."""

    instance: str
    anchor: date
    window_days: int
    first_day: date
    business_days: int
    blocks: int
    rails: tuple[RailLine, ...]
    accounts: tuple[AccountLine, ...]
    expected_transactions: int
    expected_balances: int
    expected_script_bytes: int
    refusal: str | None

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
    firings = _expected_firings(program, window)
    rails = tuple(_rail_line(program, rail, firings, int(window.days.size)) for rail in program.rails)
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
        expected_transactions=transactions,
        expected_balances=internal * days,
        expected_script_bytes=transactions * TRANSACTION_BYTES + internal * days * BALANCE_BYTES,
        refusal=too_many(program, window),
    )


def _expected_firings(program: Program, window: Window) -> dict[tuple[RailIndex, NodeIndex], Decimal]:
    """Expected firings in the window per (rail index, node index).

    A sweep is expected at every tick with a probability of 1 - exp(-firings per tick). Legs that follow from other
    sweeps are not spread over the day: all legs of one day may fall into one tick.
    """
    days, hours = int(window.days.size), _hours(program)
    transfers: dict[NodeIndex, Decimal] = {}
    firings: dict[tuple[RailIndex, NodeIndex], Decimal] = {}
    for index in program.order:
        node = program.nodes[index]
        if node.aggregates:
            ticks = build_ticks(node.driver, window, program.keys)
            transfers[index] = (
                _expected_ticks(program, index, ticks, days, firings, hours) if ticks.day.size else Decimal(0)
            )
        elif node.primary:
            transfers[index] = node.daily_transfers * days
        else:
            links = program.links_into(node)
            into = [(link, m) for link in links for m, child in enumerate(link.members) if child == index]
            transfers[index] = sum((transfers[link.parent] * link.probability(m) for link, m in into), Decimal(0))
        if not program.posting[index]:
            transfers[index] = Decimal(0)
        for rail in node.rails:
            # A rail that alone makes a transfer's net posts once, regardless of the number of firings in the
            # transfer.
            once = rail.variable or (not rail.two_leg and node.fixed is not None)
            per_firing = node.primary and not once
            count = node.driver.daily * node.driver.units * days if per_firing else transfers[index]
            posts = rail.index in program.posting[index]
            firings[rail.index, index] = min(count, _most_firings(program, rail, days)) if posts else Decimal(0)
    return firings


def _expected_ticks(
    program: Program,
    index: NodeIndex,
    ticks: Ticks,
    days: int,
    firings: Mapping[tuple[RailIndex, NodeIndex], Decimal],
    hours: Mapping[NodeIndex, tuple[SecondOfDay, SecondOfDay]],
) -> Decimal:
    """The expected number of ticks of a sweep that have something to bundle. `hours` are the hours of each node.

    Legs that other sweeps also bundle may be gone. They count only if there are no others.
    """
    bundled = {ends: bundlers for ends, bundlers in program.bundlers.items() if index in bundlers}
    alone = [ends for ends, bundlers in bundled.items() if len(bundlers) == 1 and firings.get(ends)]
    closings = _closings(ticks)
    on_days = ticks.day.size // len(closings)
    per_tick, together = [Decimal(0)] * len(closings), Decimal(0)
    for rail, node in alone or bundled:
        count = firings.get((rail, node), Decimal(0))
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
    """The seconds at which the ticks of a day close. The last one closes at midnight."""
    first = int(ticks.day[0])
    return [int(closing) - first * DAY_SECONDS for closing in ticks.closing[ticks.day == first]]


def _hours(program: Program) -> dict[NodeIndex, tuple[SecondOfDay, SecondOfDay]]:
    """The seconds of the day between which each node posts: its own hours, or the time after its cause."""
    found: dict[NodeIndex, tuple[SecondOfDay, SecondOfDay]] = {}
    for index in program.order:
        node = program.nodes[index]
        parents = () if node.primary else program.links_into(node)
        bands = [found[link.parent] for link in parents] or list(node.bands[1].values())
        bands = bands or [(node.driver.kind.band_start, node.driver.kind.band_end)]
        end = max(end for _, end in bands) + (CHILD_WITHIN if parents else 0)
        found[index] = min(start for start, _ in bands), min(end, DAY_SECONDS)
    return found


def _shares(band: tuple[SecondOfDay, SecondOfDay], closings: list[SecondOfDay]) -> list[Decimal]:
    """The share of postings that each tick of a day takes, if postings are spread evenly over a band."""
    start, end = band
    edges = [start, *(min(max(closing, start), end) for closing in closings)]
    return [Decimal(late - early) / (end - start) for early, late in pairwise(edges)]


def _most_firings(program: Program, rail: RailPlan, days: int) -> Decimal:
    """The most firings that a rail's caps allow, at a cent each. Infinite if an account that it debits has no cap."""
    debited = [c for c in program.universe.with_role(rail.legs[0].roles) if c.count]
    caps = [rail.caps.get(c.parent_role or "") for c in debited] if rail.legs[0].sign <= 0 else [None]
    if None in caps:
        return Decimal("Infinity")
    return Decimal(days * sum(c.count * (cap or 0) for c, cap in zip(debited, caps, strict=True)))


def _rail_line(
    program: Program, rail: RailPlan, firings: Mapping[tuple[RailIndex, NodeIndex], Decimal], days: int
) -> RailLine:
    nodes = [node for node in program.nodes if any(part is rail for part in node.rails)]
    legs = sum((firings[rail.index, node.index] for node in nodes), Decimal(0)) * len(rail.legs)
    bundled = sum(
        (firings[rail.index, node.index] for node in nodes if (rail.index, node.index) in program.bundlers),
        Decimal(0),
    ) * len(rail.legs)
    primary = [node for node in nodes if node.primary]
    drawn = any(all(part is not rail for part in node.derived) for node in primary)
    universe_parents = {c.parent_role for c in program.universe.with_role(rail.legs[0].roles)}
    caps = tuple(
        (role, cap) for role, cap in rail.caps.items() if rail.legs[0].sign <= 0 and role in universe_parents
    )
    return RailLine(
        rail=rail.name,
        transfer_type=rail.transfer_type,
        kind=rail.kind.label,
        fires=_fires(rail, nodes),
        scale=rail.kind.scale,
        units=rail.units,
        daily=legs / len(rail.legs) / rail.units / days if days else rail.daily,
        median_cents=_quantile(rail.amounts, 0.5) if drawn else None,
        p99_cents=_quantile(rail.amounts, 0.99) if drawn else None,
        band=f"{_clock(rail.kind.band_start)}-{_clock(rail.kind.band_end)}" if primary or rail.cadence else None,
        caps=caps,
        expected_legs=legs,
        expected_rows=legs + bundled,
    )


def _fires(rail: RailPlan, nodes: list[Node]) -> str:
    if rail.cadence is not None:
        return f"sweep {rail.cadence.text}"
    templates = [node.template.name for node in nodes if node.template is not None]
    way = "primary" if any(node.primary for node in nodes) else "chain child"
    return f"{way}, template {', '.join(templates)}" if templates else way


def _quantile(amounts: Lognormal, share: float) -> Cents:
    """The amount below which this share of the draws lies, from the sampler itself."""
    return int(amounts.cents(np.array([int(share * 2**64)], dtype=np.uint64))[0])


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
