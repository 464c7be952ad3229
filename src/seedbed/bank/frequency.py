"""Rules and findings on how often and when rails, templates and chain children fire."""

from collections.abc import Iterator

from seedbed.bank.declared import Declared
from seedbed.bank.flows import Flows
from seedbed.bank.links import DeclaredLink, Void
from seedbed.bank.model import Rail, TransferTemplate
from seedbed.bank.text import Path, path_text, quote, suggestion

__all__ = [
    "firings_descend",
    "ignored_calendars",
    "ignored_delays",
    "rail_calendars",
    "volume_twice",
]

Found = Iterator[tuple[Path, str]]

FIRINGS, MONTHLY = "firings_typical_per_period", "day_of_month"


def _counting(declared: Declared) -> Iterator[tuple[Path, Rail | TransferTemplate]]:
    """The rails and templates, with their places."""
    yield from ((("rails", index), rail) for index, rail in enumerate(declared.bank.rails))
    yield from ((("transfer_templates", index), one) for index, one in enumerate(declared.bank.transfer_templates))


def firings_descend(declared: Declared) -> Found:
    """A range of firings goes from the fewest to the most."""
    for path, element in _counting(declared):
        typical = element.firings_typical_per_period
        if typical is not None and typical.range[0] > typical.range[1]:
            least, most = typical.range
            yield (*path, FIRINGS, "range"), f"{least} firings at the least are more than {most} at the most"


def volume_twice(declared: Declared) -> Found:
    """One key says how often a rail fires."""
    for index, rail in enumerate(declared.bank.rails):
        override = declared.bank.baseline.rails.get(rail.name)
        scaled = override is not None and override.seed_volume_multiplier is not None
        counted, monthly = rail.firings_typical_per_period is not None, rail.day_of_month is not None
        if counted and monthly:
            message = f"{FIRINGS} and {MONTHLY} both say how often this rail fires; keep one of them"
            yield ("rails", index, MONTHLY), message
        if scaled and (counted or monthly):
            key = FIRINGS if counted else MONTHLY
            path = ("baseline", "rails", rail.name, "seed_volume_multiplier")
            yield path, f"the rail's {key} says how often it fires, which leaves nothing to multiply"


def rail_calendars(declared: Declared) -> Found:
    """A rail fires on the bank's business days, or always."""
    own = declared.bank.calendar
    for index, rail in enumerate(declared.bank.rails):
        if rail.calendar in (None, "business", own):
            continue
        if rail.calendar != "always":
            known = ("business", "always", own)
            hint = suggestion(str(rail.calendar), known)
            message = (
                f"{quote(rail.calendar)} is not business, always or the bank's own calendar ({quote(own)}){hint}"
            )
            yield ("rails", index, "calendar"), message


def ignored_calendars(flows: Flows) -> Found:
    """A leg rail that fires always, in a template of which another leg rail does not."""
    for index, rail in enumerate(flows.bank.rails):
        for node in flows.nodes_of[rail.name]:
            if rail.calendar == "always" and not node.always:
                message = (
                    f"other legs of the template {quote(node.name)} fire on business days only, and so does this one"
                )
                yield ("rails", index, "calendar"), message
                break


def ignored_delays(flows: Flows) -> Found:
    """A delay that decides nothing, since another chain makes the same parent fire the same child."""
    for index, links in flows.links_of.items():
        delay = flows.bank.chains[index].delay
        if delay is None or all(link.void not in (None, Void.TWICE) for link in links):
            continue
        counting = [other for other in flows.links.firing for link in links if _same_firing(flows, link, other)]
        if counting and all(flows.links.delay_of(other) != delay for other in counting):
            first = path_text(("chains", counting[0].chain))
            message = f"{first} links this parent to the same child, which follows as that chain says"
            yield ("chains", index, "delay"), message


def _same_firing(flows: Flows, link: DeclaredLink, other: DeclaredLink) -> bool:
    """Whether a link fires as another one does: it is that one, is there twice, or means another leg of its child."""
    same_parent = (link.parent, link.parent_rail, link.child) == (other.parent, other.parent_rail, other.child)
    if link.void is Void.TWICE:
        return link.ends == other.ends
    said = ((flows.bank.chains[one.chain].xor_group, flows.links.asked_member(one)) for one in (link, other))
    return link.void is None and same_parent and len(set(said)) == 1
