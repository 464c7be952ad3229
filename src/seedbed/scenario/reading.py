"""Reads plants and the settings of a scenario from JSON values; an error names the path."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any

from seedbed import money
from seedbed.errors import InputError, one_line
from seedbed.scenario.modes import MODES

__all__ = ["an_object", "check_amount", "read_list", "read_settings"]

MAX_PLANTED_DOLLARS = Decimal(10) ** 15


def an_object(value: object, path: str) -> dict[str, Any]:
    """The value as an object. Raises InputError for any other value."""
    if not isinstance(value, dict):
        raise InputError(f"{path}: an object is expected")
    return value


def read_list(plant: type[Any], items: object, path: str) -> tuple[Any, ...]:
    """A list of plants of one kind. Raises InputError for anything else."""
    if not isinstance(items, list):
        raise InputError(f"{path}: a list is expected")
    return tuple(_read(plant, item, f"{path}[{number}]") for number, item in enumerate(items))


def _read(plant: type[Any], item: object, path: str) -> Any:
    given = an_object(item, path)
    names = [field.name for field in fields(plant)]
    for name in given:
        if name not in names:
            raise InputError(f"{path}: unknown key '{name[:40]}'; known are {', '.join(names)}")
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"{path}: '{missing[0]}' is missing")
    return plant(**{f.name: _READERS[f.type](given[f.name], f"{path}.{f.name}") for f in fields(plant)})


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 255:
        raise InputError(f"{path}: a text of 1 to 255 characters is expected")
    return value


def _texts(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f"{path}: a list of texts is expected")
    return tuple(_text(item, path) for item in value)


def _whole(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 36_500:
        raise InputError(f"{path}: a whole number from 0 to 36500 is expected")
    return value


def check_amount(amount: object, path: str) -> None:
    """Raises InputError unless the value is a Decimal of whole cents that is not too large."""
    try:
        if not isinstance(amount, Decimal) or not amount.is_finite():
            raise money.MoneyError("is not a finite Decimal")
        if abs(amount) > MAX_PLANTED_DOLLARS:
            raise money.MoneyError(f"is larger than {MAX_PLANTED_DOLLARS:,f}")
        money.from_decimal(amount)
    except money.MoneyError as error:
        raise InputError(f"{path}: {one_line(str(amount), 40)} {error}") from None


def _money(value: object, path: str) -> Decimal:
    try:
        amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal("NaN")
        if amount.is_finite() and abs(amount) <= MAX_PLANTED_DOLLARS:
            money.from_decimal(amount)
            return amount.quantize(money.CENT)
    except (InvalidOperation, ValueError):
        pass
    raise InputError(f'{path}: an amount of dollars and cents is expected, as text ("125.00")')


_READERS: Mapping[Any, Any] = {
    str: _text,
    tuple[str, ...]: _texts,
    int: _whole,
    Decimal: _money,
}


def read_settings(scenario: Mapping[str, Any], ledger: Mapping[str, Any]) -> tuple[str, bool]:
    """The mode of a scenario, and whether it blends. Raises InputError; `ledger` has the facts that must agree."""
    mode, blend = scenario.get("mode", "l1_plus_broad"), scenario.get("blend", False)
    if not isinstance(mode, str):
        raise InputError("scenario.mode: a text is expected")
    for name, ours in ledger.items():
        if scenario.get(name, ours) != ours:
            raise InputError(
                f"scenario.{name}: it must be that of the ledger, {ours}, because days are counted from there"
            )
    if mode not in MODES:
        raise InputError(f"scenario.mode: '{mode[:40]}' is not one of {', '.join(MODES)}")
    if not isinstance(blend, bool):
        raise InputError("scenario.blend: true or false is expected")
    return mode, blend
