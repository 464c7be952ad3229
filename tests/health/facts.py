"""Facts: a bank and its ledger side by side in an in-memory DuckDB, for conditions to be asked of.

The rows are in `transactions` and `balances`; everything else (`accounts`, `rails`, `sides`, `days`, `ticks`, …) is
what the bank file declares, worked out here from the design pages.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from seedbed.bank.links import Links
from seedbed.bank.model import Account, AccountTemplate, Bank, OneLegRail, Rail, TransferTemplate, TwoLegRail

from .amounts import Amounts, amounts_of
from .chain_views import CHAIN_VIEWS
from .reference import KINDS, Kind, business_days, kind_of, looks_like, tick_days

__all__ = [
    "Facts",
    "RailFact",
    "eligible_rows",
    "gather",
    "gather_on",
    "limit_rows",
    "quoted",
    "role_kinds",
    "sides_of",
]

PLANTS = 10

# `current` is the highest entry of each id, told without a look at every row: conditions on ids and on bundle
# assignments see to it that an id has one first row, and that what replaces it comes later.
VIEWS = """
create macro second_of(moment) as date_diff('second', date_trunc('day', moment), moment);
create macro metadata_value(object, name) as json_extract_string(object, '$."' || name || '"');
create macro is_opening(rail) as rail = 'OpeningBalance';
create view later as select * from transactions where supersedes is not null;
create view current as
    from later qualify row_number() over (partition by id order by entry desc) = 1
    union all
    from transactions where supersedes is null and id not in (select id from later);
create view moves as select * from current where not is_opening(rail_name);
create view transfers as
    select transfer_id, min(posting) as first_posting, max(posting) as last_posting,
           any_value(transfer_parent_id) as parent_id, any_value(template_name) as template_name,
           coalesce(any_value(template_name), any_value(rail_name)) as node,
           sum(greatest(amount_money, 0)) as credits, sum(abs(amount_money)) as gross
    from moves group by transfer_id;
create view leaves as select * from accounts where scope = 'internal' and not is_parent;
create view stored as
    select b.*, cast(b.business_day_start - to_hours(a.offset_hours) as date) as day, a.is_parent
    from balances b join accounts a on a.id = b.account_id;
create view computed as
    with running as (
        select account_id, posting, sum(sum(amount_money)) over (partition by account_id order by posting) as total
        from current where status = 'Posted' group by account_id, posting)
    select s.account_id, s.account_role, s.day, s.money, s.is_parent, coalesce(r.total, 0) as own
    from stored s asof left join running r on s.account_id = r.account_id and s.business_day_end > r.posting;
