"""The five coverage assertions of the seed document: does the ledger show everything that the bank declares?

Each assertion checks one condition for every subject, such as every rail. It skips subjects that the structure of the
bank or the window rules out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from math import exp

from seedbed import money
from seedbed.bank.leg_groups import group_of
from seedbed.bank.model import OneLegRail
from seedbed.checks.held_back import flows_under_caps, held_back, planted_rows, starved
from seedbed.checks.result import PartResult, Result, of_parts
from seedbed.checks.subject import Subject
from seedbed.ledger.sql import double_quoted
from seedbed.views.days import WAIT_COLUMNS, chain_waits, open_days, past_wait, wait_joins
from seedbed.views.declarations import DeclaredChain, chain_ends, declared_chains
from seedbed.views.transfers import CHAIN_END_COLUMNS, chain_matches

__all__ = [
    "CAPS",
    "CHAINS",
    "COVERAGE",
    "FANOUTS",
    "HELD_BACK",
    "LEGS",
    "caps_hold",
    "chains_complete",
    "fanouts_stand_out",
    "rails_have_their_legs",
    "templates_net",
]

GROUP = "coverage"
LEGS = "legs per rail: at least half the target (min. 5)"
CHAINS = "chains: a completed pair; at least 80% if Required"
NETS = "templates: at least 80% with the declared net"
CAPS = "caps: unlisted account-days within the cap"
FANOUTS = "fan-outs: z-score of at least 3"
# Floors (seed document, "L2 coverage assertion set"): half of the target and 5 legs, where the target is at least 20.
FULL_TARGET_LEGS, FLOOR_SHARE, FLOOR_LEGS = 20, Decimal("0.5"), 5
REQUIRED_COMPLETION, TEMPLATE_NETS, FANOUT_Z_SCORE = 0.80, 0.80, 3.0
HELD_BACK = "a cap left nothing, or other sweeps took the legs"
# Firings are random (Poisson). If chance alone falls below a floor more often than this, the floor is lowered.
CHANCE = 1e-4
# With more firings than this, chance almost never leaves less than half.
MANY_FIRINGS = 200
# A member of an XOR group from which fewer completions are expected may lie idle by chance: exp(-10) is 1 in 22,000.
FEWEST_EXPECTED = 10


def rails_have_their_legs(subject: Subject) -> Result:
    """Legs per rail: at least half of the target and at least 5; at least 1 if the target is below 20 legs.

    The floor is lower if so few firings are expected that chance alone may fall below it. The assertion is not asked
    of rails that can never fire, that a cap starves, or that may have no firing by chance, nor of rails below the
    floor that were held back (`held_back`).
    """
    legs = dict(subject.rows(f"SELECT rail_name, legs FROM {subject.name('rail_activity')}"))
    dead = subject.structural.get("finding-rail-never-fires", frozenset())
    without_cap_left, each = starved(subject), _legs_each(subject)
    back = cache(lambda: held_back(subject))  # The ledger is asked only where a rail falls short.

    def parts() -> Iterator[PartResult]:
        for line in subject.outline.rails:
            name, found = line.rail, int(legs.get(line.rail, 0))
            if name in dead or not line.expected_legs:
                yield PartResult.excused(name, "0", str(found), "it can never fire in this window")
            elif name in without_cap_left:
                yield PartResult.excused(name, "-", str(found), "a cap leaves nothing for some of its firings")
            else:
                floor, reason = _floor(line.expected_legs, line.least_legs, each[name], found, line.together)
                wanted = f"at least {floor:.0f} legs"
                if reason:
                    yield PartResult.excused(name, "0", str(found), reason)
                elif found < floor and name in back():
                    yield PartResult.excused(name, wanted, str(found), HELD_BACK)
                else:
                    yield PartResult.judged(name, wanted, str(found), found >= floor)

    return of_parts(GROUP, LEGS, "rails", parts())


def _floor(target: Decimal, least: Decimal, each: int, found: int, together: int) -> tuple[Decimal, str]:
    """The least number of legs of a rail, with `each` legs per firing; and the reason if it need not have any.

    `least` legs are expected if every period has as few firings as the bank file allows. So many firings come
    `together`, so that chance leaves out all of them or none.
    """
    if target < each:
        return Decimal(0), f"{target:.1f} legs are expected, less than one firing"
    certain = _certain_firings(float(least) / each / together) * together
    if not certain and not found:
        return Decimal(0), f"{target / each:.1f} firings are expected, so by chance there may be none"
    floor = max(target * FLOOR_SHARE, Decimal(FLOOR_LEGS)) if target >= FULL_TARGET_LEGS else Decimal(1)
    return min(floor, Decimal(max(certain * each, 1))), ""


def _certain_firings(expected: float) -> int:
    """The most firings below which chance (Poisson) falls less often than once in 1 / `CHANCE`."""
    if expected > MANY_FIRINGS:
        return int(expected * float(FLOOR_SHARE)) + 1
    firings, below, term = 0, 0.0, exp(-expected)
    while below + term <= CHANCE:
        below += term
        firings += 1
        term *= expected / firings
    return firings


def _legs_each(subject: Subject) -> dict[str, int]:
    """The legs of one firing of each rail."""
    return {rail.name: 1 if isinstance(rail, OneLegRail) else 2 for rail in subject.bank.rails}


def chains_complete(subject: Subject) -> Result:
    """Every chain has a completed pair; Required ones (XOR groups as one) complete for at least 80% of the parents.

    A parent whose missing child is a listed exception does not count. The assertion is not asked of chains that can
    never complete, whose child a cap starves or held back, or that have no parent in the window. It is not asked of
    Optional chains with only planted parents, since plants bring only Required children. For a member of an XOR group
    with few expected completions, the group is asked instead.
    """
    declared = declared_chains(subject.bank)
    if not declared:
        return of_parts(GROUP, CHAINS, "chains", ())
    chains = _Chains(subject, declared)
    return of_parts(GROUP, CHAINS, "chains", (*chains.pairs(), *chains.shares()))


class _Chains:
    """The chains of a ledger. Some are ruled out, some are excused without a pair, the others are judged."""

    def __init__(self, subject: Subject, declared: Sequence[DeclaredChain]) -> None:
        self.subject = subject
        self.declared = declared
        self.impossible = subject.structural.get("finding-chain-never-completes", frozenset())
        self.starving = subject.structural.get("finding-cap-starves-chain", frozenset())
        self.parents, self.bare, self.completed, self.decided = _chain_counts(subject)
        self.firings = _expected_firings(subject)
        self.members = Counter(chain.decision for chain in declared)

    @cached_property
    def back(self) -> set[str]:
        """The held-back rails; the ledger is queried only if a chain falls short."""
        return held_back(self.subject)

    def pairs(self) -> Iterator[PartResult]:
        """One result per chain: at least one completed pair."""
        for chain in self.declared:
            completed = self.completed.get((chain.decision, chain.child), 0)
            reason = self._ruled_out(chain) or ("" if completed else self._excused(chain))
            expected, found = f"at least 1 pair of {self.parents.get(chain.decision, 0)}", str(completed)
            if reason:
                yield PartResult.excused(chain.name, expected, found, reason)
            else:
                yield PartResult.judged(chain.name, expected, found, completed >= 1)

    def shares(self) -> Iterator[PartResult]:
        """One result per Required decision: at least 80% of its parents, unless a cap starves one of its chains."""
        starved = {chain.decision for chain in self.declared if chain.name in self.starving}
        asked = {chain.decision: chain for chain in self.declared if not self._ruled_out(chain)}
        for number, chain in asked.items():
            if not chain.required or number in starved:
                continue
            found, completed = self.parents[number], self.decided.get(number, 0)
            expected = f"at least {REQUIRED_COMPLETION:.0%} of {found}"
            holds = completed >= REQUIRED_COMPLETION * found
            if not holds and any(e.child in self.back for e in self.declared if e.decision == number):
                yield PartResult.excused(chain.label, expected, str(completed), HELD_BACK)
            else:
                yield PartResult.judged(chain.label, expected, f"{completed} ({completed / found:.0%})", holds)

    def _ruled_out(self, chain: DeclaredChain) -> str:
        """The reason why a chain cannot be asked for; empty if it can."""
        if chain.name in self.starving:
            return "a cap leaves nothing for some parents"
        if chain.name in self.impossible:
            return "it can never be completed"
        if not self.parents.get(chain.decision, 0):
            return "it has no parent in this window, or only planted exceptions"
        completed = self.completed.get((chain.decision, chain.child), 0)
        if not (chain.required or completed or self.bare.get(chain.decision, 0)):
            return "only plants are its parents, and it is Optional"
        return ""

    def _excused(self, chain: DeclaredChain) -> str:
        """The reason why a chain may lack a completed pair; empty if it may not."""
        # Plants always use the same member of a group. The others may also be children of other parents.
        few = min(self.firings.get(chain.child, 0), self.bare.get(chain.decision, 0) / self.members[chain.decision])
        if chain.in_group and few < FEWEST_EXPECTED:
            return f"{few:.1f} are expected"
        shared = self.subject.outline.fan_ins.get(chain.label)
        if shared is not None and not _certain_firings(float(shared)):
            return f"{shared:.1f} are expected, so by chance there may be none"
        return HELD_BACK if chain.child in self.back else ""


def _expected_firings(subject: Subject) -> dict[str, float]:
    """Expected firings per rail, and per template those of its rarest leg rail; of an XOR group all together."""
    each = _legs_each(subject)
    firings = {line.rail: float(line.least_legs) / each[line.rail] for line in subject.outline.rails}
    for template in subject.bank.transfer_templates:
        chosen = [sum(firings[rail] for rail in members) for members in template.leg_rail_xor_groups]
        others = (firings[rail] for rail in template.leg_rails if group_of(template, rail) is None)
        firings.setdefault(template.name, min([*chosen, *others]))
    return firings


def _chain_counts(
    subject: Subject,
) -> tuple[dict[int, int], dict[int, int], dict[tuple[int, str], int], dict[int, int]]:
    """Four counts of parents; a parent whose missing child the answer key lists, or may come yet, is in none of them.

    1. All parents, per decision. 2. Parents that no plant made, per decision. 3. Parents with a given child, per
    (decision, child). 4. Parents with any child, per decision.
    """
    s, legs, answers = subject.sql, subject.name("current_transactions"), subject.name("answer_key")
    listed = (
        f"SELECT k.{double_quoted('key')} FROM {answers} k "
        "WHERE k.place = 'chain_exceptions' AND k.item IN ('view', 'collateral')"
    )
    parents = " UNION ".join(
        f"SELECT e.decision, e.label, t.transfer_id FROM {legs} t JOIN ends e ON {matches} "
        "WHERE t.status = 'Posted' AND t.amount_money <> 0"
        for matches in chain_matches("parent")
    )
    children = " UNION ".join(
        f"SELECT e.decision, e.child_name, t.transfer_parent_id AS parent_id FROM {legs} t "
        f"JOIN chain_ends e ON {matches} WHERE t.status <> 'Failed' AND t.transfer_parent_id IS NOT NULL"
        for matches in chain_matches("child")
    )
    relations, joins, old_enough = _waits(subject)
    head = f"""WITH {relations}{s.relation("chain_ends", CHAIN_END_COLUMNS, chain_ends(subject.bank))},
