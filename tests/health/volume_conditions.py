"""Conditions on numbers: firings and amounts per rail against the reference profile, within sampling error."""

from collections import Counter
from datetime import date, timedelta
from math import log, sqrt

from seedbed.bank.timing import Cadence

from .amounts import Amounts
from .chain_conditions import can_fire
from .facts import Facts, quoted, role_kinds, sides_of
from .reference import is_business_day, tick_days

__all__ = ["VOLUME_CONDITIONS"]

# Below this many amounts nothing is said of their spread.
FEWEST_AMOUNTS = 30
# Beyond sampling error: the judge cuts the distribution into steps, and the generator's sampler interpolates its
# tables; both show from some millions of amounts on.
SAMPLER_SLACK = 0.002


def _days(facts: Facts) -> int:
    return int(facts.rows("select count(*) from days")[0][0])


def _days_of(facts: Facts, rail: str) -> int:
    """The days on which a rail fires: business days, or all days of a window that has one."""
    always = facts.rows(f"select 1 from rails where always and name = {quoted(rail)}")
    return facts.window_days if always and _days(facts) else _days(facts)


def _firings(facts: Facts) -> dict[str, int]:
    return dict(
        facts.rows(
            """
            select r.name, count(m.id) // any_value(r.legs) from rails r left join moves m on m.rail_name = r.name
            group by r.name
            """
        )
    )


def _driver(facts: Facts, rail: str) -> str | None:
    """The rail that sets this rail's rate: the first leg of its template that is not Variable; itself if alone."""
    homes = [t for t in facts.bank.transfer_templates if rail in t.leg_rails]
    if len(homes) > 1:
        return None
    variable = {name for (name,) in facts.rows("select rail from legs_of where variable")}
    return next((name for name in homes[0].leg_rails if name not in variable), None) if homes else rail


def _targets(facts: Facts) -> dict[str, float]:
    """Expected firings of every primary rail for which the design pages settle them."""
    children = {name for (name,) in facts.rows("select name from rails where child or aggregating")}
    said = {name for (name,) in facts.rows("select name from counted union select name from monthly")}
    # A closing leg closes a whole transfer, whatever that collects; so do one-leg rails where all are on one side.
    gathered = {
        name
        for (name,) in facts.rows(
            """
            with alone as (
                select template from legs_of l join sides s using (rail) where not l.two_leg
                group by template having min(s.sign) = max(s.sign))
            select rail from legs_of join templates on name = template
            where collects and (variable or not two_leg and template in (select template from alone))
            """
        )
    }
    targets = {}
    for name in facts.rails:
        driver = _driver(facts, name)
        if name in children or driver is None:
            continue
        node = next((t.name for t in facts.bank.transfer_templates if name in t.leg_rails), name)
        if node in said:
            continue
        fact = facts.rails[driver]
        if not can_fire(facts, name):
            targets[name] = 0.0
        elif fact.kind is not None and fact.units is not None and can_fire(facts, node) and name not in gathered:
            targets[name] = fact.rate * fact.units * _days_of(facts, driver) / _members(facts, name)
    return targets


def _members(facts: Facts, rail: str) -> int:
    """How many rails share the transfers of a leg rail's template with it, each as often: those that exclude it."""
    shares = facts.rows(
        f"""
        select o.rail from legs_of l join legs_of o on o.template = l.template and o.choice = l.choice
        where l.rail = {quoted(rail)}
        """
    )
    return max(sum(can_fire(facts, name) for (name,) in shares), 1)


def _capped(facts: Facts) -> set[str]:
    capped = {name for (name,) in facts.rows("select name from capped")}
    for template in facts.bank.transfer_templates:
        if template.name in capped:
            capped |= set(template.leg_rails)
    return capped


def firings_meet_their_target(facts: Facts) -> list[str]:
    """Within 5 standard deviations of a Poisson count, and a few for small targets; a cap may only drop some."""
    firings, capped, broken = _firings(facts), _capped(facts), []
    for name, target in _targets(facts).items():
        slack = 5 * sqrt(target) + (5 if target else 0)
        least = 0.0 if name in capped else target - slack
        if not least <= firings[name] <= target + slack:
            broken.append(f"rail={name}, firings={firings[name]}, target={target:.1f}")
    return broken


def _drawn_rails(facts: Facts) -> dict[str, Amounts]:
    """Rails whose amounts are draws: no chain child, no sweep, and in a template two-leg or closed by a Variable."""
    free = {
        name
        for (name,) in facts.rows(
            """
            select r.name from rails r left join legs_of l on l.rail = r.name
            where not r.child and not r.aggregating and not coalesce(l.variable, false)
              and (l.rail is null or l.two_leg
                   or l.template in (select template from legs_of where variable))
            """
        )
    }
    known = {name: facts.rails[name].amounts for name in free}
    return {name: amounts for name, amounts in known.items() if amounts is not None}


