"""The exception views against the answer key, in both directions, and the health of what lies under the plants."""

from collections.abc import Iterator

from seedbed.check.result import Result, judged, not_applicable
from seedbed.check.subject import Subject
from seedbed.ledger.sql import double_quoted
from seedbed.views import EXCEPTION_VIEWS

__all__ = [
    "baseline_is_healthy",
    "exceptions_found",
    "fanouts_surface",
    "planted_rows_are_there",
    "views_are_fresh",
    "views_equal_key",
]

GROUP = "answer key"
# What needs to know what time it is.
TIMED_VIEWS = ("stuck_pending", "stuck_unbundled")


def baseline_is_healthy(subject: Subject) -> Result:
    """No exception view has a row that the answer key does not list."""
    unlisted = [
        f"{view}: {key}"
        for view, keys in subject.surfaced.items()
        for key in sorted(keys.keys() - subject.listed(view))
    ]
    return judged("health", "exceptions that nobody planted", 0, len(unlisted), unlisted)


def views_equal_key(subject: Subject) -> Iterator[Result]:
    """One result per exception view: its rows are those that the answer key lists, each once."""
    for view in EXCEPTION_VIEWS:
        listed, found = subject.listed(view), subject.surfaced[view]
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
    """Every row that the answer key says a plant made is in the base tables."""
    s, name = subject.sql, "rows of plants"
    wanted = {(line.place, line.key) for line in subject.key if line.item == "row"}
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
    for view, found in subject.surfaced.items():
        if view in TIMED_VIEWS and subject.facts.get("as_of") is None:
            yield not_applicable("exceptions", view, "the dataset table has no as-of")
        else:
            yield judged("exceptions", view, 0, found.total(), sorted(found))


def views_are_fresh(subject: Subject) -> Result:
    """The filled views hold what the base tables have now: as many keys, up to the same entry."""
    offenders = []
    for table, key in (("transactions", "id"), ("daily_balances", "account_id, business_day_start")):
        base, current = subject.name(table), subject.name(f"current_{table}")
        [(keys, entry, rows, filled)] = subject.rows(
            f"""SELECT (SELECT COUNT(*) FROM (SELECT DISTINCT {key} FROM {base}) d), (SELECT MAX(entry) FROM {base}),
  (SELECT COUNT(*) FROM {current}), (SELECT MAX(entry) FROM {current})"""
        )
        if (keys, entry) != (rows, filled):
            offenders.append(
                f"{table} has {_upto(keys, entry)}, current_{table} {_upto(rows, filled)}: run `seedbed data refresh`"
            )
    return judged("views", "filled views behind their tables", 0, len(offenders), offenders)


def _upto(rows: int, entry: int | None) -> str:
    return f"{rows:,} rows" if entry is None else f"{rows:,} rows up to entry {entry}"