"""

TABLES = {
    "accounts": "id text, role text, scope text, parent_role text, expected decimal(20,2), plant boolean, "
    "offset_hours integer, is_parent boolean",
    "rails": "name text, transfer_type text, legs integer, aggregating boolean, opens double, closes double, "
    "child boolean, unbundled_seconds bigint, always boolean",
    "sides": "rail text, sign integer, role text, origin text",
    "days": "day date",
    "ticks": "aggregator text, day date",
    "cadences": "aggregator text, family text, number integer",
    "eligible": "aggregator text, rail text, template text",
    "legs_of": "template text, rail text, variable boolean, two_leg boolean, choice text",
    "templates": "name text, expected_net decimal(20,2), collects boolean",
    "chains": "parent text, child text, required boolean, decision text, parent_node text, child_node text, "
    "fan_in boolean, expected integer, "
    "in_days boolean, least integer, most integer, wait_days integer, wait_seconds integer",
    "turns": "own date, day date",
    "counted": "name text, period text, least integer, most integer",
    "monthly": "name text, day_of_month integer",
    "limits": "parent_role text, transfer_type text, rail text, sign integer, subject text, cap decimal(20,2)",
    "keys": "rail text, key text, examples text[]",
    "transfer_keys": "template text, key text",
}


def limit_rows(bank: Bank) -> list[tuple[object, ...]]:
    """Every cap: parent role, type, rail (null: every rail of the type), sign of what it caps, its key, dollars."""
    types = {rail.name: rail.transfer_type for rail in bank.rails}
    rows: list[tuple[object, ...]] = []
    for limit in bank.limit_schedules:
        inbound = limit.direction == "Inbound"
        of = limit.rail or limit.transfer_type
        key = f"{of}/Inbound" if inbound else of
        kind = types[limit.rail] if limit.rail else limit.transfer_type
        rows.append((limit.parent_role, kind, limit.rail, 1 if inbound else -1, key, limit.cap_cents / 100))
    return rows


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class RailFact:
    """A rail with its kind (None: not settled by the design pages) and what the reference profile asks of it.

    `units` is None where it is not settled whose accounts the rate counts for; `unit_roles` are the roles of these.
    """

    rail: Rail
    kind: Kind | None
    kind_name: str | None
    units: int | None
    unit_roles: frozenset[str]
    amounts: Amounts | None
    rate: float


@dataclass(frozen=True)
class Facts:
    """What a condition is asked of; `rows` runs SQL over the tables of this module."""

    bank: Bank
    connection: duckdb.DuckDBPyConnection
    anchor: date
    window_days: int
    counts: Mapping[str, int]
    findings: frozenset[tuple[str, str]] = frozenset()
    rails: Mapping[str, RailFact] = field(default_factory=dict)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query).fetchall()

    def offenders(self, query: str, limit: int = 4) -> list[str]:
        """The first rows of a query whose every row is a violation, as text."""
        result = self.connection.execute(f"select * from ({query}) limit {limit}")
        names = [column[0] for column in result.description]
        return [", ".join(f"{n}={v}" for n, v in zip(names, row, strict=True)) for row in result.fetchall()]

    def found(self, rule: str, *names: str) -> bool:
        """Whether a structural finding of this rule is about one of these elements."""
        return any((rule, name) in self.findings for name in names)

    def settle(self) -> None:
        """Works the views out once; from here on changes of the rows no longer show in them."""
        for view in ("current", "transfers", "stored", "computed", "ends", "pairs", "shares", "capped"):
            self.connection.execute(f"create table settled as from {view}; drop view {view}")
            self.connection.execute(f"alter table settled rename to {view}")

    def baseline_accounts(self, roles: Iterable[str]) -> int:
        """How many accounts that are no plants have one of these roles."""
        listed = ", ".join(map(quoted, roles))
        return int(self.rows(f"select count(*) from accounts where not plant and role in ({listed})")[0][0])


def sides_of(rail: Rail) -> tuple[tuple[int, tuple[str, ...], str | None], ...]:
    """(sign, roles, origin) of each leg; sign 0 is a Variable leg."""
    if isinstance(rail, TwoLegRail):
        return (
            (-1, rail.source_roles, rail.source_origin or rail.origin),
            (+1, rail.destination_roles, rail.destination_origin or rail.origin),
        )
    assert isinstance(rail, OneLegRail)
    return (({"Debit": -1, "Credit": 1, "Variable": 0}[rail.leg_direction], rail.leg_roles, rail.origin),)


def _chain_rows(bank: Bank) -> list[tuple[Any, ...]]:
    """One row for each link that fires: its ends, Required or not, its decision, the nodes of the ends, its fan-in.

    Which entries never fire (circles, repetitions, …) is the canonical form's to say, which has tests of its own.
    """
    links, rows = Links(bank), []
    for decision in links.decisions:
        delays = {link: links.delay_of(link) for link in decision.links}
        known = [delay for delay in delays.values() if delay is not None]
        waits = [max((delay.most for delay in known if delay.days == days), default=0) for days in (True, False)]
        for link, delay in delays.items():
            ends = bank.chains[link.chain].parent, bank.chains[link.chain].child
            nodes = links.nodes[link.parent].name, links.nodes[link.child].name
            said = (False, None, None) if delay is None else (delay.days, delay.least, delay.most)
            shared = bank.chains[link.chain].fan_in, bank.chains[link.chain].expected_parent_count
            rows.append((*ends, decision.required, decision.label, *nodes, *shared, *said, *waits))
    return rows


def _fires_always(bank: Bank, rail: Rail) -> bool:
    """Whether a rail fires on closed days: it alone, or all legs of a template of it but the Variable one."""
    legs = {rail.name: rail for rail in bank.rails}
    homes = [t for t in bank.transfer_templates if rail.name in t.leg_rails]
    fixed = [[leg for name in home.leg_rails if not _is_variable(leg := legs[name])] for home in homes]
    return any(one and all(leg.calendar == "always" for leg in one) for one in fixed or [[rail]])


def _is_variable(rail: Rail) -> bool:
    return isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"


def _turns(bank: Bank, anchor: date, window: int) -> list[tuple[date, date]]:
    """Each day around the window with the day to which it counts for caps."""
    always = any(_fires_always(bank, rail) for rail in bank.rails)
    first, last = anchor - timedelta(window - 1), anchor
    open_days = business_days(anchor, window, bank.calendar)
    rows = []
    for back in range(window + 3, -3, -1):
        own = last - timedelta(back)
        later = [day for day in open_days if day >= own]
        rows.append((own, later[0] if always and own >= first and later else own))
    return rows


def _hours(rail: Rail, fact: "RailFact") -> tuple[float, float]:
    """The hours of a rail, by its own keys or else by its kind."""
    if rail.hours is not None and not rail.aggregating:
        return rail.hours.start / 3600, rail.hours.end / 3600
    if rail.cadence is not None and rail.cadence.family == "daily-bod":
        return 0, 0
    if rail.calendar == "always":
        return 0, 24
    return (fact.kind.opens, fact.kind.closes) if fact.kind else (9, 22)


def _frequencies(bank: Bank) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What fires by a count per period, and by a day of the month: rails on their own and templates, no children."""
    children = {link.child for link in Links(bank).firing}
    counted, monthly = [], []
    for node in Links(bank).nodes:
        if node.index in children or node.aggregates:
            continue
        if node.typical is not None:
            counted.append((node.name, node.typical.period, *node.typical.range))
        elif node.day_of_month is not None:
            monthly.append((node.name, node.day_of_month))
    return counted, monthly


