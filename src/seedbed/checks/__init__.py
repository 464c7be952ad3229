"""`seedbed check`: a loaded database in, one result per assertion out, by SQL that shares no code with the generator.

`ASSERTIONS` is the table of assertions, each with its requirements. If a requirement is missing, the assertion is
`not asked`, and never counts as holding.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from seedbed.checks.answers import (
    baseline_is_healthy,
    exceptions_found,
    fanouts_surface,
    planted_rows_are_there,
    views_are_as_made,
    views_are_fresh,
    views_equal_key,
    views_know_the_time,
)
from seedbed.checks.books import CONSERVATION
from seedbed.checks.contents import CONTENTS
from seedbed.checks.contract import CONTRACT, ROWS_THERE, nothing_is_in_the_future, there_are_rows
from seedbed.checks.coverage import CAPS, COVERAGE, FANOUTS
from seedbed.checks.result import Result, not_asked
from seedbed.checks.subject import Subject, UnreadableViewError
from seedbed.databases.reader import Database, open_database, the_instance
from seedbed.errors import counted
from seedbed.notebook import html_table
from seedbed.write.urls import parse_database_url

__all__ = ["ASSERTIONS", "Assertion", "Report", "check", "check_database"]


@dataclass(frozen=True)
class Need:
    """A requirement of an assertion: whether it is met, and the reason if it is not."""

    there: Callable[[Subject], bool]
    reason: str


NEEDS: Mapping[str, Need] = {
    "bank": Need(
        lambda subject: subject.has_bank,
        "the database does not say which bank this is; `seedbed data refresh URL --bank BANK` does",
    ),
    "rows": Need(lambda subject: subject.has_rows, "the tables have no rows"),
    "as-of": Need(lambda subject: subject.as_of is not None, "no as-of is stored"),
    "dataset": Need(lambda subject: subject.is_generated, "a feed has no targets and cannot be generated again"),
    "key": Need(lambda subject: subject.has_answer_key, "there is no answer key"),
    "no key": Need(lambda subject: not subject.has_answer_key, ""),
}


@dataclass(frozen=True)
class Assertion:
    """One assertion, or several that are asked together: their requirements (`NEEDS`), and the function that asks.

    `name` is the name of the result if they are not asked. The views that they read are not listed here: using the
    name of an altered view raises an error.
    """

    group: str
    name: str
    needs: tuple[str, ...]
    ask: Callable[[Subject], Result | Iterable[Result]]

    def __call__(self, subject: Subject) -> Iterator[Result]:
        """The results. If the assertion cannot be asked, one result tells why, unless another one replaces it."""
        missing = next((NEEDS[need] for need in self.needs if not NEEDS[need].there(subject)), None)
        if missing is None:
            try:
                found = self.ask(subject)
                yield from (found,) if isinstance(found, Result) else found
            except UnreadableViewError as error:
                yield not_asked(self.group, self.name, str(error))
        elif missing.reason:
            yield not_asked(self.group, self.name, missing.reason)


def _each(
    group: str, needs: tuple[str, ...], asked: Mapping[str, Callable[[Subject], Result]]
) -> Iterator[Assertion]:
    return (Assertion(group, name, needs, ask) for name, ask in asked.items())


BANK, DATASET, KEY = ("bank",), ("bank", "dataset"), ("bank", "key")
ROWS = ("bank", "rows")

# The coverage assertions that need no targets.
COVERAGE_NEEDS = {CAPS: ROWS, FANOUTS: KEY}

ASSERTIONS: tuple[Assertion, ...] = (
    *(Assertion("coverage", name, COVERAGE_NEEDS.get(name, DATASET), ask) for name, ask in COVERAGE.items()),
    Assertion("health", "unplanned exceptions", KEY, baseline_is_healthy),
    *_each("conservation", ROWS, CONSERVATION),
    Assertion("contract", ROWS_THERE, (), there_are_rows),
    *_each("contract", ROWS, CONTRACT),
    Assertion("contract", "rows later than the as-of", (*ROWS, "as-of"), nothing_is_in_the_future),
    Assertion("views", "as-of", (), views_know_the_time),
    Assertion("views", "altered views", BANK, views_are_as_made),
    Assertion("views", "outdated filled views", BANK, views_are_fresh),
    Assertion("exceptions", "exception views", ("no key", "rows"), exceptions_found),
    Assertion("answer key", "exception views", KEY, views_equal_key),
    Assertion("answer key", "recipient_fanout", KEY, fanouts_surface),
    Assertion("answer key", "rows of plants", KEY, planted_rows_are_there),
    *(Assertion("dataset", name, DATASET, ask) for name, ask in CONTENTS.items()),
)


@dataclass(frozen=True, repr=False)
class Report:
    """The results of one instance, in order, and its as-of, if it is known."""

    instance: str
    results: tuple[Result, ...]
    as_of: str | None = None

    def __repr__(self) -> str:
        return f"<Report of {self.instance}: {self.verdict}>"

    def _repr_html_(self) -> str:
        """The same for a notebook, with one line per assertion."""
        columns = ("group", "assertion", "expected", "found", "verdict")
        lines = ((r.group, r.name, r.expected, r.found, r.verdict) for r in self.results)
        return html_table(f"{self.instance}: {self.verdict}", columns, lines)

    @property
    def misses(self) -> tuple[Result, ...]:
        """The assertions that do not hold."""
        return self._of("miss")

    @property
    def unasked(self) -> tuple[Result, ...]:
        """The assertions that could not be asked."""
        return self._of("not asked")

    @property
    def asked(self) -> int:
        """The number of assertions that were asked and had a subject."""
        return len(self._of("ok")) + len(self.misses)

    @property
    def verdict(self) -> str:
        """The verdict in words. It says that everything holds only if everything was asked."""
        misses, unasked = len(self.misses), self.unasked
        if misses:
            verdict = f"{misses} of {counted(self.asked, 'assertion')} {'does' if misses == 1 else 'do'} not hold"
        elif unasked:
            verdict = f"{self.asked} hold"
        else:
            return f"everything holds, {counted(self.asked, 'assertion')}"
        groups = Counter(result.group for result in unasked)
        left = ", ".join(f"{group} {count}" for group, count in groups.items())
        return f"{verdict}, {len(unasked)} not asked: {left}" if unasked else verdict

    def _of(self, verdict: str) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.verdict == verdict)


def check(url: str, instance: str | None = None) -> Report:
    """Asks every assertion of the database of a URL; without `instance` it must hold exactly one.

    Raises `InputError` for an invalid URL or an instance that does not exist, `TargetError` for a database error.
    """
    with open_database(url) as database:
        return check_database(database, the_instance(database, instance), ASSERTIONS, parse_database_url(url).shown)


def check_database(
    database: Database, instance: str, assertions: Iterable[Assertion] = ASSERTIONS, shown_url: str = "URL"
) -> Report:
    """Asks these assertions of an instance in an open database; messages name it `shown_url`."""
    subject = Subject(database, instance, shown_url)
    results = tuple(chain.from_iterable(assertion(subject) for assertion in assertions))
    return Report(instance, results, None if subject.as_of is None else str(subject.as_of))
