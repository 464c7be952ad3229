"""Finds the bank of an argument: a file, the name of a bundled bank, or a loaded bank."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from seedbed.errors import InputError, one_line

__all__ = ["BankLike", "bank_of", "bank_path", "bundled_banks", "path_text", "the_bank"]

BANKS = Path(__file__).parents[1] / "banks"

if TYPE_CHECKING:
    from seedbed.bank.model import Bank

BankLike: TypeAlias = "Bank | str | os.PathLike[str]"


def bundled_banks() -> list[str]:
    """The names of the bundled banks."""
    return sorted(path.stem for path in BANKS.glob("*.yaml"))


def bank_path(name: str) -> Path:
    """The file of a bank: the path itself or, if there is no such file, the bundled bank of this name.

    Raises InputError for a name that is similar to the name of a bundled bank.
    """
    from seedbed.bank.text import suggestion  # noqa: PLC0415 - shell completion reads no bank

    path = Path(name)
    plain, banks = name.removesuffix(".yaml"), bundled_banks()
    if path.exists():
        return path
    if plain in banks:
        return BANKS / f"{plain}.yaml"
    if meant := suggestion(plain, banks):
        raise InputError(f"{one_line(name)}: no such file, and no bundled bank of that name{meant}")
    return path


def the_bank(bank: BankLike, instance: str | None = None) -> "Bank":
    """The bank itself, or the one of a file or a bundled name; `instance` names it if its file does not.

    Raises InstanceError with every problem of the file, and InputError for any other value or where the bank has
    another name.
    """
    from seedbed.bank.load import load_instance  # noqa: PLC0415 - pydantic only where a bank is read
    from seedbed.bank.model import Bank  # noqa: PLC0415

    model = bank if isinstance(bank, Bank) else load_instance(bank_path(path_text("bank", bank)), instance)
    if instance not in (None, model.instance):
        raise InputError(f"instance: {one_line(str(instance))} is not the instance of the bank, {model.instance}")
    return model


def bank_of(instance: str | None, bank: "BankLike | None") -> "Bank | None":
    """The bank that is given for an instance of a database; None if none is given.

    Raises InputError for the bank of another instance, and the errors of `the_bank`.
    """
    return None if bank is None else the_bank(bank, instance)


def path_text(what: str, path: object) -> str:
    """A path as text. Raises InputError for a value that is not a path."""
    try:
        return os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"{what}: {one_line(repr(path))} is neither a path nor the name of a bank") from None
