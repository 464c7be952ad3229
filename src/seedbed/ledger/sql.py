"""Quotes names and text for SQL. Every statement of the project uses these functions."""

__all__ = ["backslashed", "backticked", "double_quoted", "single_quoted"]


def double_quoted(name: str) -> str:
    """A name as a quoted identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


def single_quoted(text: str) -> str:
    """Text as a literal of standard SQL, in which a backslash is an ordinary character."""
    return "'" + text.replace("'", "''") + "'"


def backticked(name: str) -> str:
    """A name in the quotes that MySQL and MariaDB accept in every mode."""
    return "`" + name.replace("`", "``") + "`"


def backslashed(text: str) -> str:
    """Text as a literal of MySQL and MariaDB, where a backslash escapes."""
    return single_quoted(text.replace("\\", "\\\\"))
