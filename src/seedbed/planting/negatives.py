"""Hard negatives: lawful events that look like exceptions, one for each kind. They surface in no exception view."""

from collections.abc import Callable, Mapping

import numpy as np

from seedbed import money
from seedbed.baseline.legs import completion_second
from seedbed.planting.emission import correct
from seedbed.planting.planter import Planter
from seedbed.planting.requests import Drain, Flaw, TransferRequest
from seedbed.planting.reservations import UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Reason, Status
from seedbed.program.rails import RailPlan
from seedbed.scenario.plants import HardNegative
from seedbed.scenario.view_picks import fan_in_link, requirements
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, DayOrdinal, SecondOrdinal

__all__ = ["NEGATIVES", "plant_negative"]

# A lawful transfer takes half of what a cap leaves, and leaves a cent.
LEAST_ROOM = 4

# The description of each look-alike in the answer key.
DESCRIPTIONS: Mapping[str, str] = {
    "drift": "a Failed transfer: no money moved, and the stored balance rightly leaves it out",
    "overdraft": "the account is drained to exactly 0.00 and never below",
    "limit_breach": "the day's outbound sum is one cent below the cap",
    "inbound_breach": "the day's inbound sum is exactly the cap",
    "stuck_pending": "Pending, then Posted one minute before the maximum age",
    "stuck_unbundled": "bundled by the last sweep within the maximum age",
    "supersession": "a correction of metadata alone: account, amount, status and day stay",
    "inv_fanout": "many senders pay one recipient ordinary amounts on one day, as on a payday",
    "transfer_template": "a whole transfer with its required chain children, and none of the optional ones",
    "rail_firing": "a firing of one cent",
    "ledger_drift": "an ordinary transfer: a parent account's stored balance moves, with the postings behind it",
    "transfer_net": "one of two legs has a second row, which changes metadata alone: each counted once, they net",
    "late_posting": "posted on the last business day before the transfer's completion, and not after it",
    "unmatched_posting": "a leg on an account of the last of the roles that its rail names",
    "fan_in_short": "a fan-in child with exactly the parents that are expected, or with two of them if any number is",
    "fan_in_extra": "a fan-in child with exactly the parents that are expected, one of which has a second row",
    "requirement_gap": "a Failed transfer without a metadata key that only Posted legs must carry",
    "leg_xor_missed": "a whole transfer that the last leg rail of its XOR group closes",
    "leg_xor_overlap": "one leg rail of the XOR group Failed, and another one closes the transfer in its place",
}


