"""The steps from the default scenario of a bank to the full one: more plants, one broken rail, a larger fan-out.

Every step takes a scenario and returns another one. A plant that does not fit into the window is omitted with a
reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count as count_up
from itertools import islice

from seedbed import money
from seedbed.bank.bundled import BankLike, the_bank
from seedbed.errors import InputError
from seedbed.program.rails import RailPlan
from seedbed.scenario import picks
from seedbed.scenario.kinds import KINDS, PlantKind
from seedbed.scenario.modes import MODES
from seedbed.scenario.plants import (
    AutoScenarioReport,
    HardNegative,
    Omission,
    Plant,
    RailFiringPlant,
    ScenarioPlant,
    StuckPendingPlant,
    TransferTemplatePlant,
)
from seedbed.scenario.survey import Survey
from seedbed.units import Cents

__all__ = [
    "MODES",
    "add_broken_rail_plants",
    "add_hard_negatives",
    "boost_inv_fanout_plants",
    "check_kinds",
    "coverage_matrix",
    "coverage_scenario",
    "default_scenario",
    "default_scenario_for",
    "densify_scenario",
    "thinned_firings",
    "with_counts",
    "with_kinds",
]

DAYS_BETWEEN_REPLICAS = 7
# The most chain transfers that all ordinary firings of a scenario may need together.
MOST_BROUGHT_ALONG = 1_000
BROKEN_STEP = 2
# A broken rail has at least this many times the exceptions of the next rail.
TALLER = Decimal("1.5")
NEGATIVE_AMOUNT = "320.00"


def default_scenario_for(
    instance: BankLike,
    *,
    anchor: date,
    mode: str = "l1_invariants",
    window_days: int = 90,
    accounts: Mapping[str, int] | None = None,
    seed: int = 42,
) -> AutoScenarioReport:
    """One plant of every kind that the bank admits (seed document, "Scenario modes").

    `mode` is `l1_invariants`, `broad` (templates and rail firings), `l1_plus_broad` (both), or `every_view` (both,
    and a kind for each exception view that they leave empty). The other arguments describe the baseline of the
    scenario. `omitted` of the report lists the plants that the bank does not admit. Raises InputError for an unknown
    mode or an argument outside its range.
    """
    return AutoScenarioReport(
        default_scenario(Survey.of(the_bank(instance), anchor, window_days, accounts, seed), mode)
    )


def default_scenario(survey: Survey, mode: str = "l1_invariants") -> ScenarioPlant:
    """`default_scenario_for` for a compiled bank."""
    if mode not in MODES:
        raise InputError(f"mode: '{mode[:40]}' is not one of {', '.join(MODES)}")
    window_days = survey.window.last - survey.window.first + 1
    scenario = ScenarioPlant(anchor=survey.anchor, window_days=window_days, mode=mode)
    for kind in KINDS.values():
        if kind.group in MODES[mode]:
            plants, omitted = _PICKED.get(kind.name, _first_match)(survey, kind)
            scenario = scenario.with_plants(kind.name, plants).with_omissions(omitted)
    return _inside(scenario, survey)


def with_kinds(scenario: ScenarioPlant, survey: Survey, kinds: Iterable[str]) -> ScenarioPlant:
    """The scenario with the default picks of kinds that its mode lacks. Raises InputError for an unknown kind."""
    check_kinds(kinds := tuple(kinds))
    for kind in (KINDS[name] for name in kinds if KINDS[name].group not in MODES[scenario.mode]):
        plants, omitted = _PICKED.get(kind.name, _first_match)(survey, kind)
        scenario = scenario.with_plants(kind.name, plants).with_omissions(omitted)
    return _inside(scenario, survey)


def _first_match(survey: Survey, kind: PlantKind) -> tuple[list[Plant], list[Omission]]:
    if not kind.concerns(survey.bank):
        return [], []
    reasons: list[tuple[RailPlan, str]] = []
    ordered = sorted(survey.rails, key=lambda rail: kind.order(survey, rail))
    outside: list[Plant] = []
    # Customers' accounts come first. If no rail posts on them, the plant uses another template's account.
    for anywhere in (False, True) if survey.customers else (False,):
        for rail in ordered:
            found = kind.pick(survey, rail, anywhere)
            if isinstance(found, str):
                reasons += [] if anywhere else [(rail, found)]
            elif survey.day(found.days_ago) is None:
                # A rail whose maximum age is longer than the window; another one's may be shorter.
                outside.append(found)
            else:
                return [found], []
    if outside:
        return outside[:1], []
    return [], [(kind.label, _nearest_reason(reasons))]


def _nearest_reason(reasons: list[tuple[RailPlan, str]]) -> str:
    """The reason that the fewest rails share. Other rails lack something more basic and fail earlier.

    A reason about single rails ("it ...") names them.
    """
    if not reasons:
        return "the bank has no rails"
    texts = [reason for _, reason in reasons]
    reason = min(dict.fromkeys(texts), key=texts.count)
    if reason.startswith("no ") or reason == picks.NO_CUSTOMERS:
        return reason
    first, *others = (rail.name for rail, text in reasons if text == reason)
    return f"{first}{f' and {len(others)} more' if others else ''}: {reason}"


def _every_template(survey: Survey, kind: PlantKind) -> tuple[list[Plant], list[Omission]]:
    plants: list[Plant] = []
    omitted: list[Omission] = []
    for template in sorted(t.name for t in survey.bank.transfer_templates):
        found = picks.template_firings(survey, template)
        if isinstance(found, str):
            omitted.append((f"{kind.label} {template}", found))
        else:
            plants += found
    return plants, omitted or ([] if plants else [(kind.label, "the bank declares no transfer_templates")])


def _every_rail(survey: Survey, kind: PlantKind) -> tuple[list[Plant], list[Omission]]:
    plants: list[Plant] = []
    omitted: list[Omission] = []
    for rail in survey.rails:
        found = picks.rail_firings(survey, rail)
        if isinstance(found, str):
            omitted.append((f"{kind.label} {rail.name}", found))
        else:
            plants += found
    return plants, omitted or ([] if plants else [(kind.label, "the bank has no rails")])


_PICKED: Mapping[str, Callable[[Survey, PlantKind], tuple[list[Plant], list[Omission]]]] = {
    "transfer_template": _every_template,
    "rail_firing": _every_rail,
}


def _inside(scenario: ScenarioPlant, survey: Survey | None = None) -> ScenarioPlant:
    """The scenario without plants whose day lies before the window; these are listed as omitted."""
    omitted: list[Omission] = []
    for kind in KINDS.values():
        plants = scenario.of(kind.name)
        kept = [plant for plant in plants if _lies_inside(scenario, survey, plant)]
        if len(kept) < len(plants):
            first = min(plant.days_ago for plant in plants if not _lies_inside(scenario, survey, plant))
            count = f"{len(plants) - len(kept)} of {len(plants)}"
            omitted.append(
                (kind.label, f"{count} would lie before the window, the latest {first} days before the anchor")
            )
        scenario = scenario.with_plants(kind.name, kept)
    return scenario.with_omissions(omitted)


def _lies_inside(scenario: ScenarioPlant, survey: Survey | None, plant: Plant) -> bool:
    if plant.days_ago >= scenario.window_days:
        return False
    return survey is None or survey.day(plant.days_ago) is not None


def densify_scenario(scenario: ScenarioPlant, factor: int = 5) -> ScenarioPlant:
    """Every plant `factor` times, a week apart; fan-outs and templates once (seed document, "Plant overlays")."""
    if factor < 1:
        raise InputError(f"factor: {factor} is below 1")
    for kind in KINDS.values():
        if kind.replicates:
            plants = scenario.of(kind.name)
            repeated = (_replica(plant, number) for number in range(factor) for plant in plants)
            scenario = scenario.with_plants(kind.name, repeated)
    return _inside(scenario)


def thinned_firings(scenario: ScenarioPlant, survey: Survey) -> ScenarioPlant:
    """The scenario without the last repeated ordinary firings, if together they need too many chain transfers.

    A firing in a long chain needs the whole chain, so its rails would show far more transfers than planted.
    """
    kept, left_out, room = [], 0, MOST_BROUGHT_ALONG
    for plant in sorted(scenario.rail_firing_plants, key=lambda plant: plant.firing_seq):
        rail = survey.rail_named.get(plant.rail)
        brought = 0 if rail is None else survey.families.size(survey.node_of(rail)) - 1
        if brought > room:
            left_out += 1
            continue
        room -= brought
        kept.append(plant)
    if not left_out:
        return scenario
    reason = f"{left_out} firings would bring more than {MOST_BROUGHT_ALONG:,} transfers along by chains"
    return scenario.with_plants("rail_firing", kept).with_omissions([(KINDS["rail_firing"].label, reason)])


def _replica(plant: Plant, number: int) -> Plant:
    return _renumbered(replace(plant, days_ago=plant.days_ago + DAYS_BETWEEN_REPLICAS * number), number)


def with_counts(scenario: ScenarioPlant, counts: Mapping[str, int]) -> ScenarioPlant:
    """The scenario with exactly these numbers of plants: copies of existing ones on other days of the window.

    A kind that the bank does not admit stays omitted. Raises InputError for an unknown kind.
    """
    check_kinds(counts)
    for kind, count in counts.items():
        first = _originals(scenario.of(kind))
        if not first or not count:
            scenario = scenario.with_plants(kind, ())
            continue
        moved = _days_of_window(scenario.window_days, min(plant.days_ago for plant in first))
        spread = ((shift, plant) for shift in moved for plant in first)
        fitting = ((shift, plant) for shift, plant in spread if plant.days_ago + shift < scenario.window_days)
        plants = [
            _renumbered(replace(plant, days_ago=plant.days_ago + shift), round_)
            for round_, (shift, plant) in zip(_rounds(len(first)), islice(fitting, count), strict=False)
        ]
        scenario = scenario.with_plants(kind, plants)
        if len(plants) < count:
            reason = f"{count} are asked for, and the window has days for {len(plants)}"
            scenario = scenario.with_omissions([(KINDS[kind].label, reason)])
    return scenario


def check_kinds(kinds: Iterable[str]) -> None:
    """Raises InputError for an unknown kind of plant."""
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"plants: '{kind[:40]}' is not a kind of plant; known are {', '.join(KINDS)}")


def _originals(plants: tuple[Plant, ...]) -> tuple[Plant, ...]:
    """The plants that the others copy: a set for rail firings and templates, else the first plant."""
    if plants and isinstance(plants[0], RailFiringPlant):
        return tuple(p for p in plants if isinstance(p, RailFiringPlant) and p.firing_seq <= picks.FIRINGS_PER_RAIL)
    return plants if plants and isinstance(plants[0], TransferTemplatePlant) else plants[:1]


def _rounds(size: int) -> Iterator[int]:
    """0 for the first `size` plants, 1 for the next, and so on."""
    return (number // size for number in count_up())


def _renumbered(plant: Plant, round_: int) -> Plant:
    """A copy of a rail firing, with the next free number."""
    if isinstance(plant, RailFiringPlant):
        return replace(plant, firing_seq=plant.firing_seq + picks.FIRINGS_PER_RAIL * round_)
    return plant


def _days_of_window(window_days: int, first: int) -> list[int]:
    """Shifts in days: whole weeks first, then the days between them."""
    span = range(max(window_days - first, 0))
    return sorted(span, key=lambda shift: (shift % DAYS_BETWEEN_REPLICAS, shift))


def add_broken_rail_plants(
    scenario: ScenarioPlant, instance: "BankLike | Survey", broken_count: int = 15
) -> ScenarioPlant:
    """Adds stuck-pending plants to the first rail by name that declares a maximum age, so that it looks broken.

    There are `broken_count` of them, or more if the rail would otherwise not have one and a half times the planted
    exceptions of the next rail. They lie two days apart, the latest 7 days older than the maximum age, and alternate
    between the first two accounts.
    """
    survey = instance if isinstance(instance, Survey) else _survey_for(scenario, instance)
    label = "broken rail"
    for rail in survey.rails:
        first = picks.stuck_pending(survey, rail, False)
        if isinstance(first, StuckPendingPlant):
            break
    else:
        return scenario.with_omissions([(label, "no rail declares a max_pending_age")])
    bars: dict[str, int] = {}
    for kind, plant in scenario:
        name = getattr(plant, "rail", None)
        if KINDS[kind].exception and name is not None:
            bars[name] = bars.get(name, 0) + 1
    own, next_tallest = bars.pop(rail.name, 0), max(bars.values(), default=0)
    count = max(broken_count, int(TALLER * next_tallest) + 1 - own)
    accounts = [survey.unit_account(rail, place) for place in range(2)]
    days = list(range(first.days_ago, scenario.window_days))
    ordered = sorted(days, key=lambda day: (day - first.days_ago) % BROKEN_STEP)
    plants = [
        replace(first, days_ago=day, account_id=survey.ids[account])
        for number, day in enumerate(ordered[:count])
        if (account := accounts[number % 2]) is not None and survey.day(day) is not None
    ]
    scenario = scenario.with_plants("stuck_pending", (*scenario.stuck_pending_plants, *plants))
    if len(plants) < count:
        reason = f"{count} plants are asked for, but the window has days for only {len(plants)}"
        scenario = scenario.with_omissions([(f"{label} {rail.name}", reason)])
    return scenario


def _survey_for(scenario: ScenarioPlant, bank: BankLike) -> Survey:
    return Survey.of(the_bank(bank), scenario.anchor, scenario.window_days)


def boost_inv_fanout_plants(
    scenario: ScenarioPlant, amount_multiplier: int = 5, needed: Callable[[int], Cents] | None = None
) -> ScenarioPlant:
    """Raises the amounts of fan-outs at least `amount_multiplier` times (seed document, "Plant overlays").

    `needed` gives the cents per transfer at which a fan-out of so many senders stands out in the measured baseline
    (`calibration.py`); the larger amount counts.
    """
    if amount_multiplier < 1:
        raise InputError(f"amount_multiplier: {amount_multiplier} is below 1")
    plants = []
    for plant in scenario.inv_fanout_plants:
        amount = plant.amount_per_transfer * amount_multiplier
        if needed is not None:
            amount = max(amount, money.to_decimal(needed(len(plant.senders))).quantize(amount))
        plants.append(replace(plant, amount_per_transfer=amount))
    return scenario.with_plants("inv_fanout", plants)


def add_hard_negatives(scenario: ScenarioPlant, instance: "BankLike | Survey") -> ScenarioPlant:
    """Adds one hard negative for every kind of the scenario, on the kind's rail and on plant accounts of its own."""
    survey = instance if isinstance(instance, Survey) else _survey_for(scenario, instance)
    negatives = []
    for kind in KINDS.values():
        plants = scenario.of(kind.name)
        if not plants:
            continue
        plant = plants[0]
        name = getattr(plant, "rail", None)
        if name is None:
            node = survey.node_named(getattr(plant, "template", ""))
            name = node.rails[0].name if node is not None else ""
        rail = survey.rail_named[name]
        account = survey.unit_account(rail, -kind.place)
        if account is not None:
            amount = money.CENT if kind.name == "rail_firing" else survey.typical(rail, NEGATIVE_AMOUNT)
            negatives.append(
                HardNegative(
                    kind=kind.name,
                    account_id=survey.ids[account],
                    rail=name,
                    amount=amount,
                    days_ago=plant.days_ago + 1,
                )
            )
    return replace(scenario, hard_negatives=tuple(negatives))


