"""An independent reading of the views' definitions: the keys of every exception view, in plain DuckDB SQL."""

import json
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from seedbed.bank.links import End, Links
from seedbed.bank.model import Bank, OneLegRail, Rail, TwoLegRail
from seedbed.ledger.dataset import Ledger
from tests.health.facts import eligible_rows, limit_rows

__all__ = ["answered", "connect", "exceptions"]

SETUP = """
create view cur as select * from tx qualify row_number() over (partition by id order by entry desc) = 1;
create view posted as select * from cur where status = 'Posted';
create view bal as select * from balances
  qualify row_number() over (partition by account_id, business_day_start order by entry desc) = 1;
create table computed as
  select b.account_id, b.business_day_start, coalesce(sum(p.amount_money), 0) as money
  from bal b left join posted p on p.account_id = b.account_id and p.posting < b.business_day_end group by all;
create view flows as
  select account_id, l.subject, cap, (posting - to_hours(coalesce(o.hours, 0)))::date as day,
         abs(sum(amount_money)) as moved
  from posted p left join offsets o on o.role = account_role
  join limits l on l.parent_role = account_parent_role and l.transfer_type = p.transfer_type
    and coalesce(l.rail, rail_name) = rail_name and l.sign = sign(amount_money) group by all;
create view alive as
  select distinct transfer_id, transfer_parent_id, status, rail_name as name,
         coalesce(template_name, rail_name) as node
  from cur where status <> 'Failed'
  union select distinct transfer_id, transfer_parent_id, status, template_name, template_name
  from cur where status <> 'Failed' and template_name is not null;
create table ends as select distinct transfer_id, name, node from alive where status = 'Posted';
create table children as
  select distinct transfer_parent_id, transfer_id, name, node from alive where transfer_parent_id is not null;
"""

KEYS: Mapping[str, str] = {
    "drift": """select account_id || '/' || business_day_start::date
        from bal join computed c using (account_id, business_day_start)
        where account_role not in (select account_parent_role from bal where account_parent_role is not null)
          and bal.money <> c.money""",
    "ledger_drift": """select b.account_id || '/' || b.business_day_start::date from bal b
        join computed c using (account_id, business_day_start)
        join (select account_parent_role as role, business_day_start::date as day, sum(money) as money from bal
              where account_parent_role is not null group by all) k
          on k.role = b.account_role and k.day = b.business_day_start::date
        where b.money <> c.money + k.money""",
    "overdraft": "select account_id || '/' || business_day_start::date from bal where money < 0",
    "expected_eod_balance_breach": """select account_id || '/' || business_day_start::date from bal
        where expected_eod_balance is not null and money <> expected_eod_balance""",
    "limit_breach": "select account_id || '/' || day || '/' || subject from flows where moved > cap",
    "stuck_pending": """select id from cur join rails r on r.name = rail_name
        where status = 'Pending' and r.pending is not null
          and posting + to_seconds(r.pending) < (select as_of from facts)""",
    "stuck_unbundled": """select id from posted join rails r on r.name = rail_name
        where bundle_id is null and r.unbundled is not null
          and posting + to_seconds(r.unbundled) < (select as_of from facts)
          and exists (select 1 from selectors s
              where s.rail = rail_name and s.template = coalesce(template_name, ''))""",
    "supersession_audit": """select distinct id from (
          select *, lag(account_id) over w as a0, lag(amount_money) over w as m0, lag(status) over w as s0,
                 lag(posting) over w as p0 from tx window w as (partition by id order by entry))
        where (s0 = 'Posted' or supersedes = 'TechnicalCorrection')
          and (account_id <> a0 or amount_money <> m0 or status <> s0 or posting::date <> p0::date)""",
    "transfer_net": """select transfer_id || '/' || any_value(coalesce(template_name, rail_name))
        from cur join rails r on r.name = rail_name
        group by transfer_id having not bool_or(status = 'Pending') and bool_or(status = 'Posted')
           and sum(amount_money) filter (status = 'Posted')
             <> any_value(coalesce((select net from templates t where t.name = template_name), r.net))""",
    "leg_xor_exceptions": """select a.transfer_id || '/' || c.label from cur a
        join choices c on c.template = a.template_name where a.status <> 'Failed'
        group by a.transfer_id, c.label
        having count(distinct a.rail_name) filter (list_contains(c.members, a.rail_name)) > 1
            or (count(*) filter (list_contains(c.members, a.rail_name)) = 0
                and bool_or(a.status = 'Posted') and not bool_or(a.status = 'Pending'))""",
    "late_posting": "select id from posted where posting > transfer_completion",
    "chain_exceptions": """select e.transfer_id || '/' || label from ends e
        join chains c on c.parent = e.name and c.parent_node = e.node
        group by e.transfer_id, label
        having not bool_or(exists (
            select 1 from children k
            where k.transfer_parent_id = e.transfer_id and k.name = c.child and k.node = c.child_node))
           and bool_or(c.required)
        union select e.transfer_id || '/' || label from ends e
        join chains c on c.parent = e.name and c.parent_node = e.node
        join children k on k.transfer_parent_id = e.transfer_id and k.name = c.child and k.node = c.child_node
        where c.grouped group by e.transfer_id, label having count(distinct k.transfer_id) > 1
        union select p.transfer_id || '/>' || c.child from posted p
        join chains c on coalesce(p.template_name, p.rail_name) = c.child_node
          and c.child in (p.rail_name, p.template_name)
        where not exists (
            select 1 from chains d join alive a on a.name = d.parent and a.node = d.parent_node
            where d.child_node = c.child_node and a.transfer_id = p.transfer_parent_id
              and a.transfer_id <> p.transfer_id)""",
    "fan_in_exceptions": """select k.transfer_id || '/' || c.label from chains c
        join children k on k.name = c.child and k.node = c.child_node
        join alive p on p.name = c.parent and p.node = c.parent_node and p.transfer_id = k.transfer_parent_id
        where c.fan_in group by k.transfer_id, c.label, c.expected
        having count(distinct p.transfer_id) <> coalesce(c.expected, greatest(count(distinct p.transfer_id), 2))""",
    "unmatched_postings": """select id from cur where rail_name <> 'OpeningBalance'
        and (rail_name, transfer_type, account_role) not in (select (name, type, role) from roles)""",
    "posted_requirement_gaps": """select p.id || '/' || q.key from posted p join requirements q
        on q.rail = p.rail_name and (q.template is null or q.template = p.template_name)
        where coalesce(json_extract_string(p.metadata, '$."' || q.key || '"'), '') = ''""",
}


