"""The answer key: every plant with its facts, rows and surfacings, and the exceptions of the baseline itself."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.assembly.foundation import Foundation
from seedbed.bank.links import End
from seedbed.baseline.block import Block
from seedbed.baseline.firings import Fired, RailFirings
from seedbed.baseline.settle import Balances
from seedbed.baseline.sweeps import Sweeps
from seedbed.baseline.text import identifiers, suffixed
from seedbed.ledger.arrow import int64s
from seedbed.ledger.columns import ANSWER_KEY
from seedbed.units import BlockNumber, Integers, Words

__all__ = ["BASELINE", "AnswerLines", "KeyLine"]


# The plant id of exceptions that the baseline itself leaves open.
BASELINE = "baseline"

# Findings about a sweep that make legs wait, whatever the leg's own rail declares.
HELPLESS = frozenset(("finding-rail-never-fires", "finding-aggregate-under-cap", "finding-bundle-circle"))

KeyLine = tuple[str, str, str, str, str, str, str, str | None]


class AnswerLines:
    """Gathers the lines of one block. Line numbers begin with the number of the block."""

    def __init__(self, foundation: Foundation, block: BlockNumber) -> None:
        self.foundation = foundation
        self.block = block
        self.lines: list[KeyLine] = []

    def table(self) -> pa.Table:
        """The lines as a table in the schema of `ANSWER_KEY`, in the order in which they were added."""
        columns = list(zip(*self.lines, strict=True)) or [()] * 8
        line = (self.block << 40) + np.arange(len(self.lines), dtype=np.int64)
        schema = ANSWER_KEY.arrow_schema()
        arrays = [int64s(line), *(pa.array(column, pa.string()) for column in columns)]
        return pa.table([array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema)

    def add(self, lines: Iterable[KeyLine]) -> None:
        """Adds complete lines."""
        self.lines += lines

    # ---- the baseline -------------------------------------------------------------------------------------------

    def add_baseline(
        self, blocks: Sequence[Block], balances: Balances, sweeps: Sweeps, planted: Balances | None = None
    ) -> None:
        """Adds the exceptions of the baseline: incomplete chains, and exceptions that a structural finding explains.

        `balances` are those of the baseline, `planted` those with all plants. Plants may repair an exception.
        """
        open_ended: list[tuple[str, str]] = []
        for block in blocks:
            for high, low, label in self._incomplete(block):
                head = (BASELINE, "incomplete_chain", "incomplete_chain", "none")
                keys = [f"{transfer}/{label}" for transfer in _texts(identifiers(high, low))]
                self.lines += [(*head, "view", "chain_exceptions", key, None) for key in keys]
            open_ended += self._waiting(block, sweeps)
            open_ended += self._off_net(block)
        open_ended += self._off_expected(balances, planted or balances)
        head = (BASELINE, "structural", "structural", "none")
        self.lines += [(*head, "view", view, key, None) for view, key in open_ended]

    def _incomplete(self, block: Block) -> Iterator[tuple[Words, Words, str]]:
        """Per Required chain or group: the identities of the parents whose child should be there, and the label."""
        for decision in self.foundation.setup.program.decisions:
            if not decision.required:
                continue
            ends = [link.ends for link in decision.links]
            children = dict.fromkeys(child for _, child in ends)
            taken = [fired.parents_of(place) for end in children for fired, place in _meant(block, end)]
            answered = np.sort(np.concatenate(taken), kind="stable") if taken else np.empty(0, np.uint64)
            for end in dict.fromkeys(parent for parent, _ in ends):
                for fired, place in _meant(block, end):
                    high, low = (half[place] for half in fired.transfers.words)
                    # Not np.isin: its first use imports numpy.ma, which takes longer than the answer key of a bank.
                    alone = np.searchsorted(answered, high, "left") == np.searchsorted(answered, high, "right")
                    if decision.patience and alone.any():
                        alone &= self.foundation.setup.is_due(fired.last_second()[place], decision.patience)
                    if alone.any():
                        yield high[alone], low[alone], decision.label

    def _waiting(self, block: Block, sweeps: Sweeps) -> Iterator[tuple[str, str]]:
        """Legs that exceed their rail's max_unbundled_age because, as a finding tells, no sweep can take them."""
        survey, as_of = self.foundation.survey, self.foundation.setup.window.as_of
        for fired, firing, tick in block.firings():
            age = survey.declared(firing.rail).max_unbundled_age_seconds
            if age is None or not len(firing) or not survey.is_bundled(firing.rail, fired.node):
                continue
            left = (tick < 0) | ~sweeps.posted[np.maximum(tick, 0)] if sweeps.posted.size else tick < 0
            waiting = np.flatnonzero(left & (as_of - firing.second > age))
            if waiting.size and self._may_wait(firing):
                for leg in range(len(firing.rail.legs)):
                    yield from (("stuck_unbundled", key) for key in _leg_texts(fired, firing, waiting, leg))

    def _may_wait(self, firing: RailFirings) -> bool:
        survey = self.foundation.survey
        sweeps = {rail.name for rail in survey.bank.rails if rail.aggregating}
        return bool(
            survey.found("finding-unbundled-age-short") & {firing.rail.name} or survey.found(*HELPLESS) & sweeps
        )

    def _off_net(self, block: Block) -> Iterator[tuple[str, str]]:
        """Transfers that, as a finding tells, cannot have their expected net."""
        survey = self.foundation.survey
        for fired in block.fired:
            expected = survey.declared_net(fired.node)
            net = np.zeros(len(fired.transfers), dtype=np.int64)
            for firing in fired.firings:
                if not firing.rail.two_leg:
                    np.add.at(net, firing.transfer, firing.cents)
            off = np.flatnonzero(net != expected) if expected is not None else np.empty(0, np.int64)
            if off.size and survey.net_cannot_hold(fired.node):
                high, low = (half[off] for half in fired.transfers.words)
                yield from (("transfer_net", f"{key}/{fired.node.name}") for key in _texts(identifiers(high, low)))

    def _off_expected(self, balances: Balances, planted: Balances) -> Iterator[tuple[str, str]]:
        """Account-days off a declared balance that, as a finding tells, cannot hold, with and without plants."""
        view = self.foundation.setup.program.universe.block_accounts(self.block)
        first = view.shared if self.block else 0
        declared = [c.expected_cents for c in view.classes]
        expected = np.array([cents or 0 for cents in declared], dtype=np.int64)[view.class_index]
        checked = np.array(
            [cents is not None and c.internal for cents, c in zip(declared, view.classes, strict=True)],
            dtype=np.bool_,
        )
        off = checked[view.class_index][:, None] & (balances.stored != expected[:, None])
        off &= planted.stored != expected[:, None]
        off[:first] = False
        if not off.any():
            return
        named = self.foundation.survey.found("finding-expected-balance-cannot-hold")
        ids = view.text()[0]
        for account, row in np.argwhere(off).tolist():
            if {ids[account], view.classes[int(view.class_index[account])].role} & named:
                day = date.fromordinal(int(self.foundation.setup.window.days[row])).isoformat()
                yield "expected_eod_balance_breach", f"{ids[account]}/{day}"


def _meant(block: Block, end: End) -> Iterator[tuple[Fired, Integers]]:
    """The transfers of a chain end: those of its node or, if it names a leg rail, those in which that rail fired."""
    for fired in block.fired:
        if fired.node.index == end.node and end.rail is None:
            yield fired, np.arange(len(fired.transfers))
        for firing in fired.firings if fired.node.index == end.node else ():
            if firing.rail.name == end.rail:
                fires = np.zeros(len(fired.transfers), dtype=bool)
                fires[firing.transfer] = True
                yield fired, np.flatnonzero(fires)


def _texts(characters: npt.NDArray[np.uint8]) -> list[str]:
    return [bytes(row).decode() for row in characters]


def _leg_texts(fired: Fired, firing: RailFirings, chosen: Integers, leg: int) -> list[str]:
    place = firing.transfer[chosen]
    characters = identifiers(fired.transfers.words[0][place], fired.transfers.words[1][place])
    return _texts(suffixed(characters, firing.number[chosen] + leg))
