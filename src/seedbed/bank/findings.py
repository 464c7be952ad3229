"""Structural findings: warnings about declarations of a valid bank that its own flows can never fulfil.

Everything that cannot hold has a finding; some findings are about things that happen to hold. So an exception of the
baseline is never mistaken for an error of the generator.
"""

from collections.abc import Callable, Iterator, Mapping

from seedbed import money
from seedbed.bank import silent
from seedbed.bank.document import Document
from seedbed.bank.expected import expected_balances, quoted_names
from seedbed.bank.flows import DAY_SECONDS, TICK_DELAY_SECONDS, Flows
from seedbed.bank.frequency import ignored_calendars, ignored_delays
from seedbed.bank.graph import circles
from seedbed.bank.leg_groups import group_of
from seedbed.bank.links import DeclaredLink, DeclaredNode, Void
from seedbed.bank.model import Bank, LimitSchedule, Rail, TwoLegRail
from seedbed.bank.text import Path, Remark, path_text, quote
from seedbed.errors import Problem

__all__ = ["FINDINGS", "UNSAID", "finding_remarks", "structural_findings"]

Found = Iterator[tuple[Path, str]]

HOUR_SECONDS = 3_600
OPEN_HOURS = 8
CLOSING_SECOND = 17 * HOUR_SECONDS
# The longest wait of a leg for a tick, by the cadence's family. Ticks may move off closed days.
LONG_WAITS: Mapping[str, int] = {
    "daily-bod": 5 * DAY_SECONDS,
    "weekly": 11 * DAY_SECONDS,
    "monthly-eom": 61 * DAY_SECONDS // 2,
    "monthly-bom": 35 * DAY_SECONDS,
    "monthly": 35 * DAY_SECONDS,
}


# The longest run of closed days: a weekend with a holiday beside it; of other calendars a guess that is too long.
CLOSED_DAYS: Mapping[str, int] = {"federal_reserve": 3, "none": 2}
MOST_CLOSED_DAYS = 14


def _nets(flows: Flows) -> Found:
    """A transfer that can never have its expected net."""
    for index, rail in enumerate(flows.bank.rails):
        if isinstance(rail, TwoLegRail) and rail.expected_net_cents:
            net = money.format(rail.expected_net_cents)
            yield (
                ("rails", index, "expected_net"),
                f"{net} cannot hold: the two legs of a transfer always add up to 0.00",
            )
    for index, template in enumerate(flows.bank.transfer_templates):
        node = flows.nodes_of[template.name][0]
        wanted, whole = template.expected_net_cents, frozenset(rail.name for rail in node.rails)
        # Planted transfers have every leg. Transfers of the baseline have the legs that have accounts to post on.
        for posting in (flows.posting[node.index] or whole, whole):
            least, greatest = flows.net_range(node, posting)
            if (least is not None and wanted < least) or (greatest is not None and wanted > greatest):
                path = ("transfer_templates", index, "expected_net")
                yield path, f"{money.format(wanted)} cannot hold: {_net_reason(least, greatest)}"
                break


def _net_reason(least: int | None, greatest: int | None) -> str:
    if least == greatest == 0:
        return "two-leg transfers add up to 0.00, and no other leg can change that"
    bounds = [f"at least {money.format(least)}"] if least is not None else []
    bounds += [f"at most {money.format(greatest)}"] if greatest is not None else []
    return f"the legs add up to {' and '.join(bounds)}"


def _idle_rails(flows: Flows) -> Found:
    """A rail that can never fire."""
    for index, rail in enumerate(flows.bank.rails):
        if not flows.rail_fires(rail):
            yield ("rails", index, "name"), f"this rail can never fire: {_idle_reason(flows, rail)}"


def _idle_reason(flows: Flows, rail: Rail) -> str:
    for leg in flows.legs[rail.name]:
        if not any(flows.accounts.get(role, 0) for role in leg.roles):
            return f"no baseline account has the role {quoted_names(sorted(leg.roles))}"
    if not flows.sides_exist(rail):
        return "its two legs have only one account between them"
    node = flows.nodes_of[rail.name][0]
    if rail.aggregating:
        return "nothing that it bundles can fire"
    if flows.is_too_dear(rail, node):
        return "each of its fixed amounts is above the cap of its accounts"
    if flows.is_shut_out(node):
        return f"a cap leaves too little for the expected_net of {quote(node.name)}"
    if flows.is_silenced(node):
        return f"the volume of {quote(node.driver.name)} is set to zero"
    return _idle_leg_reason(flows, rail, node)


