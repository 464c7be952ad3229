"""The three apps, with all sheets of each."""

from seedbed.dashboard.flows import FLOWS
from seedbed.dashboard.investigation import INVESTIGATION
from seedbed.dashboard.reconciliation import RECONCILIATION

__all__ = ["APPS", "SHEETS"]

APPS = (RECONCILIATION, FLOWS, INVESTIGATION)
# Every sheet by the slug of its app and its own slug.
SHEETS = {(app.slug, sheet.slug): (app, sheet) for app in APPS for sheet in app.sheets}
