"""Views on transfers, chains and declarations: wrong nets, missing children, declarations that never happen."""

from seedbed.bank.model import TwoLegRail
from seedbed.views.days import WAIT_COLUMNS, chain_waits, open_days, past_wait, wait_joins
from seedbed.views.declarations import (
    CAP_COLUMNS,
    ChainEnds,
    FanInEnds,
    bundle_matches,
    cap_lines,
    capped_legs,
    chain_ends,
    expected_rail_nets,
    fan_in_ends,
    leg_choices,
    rail_lines,
    under_cap,
)
from seedbed.views.sql import Sql

__all__ = [
    "chain_exceptions",
    "chain_matches",
    "chain_parents",
    "dead_declarations",
    "fan_in_exceptions",
    "leg_xor_exceptions",
    "rail_activity",
    "transfer_net",
    "transfer_parents",
]

# Between the leg rails that have fired, as a literal of SQL.
SEPARATOR = "' | '"

# Numbers and flags of `ChainEnds` are whole, the rest is text.
WHOLE = ("decision", "in_group", "required")
FAN_IN_COLUMNS = ", ".join(f"{name} {'whole' if name == 'expected' else 'text'}" for name in FanInEnds._fields)
CHAIN_END_COLUMNS = ", ".join(f"{name} {'whole' if name in WHOLE else 'text'}" for name in ChainEnds._fields)


def chain_matches(side: str, declared: str = "e", leg: str = "t") -> tuple[str, str]:
    """The two ways in which a leg is a chain's parent or child, as conditions: by its rail, or by its template.

    A rail that is a leg of several templates counts in those that the chain means.
    """
    rail, template = f"{declared}.{side}_rail", f"{declared}.{side}_template"
    within = f"({template} = '' OR {template} = {leg}.template_name)"
    return (
        f"{rail} = {leg}.rail_name AND {within}",
        f"{template} = {leg}.template_name AND {rail} = ''",
    )


def transfer_net(s: Sql) -> str:
    """Transfers whose current Posted legs do not add up to the expected net, unless the rest is still Pending.

    The two legs of a two-leg rail post together. If its Posted legs do not add up to zero, the transfer is in the
    view even with a Pending leg. For a standalone two-leg rail the legs of the rail must add up to its
    `expected_net`; for a template, the legs that name the template must add up to that of the template. A transfer
    without a Posted leg is not checked.
    """
    legs, net = s.name("current_transactions"), f"SUM({s.exact('t.amount_money')})"
    templates = ((t.name, t.expected_net_cents) for t in s.bank.transfer_templates)
    two_legs = s.names(rail.name for rail in s.bank.rails if isinstance(rail, TwoLegRail))

    def nets(declared: str) -> str:
        return f"""SELECT t.transfer_id, e.name, {net} AS net, e.net AS expected, COUNT(*) AS legs,
    MAX(t.posting) AS last_posting
  FROM {legs} t JOIN {declared}s e ON e.name = t.{declared}_name
  WHERE t.status = 'Posted' GROUP BY t.transfer_id, e.name, e.net HAVING {net} <> e.net"""

    key = s.joined("w.transfer_id", "'/'", "w.name")
    return f"""WITH {s.relation("rails", "name text, net cents", expected_rail_nets(s.bank))},
{s.relation("templates", "name text, net cents", templates)},
wrong AS (
  {nets("rail")}
  UNION ALL
  {nets("template")}),
waiting AS (SELECT DISTINCT transfer_id FROM {legs} WHERE status = 'Pending'),
halves AS (
  SELECT t.transfer_id FROM {legs} t JOIN waiting p ON p.transfer_id = t.transfer_id
  WHERE t.status = 'Posted' AND t.rail_name IN ({two_legs})
  GROUP BY t.transfer_id, t.rail_name HAVING {net} <> 0)
SELECT {key} AS view_key, w.transfer_id, w.name, w.legs, w.last_posting,
  {s.money("w.net")} AS net, {s.money("w.expected")} AS expected_net,
  {s.money("w.net - w.expected")} AS difference
FROM wrong w LEFT JOIN waiting p ON p.transfer_id = w.transfer_id
WHERE p.transfer_id IS NULL OR w.transfer_id IN (SELECT transfer_id FROM halves)"""


