"""Conditions on transfers: two-leg firings, templates and their closing legs, and bundles."""

from .facts import Facts, quoted

__all__ = ["TRANSFER_CONDITIONS"]

# A bank with more accounts of one template is made in several blocks.
BLOCK_ACCOUNTS = 256


def two_leg_firings_net_to_zero_in_one_second(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.transfer_id, m.rail_name, m.posting, sum(m.amount_money) as net, count(*) as legs
        from moves m join rails r on r.name = m.rail_name where r.legs = 2 group by all
        having sum(m.amount_money) <> 0 or count(*) % 2 <> 0
            or count(*) filter (m.amount_money > 0) <> count(*) filter (m.amount_money < 0)
        """
    )


def standalone_transfers_have_their_rails_legs(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.transfer_id, any_value(m.rail_name) as rail, count(*) as legs from moves m
        join rails r on r.name = m.rail_name where m.template_name is null
        group by m.transfer_id having count(*) <> max(r.legs) or count(distinct m.rail_name) > 1
        """
    )


def template_names_are_right(facts: Facts) -> list[str]:
    """A leg rail of a template posts under one of its templates, any other rail under none; transfers never mix."""
    return facts.offenders(
        """
        select m.transfer_id, m.rail_name, m.template_name from moves m
        where not exists (select 1 from legs_of l where l.rail = m.rail_name and l.template = m.template_name)
          and (m.template_name is not null or m.rail_name in (select rail from legs_of))
        union all
        select transfer_id, min(rail_name), string_agg(distinct template_name) from moves group by transfer_id
        having count(distinct coalesce(template_name, '')) > 1
            or count(distinct coalesce(transfer_parent_id, '')) > 1
               and coalesce(any_value(template_name), '') not in (select child_node from chains where fan_in)
            or count(distinct coalesce(cast(transfer_completion as text), '')) > 1
        """
    )


def templates_net_to_expected(facts: Facts) -> list[str]:
    broken = facts.rows(
        """
        select m.template_name, count(*) as transfers, min(m.transfer_id), min(m.net), any_value(t.expected_net)
        from (select template_name, transfer_id, sum(amount_money) as net from moves
              where template_name is not null group by all) m
        join templates t on t.name = m.template_name where m.net <> t.expected_net group by all order by all
        """
    )
    return [
        f"template={name}, transfers={count}, for example {transfer} with {net}, expected={expected}"
        for name, count, transfer, net, expected in broken
        if not facts.found("finding-net-cannot-hold", name)
    ]


def closing_legs_post_once_and_last(facts: Facts) -> list[str]:
    """One Variable leg per transfer of a template that has one, at or after every other leg, soon or in its band.

    Of Variable legs that exclude each other there is one.
    """
    return facts.offenders(
        """
        with closing as (select l.template, l.rail, l.choice, r.opens, r.closes from legs_of l
                         join rails r on r.name = l.rail where l.variable),
        choices as (select distinct template, choice from closing),
        legs as (
            select m.transfer_id, m.template_name, m.posting, c.rail, c.choice, c.opens, c.closes from moves m
            left join closing c on c.template = m.template_name and c.rail = m.rail_name
            where m.template_name in (select template from closing)),
        seen as (
            select l.transfer_id, q.choice, count(*) filter (l.choice = q.choice) as closed,
                   max(l.posting) filter (l.choice = q.choice) as closing,
                   max(l.posting) filter (l.rail is null) as others,
                   any_value(l.opens) filter (l.choice = q.choice) as opens,
                   any_value(l.closes) filter (l.choice = q.choice) as closes
            from legs l join choices q on q.template = l.template_name group by l.transfer_id, q.choice)
        select s.transfer_id, s.choice, s.closed, s.closing, s.others from seen s
        where closed <> 1 or others is null or closing < others or cast(closing as date) <> cast(others as date)
           or (second_of(closing) not between opens * 3600 and closes * 3600
               and closing > others + interval 30 minutes)
        """
    )


def transfers_keep_their_completion(facts: Facts) -> list[str]:
    """Every transfer of a template has a completion, unless a finding says it has none; no leg posts after it."""
    without = [quoted(t.name) for t in facts.bank.transfer_templates if facts.found("finding-completion-key", t.name)]
    return facts.offenders(
        f"""
        select id, rail_name, posting, transfer_completion from moves
        where posting > transfer_completion
           or (template_name is not null and transfer_completion is null)
              <> (coalesce(template_name, '') in ({", ".join([*without, "'-'"])}))
        """
    )


