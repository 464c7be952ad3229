"""Conditions on single legs: when they post, on what rail and account, with what sign, origin, metadata and entry."""

from datetime import timedelta

from .facts import Facts, quoted

__all__ = ["LEG_CONDITIONS"]


def rows_on_business_days_only(facts: Facts) -> list[str]:
    """But for rails that fire always; where there are such, openings come on the window's first day."""
    return facts.offenders(
        """
        select id, rail_name, posting from transactions where cast(posting as date) not in (select day from days)
          and rail_name not in (select name from rails where always)
          and not (is_opening(rail_name) and exists (select 1 from rails where always))
        """
    )


def primary_legs_post_in_their_band(facts: Facts) -> list[str]:
    """Openings, chain children, bundle parents and closing legs have rules of their own."""
    return facts.offenders(
        """
        select m.rail_name, m.posting, r.opens, r.closes from moves m join rails r on r.name = m.rail_name
        where not r.child and not r.aggregating
          and m.rail_name not in (select rail from legs_of where variable)
          and second_of(m.posting) not between r.opens * 3600 and r.closes * 3600
        """
    )


def legs_name_a_declared_rail_and_its_type(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.id, m.rail_name, m.transfer_type from moves m left join rails r on r.name = m.rail_name
        where r.transfer_type is distinct from m.transfer_type
        """
    )


def legs_stand_on_a_named_role(facts: Facts) -> list[str]:
    """The source leg (Debit) on a source role, the destination leg (Credit) on a destination role; 0.00 on either."""
    return facts.offenders(
        """
        select m.id, m.rail_name, m.account_role, m.amount_money from moves m
        where not exists (
            select 1 from sides s where s.rail = m.rail_name and s.role = m.account_role
              and (m.amount_money = 0 or s.sign = sign(m.amount_money)))
        """
    )


def legs_carry_their_origin(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.id, m.rail_name, m.amount_money, m.origin from moves m
        where m.origin not in (
            select s.origin from sides s where s.rail = m.rail_name and s.role = m.account_role
              and (m.amount_money = 0 or s.sign = sign(m.amount_money)))
        """
    )


def direction_agrees_with_the_sign(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select id, amount_money, amount_direction from transactions
        where amount_direction <> (case when amount_money < 0 then 'Debit' else 'Credit' end)
        """
    )


def only_closing_legs_and_sweeps_may_be_zero(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select m.id, m.rail_name from moves m join rails r on r.name = m.rail_name
        where m.amount_money = 0 and not r.aggregating
          and m.rail_name not in (select rail from legs_of where variable)
        """
    )


def accounts_are_the_declared_ones(facts: Facts) -> list[str]:
    """Id, role, scope and parent role agree with the bank, and one id has one name, in both tables."""
    return facts.offenders(
        """
        with used as (
            select account_id, account_name, account_role, account_scope, account_parent_role from transactions
            union select account_id, account_name, account_role, account_scope, account_parent_role from balances)
        select u.* from used u left join accounts a on a.id = u.account_id
        where a.id is null or a.role <> u.account_role or a.scope <> u.account_scope
           or a.parent_role is distinct from u.account_parent_role
           or (select count(*) from used v where v.account_id = u.account_id) > 1
        """
    )