def leg_xor_exceptions(s: Sql) -> str:
    """Transfers of a template in which not exactly one leg rail of an XOR group has fired, with those that have.

    A leg rail has fired if it has a current leg, Posted or Pending, that names the template. `missed`: no leg rail of
    the group has fired, though a leg of the transfer is Posted and none is still Pending. `overlap`: several have
    fired. `leg_group` names the leg rails of the group, `fired` those that have fired.
    """
    choices = list(leg_choices(s.bank))
    legs, templates = s.name("current_transactions"), s.names(template for template, *_ in choices)
    places = range(1, max((place for _, _, place, _ in choices), default=1) + 1)
    told, columns = (
        s.joined(SEPARATOR, "c.rail_name"),
        "template_name text, leg_group text, place whole, rail_name text",
    )
    each = (f"COALESCE(MAX(CASE WHEN c.place = {place} THEN {told} END), '')" for place in places)
    return f"""WITH {s.relation("choices", columns, choices)},
asked AS (SELECT DISTINCT template_name, leg_group FROM choices),
alive AS (
  SELECT transfer_id, template_name, COUNT(CASE WHEN status = 'Posted' THEN 1 END) AS posted,
    COUNT(CASE WHEN status = 'Pending' THEN 1 END) AS pending, MAX(posting) AS last_posting
  FROM {legs} WHERE template_name IN ({templates}) AND status <> 'Failed' GROUP BY transfer_id, template_name),
fired AS (
  SELECT t.transfer_id, c.template_name, c.leg_group, COUNT(DISTINCT c.rail_name) AS rails,
    {s.joined(*each)} AS names
  FROM {legs} t JOIN choices c ON c.template_name = t.template_name AND c.rail_name = t.rail_name
  WHERE t.status <> 'Failed' GROUP BY t.transfer_id, c.template_name, c.leg_group)
SELECT {s.joined("a.transfer_id", "'/'", "q.leg_group")} AS view_key,
  CASE WHEN f.rails IS NULL THEN 'missed' ELSE 'overlap' END AS exception, a.transfer_id, a.template_name,
  q.leg_group, COALESCE(f.rails, 0) AS fired_rails, SUBSTR(f.names, {len(SEPARATOR) - 1}) AS fired, a.last_posting
FROM alive a JOIN asked q ON q.template_name = a.template_name
LEFT JOIN fired f ON f.transfer_id = a.transfer_id AND f.template_name = q.template_name AND f.leg_group = q.leg_group
WHERE f.rails > 1 OR f.rails IS NULL AND a.posted > 0 AND a.pending = 0"""


def _children(s: Sql) -> str:
    """Distinct (decision, child name, parent transfer, child transfer); a Failed leg makes no child."""
    return "\n  UNION\n  ".join(
        f"""SELECT e.decision, e.child_name, t.transfer_parent_id AS parent_id, t.transfer_id AS child_id
  FROM {s.name("current_transactions")} t JOIN chain_ends e ON {matches}
  WHERE t.status <> 'Failed' AND t.transfer_parent_id IS NOT NULL"""
        for matches in chain_matches("child")
    )