def plant_negative(planter: Planter, plant_id: str, negative: HardNegative) -> None:
    """Plants one hard negative. Raises UnplantableError with the reason if it cannot be made."""
    account, rail = planter.reservations.account(negative.account_id), planter.reservations.rail(negative.rail)
    day, cents = (
        _unspent_day(planter, account, rail, planter.reservations.day(negative.days_ago)),
        money.from_decimal(negative.amount),
    )
    room = _room(planter, account, rail, day)
    if room is not None:
        cents = max(1, min(cents, room // 2))
    NEGATIVES[negative.kind](planter, plant_id, account, rail, cents, day)


def _room(planter: Planter, account: AccountIndex, rail: RailPlan, day: DayOrdinal) -> Cents | None:
    """What caps leave of an account's day, None without a cap."""
    return planter.reservations.room(rail, account, day * DAY_SECONDS + DAY_SECONDS // 2)


def _unspent_day(planter: Planter, account: AccountIndex, rail: RailPlan, day: DayOrdinal) -> DayOrdinal:
    """The last business day up to this one on which the account's caps leave something; this one where none does."""
    found: DayOrdinal | None = day
    while found is not None:
        room = _room(planter, account, rail, found)
        if room is None or room >= LEAST_ROOM:
            return found
        found = planter.survey.day_before(found)
    return day


def _ordinary(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> list[PlantedFiring]:
    if rail.cadence is not None:
        planter.sweep(rail, TransferRequest(plant=plant, day=day, cents=cents), None)
        return []
    return [planter.family(rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,))).own(rail)]


def _failed(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    planter.family(rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,), status=Status.FAILED))


def _drained(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    if not planter.survey.admits(rail.legs[0], account) or rail.legs[0].sign >= 0:
        raise UnplantableError(f"{rail.name} does not debit the account")
    planter.drains.append(Drain(plant=plant, account=account, day=day, rail=rail, balance_cents=0))


def _just_under(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    _beside_the_cap(planter, plant, account, rail, day, -1)


def _exactly_at(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    _beside_the_cap(planter, plant, account, rail, day, +1)


def _beside_the_cap(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, day: DayOrdinal, sign: int
) -> None:
    """A transfer that leaves a cent of an outbound cap (`sign` -1), and nothing of an inbound one (+1)."""
    caps, noon = rail.caps_on(sign), day * DAY_SECONDS + DAY_SECONDS // 2
    room = planter.reservations.headroom(caps, account, noon)
    cents = 0 if room is None else room - (sign < 0)
    if caps is None or cents < 1:
        raise UnplantableError("no cap applies to the account, or nothing is left of it")
    fixed = {caps.leg: account}
    planter.family(
        rail,
        TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,), exact=True, fixed=fixed, apart=True),
    )


def _settled_in_time(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    age = planter.survey.declared(rail).max_pending_age_seconds
    if age is None or age < 120:
        raise UnplantableError("the rail has no max_pending_age of at least two minutes")
    if rail.cadence is not None:
        raise UnplantableError("a sweep posts at once, with what it bundles")
    node = planter.survey.node_of(rail)
    if node.template is not None or planter.reservations.setup.program.links_into(node):
        raise UnplantableError("a template or chain asks for an earlier posting")
    found: DayOrdinal | None = day
    while found is not None:
        start, end = found * DAY_SECONDS + rail.kind.band_start, found * DAY_SECONDS + rail.kind.band_end
        for lawful in (True, False):
            for _ in range(8):
                first = start + planter.reservations.below(plant, end - start)
                settled = first + age - 60
                if _posts(planter, rail, settled, lawful):
                    _inflight(planter, plant, account, rail, cents, first, settled)
                    return
        found = planter.survey.day_before(found)
    raise UnplantableError("no posting at the maximum age falls on a business day of the window")


def _posts(planter: Planter, rail: RailPlan, second: SecondOrdinal, in_hours: bool) -> bool:
    day, clock = divmod(second, DAY_SECONDS)
    open_day = (
        planter.survey.day(planter.reservations.setup.window.last - day) == day
        if day <= planter.reservations.setup.window.last
        else False
    )
    return open_day and (not in_hours or rail.kind.band_start <= clock < rail.kind.band_end)


def _inflight(
    planter: Planter,
    plant: str,
    account: AccountIndex,
    rail: RailPlan,
    cents: Cents,
    first: SecondOrdinal,
    settled: SecondOrdinal,
) -> None:
    made = planter.family(
        rail, TransferRequest(plant=plant, day=settled // DAY_SECONDS, cents=cents, prefer=(account,), second=settled)
    )
    for firing in made.firings:
        firing.first = (Status.PENDING, firing.cents, first, firing.salt)
        firing.reason, firing.appended = Reason.INFLIGHT, settled


def _bundled_in_time(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    """A leg that a sweep bundles within the maximum age."""
    age = planter.survey.declared(rail).max_unbundled_age_seconds
    if age is None or not planter.survey.bundlers(rail):
        raise UnplantableError("the rail has no max_unbundled_age, or nothing bundles it")
    if rail.cadence is not None:
        raise UnplantableError("a sweep waits for nothing but its own sweep")
    [firing] = _ordinary(planter, plant, account, rail, cents, day)
    swept = planter.swept_at(firing)
    if swept is None or swept - firing.second > age:
        planter.withdraw(plant)
        raise UnplantableError("no sweep comes within the maximum age")


def _immaterial(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    for firing in _ordinary(planter, plant, account, rail, cents, day):
        correct(planter, firing, firing.cents, planter.reservations.word(plant))


def _payday(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    senders = [sender for sender in planter.survey.pool(rail.legs[0].roles) if sender != account][:12]
    if not rail.two_leg or len(senders) < 2 or not planter.survey.admits(rail.legs[1], account):
        raise UnplantableError("several senders and a recipient are needed")
    room = planter.reservations.headroom(rail.caps_on(+1), account, day * DAY_SECONDS + DAY_SECONDS // 2)
    if room is not None:
        cents = min(cents, room // (2 * len(senders)))
    for place, sender in enumerate(senders):
        share = cents * (60 + 11 * (place % 7)) // 100
        planter.family(
            rail,
            TransferRequest(
                plant=plant, day=day, cents=max(share, 1), prefer=(account,), fixed={0: sender, 1: account}
            ),
        )


def _half_corrected(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    for firing in _ordinary(planter, plant, account, rail, cents, day):
        correct(planter, firing, firing.cents, planter.reservations.word(plant))
        firing.half = True


def _just_in_time(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    node, window = planter.survey.node_of(rail), planter.reservations.setup.window
    if node.template is None:
        raise UnplantableError("only a template's transfers have a completion")
    due = int(completion_second(node, np.array([day]))[0])
    last = planter.survey.day_before(min(due // DAY_SECONDS, window.last + 1))
    if last is None or last < day:
        raise UnplantableError("the window has no business day before the transfer's completion")
    _, end = planter.posting_times.band(rail, node, last, bundle=True)
    flaw = Flaw(rail=rail, second=min(end - 1, due - 1))
    planter.family(rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,), flaw=flaw))


def _of_its_last_role(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    if rail.cadence is not None:
        raise UnplantableError("a sweep posts on its own accounts")
    pool = planter.survey.pool(rail.legs[-1].roles)
    last = max(pool, key=lambda place: int(planter.survey.block_accounts.class_index[place]))
    first = next(place for place in pool if planter.survey.class_of(place) is planter.survey.class_of(last))
    prefer = (
        (account, first) if planter.survey.class_of(account) is not planter.survey.class_of(first) else (account,)
    )
    planter.family(rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=prefer))


def _failed_without_a_key(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    keys = requirements(planter.survey, rail)
    if not keys or rail.cadence is not None:
        raise UnplantableError("no metadata key is required of its legs")
    flaw = Flaw(rail=rail, missing=keys[0])
    planter.family(
        rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,), status=Status.FAILED, flaw=flaw)
    )


def _with_all_parents(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> PlantedTransfer:
    link = fan_in_link(planter.survey, rail)
    if isinstance(link, str):
        raise UnplantableError(link)
    return planter.family(rail, TransferRequest(plant=plant, day=day, cents=cents, prefer=(account,)))


def _with_a_parent_twice(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    own = _with_all_parents(planter, plant, account, rail, cents, day).own(rail)
    correct(planter, own, own.cents, planter.reservations.word(plant))


def _others_of_group(planter: Planter, rail: RailPlan) -> list[RailPlan]:
    """The other members of a rail's XOR group that can be planted. Raises UnplantableError where there is none."""
    node = planter.survey.node_of(rail)
    group = node.group_of(rail)
    others = [] if group is None else [other for other in planter.survey.members(node)[group] if other is not rail]
    if not others:
        raise UnplantableError("no other leg rail excludes it")
    return others


def _last_of_its_group(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    _ordinary(planter, plant, account, _others_of_group(planter, rail)[-1], cents, day)


def _after_a_failed_one(
    planter: Planter, plant: str, account: AccountIndex, rail: RailPlan, cents: Cents, day: DayOrdinal
) -> None:
    other = _others_of_group(planter, rail)[0]
    [paid] = _ordinary(planter, plant, account, rail, cents, day)
    leg, transfer = other.legs[0], paid.transfer
    account = paid.accounts[0] if planter.survey.admits(leg, paid.accounts[0]) else planter.survey.pool(leg.roles)[0]
    before = max(firing.second for firing in transfer.firings if not firing.rail.variable)
    failed = PlantedFiring(
        transfer=transfer,
        rail=other,
        accounts=(account,),
        cents=paid.cents,
        second=before,
        number=max(firing.number + len(firing.accounts) for firing in transfer.firings),
        salt=paid.salt,
        status=Status.FAILED,
    )
    transfer.firings.append(failed)


NEGATIVES: Mapping[str, Callable[[Planter, str, AccountIndex, RailPlan, Cents, DayOrdinal], object]] = {
    "drift": _failed,
    "overdraft": _drained,
    "limit_breach": _just_under,
    "inbound_breach": _exactly_at,
    "stuck_pending": _settled_in_time,
    "stuck_unbundled": _bundled_in_time,
    "supersession": _immaterial,
    "inv_fanout": _payday,
    "transfer_template": _ordinary,
    "rail_firing": _ordinary,
    "ledger_drift": _ordinary,
    "transfer_net": _half_corrected,
    "late_posting": _just_in_time,
    "unmatched_posting": _of_its_last_role,
    "requirement_gap": _failed_without_a_key,
    "fan_in_short": _with_all_parents,
    "fan_in_extra": _with_a_parent_twice,
    "leg_xor_missed": _last_of_its_group,
    "leg_xor_overlap": _after_a_failed_one,
}
assert NEGATIVES.keys() == DESCRIPTIONS.keys()
