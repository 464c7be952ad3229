"""Views over the facts that chains and caps need: what a chain end means, parents with children, capped rails."""

__all__ = ["CHAIN_VIEWS"]

# `ends`: which transfers of which node a chain end means; of a leg rail, its part of the transfer. `pairs`: chain,
# parent, child. `shares`: the same for a fan-in chain, with what the child's legs that name the parent come to.
CHAIN_VIEWS = """
create view ends as
    select name, node, transfer_id, min(posting) as first_posting, max(posting) as last_posting,
           min(parent_id) as parent_id,
           case when sum(greatest(amount_money, 0)) > 0 then sum(greatest(amount_money, 0))
                else sum(abs(amount_money)) end as amount
    from (select rail_name as name, coalesce(template_name, rail_name) as node, transfer_id, posting,
                 transfer_parent_id as parent_id, amount_money from moves
          union all
          select template_name, template_name, transfer_id, posting, transfer_parent_id, amount_money from moves
          where template_name is not null)
    group by name, node, transfer_id;
create view pairs as
    select c.parent, c.child, c.child_node, c.required, c.decision, c.in_days, c.least, c.most,
           p.transfer_id as parent_transfer, p.amount as parent_amount,
           t.last_posting as parent_last, k.transfer_id as child_transfer, k.amount as child_amount,
           k.first_posting as child_first, k.last_posting as child_last
    from chains c join ends p on p.name = c.parent and p.node = c.parent_node
    join transfers t on t.transfer_id = p.transfer_id
    join ends k on k.name = c.child and k.node = c.child_node and k.parent_id = p.transfer_id
    where not c.fan_in;
create view shares as
    select c.parent, c.child, c.required, c.decision, c.expected,
           p.transfer_id as parent_transfer, any_value(p.amount) as parent_amount,
           any_value(t.last_posting) as parent_last, m.transfer_id as child_transfer,
           sum(greatest(m.amount_money, 0)) as amount
    from chains c join ends p on p.name = c.parent and p.node = c.parent_node
    join transfers t on t.transfer_id = p.transfer_id
    join moves m on m.template_name = c.child_node and m.transfer_parent_id = p.transfer_id
    where c.fan_in group by all;
create view capped_sides as
    select distinct s.rail, s.sign, a.offset_hours, l.cap from sides s
    join rails r on r.name = s.rail join accounts a on a.role = s.role
    join limits l on l.parent_role = a.parent_role and l.transfer_type = r.transfer_type and l.sign = s.sign
        and coalesce(l.rail, r.name) = r.name;
create view capped as
    select distinct rail as name from capped_sides
    union select distinct o.template from legs_of o join capped_sides s on s.rail = o.rail;
create view under_caps as
    select m.*, l.subject, l.cap, l.sign, u.day as cap_day
    from moves m join accounts a on a.id = m.account_id
    join turns u on u.own = cast(m.posting - to_hours(a.offset_hours) as date)
    join limits l on l.parent_role = a.parent_role and l.transfer_type = m.transfer_type
        and l.sign = sign(m.amount_money) and coalesce(l.rail, m.rail_name) = m.rail_name;
"""