ends AS (SELECT DISTINCT decision, label, parent_rail, parent_template FROM chain_ends),
parents AS (
  SELECT DISTINCT found.decision, found.transfer_id FROM ({parents}) found{joins}
  WHERE {s.joined("found.transfer_id", "'/'", "found.label")} NOT IN ({listed}){old_enough})"""
    completed = f"""{head}, children AS ({children}),
pairs AS (SELECT c.decision, c.child_name, c.parent_id FROM children c
  JOIN parents p ON p.decision = c.decision AND p.transfer_id = c.parent_id)"""

    def counted(query: str) -> dict[int, int]:
        return {int(decision): count for decision, count in subject.rows(query)}

    planted = f"SELECT transfer_id FROM {legs} WHERE id IN ({planted_rows(subject)})"
    per_child = (
        f"{completed} SELECT decision, child_name, COUNT(DISTINCT parent_id) FROM pairs GROUP BY decision, child_name"
    )
    return (
        counted(f"{head} SELECT decision, COUNT(*) FROM parents GROUP BY decision"),
        counted(
            f"{head} SELECT decision, COUNT(*) FROM parents WHERE transfer_id NOT IN ({planted}) GROUP BY decision"
        ),
        {(int(decision), child): count for decision, child, count in subject.rows(per_child)},
        counted(f"{completed} SELECT decision, COUNT(DISTINCT parent_id) FROM pairs GROUP BY decision"),
    )


def _waits(subject: Subject) -> tuple[str, str, str]:
    """Relations, joins and a condition by which a parent `found` counts only if its child should be there by now."""
    s, waits = subject.sql, chain_waits(subject.sql)
    if not waits:
        return "", "", ""
    last = "MAX(CASE WHEN t.status = 'Posted' THEN t.posting END)"
    relations = f"""{s.relation("waits", WAIT_COLUMNS, waits)},
{open_days(s)},
lasts AS (
  SELECT t.transfer_id, {last} AS posting FROM {subject.name("current_transactions")} t GROUP BY t.transfer_id),
