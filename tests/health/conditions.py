"""The health of a baseline as two tables: exact conditions, and conditions within sampling error."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from seedbed.bank.findings import finding_remarks
from seedbed.bank.flows import Flows
from seedbed.bank.graph import circles
from seedbed.bank.model import Bank

from .balance_conditions import BALANCE_CONDITIONS
from .chain_conditions import CHAIN_CONDITIONS, CHAIN_RATE_CONDITIONS
from .facts import Facts, gather
from .fan_in_conditions import FAN_IN_CONDITIONS
from .leg_conditions import LEG_CONDITIONS
from .transfer_conditions import TRANSFER_CONDITIONS
from .volume_conditions import VOLUME_CONDITIONS

__all__ = ["EXACT", "STATISTICAL", "Condition", "findings_of", "judge", "violations"]


@dataclass(frozen=True)
class Condition:
    """A fact that holds of every healthy baseline; `check` returns what speaks against it, as text."""

    name: str
    check: Callable[[Facts], list[str]]


def _table(*functions: Callable[[Facts], list[str]]) -> tuple[Condition, ...]:
    return tuple(Condition(function.__name__.replace("_", " "), function) for function in functions)


EXACT = _table(*BALANCE_CONDITIONS, *LEG_CONDITIONS, *TRANSFER_CONDITIONS, *CHAIN_CONDITIONS, *FAN_IN_CONDITIONS)
STATISTICAL = _table(*CHAIN_RATE_CONDITIONS, *VOLUME_CONDITIONS)


def findings_of(bank: Bank, counts: Mapping[str, int] | None = None) -> list[tuple[str, str]]:
    """The structural findings of a bank as (rule, element): an account's id, a template's role, a name."""
    pairs = []
    for remark in finding_remarks(bank, counts):
        element: Any = getattr(bank, str(remark.path[0]))
        element = element[remark.path[1]] if len(remark.path) > 1 else element
        name = next((getattr(element, key) for key in ("id", "name", "role") if getattr(element, key, None)), "")
        pairs.append((remark.rule, str(name)))
    # A circle of sweeps is said of one of them and holds for each.
    flows = Flows(bank, counts)
    sweeps = (flows.nodes[index] for circle in circles(flows.consequences) for index in circle)
    return pairs + [("finding-bundle-circle", node.name) for node in sweeps if node.aggregates]


def judge(
    bank: Bank, ledger: Any, anchor: date, window_days: int, accounts: Mapping[str, int] | None = None
) -> Facts:
    """The facts of a generated ledger."""
    findings = findings_of(bank, accounts)
    facts = gather(bank, ledger.transactions, ledger.daily_balances, anchor, window_days, accounts, findings)
    facts.settle()
    return facts


def violations(facts: Facts, conditions: Iterable[Condition] = (*EXACT, *STATISTICAL)) -> dict[str, list[str]]:
    """What each condition has to say against these facts; an empty dict is a healthy baseline."""
    said = {condition.name: condition.check(facts) for condition in conditions}
    return {name: texts for name, texts in said.items() if texts}
