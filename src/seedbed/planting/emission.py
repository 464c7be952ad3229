"""The emissions: for each kind, the function that makes the transfers, deltas and surfacings of one plant."""

from datetime import date
from decimal import Decimal

from seedbed import money
from seedbed.baseline.text import identifier
from seedbed.planting.planter import Planter
from seedbed.planting.requests import Drain, TransferRequest
from seedbed.planting.reservations import UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Reason, Status
from seedbed.program.rails import RailPlan
from seedbed.scenario import plants
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, DayOrdinal, SecondOrdinal, Seconds, Word

__all__ = [
    "account_day",
    "correct",
    "drift",
    "inbound_breach",
    "inv_fanout",
    "leg_id",
    "limit_breach",
    "overdraft",
    "positive",
    "rail_firing",
    "stuck_pending",
    "stuck_unbundled",
    "supersession",
    "transfer_id",
    "transfer_template",
]

# A correction is booked 5 to 60 minutes after the row that it corrects.
CORRECTION_DELAY_SECONDS, CORRECTION_SPREAD_SECONDS = 300, 3300


def account_day(planter: Planter, account: AccountIndex, day: DayOrdinal) -> str:
    """The key of an account-day in the views."""
    return f"{planter.survey.ids[account]}/{date.fromordinal(day).isoformat()}"


def positive(dollars: Decimal) -> Cents:
    """Dollars as cents. Raises UnplantableError unless they are above 0.00."""
    cents = money.from_decimal(dollars)
    if cents <= 0:
        raise UnplantableError("its amount is not above 0.00")
    return cents


def _waited(planter: Planter, second: SecondOrdinal, age: Seconds | None, what: str) -> None:
    if age is None:
        raise UnplantableError(f"the rail has no {what}")
    if planter.reservations.setup.window.as_of - second <= age:
        raise UnplantableError(f"at the end of the anchor day it is not older than the {what}")


def drift(planter: Planter, plant_id: str, plant: plants.DriftPlant) -> None:
    """One stored balance is wrong by exactly the delta. The parent's balance still is the sum of its children's."""
    account = planter.reservations.account(plant.account_id)
    planter.reservations.rail(plant.rail, children=False)
    account_class = planter.survey.class_of(account)
    if not account_class.internal or account_class.is_parent:
        raise UnplantableError("drift is a matter of internal accounts without children")
    if not plant.delta_money:
        raise UnplantableError("its delta is 0.00")
    day = planter.reservations.claim(planter.reservations.day(plant.days_ago), "balance", plant.account_id)
    planter.deltas.append((plant_id, account, day, money.from_decimal(plant.delta_money)))
    planter.show(plant_id, "drift", account_day(planter, account, day))


def overdraft(planter: Planter, plant_id: str, plant: plants.OverdraftPlant) -> None:
    """Notes the overdraft. `drains.py` makes it last, when the other movements of the account are known."""
    account = planter.reservations.account(plant.account_id)
    rail = planter.reservations.rail(plant.rail)
    if plant.money >= 0:
        raise UnplantableError("its balance is not below 0.00")
    if not planter.survey.admits(rail.legs[0], account) or rail.legs[0].sign >= 0 or rail.cadence is not None:
        raise UnplantableError(f"{rail.name} debits no amount of its own from {plant.account_id}")
    if planter.survey.node_of(rail).rails != (rail,):
        raise UnplantableError(f"the template of {rail.name} debits more than this leg")
    day = planter.reservations.claim(planter.reservations.day(plant.days_ago), "balance", plant.account_id)
    planter.drains.append(
        Drain(plant=plant_id, account=account, day=day, rail=rail, balance_cents=money.from_decimal(plant.money))
    )


def limit_breach(planter: Planter, plant_id: str, plant: plants.LimitBreachPlant) -> None:
    """One transfer out of an account above its cap; an account's day has one breach of a type at most."""
    _breach(planter, plant_id, plant, -1, "debits from")


def inbound_breach(planter: Planter, plant_id: str, plant: plants.InboundBreachPlant) -> None:
    """One transfer into an account above its cap; an account's day has one breach of a type at most."""
    _breach(planter, plant_id, plant, +1, "credits to")


