"""Conservation: checks that sums over the whole ledger agree. It uses its own queries and not the views."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from seedbed import money
from seedbed.bank.links import Links
from seedbed.bank.model import TwoLegRail
from seedbed.checks.result import Result, judged, not_applicable
from seedbed.checks.subject import Subject
from seedbed.errors import counted
from seedbed.program.calendar import business_days
from seedbed.views.declarations import expected_rail_nets
from seedbed.views.sql import OPENING_RAIL

__all__ = ["CONSERVATION"]

GROUP = "conservation"


def _transfers_net(subject: Subject) -> Result:
    """All current Posted legs of standalone two-leg rails and templates add up to their transfers' expected nets.

    Transfers that the answer key lists in `transfer_net` do not count, and neither do those with a Pending leg.
    """
    s, legs = subject.sql, subject.name("current_transactions")
    templates = [(t.name, t.expected_net_cents) for t in subject.bank.transfer_templates]

    def nets(of: str) -> str:
        return f"""SELECT t.transfer_id, e.name, SUM({s.exact("t.amount_money")}) AS net, MAX(e.net) AS expected,
    SUM(CASE WHEN t.status = 'Pending' THEN 1 ELSE 0 END) AS pending
  FROM {legs} t JOIN {of}s e ON e.name = t.{of}_name WHERE t.status <> 'Failed' GROUP BY t.transfer_id, e.name"""

    nets_of_all = f"""WITH {s.relation("rails", "name text, net cents", expected_rail_nets(subject.bank))},
{s.relation("templates", "name text, net cents", templates)},
nets AS ({nets("rail")} UNION ALL {nets("template")})"""
    query = f"""{nets_of_all}
SELECT NULL, NULL, {s.whole_cents("SUM(net)")}, {s.whole_cents("SUM(expected)")} FROM nets WHERE pending = 0
UNION ALL
SELECT transfer_id, name, {s.whole_cents("net")}, {s.whole_cents("expected")} FROM nets
WHERE pending = 0 AND net <> expected ORDER BY 1, 2"""
    total = wanted = excused = 0
    offenders = []
    for transfer, name, net, expected in subject.rows(query):
        if transfer is None:
            total, wanted = net or 0, expected or 0
        elif f"{transfer}/{name}" in subject.listed("transfer_net"):
            excused += net - expected
        else:
            offenders.append(f"transfer {transfer}: off by {money.grouped(net - expected)}")
    found = money.grouped(total - excused)
    return judged(GROUP, "net of all transfers", money.grouped(wanted), found, offenders)


def _balances_conserve(subject: Subject) -> Result:
    """Over the whole bank, the last balances of accounts without children are the sum of their postings until then.

    Openings are postings. A drift that the answer key lists for the last day of an account is excused.
    """
    s = subject.sql
    rows = subject.rows(
        f"""WITH last AS (
  SELECT account_id, MAX(business_day_end) AS business_day_end FROM {subject.name("current_daily_balances")}
  WHERE account_scope = 'internal' GROUP BY account_id),
closing AS (
  SELECT b.account_id, {s.day_text("b.business_day_start")} AS day, b.business_day_end, {s.exact("b.money")} AS stored
  FROM {subject.name("account_days")} d JOIN {subject.name("current_daily_balances")} b
    ON b.account_id = d.account_id AND b.business_day_start = d.business_day_start
  JOIN last l ON l.account_id = b.account_id AND l.business_day_end = b.business_day_end
  WHERE d.has_children = 0)
SELECT c.account_id, c.day, {s.whole_cents("c.stored")},
  {s.whole_cents(f"SUM(CASE WHEN t.rail_name = '{OPENING_RAIL}' THEN {s.exact('t.amount_money')} ELSE 0 END)")},
  {s.whole_cents(f"SUM(CASE WHEN t.rail_name <> '{OPENING_RAIL}' THEN {s.exact('t.amount_money')} ELSE 0 END)")}
FROM closing c LEFT JOIN {subject.name("current_transactions")} t ON t.account_id = c.account_id
  AND t.status = 'Posted' AND t.posting < c.business_day_end
