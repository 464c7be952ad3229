"""Loads a bank file and reports all of its problems at once. Only this module of the package opens a file."""

import os
import pathlib
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import ValidationError

from seedbed.bank.canonical import canonical_json
from seedbed.bank.document import MAX_BYTES, Document, read_document
from seedbed.bank.grammar import ScalarError, parse_instance
from seedbed.bank.model import Bank
from seedbed.bank.problems import fault_remarks, faults, repair
from seedbed.bank.rules import broken_rules
from seedbed.bank.spelling import Canonical, canonical_form
from seedbed.bank.text import Path, Remark, describe, printable
from seedbed.errors import InputError, InstanceError, Problem, one_line

__all__ = [
    "Validation",
    "canonical_json",
    "load_instance",
    "parse_instance_text",
    "read_bank_text",
    "validate_instance",
]

MAX_REPAIRS = 3


class Validation(NamedTuple):
    """The result of validating a bank file: a bank and its findings, or problems."""

    bank: Bank | None
    problems: tuple[Problem, ...]
    findings: tuple[Problem, ...]


def load_instance(path: str | os.PathLike[str], instance: str | None = None) -> Bank:
    """Reads a bank file. `instance` names the bank if the file does not; without either, the file's name does.

    Raises InstanceError, which carries every problem of the file in its order.
    """
    return _bank_of(_validate(_read(path), instance))


def parse_instance_text(text: str, name: str = "<text>", instance: str | None = None) -> Bank:
    """Reads a bank from text; `name` stands for the file, `instance` as for a file. Raises InstanceError."""
    return _bank_of(_validate(read_document(text, printable(name)), instance))


def validate_instance(
    path: str | os.PathLike[str],
    further: Callable[[Bank], Iterable[Remark]] = lambda _: (),
    instance: str | None = None,
) -> Validation:
    """Reads a bank file and returns all of its problems or findings.

    `further` are findings on a valid bank that take more than its declarations to know. `instance` names the bank if
    the file does not. Raises InputError for an `instance` that is no name, or where the bank has another one.
    """
    from seedbed.bank.findings import structural_findings  # noqa: PLC0415 - only those who ask for findings wait

    document = _read(path)
    validation = _validate(document, instance)
    if validation.bank is not None and instance not in (None, validation.bank.instance):
        own = validation.bank.instance
        raise InputError(f"instance: {one_line(str(instance))} is not the instance of the bank, {own}")
    if validation.bank is None or isinstance(document, Problem):
        return validation
    findings = {
        *structural_findings(validation.bank, document),
        *(document.problem(document.as_written(remark)) for remark in further(validation.bank)),
    }
    return validation._replace(findings=tuple(sorted(findings)))


def read_bank_text(path: str | os.PathLike[str]) -> str:
    """The text of a bank file. Raises InstanceError where it cannot be read."""
    try:
        return _read_text(os.fspath(path))
    except _Unreadable as error:
        raise InstanceError((_problem(printable(os.fspath(path)), error),)) from None


def _problem(file: str, error: "_Unreadable") -> Problem:
    line, column = error.position
    return Problem(file=file, line=line, column=column, path="", rule=error.rule, message=error.message)


def _read(path: str | os.PathLike[str]) -> Document | Problem:
    """The document in a file, or the problem that keeps the file from being read."""
    file = printable(os.fspath(path))
    try:
        return read_document(_read_text(os.fspath(path)), file)
    except _Unreadable as error:
        return _problem(file, error)


def _bank_of(validation: Validation) -> Bank:
    if validation.bank is None:
        raise InstanceError(validation.problems)
    return validation.bank


class _Unreadable(Exception):  # noqa: N818 - becomes a Problem within this module
    def __init__(self, rule: str, message: str, position: tuple[int, int] = (0, 0)) -> None:
        self.rule, self.message, self.position = rule, message, position
        super().__init__(message)


def _read_text(file: str) -> str:
    """The text of a regular file of at most 4 MiB. Never waits for a pipe or a device."""
    try:
        _check_regular(pathlib.Path(file).stat())
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            _check_regular(os.fstat(descriptor))
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _Unreadable("file-missing", "no such file") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise _Unreadable("file-unreadable", f"cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise _Unreadable("file-too-large", "larger than 4 MiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"not UTF-8 text: byte 0x{content[error.start]:02x}"
        raise _Unreadable("file-encoding", message, (line, column)) from None


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _Unreadable("file-not-regular", "a directory, not a bank file")
    if not stat.S_ISREG(status.st_mode):
        raise _Unreadable("file-not-regular", "a device or a pipe, not a bank file")
    if status.st_size > MAX_BYTES:
        raise _Unreadable("file-too-large", "larger than 4 MiB")


def _validate(document: Document | Problem, instance: str | None) -> Validation:
    """The bank or its problems, without findings. Raises InputError for an `instance` that is no name."""
    if instance is not None:
        try:
            parse_instance(instance)
        except ScalarError as error:
            raise InputError(f"instance: {error}") from None
    if isinstance(document, Problem):
        return Validation(None, (document,), ())
    bank, remarks = _check(document, instance)
    kept = [remark for remark in remarks if not _is_under(remark.path, document.refused)]
    problems = [*document.problems, *(document.problem(remark) for remark in kept)]
    if bank is None or problems:
        return Validation(None, tuple(sorted(set(problems))), ())
    return Validation(bank, (), ())


def _check(document: Document, instance: str | None) -> tuple[Bank | None, list[Remark]]:
    """The bank, repaired where need be so that the rules can run, and all remarks on the file."""
    if document.root is None:
        empty = Remark((), "file-empty", "the file is empty")
        return None, [] if document.problems else [empty]
    data = document.root.plain()
    if not isinstance(data, dict):
        sort = "the file is empty" if data is None else f"{describe(data)} is not a mapping of keys to values"
        return None, [Remark((), "file-empty" if data is None else "not-a-mapping", sort)]
    form = canonical_form(data, document.file, instance)
    document.written = form.written
    bank, remarks = _modelled(form, document.incomplete)
    return bank, [*form.remarks, *(document.as_written(remark) for remark in remarks)]


def _modelled(form: Canonical, incomplete: bool) -> tuple[Bank | None, list[Remark]]:
    """The bank of a canonical form, repaired where need be, and all remarks on the form."""
    data = form.data
    remarks: list[Remark] = []
    repaired: set[Path] = set()
    guessed = set(form.stand_ins)
    for _ in range(MAX_REPAIRS):
        try:
            bank = Bank.model_validate(data)
        except ValidationError as error:
            found, complete = faults(error, data)
            remarks += (r for r in fault_remarks(found, data) if not _is_under(r.path, guessed))
            repaired |= {fault.path for fault in found}
            guessed |= {fault.guess for fault in found if fault.guess}
            if not complete:
                remarks.append(Remark((), "more-problems", "there are more problems; they are not listed"))
            if not complete or not repair(found, data):
                return None, remarks
        else:
            if not incomplete:
                remarks += [r for r in broken_rules(bank) if not _is_under(r.path, repaired | guessed)]
            return bank, remarks
    return None, remarks


def _is_under(path: Path, above: set[Path]) -> bool:
    return bool(above) and any(path[:length] in above for length in range(len(path) + 1))