def every_leg_is_posted(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select id, status, supersedes from transactions
        where status <> 'Posted' or supersedes not in ('BundleAssignment')
        """
    )


def metadata_is_a_json_object_with_the_declared_keys(facts: Facts) -> list[str]:
    """A value is empty only where the bank file has an empty one among its examples."""
    return facts.offenders(
        """
        select id, rail_name, metadata, 'not a JSON object' as problem from transactions
        where metadata is not null and (not json_valid(metadata) or json_type(metadata) <> 'OBJECT')
        union all
        select m.id, m.rail_name, m.metadata, k.key from moves m join keys k on k.rail = m.rail_name
        where m.metadata is null or not json_valid(m.metadata)
           or coalesce(metadata_value(m.metadata, k.key), '') = ''
              and (metadata_value(m.metadata, k.key) is null or not list_contains(k.examples, ''))
        """
    )


def metadata_values_come_from_the_examples(facts: Facts) -> list[str]:
    """Keys of a transfer key and dates of a completion excepted: those must tell transfers apart."""
    special = {t.completion.key for t in facts.bank.transfer_templates if t.completion.family == "metadata"}
    kept = "".join(f" and k.key <> {quoted(key)}" for key in sorted(special))
    return facts.offenders(
        f"""
        select m.id, m.rail_name, k.key, m.metadata from moves m join keys k on k.rail = m.rail_name
        where len(k.examples) > 0 and k.key not in (select key from transfer_keys){kept}
          and not list_contains(k.examples, metadata_value(m.metadata, k.key))
        """
    )


def metadata_values_that_belong_together_stay_together(facts: Facts) -> list[str]:
    """A leg of a rail with `metadata_examples` carries one of these as a whole."""
    broken = []
    for name, fact in facts.rails.items():
        examples = [
            " and ".join(f"metadata_value(metadata, {quoted(key)}) = {quoted(text)}" for key, text in example.items())
            for example in fact.rail.metadata_examples
        ]
        query = f"select id, rail_name, metadata from moves where rail_name = {quoted(name)}"
        broken += facts.offenders(f"{query} and not ({' or '.join(examples)})") if examples else []
    return broken


def each_account_opens_once(facts: Facts) -> list[str]:
    """At 00:00:00 of the first business day, or of the first day; a parent only if a rail names its role."""
    first = quoted((facts.anchor - timedelta(facts.window_days - 1)).isoformat())
    return facts.offenders(
        f"""
        with openings as (select * from current where is_opening(rail_name)),
        wanted as (select id from accounts a where scope = 'internal' and exists (select 1 from days)
                   and (not is_parent or role in (select role from sides)))
        select account_id, posting, 'not as an opening should be' as problem from openings
        where posting <> (select case when exists (select 1 from rails where always) then date {first}
                          else min(day) end from days) or transfer_type <> 'opening_balance'
           or account_id not in (select id from wanted) or template_name is not null or bundle_id is not null
           or transfer_parent_id is not null
        union all
        select w.id, null, 'opens ' || count(o.id) || ' times' from wanted w
        left join openings o on o.account_id = w.id group by w.id having count(o.id) <> 1
        union all
        select min(account_id), min(posting), 'openings share a transfer' from openings
        group by transfer_id having count(*) > 1
        """
    )


def plant_accounts_only_open(facts: Facts) -> list[str]:
    return facts.offenders(
        "select m.account_id, m.rail_name from moves m join accounts a on a.id = m.account_id where a.plant"
    )


def caps_hold_on_daily_sums(facts: Facts) -> list[str]:
    """The day of a cap is the date of posting minus the role's offset, or with rails that fire always a later one."""
    return facts.offenders(
        """
        select account_id, subject, cap_day, abs(sum(amount_money)) as moved, any_value(cap) as cap
        from under_caps group by all having abs(sum(amount_money)) > any_value(cap)
        """
    )


def ids_have_one_first_row(facts: Facts) -> list[str]:
    """An id stands for one leg: one first row, at most one BundleAssignment, and entries that never repeat."""
    return facts.offenders(
        """
        select id, count(*) as copies from transactions group by id, coalesce(supersedes, '') having count(*) > 1
        union all select cast(entry as text), count(*) from transactions group by entry having count(*) > 1
        """
    )


def entries_rise_with_append_time(facts: Facts) -> list[str]:
    """A first row is appended at its posting, a BundleAssignment when its bundle's parent posts.

    Where many rows meet in one second some are appended a little later: a minute, or a quarter of an hour in bundles.
    """
    return facts.offenders(
        """
        with appended as (
            select t.entry, t.id, t.supersedes is not null as assigned,
                   case when t.supersedes is null then t.posting else p.last_posting end as moment
            from transactions t left join transfers p on p.transfer_id = t.bundle_id)
        select entry, id, moment from appended
        qualify moment + (case when assigned then interval 15 minutes else interval 1 minute end)
                < max(moment) over (order by entry rows between unbounded preceding and 1 preceding)
        """
    )


LEG_CONDITIONS = (
    rows_on_business_days_only,
    primary_legs_post_in_their_band,
    legs_name_a_declared_rail_and_its_type,
    legs_stand_on_a_named_role,
    legs_carry_their_origin,
    direction_agrees_with_the_sign,
    only_closing_legs_and_sweeps_may_be_zero,
    accounts_are_the_declared_ones,
    every_leg_is_posted,
    metadata_is_a_json_object_with_the_declared_keys,
    metadata_values_come_from_the_examples,
    metadata_values_that_belong_together_stay_together,
    each_account_opens_once,
    plant_accounts_only_open,
    caps_hold_on_daily_sums,
    ids_have_one_first_row,
    entries_rise_with_append_time,
)
