"""Requests: the description of a planted transfer before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seedbed.planting.reservations import UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndex, Cents, DayOrdinal, SecondOrdinal

__all__ = ["Drain", "Flaw", "TransferRequest"]


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """What is wrong with the firing of one rail in a transfer that is whole otherwise.

    `short` is what its Debit, or its one leg, lacks; `second` is when it posts instead of in time; `misplaced`
    the account on which its last leg stands; `missing` a metadata key that its legs lack.
    """

    rail: RailPlan
    short: Cents = 0
    second: SecondOrdinal | None = None
    misplaced: AccountIndex | None = None
    missing: str = ""

    def mark(self, firing: PlantedFiring) -> None:
        """Gives the flaw to the rail's firing. Raises UnplantableError where that has nothing to be short of."""
        if firing.rail is not self.rail:
            return
        if self.second is not None:
            firing.late, firing.second = self.second - firing.second, self.second
        if self.short and self.short >= abs(firing.cents):
            raise UnplantableError("its leg has no amount to be short of")
        firing.short, firing.missing = self.short, self.missing
        if not firing.rail.two_leg:
            firing.cents -= self.short if firing.cents > 0 else -self.short
        if self.misplaced is not None:
            firing.accounts = (*firing.accounts[:-1], self.misplaced)


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What one transfer is to be: whose plant, when, how much, on which accounts.

    `prefer` are accounts to be used where a leg admits them, `fixed` the accounts of legs (by number) of the rail
    itself; `turn` rotates the choice of the others. A debit looks for an account `within_caps`, and moves what that
    leaves if it is less, unless the amount is `exact`. With `bundle` a sweep takes what sweeps take. `second` gives
    the posting, else it is drawn. `about` is the rail that is to move the cents. A chain child has a `parent`, and
    shares `total` where it takes that over; with `apart` its parent has another account and its own amount.
    `flaw` is what is wrong with it.
    """

    plant: str
    day: DayOrdinal
    cents: Cents
    prefer: tuple[AccountIndex, ...] = ()
    fixed: Mapping[int, AccountIndex] = field(default_factory=dict)
    turn: int = 0
    within_caps: bool = True
    exact: bool = False
    bundle: bool = True
    status: Status = Status.POSTED
    about: RailPlan | None = None
    second: SecondOrdinal | None = None
    apart: bool = False
    parent: PlantedTransfer | None = None
    total: Cents | None = None
    flaw: Flaw | None = None


@dataclass(frozen=True, kw_only=True)
class Drain:
    """An overdraft to be made once all else is planted: `balance_cents` is the stored balance that it leaves."""

    plant: str
    account: AccountIndex
    day: DayOrdinal
    rail: RailPlan
    balance_cents: Cents