def _breach(
    planter: Planter,
    plant_id: str,
    plant: plants.LimitBreachPlant | plants.InboundBreachPlant,
    sign: int,
    verb: str,
) -> None:
    """A transfer above the cap on what an account pays (`sign` -1) or takes in (+1); `verb` tells how."""
    account, rail, cents = (
        planter.reservations.account(plant.account_id),
        planter.reservations.rail(plant.rail),
        positive(plant.amount),
    )
    caps, cap = rail.caps_on(sign), planter.survey.cap_on(rail, account, sign)
    if caps is None or cap is None or cents <= cap:
        raise UnplantableError(f"{plant.amount} is not above a cap on what {rail.name} {verb} {plant.account_id}")
    claimed = ("breach", plant.account_id, rail.transfer_type, *(("Inbound",) if sign > 0 else ()))
    day = planter.reservations.claim(planter.reservations.day(plant.days_ago), *claimed)
    made = planter.family(
        rail,
        TransferRequest(
            plant=plant_id,
            day=day,
            cents=cents,
            prefer=(account,),
            breaks=sign,
            fixed={caps.leg: account},
            apart=True,
        ),
    )
    firing = made.own(rail)
    moved = sign * firing.leg_cents(caps.leg)
    if firing.accounts[caps.leg] != account or moved <= cap:
        raise UnplantableError(f"its template fixes what {rail.name} {'credits' if sign > 0 else 'debits'}")
    cap_day = planter.reservations.cap_day(account, firing.second)
    for limit in planter.survey.limits_on(caps, account):
        if moved > limit.cap:
            planter.show(plant_id, "limit_breach", f"{account_day(planter, account, cap_day)}/{limit.key}")


def stuck_pending(planter: Planter, plant_id: str, plant: plants.StuckPendingPlant) -> None:
    """A transfer with two Pending legs."""
    account, rail, cents = (
        planter.reservations.account(plant.account_id),
        planter.reservations.rail(plant.rail, children=False),
        positive(plant.amount),
    )
    day = planter.reservations.day(plant.days_ago)
    age = planter.survey.declared(rail).max_pending_age_seconds
    _waited(planter, (day + 1) * DAY_SECONDS, age, "max_pending_age")
    planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=cents, prefer=(account,), status=Status.PENDING)
    )


def stuck_unbundled(planter: Planter, plant_id: str, plant: plants.StuckUnbundledPlant) -> None:
    """A Posted transfer whose leg on this rail no sweep takes. Sweeps take its other legs as usual."""
    account, rail, cents = (
        planter.reservations.account(plant.account_id),
        planter.reservations.rail(plant.rail),
        positive(plant.amount),
    )
    if not planter.survey.bundlers(rail):
        raise UnplantableError(f"nothing bundles {rail.name}")
    day = planter.reservations.day(plant.days_ago)
    age = planter.survey.declared(rail).max_unbundled_age_seconds
    _waited(planter, (day + 1) * DAY_SECONDS, age, "max_unbundled_age")
    if rail.cadence is not None:
        planter.sweep(rail, TransferRequest(plant=plant_id, day=day, cents=cents, bundle=False), None)
        return
    made = planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=cents, prefer=(account,), bundle=False)
    )
    for firing in made.firings:
        if firing is not made.own(rail):
            planter.assign_tick(firing)


