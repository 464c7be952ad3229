"""Pages read back as a reader sees them: figures, tables, links, and what a browser would run."""

import csv
import io
import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

__all__ = ["PageText", "number", "read_csv", "read_page"]

VOID = {"meta", "link", "input", "img", "br"}


@dataclass
class PageText:
    """What is on a page: figures by title, tables as lists of lines, links, charts, and all elements."""

    figures: dict[str, str] = field(default_factory=dict)
    tables: list[list[list[str]]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = PageText()
        self.open: list[str] = []
        self.term = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.page.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.page.links.append(found.get("href", ""))
        if "data-chart" in found:
            self.page.charts.append(found["data-chart"])
        if tag == "table":
            self.page.tables.append([])
        if tag == "tr":
            self.page.tables[-1].append([])
        if tag in ("td", "th"):
            self.page.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.page.text += data
        if "dt" in self.open:
            self.term = data.strip() or self.term
        elif "dd" in self.open and data.strip() and self.term not in self.page.figures:
            self.page.figures[self.term] = data.strip()
        if ("td" in self.open or "th" in self.open) and self.page.tables[-1][-1]:
            self.page.tables[-1][-1][-1] += data


def read_page(html: str) -> PageText:
    """The page that an HTML text is."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def number(text: str) -> Decimal | None:
    """A figure as a number; None for no value."""
    plain = text.replace(",", "").replace("\u2212", "-")
    return Decimal(plain) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", plain) else None


def read_csv(text: str) -> list[dict[str, str]]:
    """The lines of a download by column."""
    return list(csv.DictReader(io.StringIO(text, newline="")))
