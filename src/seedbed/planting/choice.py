"""Chooses the accounts of planted legs: requested accounts, else plant accounts in turn (blended: baseline ones)."""

from itertools import chain, islice

from seedbed.baseline.placement import leg_order
from seedbed.planting.requests import TransferRequest
from seedbed.planting.reservations import Reservations, UnplantableError
from seedbed.planting.transfers import PlantedTransfer
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndex, Cents, RailIndex, SecondOrdinal

__all__ = ["AccountChoice"]


class AccountChoice:
    """Chooses the accounts of planted transfers, within the rest of the caps."""

    def __init__(self, reservations: Reservations, blend: bool) -> None:
        self.reservations = reservations
        self.survey = reservations.survey
        self.blend = blend
        self._pools: dict[frozenset[str], tuple[AccountIndex, ...]] = {}
        self._rails: dict[RailIndex, tuple[list[tuple[AccountIndex, ...]], list[int], list[int]]] = {}

    def unit(self, node: Node, request: TransferRequest) -> AccountIndex:
        """The account of the transfer: the first preferred one that it can touch, else another one of the rail."""
        for account in request.prefer:
            if any(self.survey.touches(rail, account) for rail in node.rails):
                return account
        chosen = self.survey.unit_account(node.driver, request.turn)
        return -1 if chosen is None else chosen

    def accounts(
        self,
        rail: RailPlan,
        transfer: PlantedTransfer,
        request: TransferRequest,
        cents: Cents,
        second: SecondOrdinal,
        lifted: bool,
        settled: frozenset[AccountIndex],
    ) -> tuple[AccountIndex, ...]:
        """The accounts of a rail's legs, all different: fixed, else the unit account, preferred ones, the pool.

        A leg of `cents` looks for an account within its caps; if `lifted`, for one with room for all of it. Accounts
        in `settled` are used only if the request names them.
        """
        fixed = request.fixed if rail is transfer.node.driver else {}
        pools, places, legs = self._of_rail(rail)
        starts = [self._start(pool, count, request) for pool, count in zip(pools, places, strict=True)]
        chosen: dict[int, AccountIndex] = {}
        for number in legs:
            leg, pool, start = rail.legs[number], pools[number], starts[number]
            others = {*chosen.values(), *(account for place, account in fixed.items() if place != number)}
            wanted = (fixed[number],) if number in fixed else (transfer.unit, *request.prefer)
            admitted = [account for account in wanted if account >= 0 and self.survey.admits(leg, account)]
            known = [account for account in admitted if account not in others] if others else admitted
            # An account that the plant names moves whatever its caps leave; an excess is a breach.
            signs = {caps.sign for caps in rail.caps if caps.leg == number} - {request.breaks}
            bounded = bool(signs) and number not in fixed
            if known and not bounded:
                chosen[number] = known[0]
                continue
            taken = others | (settled - set(admitted))
            in_turn = chain(islice(pool, start, None), islice(pool, start))
            # A pool can be long. A debit without a cap takes its first account.
            rest = list(islice((a for a in in_turn if a not in taken), None if bounded else 1))
            if not known and not rest:
                raise UnplantableError(f"{rail.name} has no account left for one of its legs")
            if not bounded:
                chosen[number] = rest[0]
            elif lifted:
                chosen[number] = self.reservations.with_room(rail, number, (*known, *rest), second, cents)
            else:
                chosen[number] = self.reservations.spender(rail, number, known, rest, second, cents)
        return tuple(chosen[number] for number in range(len(rail.legs)))

    def _pool(self, roles: frozenset[str]) -> tuple[AccountIndex, ...]:
        """The accounts that can take a leg with these roles. Blended: the baseline's accounts, if there are any."""
        if roles not in self._pools:
            blended = tuple(self.survey.block_accounts.pool(roles).tolist()) if self.blend else ()
            self._pools[roles] = blended or self.survey.pool(roles)
        return self._pools[roles]

    def _of_rail(self, rail: RailPlan) -> tuple[list[tuple[AccountIndex, ...]], list[int], list[int]]:
        """Per leg of a rail its pool and the number of possible starts in it, and the order in which legs choose."""
        if rail.index not in self._rails:
            pools = [self._pool(leg.roles) for leg in rail.legs]
            places = [self.survey.plants_in(leg.roles) or len(p) for leg, p in zip(rail.legs, pools, strict=True)]
            self._rails[rail.index] = pools, places, leg_order(rail, [len(pool) for pool in pools])
        return self._rails[rail.index]

    def _start(self, pool: tuple[AccountIndex, ...], places: int, request: TransferRequest) -> int:
        """The index in a pool at which a request starts: its turn or, if blended, a drawn index."""
        return self.reservations.below(request.plant, len(pool)) if self.blend else request.turn % max(places, 1)
