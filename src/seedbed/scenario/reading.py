"""Reads plants from JSON values; an error names the place."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any

from seedbed import money
from seedbed.errors import InputError

__all__ = ["an_object", "read_list"]

MAX_PLANTED_DOLLARS = Decimal(10) ** 15


def an_object(value: object, place: str) -> dict[str, Any]:
    """The value as an object. Raises InputError where it is none."""
    if not isinstance(value, dict):
        raise InputError(f"{place}: an object is expected")
    return value


def read_list(plant: type[Any], entries: object, place: str) -> tuple[Any, ...]:
    """A list of plants of one kind. Raises InputError for anything else."""
    if not isinstance(entries, list):
        raise InputError(f"{place}: a list is expected")
    return tuple(_read(plant, entry, f"{place}[{number}]") for number, entry in enumerate(entries))


def _read(plant: type[Any], entry: object, place: str) -> Any:
    given = an_object(entry, place)
    names = [field.name for field in fields(plant)]
    for name in given:
        if name not in names:
            raise InputError(f"{place}: unknown key '{name[:40]}'; known are {', '.join(names)}")
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"{place}: '{missing[0]}' is missing")
    return plant(**{f.name: _READERS[f.type](given[f.name], f"{place}.{f.name}") for f in fields(plant)})


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 255:
        raise InputError(f"{place}: a text of 1 to 255 characters is expected")
    return value


def _texts(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f"{place}: a list of texts is expected")
    return tuple(_text(item, place) for item in value)


def _whole(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 36_500:
        raise InputError(f"{place}: a whole number from 0 to 36500 is expected")
    return value


def _money(value: object, place: str) -> Decimal:
    try:
        amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal("NaN")
        if amount.is_finite() and abs(amount) <= MAX_PLANTED_DOLLARS:
            money.from_decimal(amount)
            return amount.quantize(money.CENT)
    except (InvalidOperation, ValueError):
        pass
    raise InputError(f'{place}: an amount of dollars and cents is expected, as text ("125.00")')


_READERS: Mapping[Any, Any] = {
    str: _text,
    tuple[str, ...]: _texts,
    int: _whole,
    Decimal: _money,
}