def coverage_matrix(survey: Survey) -> dict[str, dict[str, Plant | str]]:
    """Rail → kind → the plant that the bank admits there, or the reason why it admits none."""
    return {rail.name: {kind.name: kind.pick(survey, rail, True) for kind in KINDS.values()} for rail in survey.rails}


def coverage_scenario(survey: Survey, mode: str = "l1_plus_broad") -> ScenarioPlant:
    """One plant for every cell of the coverage matrix that is not empty."""
    scenario = default_scenario(survey, mode)
    matrix = coverage_matrix(survey)
    for kind in KINDS.values():
        if kind.name not in _PICKED and kind.group in MODES[mode]:
            cells = [found for row in matrix.values() if not isinstance(found := row[kind.name], str)]
            scenario = scenario.with_plants(kind.name, cells)
    return _inside(_one_overdraft_each(scenario, survey), survey)


def _one_overdraft_each(scenario: ScenarioPlant, survey: Survey) -> ScenarioPlant:
    """Every overdraft on its own account. An overdraft that nothing covers would block others on the same account."""
    taken: set[int] = set()
    plants = []
    for plant in scenario.overdraft_plants:
        account = survey.index_of[plant.account_id]
        accounts = survey.plant_accounts(survey.class_of(account))
        start = accounts.index(account)
        order = (*accounts[start:], *accounts[:start])
        chosen = next((other for other in order if other not in taken), account)
        taken.add(chosen)
        plants.append(replace(plant, account_id=survey.ids[chosen]))
    return scenario.with_plants("overdraft", plants)
