"""A lock: the arguments of a dataset, its digests and row counts, and the rows that must surface, as TOML."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from seedbed.errors import InputError, one_line
from seedbed.ledger.columns import ANSWER_KEY, TABLES
from seedbed.lockfile.days import DayFacts, read_marks
from seedbed.scenario.modes import MODES

__all__ = ["LOCK_FORMAT", "MOST_KEYS", "Lock", "LockedPlants", "LockedTable", "ViewRows", "lock_text", "read_lock"]

LOCK_FORMAT = "seedbed-lock-1"
# Most keys that are listed per view. The baseline of a large bank leaves very many chains open.
MOST_KEYS = 2_000
NAMES = (*(table.name for table in TABLES), ANSWER_KEY.name)

HEAD = f"""# What `seedbed data apply` makes of this bank. `seedbed verify` makes it again and compares.
# Made by `seedbed lock`; `seedbed lock --update` renews it. Do not edit it by hand.
format = "{LOCK_FORMAT}"
"""
SURFACE_HEAD = "# What must surface: each view with the keys of the rows.\n"
DAYS_HEAD = "# Row count and digest of each day.\n"
MARKS_HEAD = "# For the program: marks that lead to the first row that differs, and how many rows share one.\n"


@dataclass(frozen=True, kw_only=True)
class LockedPlants:
    """The plants: the choices of `data apply`, or the whole scenario as JSON if it came from a file."""

    mode: str = "l1_plus_broad"
    counts: Mapping[str, int] | None = None
    coverage: bool = False
    blend: bool = False
    scenario: str | None = None


@dataclass(frozen=True)
class LockedTable:
    """One table: its row count, its digest, and the summary of each day."""

    rows: int
    digest: str
    days: Mapping[str, DayFacts]


@dataclass(frozen=True)
class ViewRows:
    """The number of rows that a view must have, and the first `MOST_KEYS` of their keys."""

    rows: int
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The arguments of a dataset (`plants` is None for the baseline alone), and the summary of its rows.

    `seedbed` is the version of Seedbed that made the lock; it has no effect on the rows. `version` is the version of
    the rows' format. `given_accounts` are the account counts that the user gave, `accounts` those of every template.
    """

    seedbed: str
    version: str
    instance: str
    bank: str
    anchor: date
    window_days: int
    seed: int
    given_accounts: Mapping[str, int]
    accounts: Mapping[str, int]
    plants: LockedPlants | None
    digest: str
    answer_digest: str
    surfacing: Mapping[str, ViewRows]
    tables: Mapping[str, LockedTable]


def lock_text(lock: Lock) -> str:
    """The text of a lock file. Equal locks give equal text."""
    return "\n".join(_sections(lock))


def _sections(lock: Lock) -> Iterator[str]:
    yield HEAD
    yield _section("made_by", {"seedbed": lock.seedbed, "rows_format": lock.version})
    arguments = {"anchor": lock.anchor, "window_days": lock.window_days, "seed": lock.seed}
    yield _section("arguments", arguments | {"accounts": dict(lock.given_accounts)})
    if lock.plants is not None:
        yield _section("plants", _plants(lock.plants))
    yield _section(
        "dataset",
        {
            "instance": lock.instance,
            "bank_digest": lock.bank,
            "digest": lock.digest,
            "answer_digest": lock.answer_digest,
        },
    )
    yield _section("accounts", lock.accounts)
    yield _section("tables", {name: {"rows": t.rows, "digest": t.digest} for name, t in lock.tables.items()})
    yield SURFACE_HEAD + "\n".join(
        _section(f"surface.{_key(view)}", {"rows": found.rows, "keys": list(found.keys)})
        for view, found in lock.surfacing.items()
    )
    yield DAYS_HEAD + "\n".join(
        _section(f"days.{name}", {day: _pair(facts.rows, facts.digest) for day, facts in table.days.items()})
        for name, table in lock.tables.items()
    )
    yield MARKS_HEAD + "\n".join(
        _section(f"marks.{name}", {day: _pair(facts.stretch, facts.marks) for day, facts in table.days.items()})
        for name, table in lock.tables.items()
    )