def completions_are_as_declared(facts: Facts) -> list[str]:
    """The last second before the completion lies on the declared day: N days on, the month's last, or the key's."""
    broken = []
    for template in facts.bank.transfer_templates:
        day = {
            "business_day_end": f"cast(posting as date) + {template.completion.days}",
            "month_end": "last_day(posting)",
            "metadata": "max(try_cast(left(metadata_value(metadata, "
            f"{quoted(template.completion.key)}), 10) as date)) over (partition by transfer_id)",
        }[template.completion.family]
        broken += facts.offenders(
            f"""
            select * from (
                select id, template_name, posting, transfer_completion, {day} as declared from moves
                where template_name = {quoted(template.name)})
            where cast(transfer_completion - interval 1 second as date) is distinct from declared
            """
        )
    return broken


def transfer_keys_tell_transfers_apart(facts: Facts) -> list[str]:
    """Within a transfer the values of the transfer key are equal; two transfers of one template never share them."""
    return facts.offenders(
        """
        with values_of as (
            select m.template_name, m.transfer_id, m.id,
                   string_agg(metadata_value(m.metadata, k.key), chr(31) order by k.key) as key
            from moves m join transfer_keys k on k.template = m.template_name group by all)
        select template_name, min(transfer_id) as transfer_id, 'differs within' as problem from values_of
        group by template_name, transfer_id having count(distinct key) > 1 or bool_or(key is null)
        union all
        select template_name, min(transfer_id), 'shared by transfers' from values_of
        group by template_name, key having count(distinct transfer_id) > 1
        """
    )


def one_leg_rails_of_a_template_fire_together(facts: Facts) -> list[str]:
    """Where a template has no two-leg rail, each of its rails has exactly one leg in each of its transfers.

    In a fan-in child it has one for each parent, and the Variable leg one in all. Of rails that exclude each other
    one has.
    """
    return facts.offenders(
        """
        with fan_ins as (select distinct child_node as name from chains where fan_in),
        shared as (select transfer_id, count(distinct transfer_parent_id) as parents from moves group by all),
        wanted as (
            select t.name, count(distinct l.choice) as rails, count(*) filter (not l.variable) as each,
                   count(distinct l.choice) filter (l.variable) as once
            from templates t join legs_of l on l.template = t.name where not t.collects group by t.name),
        seen as (
            select transfer_id, template_name as name, count(*) as legs, count(distinct rail_name) as rails
            from moves where template_name is not null group by all)
        select s.* from seen s join wanted w using (name) join shared h using (transfer_id)
        where s.rails <> w.rails
           or s.legs <> case when s.name in (from fan_ins) then w.each * h.parents + w.once else w.rails end
        """
    )


