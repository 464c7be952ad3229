"""Takes the pictures of the dashboard in README and docs: python tools/pictures.py

Needs Debian's Chromium. The larger bundled bank is generated, served, and looked at.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
# Name of the picture → address of the sheet.
SHEETS = {
    "l2-exceptions": "/l2/l2-exceptions",
    "recipient-fanout": "/investigation/recipient-fanout",
    "todays-exceptions": "/l1/todays-exceptions?key=1",
}
SCHEMES = ("light", "dark")


def main() -> None:
    """Takes them all."""
    seedbed = [sys.executable, "-m", "seedbed"]
    with tempfile.TemporaryDirectory() as folder:
        url = f"duckdb:///{folder}/harbor_trust.duckdb"
        subprocess.run(
            [*seedbed, "data", "apply", "harbor_trust", "--anchor", "2030-01-01", "--to", url, "--quiet"], check=True
        )
        serving = subprocess.Popen([*seedbed, "dashboard", url, "--port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            assert serving.stdout is not None
            address = next(word for word in serving.stdout.readline().split() if word.startswith("http")).rstrip("/")
            _take(address)
        finally:
            serving.terminate()
            serving.wait()


def _take(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in SCHEMES:
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
            for name, path in SHEETS.items():
                page.goto(address + path)
                page.wait_for_timeout(1_500)
                page.screenshot(path=PICTURES / f"{name}-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