GROUP BY c.account_id, c.day, c.stored ORDER BY c.account_id"""
    )
    openings = flows = closings = 0
    offenders = []
    for account, day, stored, opening, flow in rows:
        opened, moved = int(opening or 0), int(flow or 0)
        off = stored - opened - moved
        let_off = off if f"{account}/{day}" in subject.listed("drift") else 0
        off -= let_off
        openings, flows, closings = openings + opened, flows + moved, closings + stored - let_off
        if off:
            offenders.append(f"{account}/{day}: off by {money.grouped(off)}")
    name, expected = "openings + flows = closings", f"{money.grouped(openings)} + {money.grouped(flows)}"
    result = judged(GROUP, name, money.grouped(openings + flows), money.grouped(closings), offenders)
    return replace(result, expected=expected)


def _two_leg_rails(subject: Subject) -> list[str]:
    return [rail.name for rail in subject.bank.rails if isinstance(rail, TwoLegRail)]


def _firings_are_whole(subject: Subject) -> Result:
    """Legs of two-leg rails come in pairs with the same transfer, status and bundle, and add up to zero.

    Pairs that Seedbed made also share the second. A feed's transfer of one firing may have the declared net.

    If a plant made a transfer short, the legs of the short rail are excused.
    """
    s = subject.sql
    # Seedbed posts both legs of a firing in one second; a feed may book them one after the other.
    moment = "posting" if subject.is_generated else "transfer_id"
    nets = {} if subject.is_generated else dict(expected_rail_nets(subject.bank))
    query = f"""SELECT transfer_id, rail_name, {moment}, COUNT(*), {s.whole_cents(f"SUM({s.exact('amount_money')})")},
  MIN(id), status, COALESCE(bundle_id, '') AS bundle FROM {subject.name("current_transactions")}
WHERE rail_name IN ({s.names(_two_leg_rails(subject))})
GROUP BY transfer_id, rail_name, {moment}, status, COALESCE(bundle_id, '')
HAVING SUM({s.exact("amount_money")}) <> 0 OR COUNT(*) % 2 <> 0 ORDER BY 1, 2, 3, 7, 8"""
    short = _short_rails(subject)
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for transfer, rail, when, *unpaired in subject.rows(query):
        legs, net, *_ = unpaired
        if (transfer, rail) not in short and not (legs == 2 and net == nets.get(rail)):
            found.setdefault((transfer, rail, when), []).append(tuple(unpaired))
    offenders = [
        f"transfer {transfer} of {rail}: {_unpaired(groups)}, first {groups[0][2]}"
        for (transfer, rail, _), groups in found.items()
    ]
    return judged(GROUP, "unpaired legs", 0, len(offenders), offenders)


def _unpaired(groups: list[tuple[Any, ...]]) -> str:
    """The fault of the legs of one firing, given (number, net, first, status, bundle) per status and bundle.

    The legs may be complete and differ only in a value that the two legs of a firing should share.
    """
    legs, net = sum(group[0] for group in groups), sum(group[1] for group in groups)
    if net or legs % 2:
        return f"{counted(legs, 'leg')}, net {money.grouped(net)}"
    statuses, bundles = (list(dict.fromkeys(group[place] for group in groups)) for place in (3, 4))
    differing = [f"statuses {' and '.join(statuses)}"] if len(statuses) > 1 else []
    if len(bundles) > 1:
        differing.append(f"bundles {' and '.join(bundle or 'none' for bundle in bundles)}")
    return f"its two legs differ: {', '.join(differing)}"


def _short_rails(subject: Subject) -> set[tuple[str, str]]:
    """(transfer, rail) of every transfer that a plant made short, with the rail whose amount it reduced."""
    planted = [line for line in subject.answer_key if line.kind == "transfer_net" and line.label == "exception"]
    if not planted:
        return set()
    details = subject.rows(
        f"""SELECT plant_id, detail FROM {subject.name("answer_key")}
WHERE kind = 'transfer_net' AND label = 'exception' AND item = 'plant' AND detail IS NOT NULL"""
    )
    # Some drivers return JSON as text, others as parsed values.
    rails = {plant: (json.loads(told) if isinstance(told, str) else told)["rail"] for plant, told in details}
    return {
        (line.key.partition("/")[0], rails[line.plant_id])
        for line in planted
        if line.place == "transfer_net" and line.plant_id in rails
    }


def _sweeps_carry_their_bundle(subject: Subject) -> Result:
    """The amount of a sweep is the sum of its bundled legs: the credits of two-leg rails, the net of one-leg rails.

    Only a stuck sweep bundles nothing.
    """
    s, legs = subject.sql, subject.name("current_transactions")
    amount = s.exact("t.amount_money")
    gross = f"t.rail_name IN ({s.names(_two_leg_rails(subject))})"
    sweeps = [rail.name for rail in subject.bank.rails if rail.aggregating]
    query = f"""WITH bundled AS (
  SELECT t.bundle_id, SUM(CASE WHEN {gross} AND t.amount_money < 0 THEN 0 ELSE {amount} END) AS total
  FROM {legs} t WHERE t.bundle_id IS NOT NULL GROUP BY t.bundle_id),
swept AS (
  SELECT t.transfer_id, MAX(t.status) AS status, MAX(ABS({amount})) AS total FROM {legs} t
  WHERE t.rail_name IN ({s.names(sweeps)}) GROUP BY t.transfer_id)
