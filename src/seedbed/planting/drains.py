"""Overdrafts. They are made last, when all other movements of the account are known.

The account opens so low that the draining transfer stays within its cap. A covering transfer on the next business day
brings it back to the same low balance. With the day nets R of all other movements, the opening o and the wanted
balance m < 0, the drain on day t is o + R(t) - m. The opening has to be high enough to keep every other day at zero
or above, and low enough to keep every drain within its cap.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from seedbed.baseline.metadata import key_repeats
from seedbed.planting.emission import account_day
from seedbed.planting.gathering import gather
from seedbed.planting.planter import Planter
from seedbed.planting.requests import Drain, TransferRequest
from seedbed.planting.reservations import UnplantableError
from seedbed.planting.transfers import Status
from seedbed.program.rails import RailPlan
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, CentsArray, DayRow, SecondOrdinal

__all__ = ["make_drains", "planted_nets"]


LOW_OPENING_CENTS = 2000_00
ATTEMPTS = 200
MOST_CENTS = 2**60


def planted_nets(planter: Planter, only: AccountIndex | None = None) -> CentsArray:
    """The cents that planted legs add to the day nets of block 0's accounts, shape (accounts, days).

    With `only`, the legs of this account; all others have zero.
    """
    days = planter.reservations.setup.window.days
    nets = np.zeros((len(planter.survey.block_accounts), days.size + 1), dtype=np.int64)
    legs = [
        (account, firing.second, firing.leg_cents(leg))
        for transfer in planter.transfers
        for firing in transfer.firings
        if firing.status is Status.POSTED
        for leg, account in enumerate(firing.accounts)
        if only in (None, account)
    ]
    if legs:
        account, second, cents = np.array(legs, dtype=np.int64).T
        day = (second - planter.survey.block_accounts.offset_seconds[account]) // DAY_SECONDS
        np.add.at(nets, (account, np.searchsorted(days, day)), cents)
    return nets[:, : days.size]


def row_of(planter: Planter, account: AccountIndex, second: SecondOrdinal) -> DayRow:
    """The balance row in which a posting on an account counts: the first business day that ends after it."""
    return int(np.searchsorted(planter.reservations.setup.window.days, planter.reservations.cap_day(account, second)))


def make_drains(planter: Planter) -> list[tuple[str, str]]:
    """Plants all noted overdrafts, account by account, and returns (plant, reason) for each that is omitted."""
    omitted: list[tuple[str, str]] = []
    by_account: dict[AccountIndex, list[Drain]] = defaultdict(list)
    for drain in planter.drains:
        by_account[drain.account].append(drain)
    # A drain that pays into the account of another drain would change the balance that the other one leaves.
    planter.settled = frozenset(by_account)
    for account, drains in by_account.items():
        cover = _cover_rail(planter, account)
        ordered = sorted(drains, key=lambda drain: drain.day)
        if cover is None:
            omitted += [
                (d.plant, f"{planter.survey.ids[account]} stays overdrawn: no rail covers it") for d in ordered[:-1]
            ]
            ordered = ordered[-1:]
        omitted += _drain_account(planter, account, ordered, cover, planter.maker.blend)
    return omitted


def _cover_rail(planter: Planter, account: AccountIndex) -> RailPlan | None:
    """The rail that covers the account: it fires by itself and credits the account.

    Rails without a cap and with external payers come first, then the first by name.
    """
    survey = planter.survey

    def rank(rail: RailPlan) -> tuple[bool, bool, str]:
        payers = [survey.class_of(a) for a in survey.pool(rail.legs[0].roles)[:1]]
        return bool(rail.caps), any(c.internal for c in payers), rail.name

    lands = [
        rail
        for rail in survey.rails
        if rail.two_leg
        and rail.cadence is None
        and survey.node_of(rail).rails == (rail,)
        and survey.node_of(rail).primary
        and survey.admits(rail.legs[1], account)
        and survey.refusal(rail) is None
    ]
    return min(lands, key=rank, default=None)


@dataclass(frozen=True)
class _Placed:
    """A drain with its balance row and the second of its posting."""

    drain: Drain
    row: DayRow
    second: SecondOrdinal


def _drain_account(
    planter: Planter, account: AccountIndex, drains: list[Drain], cover: RailPlan | None, blend: bool
) -> list[tuple[str, str]]:
    days = planter.reservations.setup.window.days
    placed, omitted = [], []
    rows: set[DayRow] = set()
    for drain in drains:
        row = _coverable_row(planter, account, int(np.searchsorted(days, drain.day)), cover, rows)
        rows.add(row)
        second = _second_for(planter, drain.plant, drain.rail, account, row)
        if second is None:
            omitted.append((drain.plant, f"{drain.rail.name} never posts within that business day of the account"))
        else:
            placed.append(_Placed(drain, row, second))
    while placed:
        failed = _make(planter, account, placed, cover, blend)
        if not failed:
            break
        # Without the failed drains the account needs another opening, so all are made again.
        for place in placed:
            planter.withdraw(place.drain.plant)
        omitted += failed.items()
        placed = [place for place in placed if place.drain.plant not in failed]
    return omitted


def _coverable_row(
    planter: Planter, account: AccountIndex, row: DayRow, cover: RailPlan | None, others: set[DayRow]
) -> DayRow:
    """The last row, up to this one, whose next day has no transfer of the cover's template. Else this row."""
    if cover is None or not key_repeats(planter.survey.node_of(cover)):
        return row
    node, days = planter.survey.node_of(cover), planter.reservations.setup.window.days
    for earlier in range(row, -1, -1):
        last = earlier + 1 == days.size
        if earlier not in others and (last or planter.reservations.is_free(node, account, int(days[earlier + 1]))):
            return earlier
    return row


