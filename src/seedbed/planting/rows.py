"""Planted transfers as legs, with the same columns, texts and entry numbers as those of the baseline."""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from seedbed.baseline.block import Setup
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.firings import RailFirings, Transfers
from seedbed.baseline.legs import LegCollector, completion_second
from seedbed.baseline.metadata import MetadataRows, metadata_text
from seedbed.baseline.sweeps import Sweeps
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Reason, Status
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.units import (
    AccountIndex,
    Cents,
    Entries,
    Integers,
    NodeIndex,
    RailIndex,
    SecondOrdinal,
    TickIndex,
    Word,
    Words,
)

__all__ = ["collect_planted", "with_planted_sweeps"]


ALL_LEGS = -1


@dataclass(frozen=True, kw_only=True)
class _Version:
    """One state of a firing, the first or the last one, which becomes one row per leg.

    With a `leg` it is the state of that leg alone, and `cents` are signed.
    """

    firing: PlantedFiring
    status: Status
    cents: Cents
    second: SecondOrdinal
    salt: Word
    reason: Reason
    appended: SecondOrdinal
    bundle: TickIndex
    leg: int = ALL_LEGS

    @property
    def shape(self) -> tuple[int, str]:
        """The values that rows of a rail share if they are made together: the leg and the missing metadata key."""
        return self.leg, self.firing.missing


def with_planted_sweeps(
    sweeps: Sweeps, transfers: tuple[PlantedTransfer, ...]
) -> tuple[Sweeps, dict[int, TickIndex]]:
    """The ticks followed by the planted sweeps, and the index of each planted sweep by its transfer's identity."""
    planted = {id(f.sweep): f.sweep for t in transfers for f in t.firings if f.sweep is not None}
    places = {key: int(sweeps.second.size) + number for number, key in enumerate(planted)}
    added = list(planted.values())

    def joined(old: Words, half: int) -> Words:
        return np.append(old, np.array([transfer.words[half] for transfer in added], dtype=np.uint64))

    return Sweeps(
        block=sweeps.block,
        words=(joined(sweeps.words[0], 0), joined(sweeps.words[1], 1)),
        second=np.append(sweeps.second, np.array([t.firings[0].second for t in added], dtype=np.int64)),
        posted=np.append(sweeps.posted, np.ones(len(added), dtype=np.bool_)),
        node=np.append(sweeps.node, np.array([t.node.index for t in added], dtype=np.int64)),
    ), places


def collect_planted(
    setup: Setup,
    numbers: EntryNumbers,
    transfers: tuple[PlantedTransfer, ...],
    places: dict[int, TickIndex],
    collector: LegCollector,
    ids: pa.Array,
) -> None:
    """Adds the legs of planted transfers, rail by rail. `ids` are the JSON-escaped ids of the local accounts."""
    groups: dict[tuple[RailIndex, NodeIndex, tuple[int, str]], list[_Version]] = defaultdict(list)
    for transfer in transfers:
        for firing in transfer.firings:
            for version in _versions(firing, places):
                groups[firing.rail.index, transfer.node.index, version.shape].append(version)
    by_rail: dict[RailIndex, list[tuple[RailIndex, NodeIndex, tuple[int, str]]]] = defaultdict(list)
    for key in sorted(groups):
        by_rail[key[0]].append(key)
    for rail_index, keys in by_rail.items():
        rail = setup.program.rails[rail_index]
        entries = _entries(numbers, rail, [version for key in keys for version in groups[key]])
        start = 0
        for key in keys:
            _, node_index, (leg, missing) = key
            own = groups[key]
            stop = start + len(own)
            node = setup.program.nodes[node_index]
            shown = [e[start:stop] for e in (entries if leg == ALL_LEGS else entries[leg : leg + 1])]
            _collect(setup, numbers, collector, node, _shaped(rail, leg, missing), own, shown, ids)
            start = stop


def _shaped(rail: RailPlan, leg: int, missing: str) -> RailPlan:
    """The rail as its rows show it: with a single leg, or without a metadata key."""
    legs = rail.legs if leg == ALL_LEGS else rail.legs[leg : leg + 1]
    if legs == rail.legs and not missing:
        return rail
    return replace(rail, legs=legs, metadata_keys=tuple(key for key in rail.metadata_keys if key != missing))