SELECT COALESCE(b.bundle_id, w.transfer_id), {s.whole_cents("b.total")}, {s.whole_cents("w.total")}
FROM bundled b LEFT JOIN swept w ON w.transfer_id = b.bundle_id
WHERE w.transfer_id IS NULL OR ABS(b.total) <> w.total
UNION ALL
SELECT w.transfer_id, NULL, {s.whole_cents("w.total")}
FROM swept w LEFT JOIN bundled b ON b.bundle_id = w.transfer_id
WHERE b.bundle_id IS NULL AND w.status = 'Posted' ORDER BY 1"""

    def figure(cents: int | None) -> str:
        return "nothing" if cents is None else money.grouped(abs(cents))

    offenders = [
        f"sweep {transfer}: bundles {figure(bundled)}, posted {figure(swept)}"
        for transfer, bundled, swept in subject.rows(query)
    ]
    if not sweeps and not offenders:
        return not_applicable(GROUP, "sweeps that differ from the sum of their legs", "the bank has no sweep")
    return judged(GROUP, "sweeps that differ from the sum of their legs", 0, len(offenders), offenders)


def _balances_are_complete(subject: Subject) -> Result:
    """Every internal account with postings or balances has one balance for each business day of the window.

    The window of a generated dataset is that of its facts. The window of a feed goes from its first to its last
    balance; for an account it begins on the day of its own first posting or balance, if that is later.
    """
    s, text = subject.sql, subject.sql.day_text("business_day_start")
    found: dict[str, Counter[str]] = {}
    for account, day in subject.rows(f"SELECT account_id, {text} FROM {subject.name('current_daily_balances')}"):
        found.setdefault(account, Counter())[day] += 1
    first = s.day_text(f"MIN({s.business_day('posting', 'account_role')})")
    began = dict(
        subject.rows(
            f"SELECT account_id, {first} FROM {subject.name('current_transactions')}"
            " WHERE account_scope = 'internal' GROUP BY account_id"
        )
    )
    window = _business_days_of(subject, [day for days in found.values() for day in days], began.values())
    total = wanted_days = 0
    offenders = []
    for account in sorted({*found, *began}):
        own = found.get(account, Counter())
        start = "" if subject.is_generated else min([*own, *([began[account]] if account in began else [])])
        wanted = {day for day in window if day >= start}
        wanted_days += len(wanted)
        total += own.total()
        if len(own) == own.total() and own.keys() == wanted:
            continue
        for day in sorted({*own, *wanted}):
            if own[day] != (day in wanted):
                words = {0: "no balance", 1: "not a business day"}.get(own[day], f"{own[day]} balances")
                offenders.append(f"{account}/{day}: {words}")
    return judged(GROUP, "balances: one per account and business day", wanted_days, total, offenders)


def _business_days_of(subject: Subject, balances: list[str], postings: Iterable[str]) -> list[str]:
    """The business days of the window; of a feed without balances, those on which there are postings."""
    if subject.is_generated:
        last = subject.dataset.anchor.toordinal()
        first = last - subject.dataset.window_days + 1
    else:
        days = balances or list(postings)
        if not days:
            return []
        first, last = (date.fromisoformat(day).toordinal() for day in (min(days), max(days)))
    ordinals = business_days(subject.bank.calendar, first, last)
    return [date.fromordinal(int(ordinal)).isoformat() for ordinal in ordinals]


def _nothing_posts_when_closed(subject: Subject) -> Result:
    """No posting lies on a day on which the bank is closed, but for rails that fire always and then openings."""
    s, links = subject.sql, Links(subject.bank)
    day, legs = s.day_text("posting"), subject.name("current_transactions")
    always = {rail.name for node in links.nodes if node.always for rail in node.rails}
    bound = f" WHERE rail_name NOT IN ({s.names(sorted(always | {OPENING_RAIL}))})" if always else ""
    query = f"SELECT {day}, COUNT(*), MIN(id) FROM {legs}{bound} GROUP BY {day} ORDER BY 1"
    found = subject.rows(query)
    if not found:
        return not_applicable(GROUP, "postings on closed days", "there are no postings")
    first, last = (date.fromisoformat(found[place][0]).toordinal() for place in (0, -1))
    open_days = {int(ordinal) for ordinal in business_days(subject.bank.calendar, first, last)}
    offenders = [
        f"{day}: {legs} legs, first {leg}"
        for day, legs, leg in found
        if date.fromisoformat(day).toordinal() not in open_days
    ]
    return judged(GROUP, "postings on closed days", 0, len(offenders), offenders)


CONSERVATION: Mapping[str, Callable[[Subject], Result]] = {
    "net of all transfers": _transfers_net,
    "openings + flows = closings": _balances_conserve,
    "unpaired legs": _firings_are_whole,
    "sweeps that differ from the sum of their legs": _sweeps_carry_their_bundle,
    "balances: one per account and business day": _balances_are_complete,
    "postings on closed days": _nothing_posts_when_closed,
}
