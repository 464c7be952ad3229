"""All sheets as one file that opens without a server. It holds the styles, the script and the numbers."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from seedbed.dashboard.catalogue import APPS
from seedbed.dashboard.content import SheetContent, sheet_content
from seedbed.dashboard.ledger import LedgerLocation, open_ledger
from seedbed.dashboard.rendering import rendered, script, shell, style
from seedbed.dashboard.sheets import App
from seedbed.dashboard.state import State
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import output_path

__all__ = ["REPORT_ROWS", "write_report"]

# Rows of each table in the file. The dashboard shows all rows.
REPORT_ROWS = 100
# The first bytes of every report. Only a file that begins so is replaced.
MARK = b"<!doctype html>\n<!-- seedbed report -->\n"


def write_report(location: LedgerLocation, output: str, *, answer_key: bool) -> tuple[Path, int]:
    """Writes the report of a ledger, whole or not at all. Returns its path and its size in bytes.

    Raises `InputError` for a location without a ledger, `TargetError` if the file cannot be written or exists and is
    not a report.
    """
    path = output_path(output)
    check_file(path, _is_report)
    content = _report(location, answer_key).encode("utf-8")
    with staging(path) as private:
        staged = private / "report.html"
        staged.write_bytes(content)
        move_file(staged, path)
    return path, len(content)


def _report(location: LedgerLocation, answer_key: bool) -> str:
    state = State({}, answer_key=answer_key)
    with open_ledger(location) as source:
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
    """The source expression that allows exactly this script or style in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _is_report(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MARK)) == MARK