def _idle_leg_reason(flows: Flows, rail: Rail, node: DeclaredNode) -> str:
    """The reason why a rail with accounts and volume never fires: its parents, or its template."""
    if rail.name in flows.posting[node.index]:
        if node.index in flows.firing:
            return f"every chain into {quote(node.name)} asks for another member of its XOR group"
        return "no chain parent of it can fire"
    if flows.is_member_shut_out(node, rail):
        return f"a cap leaves too little for the expected_net of {quote(node.name)}"
    others = _absent(flows, node, rail)
    if others:
        return f"{quoted_names(others)} of the same template has no accounts to post on"
    return "its template has no other leg for it to close"


def _absent(flows: Flows, node: DeclaredNode, rail: Rail) -> list[str]:
    """The other legs of a template, without accounts to post on, that this rail does not fire without."""
    absent = [part.name for part in node.rails if part is not rail and not flows.sides_exist(part)]
    spared = {name for members in node.groups if not {*members} <= {*absent} for name in members}
    return [name for name in absent if name not in spared]


def _idle_chains(flows: Flows) -> Found:
    """A chain that can never be completed, or that never fires."""
    for index, chain in enumerate(flows.bank.chains):
        links = flows.links_of[index]
        live = [link for link in links if link.void is None]
        if all(link.void is Void.TWICE for link in links):
            continue
        reason = None if live else _void_reason(flows, next(link for link in links if link.void is not Void.TWICE))
        if not any(flows.link_fires(link, flows.firing) for link in links):
            idle = {link.parent for link in links} <= flows.moving_nothing
            why = "always moves 0.00" if idle else "can never fire"
            reason = reason or f"{quote(chain.parent)} {why}"
        posting = flows.posting[links[0].child]
        if not posting or (links[0].child_rail is not None and links[0].child_rail not in posting):
            reason = reason or f"{quote(chain.child)} can never fire"
        if reason is not None:
            yield ("chains", index), f"this chain can never be completed: {reason}"


def _void_reason(flows: Flows, link: DeclaredLink) -> str:
    """Why a link never fires."""
    chain, child = flows.bank.chains[link.chain], flows.nodes[link.child].name
    if link.void is Void.ITSELF and chain.parent == chain.child:
        return f"{quote(chain.child)} would be its own child"
    if link.void is Void.ITSELF:
        return f"both ends are legs of the template {quote(child)}"
    if link.void is Void.ONLY_CLOSES:
        return f"the Variable leg of {quote(child)} has nothing to close"
    if link.void is Void.ONCE:
        return f"the legs of {quote(child)} make its expected_net once, so they cannot fire for each of its parents"
    if link.void is Void.GATHERED:
        return f"another fan-in chain has the same transfers share {quote(child)}"
    if link.void is Void.DECIDED:
        return f"an XOR group of {quote(chain.parent)} decides on {quote(child)}"
    return "it closes a circle: its chains lead back to its own parent"


def _repeated_chains(flows: Flows) -> Found:
    """A chain that is declared twice. The two count as one, in the XOR group of either, and Required if either is."""
    for index, links in flows.links_of.items():
        repeated = next((link for link in links if link.void is Void.TWICE), None)
        if repeated is not None:
            others = (
                link for link in flows.links.every if link.ends == repeated.ends and link.void is not Void.TWICE
            )
            other = next(others).chain
            yield ("chains", index), f"{path_text(('chains', other))} already links this parent to this child"


def _claimed_templates(flows: Flows) -> Found:
    """A template that several chain parents claim, each through another leg."""
    for index, template in enumerate(flows.bank.transfer_templates):
        claims: dict[str, str] = {}
        for link in flows.parents.get(flows.nodes_of[template.name][0].index, ()):
            chain = flows.bank.chains[link.chain]
            claims.setdefault(chain.child, chain.parent)
        if len(set(claims.values())) > 1:
            told = [f"{quote(parent)} claims {quote(child)}" for child, parent in sorted(claims.items())]
            told = [*told[:3], *([f"and {len(told) - 3} more"] if len(told) > 3 else [])]
            chosen = any(group_of(template, child) is not None for child in claims)
            legs = "" if chosen else "has all legs and "
            message = f"{', '.join(told)}: each transfer of the template {legs}belongs to one parent only"
            yield ("transfer_templates", index, "leg_rails"), message


def _idle_limits(flows: Flows) -> Found:
    """A cap that can never bind."""
    for index, limit in enumerate(flows.bank.limit_schedules):
        moves = [
            (rail, role)
            for rail in flows.declared.capped_rails(limit)
            for role in sorted(flows.capped_roles(rail, limit))
        ]
        reason, verb = None, "credit" if limit.sign > 0 else "debit"
        if not flows.under.get(limit.parent_role):
            reason = f"no account is under {quote(limit.parent_role)}"
        elif not moves:
            reason = f"{_capped(flows, limit)} {verb}s an account under {quote(limit.parent_role)}"
        elif not any(_is_bound(flows, rail) and flows.accounts.get(role, 0) for rail, role in moves):
            reason = f"{quoted_names(rail.name for rail, _ in moves)} can never {verb} an account under it"
        if reason is not None:
            yield ("limit_schedules", index), f"this cap can never bind: {reason}"