def chain_parents(s: Sql) -> str:
    """Every declared chain with each of its parent transfers, and how many transfers followed as the child.

    A transfer is a parent if it has a current Posted leg of the declared rail or template; `posting` is that of its
    first such leg. A transfer is a child if it has a current leg of the declared rail or template, not Failed, that
    names the transfer of the parent. Both sides are grouped by the parent, not joined: MariaDB has no index on a
    derived column as wide as an id.
    """
    legs = s.name("current_transactions")
    parents = (
        f"""SELECT e.decision, t.transfer_id, t.posting, NULL AS child_id
  FROM {legs} t JOIN ends e ON {matches} WHERE t.status = 'Posted'"""
        for matches in chain_matches("parent")
    )
    sides = "\n  UNION ALL\n  ".join(
        (*parents, "SELECT decision, parent_id, NULL, child_id FROM children"),
    )
    return f"""WITH {s.relation("chain_ends", CHAIN_END_COLUMNS, chain_ends(s.bank))},
decisions AS (SELECT DISTINCT decision, label, parent_name FROM chain_ends),
ends AS (SELECT DISTINCT decision, parent_rail, parent_template FROM chain_ends),
children AS (
  {_children(s)}),
sides AS (
  {sides}),
followed AS (
  SELECT decision, transfer_id, MIN(posting) AS posting, COUNT(DISTINCT child_id) AS children
  FROM sides GROUP BY decision, transfer_id HAVING MIN(posting) IS NOT NULL)
SELECT d.label, d.parent_name, f.transfer_id, f.posting, f.children
FROM decisions d JOIN followed f ON f.decision = d.decision"""


def chain_exceptions(s: Sql) -> str:
    """Parents without a required child, XOR groups of which several children followed, and children without a parent.

    Parents and children are those of `chain_parents`. `missing_child`: a Required chain without a child, or a group
    with a Required member and no child of any member. `several_children`: a group with children in more than one
    transfer. `no_parent`: a transfer with a Posted leg of a declared chain child, whose parent id is null or does
    not name another transfer with a leg, not Failed, of a declared parent. For a template, every parent of any of
    its legs is a declared parent. If the chain has a delay, a parent is not yet without its child while its last
    Posted leg is younger than the longest delay: so many seconds, or so many business days of which there are
    balances.
    """
    legs, ends = s.name("current_transactions"), chain_ends(s.bank)
    key = s.joined("f.transfer_id", "'/'", "f.label")
    parents = " OR ".join(f"({matches})" for matches in chain_matches("parent", "d", "p"))
    orphans = "\n  UNION\n  ".join(
        f"""SELECT e.child_name AS name, t.transfer_id FROM {legs} t JOIN chain_ends e ON {matches}
  WHERE t.status = 'Posted' AND NOT EXISTS (
    SELECT 1 FROM {legs} p JOIN chain_ends d ON {parents}
    WHERE p.transfer_id = t.transfer_parent_id AND p.transfer_id <> t.transfer_id AND p.status <> 'Failed'
      AND d.child_of = e.child_of)"""
        for matches in chain_matches("child")
    )
    waits = chain_waits(s)
    delayed = f"{s.relation('waits', WAIT_COLUMNS, waits)},\n{open_days(s)},\n" if waits else ""
    columns = "f.exception, f.label, f.transfer_id, f.children"
    legs_of_found = f"found f JOIN {legs} t ON t.transfer_id = f.transfer_id"
    told = f"""SELECT {key} AS view_key, {columns}, MIN(t.posting) AS posting
FROM {legs_of_found}
GROUP BY {columns}"""
    if waits:
        last = "MAX(CASE WHEN t.status = 'Posted' THEN t.posting END)"
        told = f"""SELECT {key} AS view_key, {columns}, f.posting
FROM (
  SELECT {columns}, MIN(t.posting) AS posting, {last} AS last_posting FROM {legs_of_found} GROUP BY {columns}) f
{wait_joins("f.label")}
WHERE f.exception <> 'missing_child' OR w.days IS NULL OR {past_wait(s, "f.last_posting")}"""
    return f"""WITH {delayed}{s.relation("chain_ends", CHAIN_END_COLUMNS, ends)},
decisions AS (SELECT DISTINCT label, parent_name, in_group, required FROM chain_ends),
judged AS (
  SELECT p.transfer_id, d.label, d.in_group, d.required, p.children
  FROM {s.name("chain_parents")} p JOIN decisions d ON d.label = p.label AND d.parent_name = p.parent_name),
orphans AS (
  {orphans}),
found AS (
  SELECT transfer_id, label, 'missing_child' AS exception, children FROM judged WHERE required = 1 AND children = 0
  UNION ALL
  SELECT transfer_id, label, 'several_children', children FROM judged WHERE in_group = 1 AND children > 1
  UNION ALL
  SELECT transfer_id, {s.joined("'>'", "name")}, 'no_parent', 0 FROM orphans)
{told}"""


