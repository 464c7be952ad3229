"""Settlement: turns legs into the net of every account and day, then into openings and stored balances, exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from seedbed.baseline.block import Setup
from seedbed.baseline.firings import RailFirings
from seedbed.draw.address import counters, draw
from seedbed.draw.samplers import lognormal
from seedbed.errors import InputError
from seedbed.program.accounts import AccountClass, BlockAccounts
from seedbed.units import DAY_SECONDS, AccountIndex, AccountIndices, AccountNumbers, Cents, CentsArray, Flags

__all__ = ["Balances", "Patch", "day_nets", "openings_of", "posted_parents", "settle"]


# An account that would fall below its opening starts at its largest loss, plus an eighth, plus 100.00.
CUSHION_SHARE, CUSHION_CENTS = 8, 100_00
# Sums of absolute amounts stay below this, so that no sum of them can wrap around in int64.
MAX_SUM_CENTS = 2.0**61


@dataclass(frozen=True)
class Balances:
    """Per local account: whether it has an opening leg, the opening, and the stored balance of each
    business day, shape (accounts, days).
    """

    opens: Flags
    opening: CentsArray
    stored: CentsArray


def day_nets(setup: Setup, block_accounts: BlockAccounts, firings: Iterable[RailFirings]) -> CentsArray:
    """The net of every local account and business day, shape (accounts, days).

    A leg counts in the first business day of its account's role that ends after its posting. Raises InputError if the
    amounts could add up to more than an int64 of cents.
    """
    days, first = setup.window.days, setup.window.first - 2
    row_of_day = np.searchsorted(days, np.arange(first, setup.window.last + 3))
    nets = np.zeros((len(block_accounts), days.size + 1), dtype=np.int64)
    shifted = bool(block_accounts.offset_seconds.any())
    total = 0.0
    for firing in firings:
        total += float(np.abs(firing.cents).astype(np.float64).sum())
        for leg in range(len(firing.rail.legs)):
            account = firing.accounts[leg]
            second = firing.second - block_accounts.offset_seconds[account] if shifted else firing.second
            row = row_of_day[second // DAY_SECONDS - first]
            np.add.at(nets, (account, row), firing.leg_cents(leg))
    if total > MAX_SUM_CENTS:
        raise InputError(
            "baseline: the amounts of this bank add up to more than 2^61 cents; lower its volumes or amounts"
        )
    return nets[:, : days.size]


def posted_parents(setup: Setup) -> frozenset[str]:
    """The roles that some rail posts on."""
    return frozenset().union(*(rail.roles for rail in setup.program.rails))


@dataclass(frozen=True)
class Patch:
    """The changes that plants make: day nets and stored balances, shape (accounts, days), and some openings."""

    nets: CentsArray
    deltas: CentsArray
    openings: Mapping[AccountIndex, Cents]


def settle(
    setup: Setup,
    block_accounts: BlockAccounts,
    nets: CentsArray,
    children: Mapping[str, CentsArray],
    patch: Patch | None = None,
) -> Balances:
    """Computes the openings and the stored balances.

    `children` maps a parent role to the balances that accounts of other blocks add to its own, shape (days,). The
    children among these accounts are added here. Every opening is high enough that no day ends below zero. The
    opening of a plant account takes its plants into account. Every other opening ignores plants, and is raised only
    if plants would take the account below zero.
    """
    base = np.cumsum(nets, axis=1)
    running = None if patch is None else base + np.cumsum(patch.nets, axis=1)
    opens, opening = openings_of(setup, block_accounts, np.arange(len(block_accounts)), base, running)
    if patch is None or running is None:
        running = base
    else:
        for account, cents in patch.openings.items():
            opening[account] = cents
        running = running + patch.deltas
    stored = np.where(block_accounts.internal[:, None], opening[:, None] + running, 0)
    _add_children(block_accounts, stored, children)
    return Balances(opens, opening, stored)


def openings_of(
    setup: Setup,
    block_accounts: BlockAccounts,
    accounts: AccountIndices,
    base: CentsArray,
    running: CentsArray | None = None,
) -> tuple[Flags, CentsArray]:
    """Whether these accounts have an opening leg, and the opening by the rules of `settle`.

    `base` and, with plants, `running` are the gains of each account by the end of each day, without and with plants,
    shape (accounts, days). The openings of a patch are ignored.
    """
    deepest_of = base if running is None else np.where(block_accounts.plant[accounts, None], running, base)
    zero = np.zeros(accounts.size, dtype=np.int64)
    deepest = -np.minimum(deepest_of.min(axis=1), 0) if base.shape[1] else zero
    posted, index = posted_parents(setup), block_accounts.class_index[accounts]
    opens, opening = np.zeros(accounts.size, dtype=np.bool_), zero.copy()
    for account_class in map(block_accounts.classes.__getitem__, np.flatnonzero(np.bincount(index)).tolist()):
        here = np.flatnonzero(index == account_class.index)
        if not account_class.internal:
            continue
        if account_class.is_parent and account_class.role not in posted:
            continue
        opens[here] = True
        opening[here] = _openings(setup, account_class, block_accounts.number[accounts[here]], deepest[here])
    if running is not None:
        lowest = opening + running.min(axis=1, initial=0)
        expected = np.array([c.expected_cents is not None for c in block_accounts.classes], dtype=np.bool_)[index]
        short = opens & ~block_accounts.plant[accounts] & ~expected & (lowest < 0)
        opening = np.where(short, opening - lowest + CUSHION_CENTS, opening)
    return opens, opening


def _openings(setup: Setup, account_class: AccountClass, number: AccountNumbers, deepest: CentsArray) -> CentsArray:
    sample = np.zeros(number.shape, dtype=np.int64)
    kind = account_class.kind
    if kind.mu is not None and kind.sigma is not None:
        owner = account_class.role if account_class.template else account_class.id_pattern
        key = setup.program.keys.key(owner, "opening", "template" if account_class.template else "account")
        sample = lognormal(kind.mu, kind.sigma).cents(draw(key, counters(0, number, 0)))
    safe = np.where(deepest > 0, deepest + deepest // CUSHION_SHARE + CUSHION_CENTS, 0)
    usual = np.maximum(sample, safe)
    expected = account_class.expected_cents
    if expected is None or account_class.is_parent:
        return usual
    return np.where((expected >= 0) & (deepest <= expected), expected, usual)


def _add_children(block_accounts: BlockAccounts, stored: CentsArray, children: Mapping[str, CentsArray]) -> None:
    """Adds to every parent the stored balances of its children, in place, the lowest level first."""
    for role in _parents_upwards(block_accounts.classes):
        parents = np.flatnonzero(
            np.array([c.role == role and c.internal for c in block_accounts.classes], dtype=np.bool_)[
                block_accounts.class_index
            ]
        )
        below = np.flatnonzero(
            np.array([c.parent_role == role and c.internal for c in block_accounts.classes], dtype=np.bool_)[
                block_accounts.class_index
            ]
        )
        stored[parents] += stored[below].sum(axis=0) + children.get(role, 0)


def _parents_upwards(classes: tuple[AccountClass, ...]) -> list[str]:
    """Parent roles in an order in which a role follows every parent role below it. The file has no circle of them."""
    roles = {c.parent_role for c in classes if c.parent_role and c.internal}
    above = {role: {c.parent_role for c in classes if c.role == role and c.parent_role} for role in roles}

    def height(role: str) -> int:
        return 1 + max((height(parent) for parent in above.get(role, ()) if parent in roles), default=0)

    return sorted(roles, key=lambda role: (-height(role), role))
