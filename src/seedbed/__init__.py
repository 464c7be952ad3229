"""Seedbed: the ledger of a bank that does not exist.

    bank = seedbed.load_instance("bank.yaml")
    ledger = seedbed.generate(bank, anchor=date(2030, 1, 1))

Everything public is here; what it needs is imported on first use, so that `import seedbed` itself costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.api import emit_baseline_seed, generate, load, target_leg_count
    from seedbed.bank.load import load_instance
    from seedbed.bank.model import Bank
    from seedbed.errors import InputError, InstanceError, Problem, TargetError
    from seedbed.ledger.dataset import Ledger

__all__ = [
    "Bank",
    "InputError",
    "InstanceError",
    "Ledger",
    "Problem",
    "TargetError",
    "__version__",
    "emit_baseline_seed",
    "generate",
    "load",
    "load_instance",
    "target_leg_count",
]

__version__ = "0.1.0"

_HOMES = {
    "seedbed.api": ("emit_baseline_seed", "generate", "load", "target_leg_count"),
    "seedbed.bank.load": ("load_instance",),
    "seedbed.bank.model": ("Bank",),
    "seedbed.errors": ("InputError", "InstanceError", "Problem", "TargetError"),
    "seedbed.ledger.dataset": ("Ledger",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'seedbed' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
