"""Tables for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["html_table"]


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A title and a table below it, as HTML. The contents of cells are escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<p>{escape(title)}</p><table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
