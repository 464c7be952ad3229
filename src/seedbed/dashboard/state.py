"""The state of a page, read strictly from its address: filters, cursor, choice and toggle."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from seedbed import money
from seedbed.dashboard.ledger import Kind, Scalar
from seedbed.errors import InputError, one_line

__all__ = ["FILTERS", "State", "day_bounds", "read_cursor", "read_day", "read_state", "read_text", "written_cursor"]

MAX_CHARACTERS = 1_000
# Filters in the order in which they are shown: the parameter, and what it is called.
FILTERS: Mapping[str, str] = {"from": "From", "to": "To", "rail": "Rail", "account": "Account", "role": "Role"}
DAYS = ("from", "to")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class State:
    """What a page shows.

    `filters` holds the filters that are set, days as dates. `key`: the answer key lies over the rows. `pick` names
    the row that is drawn, `after` the row after which the table starts.
    """

    filters: Mapping[str, str | date]
    key: bool = False
    pick: str = ""
    after: str = ""

    def link(self, path: str, record: Mapping[str, str] | None = None, **changes: Any) -> str:
        """The address of a path in this state, with changes; a cursor or pick stays only where it is named.

        `record` names what a page is about that is no sheet: an account's day, a transfer.
        """
        changed = replace(self, **{"pick": "", "after": "", **changes})
        words = dict(record or {})
        words |= {name: str(changed.filters[name]) for name in FILTERS if changed.filters.get(name)}
        if changed.key:
            words["key"] = "1"
        words |= {name: text for name in ("pick", "after") if (text := getattr(changed, name))}
        return f"{path}?{urlencode(words)}" if words else path

    def filtered(self, **filters: str | date | None) -> "State":
        """This state with other filters; None takes one away. `from` is given as `from_`."""
        named = {name.rstrip("_"): value for name, value in filters.items()}
        kept = {name: value for name, value in {**self.filters, **named}.items() if value}
        return replace(self, filters=kept)


def read_state(parameters: Sequence[tuple[str, str]], record: Sequence[str] = ()) -> State:
    """The state that a query string says, apart from the names of a record.

    Raises `InputError` for a name, value or repetition that does not fit.
    """
    known = {*FILTERS, "key", "pick", "after"}
    given: dict[str, str] = {}
    for name, text in parameters:
        if name in record:
            continue
        if name not in known:
            raise InputError(f"'{one_line(name[:40])}' is not a filter; known are {', '.join(sorted(known))}")
        if name in given:
            raise InputError(f"{name} is given twice")
        given[name] = read_text(name, text)
    filters: dict[str, str | date] = {}
    for name in FILTERS:
        if text := given.get(name, ""):
            filters[name] = read_day(name, text) if name in DAYS else text
    return State(filters, given.get("key", "") == "1", given.get("pick", ""), given.get("after", ""))


def read_text(name: str, text: str) -> str:
    """A text of a query string. Raises `InputError` for one that is too long or has control characters."""
    if len(text) > MAX_CHARACTERS or CONTROL.search(text):
        raise InputError(f"{name} is not a text of at most {MAX_CHARACTERS} printable characters")
    return text.strip()


def read_day(name: str, text: str) -> date:
    """A day of a query string, YYYY-MM-DD. Raises `InputError` for anything else."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: '{text[:40]}' is not a date in the form YYYY-MM-DD") from None


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The start of a day, and that of the next; of the last day there is, its last moment."""
    start = datetime.combine(day, time.min)
    return start, start + timedelta(days=1) if day < date.max else datetime.combine(day, time.max)


def written_cursor(position: int, values: Sequence[Scalar]) -> str:
    """The place after a row: its number, and its values in the order of the table."""
    content = json.dumps([position, *(_text(value) for value in values)], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _text(value: Scalar) -> str | int | None:
    return value if value is None or isinstance(value, int | str) else str(value)


def read_cursor(text: str, kinds: Sequence[Kind]) -> tuple[int, list[Scalar]]:
    """What `written_cursor` wrote, money as an amount. Raises `InputError` for anything else."""
    try:
        content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        position, *values = content
        if not isinstance(position, int) or position < 0 or len(values) != len(kinds):
            raise ValueError
        return position, [_value(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, InvalidOperation, binascii.Error, RecursionError):
        raise InputError("after: this table has no such row") from None


def _value(value: Any, kind: Kind) -> Scalar:
    match kind:
        case "money":
            return money.to_decimal(_whole(value))
        case "count" | "age" | "flag":
            return _whole(value)
        case "ratio":
            ratio = Decimal(str(value))
            if not ratio.is_finite() or abs(ratio) >= 10**12:
                raise ValueError
            return ratio
        case "day":
            return date.fromisoformat(value)
        case "moment":
            return datetime.fromisoformat(value)
        case _:
            return read_text("after", str(value))


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError
    return value
