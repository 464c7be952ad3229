"""The pages that sheets link to: an account on one day with its legs, a transfer with its parent and children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from seedbed.dashboard.charts import Chart, balance_line
from seedbed.dashboard.content import STATEMENT, Cell, Head, account_day_link, cell
from seedbed.dashboard.figures import NUMERIC, shown
from seedbed.dashboard.glossary import explained
from seedbed.dashboard.ledger import VALUE, Kind, OpenLedger, Scalar, plain
from seedbed.dashboard.state import State, day_bounds
from seedbed.errors import InputError
from seedbed.views.declarations import fan_in_ends

__all__ = ["Record", "RecordTable", "account_day", "transfer", "transfer_of_leg"]

MAX_LEGS = 500
Columns = Sequence[tuple[str, str, Kind]]  # the query's column, the term, the kind


@dataclass(frozen=True, kw_only=True)
class RecordTable:
    """A table of a record."""

    title: str
    heads: Sequence[Head]
    lines: Sequence[Sequence[Cell]]
    nothing: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """The page of one account-day or transfer. `walk` has the lines of a sum: sign, term, amount, tone."""

    title: str
    sentence: str
    tables: Sequence[RecordTable]
    facts: Sequence[tuple[str, str]] = ()
    walk: Sequence[tuple[str, str, str, str]] = ()
    chart: Chart | None = None
    links: Mapping[str, str] | None = None


LEGS: Columns = (
    ("posting", "Posting", "moment"),
    ("account_id", "Account", "text"),
    ("account_name", "Account name", "text"),
    ("rail_name", "Rail", "text"),
    ("transfer_type", "Type", "text"),
    ("status", "Status", "text"),
    ("amount_money", "Amount", "money"),
    ("transfer_id", "Transfer", "text"),
)


def _table(title: str, columns: Columns, found: Sequence[Sequence[Any]], state: State, nothing: str) -> RecordTable:
    heads = [Head(term, explained(term), kind in NUMERIC) for _, term, kind in columns]
    lines = [
        [_cell(name, plain(value, kind), kind, state) for (name, _, kind), value in zip(columns, row, strict=True)]
        for row in found[:MAX_LEGS]
    ]
    note = f"The first {MAX_LEGS} are shown." if len(found) > MAX_LEGS else ""
    return RecordTable(title=title, heads=heads, lines=lines, nothing=nothing, note=note)


def _cell(name: str, value: Scalar, kind: Kind, state: State) -> Cell:
    match name:
        case "account_id":
            return cell(value, kind, state.filtered(account=str(value)).link(STATEMENT))
        case "transfer_id" | "transfer_parent_id" | "bundle_id":
            return cell(value, kind, state.link("/transfer", {"id": str(value)}))
        case _:
            return cell(value, kind)


def _names(columns: Columns) -> str:
    return ", ".join(name for name, _, _ in columns)


# ---- an account's day -------------------------------------------------------------------------------------------

WALK = ("opening", "credits", "debits", "children_change", "closing", "computed", "stored", "drift")
TERMS = (("", "Opening"), ("+", "Credits"), ("−", "Debits"), ("+", "Children"), ("=", "Closing"))
EXCEPTIONS: Columns = (("kind", "Kind", "word"), ("rail_name", "Rail", "text"), ("magnitude", "Magnitude", "money"))


def account_day(source: OpenLedger, account: str, day: date, state: State) -> Record:
    """An account's day: its balance, how it came about, and the legs that moved it.

    An external account has legs only. Raises `InputError` for a day on which the account has neither a balance nor a
    leg.
    """
    s = source.sql
    found = source.rows(
        f"SELECT account_name, account_role, business_day_start, business_day_end, {', '.join(WALK)}"
        f" FROM {s.name('daily_statement')} WHERE account_id = {VALUE} AND business_day = {VALUE}",
        [account, day],
    )
    if not found:
        return _day_without_balance(source, account, day, state)
    name, role, start, end, *amounts = found[0]
    opening, *_ = walked = [plain(amount, "money") for amount in amounts]
    assert opening is not None
    days = source.rows(
        "SELECT business_day, stored, computed + COALESCE(children, 0), business_day_end, expected_eod_balance"
        f" FROM {s.name('account_days')} WHERE account_id = {VALUE} ORDER BY business_day_start",
        [account],
    )
    expected = next((plain(row[4], "money") for row in days if str(row[0])[:10] == str(day)), None)
    closed = [row for row in days if plain(row[3], "moment") <= plain(start, "moment")]  # type: ignore[operator]
    return Record(
        title=f"{account} on {day}",
        sentence=f"{name} ({role}): the opening balance, the legs of the day, and the stored balance.",
        tables=[
            _exceptions(source, account, day, state),
            _legs_of_day(
                source, account, plain(closed[-1][3], "moment") if closed else None, plain(end, "moment"), state
            ),
        ],
        walk=_walk([amount for amount in walked if isinstance(amount, int)]),
        chart=balance_line(
            account, ((plain(d, "day"), plain(b, "money"), plain(c, "money")) for d, b, c, *_ in days)
        ),
        facts=[] if expected is None else [("Expected balance", shown(expected, "money"))],
        links=_neighbours(account, day, [date.fromisoformat(str(row[0])[:10]) for row in days], state),
    )


def _walk(amounts: list[int]) -> list[tuple[str, str, str, str]]:
    *terms, computed, stored, drift = amounts
    lines = [(sign, term, shown(amount, "money"), "") for (sign, term), amount in zip(TERMS, terms, strict=True)]
    tone = "wrong" if drift else "healthy"
    return [
        *lines,
        ("", "Stored", shown(stored, "money"), "sum"),
        ("−", "Computed", shown(computed, "money"), ""),
        ("=", "Drift", shown(drift, "money"), tone),
    ]


def _exceptions(source: OpenLedger, account: str, day: date, state: State) -> RecordTable:
    found = source.rows(
        f"SELECT {_names(EXCEPTIONS)} FROM {source.sql.name('todays_exceptions')}"
        f" WHERE account_id = {VALUE} AND business_day = {VALUE} ORDER BY kind, view_key",
        [account, day],
    )
    return _table("Exceptions of this day", EXCEPTIONS, found, state, "0, healthy")


def _legs_of_day(source: OpenLedger, account: str, since: Scalar, end: Scalar, state: State) -> RecordTable:
    """The current legs that posted from `since` (None: from the beginning) until before `end`."""
    start, values = (f" AND posting >= {VALUE}", [account, end, since]) if since else ("", [account, end])
    found = source.rows(
        f"SELECT {_names(LEGS)} FROM {source.sql.name('current_transactions')}"
        f" WHERE account_id = {VALUE} AND posting < {VALUE}{start} ORDER BY posting, id LIMIT {MAX_LEGS + 1}",
        values,
    )
    return _table("Legs of this day", LEGS, found, state, "Nothing moved.")


def _day_without_balance(source: OpenLedger, account: str, day: date, state: State) -> Record:
    """The page of an external account, which has legs and no balance, on a calendar day."""
    start, end = day_bounds(day)
    legs = _legs_of_day(source, account, start, end, state)
    if not legs.lines:
        raise InputError(f"{account} has neither a balance nor a leg of {day}")
    sentence = "The bank keeps no balance of this account. These are its legs on this day."
    return Record(
        title=f"{account} on {day}", sentence=sentence, tables=[_exceptions(source, account, day, state), legs]
    )


def _neighbours(account: str, day: date, days: list[date], state: State) -> dict[str, str]:
    earlier, later = [d for d in days if d < day], [d for d in days if d > day]
    links = {"Statement": state.filtered(account=account).link(STATEMENT)}
    if earlier:
        links[f"← {earlier[-1]}"] = account_day_link(state, account, earlier[-1])
    if later:
        links[f"{later[0]} →"] = account_day_link(state, account, later[0])
    return links


# ---- a transfer -------------------------------------------------------------------------------------------------

CHAIN: Columns = (("exception", "Kind", "word"), ("label", "Rule", "text"))
FAN_IN: Columns = (*CHAIN, ("parents", "Parents", "count"), ("expected_parents", "Expected", "count"))
CHOICE: Columns = (("exception", "Kind", "word"), ("leg_group", "Leg rails", "text"), ("fired", "Fired", "text"))
RELATED: Columns = (
    ("posting", "Posting", "moment"),
    ("transfer_id", "Transfer", "text"),
    ("rail_name", "Rail", "text"),
    ("account_id", "Account", "text"),
    ("amount_money", "Amount", "money"),
)
HISTORY: Columns = (
    ("supersedes", "Reason", "word"),
    ("posting", "Posting", "moment"),
    ("account_id", "Account", "text"),
    ("status", "Status", "text"),
    ("amount_money", "Amount", "money"),
    ("bundle_id", "Transfer", "text"),
)


def transfer(source: OpenLedger, transfer_id: str, state: State) -> Record:
    """A transfer: its legs, their net, its parent, its children, the legs that it swept, and all entries of its legs.

    Raises `InputError` for a transfer that does not exist.
    """
    s = source.sql
    current = s.name("current_transactions")
    facts = source.rows(
        f"""SELECT MIN(transfer_type), MIN(template_name), MIN(transfer_completion),
  COUNT(*),  {s.money(f"SUM(CASE WHEN status = 'Posted' THEN {s.exact('amount_money')} ELSE 0 END)")}
