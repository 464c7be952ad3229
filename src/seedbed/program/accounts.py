"""The accounts of a bank, as account classes, and the accounts that one block sees.

A class is a declared account or a template. A block owns a slice of the baseline accounts of every template.
Declared accounts, plant accounts and the slices of block 0 are *shared*: every block sees them under the same local
index, and the postings of all blocks on them are summed. Every other account belongs to exactly one block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from seedbed.bank.classify import Kinds
from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.kinds import RoleKind
from seedbed.bank.model import Account, AccountTemplate, Bank
from seedbed.bank.patterns import PLANT_ACCOUNTS, account_patterns, default_account_counts, id_collisions
from seedbed.bank.text import quote, suggestion
from seedbed.errors import InputError
from seedbed.units import (
    AccountIndices,
    AccountNumbers,
    BlockNumber,
    Cents,
    ClassIndex,
    ClassIndices,
    Flags,
    Integers,
    Seconds,
)

__all__ = ["BLOCK_ACCOUNTS", "AccountClass", "BlockAccounts", "Universe", "build_universe"]

Indices = npt.NDArray[np.int64]

# The most accounts of a template in one block.
BLOCK_ACCOUNTS = 256
MAX_ACCOUNTS = 100_000_000
NO_ROLE = "Unassigned"


@dataclass(frozen=True, kw_only=True)
class AccountClass:
    """A declared account (`template` false, count 1) or a template with `count` baseline accounts, n = 11, 12, ….

    `plant` marks a declared account whose id is that of a plant account; `plant_numbers` are those of a template.
    `is_parent`: an internal account names this role as its parent. `customer`: an account of a customer, not a
    control account over customers.
    """

    index: ClassIndex
    role: str
    scope: str
    parent_role: str | None
    kind: RoleKind
    expected_cents: Cents | None
    offset_seconds: Seconds
    template: bool
    count: int
    id_pattern: str
    name_pattern: str
    plant: bool
    plant_numbers: tuple[int, ...]
    is_parent: bool

    @property
    def customer(self) -> bool:
        """Whether these are customers' own accounts."""
        return self.kind.name == "customer_dda" and not self.is_parent

    @property
    def merchant(self) -> bool:
        """Whether these are merchants' own accounts."""
        return self.kind.name == "merchant_dda" and not self.is_parent

    @property
    def internal(self) -> bool:
        """Whether the bank keeps this account's balance."""
        return self.scope == "internal"

    def slice_of(self, block: BlockNumber) -> range:
        """The baseline account numbers of this template that a block owns: as many as any other, or one more."""
        first = PLANT_ACCOUNTS + 1
        if block >= self.slices:
            return range(first, first)
        return range(first + self.count * block // self.slices, first + self.count * (block + 1) // self.slices)

    @property
    def slices(self) -> int:
        """The number of blocks that own accounts of this template."""
        return -(-self.count // BLOCK_ACCOUNTS) if self.template else 0


@dataclass(frozen=True, kw_only=True)
class BlockAccounts:
    """The accounts that one block sees, by local index: first `shared` shared ones, then its own.

    `class_index`, `number` (0 for declared accounts) and `plant` have one value per local account.
    """

    block: BlockNumber
    classes: tuple[AccountClass, ...]
    shared: int
    class_index: ClassIndices
    number: AccountNumbers
    plant: Flags

    def __len__(self) -> int:
        return int(self.class_index.size)

    def pool(self, roles: frozenset[str]) -> AccountIndices:
        """Local indices, ascending, of the baseline accounts that can take a leg naming these roles.

        If a template has no accounts in this block, those of block 0 take its place.
        """
        own = self.class_index[self.shared :]
        chosen = np.zeros(len(self), dtype=np.bool_)
        for account_class in self.classes:
            if account_class.role not in roles:
                continue
            here = self.class_index == account_class.index
            if account_class.template and bool((own == account_class.index).any()):
                here[: self.shared] = False
            chosen |= here
        return np.flatnonzero(chosen & ~self.plant)

    def units(self, account_class: AccountClass) -> AccountIndices:
        """Local indices, ascending by number, of a template's baseline accounts that this block owns."""
        here = (self.class_index == account_class.index) & ~self.plant
        if self.block > 0:
            here[: self.shared] = False
        return np.flatnonzero(here)

    @cached_property
    def internal(self) -> Flags:
        """A flag for each local account that is internal."""
        return np.array([c.internal for c in self.classes], dtype=np.bool_)[self.class_index]

    @cached_property
    def offset_seconds(self) -> Integers:
        """Each local account's business-day offset."""
        return np.array([c.offset_seconds for c in self.classes], dtype=np.int64)[self.class_index]

    def text(self) -> tuple[list[str], list[str]]:
        """Ids and names of the local accounts, in local order."""
        ids: list[str] = []
        names: list[str] = []
        edges = np.flatnonzero(np.diff(self.class_index, prepend=-1, append=-1))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            account_class = self.classes[int(self.class_index[start])]
            if account_class.template:
                numbers = self.number[start:stop].tolist()
                ids += render_account_pattern(account_class.id_pattern, account_class.role, numbers)
                names += render_account_pattern(account_class.name_pattern, account_class.role, numbers)
            else:
                ids.append(account_class.id_pattern)
                names.append(account_class.name_pattern)
        return ids, names


@dataclass(frozen=True)
class Universe:
    """All accounts of a bank for given counts."""

    classes: tuple[AccountClass, ...]

    @property
    def blocks(self) -> int:
        """The number of blocks: as many as the largest template has slices, at least one."""
        return max([1, *(c.slices for c in self.classes)])

    def block_accounts(self, block: BlockNumber) -> BlockAccounts:
        """The accounts that one block sees."""
        class_index: list[ClassIndex] = []
        number: list[int] = []
        plant: list[bool] = []

        def add(account_class: AccountClass, numbers: list[int], plants: int) -> None:
            class_index.extend([account_class.index] * len(numbers))
            number.extend(numbers)
            plant.extend([position < plants for position in range(len(numbers))])

        for c in self.classes:
            if not c.template:
                add(c, [0], int(c.plant))
        for c in self.classes:
            if c.template:
                add(c, [*c.plant_numbers, *c.slice_of(0)], len(c.plant_numbers))
        shared = len(number)
        if block > 0:
            for c in self.classes:
                if c.template:
                    add(c, list(c.slice_of(block)), 0)
        return BlockAccounts(
            block=block,
            classes=self.classes,
            shared=shared,
            class_index=np.array(class_index, dtype=np.int64),
            number=np.array(number, dtype=np.int64),
            plant=np.array(plant, dtype=np.bool_),
        )

    @property
    def keeps_balances(self) -> bool:
        """Whether some account has daily balances."""
        return any(c.internal and (c.count or c.plant or c.plant_numbers) for c in self.classes)

    def with_role(self, roles: frozenset[str]) -> tuple[AccountClass, ...]:
        """The classes whose role is among these."""
        return tuple(c for c in self.classes if c.role in roles)


def account_counts(bank: Bank, overrides: Mapping[str, int] | None = None) -> dict[str, int]:
    """Baseline accounts per template role: the caller's, else the bank file's, else 20 customers or 5 others.

    Raises InputError for a role that is no template's, for a count outside 0 to 100,000,000, and for counts at which
    two accounts would have the same id.
    """
    roles = [template.role for template in bank.account_templates]
    for role, count in (overrides or {}).items():
        if role not in roles:
            meant = suggestion(role, roles)
            raise InputError(f"accounts: {quote(role)} is not the role of an account template of this bank{meant}")
        if not 0 <= count <= MAX_ACCOUNTS:
            raise InputError(f"accounts: {role}={count} is outside 0 to {MAX_ACCOUNTS}")
    counts = default_account_counts(bank) | dict(overrides or {})
    collision = next(iter(id_collisions(bank, counts)), None) if overrides else None
    if collision is not None:
        raise InputError(f"accounts: with these counts two accounts would have the id '{collision.account_id}'")
    return counts


def build_universe(bank: Bank, overrides: Mapping[str, int] | None = None) -> Universe:
    """The account classes of a bank, declared accounts first, each in the file's order.

    Raises InputError for impossible counts.
    """
    counts = account_counts(bank, overrides)
    patterns = account_patterns(bank)
    numbers = list(range(1, PLANT_ACCOUNTS + 1))
    pools = {role: render_account_pattern(pattern, role, numbers) for role, (pattern, _) in patterns.items()}
    plant_ids = {account_id for pool in pools.values() for account_id in pool}
    declared = {account.id for account in bank.accounts}
    kinds = Kinds(bank)
    classes: list[AccountClass] = []
    for account in bank.accounts:
        plant = account.id in plant_ids
        names = (account.id, account.name or account.id)
        classes.append(_class_of(bank, kinds, len(classes), account, 0 if plant else 1, names, plant=plant))
    for template in bank.account_templates:
        role = template.role
        own = tuple(n for n, account_id in zip(numbers, pools[role], strict=True) if account_id not in declared)
        classes.append(
            _class_of(bank, kinds, len(classes), template, counts[role], patterns[role], plant_numbers=own)
        )
    return Universe(tuple(classes))


def _class_of(
    bank: Bank,
    kinds: Kinds,
    index: ClassIndex,
    of: Account | AccountTemplate,
    count: int,
    patterns: tuple[str, str],
    plant: bool = False,
    plant_numbers: tuple[int, ...] = (),
) -> AccountClass:
    role = of.role or NO_ROLE
    return AccountClass(
        index=index,
        role=role,
        scope=of.scope,
        parent_role=of.parent_role,
        kind=kinds.of_role(of),
        expected_cents=of.expected_eod_balance_cents,
        offset_seconds=bank.role_business_day_offsets.get(role, 0) % 24 * 3600,
        template=isinstance(of, AccountTemplate),
        count=count,
        id_pattern=patterns[0],
        name_pattern=patterns[1],
        plant=plant,
        plant_numbers=plant_numbers,
        is_parent=role in kinds.parent_roles,
    )
