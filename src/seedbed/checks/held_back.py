"""Finds rails that were held back: they fired less because a cap was spent or another sweep took their legs.

The ledger decides this, not the bank file: a cap that is never spent excuses nothing.
"""

from seedbed.bank.declared import Declared
from seedbed.bank.grouping import grouped
from seedbed.bank.links import chain_name
from seedbed.bank.model import Bank, OneLegRail, Rail
from seedbed.checks.subject import Subject
from seedbed.ledger.sql import double_quoted
from seedbed.units import Cents
from seedbed.views.days import cap_days
from seedbed.views.declarations import CAP_COLUMNS, bundle_matches, cap_lines, capped_legs, under_cap

__all__ = ["flows_under_caps", "held_back", "planted_rows", "starved"]

# Findings about sweeps that may be held back.
UNDER_CAP, ELSEWHERE = "finding-aggregate-under-cap", "finding-bundled-elsewhere"


def starved(subject: Subject) -> set[str]:
    """The chain children that, as a finding tells, a cap starves, and all rails and templates that follow."""
    pairs = subject.structural.get("finding-cap-starves-chain", frozenset())
    chains = subject.bank.chains
    return _following(subject, {chain.child for chain in chains if chain_name(chain.parent, chain.child) in pairs})


def held_back(subject: Subject) -> set[str]:
    """The rails and templates that caps or other sweeps have held back, and all that follow from them."""
    return _following(subject, _spent_caps(subject) | _sweeps_held_back(subject))


def planted_rows(subject: Subject) -> str:
    """A query for the ids of planted legs. It has no rows if there is no answer key."""
    if not subject.has_answer_key:
        return f"SELECT id FROM {subject.name('current_transactions')} WHERE 1 = 0"
    return f"""SELECT k.{double_quoted("key")} FROM {subject.name("answer_key")} k
  WHERE k.item = 'row' AND k.place = 'transactions'"""


def flows_under_caps(subject: Subject) -> str:
    """A WITH clause whose `flows` has what each account pays out or takes in under each cap on each day.

    Columns: account_id, parent_role, subject, cap and moved in cents, day, and `own`: legs that no plant made.
    """
    s = subject.sql
    relations, join, day = cap_days(s)
    return f"""WITH {relations}{s.relation("caps", CAP_COLUMNS, cap_lines(subject.bank))},
planted AS ({planted_rows(subject)}),
flows AS (
  SELECT t.account_id, c.parent_role, c.subject, c.cap, {day} AS day, SUM(ABS({s.exact("t.amount_money")})) AS moved,
    SUM(CASE WHEN t.id IN (SELECT * FROM planted) THEN 0 ELSE 1 END) AS own
  FROM {subject.name("current_transactions")} t
  JOIN caps c ON {under_cap("c", "t")}{join}
  WHERE t.status = 'Posted' AND {capped_legs(subject.bank, "t")}
  GROUP BY t.account_id, c.parent_role, c.subject, c.cap, {day})"""


def _spent_caps(subject: Subject) -> set[str]:
    """The rails under a cap of which an account has left too little on some day, with legs that no plant made.

    A firing is dropped if less than a cent is left; one with fixed amounts if less than these, one of a template if
    less than its net. A day on which a plant exceeds the cap proves nothing.
    """
    if not subject.bank.limit_schedules:
        return set()
    s, listed, declared = subject.sql, subject.listed("limit_breach"), Declared(subject.bank)
    needs = [
        (limit.parent_role, limit.key, max((_needed(declared, rail) for rail in found), default=1))
        for limit in subject.bank.limit_schedules
        for found in (declared.capped_rails(limit),)
    ]
    key = s.joined("f.account_id", "'/'", s.day_text("f.day"), "'/'", "f.subject")
    query = (
        f"{flows_under_caps(subject)}, {s.relation('needs', 'parent_role text, subject text, needed cents', needs)} "
        f"SELECT DISTINCT f.parent_role, f.subject, {key} FROM flows f "
        "JOIN needs n ON n.parent_role = f.parent_role AND n.subject = f.subject "
        "WHERE f.moved + n.needed > f.cap AND f.own > 0"
    )
    spent = {(parent, of) for parent, of, account_day in subject.rows(query) if account_day not in listed}
    # A cap below what a firing needs lets none post. Each block may spend an equal share of a cap on an account that
    # several blocks use.
    blocks = subject.outline.blocks
    capped = zip(needs, subject.bank.limit_schedules, strict=True)
    spent |= {(parent, of) for (parent, of, needed), x in capped if needed > 1 and x.cap_cents < needed * blocks}
    limits = (x for x in subject.bank.limit_schedules if (x.parent_role, x.key) in spent)
    return {rail.name for limit in limits for rail in declared.capped_rails(limit)}


