"""Names and text as SQL writes them: the two functions that every statement of the project goes through."""

__all__ = ["double_quoted", "single_quoted"]


def double_quoted(name: str) -> str:
    """A name as a quoted identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


def single_quoted(text: str) -> str:
    """Text as a literal of standard SQL; a backslash stands for itself."""
    return "'" + text.replace("'", "''") + "'"