def _spread_rails(facts: Facts) -> dict[str, Amounts]:
    """Of these the ones whose amounts are no list."""
    return {name: amounts for name, amounts in _drawn_rails(facts).items() if not amounts.points}


# Of an amount in dollars, as SQL aggregates: what `_off` looks at.
LOG_MOMENTS = "count(*), avg(ln(dollars)), stddev_samp(ln(dollars))"


def _off(
    name: str, amounts: Amounts, count: int, seen_mean: float, seen_deviation: float, cap: float | None
) -> list[str]:
    if count < FEWEST_AMOUNTS:
        return []
    mean, deviation, kurtosis = amounts.log_moments(cap)
    off_mean = abs(seen_mean - mean) > 4.5 * deviation / sqrt(count) + SAMPLER_SLACK
    off_deviation = (
        abs(seen_deviation - deviation) > 4.5 * deviation * sqrt((kurtosis - 1) / (4 * count)) + SAMPLER_SLACK
    )
    if not off_mean and not off_deviation:
        return []
    return [
        f"rail={name}, amounts={count}, log-mean={seen_mean:.4f} for {mean:.4f}, "
        f"log-sigma={seen_deviation:.4f} for {deviation:.4f}"
    ]


def _debits_before_a_capped_closing_leg(facts: Facts) -> set[str]:
    """One-leg Debits that are drawn first, in templates where only the Debits of a Variable leg are under a cap.

    Only of templates that net to zero: others may have to drop transfers by their amount.
    """
    alone = {name for (name,) in facts.rows("select name from capped")}
    inbound = {name for (name,) in facts.rows("select rail from capped_sides where sign > 0")}
    found: set[str] = set()
    for template in facts.bank.transfer_templates:
        signs = {name: [sign for sign, _, _ in sides_of(facts.rails[name].rail)] for name in template.leg_rails}
        one_leg = [name for name, sign in signs.items() if sign in ([-1], [1])]
        others = [name for name, sign in signs.items() if sign != [0]]
        bounded = alone & set(others) or inbound & set(template.leg_rails)
        if one_leg and signs[one_leg[0]] == [-1] and not template.expected_net_cents and not bounded:
            found |= {name for name in one_leg if signs[name] == [-1]}
    return found


def uncapped_amounts_follow_their_kind(facts: Facts) -> list[str]:
    broken, capped = [], _capped(facts) - _debits_before_a_capped_closing_leg(facts)
    for name, amounts in sorted(_spread_rails(facts).items()):
        if name in capped:
            continue
        [moments] = facts.rows(
            f"""
            select {LOG_MOMENTS} from (
                select cast(abs(m.amount_money) as double) as dollars
                from moves m join rails r on r.name = m.rail_name
                where m.rail_name = {quoted(name)} and (m.amount_money > 0 or r.legs = 1))
            """
        )
        broken += _off(name, amounts, *moments, None)
    return broken


def stated_amounts_are_kept(facts: Facts) -> list[str]:
    """An amount is in its rail's range or on its list, each of these with its share; a cap may only lessen it."""
    broken, capped = [], _capped(facts)
    for name, amounts in sorted(_drawn_rails(facts).items()):
        if not amounts.greatest and not amounts.points:
            continue
        rows = facts.rows(
            f"""
            select cast(abs(m.amount_money) as double) as dollars, count(*) as firings
            from moves m join rails r on r.name = m.rail_name
            where m.rail_name = {quoted(name)} and (m.amount_money > 0 or r.legs = 1) group by all order by all
            """
        )
        least = 0.0 if name in capped else amounts.least
        off = [dollars for dollars, _ in rows if amounts.greatest and not least <= dollars <= amounts.greatest]
        off += [dollars for dollars, _ in rows if amounts.points and dollars not in amounts.points]
        broken += [f"rail={name}, amount={dollars}" for dollars in off[:2]]
        seen, whole = dict(rows), sum(firings for _, firings in rows)
        for dollars, share in amounts.points.items() if name not in capped else ():
            slack = 5 * sqrt(whole * share * (1 - share)) + 5
            if abs(seen.get(dollars, 0) - whole * share) > slack:
                broken.append(f"rail={name}, amount={dollars}, {seen.get(dollars, 0)} of {whole}, share={share:.3f}")
    return broken


