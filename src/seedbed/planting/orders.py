"""Orders: what one planted transfer is to be, before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seedbed.plan.rails import RailPlan
from seedbed.planting.transfers import PlantedTransfer, Status

__all__ = ["Drain", "Order"]


@dataclass(frozen=True)
class Order:
    """What one transfer is to be: whose plant, when, how much, on which accounts.

    `prefer` are accounts to be used where a leg admits them, `fixed` the accounts of legs (by number) of the rail
    itself; `turn` rotates the choice of the others. A debit looks for an account `within_caps`, and moves what that
    leaves if it is less, unless the amount is `exact`. With `bundle` a sweep takes what sweeps take. `second` gives
    the posting, else it is drawn. A chain child has a `parent`, and shares `total` where it takes that over; with
    `apart` its parent has another account and its own amount.
    """

    plant: str
    day: int
    cents: int
    prefer: tuple[int, ...] = ()
    fixed: Mapping[int, int] = field(default_factory=dict)
    turn: int = 0
    within_caps: bool = True
    exact: bool = False
    bundle: bool = True
    status: Status = Status.POSTED
    second: int | None = None
    apart: bool = False
    parent: PlantedTransfer | None = None
    total: int | None = None


@dataclass(frozen=True)
class Drain:
    """An overdraft to be made once all else is planted: `money` is the stored balance in cents that it leaves."""

    plant: str
    account: int
    day: int
    rail: RailPlan
    money: int