def _plants(plants: LockedPlants) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if plants.scenario is not None:
        return {"scenario": json.dumps(json.loads(plants.scenario), ensure_ascii=False, indent=1).splitlines()}
    values |= {"mode": plants.mode, "coverage": plants.coverage, "blend": plants.blend}
    return values if plants.counts is None else values | {"counts": dict(plants.counts)}


class _Literal(str):
    """Text that is TOML already."""

    __slots__ = ()


def _pair(number: int, text: str) -> _Literal:
    return _Literal(f"[{number}, {_value(text)}]")


def _section(name: str, values: Mapping[str, Any]) -> str:
    return f"[{name}]\n" + "".join(f"{_key(key)} = {_value(value)}\n" for key, value in values.items())


def _key(name: str) -> str:
    return name if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name) else _value(name)


def _value(value: Any) -> str:
    match value:
        case _Literal():
            return str(value)
        case str():
            # A JSON string is a TOML string, except for one control character.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + "".join(f"\n  {_value(item)}," for item in value) + ("\n]" if value else "]")
        case _:
            return str(value)


def read_lock(text: str, name: str) -> Lock:
    """The lock of a text. Raises InputError, which names the file, if the text is not a lock."""
    try:
        value = tomllib.loads(text)
        if value.get("format") != LOCK_FORMAT:
            raise InputError(f"{name}: not a lock file in the format {LOCK_FORMAT}")
        return _read(value)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not a lock file: {one_line(str(error))}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else one_line(str(error))
        raise InputError(f"{name}: the lock file was changed by hand: {reason}") from None


def _read(value: Mapping[str, Any]) -> Lock:
    made_by, dataset, arguments = value["made_by"], value["dataset"], value["arguments"]
    return Lock(
        seedbed=_text(made_by["seedbed"]),
        version=_text(made_by["rows_format"]),
        instance=_text(dataset["instance"]),
        bank=_text(dataset["bank_digest"]),
        anchor=_of_type(arguments["anchor"], date),
        window_days=_of_type(arguments["window_days"], int),
        seed=_of_type(arguments["seed"], int),
        given_accounts=_counts(arguments["accounts"]),
        accounts=_counts(value["accounts"]),
        plants=_read_plants(value["plants"]) if "plants" in value else None,
        digest=_text(dataset["digest"]),
        answer_digest=_text(dataset["answer_digest"]),
        surfacing={
            view: ViewRows(_of_type(found["rows"], int), tuple(map(_text, found["keys"])))
            for view, found in value.get("surface", {}).items()
        },
        tables={name: _read_table(value, name) for name in NAMES},
    )


def _read_plants(value: Mapping[str, Any]) -> LockedPlants:
    if "scenario" in value:
        return LockedPlants(scenario=json.dumps(json.loads("\n".join(value["scenario"])), ensure_ascii=False))
    if value["mode"] not in MODES:
        raise ValueError(f"the mode must be one of {', '.join(MODES)}")
    coverage, blend = (_of_type(value[name], bool) for name in ("coverage", "blend"))
    counts = _counts(value["counts"]) if "counts" in value else None
    return LockedPlants(mode=value["mode"], counts=counts, coverage=coverage, blend=blend)


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    return {name: _of_type(count, int) for name, count in value.items()}


def _read_table(value: Mapping[str, Any], name: str) -> LockedTable:
    table, marks = value["tables"][name], value["marks"].get(name, {})
    days = {}
    for day, (rows, digest) in value["days"].get(name, {}).items():
        stretch, text = marks[day]
        if _of_type(stretch, int) < 1 or stretch & stretch - 1:
            raise ValueError(f"{day}: the rows per mark must be 1, 2, 4, 8, …")
        if len(read_marks(_text(text))) != _of_type(rows, int) // stretch or rows < 1:
            raise ValueError(f"{day}: the number of marks does not fit {rows} rows")
        days[day] = DayFacts(rows, _text(digest), stretch, text)
    return LockedTable(_of_type(table["rows"], int), _text(table["digest"]), days)


def _text(value: Any) -> str:
    text: str = _of_type(value, str)
    return text


def _of_type(value: Any, kind: type) -> Any:
    """The value. Raises TypeError if it has another type."""
    if type(value) is not kind:
        raise TypeError(f"{one_line(repr(value), 40)} is not of the type {kind.__name__}")
    return value