def _make(
    planter: Planter, account: AccountIndex, placed: list[_Placed], cover: RailPlan | None, blend: bool
) -> dict[str, str]:
    """Plants the drains of one account, and returns those that cannot be made, with the reason."""
    blend = blend and len(placed) == 1
    days = planter.reservations.setup.window.days
    running = _running(planter, account)
    opening = planter.openings[account] = _opening(planter, account, placed, running, blend)
    planter.opened_for[account] = {place.drain.plant for place in placed}
    failed: dict[str, str] = {}
    for place in placed:
        plant = place.drain.plant
        cents = opening + int(running[place.row]) - place.drain.balance_cents
        try:
            if cents <= 0:
                raise UnplantableError("the account has nothing to drain on that day")
            request = TransferRequest(
                plant=plant,
                day=place.second // DAY_SECONDS,
                cents=cents,
                prefer=(account,),
                fixed={0: account},
                second=place.second,
            )
            planter.family(place.drain.rail, replace(request, breaks=-1, apart=True))
            gather(planter, plant)
            if _moved(planter, plant, account) != -cents:
                raise UnplantableError("its chain moves the account too")
            if cover is not None:
                later = int(running[place.row + 1 :].min(initial=int(running[place.row])))
                _cover(planter, place, cover, account, cents - opening - later if blend else cents, blend)
        except UnplantableError as reason:
            failed[plant] = str(reason)
            continue
        if place.drain.balance_cents < 0:
            planter.show(plant, "overdraft", account_day(planter, account, int(days[place.row])))
        # A cover can have chain children that also pay into the account.
        running = _running(planter, account)
    return failed


def _running(planter: Planter, account: AccountIndex) -> CentsArray:
    """The sum of an account's movements by the end of each business day, with all plants so far."""
    running: CentsArray = np.cumsum(
        planted_nets(planter, account)[account] + planter.reservations.baseline.nets[account]
    )
    return running


def _moved(planter: Planter, plant: str, account: AccountIndex) -> Cents:
    """The cents that a plant has moved on an account so far."""
    return sum(
        firing.leg_cents(leg)
        for transfer in planter.transfers
        if transfer.plant == plant
        for firing in transfer.firings
        for leg, place in enumerate(firing.accounts)
        if place == account
    )


def _opening(
    planter: Planter, account: AccountIndex, placed: list[_Placed], running: CentsArray, blend: bool
) -> Cents:
    """The opening. If no opening satisfies both bounds, the cap is exceeded, and the breach is listed."""
    others = np.ones(running.size, dtype=np.bool_)
    others[[place.row for place in placed]] = False
    low = max(0, -int(running[others].min())) if others.any() else 0
    rooms = [
        room - int(running[place.row]) + place.drain.balance_cents
        for place in placed
        if (room := planter.reservations.headroom(place.drain.rail.caps_on(-1), account, place.second)) is not None
    ]
    if blend:
        return _blended_opening(planter, placed[0], running, low, min(rooms, default=MOST_CENTS))
    return max(low, min([LOW_OPENING_CENTS, *rooms]))


def _cover(
    planter: Planter, place: _Placed, cover: RailPlan, account: AccountIndex, least: Cents, blend: bool
) -> None:
    """Plants the transfer that covers an overdraft on the next business day, if the window has one."""
    plant = place.drain.plant
    if place.row + 1 >= planter.reservations.setup.window.days.size:
        return
    second = _second_for(planter, plant, cover, account, place.row + 1)
    if second is None:
        raise UnplantableError(f"{cover.name} never posts within the next business day of the account")
    cents = _drawn_cover(planter, place.drain, cover, least) if blend else least
    request = TransferRequest(
        plant=plant,
        day=second // DAY_SECONDS,
        cents=cents,
        prefer=(account,),
        fixed={1: account},
        exact=True,
        second=second,
    )
    start, before = len(planter.transfers), _moved(planter, plant, account)
    planter.family(cover, request)
    gather(planter, plant)
    short = cents - (_moved(planter, plant, account) - before)
    if short > 0:
        # Its chain children have paid out a part of it.
        planter.undo(start)
        planter.family(cover, replace(request, cents=cents + short))
        gather(planter, plant)


def _second_for(
    planter: Planter, plant: str, rail: RailPlan, account: AccountIndex, row: DayRow
) -> SecondOrdinal | None:
    """A second in the rail's hours that counts in this balance row of the account. None if there is none."""
    days = planter.reservations.setup.window.days
    for day in days[row : row + 2].tolist():
        start, end = planter.posting_times.band(rail, planter.survey.node_of(rail), day, bundle=True)
        for _ in range(ATTEMPTS):
            second = start + planter.reservations.below(plant, end - start)
            if row_of(planter, account, second) == row:
                return second
    return None


def _blended_opening(planter: Planter, place: _Placed, running: CentsArray, low: Cents, high: Cents) -> Cents:
    """An opening with which the account's single drain has an amount that its rail draws."""
    drain = place.drain
    least = low + int(running[place.row]) - drain.balance_cents
    for _ in range(ATTEMPTS):
        drawn = int(drain.rail.amounts.cents(np.array([planter.reservations.word(drain.plant)], np.uint64))[0])
        opening = drawn - int(running[place.row]) + drain.balance_cents
        if drawn >= max(least, 1) and opening <= high:
            return opening
    return low


def _drawn_cover(planter: Planter, drain: Drain, cover: RailPlan, least: Cents) -> Cents:
    """The first drawn amount of the covering rail that is enough, else the needed amount."""
    for _ in range(ATTEMPTS):
        drawn = int(cover.amounts.cents(np.array([planter.reservations.word(drain.plant)], np.uint64))[0])
        if drawn >= max(least, 1):
            return drawn
    return max(least, 1)
