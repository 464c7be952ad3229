"""All sheets as one file that opens without a server: styles, script and numbers are in it."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from seedbed.dashboard.catalogue import APPS
from seedbed.dashboard.content import SheetContent, sheet_content
from seedbed.dashboard.ledger import LedgerAddress, open_ledger
from seedbed.dashboard.rendering import rendered, script, shell, style
from seedbed.dashboard.sheets import App
from seedbed.dashboard.state import State
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import place

__all__ = ["REPORT_ROWS", "write_report"]

# So many rows of a table are in the file; the dashboard has all.
REPORT_ROWS = 100
# How every report starts, so that only a report is replaced by one.
MARK = b"<!doctype html>\n<!-- seedbed report -->\n"


def write_report(address: LedgerAddress, output: str, *, answer_key: bool) -> tuple[Path, int]:
    """Writes the report of the ledger at an address, whole or not at all; its path and size in bytes.

    Raises `InputError` for an address that names no ledger, `TargetError` where the file cannot be written or is
    something other than a report.
    """
    path = place(output)
    check_file(path, _is_report)
    content = _report(address, answer_key).encode("utf-8")
    with staging(path) as private:
        staged = private / "report.html"
        staged.write_bytes(content)
        move_file(staged, path)
    return path, len(content)


def _report(address: LedgerAddress, answer_key: bool) -> str:
    state = State({}, key=answer_key)
    with open_ledger(address) as source:
        apps: Sequence[tuple[App, Sequence[SheetContent]]] = [
            (app, [sheet_content(source, app, sheet, state, limit=REPORT_ROWS) for sheet in app.sheets])
            for app in APPS
        ]
        return rendered(
            "report.html",
            shell=shell(source),
            contents=apps,
            style=style(),
            script=script(),
            policy="default-src 'none'; "
            f"script-src '{_hash(script())}'; style-src '{_hash(style())}'; img-src data:; base-uri 'none'",
        )


def _hash(content: str) -> str:
    """What a content security policy calls a script or style of exactly this content."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _is_report(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MARK)) == MARK
