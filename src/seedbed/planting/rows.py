"""Planted transfers as legs: the same columns, texts and entry numbers as any other row's."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.baseline.block import Work
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.firings import RailFirings, Transfers
from seedbed.baseline.legs import LegCollector, completion_second
from seedbed.baseline.metadata import MetadataRows, metadata_text
from seedbed.baseline.system import Sweeps
from seedbed.plan.program import Node
from seedbed.plan.rails import RailPlan
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Reason, Status

__all__ = ["collect_planted", "with_planted_sweeps"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Version:
    """One state of a firing, which becomes one row per leg: what it was first, or what it is in the end."""

    firing: PlantedFiring
    status: Status
    cents: int
    second: int
    salt: int
    reason: Reason
    appended: int
    bundle: int


def with_planted_sweeps(sweeps: Sweeps, transfers: tuple[PlantedTransfer, ...]) -> tuple[Sweeps, dict[int, int]]:
    """The ticks with the planted sweeps behind them, and where each of those stands, by the transfer's identity."""
    planted = {id(f.sweep): f.sweep for t in transfers for f in t.firings if f.sweep is not None}
    places = {key: int(sweeps.second.size) + number for number, key in enumerate(planted)}
    added = list(planted.values())

    def joined(old: npt.NDArray[np.uint64], half: int) -> npt.NDArray[np.uint64]:
        return np.append(old, np.array([transfer.words[half] for transfer in added], dtype=np.uint64))

    return Sweeps(
        sweeps.block,
        (joined(sweeps.words[0], 0), joined(sweeps.words[1], 1)),
        np.append(sweeps.second, np.array([t.firings[0].second for t in added], dtype=np.int64)),
        np.append(sweeps.posted, np.ones(len(added), dtype=np.bool_)),
        np.append(sweeps.node, np.array([t.node.index for t in added], dtype=np.int64)),
    ), places


def collect_planted(
    work: Work,
    numbers: EntryNumbers,
    transfers: tuple[PlantedTransfer, ...],
    places: dict[int, int],
    collector: LegCollector,
    ids: pa.Array,
) -> None:
    """Adds the legs of planted transfers, rail by rail; `ids` are the local accounts' ids, JSON-escaped."""
    groups: dict[tuple[int, int], list[_Version]] = defaultdict(list)
    for transfer in transfers:
        for firing in transfer.firings:
            groups[firing.rail.index, transfer.node.index] += _versions(firing, places)
    by_rail: dict[int, list[int]] = defaultdict(list)
    for rail_index, node_index in sorted(groups):
        by_rail[rail_index].append(node_index)
    for rail_index, nodes in by_rail.items():
        rail = work.program.rails[rail_index]
        versions = [version for node in nodes for version in groups[rail_index, node]]
        entries = _entries(numbers, rail, versions)
        start = 0
        for node_index in nodes:
            own = groups[rail_index, node_index]
            stop = start + len(own)
            node = work.program.nodes[node_index]
            _collect(work, numbers, collector, node, rail, own, [e[start:stop] for e in entries], ids)
            start = stop


def _versions(firing: PlantedFiring, places: dict[int, int]) -> list[_Version]:
    bundle = places[id(firing.sweep)] if firing.sweep is not None else firing.tick
    appended = firing.appended if firing.reason is not Reason.NONE else firing.second
    last = _Version(firing, firing.status, firing.cents, firing.second, firing.salt, firing.reason, appended, bundle)
    if firing.first is None:
        return [last]
    status, cents, second, salt = firing.first
    return [_Version(firing, status, cents, second, salt, Reason.NONE, second, -1), last]


def _entries(numbers: EntryNumbers, rail: RailPlan, versions: list[_Version]) -> list[Integers]:
    """One array per leg: first rows and later rows count in the two block numbers that are kept for plants."""
    appended = np.array([version.appended for version in versions], dtype=np.int64)
    later = np.array([version.reason is not Reason.NONE for version in versions], dtype=np.bool_)
    entries = [np.zeros(len(versions), dtype=np.int64) for _ in rail.legs]
    for block, chosen in ((numbers.blocks + 2, ~later), (numbers.blocks + 3, later)):
        here = np.flatnonzero(chosen)
        for leg, values in enumerate(numbers.numbers(rail.name, block, appended[here], len(rail.legs))):
            entries[leg][here] = values
    return entries


def _collect(
    work: Work,
    numbers: EntryNumbers,
    collector: LegCollector,
    node: Node,
    rail: RailPlan,
    versions: list[_Version],
    entries: list[Integers],
    ids: pa.Array,
) -> None:
    transfers = [version.firing.transfer for version in versions]

    def words(half: int, parents: bool = False) -> npt.NDArray[np.uint64]:
        owners = [transfer.parent if parents else transfer for transfer in transfers]
        return np.array([0 if owner is None else owner.words[half] for owner in owners], dtype=np.uint64)

    def column(values: list[int]) -> Integers:
        return np.array(values, dtype=np.int64)

    salt = np.array([version.salt for version in versions], dtype=np.uint64)
    day, unit = column([t.day for t in transfers]), column([t.unit for t in transfers])
    transfer_salt = np.array([t.salt for t in transfers], dtype=np.uint64)
    firing = RailFirings(
        node,
        rail,
        np.arange(len(versions), dtype=np.int64),
        np.array([version.firing.accounts for version in versions], dtype=np.int64).T,
        column([version.cents for version in versions]),
        column([version.second for version in versions]),
        column([version.firing.number for version in versions]),
        salt,
    )
    columns = {
        "bundle": column([version.bundle for version in versions]),
        "completion": completion_second(node, day),
        "block": np.full(len(versions), numbers.blocks + 3, dtype=np.int64),
        "status": column([version.status for version in versions]),
        "supersedes": column([version.reason for version in versions]),
    }
    metadata = metadata_text(work.program.keys, node, rail, MetadataRows(day, unit, salt, transfer_salt), ids)
    identity = Transfers((words(0), words(1)), (words(0, True), words(1, True)), day, unit, transfer_salt)
    collector.add_firings(identity, firing, columns, metadata, entries)
