"""The state of a page, read strictly from its query string: filters, cursor, picked row, answer key shown or not."""

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
# The filters in the order in which pages show them: parameter → title.
FILTERS: Mapping[str, str] = {"from": "From", "to": "To", "rail": "Rail", "account": "Account", "role": "Role"}
DAYS = ("from", "to")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class State:
    """The choices of a reader.

    `filters` holds the filters that are set, days as dates. `answer_key` tells whether the page shows the answer key
    beside the rows. `pick` is the cursor of the row that the chart draws, `after` that of the row before the table's
    first.
    """

    filters: Mapping[str, str | date]
    answer_key: bool = False
    pick: str = ""
    after: str = ""

    def link(self, path: str, record: Mapping[str, str] | None = None, **changes: Any) -> str:
        """The link to a path in this state, with changes. It drops `pick` and `after` unless `changes` has them.

        `record` has the parameters of a page that is not a sheet: an account's day, a transfer.
        """
        changed = replace(self, **{"pick": "", "after": "", **changes})
        parameters = dict(record or {})
        parameters |= {name: str(changed.filters[name]) for name in FILTERS if changed.filters.get(name)}
        if changed.answer_key:
            parameters["key"] = "1"
        parameters |= {name: text for name in ("pick", "after") if (text := getattr(changed, name))}
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def filtered(self, **filters: str | date | None) -> "State":
        """This state with other filters. None removes a filter. Write `from_` for `from`."""
        named = {name.rstrip("_"): value for name, value in filters.items()}
        kept = {name: value for name, value in {**self.filters, **named}.items() if value}
        return replace(self, filters=kept)


def read_state(parameters: Sequence[tuple[str, str]], record: Sequence[str] = ()) -> State:
    """The state of a query string. Parameters of a record are skipped.

    Raises `InputError` for an unknown or repeated parameter, and for a value that a filter cannot have.
    """
    known = {*FILTERS, "key", "pick", "after"}
    given: dict[str, str] = {}
    for name, text in parameters:
        if name in record:
            continue
        if name not in known:
            raise InputError(f"unknown parameter '{one_line(name[:40])}'; known are {', '.join(sorted(known))}")
        if name in given:
            raise InputError(f"{name} is given twice")
        given[name] = read_text(name, text)
    filters: dict[str, str | date] = {}
    for name in FILTERS:
        if text := given.get(name, ""):
            filters[name] = read_day(name, text) if name in DAYS else text
    return State(filters, given.get("key", "") == "1", given.get("pick", ""), given.get("after", ""))


def read_text(name: str, text: str) -> str:
    """The text of a parameter. Raises `InputError` if it is too long or has control characters."""
    if len(text) > MAX_CHARACTERS or CONTROL.search(text):
        raise InputError(f"{name}: give at most {MAX_CHARACTERS} printable characters")
    return text.strip()


def read_day(name: str, text: str) -> date:
    """The day of a parameter, YYYY-MM-DD. Raises `InputError` for any other text."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: '{text[:40]}' is not a date in the form YYYY-MM-DD") from None


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The start of a day and the start of the next. The last possible day has its last moment as its end."""
    start = datetime.combine(day, time.min)
    return start, start + timedelta(days=1) if day < date.max else datetime.combine(day, time.max)


def written_cursor(position: int, values: Sequence[Scalar]) -> str:
    """The cursor of a row: its number and the values of its sort columns, as text for a link."""
    content = json.dumps([position, *(_text(value) for value in values)], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _text(value: Scalar) -> str | int | None:
    return value if value is None or isinstance(value, int | str) else str(value)


def read_cursor(text: str, kinds: Sequence[Kind]) -> tuple[int, list[Scalar]]:
    """The number and values in a cursor; money as a Decimal. Raises `InputError` for other text."""
    try:
        content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        position, *values = content
        if not isinstance(position, int) or position < 0 or len(values) != len(kinds):
            raise ValueError
        return position, [_value(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, InvalidOperation, binascii.Error, RecursionError):
        raise InputError("the link does not belong to this table") from None


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
