"""Conditions on chains: who has a child, when it fires, for how much, on whose account, and how often."""

from math import sqrt

from .facts import Facts, quoted, role_kinds

__all__ = ["CHAIN_CONDITIONS", "CHAIN_RATE_CONDITIONS", "can_fire"]


def children_have_their_parent(facts: Facts) -> list[str]:
    """Chain children fire under a declared parent's transfer and never alone; nothing else names a parent.

    The whole template fires where a chain names one of its leg rails.
    """
    return facts.offenders(
        """
        with named as (select *, coalesce(template_name, rail_name) as node from moves)
        select m.transfer_id, m.rail_name, m.template_name, m.transfer_parent_id from named m
        where (m.node in (select child_node from chains) or m.transfer_parent_id is not null)
          and not exists (
            select 1 from chains c join ends p on p.name = c.parent and p.node = c.parent_node
            where c.child_node = m.node and p.transfer_id = m.transfer_parent_id)
        """
    )


def children_follow_their_parent(facts: Facts) -> list[str]:
    """60 to 900 seconds after the parent's last leg, or as the chain says, on its day, never past 23:59:59.

    A delay of business days counts those after the parent's. The child of a parent on a closed day may wait for the
    next business day. Where several chains lead from one parent to one child, a child may be that of any.
    """
    return facts.offenders(
        """
        with places as (select day, row_number() over (order by day) as place from days),
        timed as (
            select p.*, cast(child_first as date) - cast(parent_last as date) as later,
                   (select count(*) from places where day <= cast(child_first as date))
                   - (select count(*) from places where day <= cast(parent_last as date)) as steps,
                   cast(parent_last as date) not in (select day from days) as closed,
                   case when in_days or most is null then 60 else least end as soonest,
                   case when in_days or most is null then 900 else most + 1 end as latest
            from pairs p),
        told as (
            select *, later = 0 and child_first >= least(parent_last + to_seconds(soonest),
                                                         date_trunc('day', parent_last) + interval '86399 seconds')
                      and child_last <= least(parent_last + to_seconds(latest),
                                              date_trunc('day', parent_last) + interval '86399 seconds') as at_once,
                   later > 0 and closed and steps = 1 and cast(child_first as date) in (select day from days) as next
            from timed)
        select parent, child, parent_transfer, parent_last, child_first, child_last from told t
        where not exists (
            select 1 from told o where o.parent_transfer = t.parent_transfer and o.child_transfer = t.child_transfer
              and case when o.in_days then o.later > 0 and o.steps between o.least and o.most
                                           or o.least = 0 and (o.at_once or o.next)
                       else o.at_once or o.next end)
        """
    )


def children_take_their_parents_amount(facts: Facts) -> list[str]:
    """The parent's amount (of a template the sum of its credits), or what is left of the child's own cap.

    For child rails that are no template legs, for templates with a single leg rail of two legs, and for those of
    one-leg rails on both sides, as far as a cent for each leg and the expected net allow. A template whose legs are
    under caps, and a rail under a cap on both sides, share them out evenly and may come to less. Where chains name
    the parent twice, as a template and by one of its legs, the amount is that of either.
    """
    return facts.offenders(
        """
        with plain as (
            select name, 0.00 as least,
                   name in (select rail from capped_sides group by rail having count(distinct sign) > 1) as less
            from rails where name not in (select rail from legs_of)
            union all
            select template, 0.00, false from legs_of group by template having count(*) = 1 and bool_and(two_leg)
            union all
            select l.template, abs(any_value(t.expected_net)) + 0.01 * count(*),
                   l.template in (select name from capped where name is not null) from legs_of l
            join sides s on s.rail = l.rail join templates t on t.name = l.template
            group by l.template having not bool_or(l.variable or l.two_leg) and min(s.sign) < max(s.sign)),
        moved as (
            select account_id, subject, cap_day, any_value(cap) - sum(abs(amount_money)) as left_over
            from under_caps group by all),
        spent as (
            select u.transfer_id from under_caps u join moved p using (account_id, subject, cap_day)
            where p.left_over = 0)
        select parent, child, parent_amount, child_amount, child_transfer from pairs
        join plain on plain.name = child
        where child_amount <> parent_amount and parent_amount >= plain.least
          and not exists (select 1 from pairs o where o.child_transfer = pairs.child_transfer
                                                  and o.child_amount = o.parent_amount)
          and (child_amount > parent_amount
               or not plain.less and child_transfer not in (select transfer_id from spent))
        """
    )


