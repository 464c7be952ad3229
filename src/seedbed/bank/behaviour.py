"""Rules on the keys that say how a rail behaves: its kind, units, amounts and metadata."""

from collections.abc import Iterator

from seedbed import money
from seedbed.bank.declared import Declared
from seedbed.bank.kinds import AGGREGATING_KINDS
from seedbed.bank.text import Path, quote, suggestion

__all__ = ["amounts", "joint_examples", "kinds_of_rails", "kinds_of_roles", "units"]

Found = Iterator[tuple[Path, str]]

MOST_CENTS = money.MAX_AMOUNT_CENTS
TOO_LARGE = f"amounts must stay below {money.format(MOST_CENTS)}"


def kinds_of_roles(declared: Declared) -> Found:
    """An external account has no kind, and accounts of one role have one kind."""
    first: dict[str, str] = {}
    for path, element in declared.holders():
        if element.kind is None:
            continue
        here = (*path, "kind")
        if element.scope == "external":
            yield here, "an external account is a counterparty and has no kind; remove it"
        elif element.role is None:
            yield here, "a kind belongs to a role, and this account has none"
        elif first.setdefault(element.role, element.kind) != element.kind:
            yield here, f"{quote(element.role)} is already of kind {first[element.role]}"


def kinds_of_rails(declared: Declared) -> Found:
    """An aggregating rail has an aggregating kind, and no other rail has one."""
    aggregating = set(AGGREGATING_KINDS.values())
    for index, rail in enumerate(declared.bank.rails):
        if rail.kind is None or (rail.kind in aggregating) == rail.aggregating:
            continue
        wanted = "one of the aggregating kinds" if rail.aggregating else "no aggregating kind"
        yield ("rails", index, "kind"), f"{quote(rail.kind)}: {_a_rail(rail.aggregating)} needs {wanted}"


def _a_rail(aggregating: bool) -> str:
    return "an aggregating rail" if aggregating else "a rail that does not aggregate"


def units(declared: Declared) -> Found:
    """The accounts that set a rail's volume are those of a template."""
    for index, rail in enumerate(declared.bank.rails):
        if rail.per is not None and rail.per not in declared.template_roles:
            hint = suggestion(rail.per, declared.template_roles)
            yield ("rails", index, "per"), f"{quote(rail.per)} is not the role of an account template{hint}"


def amounts(declared: Declared) -> Found:
    """A rail says its amounts in one way, and they are amounts that the generator can make."""
    for index, rail in enumerate(declared.bank.rails):
        ways = {"amount": bool(rail.amount), "amount_typical_range": rail.amount_typical_range_cents is not None}
        override = declared.bank.baseline.rails.get(rail.name)
        ways["baseline.rails"] = override is not None and override.seed_amount is not None
        said = [way for way, given in ways.items() if given]
        if len(said) > 1:
            yield ("rails", index, said[0]), f"the amounts are given twice, in {' and '.join(said)}; keep one of them"
        low, high = rail.amount_typical_range_cents or (1, 1)
        if low > high:
            yield ("rails", index, "amount_typical_range"), f"{money.format(low)} is more than {money.format(high)}"
        for place, point in enumerate(rail.amount):
            if point.amount_cents >= MOST_CENTS:
                yield ("rails", index, "amount", place, "amount"), TOO_LARGE
        if high >= MOST_CENTS:
            yield ("rails", index, "amount_typical_range"), TOO_LARGE


def joint_examples(declared: Declared) -> Found:
    """Values that are drawn as a whole name the same metadata keys of the rail every time, and no other source."""
    in_a_transfer_key = {
        (name, key) for t in declared.bank.transfer_templates for name in t.leg_rails for key in t.transfer_key
    }
    for index, rail in enumerate(declared.bank.rails):
        for place, example in enumerate(rail.metadata_examples):
            here: Path = ("rails", index, "metadata_examples", place)
            if not example:
                yield here, "the example has no metadata key"
            if set(example) != set(rail.metadata_examples[0]):
                yield here, "all examples of a rail need the same metadata keys"
            for key in example:
                if key not in rail.metadata_keys:
                    hint = suggestion(key, rail.metadata_keys)
                    yield (*here, key, "[key]"), f"{quote(key)} is not one of the rail's metadata_keys{hint}"
                elif place == 0 and key in rail.metadata_value_examples:
                    yield (*here, key, "[key]"), f"{quote(key)} also has metadata_value_examples; keep one of them"
                elif place == 0 and (rail.name, key) in in_a_transfer_key:
                    yield (*here, key, "[key]"), f"{quote(key)} is part of a transfer key, whose values must differ"
                elif key in rail.posted_requirements and not example[key]:
                    yield (*here, key), f"{quote(key)} is among the posted_requirements, so it needs a value"
