"""Compares the exception views with the answer key in both directions, and checks that nothing else is wrong."""

from collections.abc import Iterator
from dataclasses import replace

from seedbed.checks.filled import stale_views
from seedbed.checks.result import Result, judged, not_applicable, not_asked
from seedbed.checks.subject import Subject
from seedbed.ledger.sql import double_quoted
from seedbed.views import EXCEPTION_VIEWS

__all__ = [
    "baseline_is_healthy",
    "exceptions_found",
    "fanouts_surface",
    "planted_rows_are_there",
    "views_are_as_made",
    "views_are_fresh",
    "views_equal_key",
    "views_know_the_time",
]

GROUP = "answer key"
# The views that need an as-of.
TIMED_VIEWS = ("stuck_pending", "stuck_unbundled")
OTHER_MOMENT = "`data refresh --as-of` moved the as-of away from that of the answer key"


def baseline_is_healthy(subject: Subject) -> Result:
    """No exception view has a row that the answer key does not list. Stuck legs count only at its as-of."""
    unlisted = [
        f"{view}: {key}"
        for view in EXCEPTION_VIEWS
        if not (subject.moved and view in TIMED_VIEWS)
        for key in sorted(subject.surfaced(view).keys() - subject.listed(view))
    ]
    return judged("health", "unplanned exceptions", 0, len(unlisted), unlisted)


def views_equal_key(subject: Subject) -> Iterator[Result]:
    """One result per exception view: its rows are those that the answer key lists, each once."""
    for view in EXCEPTION_VIEWS:
        if subject.moved and view in TIMED_VIEWS:
            yield not_asked(GROUP, view, OTHER_MOMENT)
            continue
        if view in subject.unreadable:
            yield not_asked(GROUP, view, subject.unreadable[view])
            continue
        listed, found = subject.listed(view), subject.surfaced(view)
        offenders = [f"missing: {key}" for key in sorted(listed - found.keys())]
        offenders += [f"unexpected: {key}" for key in sorted(found.keys() - listed)]
        offenders += [f"{count} times: {key}" for key, count in sorted(found.items()) if count > 1]
        yield judged(GROUP, view, len(listed), found.total(), offenders)


def fanouts_surface(subject: Subject) -> Result:
    """Every planted fan-out's recipient and day is in `recipient_fanout`."""
    listed, name = subject.listed("recipient_fanout"), "recipient_fanout"
    if not listed:
        return not_applicable(GROUP, name, "no fan-out is planted")
    s = subject.sql
    key = s.joined("recipient_id", "'/'", s.day_text("day"))
    days = sorted({line.rpartition("/")[2] for line in listed})
    query = f"SELECT {key} FROM {subject.name(name)} WHERE {s.day_text('day')} IN ({s.names(days)})"
    there = {row for (row,) in subject.rows(query)} & listed
    return judged(GROUP, name, len(listed), len(there), [f"missing: {line}" for line in sorted(listed - there)])


def planted_rows_are_there(subject: Subject) -> Result:
    """Every row that a plant made, as the answer key lists it, is in the base tables."""
    s, name = subject.sql, "rows of plants"
    wanted = {(line.place, line.key) for line in subject.answer_key if line.item == "row"}
    if not wanted:
        return not_applicable(GROUP, name, "nothing is planted")
    lines = f"SELECT {double_quoted('key')} FROM {subject.name('answer_key')} WHERE item = 'row' AND place = "
    key = s.joined("account_id", "'/'", s.day_text("business_day_start"))
    there = {
        (place, row)
        for place, selected, view in (
            ("transactions", "id", "current_transactions"),
            ("daily_balances", key, "current_daily_balances"),
        )
        for (row,) in subject.rows(
            f"SELECT {selected} FROM {subject.name(view)} WHERE {selected} IN ({lines}'{place}')"
        )
    }
    missing = [f"missing: {place} {row}" for place, row in sorted(wanted - there)]
    return judged(GROUP, name, len(wanted), len(there & wanted), missing)


def exceptions_found(subject: Subject) -> Iterator[Result]:
    """On a feed without an answer key: one result per exception view, which misses if the view has rows."""
    for view in EXCEPTION_VIEWS:
        if view in TIMED_VIEWS and subject.as_of is None:
            yield not_asked("exceptions", view, "no as-of is stored")
        elif view in subject.unreadable:
            yield not_asked("exceptions", view, subject.unreadable[view])
        else:
            found = subject.surfaced(view)
            yield judged("exceptions", view, 0, found.total(), sorted(found))


def views_know_the_time(subject: Subject) -> Result:
    """An as-of is stored. Without one, no leg would ever count as stuck."""
    bank = "" if subject.has_bank else " --bank BANK"
    remedy = f"run `seedbed data refresh {subject.shown_url}{bank} --as-of DATE`, or `--as-of now`"
    if subject.as_of is None:
        return replace(judged("views", "as-of", "a moment", "none", (), 1), remedy=remedy)
    return judged("views", "as-of", str(subject.as_of), str(subject.as_of), ())


def views_are_as_made(subject: Subject) -> Result:
    """Every view of the bank exists, with the kind, columns and definition with which it was created."""
    offenders = [f"{subject.instance}_{view} {wrong}" for view, wrong in subject.altered.items()]
    return _remedied(subject, judged("views", "altered views", 0, len(offenders), offenders))


def views_are_fresh(subject: Subject) -> Result:
    """The filled views store exactly the rows that their definitions return now."""
    behind = stale_views(subject.database, subject.sql, subject.altered)
    offenders = [f"{subject.instance}_{view} stores other rows than its definition returns" for view in behind]
    return _remedied(subject, judged("views", "outdated filled views", 0, len(offenders), offenders))


def _remedied(subject: Subject, result: Result) -> Result:
    return replace(result, remedy=f"run `seedbed data refresh {subject.shown_url}`") if result.wrong else result