def capped_amounts_follow_the_truncated_distribution(facts: Facts) -> list[str]:
    """On account-days with one firing, of rails under caps on one side.

    Caps so low that the first firing may take all of them are left out.
    """
    broken = []
    templated = {name for (name,) in facts.rows("select rail from legs_of")}
    query = "select rail from capped_sides group by rail having count(distinct sign) > 1"
    twice = {name for (name,) in facts.rows(query)}
    spread, under = _spread_rails(facts), _capped(facts) - templated - twice
    for name in sorted(set(spread) & under):
        rows = facts.rows(
            f"""
            select cap, {LOG_MOMENTS} from (
                select cast(abs(sum(amount_money)) as double) as dollars, cast(any_value(cap) as double) as cap
                from (select id, account_id, cap_day, any_value(amount_money) as amount_money, min(cap) as cap
                      from under_caps where rail_name = {quoted(name)} group by all)
                group by account_id, cap_day having count(*) = 1)
            group by cap order by cap
            """
        )
        for cap, *moments in rows:
            if spread[name].reaches_below(cap):
                broken += _off(name, spread[name], *moments, cap)
    return broken


def rails_meet_the_coverage_floors(facts: Facts) -> list[str]:
    """At least half of the target where chance cannot go below it, and no dead rail where a firing is certain."""
    firings, capped = _firings(facts), _capped(facts)
    floors = {name: target / 2 if target >= 60 else 1 for name, target in _targets(facts).items() if target >= 20}
    return [
        f"rail={name}, firings={firings[name]}, floor={floor:.1f}"
        for name, floor in floors.items()
        if firings[name] < floor and name not in capped
    ]


def each_unit_has_its_own_volume(facts: Facts) -> list[str]:
    """Where one side of a rail stands on its unit accounts alone, each of them has its share of the firings."""
    broken = []
    templated = {name for (name,) in facts.rows("select rail from legs_of")}
    for name, target in _targets(facts).items():
        fact = facts.rails[name]
        if name in templated | _capped(facts) or fact.kind is None or not fact.units or not target:
            continue
        signs = [sign for sign, roles, _ in sides_of(fact.rail) if set(roles) <= fact.unit_roles]
        if len(signs) != 1:
            continue
        share = target / fact.units
        rows = facts.rows(
            f"""
            select a.id, count(m.id) from accounts a
            left join moves m on m.account_id = a.id and m.rail_name = {quoted(name)}
                and sign(m.amount_money) = {signs[0]}
            where not a.plant and a.role in (select role from sides where rail = {quoted(name)} and sign = {signs[0]})
            group by a.id order by a.id
            """
        )
        slack = 6 * sqrt(share) + 6
        off = [(account, count) for account, count in rows if abs(count - share) > slack]
        broken += [
            f"rail={name}, account={account}, firings={count}, share={share:.1f}" for account, count in off[:2]
        ]
    return broken


def times_are_spread_over_the_band(facts: Facts) -> list[str]:
    """Uniform in the band: the mean within 4.5 standard errors of the middle, for rails that no template holds."""
    rows = facts.rows(
        """
        select r.name, count(*), avg(second_of(m.posting)), any_value(r.opens) * 3600, any_value(r.closes) * 3600
        from rails r join moves m on m.rail_name = r.name
        where not r.child and not r.aggregating and r.name not in (select rail from legs_of)
          and (r.legs = 1 or m.amount_money > 0)
        group by r.name order by r.name
        """
    )
    return [
        f"rail={name}, firings={count}, mean second={mean:.0f} in {opens} to {closes}"
        for name, count, mean, opens, closes in rows
        if count >= FEWEST_AMOUNTS and facts.rails[name].kind is not None
        if abs(mean - (opens + closes) / 2) > 4.5 * (closes - opens) / sqrt(12 * count)
    ]


def days_have_their_share(facts: Facts) -> list[str]:
    """Firings fall on all business days alike: no day is far from the mean of its rail."""
    days, capped, broken = max(_days(facts), 1), _capped(facts), []
    templated = {name for (name,) in facts.rows("select rail from legs_of")}
    for name, target in _targets(facts).items():
        if name in capped | templated or _days_of(facts, name) != days:
            continue
        share = target / days
        legs = len(sides_of(facts.rails[name].rail))
        rows = facts.rows(
            f"""
            select d.day, count(m.id) // {legs} as firings from days d
            left join moves m on m.rail_name = {quoted(name)} and cast(m.posting as date) = d.day
            group by d.day order by d.day
            """
        )
        off = [(day, count) for day, count in rows if abs(count - share) > 6 * sqrt(share) + 6]
        broken += [f"rail={name}, day={day}, firings={count}, share={share:.1f}" for day, count in off[:2]]
    return broken


def _period_of(facts: Facts, day: date, period: str, always: bool) -> tuple[date, date]:
    """The first and the last calendar day of the period in which a day lies."""
    if period == "business_day":
        last = day
        while not is_business_day(last, facts.bank.calendar):
            last += timedelta(1)
        first = last
        while always and not is_business_day(first - timedelta(1), facts.bank.calendar):
            first -= timedelta(1)
        return first, last
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(31)).replace(day=1) - timedelta(1)
    length = 7 if period == "week" else 14
    first = day - timedelta((day.toordinal() - 1) % length)
    return first, first + timedelta(length - 1)


