"""Errors: problems as values, and the few exceptions that leave the package.

A problem is a value with a position in a file. A bad bank file raises one `InstanceError` with all of its problems. A
target (file, folder, database) that cannot be written raises `TargetError`. Messages are `one_line`, and their nouns
are `counted`.
"""

from dataclasses import dataclass

__all__ = ["InputError", "InstanceError", "Problem", "TargetError", "counted", "one_line"]

# Long enough for every sensible path, and short enough for one line on a terminal.
SHOWN_CHARACTERS = 200


def one_line(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """The text as one short printable line, without control characters."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: most + 1])
    return line if len(line) <= most else line[:most] + "…"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural if needed."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One problem of an input file.

    `line` and `column` count from 1; both are 0 if the problem concerns the whole file. `path` is the path in the
    document, such as `rails[3].source_role`; it is empty for the document itself. `rule` is the stable id of the
    broken rule. `message` is one line of text without a final full stop.
    """

    file: str
    line: int
    column: int
    path: str
    rule: str
    message: str

    def __str__(self) -> str:
        """The one line that a user reads: `bank.yaml:41:18: rails[3].source_role: message [rule]`."""
        position = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        path = f"{self.path}: " if self.path else ""
        return f"{position}: {path}{self.message} [{self.rule}]"


class InputError(ValueError):
    """An argument outside its range (anchor, window, account counts, seed): exit code 2."""


class InstanceError(InputError):
    """An invalid bank file. `problems` has every problem, in file order. Exit code 2."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class TargetError(RuntimeError):
    """An error of a file, folder or database. The message is one line. Exit code 3."""
