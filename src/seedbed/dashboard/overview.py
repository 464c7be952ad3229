"""The first page: every sheet with its description and its first figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from seedbed.dashboard.catalogue import APPS
from seedbed.dashboard.content import Number, first_number, sheet_path
from seedbed.dashboard.ledger import OpenLedger
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Sheet
from seedbed.dashboard.state import State

__all__ = ["SheetTile", "overview"]


@dataclass(frozen=True)
class SheetTile:
    """One sheet on the first page."""

    sheet: Sheet
    link: str
    number: Number


def overview(source: OpenLedger, state: State) -> Sequence[tuple[App, Sequence[SheetTile]]]:
    """The apps with their sheets and the first figure of each sheet, over the whole ledger, without filters."""
    state = State({}, answer_key=state.answer_key)
    return [
        (
            app,
            [
                SheetTile(sheet, state.link(sheet_path(app, sheet)), first_number(Selection(source, sheet, state)))
                for sheet in app.sheets
            ],
        )
        for app in APPS
    ]
