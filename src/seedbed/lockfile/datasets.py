"""Makes locks and verifies them, for the command line and for Python."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_on
from seedbed.bank.bundled import BankLike, bank_path, path_text
from seedbed.bank.model import Bank
from seedbed.ledger.dataset import Dataset, Part
from seedbed.lockfile.files import Verification, load_lock, verification
from seedbed.lockfile.lock import Lock, LockedPlants
from seedbed.lockfile.making import lock_of
from seedbed.scenario.plants import ScenarioPlant

__all__ = ["Maker", "Plants", "lock_path", "made_lock", "updated_lock", "verified"]

SUFFIX = ".lock"
# The arguments of `planted_on` after the foundation: the choices, and the scenario if it was given whole.
Plants = tuple[ScenarioChoices, ScenarioPlant | None]
# (dataset, plants or None for the baseline alone) → the foundation and its parts.
Maker = Callable[[Dataset, Plants | None], AbstractContextManager[tuple[Foundation, Iterable[Part]]]]


@contextmanager
def _by_this_process(dataset: Dataset, plants: Plants | None) -> Iterator[tuple[Foundation, Iterable[Part]]]:
    foundation = Foundation(dataset)
    if plants is not None:
        foundation = planted_on(foundation, *plants)
    yield foundation, parts_on(foundation)


def lock_path(bank: BankLike, given: object = None) -> Path:
    """The path of the lock file: the given one, else `NAME.lock` beside the bank file.

    For a bundled bank or a loaded one the file is in the current folder. Raises InputError for a value that is not a
    path.
    """
    if given is not None:
        return Path(path_text("lock file", given))
    if isinstance(bank, Bank):
        return Path(f"{bank.instance}{SUFFIX}")
    name = path_text("bank", bank)
    return Path(name).with_suffix(SUFFIX) if bank_path(name) == Path(name) else Path(Path(name).stem + SUFFIX)


def made_lock(
    dataset: Dataset, accounts: Mapping[str, int], plants: Plants | None, make: Maker = _by_this_process
) -> Lock:
    """The lock of a dataset. `accounts` are the account counts that the user gave.

    Raises InputError for plants that the bank does not admit.
    """
    return _made(dataset, accounts, None if plants is None else _locked(plants), plants, make)[0]


def updated_lock(bank: Bank, locked: Lock, make: Maker = _by_this_process) -> Lock:
    """The lock that the arguments of an earlier lock give today.

    Raises InputError if the bank no longer accepts these arguments.
    """
    return _remade(bank, locked, make)[0]


def verified(bank: Bank, path: Path, against: str | None = None, make: Maker = _by_this_process) -> Verification:
    """Makes the dataset of a lock file again and compares.

    Raises InputError if the file is not a lock, if the bank no longer accepts the arguments, or if `against` holds
    another dataset.
    """
    locked = load_lock(path)
    made, foundation = _remade(bank, locked, make)
    return verification(path, locked, made, lambda: parts_on(foundation), against)


def _remade(bank: Bank, locked: Lock, make: Maker) -> tuple[Lock, Foundation]:
    dataset = dataset_of(bank, locked.anchor, locked.window_days, locked.given_accounts, locked.seed)
    plants = None if locked.plants is None else _chosen(locked, locked.plants)
    return _made(dataset, locked.given_accounts, locked.plants, plants, make)


def _made(
    dataset: Dataset, accounts: Mapping[str, int], chosen: LockedPlants | None, plants: Plants | None, make: Maker
) -> tuple[Lock, Foundation]:
    with make(dataset, plants) as (foundation, parts):
        return lock_of(parts, foundation.dataset, accounts, chosen), foundation


def _locked(plants: Plants) -> LockedPlants:
    """The choice of a scenario as a lock stores it. A scenario that was given whole is stored whole."""
    choices, scenario = plants
    if scenario is not None:
        return LockedPlants(scenario=json.dumps(scenario.to_json(), ensure_ascii=False))
    counts = None if choices.counts is None else dict(choices.counts)
    return LockedPlants(mode=choices.mode, counts=counts, coverage=choices.coverage, blend=choices.blend)


def _chosen(locked: Lock, plants: LockedPlants) -> Plants:
    """The choices that a lock stores. Raises InputError for plants that no longer exist."""
    if plants.scenario is not None:
        value = json.loads(plants.scenario)
        return ScenarioChoices(), ScenarioPlant.from_json(value, locked.anchor, locked.window_days)
    choices = ScenarioChoices(mode=plants.mode, counts=plants.counts, coverage=plants.coverage, blend=plants.blend)
    return choices, None