def child_rails(bank: Bank) -> frozenset[str]:
    """Rails that fire as chain children anywhere: on their own, or as legs of a template that is one."""
    links = Links(bank)
    return frozenset(rail.name for link in links.firing for rail in links.nodes[link.child].rails)


def role_kinds(bank: Bank) -> dict[str, str | None]:
    """`customer` or `merchant` for each role that the bank declares, by its key or else by its name; else None."""
    words = {"customer_dda": "customer", "merchant_dda": "merchant"}
    holders = (*bank.accounts, *bank.account_templates)
    said = {holder.role: words.get(holder.kind) for holder in holders if holder.role and holder.kind}
    return {holder.role: looks_like(holder.role) for holder in holders if holder.role} | said


def _kind_name(bank: Bank, rail: Rail) -> str | None:
    """The kind of a rail, by its key or else by its type and sides; None where the design pages leave it open."""
    if rail.kind is not None and rail.cadence is None:
        return "ach return" if rail.kind == "ach_return" else rail.kind.replace("_", " ")
    # A role that stands above others is a control account, whatever its name.
    above = {holder.parent_role for holder in (*bank.accounts, *bank.account_templates) if holder.scope == "internal"}
    customers = {role for role, kind in role_kinds(bank).items() if kind == "customer"} - above

    def names(side: int) -> bool:
        return any(customers & set(roles) for sign, roles, _ in sides_of(rail) if sign == side)

    return kind_of(rail.transfer_type, rail.cadence, names(-1), names(1))


def _units(bank: Bank, rail: Rail, kind: Kind | None, counts: Mapping[str, int]) -> tuple[int | None, frozenset[str]]:
    """How many accounts the rate of a rail counts for, and their roles; None where that is not settled."""
    if rail.per is not None:
        return counts[rail.per] or None, frozenset({rail.per})
    if kind is None or kind.scale == "system":
        return 1, frozenset()
    kinds = role_kinds(bank)
    everyone = {t.role for t in bank.account_templates if kinds[t.role] == kind.scale and t.scope == "internal"}
    ours = frozenset(everyone & {role for _, roles, _ in sides_of(rail) for role in roles})
    counted = sum(counts[role] for role in ours)
    return counted or (1 if not any(counts[role] for role in everyone) else None), ours