"""
    joins = f"""
  {wait_joins("found.label")}
  LEFT JOIN lasts l ON l.transfer_id = found.transfer_id"""
    return relations, joins, f"\n  AND (w.label IS NULL OR {past_wait(s, 'l.posting')})"


def templates_net(subject: Subject) -> Result:
    """At least 80% of every template's transfers have the expected net. Planted transfers without it do not count."""
    s = subject.sql
    templates = [(t.name, t.expected_net_cents) for t in subject.bank.transfer_templates]
    impossible = subject.structural.get("finding-net-cannot-hold", frozenset())
    net = f"SUM({s.exact('t.amount_money')})"
    off = (line for line in subject.answer_key if line.place == "transfer_net" and line.label == "exception")
    planted = s.names(sorted({line.key.partition("/")[0] for line in off}) or [""])
    counted = {
        name: (found, right)
        for name, found, right in subject.rows(
            f"""WITH {s.relation("templates", "name text, net cents", templates)},
nets AS (
  SELECT e.name, t.transfer_id, CASE WHEN {net} = e.net THEN 1 ELSE 0 END AS holds
  FROM {subject.name("current_transactions")} t JOIN templates e ON e.name = t.template_name
  WHERE t.status = 'Posted' AND t.transfer_id NOT IN ({planted}) GROUP BY e.name, e.net, t.transfer_id)
SELECT name, COUNT(*), SUM(holds) FROM nets GROUP BY name"""
        )
    }

    def parts() -> Iterator[PartResult]:
        for name, _ in templates:
            found, right = (int(figure) for figure in counted.get(name, (0, 0)))
            expected, seen = f"at least {TEMPLATE_NETS:.0%} of {found}", str(right)
            if not found or name in impossible:
                reason = "its net cannot hold" if name in impossible else "it has no transfer in this window"
                yield PartResult.excused(name, expected, seen, reason)
            else:
                share = f"{right} ({right / found:.0%})"
                yield PartResult.judged(name, expected, share, right >= TEMPLATE_NETS * found)

    return of_parts(GROUP, NETS, "templates", parts())


