"""How long every sheet of the dashboard takes, as a browser would ask for it: python benchmarks/dashboard.py URL

Each sheet is asked for a few times, in turn; the first time is shown beside the median of the others. Beside them
stands the time of the page that has no query, the style sheet.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from urllib.request import urlopen

from seedbed.dashboard.catalogue import SHEETS
from seedbed.databases.reader import open_database, the_instance


def seconds(address: str) -> float:
    """How long the answer takes, to its last byte."""
    begun = time.perf_counter()
    with urlopen(address) as answer:
        answer.read()
    return time.perf_counter() - begun


def main() -> None:
    """Serves the ledger, asks for every sheet, and prints a table."""
    parser = argparse.ArgumentParser(description="Times every sheet of the dashboard.")
    parser.add_argument("url", help="a loaded ledger: duckdb:///FILE, sqlite:///FILE or postgresql://…")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with open_database(options.url) as database:
        instance = the_instance(database, None)
        [(rows,)] = database.rows(f'SELECT COUNT(*) FROM "{instance}_transactions"')
    command = [sys.executable, "-m", "seedbed", "dashboard", options.url, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serving:
        try:
            assert serving.stdout is not None
            found = re.search(r"http://[^ ]+", serving.stdout.readline())
            assert found
            root = found[0].rstrip("/")
            with urlopen(root) as page:
                style = re.search(r"/static/dashboard[^\"]*css", page.read().decode())
            assert style
            paths = [style[0], "/", *(f"/{app}/{sheet}" for app, sheet in SHEETS)]
            times = [{path: seconds(root + path) for path in paths} for _ in range(options.runs)]
        finally:
            serving.terminate()
    sys.stdout.write(f"{instance}, {rows:,} transactions, {options.runs} runs in turn\n{'':38}first ms  others ms\n")
    for path in paths:
        first, *others = (1000 * run[path] for run in times)
        sys.stdout.write(f"{path[:36]:38}{first:8.0f}  {statistics.median(others or [first]):9.0f}\n")
    slowest = max(statistics.median([run[path] for run in times]) for path in paths)
    sys.stdout.write(f"{'the slowest, its median':38}{'':8}  {1000 * slowest:9.0f}\n")


if __name__ == "__main__":
    main()