def _rail_fact(bank: Bank, rail: Rail, counts: Mapping[str, int]) -> RailFact:
    kind_name = _kind_name(bank, rail)
    kind = KINDS[kind_name] if kind_name else None
    units, roles = _units(bank, rail, kind, counts)
    override = bank.baseline.rails.get(rail.name)
    factor = 1 if override is None or override.seed_volume_multiplier is None else override.seed_volume_multiplier
    rate = kind.rate * float(factor) if kind else 0.0
    return RailFact(rail, kind, kind_name, units, roles, amounts_of(rail, kind, override), rate)


def _expand(pattern: str, role: str, number: int) -> str:
    text = pattern.replace("{role}", role)
    return re.sub(r"\{n(?::0(\d+)d)?\}", lambda match: str(number).zfill(int(match[1] or 0)), text)


def _account_rows(bank: Bank, counts: Mapping[str, int], seen: Mapping[str, list[str]]) -> list[tuple[Any, ...]]:
    """One row per account. Where a template has no id pattern, its ids are those seen in the rows, by number."""
    owners: list[Account | AccountTemplate] = [*bank.accounts, *bank.account_templates]
    internal = [owner for owner in owners if owner.scope == "internal"]
    parents = {a.parent_role for a in internal if a.parent_role}
    offsets, declared = bank.role_business_day_offsets, {account.id for account in bank.accounts}
    rows: list[tuple[Any, ...]] = []
    plant_ids: set[str] = set()

    def add(account_id: str, role: str, element: Account | AccountTemplate, plant: bool) -> None:
        expected = element.expected_eod_balance_cents
        money = None if expected is None else expected / 100
        # A day that starts at -4 hours is named by the date on which it starts, like one of +20 hours.
        offset = offsets.get(role, 0) % 24
        rows.append((account_id, role, element.scope, element.parent_role, money, plant, offset, role in parents))

    for template in bank.account_templates:
        numbers = range(1, PLANTS + counts[template.role] + 1)
        pattern = template.instance_id_template
        if pattern:
            ids = {number: _expand(pattern, template.role, number) for number in numbers}
        else:
            # A declared account may have a number of its own in its name: it gives way.
            ours = sorted(seen.get(template.role, []), key=lambda name: name not in declared)
            ids = {int(re.findall(r"\d+", name)[-1]): name for name in ours if re.search(r"\d", name)}
        plant_ids |= {name for number, name in ids.items() if number <= PLANTS}
        for number, name in ids.items():
            if name not in declared:
                add(name, template.role, template, number <= PLANTS)
    for account in bank.accounts:
        add(account.id, account.role or seen.get(account.id, [""])[0], account, account.id in plant_ids)
    return rows


def eligible_rows(bank: Bank) -> list[tuple[str, str, str]]:
    """(aggregating rail, rail, template or '') for every sort of leg that a bundle selector picks."""
    types = {template.name: template.transfer_type for template in bank.transfer_templates}
    homes: dict[str, list[str]] = {rail.name: [] for rail in bank.rails}
    for template in bank.transfer_templates:
        for name in template.leg_rails:
            homes[name].append(template.name)
    rows = []
    for sweeper in (rail for rail in bank.rails if rail.aggregating):
        for rail in bank.rails:
            for home in homes[rail.name] or [""]:
                spellings = {rail.name, rail.transfer_type, home, f"{home}.{rail.name}", types.get(home, "")} - {""}
                if rail.name != sweeper.name and spellings & set(sweeper.bundles_activity):
                    rows.append((sweeper.name, rail.name, home))
    return rows


def choice_of(template: TransferTemplate, rail: str) -> str:
    """What a leg rail shares with those that exclude it: the names of its group, or its own alone."""
    groups = [members for members in template.leg_rail_xor_groups if rail in members]
    return " or ".join(groups[0]) if groups else rail