def children_stay_on_their_parents_account(facts: Facts) -> list[str]:
    """Where a role of the parent's legs stands on a side of the child, an account of the parent's takes that side.

    An account never stands on both sides, so a two-leg child may need another one on its second side. Where one leg
    of the parent's was fired several times, on several accounts, any one of them stands for that leg. The account
    on whose behalf the parent fired comes first, also where it has no leg of the parent's.
    """
    kinds, per = role_kinds(facts.bank), {rail.per for rail in facts.bank.rails}
    units = (quoted(t.role) for t in facts.bank.account_templates if kinds[t.role] or t.role in per)
    return facts.offenders(
        f"""
        with own as (select distinct p.child_transfer, p.child, p.parent, m.account_id, m.account_role,
                            m.rail_name, m.amount_direction
                     from pairs p join moves m on m.transfer_id = p.parent_transfer),
        strangers as (select m.* from moves m join (select distinct child_transfer, child from own) o
                      on o.child_transfer = m.transfer_id and o.child = m.rail_name
                      where not exists (select 1 from own o where o.child_transfer = m.transfer_id
                                                              and o.account_id = m.account_id)
                        and (m.account_role not in ({", ".join([*units, "''"])})
                             or exists (select 1 from own o where o.child_transfer = m.transfer_id
                                                              and o.account_role = m.account_role))),
        wanted as (select o.child_transfer, o.parent, o.child, m.id, m.account_id, o.account_role, o.rail_name,
                          o.amount_direction
                   from own o join strangers m on m.transfer_id = o.child_transfer and m.rail_name = o.child
                   join sides s on s.rail = m.rail_name and s.role = o.account_role
                       and (m.amount_money = 0 or s.sign = sign(m.amount_money))),
        taken as (select distinct n.transfer_id, n.rail_name as child, o.account_role, o.rail_name, o.amount_direction
                  from own o join moves n on n.transfer_id = o.child_transfer and n.account_id = o.account_id)
        select child_transfer, parent, child, id, account_id from wanted w where not exists (
            select 1 from taken t where t.transfer_id = w.child_transfer and t.child = w.child
              and t.account_role = w.account_role and t.rail_name = w.rail_name
              and t.amount_direction = w.amount_direction)
        """
    )


def at_most_one_child_per_parent(facts: Facts) -> list[str]:
    """Of one entry, and of all the entries of one XOR group.

    Where several of them lead from one parent to one child, nothing tells which a child is of: one for each then.
    """
    return facts.offenders(
        """
        with several as (
            select parent_node, child_node, count(distinct decision) as times from chains
            where not fan_in group by all),
        most as (
            select c.decision, max(s.times) as times from chains c join several s using (parent_node, child_node)
            group by c.decision)
        select parent_transfer, decision, count(distinct child_transfer) as children
        from pairs join most using (decision) group by all having count(distinct child_transfer) > most.times
        """
    )


def _entries(facts: Facts) -> list[tuple[str, list[str], bool, bool]]:
    """(parent, children, required, of settled rate) for every entry or XOR group that can fire and has no cap."""
    capped = {name for (name,) in facts.rows("select name from capped")}
    returns = {name for name, fact in facts.rails.items() if fact.kind_name == "ach return"}
    decisions = facts.rows(
        """
        select any_value(parent), list(distinct child order by child), list(distinct child_node), any_value(required)
        from chains where not fan_in group by decision order by decision
        """
    )
    entries = []
    for parent, children, nodes, required in decisions:
        ends = {*children, *nodes}
        if ends & capped or not all(can_fire(facts, end) for end in ends):
            continue
        legs = {name for t in facts.bank.transfer_templates if t.name in ends for name in t.leg_rails}
        entries.append((parent, children, required, required or not (ends | legs) & returns))
    return entries