def transfer_parents(s: Sql) -> str:
    """Every transfer with each of its parent transfers, once; legs that are Failed name no parent.

    `legs` is the number of current legs that name the parent, `posting` that of the first of them.
    """
    return f"""SELECT transfer_id, transfer_parent_id, COUNT(*) AS legs, MIN(posting) AS posting
FROM {s.name("current_transactions")}
WHERE status <> 'Failed' AND COALESCE(transfer_parent_id, '') <> ''
GROUP BY transfer_id, transfer_parent_id"""


def fan_in_exceptions(s: Sql) -> str:
    """Transfers of a fan-in chain's child that do not have as many parents as the chain expects.

    `missing`: fewer parents than `expected_parent_count`. `extra`: more. `orphan`: fewer than two, of a chain without
    that key. The parents are those of `transfer_parents` that have a leg, not Failed, of the declared parent. A
    transfer without any such parent is in `chain_exceptions`.
    """
    key = s.joined("f.transfer_id", "'/'", "f.label")
    pairs = "\n  UNION\n  ".join(
        f"""SELECT e.label, e.expected, c.transfer_id, p.transfer_parent_id AS parent_id
  FROM children c JOIN {s.name("transfer_parents")} p ON p.transfer_id = c.transfer_id
  JOIN {s.name("current_transactions")} t ON t.transfer_id = p.transfer_parent_id AND t.status <> 'Failed'
  JOIN entries e ON e.child_template = c.child_template AND {matches}"""
        for matches in chain_matches("parent")
    )
    return f"""WITH {s.relation("entries", FAN_IN_COLUMNS, fan_in_ends(s.bank))},
templates AS (SELECT DISTINCT child_template FROM entries),
children AS (
  SELECT e.child_template, t.transfer_id, MIN(t.posting) AS posting
  FROM {s.name("current_transactions")} t JOIN templates e ON e.child_template = t.template_name
  WHERE t.status <> 'Failed' GROUP BY e.child_template, t.transfer_id),
pairs AS (
  {pairs}),
found AS (
  SELECT label, expected, transfer_id, COUNT(*) AS parents FROM pairs GROUP BY label, expected, transfer_id)
SELECT {key} AS view_key,
  CASE WHEN f.expected = 0 THEN 'orphan' WHEN f.parents < f.expected THEN 'missing' ELSE 'extra' END AS exception,
  f.label, f.transfer_id, f.parents, f.expected AS expected_parents, c.posting
FROM found f JOIN children c ON c.transfer_id = f.transfer_id
WHERE f.parents <> f.expected AND (f.expected > 0 OR f.parents < 2)"""


def rail_activity(s: Sql) -> str:
    """One row per declared rail: number of firings, legs by status, first and last posting.

    Firings are the legs divided by the legs of one firing, rounded up. A rail without a current leg has 0 in every
    column and is dead.
    """
    count = "COUNT(CASE WHEN status = '{0}' THEN 1 END) AS {1}"
    statuses = ", ".join(count.format(status, status.lower()) for status in ("Posted", "Pending", "Failed"))
    legs, each = "COALESCE(a.legs, 0)", "r.legs_per_firing"
    columns = "rail_name text, transfer_type text, legs_per_firing whole"
    return f"""WITH {s.relation("rails", columns, rail_lines(s.bank))},
activity AS (
  SELECT rail_name, COUNT(*) AS legs, {statuses}, COUNT(DISTINCT transfer_id) AS transfers,
    SUM(CASE WHEN amount_money > 0 AND status = 'Posted' THEN {s.exact("amount_money")} ELSE 0 END) AS credits,
    MIN(posting) AS first_posting, MAX(posting) AS last_posting
  FROM {s.name("current_transactions")} GROUP BY rail_name)
SELECT r.rail_name, r.transfer_type, {s.whole(f"({legs} + {legs} % {each}) / {each}")} AS firings,
  COALESCE(a.transfers, 0) AS transfers, {legs} AS legs, COALESCE(a.posted, 0) AS posted,
  COALESCE(a.pending, 0) AS pending, COALESCE(a.failed, 0) AS failed,
  {s.money("COALESCE(a.credits, 0)")} AS credits, a.first_posting, a.last_posting,
  CASE WHEN a.legs IS NULL THEN 1 ELSE 0 END AS is_dead
FROM rails r LEFT JOIN activity a ON a.rail_name = r.rail_name"""