def caps_hold(subject: Subject) -> Result:
    """The most that an account moves on a day is within the cap, except for breaches in the answer key."""
    s = subject.sql
    key = s.joined("account_id", "'/'", s.day_text("day"), "'/'", "subject")
    flows = flows_under_caps(subject)
    moved, listed = s.whole_cents("moved"), subject.listed("limit_breach")
    most = {
        (parent, of): cents
        for parent, of, cents in subject.rows(
            f"{flows} SELECT parent_role, subject, {s.whole_cents('MAX(moved)')} FROM flows "
            "WHERE moved <= cap GROUP BY parent_role, subject"
        )
    }
    over: dict[tuple[str, str], list[tuple[int, str]]] = {}
    query = f"{flows} SELECT parent_role, subject, {key}, {moved} FROM flows WHERE moved > cap ORDER BY 3"
    for parent, of, account_day, cents in subject.rows(query):
        if account_day not in listed:
            over.setdefault((parent, of), []).append((cents, account_day))

    def parts() -> Iterator[PartResult]:
        for limit in subject.bank.limit_schedules:
            parent, of, cap = limit.parent_role, limit.key, limit.cap_cents
            name, expected = f"{parent}/{of}", f"at most {money.grouped(cap)}"
            if (parent, of) in over:
                cents, account_day = max(over[parent, of])
                yield PartResult.judged(name, expected, f"{money.grouped(cents)} in {account_day}", False)
            elif (parent, of) in most:
                yield PartResult.judged(name, expected, money.grouped(most[parent, of]), True)
            else:
                way = "in" if limit.sign > 0 else "out"
                yield PartResult.excused(name, expected, "0.00", f"nothing was paid {way} under it")

    return of_parts(GROUP, CAPS, "caps", parts())


def fanouts_stand_out(subject: Subject) -> Result:
    """Every planted fan-out's pair has a z-score of at least 3 in `volume_anomalies`."""
    s = subject.sql
    wanted = sorted(
        line.key for line in subject.answer_key if line.place == "volume_anomalies" and line.label == "exception"
    )
    key = s.joined("sender_id", "'/'", "recipient_id", "'/'", s.day_text("day"))
    scores = {}
    if wanted:
        days = {pair.rpartition("/")[2] for pair in wanted}
        query = f"SELECT {key}, z_score FROM {subject.name('volume_anomalies')} WHERE {s.day_text('day')} IN "
        scores = dict(subject.rows(f"{query}({s.names(sorted(days))})"))

    def parts() -> Iterator[PartResult]:
        for pair in wanted:
            score = float(scores.get(pair, 0))
            found = f"z = {score:.2f}" if pair in scores else "no row"
            yield PartResult.judged(pair, f"z of at least {FANOUT_Z_SCORE}", found, score >= FANOUT_Z_SCORE)

    return of_parts(GROUP, FANOUTS, "planted pairs", parts())


COVERAGE: Mapping[str, Callable[[Subject], Result]] = {
    LEGS: rails_have_their_legs,
    CHAINS: chains_complete,
    NETS: templates_net,
    CAPS: caps_hold,
    FANOUTS: fanouts_stand_out,
}