def can_fire(facts: Facts, name: str) -> bool:
    """Whether every side of a rail, or of a template's rails, has an account of its own to stand on.

    Of leg rails that exclude each other one is enough.
    """
    choices: dict[str, list[bool]] = {}
    for rail, choice in facts.rows(f"select rail, choice from legs_of where template = {quoted(name)}"):
        choices.setdefault(choice, []).append(_stands(facts, rail))
    return all(map(any, choices.values())) if choices else _stands(facts, name)


def _stands(facts: Facts, rail: str) -> bool:
    """Whether every side of a rail has an account of its own to stand on."""
    sides = facts.rows(f"select sign, list(role) from sides where rail = {quoted(rail)} group by sign")
    pools = [facts.baseline_accounts(roles) for _, roles in sides]
    together = facts.baseline_accounts({role for _, roles in sides for role in roles})
    legs = 2 if facts.rows(f"select 1 from rails where name = {quoted(rail)} and legs = 2") else 1
    return min(pools, default=0) >= 1 and together >= legs


def _outcome(facts: Facts, parent: str, children: list[str]) -> tuple[int, int, bool]:
    """(parents, parents with a child, whether the first parent has one), the first by its first or its last leg.

    A parent of 0.00, such as a sweep of closing legs that had nothing to close, has nothing to hand on. One that is
    younger than the longest delay of its child, or whose child waits for a business day, does not count yet.
    """
    listed = ", ".join(quoted(child) for child in children)
    of, end = quoted(parent), quoted(facts.anchor.isoformat())
    [(days, seconds)] = facts.rows(
        f"select max(wait_days), max(wait_seconds) from chains where parent = {of} and child in ({listed})"
    )
    complete = f"p.transfer_id in (select parent_transfer from pairs where parent = {of} and child in ({listed}))"
    rows = facts.rows(
        f"""
        select count(*), count(*) filter (done),
               coalesce(bool_or(done) filter (first_posting = earliest_first or last_posting = earliest_last), true)
        from (select {complete} as done, t.first_posting, t.last_posting,
                     min(t.first_posting) over () as earliest_first, min(t.last_posting) over () as earliest_last
              from ends p join transfers t using (transfer_id)
              where p.name = {of} and p.amount > 0
                and p.node in (select parent_node from chains where parent = {of} and child in ({listed}))
                and (select count(*) from days where day > cast(t.last_posting as date)) >= {days}
                and (cast(t.last_posting as date) in (select day from days)
                     or exists (select 1 from days where day > cast(t.last_posting as date)))
                and ({seconds} = 0 or t.last_posting + to_seconds({seconds})
                                      <= date {end} + interval 1 day))
        """
    )
    parents, complete, first = rows[0]
    return parents, complete, first


def first_parents_complete(facts: Facts) -> list[str]:
    broken = []
    for parent, children, _, _ in _entries(facts):
        parents, complete, first = _outcome(facts, parent, children)
        if not first:
            broken.append(f"parent={parent}, children={children}, parents={parents}, complete={complete}")
    return broken


def few_required_parents_all_complete(facts: Facts) -> list[str]:
    broken = []
    for parent, children, required, _ in _entries(facts):
        parents, complete, _ = _outcome(facts, parent, children)
        if required and parents < 20 and complete < parents:
            broken.append(f"parent={parent}, children={children}, parents={parents}, complete={complete}")
    return broken


def completion_rates_are_as_declared(facts: Facts) -> list[str]:
    """Required 95%, Optional 50%, within 4 standard deviations; the parents that always complete are let off."""
    broken = []
    for parent, children, required, settled in _entries(facts):
        parents, complete, _ = _outcome(facts, parent, children)
        if not settled or (required and parents < 20):
            continue
        rate = 0.95 if required else 0.5
        slack = 4 * sqrt(parents * rate * (1 - rate)) + len(children)
        if abs(complete - rate * parents) > slack:
            broken.append(f"parent={parent}, children={children}, parents={parents}, complete={complete}")
    return broken


CHAIN_CONDITIONS = (
    children_have_their_parent,
    children_follow_their_parent,
    children_take_their_parents_amount,
    children_stay_on_their_parents_account,
    at_most_one_child_per_parent,
    first_parents_complete,
    few_required_parents_all_complete,
)

CHAIN_RATE_CONDITIONS = (completion_rates_are_as_declared,)
