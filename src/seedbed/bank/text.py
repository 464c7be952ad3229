"""The characters that a bank file may contain, and how messages quote its text: on one line, visibly, shortened.

People, terminals, database clients and spreadsheets read the texts of a bank file. Characters that one of them would
execute, or that make a line look like another line, are rejected everywhere.
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

# Control characters except tab and line ends, line and paragraph separators, direction marks and overrides
# (Unicode TR 9), the byte order mark, lone surrogates and noncharacters.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)

# A key that a path shows without quotes.
PLAIN_KEY = re.compile(r"[\w-]+")

QUOTED_LENGTH = 60
CANDIDATES = 300

Path = tuple[str | int, ...]


class Remark(NamedTuple):
    """A message about a path in a bank file, with the rule's id.

    A step into a list may be the item's own text instead of its index. A last step `[key]` means the key itself and
    not its value.
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
    """A wrong value, for a message: text in quotes, any other value by its sort."""
    if value in ([], ()):
        return "an empty list"
    sorts = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "an empty value"}
    return sorts.get(type(value)) or quote(value)


def path_text(path: Path) -> str:
    """A path for a user: `rails[3].source_role`, or `baseline.accounts['a b']` if the key is not a plain word."""
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
    """The known name that is most similar to this one. None if no name is similar.

    A name that differs only by case or by `-` and `_` wins. Else the best match among names of about the same length
    wins; at most 300 are compared, so that a hostile file cannot make this slow.
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
    """`; did you mean 'Customer'?`, or empty if no known name is similar."""
    best = nearest(name, known)
    return f"; did you mean {quote(best)}?" if best is not None else ""


def one_of(choices: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`."""
    *head, last = [quote(choice) for choice in choices]
    return f"{', '.join(head)} or {last}" if head else last
