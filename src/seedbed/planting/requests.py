"""Requests: the description of a planted transfer before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seedbed.bank.timing import Delay
from seedbed.planting.reservations import UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndex, Cents, DayOrdinal, SecondOrdinal

__all__ = ["Drain", "Flaw", "TransferRequest"]


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """The flaw in the firing of one rail in a transfer that is otherwise complete.

    `short` is the amount that its Debit, or its one leg, lacks. `second` is its late posting. `misplaced` is the
    wrong account of its last leg. `missing` is a metadata key that its legs lack.
    """

    rail: RailPlan
    short: Cents = 0
    second: SecondOrdinal | None = None
    misplaced: AccountIndex | None = None
    missing: str = ""

    def mark(self, firing: PlantedFiring) -> None:
        """Gives the flaw to the rail's firing. Raises UnplantableError if the firing has no amount to reduce."""
        if firing.rail is not self.rail:
            return
        if self.second is not None:
            firing.late, firing.second = self.second - firing.second, self.second
        if self.short and self.short >= abs(firing.cents):
            raise UnplantableError("its leg has no amount to reduce")
        firing.short, firing.missing = self.short, self.missing
        if not firing.rail.two_leg:
            firing.cents -= self.short if firing.cents > 0 else -self.short
        if self.misplaced is not None:
            firing.accounts = (*firing.accounts[:-1], self.misplaced)


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """The description of one planted transfer: its plant, its day, its amount, its accounts.

    `prefer` are accounts to use if a leg admits them. `fixed` are the accounts of legs (by number) of the rail
    itself. `turn` rotates the choice of the others. A leg looks for an account within its caps and moves only what
    these leave, unless the amount is `exact` or the transfer `breaks` the caps on Debits (-1) or Credits (+1). With
    `bundle`, sweeps take its legs as usual. `second` is the posting; else it is drawn. `about` is the rail that moves
    the cents. A chain child has a `parent`, and takes over its `total`; with `apart` the parent has another account
    and its own amount. A fan-in child has `others` as well, each with what it passes on; if its parents are yet to be
    made, there are `parents` of them, else as many as are expected. Of an XOR
    group of leg rails, by its place among the node's, those in `members` fire; of another group one that is drawn.
    `flaw` is what is wrong with the transfer.
    """

    plant: str
    day: DayOrdinal
    cents: Cents
    prefer: tuple[AccountIndex, ...] = ()
    fixed: Mapping[int, AccountIndex] = field(default_factory=dict)
    turn: int = 0
    breaks: int = 0
    exact: bool = False
    bundle: bool = True
    status: Status = Status.POSTED
    about: RailPlan | None = None
    second: SecondOrdinal | None = None
    apart: bool = False
    parent: PlantedTransfer | None = None
    delay: Delay | None = None
    total: Cents | None = None
    others: tuple[tuple[PlantedTransfer, Cents], ...] = ()
    parents: int | None = None
    members: Mapping[int, tuple[RailPlan, ...]] = field(default_factory=dict)
    flaw: Flaw | None = None


@dataclass(frozen=True, kw_only=True)
class Drain:
    """A drain that is made after all other plants: `balance_cents` is the stored balance that it leaves."""

    plant: str
    account: AccountIndex
    day: DayOrdinal
    rail: RailPlan
    balance_cents: Cents