def _table(con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    con.execute(f"create table {name} ({columns})")
    if rows:
        con.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)


def _never_empty(rail: Rail) -> set[str]:
    """The keys of a rail's metadata but those that may be empty, as one of their examples is."""
    empty = {key for key, examples in rail.metadata_value_examples.items() if "" in examples}
    return {*rail.posted_requirements} | {*rail.metadata_keys} - empty


def _chain_rows(bank: Bank) -> list[tuple[object, ...]]:
    """One row for each link that fires: the names of its ends and of their nodes, its decision's label and flags."""
    links = Links(bank)

    def named(end: End) -> tuple[str, str]:
        node = links.nodes[end.node].name
        return end.rail or node, node

    return [
        (
            *named(link.ends[0]),
            *named(link.ends[1]),
            decision.label,
            decision.grouped,
            decision.required,
            bank.chains[link.chain].fan_in,
            bank.chains[link.chain].expected_parent_count,
        )
        for decision in links.decisions
        for link in decision.links
    ]


def connect(bank: Bank, ledger: Ledger) -> duckdb.DuckDBPyConnection:
    """A connection with the rows as `tx` and `balances`, the answer key, and what the bank declares."""
    con = duckdb.connect()
    for name, table in (("tx", ledger.transactions), ("balances", ledger.daily_balances), ("key", ledger.answer_key)):
        plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
        con.register("arriving", pa.table(plain, names=table.column_names))
        con.execute(f"create table {name} as select * from arriving")
    anchor = ledger.dataset.anchor
    _table(con, "facts", "as_of timestamp", [(f"{anchor.fromordinal(anchor.toordinal() + 1)} 00:00:00",)])
    _table(con, "offsets", "role text, hours int", [(r, h % 24) for r, h in bank.role_business_day_offsets.items()])
    _table(
        con,
        "limits",
        "parent_role text, transfer_type text, rail text, sign int, subject text, cap decimal(20,2)",
        limit_rows(bank),
    )
    in_template = {name for template in bank.transfer_templates for name in template.leg_rails}
    _table(
        con,
        "rails",
        "name text, type text, pending bigint, unbundled bigint, net decimal(20,2)",
        [
            (
                rail.name,
                rail.transfer_type,
                rail.max_pending_age_seconds,
                rail.max_unbundled_age_seconds,
                (rail.expected_net_cents or 0) / 100
                if isinstance(rail, TwoLegRail) and rail.name not in in_template
                else None,
            )
            for rail in bank.rails
        ],
    )
    _table(
        con,
        "templates",
        "name text, net decimal(20,2)",
        [(t.name, t.expected_net_cents / 100) for t in bank.transfer_templates],
    )
    _table(
        con,
        "choices",
        "template text, label text, members text[]",
        [
            (t.name, " | ".join(group), list(group))
            for t in bank.transfer_templates
            for group in t.leg_rail_xor_groups
        ],
    )
    selectors = {(rail, template) for _, rail, template in eligible_rows(bank)}
    _table(con, "selectors", "rail text, template text", sorted(selectors))
    columns = (
        "parent text, parent_node text, child text, child_node text, label text, grouped bool, required bool, "
        "fan_in bool, expected int"
    )
    _table(con, "chains", columns, _chain_rows(bank))
    _table(
        con,
        "roles",
        "name text, type text, role text",
        [
            (rail.name, rail.transfer_type, role)
            for rail in bank.rails
            for role in (
                rail.leg_roles if isinstance(rail, OneLegRail) else (*rail.source_roles, *rail.destination_roles)
            )
        ],
    )
    _table(
        con,
        "requirements",
        "rail text, template text, key text",
        [(rail.name, None, key) for rail in bank.rails for key in _never_empty(rail)]
        + [(name, t.name, key) for t in bank.transfer_templates for name in t.leg_rails for key in t.transfer_key],
    )
    con.execute(SETUP)
    return con


def exceptions(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The keys of every exception view that has rows."""
    found = {view: {key for (key,) in con.execute(sql).fetchall()} for view, sql in KEYS.items()}
    return {view: keys for view, keys in found.items() if keys}


def answered(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The keys that the answer key lists, by exception view."""
    listed: dict[str, set[str]] = {}
    rows = con.execute("select place, key from key where item in ('view', 'collateral')").fetchall()
    for view, key in rows:
        if view in KEYS:
            listed.setdefault(view, set()).add(key)
    return listed


def detail(con: duckdb.DuckDBPyConnection, plant: str) -> dict[str, object]:
    """The facts of a plant, from its line in the answer key."""
    [(text,)] = con.execute("select detail from key where plant_id = ? and item = 'plant'", [plant]).fetchall()
    facts: dict[str, object] = json.loads(text)
    return facts
