"""The health of a baseline as two tables: exact conditions, and conditions within sampling error."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from seedbed.bank.findings import structural_findings
from seedbed.bank.model import Bank

from .balance_conditions import BALANCE_CONDITIONS
from .chain_conditions import CHAIN_CONDITIONS, CHAIN_RATE_CONDITIONS
from .facts import Facts, gather
from .leg_conditions import LEG_CONDITIONS
from .transfer_conditions import TRANSFER_CONDITIONS
from .volume_conditions import VOLUME_CONDITIONS

__all__ = ["EXACT", "STATISTICAL", "Condition", "finding_texts", "judge", "violations"]


@dataclass(frozen=True)
class Condition:
    """A fact that holds of every healthy baseline; `check` returns what speaks against it, as text."""

    name: str
    check: Callable[[Facts], list[str]]


def _table(*functions: Callable[[Facts], list[str]]) -> tuple[Condition, ...]:
    return tuple(Condition(function.__name__.replace("_", " "), function) for function in functions)


EXACT = _table(*BALANCE_CONDITIONS, *LEG_CONDITIONS, *TRANSFER_CONDITIONS, *CHAIN_CONDITIONS)
STATISTICAL = _table(*CHAIN_RATE_CONDITIONS, *VOLUME_CONDITIONS)


def finding_texts(bank: Bank) -> list[str]:
    """The structural findings of a bank: message, and the quoted names of the element that the path leads to."""
    texts = []
    for remark in structural_findings(bank):
        element: Any = bank
        names = []
        for step in remark.path:
            element = element[step] if isinstance(step, int) else getattr(element, str(step), None)
            names += [str(getattr(element, key)) for key in ("id", "role", "name") if getattr(element, key, None)]
            if element is None:
                break
        texts.append(f"{remark.message} {' '.join(repr(name) for name in names)}")
    return texts


def judge(bank: Bank, ledger: Any, anchor: date, window_days: int, accounts: dict[str, int] | None = None) -> Facts:
    """The facts of a generated ledger."""
    return gather(
        bank, ledger.transactions, ledger.daily_balances, anchor, window_days, accounts, finding_texts(bank)
    )


def violations(facts: Facts, conditions: Iterable[Condition] = (*EXACT, *STATISTICAL)) -> dict[str, list[str]]:
    """What each condition has to say against these facts; an empty dict is a healthy baseline."""
    said = {condition.name: condition.check(facts) for condition in conditions}
    return {name: texts for name, texts in said.items() if texts}