def supersession(planter: Planter, plant_id: str, plant: plants.SupersessionPlant) -> None:
    """A transfer whose legs are all booked with one amount and corrected to another."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    original, corrected = positive(plant.original), positive(plant.corrected)
    if rail.cadence is not None:
        raise UnplantableError("a sweep is the sum of what it bundles; a correction would break that")
    if original == corrected:
        raise UnplantableError("original and corrected are the same")
    made = planter.family(
        rail,
        TransferRequest(
            plant=plant_id, day=planter.reservations.day(plant.days_ago), cents=corrected, prefer=(account,)
        ),
    )
    asked = planter.maker.restated(made, corrected, rail, made.total)
    # If a cap reduced the corrected amount, the original is reduced in proportion.
    driver = made.node.driver
    original = max(original * abs(made.own(driver).cents) // abs(asked[driver.index]), 1)
    before = planter.maker.restated(made, original, rail, made.total and max(made.total * original // corrected, 1))
    own = [firing for firing in made.firings if not firing.companion]
    if len(before) < len(own) or all(firing.cents == before[firing.rail.index] for firing in own):
        raise UnplantableError("its template fixes the amount, which leaves nothing to correct")
    for firing in own:
        if firing.cents == before[firing.rail.index]:
            continue
        correct(planter, firing, before[firing.rail.index], firing.salt)
        for leg in range(len(firing.accounts)):
            planter.show(plant_id, "supersession_audit", leg_id(firing, leg))


def correct(planter: Planter, firing: PlantedFiring, cents: Cents, salt: Word) -> None:
    """Gives a firing an earlier row with other cents or metadata. The present row corrects it before any sweep."""
    plant = firing.transfer.plant
    delay = CORRECTION_DELAY_SECONDS + planter.reservations.below(plant, CORRECTION_SPREAD_SECONDS)
    swept = planter.swept_at(firing)
    if swept is not None:
        delay = max(1, min(delay, (swept - firing.second) // 2))
    firing.first = (Status.POSTED, cents, firing.second, salt)
    firing.reason, firing.appended = Reason.TECHNICAL_CORRECTION, firing.second + delay


def inv_fanout(planter: Planter, plant_id: str, plant: plants.InvFanoutPlant) -> None:
    """One transfer from each sender to the recipient, all on one day."""
    recipient, rail, cents = (
        planter.reservations.account(plant.recipient),
        planter.reservations.rail(plant.rail),
        positive(plant.amount_per_transfer),
    )
    senders = [planter.reservations.account(sender) for sender in plant.senders]
    if not rail.two_leg or rail.cadence is not None:
        raise UnplantableError(f"{rail.name} has no sender and recipient of its own")
    fits = planter.survey.admits(rail.legs[1], recipient) and recipient not in senders
    if not fits or not all(planter.survey.admits(rail.legs[0], sender) for sender in senders):
        raise UnplantableError(f"{rail.name} does not lead from every sender to {plant.recipient}")
    if len(set(senders)) < max(2, len(senders)):
        raise UnplantableError("several different senders are needed")
    day = planter.reservations.day(plant.days_ago)
    for sender in senders:
        fixed = {0: sender, 1: recipient}
        made = planter.family(
            rail, TransferRequest(plant=plant_id, day=day, cents=cents, prefer=(recipient,), exact=True, fixed=fixed)
        )
        sent = date.fromordinal(made.firings[0].second // DAY_SECONDS).isoformat()
        planter.show(plant_id, "volume_anomalies", f"{planter.survey.ids[sender]}/{plant.recipient}/{sent}")
    planter.show(plant_id, "recipient_fanout", account_day(planter, recipient, day))


def transfer_template(planter: Planter, plant_id: str, plant: plants.TransferTemplatePlant) -> None:
    """A complete transfer of the template, followed by exactly the chain children that the plant names."""
    node = planter.survey.node_named(plant.template)
    if node is None:
        raise UnplantableError(f"the bank has no template '{plant.template[:80]}'")
    account, cents = planter.reservations.account(plant.src), positive(plant.amount)
    refusal = planter.survey.family_refusal(node)
    if refusal is not None:
        raise UnplantableError(refusal)
    request = TransferRequest(
        plant=plant_id, day=planter.reservations.day(plant.days_ago), cents=cents, prefer=(account,)
    )
    made = planter.family(node.driver, request, children=False, node=node)
    program = planter.reservations.setup.program
    links = {
        program.nodes[member].name: (link, place)
        for link in program.links_from(made.node)
        for place, member in enumerate(link.members)
    }
    for name in plant.chain_children:
        if name not in links:
            raise UnplantableError(f"'{name[:80]}' is no chain child of {plant.template}")
        planter.child(made, *links[name], (account,))


def rail_firing(planter: Planter, plant_id: str, plant: plants.RailFiringPlant) -> None:
    """An ordinary firing. A sweep bundles the firing of its first bundled rail that has the same number."""
    account, rail, cents = (
        planter.reservations.account(plant.account_id),
        planter.reservations.rail(plant.rail),
        positive(plant.amount),
    )
    day, turn = planter.reservations.day(plant.days_ago), plant.firing_seq - 1
    if rail.cadence is not None:
        bundled = _bundled_firing(planter, rail, plant.firing_seq)
        planter.sweep(rail, TransferRequest(plant=plant_id, day=day, cents=cents, turn=turn), bundled)
        return
    account = _with_room(planter, rail, account, cents, day)
    made = planter.family(rail, TransferRequest(plant=plant_id, day=day, cents=cents, prefer=(account,), turn=turn))
    firing = made.own(rail)
    planter.firings[rail.name, plant.firing_seq] = firing


def _bundled_firing(planter: Planter, sweep: RailPlan, number: int) -> PlantedFiring | None:
    for rail in planter.survey.bundled_by(sweep):
        firing = planter.firings.get((rail.name, number))
        if firing is not None and firing.sweep is None:
            return firing
    return None


def _with_room(
    planter: Planter, rail: RailPlan, account: AccountIndex, cents: Cents, day: DayOrdinal
) -> AccountIndex:
    """The account, or the next one with room if caps leave too little of its day (for example after a breach)."""
    others = planter.survey.customers[:2] if account in planter.survey.customers else ()
    noon = day * DAY_SECONDS + DAY_SECONDS // 2
    rooms = ((other, planter.reservations.room(rail, other, noon)) for other in (account, *others))
    return next((other for other, room in rooms if room is None or room >= cents), account)


def transfer_id(transfer: PlantedTransfer) -> str:
    """The id of a transfer in its rows."""
    return identifier(*transfer.words)


def leg_id(firing: PlantedFiring, leg: int) -> str:
    """The id of a leg in its rows."""
    return identifier(*firing.transfer.words, firing.number + leg)
