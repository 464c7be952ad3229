"""`seedbed check`: a loaded database in, one result per assertion out, by SQL that shares no code with the generator.

The table of assertions is `ASSERTIONS`; a feed without an answer key is asked for its exceptions alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain

from seedbed.check.answers import (
    baseline_is_healthy,
    exceptions_found,
    fanouts_surface,
    planted_rows_are_there,
    views_are_fresh,
    views_equal_key,
)
from seedbed.check.books import CONSERVATION
from seedbed.check.contents import CONTENTS
from seedbed.check.coverage import COVERAGE
from seedbed.check.result import Result, not_applicable
from seedbed.check.subject import Subject
from seedbed.connect import Database, open_database, the_instance

__all__ = ["ASSERTIONS", "Report", "check", "check_database"]

Assertion = Callable[[Subject], Iterable[Result]]


@dataclass(frozen=True)
class Report:
    """The results of one instance, in order, and the moment up to which its views look, where that is known."""

    instance: str
    results: tuple[Result, ...]
    as_of: str | None = None

    @property
    def misses(self) -> tuple[Result, ...]:
        """The assertions that do not hold."""
        return tuple(result for result in self.results if result.verdict == "miss")


def _one(assertion: Callable[[Subject], Result], subject: Subject) -> tuple[Result]:
    return (assertion(subject),)


ASSERTIONS: tuple[Assertion, ...] = (
    *(partial(_one, assertion) for assertion in COVERAGE),
    partial(_one, baseline_is_healthy),
    *(partial(_one, assertion) for assertion in CONSERVATION),
    partial(_one, views_are_fresh),
    views_equal_key,
    partial(_one, fanouts_surface),
    partial(_one, planted_rows_are_there),
    *CONTENTS,
)


def check(url: str, instance: str | None = None) -> Report:
    """Asks every assertion of the database of a URL; without `instance` it has to hold one only.

    Raises `InputError` for another URL or an instance that is not there, `TargetError` for what the database refuses.
    """
    with open_database(url) as database:
        return check_database(database, the_instance(database, instance))


def check_database(database: Database, instance: str, assertions: Iterable[Assertion] = ASSERTIONS) -> Report:
    """Asks these assertions of an instance in an open database; without an answer key only its exceptions."""
    subject = Subject(database, instance)
    stored = subject.facts.get("as_of")
    as_of = None if stored is None else str(stored)
    if subject.has_key:
        return Report(instance, tuple(chain.from_iterable(assertion(subject) for assertion in assertions)), as_of)
    groups = ("coverage", "health", "conservation", "answer key", "dataset")
    reason = "the feed has no answer key"
    others = (not_applicable(group, "all assertions", reason) for group in groups)
    return Report(instance, (views_are_fresh(subject), *exceptions_found(subject), *others), as_of)
