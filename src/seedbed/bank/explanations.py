"""The explanation of each rule of bank files, by id. The texts and examples are part of the package.

A text tells what is wrong, why it matters and how to fix it. The example is the smallest bank that breaks the rule,
with its message. A rule about the file itself has no example.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from seedbed.bank.text import suggestion
from seedbed.errors import InputError, one_line

__all__ = ["EXAMPLES", "Explanation", "explanation_of", "explanations"]

HERE = Path(__file__).parent
# The example of each rule: a bank and the message about it. `tools/reference.py` makes it from banks of the tests.
EXAMPLES = HERE / "examples.json"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One rule. `bank` and `said`, the message, are empty if no bank file can show the rule."""

    id: str
    wrong: str
    why: str
    fix: str
    bank: str = ""
    said: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether a bank that breaks the rule is still valid."""
        return self.id.startswith("finding-")


@cache
def explanations() -> Mapping[str, Explanation]:
    """The explanation of every rule, by id. Rules about the file come first, findings last."""
    texts = tomllib.loads((HERE / "explanations.toml").read_text(encoding="utf-8"))
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return {rule: Explanation(id=rule, **text, **examples.get(rule, {})) for rule, text in texts.items()}


def explanation_of(rule: str) -> Explanation:
    """The explanation of one rule. Raises InputError, which names similar ids, for an unknown id."""
    known = explanations()
    if rule in known:
        return known[rule]
    words = {word for word in rule.lower().split("-") if len(word) > 3}
    near = get_close_matches(rule.lower(), known, 5, 0.6)
    related = near or [name for name in known if words & set(name.split("-"))]
    hint = suggestion(rule, known) or (f"; related are {', '.join(related[:5])}" if related else "")
    raise InputError(f"there is no rule '{one_line(rule)}'{hint}; `seedbed rule` lists all")
