"""Draws the pictures of docs/data.md from generated data: python tools/plots.py [FOLDER]

Grey letters on no background are read in light and dark; each picture says in one sentence what it is drawn from.
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib import pyplot as plt
from matplotlib.dates import DateFormatter, MonthLocator

import seedbed

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
BANK = ROOT / "src" / "seedbed" / "banks" / "harbor_trust.yaml"
ANCHOR = date(2030, 1, 1)
INK, ACCENT, SECOND = "#7d8590", "#2f7fd1", "#d1752f"

STYLE: dict[str, Any] = {
    "svg.hashsalt": "seedbed",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.figsize": (7.2, 2.6),
    "legend.frameon": False,
}


def volumes(rows: pa.Table) -> None:
    """Legs per day of two rails, month end included."""
    for rail, color in (("CustomerInboundACH", ACCENT), ("CardSale", SECOND)):
        days = np.asarray(rows.filter(pc.equal(rows["rail_name"], rail))["posting"]).astype("datetime64[D]")
        if days.size:
            each, count = np.unique(days, return_counts=True)
            plt.plot(each, count, color=color, linewidth=1, marker="o", markersize=2.5, label=rail)
    plt.gca().xaxis.set_major_locator(MonthLocator())
    plt.gca().xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))
    plt.ylabel("legs per business day")
    plt.ylim(bottom=0)
    plt.legend()


def amounts(rows: pa.Table) -> None:
    """How often which amount is credited, on a scale of powers of ten."""
    dollars = np.asarray(pc.cast(rows.filter(pc.greater(rows["amount_money"], 0))["amount_money"], pa.float64()))
    plt.hist(dollars, bins=np.geomspace(1, 1e7, 90), color=ACCENT)
    plt.xscale("log")
    plt.xlabel("credited amount, dollars")
    plt.ylabel("legs")


def times(rows: pa.Table) -> None:
    """At what time of the day legs post."""
    seconds = np.asarray(rows["posting"]).astype("datetime64[s]").astype(np.int64) % 86_400
    plt.hist(seconds / 3600, bins=np.arange(0, 24.25, 0.25), color=ACCENT)
    plt.xticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
    plt.ylabel("legs")


def balances(days: pa.Table) -> None:
    """The stored balances of three customers over the window."""
    customers = sorted(set(days.filter(pc.equal(days["account_role"], "CustomerDDA"))["account_id"].to_pylist()))[
        10:13
    ]
    for account, color in zip(customers, (ACCENT, SECOND, INK), strict=False):
        own = days.filter(pc.equal(days["account_id"], account))
        day = np.asarray(own["business_day_start"]).astype("datetime64[D]")
        money = np.asarray(pc.cast(own["money"], pa.float64()))
        plt.step(day, money / 1000, where="post", color=color, linewidth=1.2, label=account)
    plt.gca().xaxis.set_major_locator(MonthLocator())
    plt.gca().xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))
    plt.ylabel("balance, thousand dollars")
    plt.ylim(bottom=0)
    plt.legend()


def main(folder: Path) -> None:
    """Draws them all."""
    mpl.use("svg")
    ledger = seedbed.generate(seedbed.load_instance(BANK), anchor=ANCHOR)
    rows, days = ledger.transactions, ledger.daily_balances
    rows = rows.filter(pc.and_(pc.is_null(rows["supersedes"]), pc.not_equal(rows["rail_name"], "OpeningBalance")))
    pictures = ((volumes, rows), (amounts, rows), (times, rows), (balances, days))
    with plt.rc_context(STYLE):
        for draw, table in pictures:
            plt.figure(layout="constrained")
            draw(table)
            target = folder / f"data-{draw.__name__}.svg"
            plt.savefig(target, transparent=True, metadata={"Date": None})
            plt.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
