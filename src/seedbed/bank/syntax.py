"""Translates YAML errors into plain advice."""

import re

import yaml

from seedbed.errors import Problem

__all__ = ["syntax_problem"]

NOT_CLOSED = "the quote is not closed"
TAB = "this line is indented with a tab: use spaces"
# Pattern of the parser's message → the advice. PyYAML and libyaml word some problems differently.
ADVICE: tuple[tuple[str, str], ...] = (
    (r"expected '-' indicator", "this line is not indented like the list items above it"),
    (r"expected <block end>, but found '-'", "this list item is not indented like the lines above it"),
    (r"expected <block end>|expected key", "this line is not indented like the lines above it"),
    (
        r"mapping values are not allowed",
        "a colon with a space starts a new key here: put the text in quotes, or indent the line",
    ),
    (r"expected ',' or '\]'", "a list that begins with [ is not closed, or a comma is missing"),
    (r"expected ',' or '\}'", "a mapping that begins with { is not closed, or a comma is missing"),
    (r"unexpected end of stream", NOT_CLOSED),
    (r"could not find expected ':'", "a key has no colon, or the continuation of a text is not indented"),
    (r"tab character that violates indentation", TAB),
    (r"undefined alias", "text that begins with * is an alias in YAML: put it in quotes"),
)
SIGN = "text cannot begin with this character: put it in quotes"


def syntax_problem(error: yaml.YAMLError, file: str, text: str) -> Problem:
    """The problem of a text that is not YAML: the advice, then the parser's own message."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    detail = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    context = getattr(error, "context", None)
    said = " ".join(f"{context + ', ' if context else ''}{detail}".split())
    advice = _advice(said, text, line)
    return Problem(
        file=file,
        line=line,
        column=column,
        path="",
        rule="yaml-syntax",
        message=f"{advice} ({said})" if advice else f"not valid YAML: {said}",
    )


def _advice(said: str, text: str, line: int) -> str | None:
    if "cannot start any token" in said:
        lines = text.splitlines()
        here = lines[line - 1] if 0 < line <= len(lines) else ""
        return TAB if re.match(r" *\t", here) else SIGN
    return next((advice for pattern, advice in ADVICE if re.search(pattern, said)), None)
