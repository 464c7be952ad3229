"""Metadata of legs: every declared key with a plausible value, the same on all legs of a firing.

A value is a date, a month, an account id, an example from the bank file or an opaque reference. A small table decides
by the words in the name of the key. Values that belong together are drawn as a whole. The fields of a template's
transfer key are equal on all legs of a transfer, and no other transfer has the same values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.baseline.text import json_objects, json_text, references
from seedbed.draw.address import KeySpace, below, draw
from seedbed.ledger.arrow import int64s
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import AccountIndices, DayOrdinals, Words

__all__ = ["MetadataRows", "key_repeats", "metadata_text"]


DATE_WORDS = frozenset(("date", "day"))
MONTH_WORDS = frozenset(("period", "month"))
ACCOUNT_WORDS = frozenset(("customer", "merchant", "account", "cardholder"))


@dataclass(frozen=True)
class MetadataRows:
    """The firings of one rail in one node: business days, unit accounts or -1, and the two salts."""

    day: DayOrdinals
    unit: AccountIndices
    salt: Words
    transfer_salt: Words


def _value_kind(key: str, examples: Sequence[str], dated: bool) -> str:
    words = frozenset(re.findall(r"[a-z]+", key.lower()))
    if dated or (words & DATE_WORDS and not examples):
        return "date"
    if examples:
        return "example"
    if words & MONTH_WORDS:
        return "month"
    return "account" if words & ACCOUNT_WORDS else "reference"


def metadata_text(keys: KeySpace, node: Node, rail: RailPlan, rows: MetadataRows, account_ids: pa.Array) -> pa.Array:
    """The metadata of each firing as JSON text. `account_ids` are the JSON-escaped ids of the local accounts."""
    template = node.template
    transfer_key = template.transfer_key if template is not None else ()
    completion = template.completion.key if template is not None and template.completion.family == "metadata" else ""
    examples = {key: _examples(node, rail, key) for key in (*transfer_key, *rail.metadata_keys)}
    kinds = {key: _value_kind(key, values, key == completion) for key, values in examples.items()}
    # A completion stays a date, unless nothing else can tell transfers apart.
    suffixed = [key for key in transfer_key if key != completion] or transfer_key
    unique_suffix = suffixed[-1] if _needs_suffix(node, [kinds[key] for key in transfer_key]) else None
    fields = []
    together = below(draw(keys.key(rail.name, "metadata-example"), rows.salt), max(1, len(rail.joint_examples)))
    joint = {key: _column(rail, key) for key in rail.joint_keys}
    for key in rail.metadata_keys:
        if key in joint:
            fields.append((key, joint[key].take(int64s(together))))
            continue
        shared = key in transfer_key and template is not None
        owner = template.name if shared and template is not None else rail.name
        draws = draw(keys.key(owner, "metadata", key), rows.transfer_salt if shared else rows.salt)
        values = _values(kinds[key], draws, rows, account_ids, examples[key], key == completion)
        if key == unique_suffix:
            values = pc.binary_join_element_wise(values, references(draws), pa.scalar("-"))
        fields.append((key, values))
    return json_objects(fields, rows.day.size)


def _column(rail: RailPlan, key: str) -> pa.Array:
    """The values of a key in the joint examples of a rail, JSON-escaped."""
    return pa.array(json_text([example[key] for example in rail.joint_examples]), pa.string())


def _examples(node: Node, rail: RailPlan, key: str) -> tuple[str, ...]:
    """The examples of a key. A transfer key has those of the first leg rail with examples, so that all legs agree.

    A key that a Posted leg must carry, such as a transfer key, has no empty value.
    """
    if node.template is None or key not in node.template.transfer_key:
        values = rail.examples.get(key, ())
        return _with_text(values) if key in rail.required else values
    each = (_with_text(leg.examples.get(key, ())) for leg in node.rails)
    return next(filter(None, each), ())


def _with_text(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def key_repeats(node: Node) -> bool:
    """Whether two transfers of one unit account and day would have the same transfer key."""
    template = node.template
    if template is None or not template.transfer_key:
        return False
    completion = template.completion.key if template.completion.family == "metadata" else ""
    kinds = [_value_kind(key, _examples(node, node.driver, key), key == completion) for key in template.transfer_key]
    return "reference" not in kinds and not _needs_suffix(node, kinds)


def _needs_suffix(node: Node, kinds: Sequence[str]) -> bool:
    """Whether two transfers could have the same values of the transfer key."""
    if not kinds or "reference" in kinds:
        return False
    one_a_day = node.collects and node.primary
    has_unit = not node.driver.unit_classes or "account" in kinds
    return not (one_a_day and has_unit and "date" in kinds)


def _values(
    kind: str, draws: Words, rows: MetadataRows, account_ids: pa.Array, examples: Sequence[str], completes: bool
) -> pa.Array:
    if kind in ("date", "month"):
        days, place = np.unique(rows.day + int(completes), return_inverse=True)
        width = 10 if kind == "date" else 7
        text = [date.fromordinal(day).isoformat()[:width] for day in days.tolist()]
        return pa.array(text, pa.string()).take(int64s(place))
    if kind == "example":
        return pa.array(json_text(examples), pa.string()).take(int64s(below(draws, len(examples))))
    if kind == "account":
        if not len(account_ids) or not rows.unit.size or int(rows.unit.max()) < 0:
            return references(draws)
        named = account_ids.take(int64s(np.maximum(rows.unit, 0)))
        if int(rows.unit.min()) >= 0:
            return named
        return pc.if_else(pa.array(rows.unit >= 0), named, references(draws))
    return references(draws)
