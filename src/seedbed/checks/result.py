"""The results of a check: one per assertion, with its verdict and the first wrong rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "SHOWN_OFFENDERS",
    "PartResult",
    "Result",
    "Verdict",
    "judged",
    "not_applicable",
    "not_asked",
    "of_parts",
]

Verdict = Literal["ok", "miss", "not applicable", "not asked"]

# The wrong rows that are shown per assertion. All wrong rows are counted.
SHOWN_OFFENDERS = 5


@dataclass(frozen=True, kw_only=True)
class PartResult:
    """The result for one subject of an assertion: a rail, a chain, a cap. `reason` says why it was not asked."""

    name: str
    expected: str
    found: str
    verdict: Verdict
    reason: str = ""

    @classmethod
    def judged(cls, name: str, expected: str, found: str, holds: bool) -> "PartResult":
        """A result that holds or misses."""
        return cls(name=name, expected=expected, found=found, verdict="ok" if holds else "miss")

    @classmethod
    def excused(cls, name: str, expected: str, found: str, reason: str) -> "PartResult":
        """A result for a subject of which the assertion is not asked."""
        return cls(name=name, expected=expected, found=found, verdict="not applicable", reason=reason)


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one assertion: what was expected, what was found, the verdict, and the first wrong rows.

    `offenders` has the first wrong rows, and `wrong` the number of all. `remedy` names the command that repairs it,
    if there is one.
    """

    group: str
    name: str
    expected: str
    found: str
    verdict: Verdict
    reason: str = ""
    wrong: int = 0
    offenders: tuple[str, ...] = ()
    parts: tuple[PartResult, ...] = ()
    remedy: str = ""


def judged(
    group: str, name: str, expected: object, found: object, offenders: Sequence[str], wrong: int | None = None
) -> Result:
    """A result that misses if there are offenders, or if the found value is not the expected one.

    `wrong` is the number of all wrong rows if `offenders` has only the first few. If the two values are equal and
    rows are wrong all the same (too many make up for missing ones), the found value also shows the number of wrong
    rows.
    """
    verdict: Verdict = "miss" if offenders or expected != found else "ok"
    first = tuple(offenders[:SHOWN_OFFENDERS])
    count = len(offenders) if wrong is None else wrong
    shown = _figure(found)
    if offenders and expected == found:
        shown = f"{shown}, {count:,} wrong"
    return Result(
        group=group,
        name=name,
        expected=_figure(expected),
        found=shown,
        verdict=verdict,
        reason="",
        wrong=count,
        offenders=first,
    )


def not_applicable(group: str, name: str, reason: str) -> Result:
    """The result of an assertion without a subject: there is nothing that could be wrong."""
    return Result(group=group, name=name, expected="", found="", verdict="not applicable", reason=reason)


def not_asked(group: str, name: str, reason: str) -> Result:
    """The result of an assertion that cannot be asked, because a requirement is missing."""
    return Result(group=group, name=name, expected="", found="", verdict="not asked", reason=reason)


def of_parts(group: str, name: str, noun: str, parts: Iterable[PartResult]) -> Result:
    """A result over several subjects. Each of them must hold, except those that are not asked."""
    parts = tuple(parts)
    asked = [part for part in parts if part.verdict != "not applicable"]
    missed = [part for part in asked if part.verdict == "miss"]
    left = [part for part in parts if part.verdict == "not applicable"]
    reason = f"{len(left)} not applicable: {left[0].name}, {left[0].reason}" if left else ""
    if not asked:
        return Result(
            group=group,
            name=name,
            expected="",
            found="",
            verdict="not applicable",
            reason=reason or f"there are no {noun}",
            parts=parts,
        )
    offenders = tuple(f"{part.name}: expected {part.expected}, found {part.found}" for part in missed)
    return Result(
        group=group,
        name=name,
        expected=f"{len(asked)} {noun if len(asked) > 1 else noun.removesuffix('s')}",
        found=str(len(asked) - len(missed)),
        verdict="miss" if missed else "ok",
        reason=reason,
        wrong=len(missed),
        offenders=offenders[:SHOWN_OFFENDERS],
        parts=parts,
    )


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