FROM {current} WHERE transfer_id = {VALUE}""",
        [transfer_id],
    )[0]
    if not facts[3]:
        raise InputError(f"there is no transfer {transfer_id}")
    kind, template, completion, _, net = facts

    def legs(columns: Columns, predicate: str, value: object, table: str = current) -> list[tuple[Any, ...]]:
        order = "entry" if table != current else "posting, id"
        text = f"SELECT {_names(columns)} FROM {table} WHERE {predicate} ORDER BY {order} LIMIT {MAX_LEGS + 1}"
        return source.rows(text, [str(value)])

    followed = f"SELECT transfer_parent_id FROM {current} WHERE transfer_id = {VALUE}"
    ended = "" if completion is None else shown(plain(completion, "moment"), "moment")
    tables = [
        _table("Legs", LEGS, legs(LEGS, f"transfer_id = {VALUE}", transfer_id), state, ""),
        *_chain_exceptions(source, transfer_id, state),
        _table("Follows", RELATED, legs(RELATED, f"transfer_id IN ({followed})", transfer_id), state, "No parent."),
        _table(
            "Is followed by", RELATED, legs(RELATED, f"transfer_parent_id = {VALUE}", transfer_id), state, "No child."
        ),
        _table("Sweeps", RELATED, legs(RELATED, f"bundle_id = {VALUE}", transfer_id), state, "This is not a sweep."),
        _table(
            "All entries",
            HISTORY,
            legs(HISTORY, f"transfer_id = {VALUE}", transfer_id, s.name("transactions")),
            state,
            "",
        ),
    ]
    known = [("Type", str(kind)), ("Template", str(template or "–")), ("Net", shown(plain(net, "money"), "money"))]
    return Record(
        title=f"Transfer {transfer_id}",
        sentence="All legs of one movement of money, its parent and its children.",
        tables=tables,
        facts=[*known, ("Completion", ended or "–")],
    )


def _chain_exceptions(source: OpenLedger, transfer_id: str, state: State) -> list[RecordTable]:
    """What is wrong with a transfer in its chains; with its parents, if the bank declares fan-in chains."""
    views = [("Chain exceptions", "chain_exceptions", CHAIN)]
    if fan_in_ends(source.sql.bank):
        views.append(("Fan-in exceptions", "fan_in_exceptions", FAN_IN))
    if source.rows(
        f"SELECT 1 FROM {source.sql.name('leg_xor_exceptions')} WHERE transfer_id = {VALUE}", [transfer_id]
    ):
        views.append(("Leg choice", "leg_xor_exceptions", CHOICE))
    tables = []
    for title, view, columns in views:
        text = f"SELECT {_names(columns)} FROM {source.sql.name(view)} WHERE transfer_id = {VALUE} ORDER BY 2"
        tables.append(_table(title, columns, source.rows(text, [transfer_id]), state, "0, healthy"))
    return tables


def transfer_of_leg(source: OpenLedger, leg_id: str) -> str:
    """The transfer of a leg. Raises `InputError` for a leg that does not exist."""
    found = source.rows(
        f"SELECT transfer_id FROM {source.sql.name('current_transactions')} WHERE id = {VALUE}", [leg_id]
    )
    if not found:
        raise InputError(f"there is no leg {leg_id}")
    return str(found[0][0])
