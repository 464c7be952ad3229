"""Places firings: their context (accounts, pools, caps), the accounts of their legs, and their times.

The address of every random value has the node, the purpose and the firing, so no other rail can change the value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seedbed.bank.timing import Delay
from seedbed.baseline.caps import CapLedger
from seedbed.baseline.firings import Batch
from seedbed.draw.address import Key, below, draw
from seedbed.draw.samplers import Amounts, Constant
from seedbed.program.accounts import BlockAccounts
from seedbed.program.nodes import CLOSING_SPREAD_SECONDS, Node, Program
from seedbed.program.rails import RailLeg, RailPlan
from seedbed.program.window import Window
from seedbed.units import (
    DAY_SECONDS,
    AccountIndices,
    Flags,
    RailIndex,
    SecondOfDay,
    SecondOrdinals,
    TransferIndices,
    Word,
    Words,
)

__all__ = [
    "ABSENT",
    "FiringContext",
    "closing_places",
    "closing_seconds",
    "firing_seconds",
    "leg_accounts",
    "leg_order",
]


# Stands for the account of a closing leg in a transfer in which its rail does not fire.
ABSENT = -2
# Chain children follow their parent's last leg after 60 to 900 s.
CHILD_DELAY_SECONDS, CHILD_SPREAD_SECONDS = 60, 840


@dataclass(kw_only=True)
class FiringContext:
    """The context of firing in one block, or after the ticks: its accounts, and the rest of the caps.

    The address of a draw has the node and the purpose. A plant has its own draws by purpose, `source`, and its
    requested amounts per rail index, `asks`.
    """

    program: Program
    window: Window
    block_accounts: BlockAccounts
    caps: CapLedger
    source: Callable[[str, tuple[str, ...], int], list[Word]] | None = None
    asks: Mapping[RailIndex, Constant] | None = None
    _pools: dict[frozenset[str], AccountIndices] = field(default_factory=dict)
    _admits: dict[frozenset[str], Flags] = field(default_factory=dict)

    def key(self, node: Node, purpose: str, *parts: str) -> Key:
        """The key of one purpose of a node."""
        return self.program.keys.key(node.name, purpose, *parts)

    def draws(self, node: Node, address: Words, purpose: str, *parts: str) -> Words:
        """One draw of a purpose of a node for each address."""
        if self.source is not None:
            return np.array(self.source(purpose, parts, address.size), dtype=np.uint64)
        return draw(self.key(node, purpose, *parts), address)

    def sampler(self, rail: RailPlan) -> Amounts | Constant:
        """Where a rail's amounts come from."""
        return rail.amounts if self.asks is None else self.asks[rail.index]

    def pool(self, roles: frozenset[str]) -> AccountIndices:
        """The baseline accounts that can take a leg naming these roles."""
        if roles not in self._pools:
            self._pools[roles] = self.block_accounts.pool(roles)
        return self._pools[roles]

    def admits(self, roles: frozenset[str], account: AccountIndices) -> Flags:
        """A flag for each of these accounts (-1 for none) that has one of the roles."""
        if roles not in self._admits:
            admitted = np.array([c.role in roles for c in self.block_accounts.classes], dtype=np.bool_)
            self._admits[roles] = np.append(admitted[self.block_accounts.class_index], False)
        return self._admits[roles][account]


def leg_accounts(
    context: FiringContext, node: Node, rail: RailPlan, batch: Batch, transfers: TransferIndices | None
) -> AccountIndices:
    """The accounts of the legs of a rail, shape (legs, n); -1 if no account can take the leg.

    There is one value per firing of the batch, or per given transfer of it. The unit account takes the leg that names
    its role (its own side if both do). Then come the accounts of the parent, then the pool. No account is used twice.
    """
    place = batch.transfer if transfers is None else transfers
    address = batch.address if transfers is None else batch.transfer_address[transfers]
    known = [batch.unit[place], *(batch.of_parents(column, transfers) for column in batch.known)]
    chosen = np.full((len(rail.legs), place.size), -1, dtype=np.int64)
    other = np.full(place.size, -1, dtype=np.int64)
    for leg in leg_order(rail, [context.pool(leg.roles).size for leg in rail.legs]):
        draws = context.draws(node, address, "account", rail.name, str(leg), batch.owner)
        chosen[leg] = _one_leg_accounts(context, rail.legs[leg], known, other, draws)
        other = chosen[leg]
    return chosen


def leg_order(rail: RailPlan, pools: Sequence[int]) -> list[int]:
    """The legs in the order in which they choose an account: first a leg without a choice, else the unit's own side.

    `pools` has the number of accounts for each leg.
    """
    if not rail.two_leg:
        return [0]
    single = [size == 1 for size in pools]
    destination_first = single[1] if single[0] != single[1] else rail.kind.unit_side == "destination"
    return [1, 0] if destination_first else [0, 1]


