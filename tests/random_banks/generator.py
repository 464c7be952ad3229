"""A random bank from a number: plain data of the grammar (text, lists, maps), and its text as a bank file.

A bank is built in the order of the file, then what the rules of loading ask for is mended (a net where a rail stands
alone, a sweep for what would be loose). A few rules are left to chance: banks that break them are refused by name.
Odd shapes are drawn often and banks are mostly small, so that oddities meet each other.
"""

import random
from dataclasses import replace

import yaml

from tests.random_banks.draft import Draft, Element
from tests.random_banks.elements import add_accounts, add_rail, add_template
from tests.random_banks.newer import add_newer
from tests.random_banks.relations import add_chains, add_extras, add_limits, add_sweeps, mend

__all__ = ["NEWER", "bank_numbered", "bank_of", "yaml_text"]

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# From this number on, banks have features of the newer grammar.
NEWER = 1_000_000
# Of so many banks one is huge.
HUGE_EVERY = 400
HUGE_RAILS = 500
# How many rails the others have at most.
SIZES = (3, 3, 4, 5, 6, 6, 8, 12, 18)


def bank_numbered(number: int) -> Element:
    """The random bank of this number, the same for the same number everywhere."""
    source = random.Random(number)
    newer = random.Random(f"newer {number}") if number >= NEWER else None
    if number % HUGE_EVERY == HUGE_EVERY - 1:
        return bank_of(source, HUGE_RAILS, exactly=True, newer=newer)
    return bank_of(source, SIZES[source.randint(0, len(SIZES) - 1)], newer=newer)


def bank_of(
    source: random.Random, most_rails: int = 6, *, exactly: bool = False, newer: random.Random | None = None
) -> Element:
    """A random bank by the choices of this source: of up to so many rails, or of just as many, before sweeps.

    With `newer`, that source decides what the bank has of the newer grammar.
    """
    bank: Element = {"instance": "random_bank", "accounts": [], "account_templates": [], "rails": []}
    bank |= {"transfer_templates": [], "chains": [], "limit_schedules": []}
    draft = Draft(source, bank, groups=newer is not None)
    add_accounts(draft)
    for _ in range(most_rails if exactly else draft.count(0, most_rails)):
        add_rail(draft)
    for _ in range(draft.count(0, min(3, len(bank["rails"])))):
        add_template(draft)
    add_sweeps(draft)
    mend(draft)
    add_chains(draft)
    add_limits(draft)
    add_extras(draft)
    if newer is not None:
        add_newer(replace(draft, source=newer))
    return {key: value for key, value in bank.items() if value or key in ("accounts", "rails")}


def yaml_text(bank: Element) -> str:
    """The text of a bank file."""
    return str(yaml.dump(bank, Dumper=DUMPER, sort_keys=False, allow_unicode=True))
