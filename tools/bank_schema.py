"""Writes the JSON Schema of bank files into the package: python tools/bank_schema.py"""

import json
from pathlib import Path

from seedbed.bank.json_schema import SCHEMA_FILE, bank_schema

TARGET = Path(__file__).parents[1] / "src" / "seedbed" / "starter" / SCHEMA_FILE


def text() -> str:
    """The file's text."""
    return json.dumps(bank_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
