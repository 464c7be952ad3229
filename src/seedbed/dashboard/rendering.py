"""Renders content as HTML: templates that escape everything, and the static files of the pages."""

import json
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seedbed.dashboard.catalogue import APPS
from seedbed.dashboard.charts import Chart
from seedbed.dashboard.content import sheet_path
from seedbed.dashboard.glossary import explained
from seedbed.dashboard.ledger import OpenLedger
from seedbed.money import CURRENCY

__all__ = ["files", "rendered", "script", "shell", "style"]

HERE = Path(__file__).parent
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def script() -> str:
    """The script of every page: the charting library, then the code that feeds it."""
    return "\n".join((HERE / "static" / name).read_text(encoding="utf-8") for name in ("echarts.js", "dashboard.js"))


@cache
def style() -> str:
    """The style sheet."""
    return (HERE / "static" / "dashboard.css").read_text(encoding="utf-8")


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """The content and media type of each file that pages refer to, by name. A name changes with its content."""
    contents = {
        "dashboard.css": style(),
        "dashboard.js": script(),
        "icon.svg": (HERE / "static" / "icon.svg").read_text(encoding="utf-8"),
    }
    found = {}
    for name, content in contents.items():
        stem, _, ending = name.partition(".")
        digest = blake2b(content.encode(), digest_size=6).hexdigest()
        found[f"{stem}.{digest}.{ending}"] = (content.encode(), TYPES[f".{ending}"])
    return found


def _file(name: str) -> str:
    """The path by which a page refers to a file."""
    stem, _, ending = name.partition(".")
    return next(f"/static/{found}" for found in files() if found.startswith(f"{stem}.") and found.endswith(ending))


def _chart_json(chart: Chart) -> str:
    return json.dumps(chart.data(), ensure_ascii=False, separators=(",", ":"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "apps": APPS,
        "explained": explained,
        "file": _file,
        "sheet_path": sheet_path,
        "chart_json": _chart_json,
        "currency": CURRENCY,
    }
    return environment


def shell(source: OpenLedger) -> dict[str, Any]:
    """The facts of the ledger that pages show: its name, window, seed, digest and row counts."""
    facts = source.facts
    return {
        "instance": source.bank.instance,
        "description": " ".join((source.bank.description or "").split()),
        "anchor": facts.get("anchor"),
        "window_days": facts.get("window_days"),
        "seed": facts.get("seed"),
        "digest": facts.get("digest"),
        "rows": facts.get("transaction_rows"),
        "balances": facts.get("balance_rows"),
    }


def rendered(template: str, **values: Any) -> str:
    """The HTML that a template makes of these values."""
    return _environment().get_template(template).render(**values)