def _capped(flows: Flows, limit: LimitSchedule) -> str:
    """That nothing of what a limit names does something, up to the verb. A single rail is named."""
    rails = flows.declared.capped_rails(limit)
    if len(rails) != 1:
        return f"no rail of type {quote(limit.subject)}"
    return f"{quote(rails[0].name)} never"


def _is_bound(flows: Flows, rail: Rail) -> bool:
    """Whether a rail posts under its caps, or does not because of them."""
    shut_out = (flows.is_shut_out(node) or flows.is_member_shut_out(node, rail) for node in flows.nodes_of[rail.name])
    return flows.rail_fires(rail) or any(shut_out)


def _short_ages(flows: Flows) -> Found:
    """A maximum age that legs can exceed while they wait for their sweep."""

    def capped(sweep: str) -> bool:
        return bool(flows.caps_on(flows.declared.rails[sweep]))

    for index, rail in enumerate(flows.bank.rails):
        age = rail.max_unbundled_age_seconds
        if age is None:
            continue
        path = ("rails", index, "max_unbundled_age")
        nodes = [node for node in flows.nodes_of[rail.name] if node.index in flows.firing]
        waits = [
            (_wait(flows, flows.declared.rails[name], node), name)
            for node in nodes
            for name in flows.bundlers(rail, node)
        ]
        wait, name = max(waits, default=(0, ""))
        if not all(flows.bundlers(rail, node) for node in nodes):
            yield path, "legs of this rail can stay unbundled: no sweep that can fire bundles them on their accounts"
        elif any(all(map(capped, flows.bundlers(rail, node))) for node in nodes):
            yield path, "legs of this rail can stay unbundled: every sweep that bundles them is under a cap"
        elif age < wait:
            yield path, f"{_span(age)} is shorter than the wait of up to {_span(wait)} for {quote(name)}"


def _wait(flows: Flows, sweep: Rail, node: DeclaredNode) -> int:
    """The longest wait of this node's legs for a sweep, in seconds."""
    assert sweep.cadence is not None
    if sweep.cadence.family in LONG_WAITS:
        return LONG_WAITS[sweep.cadence.family]
    _, last_tick = flows.posting_seconds[flows.nodes_of[sweep.name][0].index]
    if sweep.cadence.family == "intraday":
        late = max(0, last_tick - CLOSING_SECOND - TICK_DELAY_SECONDS)
        wait = min(sweep.cadence.number, OPEN_HOURS) * HOUR_SECONDS + TICK_DELAY_SECONDS + late
        # From the evening before a closed day to the first tick after it.
        return wait if not node.always else wait + DAY_SECONDS + _closed(flows, node)
    return last_tick - flows.posting_seconds[node.index][0] + _closed(flows, node)


def _closed(flows: Flows, node: DeclaredNode) -> int:
    """How long a leg of this node may wait for the bank to open, in seconds."""
    return CLOSED_DAYS.get(flows.bank.calendar, MOST_CLOSED_DAYS) * DAY_SECONDS if node.always else 0


def _span(seconds: int) -> str:
    if seconds >= 2 * DAY_SECONDS:
        return f"{seconds / DAY_SECONDS:g} days"
    return f"{round(seconds / HOUR_SECONDS, 2):g} hours"


def _capped_sweeps(flows: Flows) -> Found:
    """A sweep whose legs a cap bounds, so that what it bundles can have to wait."""
    for index, rail in enumerate(flows.bank.rails):
        for limit in flows.caps_on(rail) if rail.aggregating else []:
            yield (
                ("rails", index, "name"),
                f"the {_cap_words(limit)} limits this sweep: legs beyond the cap wait for the next tick",
            )


def _cap_words(limit: LimitSchedule) -> str:
    """A cap by its amount and the accounts that it bounds."""
    word = "inbound cap" if limit.sign > 0 else "cap"
    return f"{word} of {money.format(limit.cap_cents)} under {quote(limit.parent_role)}"


def _starved_chains(flows: Flows) -> Found:
    """A chain whose child has a cap of less than a cent per firing, so that some parents find nothing left.

    A parent shares the cap among its own children. If there are several parents, later ones get only the rest.
    """
    for index, every in flows.links_of.items():
        links = [link for link in every if link.void is None]
        if not links:
            continue
        child = flows.nodes[links[0].child]
        transfers, cents = flows.daily[child.index]
        asked = flows.links.asked_member(links[0])
        group = None if asked is None else group_of(child.template, asked)
        excluded = set() if group is None else {*child.groups[group]} - {asked}
        for rail in (rail for rail in child.rails if rail.name not in excluded):
            for limit in flows.caps_on(rail):
                accounts = sum(flows.accounts.get(role, 0) for role in flows.capped_roles(rail, limit))
                whole = limit.cap_cents * accounts
                if cents > whole > 0 and (transfers > whole / 2 or len(flows.parents.get(child.index, ())) > 1):
                    verb, each = "take in" if limit.sign > 0 else "pay", transfers / accounts
                    moved = f"of the {each:,.0f} {quote(rail.name)} that an account would {verb} a day"
                    yield ("chains", index), f"the {_cap_words(limit)} leaves nothing for some {moved}"


