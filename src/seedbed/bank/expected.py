"""Proves from the flows that a declared end-of-day balance can hold; otherwise reports a finding.

The balance holds on an account on which nothing ever posts. It also holds if a sweep removes exactly the postings of
the other rails, once a day or more often. Every balance that cannot be proved gets a finding, so the baseline has no
breach without a finding.
"""

from collections.abc import Iterable, Iterator

from seedbed import money
from seedbed.bank.flows import DeclaredLeg, Flows
from seedbed.bank.graph import reachable
from seedbed.bank.model import Account, Rail, TwoLegRail
from seedbed.bank.patterns import PLANT_ACCOUNTS
from seedbed.bank.text import Path, quote

__all__ = ["expected_balances"]

SAME_DAY = ("daily-eod", "intraday")
MAX_LEVELS = 20


def expected_balances(flows: Flows) -> Iterator[tuple[Path, str]]:
    """A finding for every internal account or template whose expected balance is not proved."""
    singles = len(flows.bank.accounts)
    for number, holder in enumerate(flows.holders):
        cents, role = holder.expected_eod_balance_cents, holder.role
        if cents is None or holder.scope == "external":
            continue
        reason = None
        if cents < 0:
            reason = "internal accounts never end a day below zero"
        elif role is not None and _standing(flows, role, cents, MAX_LEVELS) != cents:
            reason = _reason(flows, role)
        if reason is not None:
            key, index = ("accounts", number) if number < singles else ("account_templates", number - singles)
            yield (key, index, "expected_eod_balance"), f"{money.format(cents)} cannot hold: {reason}"


def _standing(flows: Flows, role: str, cents: int | None, levels: int) -> int | None:
    """The balance at which every account of a role ends every day. None if that is not certain.

    `cents` is the expected balance, which is also the opening balance.
    """
    below = flows.internal_under.get(role, ())
    posts = role in flows.rails_on
    if below:
        if posts or levels == 0 or role in flows.declared.template_roles:
            return None
        total = 0
        for holder in below:
            own = holder.expected_eod_balance_cents
            own = _standing(flows, holder.role, own, levels - 1) if holder.role else own or 0
            if own is None:
                return None
            single = isinstance(holder, Account)
            total += own * (1 if single else flows.counts[holder.role or ""] + PLANT_ACCOUNTS)
        return total
    if posts and not _is_cleared(flows, role):
        return None
    if cents is not None and cents >= 0:
        return cents
    opens_empty = all(flows.kinds.of_role(holder).mu is None for holder in flows.holders_of[role])
    return 0 if not posts and opens_empty else None


def _is_cleared(flows: Flows, role: str) -> bool:
    """Whether one daily or intraday sweep clears the role's single account of all postings of other rails."""
    holders = flows.holders_of[role]
    legs = flows.rails_on[role]
    sweeps = [rail for rail, _ in legs if rail.aggregating]
    others = [rail for rail, _ in legs if not rail.aggregating]
    if len(holders) != 1 or not isinstance(holders[0], Account) or len(sweeps) != 1 or not others:
        return False
    sweep = sweeps[0]
    if len({rail.name for rail, _ in legs}) < len(legs) or not all(_is_only_side(leg, role) for _, leg in legs):
        return False
    signs = {leg.sign for rail, leg in legs if not rail.aggregating}
    sweep_sign = next(leg.sign for rail, leg in legs if rail.aggregating)
    return (
        all(isinstance(rail, TwoLegRail) for rail, _ in legs)
        and signs == {-sweep_sign}
        and sweep.cadence is not None
        and sweep.cadence.family in SAME_DAY
        and not flows.bank.role_business_day_offsets.get(role)
        and not flows.caps_on(sweep)
        and flows.rail_fires(sweep)
        and _bundles_exactly(flows, sweep, others)
    )


def _is_only_side(leg: DeclaredLeg, role: str) -> bool:
    return leg.roles == {role}


def _bundles_exactly(flows: Flows, sweep: Rail, rails: list[Rail]) -> bool:
    """Whether a sweep bundles all legs of these rails and no others, alone, and causes none of these legs itself."""
    names = {rail.name for rail in rails}
    if {rail.name for rail, _ in flows.bundles.get(sweep.name, ())} != names:
        return False
    effects = reachable(flows.consequences, [node.index for node in flows.nodes_of[sweep.name]])
    for rail in rails:
        for node in flows.nodes_of[rail.name]:
            whole = all(isinstance(part, TwoLegRail) for part in node.rails)
            alone = flows.bundlers(rail, node) == (sweep.name,)
            if not whole or not alone or node.index in effects:
                return False
    return True


def _reason(flows: Flows, role: str) -> str:
    legs = flows.rails_on.get(role, ())
    names = quoted_names(rail.name for rail, _ in legs)
    if role in flows.internal_under and not legs:
        return "it is the sum of the accounts below it, whose balances move or open at drawn amounts"
    if role in flows.internal_under:
        return f"it is the sum of the accounts below it and of what is posted on it by {names}"
    if all(leg.sign > 0 for _, leg in legs):
        return f"money only enters the account, by {names}"
    if all(leg.sign < 0 for _, leg in legs):
        return f"money only leaves the account, by {names}"
    return f"no single daily or intraday sweep clears exactly what is posted by {names}"


def quoted_names(names: Iterable[str]) -> str:
    """Up to three names in quotes, and the number of further names."""
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - 3
    shown = [quote(name) for name in distinct[:3]] + ([f"{more} more"] if more > 0 else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
