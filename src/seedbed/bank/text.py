"""The text that a bank file may contain, and how messages quote it: on one line, visibly, shortened.

People, terminals, database clients and spreadsheets read a bank file. Characters that one of them would execute, or
that make a line look like another one, are rejected everywhere.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

__all__ = [
    "FORBIDDEN",
    "Path",
    "Remark",
    "describe",
    "nearest",
    "one_of",
    "path_text",
    "printable",
    "quote",
    "suggestion",
]

# Control characters but for tab and the line ends, line and paragraph separators, marks and overrides of the
# direction of writing (Unicode TR 9), the byte order mark, lone surrogates and noncharacters.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)

# A key that a path shows as it is.
PLAIN_KEY = re.compile(r"[\w-]+")

QUOTED_LENGTH = 60
CANDIDATES = 300

Path = tuple[str | int, ...]


class Remark(NamedTuple):
    """Something to say about a place in a bank: its path in the file, the rule's id, one line of text.

    A step into a list may be the item's own text instead of its index; a last step `[key]` means the key itself
    and not its value.
    """

    path: Path
    rule: str
    message: str


def quote(value: object) -> str:
    """A value in single quotes, shortened, with every unprintable character as its code point."""
    text = str(value)
    return f"'{printable(text[:QUOTED_LENGTH])}{'…' if len(text) > QUOTED_LENGTH else ''}'"


def printable(text: str) -> str:
    """The text on one line, with every unprintable character as its code point."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def describe(value: object) -> str:
    """What stands in a file where something else should: text in quotes, anything else by its sort."""
    if value in ([], ()):
        return "an empty list"
    sorts = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "an empty value"}
    return sorts.get(type(value)) or quote(value)


def path_text(path: Path) -> str:
    """A path as a user reads it: `rails[3].source_role`; `baseline.accounts['a b']` where a dot would mislead."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step == "[key]":
            continue
        elif PLAIN_KEY.fullmatch(step):
            parts.append(("." if parts else "") + quote(step)[1:-1])
        else:
            parts.append(f"[{quote(step)}]")
    return "".join(parts)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, or None where none is.

    A name that differs only by case or by `-` and `_` comes first; else the best match among names of about the
    same length, of which at most 300 are compared so that a hostile file cannot make this slow.
    """

    def flat(text: str) -> str:
        return text.casefold().replace("-", "").replace("_", "").replace(" ", "")

    from difflib import get_close_matches  # noqa: PLC0415 - only a file with a mistake waits for it

    candidates = list(known)
    wanted = flat(name)
    for candidate in candidates:
        if flat(candidate) == wanted and candidate != name:
            return candidate
    reach = 2 + len(name) // 3
    alike = _about_as_long(name, candidates, reach)
    found = get_close_matches(name[:100], list(islice(alike, CANDIDATES)), n=1, cutoff=0.6)
    return found[0] if found else None


def _about_as_long(name: str, candidates: list[str], reach: int) -> Iterator[str]:
    return (text for text in candidates if text != name and abs(len(text) - len(name)) <= reach)


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'Customer'?`, or nothing where no known name is near."""
    best = nearest(name, known)
    return f"; did you mean {quote(best)}?" if best is not None else ""


def one_of(choices: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`."""
    *head, last = [quote(choice) for choice in choices]
    return f"{', '.join(head)} or {last}" if head else last