def _sweep_circles(flows: Flows) -> Found:
    """Sweeps that bundle legs that they cause themselves."""
    index_of = {rail.name: index for index, rail in enumerate(flows.bank.rails)}
    for circle in circles(flows.consequences):
        sweeps = sorted(flows.nodes[index].name for index in circle if flows.nodes[index].aggregates)
        others = f" with {quoted_names(sweeps[:-1])}" if len(sweeps) > 1 else ""
        path = ("rails", index_of[sweeps[-1]], "bundles_activity")
        yield (
            path,
            f"{quote(sweeps[-1])}{others} bundles legs that it causes itself: some come too late and stay unbundled",
        )


def _starved_sweeps(flows: Flows) -> Found:
    """A sweep whose first legs are all bundled by other sweeps, too."""
    in_circles = {index for circle in circles(flows.consequences) for index in circle}
    for index, rail in enumerate(flows.bank.rails):
        if not rail.aggregating:
            continue
        sweep = flows.nodes_of[rail.name][0].index
        # Legs that the sweep causes itself come too late to be its first.
        firing = flows.firing_without(sweep) if sweep in in_circles else flows.firing
        rivals = [
            set(flows.bundlers(part, node)) - {rail.name}
            for part, node in flows.bundles.get(rail.name, ())
            if node.index in firing and part.name in flows.posting[node.index]
        ]
        if rivals and all(rivals):
            names = quoted_names(sorted(set().union(*rivals)))
            path = ("rails", index, "bundles_activity")
            yield path, f"{names} may leave nothing for this sweep: each leg goes to the sweep that ticks first"


def _completion_keys(flows: Flows) -> Found:
    """A completion that depends on a metadata key that no leg has."""
    for index, template in enumerate(flows.bank.transfer_templates):
        key = template.completion.key
        carried = (key in flows.declared.rails[name].metadata_keys for name in template.leg_rails)
        if template.completion.family == "metadata" and not any(carried):
            path = ("transfer_templates", index, "completion")
            yield path, f"no leg rail has the metadata key {quote(key)}, so no transfer gets a completion"


Finding = tuple[str, Callable[[Flows], Found]]

IMPOSSIBLE: tuple[Finding, ...] = (
    ("finding-expected-balance-cannot-hold", expected_balances),
    ("finding-net-cannot-hold", _nets),
    ("finding-rail-never-fires", _idle_rails),
    ("finding-chain-never-completes", _idle_chains),
    ("finding-chain-twice", _repeated_chains),
    ("finding-template-claimed", _claimed_templates),
    ("finding-cap-never-binds", _idle_limits),
    ("finding-unbundled-age-short", _short_ages),
    ("finding-aggregate-under-cap", _capped_sweeps),
    ("finding-cap-starves-chain", _starved_chains),
    ("finding-bundle-circle", _sweep_circles),
    ("finding-bundled-elsewhere", _starved_sweeps),
    ("finding-completion-key", _completion_keys),
)
# What the file leaves to a guess, or says in vain.
UNSAID: tuple[Finding, ...] = (
    ("finding-role-kind", silent.undecided_roles),
    ("finding-rail-kind", silent.undecided_rails),
    ("finding-word-against-sides", silent.words_against_sides),
    ("finding-unused", silent.unused),
    ("finding-key-without-effect", silent.keys_without_effect),
    ("finding-calendar-ignored", ignored_calendars),
    ("finding-delay-ignored", ignored_delays),
)
FINDINGS = (*IMPOSSIBLE, *UNSAID)


def finding_remarks(bank: Bank, counts: Mapping[str, int] | None = None) -> Iterator[Remark]:
    """The findings of a valid bank. `counts` has baseline accounts per template role (default: the file's)."""
    flows = Flows(bank, counts)
    for rule, find in FINDINGS:
        for path, message in find(flows):
            yield Remark(path, rule, message)


def structural_findings(
    bank: Bank, document: Document | None = None, counts: Mapping[str, int] | None = None
) -> tuple[Problem, ...]:
    """The findings of a valid bank, in file order where its document is given, else by path without a place."""
    place = document or Document(file=bank.instance, root=None)
    return tuple(sorted({place.problem(place.as_written(remark)) for remark in finding_remarks(bank, counts)}))