def _declared(bank: Bank, counts: Mapping[str, int], seen: Mapping[str, list[str]], anchor: date, window: int,
              rails: Mapping[str, RailFact]) -> dict[str, list[tuple[Any, ...]]]:  # fmt: skip
    children = child_rails(bank)
    two_leg = {rail.name for rail in bank.rails if isinstance(rail, TwoLegRail)}
    variable = {rail.name for rail in bank.rails if isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"}
    sweepers = [rail for rail in bank.rails if rail.cadence is not None]
    return {
        "accounts": _account_rows(bank, counts, seen),
        "rails": [
            (r.name, r.transfer_type, 2 if r.name in two_leg else 1, r.aggregating,
             *_hours(r, f), r.name in children, r.max_unbundled_age_seconds, _fires_always(bank, r))
            for f in rails.values() for r in (f.rail,)
        ],
        "sides": [
            (rail.name, one_sign, role, origin)
            for rail in bank.rails for sign, roles, origin in sides_of(rail)
            for role in roles for one_sign in ((sign,) if sign else (-1, 1))
        ],
        "days": [(day,) for day in business_days(anchor, window, bank.calendar)],
        "ticks": [
            (r.name, day)
            for r in sweepers if r.cadence for day in tick_days(r.cadence, anchor, window, bank.calendar)
        ],
        "cadences": [(r.name, r.cadence.family, r.cadence.number) for r in sweepers if r.cadence],
        "eligible": eligible_rows(bank),
        "legs_of": [
            (t.name, name, name in variable, name in two_leg, choice_of(t, name))
            for t in bank.transfer_templates for name in t.leg_rails
        ],
        "templates": [
            (t.name, t.expected_net_cents / 100, bool(two_leg & set(t.leg_rails))) for t in bank.transfer_templates
        ],
        "chains": _chain_rows(bank),
        "turns": _turns(bank, anchor, window),
        "counted": _frequencies(bank)[0],
        "monthly": _frequencies(bank)[1],
        "limits": limit_rows(bank),
        "keys": [
            (rail.name, key, [text for text in rail.metadata_value_examples.get(key, ())
                              if text or key not in rail.posted_requirements])
            for rail in bank.rails for key in rail.metadata_keys
        ],
        "transfer_keys": [(t.name, key) for t in bank.transfer_templates for key in t.transfer_key],
    }  # fmt: skip


def _load(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns]
    connection.register("arriving", pa.table(plain, names=table.column_names))
    connection.execute(f"create table {name} as select * from arriving")
    connection.unregister("arriving")


def gather(
    bank: Bank,
    transactions: pa.Table,
    daily_balances: pa.Table,
    anchor: date,
    window_days: int,
    accounts: Mapping[str, int] | None = None,
    findings: Iterable[tuple[str, str]] = (),
) -> Facts:
    """Puts a ledger and what its bank declares into one DuckDB connection; `findings` are (rule, element) pairs."""
    connection = duckdb.connect()
    _load(connection, "transactions", transactions)
    _load(connection, "balances", daily_balances)
    return gather_on(connection, bank, anchor, window_days, accounts, findings)


def gather_on(
    connection: duckdb.DuckDBPyConnection,
    bank: Bank,
    anchor: date,
    window_days: int,
    accounts: Mapping[str, int] | None = None,
    findings: Iterable[tuple[str, str]] = (),
) -> Facts:
    """The same on a connection where the rows are there already, as `transactions` and `balances`."""
    kinds = role_kinds(bank)
    counts = {t.role: 20 if kinds[t.role] == "customer" else 5 for t in bank.account_templates}
    counts |= dict(bank.baseline.accounts) | dict(accounts or {})
    seen: dict[str, list[str]] = {}
    for role, name in connection.execute(
        """
        select distinct account_role, account_id from balances
        union select distinct account_role, account_id from transactions order by all
        """
    ).fetchall():
        seen.setdefault(role, []).append(name)
        seen.setdefault(name, [role])
    rails = {rail.name: _rail_fact(bank, rail, counts) for rail in bank.rails}
    for name, rows in _declared(bank, counts, seen, anchor, window_days, rails).items():
        connection.execute(f"create table {name} ({TABLES[name]})")
        if rows:
            columns = [pa.array(column) for column in zip(*rows, strict=True)]
            connection.register("arriving", pa.table(columns, names=[f"c{n}" for n in range(len(columns))]))
            connection.execute(f"insert into {name} select * from arriving")
            connection.unregister("arriving")
    connection.execute(VIEWS + CHAIN_VIEWS)
    return Facts(bank, connection, anchor, window_days, counts, frozenset(findings), rails)