def dead_declarations(s: Sql) -> str:
    """Declarations of the bank that could happen and of which the current legs show no sign, by kind.

    `bundle`: the rail bundles no leg of this selector. `limit`: no Posted leg is under this cap, by its direction a
    Debit or a Credit. `metadata key`: no leg of the rail carries it. `template`: no leg names it. `chain`: no parent
    has a child. A chain that can never fire is not listed; `validate` names it (`finding-chain-never-completes`).
    """
    legs, bank = s.name("current_transactions"), s.bank
    keys = ((rail.name, key, s.json_path(key)) for rail in bank.rails for key in rail.metadata_keys)
    aggregators = s.names(rail.name for rail in bank.rails if rail.aggregating)
    bundles = "aggregator text, selector text, rail_name text, template_name text"
    return f"""WITH {s.relation("bundles", bundles, bundle_matches(bank))},
{s.relation("limits", CAP_COLUMNS, cap_lines(bank))},
{s.relation("metadata_keys", "rail_name text, metadata_key text, path text", keys)},
{s.relation("templates", "template_name text", ((t.name,) for t in bank.transfer_templates))},
{s.relation("chain_ends", CHAIN_END_COLUMNS, chain_ends(bank))},
sweeps AS (SELECT DISTINCT transfer_id, rail_name FROM {legs} WHERE rail_name IN ({aggregators})),
swept AS (
  SELECT DISTINCT w.rail_name AS aggregator, t.rail_name, t.template_name
  FROM {legs} t JOIN sweeps w ON w.transfer_id = t.bundle_id),
paid AS (
  SELECT DISTINCT account_parent_role, transfer_type, rail_name, amount_direction FROM {legs} t
  WHERE status = 'Posted' AND amount_money <> 0 AND {capped_legs(bank, "t")}),
named AS (SELECT DISTINCT template_name FROM {legs} WHERE template_name IS NOT NULL),
children AS (
  {_children(s)}),
followed AS (
  SELECT DISTINCT c.decision, c.child_name FROM children c
  JOIN chain_ends e ON e.decision = c.decision AND e.child_name = c.child_name
  JOIN {s.name("chain_parents")} p ON p.transfer_id = c.parent_id
    AND p.label = e.label AND p.parent_name = e.parent_name)
SELECT 'bundle' AS kind, b.aggregator AS element, b.selector AS part
FROM bundles b LEFT JOIN swept w ON w.aggregator = b.aggregator AND w.rail_name = b.rail_name
  AND (b.template_name = '' OR b.template_name = w.template_name)
GROUP BY b.aggregator, b.selector HAVING COUNT(w.aggregator) = 0
UNION ALL
SELECT 'limit', l.parent_role, l.subject
FROM limits l LEFT JOIN paid p ON {under_cap("l", "p")}
WHERE p.transfer_type IS NULL
UNION ALL
SELECT 'metadata key', k.rail_name, k.metadata_key
FROM metadata_keys k WHERE NOT EXISTS (
  SELECT 1 FROM {legs} t WHERE t.rail_name = k.rail_name AND {s.has_text("t.metadata", "k.path")})
UNION ALL
SELECT 'template', t.template_name, NULL
FROM templates t LEFT JOIN named n ON n.template_name = t.template_name WHERE n.template_name IS NULL
UNION ALL
SELECT 'chain', e.parent_name, e.child_name
FROM chain_ends e LEFT JOIN followed f ON f.decision = e.decision AND f.child_name = e.child_name
WHERE f.decision IS NULL"""