def _fired_on(facts: Facts, name: str) -> list[date]:
    """The day of each firing that counts: of a rail on its own, of whole transfers, or of a template's driver."""
    template = next((t for t in facts.bank.transfer_templates if t.name == name), None)
    if template is not None and template.firings_typical_per_period is not None:
        where, each = f"template_name = {quoted(name)}", "transfer_id"
    else:
        driver = name if template is None else _driver(facts, template.leg_rails[0])
        within = "" if template is None else f" and template_name = {quoted(name)}"
        where, each = (
            f"rail_name = {quoted(str(driver))}{within}",
            "(transfer_id, second_of(posting), abs(amount_money))",
        )
    rows = facts.rows(f"select cast(min(posting) as date) from moves where {where} group by {each} order by 1")
    return [day for (day,) in rows]


def counted_firings_are_within_their_range(facts: Facts) -> list[str]:
    """Of every whole period exactly within the range, of one that the window cuts at most; a cap may drop some."""
    broken, capped = [], _capped(facts)
    first = facts.anchor - timedelta(facts.window_days - 1)
    for name, period, least, most in facts.rows("select * from counted order by name"):
        driver = name if name in facts.rails else _driver(facts, _template_legs(facts, name)[0])
        always = bool(facts.rows(f"select 1 from rails where always and name = {quoted(str(driver))}"))
        days = [first + timedelta(n) for n in range(facts.window_days)] if _days(facts) else []
        found = Counter(_period_of(facts, day, period, always) for day in _fired_on(facts, name))
        for start, end in dict.fromkeys(_period_of(facts, day, period, always) for day in days):
            whole = first <= start and end <= facts.anchor and name not in capped and can_fire(facts, name)
            if not (least if whole else 0) <= found[start, end] <= most:
                broken.append(f"name={name}, from={start} to {end}, firings={found[start, end]}, {least} to {most}")
    return broken


def _template_legs(facts: Facts, name: str) -> tuple[str, ...]:
    return next(t.leg_rails for t in facts.bank.transfer_templates if t.name == name)


def monthly_firings_are_one_per_unit_on_their_day(facts: Facts) -> list[str]:
    """On no other day; each unit account has one, where it is settled which accounts these are."""
    broken, capped = [], _capped(facts)
    for name, number in facts.rows("select * from monthly order by name"):
        driver = name if name in facts.rails else str(_driver(facts, _template_legs(facts, name)[0]))
        always = bool(facts.rows(f"select 1 from rails where always and name = {quoted(driver)}"))
        calendar = "always" if always else facts.bank.calendar
        due = tick_days(Cadence("monthly", number, ""), facts.anchor, facts.window_days, calendar)
        due = due if _days(facts) else set()
        found, units = Counter(_fired_on(facts, name)), facts.rails[driver].units
        broken += [f"name={name}, day={day}, which is none of its days" for day in found if day not in due]
        if units is None or facts.rails[driver].kind is None or name in capped or not can_fire(facts, name):
            continue
        broken += [f"name={name}, day={day}, firings={found[day]}" for day in due if found[day] != units]
    return broken


# Starting balances of the seed document: (mu, sigma) of dollars.
STARTING_BALANCES = {"customer": (11.0, 0.5), "merchant": (12.5, 0.5)}


def quiet_accounts_open_as_their_role_does(facts: Facts) -> list[str]:
    """Plant accounts have no flows, so that they open at a plain draw of their role's starting balance."""
    broken, kinds = [], role_kinds(facts.bank)
    for template in facts.bank.account_templates:
        profile = STARTING_BALANCES.get(kinds[template.role] or "")
        if profile is None or template.scope != "internal" or template.expected_eod_balance_cents is not None:
            continue
        rows = facts.rows(
            f"""
            select cast(c.amount_money as double) from current c join accounts a on a.id = c.account_id
            where a.role = {quoted(template.role)} and a.plant and is_opening(c.rail_name) and c.amount_money > 0
            """
        )
        logs = [log(amount) for (amount,) in rows]
        mean = sum(logs) / len(logs) if logs else profile[0]
        if abs(mean - profile[0]) > 4.5 * profile[1] / sqrt(max(len(logs), 1)):
            broken.append(f"role={template.role}, openings={len(logs)}, log-mean={mean:.3f} for {profile[0]}")
    return broken


VOLUME_CONDITIONS = (
    counted_firings_are_within_their_range,
    monthly_firings_are_one_per_unit_on_their_day,
    times_are_spread_over_the_band,
    days_have_their_share,
    quiet_accounts_open_as_their_role_does,
    firings_meet_their_target,
    uncapped_amounts_follow_their_kind,
    stated_amounts_are_kept,
    capped_amounts_follow_the_truncated_distribution,
    rails_meet_the_coverage_floors,
    each_unit_has_its_own_volume,
)