def _versions(firing: PlantedFiring, places: dict[int, TickIndex]) -> list[_Version]:
    bundle = places[id(firing.sweep)] if firing.sweep is not None else firing.tick
    appended = firing.appended if firing.reason is not Reason.NONE else firing.second
    last = _Version(
        firing=firing,
        status=firing.status,
        cents=firing.cents,
        second=firing.second,
        salt=firing.salt,
        reason=firing.reason,
        appended=appended,
        bundle=bundle,
    )
    if firing.first is None:
        versions = [last]
    else:
        status, cents, second, salt = firing.first
        versions = [
            _Version(
                firing=firing,
                status=status,
                cents=cents,
                second=second,
                salt=salt,
                reason=Reason.NONE,
                appended=second,
                bundle=-1,
            ),
            last,
        ]
    if not firing.rail.two_leg or not (firing.short or firing.half):
        return versions
    return [version for leg in range(2) for version in _of_leg(versions, leg)]


def _of_leg(versions: list[_Version], leg: int) -> list[_Version]:
    """The states of one leg. If only the first leg was corrected, the other leg has a single state."""
    firing = versions[-1].firing
    cents = firing.leg_cents(leg)
    if firing.half and leg:
        return [replace(versions[-1], leg=leg, cents=cents, reason=Reason.NONE, appended=firing.second)]
    return [replace(version, leg=leg, cents=cents) for version in versions]


def _entries(numbers: EntryNumbers, rail: RailPlan, versions: list[_Version]) -> list[Entries]:
    """One array of entries per leg. First rows and later rows use the two block numbers reserved for plants."""
    appended = np.array([version.appended for version in versions], dtype=np.int64)
    later = np.array([version.reason is not Reason.NONE for version in versions], dtype=np.bool_)
    entries = [np.zeros(len(versions), dtype=np.int64) for _ in rail.legs]
    for block, chosen in ((numbers.blocks + 2, ~later), (numbers.blocks + 3, later)):
        here = np.flatnonzero(chosen)
        for leg, values in enumerate(numbers.numbers(rail.name, block, appended[here], len(rail.legs))):
            entries[leg][here] = values
    return entries


def _collect(
    setup: Setup,
    numbers: EntryNumbers,
    collector: LegCollector,
    node: Node,
    rail: RailPlan,
    versions: list[_Version],
    entries: list[Entries],
    ids: pa.Array,
) -> None:
    transfers = [version.firing.transfer for version in versions]

    def words(half: int, parents: bool = False) -> Words:
        owners: list[PlantedTransfer | None] = list(transfers)
        if parents:
            owners = [version.firing.parent or version.firing.transfer.parent for version in versions]
        return np.array([0 if owner is None else owner.words[half] for owner in owners], dtype=np.uint64)

    def column(values: list[int]) -> Integers:
        return np.array(values, dtype=np.int64)

    salt = np.array([version.salt for version in versions], dtype=np.uint64)
    day, unit = column([t.day for t in transfers]), column([t.unit for t in transfers])
    transfer_salt = np.array([t.salt for t in transfers], dtype=np.uint64)
    firing = RailFirings(
        node=node,
        rail=rail,
        transfer=np.arange(len(versions), dtype=np.int64),
        accounts=np.array([_accounts(version) for version in versions], dtype=np.int64).T,
        cents=column([version.cents for version in versions]),
        second=column([version.second for version in versions]),
        number=column([version.firing.number + max(version.leg, 0) for version in versions]),
        salt=salt,
    )
    columns = {
        "bundle": column([version.bundle for version in versions]),
        "completion": completion_second(node, day),
        "block": np.full(len(versions), numbers.blocks + 3, dtype=np.int64),
        "status": column([version.status for version in versions]),
        "supersedes": column([version.reason for version in versions]),
    }
    metadata = metadata_text(setup.program.keys, node, rail, MetadataRows(day, unit, salt, transfer_salt), ids)
    identity = Transfers(
        words=(words(0), words(1)), parent=(words(0, True), words(1, True)), day=day, unit=unit, salt=transfer_salt
    )
    collector.add_firings(identity, firing, columns, metadata, entries)


def _accounts(version: _Version) -> tuple[AccountIndex, ...]:
    accounts = version.firing.accounts
    return accounts if version.leg == ALL_LEGS else accounts[version.leg : version.leg + 1]
