"""Conditions on fan-in chains: how many parents share a child, which ones, when it fires, and for how much."""

from .chain_conditions import can_fire
from .facts import Facts, quoted

__all__ = ["FAN_IN_CONDITIONS"]


def shared_children_have_the_expected_parents(facts: Facts) -> list[str]:
    """As many as declared, or two at least; every leg of theirs names one of them."""
    return facts.offenders(
        """
        select decision, child_transfer, count(distinct parent_transfer) as parents, any_value(expected) as expected
        from shares group by decision, child_transfer
        having count(distinct parent_transfer) <> coalesce(any_value(expected), count(distinct parent_transfer))
            or count(distinct parent_transfer) < 2
        """
    )


def shared_children_follow_their_last_parent(facts: Facts) -> list[str]:
    """60 to 900 seconds after the last leg of the last parent, on its day, never past 23:59:59."""
    return facts.offenders(
        """
        with last as (select child_transfer, max(parent_last) as parent_last from shares group by child_transfer)
        select l.child_transfer, l.parent_last, t.first_posting, t.last_posting
        from last l join transfers t on t.transfer_id = l.child_transfer
        where t.first_posting < least(parent_last + interval 60 seconds,
                                      date_trunc('day', parent_last) + interval '86399 seconds')
           or t.last_posting > least(parent_last + interval 900 seconds,
                                     date_trunc('day', parent_last) + interval '86399 seconds')
        """
    )


def shares_are_their_parents_amount(facts: Facts) -> list[str]:
    """Of templates with a single leg rail of two legs, if no cap bounds it."""
    return facts.offenders(
        """
        with plain as (
            select template from legs_of group by template having count(*) = 1 and bool_and(two_leg)
            except select name from capped)
        select child, child_transfer, parent_transfer, parent_amount, amount
        from shares where child in (from plain) and amount <> parent_amount
        """
    )


def parents_share_one_child(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select decision, parent_transfer, count(distinct child_transfer) as children
        from shares group by all having count(distinct child_transfer) > 1
        """
    )


def parents_of_a_child_without_a_number_share_a_day(facts: Facts) -> list[str]:
    """All of them, but for a lone one that waited from an earlier day."""
    return facts.offenders(
        """
        with days as (
            select child_transfer, cast(parent_last as date) as day, count(distinct parent_transfer) as parents
            from shares where expected is null group by all)
        select child_transfer, count(*) as days, arg_min(parents, day) as on_the_first from days
        group by child_transfer having count(*) > 2 or count(*) = 2 and arg_min(parents, day) > 1
        """
    )


def no_whole_group_is_left_over(facts: Facts) -> list[str]:
    """Each account leaves less parents over than share a child, if the chain is Required and no cap is in the way.

    Whose account a parent is does not show. So all accounts together are allowed what each may leave over, and
    two more for parents without an account, before the sweeps and after them.
    """
    broken = []
    capped = {name for (name,) in facts.rows("select name from capped")}
    units = 2 + facts.rows("select count(*) from accounts where not plant")[0][0]
    decisions = facts.rows(
        """
        select any_value(parent), any_value(child), any_value(coalesce(expected, 2)), decision
        from chains where fan_in and required group by decision order by decision
        """
    )
    for parent, child, size, decision in decisions:
        if child in capped or not can_fire(facts, child):
            continue
        [(left,)] = facts.rows(
            f"""
            select count(distinct p.transfer_id)
            from ends p join chains c on p.name = c.parent and p.node = c.parent_node
            where c.decision = {quoted(decision)} and p.amount > 0
              and p.transfer_id not in (select parent_transfer from shares where decision = {quoted(decision)})
            """
        )
        if left > (size - 1) * units:
            broken.append(f"parent={parent}, child={child}, left over={left}")
    return broken


FAN_IN_CONDITIONS = (
    shared_children_have_the_expected_parents,
    shared_children_follow_their_last_parent,
    shares_are_their_parents_amount,
    parents_share_one_child,
    parents_of_a_child_without_a_number_share_a_day,
    no_whole_group_is_left_over,
)