def _one_leg_accounts(
    context: FiringContext, leg: RailLeg, known: list[AccountIndices], other: AccountIndices, draws: Words
) -> AccountIndices:
    chosen = np.full(other.shape, -1, dtype=np.int64)
    for candidate in known:
        fits = (chosen < 0) & (candidate >= 0) & (candidate != other) & context.admits(leg.roles, candidate)
        chosen = np.where(fits, candidate, chosen)
    open_places = np.flatnonzero(chosen < 0)
    pool = context.pool(leg.roles)
    if not open_places.size or not pool.size:
        return chosen
    # The other leg's account is left out of the pool, so indices at or after it move up by one.
    taken = other[open_places]
    taken_place = np.searchsorted(pool, taken)
    in_pool = (taken_place < pool.size) & (pool[np.minimum(taken_place, pool.size - 1)] == taken)
    size = pool.size - in_pool
    pick = below(draws[open_places], np.maximum(size, 1))
    pick += in_pool & (pick >= taken_place)
    chosen[open_places] = np.where(size > 0, pool[np.minimum(pick, pool.size - 1)], -1)
    return chosen


def firing_seconds(
    context: FiringContext, node: Node, batch: Batch, ends: Mapping[RailIndex, SecondOfDay] | None = None
) -> Mapping[RailIndex, SecondOrdinals]:
    """The posting second of each firing, per rail: uniform in the hours of the kind, or soon after the parent.

    Variable rails have none yet. `ends` gives earlier ends of the hours.
    """
    midnight = (batch.day * DAY_SECONDS)[batch.transfer]
    together, bands = node.bands
    if batch.after is not None:
        draws = context.draws(node, batch.address, "time", batch.owner)
        shared = _after(batch.after[batch.transfer], midnight, draws, batch.delay)
        return dict.fromkeys(bands, shared)
    if ends is not None:
        bands = {index: (start, min(end, ends[index])) for index, (start, end) in bands.items()}
    if together and bands:
        draws = context.draws(node, batch.address, "time", batch.owner)
        start = next(start for start, _ in bands.values())
        end = min(end for _, end in bands.values())
        return dict.fromkeys(bands, midnight + start + below(draws, end - start))
    seconds = {}
    for rail in node.rails:
        if rail.index in bands:
            start, end = bands[rail.index]
            draws = context.draws(node, batch.address, "time", rail.name, batch.owner)
            seconds[rail.index] = midnight + start + below(draws, end - start)
    return seconds


def closing_places(
    context: FiringContext, node: Node, batch: Batch, seconds: Mapping[RailIndex, SecondOrdinals]
) -> tuple[dict[RailIndex, AccountIndices], SecondOrdinals]:
    """The account of each closing rail in each transfer, by its index, and the second at which a transfer closes.

    An account is -1 for none, `ABSENT` where another member of the rail's XOR group fires. The others post at
    `seconds`.
    """
    accounts = {}
    for rail, transfers in _closing_rails(context, node, batch):
        accounts[rail.index] = np.full(batch.day.shape, ABSENT, dtype=np.int64)
        accounts[rail.index][transfers] = leg_accounts(context, node, rail, batch, transfers)[0]
    last = np.zeros(batch.day.shape, dtype=np.int64)
    for second in seconds.values():
        np.maximum.at(last, batch.transfer, second)
    return accounts, closing_seconds(context, node, batch, last, np.arange(batch.day.size))


def _closing_rails(context: FiringContext, node: Node, batch: Batch) -> Iterator[tuple[RailPlan, TransferIndices]]:
    """The closing rails of a batch with the transfers in which they fire: of each XOR group one, drawn evenly."""
    every = np.arange(batch.day.size)
    if node.lone_closer is not None:
        yield node.lone_closer, every
    for members, able in zip(node.groups, node.able, strict=True):
        asked = next((rail for rail in members if rail.index == batch.member), None)
        if asked is not None or not able:
            # Where no member has accounts, the first one stands for what cannot close.
            yield asked or members[0], every
            continue
        words = context.draws(node, batch.transfer_address, "member", members[0].name, batch.owner)
        picked = below(words, len(able))
        for place, rail in enumerate(able):
            yield rail, np.flatnonzero(picked == place)


def _after(parent: SecondOrdinals, midnight: SecondOrdinals, draws: Words, declared: Delay | None) -> SecondOrdinals:
    """60 to 899 s after the parent, or as the chain says; late in the evening at most half of the rest of the day."""
    least, spread = CHILD_DELAY_SECONDS, CHILD_SPREAD_SECONDS
    if declared is not None and not declared.days:
        least, spread = declared.least, declared.most - declared.least + 1
    delay = least + below(draws, spread)
    room = midnight + DAY_SECONDS - 1 - parent
    second: SecondOrdinals = parent + np.maximum(np.minimum(delay, room // 2), np.minimum(room, 1))
    return second


def closing_seconds(
    context: FiringContext, node: Node, batch: Batch, last: SecondOrdinals, transfers: TransferIndices
) -> SecondOrdinals:
    """The seconds of the closing legs of these transfers: within a minute after `last`, before midnight."""
    draws = context.draws(node, batch.transfer_address[transfers], "closing-time", batch.owner)
    midnight = (batch.day[transfers] + 1) * DAY_SECONDS
    # A chain child's closing leg has to come within the 900 s that the child has after its parent.
    spread = CLOSING_SPREAD_SECONDS if batch.after is None else 1
    second: SecondOrdinals = np.minimum(last + 1 + below(draws, spread), midnight - 1)
    return second
