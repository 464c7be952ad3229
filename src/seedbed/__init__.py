"""Seedbed: the ledger of a bank that does not exist.

    bank = seedbed.load_instance("bank.yaml")
    report = seedbed.default_scenario_for(bank, anchor=date(2030, 1, 1), mode="l1_plus_broad")
    ledger = seedbed.generate(bank, report.scenario)

Everything public is here. Each name is imported when it is first used, so `import seedbed` itself takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.api import (
        boost_inv_fanout_plants,
        build_full_seed_sql,
        emit_baseline_seed,
        emit_full_seed,
        emit_seed,
        full_scenario_for,
        generate,
        load,
        target_leg_count,
    )
    from seedbed.bank.load import load_instance
    from seedbed.bank.model import Bank
    from seedbed.commands import (
        check,
        export,
        lock,
        plan,
        refresh,
        report,
        score,
        validate,
        verify,
        write_parquet,
    )
    from seedbed.errors import InputError, InstanceError, Problem, TargetError
    from seedbed.ledger.dataset import Ledger
    from seedbed.scenario.overlays import (
        add_broken_rail_plants,
        add_hard_negatives,
        default_scenario_for,
        densify_scenario,
    )
    from seedbed.scenario.plants import (
        AutoScenarioReport,
        DriftPlant,
        FanInExtraPlant,
        FanInShortPlant,
        HardNegative,
        InboundBreachPlant,
        InvFanoutPlant,
        LatePostingPlant,
        LedgerDriftPlant,
        LegXorMissedPlant,
        LegXorOverlapPlant,
        LimitBreachPlant,
        OverdraftPlant,
        RailFiringPlant,
        RequirementGapPlant,
        ScenarioPlant,
        StuckPendingPlant,
        StuckUnbundledPlant,
        SupersessionPlant,
        TransferNetPlant,
        TransferTemplatePlant,
        UnmatchedPostingPlant,
    )

__all__ = [
    "AutoScenarioReport",
    "Bank",
    "DriftPlant",
    "FanInExtraPlant",
    "FanInShortPlant",
    "HardNegative",
    "InboundBreachPlant",
    "InputError",
    "InstanceError",
    "InvFanoutPlant",
    "LatePostingPlant",
    "Ledger",
    "LedgerDriftPlant",
    "LegXorMissedPlant",
    "LegXorOverlapPlant",
    "LimitBreachPlant",
    "OverdraftPlant",
    "Problem",
    "RailFiringPlant",
    "RequirementGapPlant",
    "ScenarioPlant",
    "StuckPendingPlant",
    "StuckUnbundledPlant",
    "SupersessionPlant",
    "TargetError",
    "TransferNetPlant",
    "TransferTemplatePlant",
    "UnmatchedPostingPlant",
    "__version__",
    "add_broken_rail_plants",
    "add_hard_negatives",
    "boost_inv_fanout_plants",
    "build_full_seed_sql",
    "check",
    "default_scenario_for",
    "densify_scenario",
    "emit_baseline_seed",
    "emit_full_seed",
    "emit_seed",
    "export",
    "full_scenario_for",
    "generate",
    "load",
    "load_instance",
    "lock",
    "plan",
    "refresh",
    "report",
    "score",
    "target_leg_count",
    "validate",
    "verify",
    "write_parquet",
]

__version__ = "0.1.0"

# Module → its public names. A name is imported from its module when it is first used.
_HOMES = {
    "seedbed.api": """
        boost_inv_fanout_plants build_full_seed_sql emit_baseline_seed emit_full_seed emit_seed
        full_scenario_for generate load target_leg_count
    """,
    "seedbed.bank.load": "load_instance",
    "seedbed.bank.model": "Bank",
    "seedbed.commands": "check export lock plan refresh report score validate verify write_parquet",
    "seedbed.errors": "InputError InstanceError Problem TargetError",
    "seedbed.ledger.dataset": "Ledger",
    "seedbed.scenario.overlays": "add_broken_rail_plants add_hard_negatives default_scenario_for densify_scenario",
    "seedbed.scenario.plants": """
        AutoScenarioReport DriftPlant FanInExtraPlant FanInShortPlant HardNegative InboundBreachPlant
        InvFanoutPlant LatePostingPlant LedgerDriftPlant LegXorMissedPlant LegXorOverlapPlant LimitBreachPlant
        OverdraftPlant RailFiringPlant RequirementGapPlant ScenarioPlant StuckPendingPlant StuckUnbundledPlant
        SupersessionPlant TransferNetPlant TransferTemplatePlant UnmatchedPostingPlant
    """,
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'seedbed' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