def _needed(declared: Declared, rail: Rail) -> Cents:
    """The least that a firing of a rail needs of a cap: its least fixed amount, or what makes its template's net."""
    templates = declared.templates_of.get(rail.name, ()) if isinstance(rail, OneLegRail) else ()
    nets = [abs(t.expected_net_cents) + len(t.leg_rails) for t in templates if t.expected_net_cents]
    return max([*nets, min((point.amount_cents for point in rail.amount), default=1)])


def _sweeps_held_back(subject: Subject) -> set[str]:
    """The sweeps under a cap that left legs waiting at their last posting, and sweeps whose legs other sweeps took.

    Legs that a plant keeps unbundled do not count.
    """
    under_cap, elsewhere = (subject.structural.get(finding, frozenset()) for finding in (UNDER_CAP, ELSEWHERE))
    if not under_cap | elsewhere:
        return set()
    s, legs = subject.sql, subject.name("current_transactions")
    bundles = dict.fromkeys((sweep, rail, template) for sweep, _, rail, template in bundle_matches(subject.bank))
    counts = subject.rows(
        f"""WITH {s.relation("bundles", "sweep text, rail text, template text", list(bundles))},
sweeps AS (
  SELECT transfer_id, rail_name, MAX(posting) AS posting FROM {legs}
  WHERE rail_name IN (SELECT sweep FROM bundles) GROUP BY transfer_id, rail_name),
latest AS (SELECT rail_name, MAX(posting) AS posting FROM sweeps GROUP BY rail_name)
SELECT b.sweep,
  SUM(CASE WHEN t.bundle_id IS NULL AND (l.posting IS NULL OR t.posting < l.posting) THEN 1 ELSE 0 END),
  SUM(CASE WHEN w.rail_name <> b.sweep THEN 1 ELSE 0 END)
FROM {legs} t JOIN bundles b ON b.rail = t.rail_name AND (b.template = '' OR b.template = t.template_name)
LEFT JOIN sweeps w ON w.transfer_id = t.bundle_id
LEFT JOIN latest l ON l.rail_name = b.sweep
WHERE t.status = 'Posted' AND t.id NOT IN ({planted_rows(subject)}) GROUP BY b.sweep"""
    )
    return {
        sweep
        for sweep, waiting, taken in counts
        if (waiting and sweep in under_cap) or (taken and sweep in elsewhere)
    }


def _following(subject: Subject, found: set[str]) -> set[str]:
    """Some rails and templates, what follows from them by chains, and sweeps that bundle nothing else."""
    dead = subject.structural.get("finding-rail-never-fires", frozenset())
    # A selector that means no leg comes without a rail.
    matches = bundle_matches(subject.bank)
    bundled = grouped((sweep, rail) for sweep, _, rail, _ in matches if rail and rail not in dead)
    found, size = _by_chains(subject.bank, found), -1
    while len(found) > size:
        size = len(found)
        for sweep, rails in bundled.items():
            # What follows from the sweep itself does not make it post for the first time.
            if found & set(rails) and set(rails) <= _by_chains(subject.bank, found | {sweep}):
                found = _by_chains(subject.bank, found | {sweep})
    return found


def _by_chains(bank: Bank, found: set[str]) -> set[str]:
    """Some rails and templates, and all that follow from them by chains."""
    found, size = set(found), -1
    while len(found) > size:
        size = len(found)
        for template in bank.transfer_templates:
            if found & {template.name, *template.leg_rails}:
                found |= {template.name, *template.leg_rails}
        found |= {chain.child for chain in bank.chains if chain.parent in found}
    return found