def collected_transfers_are_one_per_day(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select transfer_id, min(posting) as first, max(posting) as last from moves
        group by transfer_id having count(distinct cast(posting as date)) > 1
        """
    )


def bundles_equal_their_children(facts: Facts) -> list[str]:
    """A sweep's amount is the gross of the two-leg transfers and the net of the one-leg legs that it bundles."""
    return facts.offenders(
        """
        with bundled as (
            select m.bundle_id, sum(case when r.legs = 2 then greatest(m.amount_money, 0) else m.amount_money end)
                   as total
            from moves m join rails r on r.name = m.rail_name where m.bundle_id is not null group by all)
        select m.transfer_id, m.rail_name, m.amount_money, b.total from moves m join rails r on r.name = m.rail_name
        left join bundled b on b.bundle_id = m.transfer_id
        where r.aggregating and abs(m.amount_money) is distinct from abs(b.total)
        """
    )


def bundles_post_after_their_children(facts: Facts) -> list[str]:
    """After all that they bundle, in their band or within half an hour after the latest posting they bundle."""
    return facts.offenders(
        """
        with latest as (select bundle_id, max(posting) as latest from moves where bundle_id is not null group by all)
        select m.transfer_id, m.rail_name, m.posting, l.latest from moves m join rails r on r.name = m.rail_name
        left join latest l on l.bundle_id = m.transfer_id
        where r.aggregating and (l.latest is null or m.posting <= l.latest
            or (second_of(m.posting) not between r.opens * 3600 and r.closes * 3600
                and m.posting > l.latest + interval 30 minutes))
        """
    )


def bundles_hold_only_what_they_select(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.id, m.rail_name, m.bundle_id, p.node from moves m
        left join transfers p on p.transfer_id = m.bundle_id
        where m.bundle_id is not null and not exists (
            select 1 from eligible e where e.aggregator = p.node and e.rail = m.rail_name
              and e.template = coalesce(m.template_name, ''))
        """
    )


def both_legs_are_bundled_together(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.transfer_id, m.rail_name, m.posting from moves m join rails r on r.name = m.rail_name
        where r.legs = 2 group by m.transfer_id, m.rail_name, m.posting, coalesce(m.bundle_id, '')
        having sum(m.amount_money) <> 0
        """
    )


def bundle_assignments_repeat_their_leg(facts: Facts) -> list[str]:
    """A bundled leg has one more row: higher entry, bundle and reason set, everything else as it was."""
    changed = facts.rows("select column_name from (describe transactions)")
    same = [name for (name,) in changed if name not in ("entry", "bundle_id", "supersedes")]
    differs = " or ".join(f"f.{name} is distinct from a.{name}" for name in same)
    return facts.offenders(
        f"""
        select f.id, f.entry as first_entry, a.entry as assigned_entry
        from (select * from transactions where supersedes is null) f
        full join (select * from transactions where supersedes = 'BundleAssignment') a using (id)
        where f.id is null or f.bundle_id is not null
           or (a.id is not null and (a.entry <= f.entry or a.bundle_id is null or {differs}))
        """
    )


def nothing_eligible_is_left_after_a_tick_day(facts: Facts) -> list[str]:
    """A leg is bundled on the first tick day, of any rail that selects it, on or after its own day; else not at all.

    A sweep at the beginning of a day takes what earlier days left.
    Sweeps that debit a capped account may have to leave some, and those that a finding calls impossible leave all:
    nothing is said of what one of these selects. A sweep in a circle posts when the others of the circle let it.
    """
    helpless = ["finding-rail-never-fires", "finding-aggregate-under-cap", "finding-bundle-circle"]
    excused = ", ".join(quoted(name) for rule in helpless for name in facts.rails if facts.found(rule, name)) or "''"
    return facts.offenders(
        f"""
        with early as (select aggregator from cadences where family = 'daily-bod'),
        due as (
            select m.id, m.rail_name, m.posting, m.bundle_id, min(t.day) as due
            from moves m join eligible e on e.rail = m.rail_name and e.template = coalesce(m.template_name, '')
            left join ticks t on t.aggregator = e.aggregator and t.day >= cast(m.posting as date)
                and (t.day > cast(m.posting as date) or e.aggregator not in (from early))
            where m.rail_name not in ({_named(facts, "finding-bundle-circle")})
            group by all having not bool_or(e.aggregator in ({excused})))
        select d.*, p.last_posting from due d left join transfers p on p.transfer_id = d.bundle_id
        where d.due is distinct from cast(p.last_posting as date)
        """
    )


def sweeps_follow_their_cadence(facts: Facts) -> list[str]:
    """At most one sweep a tick day, on tick days only; `intraday-Nh` at most one per N of the eight hours."""
    return facts.offenders(
        """
        with swept as (select node as aggregator, cast(last_posting as date) as day, count(*) as sweeps
                       from transfers where node in (select name from rails where aggregating) group by all)
        select s.* from swept s join cadences c using (aggregator)
        where (s.aggregator, s.day) not in (select (aggregator, day) from ticks)
           or s.sweeps > case when c.family = 'intraday' then ceil(8 / c.number) else 1 end
        """
    )


def intraday_sweeps_come_every_few_hours(facts: Facts) -> list[str]:
    """What posts before the last N hours of a business day's work waits at most N hours for an `intraday-Nh` sweep.

    Of a sweep under a cap, what is beyond the cap waits longer.
    """
    capped = _named(facts, "finding-aggregate-under-cap")
    return facts.offenders(
        f"""
        select m.id, m.rail_name, m.posting, p.last_posting, c.number from moves m
        join transfers p on p.transfer_id = m.bundle_id join cadences c on c.aggregator = p.node
        where c.family = 'intraday' and c.aggregator not in ({capped})
          and cast(m.posting as date) in (select day from days)
          and second_of(m.posting) between 9 * 3600 and (17 - c.number) * 3600 - 1800
          and p.last_posting > m.posting + to_hours(c.number) + interval 1 second
        """
    )


def nothing_is_stuck_unbundled(facts: Facts) -> list[str]:
    """As of the end of the anchor day, except rails that a finding lets wait, or whose sweep it calls helpless."""
    helpless = ("finding-rail-never-fires", "finding-aggregate-under-cap", "finding-bundle-circle")
    idle = {name for name in facts.rails for rule in helpless if facts.found(rule, name)}
    bundlers: dict[str, set[str]] = {}
    for rail, aggregator in facts.rows("select distinct rail, aggregator from eligible"):
        bundlers.setdefault(rail, set()).add(aggregator)
    stuck = facts.rows(
        f"""
        select m.rail_name, count(*), min(m.posting) from moves m join rails r on r.name = m.rail_name
        where r.unbundled_seconds is not null and m.bundle_id is null
          and m.rail_name in (select rail from eligible)
          and m.posting + to_seconds(r.unbundled_seconds) < date '{facts.anchor.isoformat()}' + interval 1 day
        group by all order by all
        """
    )
    return [
        f"rail={rail}, legs={legs}, first={first}"
        for rail, legs, first in stuck
        if not facts.found("finding-unbundled-age-short", rail) and not bundlers[rail] & idle
    ]


def capped_sweeps_carry_what_the_cap_allows(facts: Facts) -> list[str]:
    """What waits beyond a tick day would have burst the cap: one leg of it at least, since the first is served first.

    Of sweeps once a day at most over legs that nothing else bundles and that fire before the ticks, in one block, on
    accounts whose business day is the calendar's: elsewhere the cap is shared out in advance.
    """
    if max([0, *facts.counts.values()]) > BLOCK_ACCOUNTS:
        return []
    return facts.offenders(
        f"""
        with capped as (
            select s.rail as name, min(s.cap) as cap from capped_sides s join cadences c on c.aggregator = s.rail
            where c.family <> 'intraday' and s.rail not in ({_named(facts, "finding-rail-never-fires")})
            group by s.rail having max(s.offset_hours) = 0),
        shared as (
            select aggregator from eligible e join rails r on r.name = e.rail
            where r.aggregating or r.child
               or (e.rail, e.template) in (select (rail, template) from eligible group by all having count(*) > 1)),
        legs as (
            select c.name, c.cap, m.transfer_id, abs(m.amount_money) as amount, cast(m.posting as date) as posted,
                   cast(p.last_posting as date) as swept
            from capped c join eligible e on e.aggregator = c.name
            join moves m on m.rail_name = e.rail and e.template = coalesce(m.template_name, '')
            join rails r on r.name = m.rail_name left join transfers p on p.transfer_id = m.bundle_id
            where c.name not in (select aggregator from shared) and (r.legs = 1 or m.amount_money > 0)),
        days as (
            select t.aggregator as name, t.day, any_value(l.cap) as cap,
                   coalesce(sum(l.amount) filter (l.swept = t.day), 0) as carried,
                   max(l.amount) filter (l.swept > t.day or l.swept is null) as waits
            from ticks t join legs l on l.name = t.aggregator and l.posted <= t.day and l.amount <= l.cap
                and (l.posted < t.day or l.name not in (select aggregator from cadences where family = 'daily-bod'))
            group by all)
        select name, day, cap, carried, waits from days where carried + waits <= cap
        """
    )


def _named(facts: Facts, rule: str) -> str:
    return ", ".join(quoted(name) for name in facts.rails if facts.found(rule, name)) or "''"


TRANSFER_CONDITIONS = (
    two_leg_firings_net_to_zero_in_one_second,
    standalone_transfers_have_their_rails_legs,
    template_names_are_right,
    templates_net_to_expected,
    closing_legs_post_once_and_last,
    transfers_keep_their_completion,
    completions_are_as_declared,
    transfer_keys_tell_transfers_apart,
    one_leg_rails_of_a_template_fire_together,
    collected_transfers_are_one_per_day,
    bundles_equal_their_children,
    bundles_post_after_their_children,
    bundles_hold_only_what_they_select,
    both_legs_are_bundled_together,
    bundle_assignments_repeat_their_leg,
    nothing_eligible_is_left_after_a_tick_day,
    sweeps_follow_their_cadence,
    intraday_sweeps_come_every_few_hours,
    capped_sweeps_carry_what_the_cap_allows,
    nothing_is_stuck_unbundled,
)
