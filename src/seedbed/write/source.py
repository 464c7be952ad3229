"""The source of a writer's parts. This process or workers make the parts; the source counts them as they pass.

A writer gives a `Make`, which turns a group of parts into text or a file. It runs in the process that makes the
parts. The writer gets the results in order.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeVar

import pyarrow as pa

from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import first_parts, later_parts, settle_shared
from seedbed.ledger.dataset import Part
from seedbed.write.facts import Counts, Sums, Tally

if TYPE_CHECKING:
    from seedbed.assembly.workers import Workers

__all__ = ["LedgerSource", "Make", "PartSource", "Passed", "source_of"]

Made_co = TypeVar("Made_co", covariant=True)
T = TypeVar("T")


class Make(Protocol[Made_co]):
    """Turns a group of parts into results, one after another. Results must be picklable."""

    def __call__(self, number: int, parts: Iterable[Part], /) -> Iterator[Made_co]:
        """The results of one group."""


@dataclass(frozen=True)
class Passed:
    """A report on parts that were written: transaction rows, lines of the answer key, omitted plants."""

    transaction_rows: int
    answer_key: pa.Table
    omitted: tuple[tuple[str, str], ...]

    def __add__(self, other: "Passed") -> "Passed":
        key = pa.concat_tables([self.answer_key, other.answer_key])
        return Passed(self.transaction_rows + other.transaction_rows, key, self.omitted + other.omitted)


Watch = Callable[[Passed], None]


class PartSource(Iterator[Part]):
    """Parts that are written once, one by one or in groups.

    `watchers` get a report on everything that passes, in order. `sums` has the sums of the groups so far. `alone`
    tells whether no other process makes parts at the same time.
    """

    alone = True

    def __init__(self, parts: Iterable[Part], *watchers: Watch) -> None:
        self.sums = Sums()
        self.watchers = list(watchers)
        self._stream = iter(parts)

    def __next__(self) -> Part:
        part = next(self._stream)
        self.tell(Passed(part["transactions"].num_rows, part["answer_key"], part.omitted))
        return part

    @property
    def counts(self) -> Counts:
        """The counts of the groups so far."""
        return self.sums.counts

    def tell(self, passed: Passed) -> None:
        """Reports to all watchers."""
        for watch in self.watchers:
            watch(passed)

    def pieces(
        self, make: Make[T], each: int | None, skip: int = 0, elsewhere: Make[T] | None = None
    ) -> Iterator[Iterator[T]]:
        """The results of `make` for each group of `each` blocks, without the first `skip` groups. None: one group.

        Read each piece to its end before you ask for the next. Then `sums` includes it. If there are no parts, there
        is one piece for the empty group. In another process `elsewhere`, if given, replaces `make`.
        """
        self._skip(skip * (each or 0))
        number = skip
        while (first := next(self, None)) is not None or number == 0:
            found = [] if first is None else [first]
            first = None
            piece = self._piece(make, number, of_blocks(chain(found, self), each))
            del found
            yield piece
            for _ in piece:
                pass
            number += 1

    def _piece(self, make: Make[T], number: int, parts: Iterable[Part]) -> Iterator[T]:
        """The results of one group. `sums` includes the group once they are read to their end."""
        tally = Tally(parts, self.alone)
        yield from make(number, iter(tally))
        self.sums += tally.sums

    def _skip(self, blocks: int) -> None:
        """Skips blocks without a report to the watchers."""
        for _ in of_blocks(self._stream, blocks):
            pass


class LedgerSource(PartSource):
    """The parts of a foundation, made by this process and by its workers, if it has any."""

    def __init__(self, foundation: Foundation, workers: "Workers | None", *watchers: Watch) -> None:
        super().__init__(self._parts(), *watchers)
        self._foundation = foundation
        self._workers = workers
        self.alone = workers is None

    def _parts(self, start: int = 0) -> Iterator[Part]:
        """All parts of the block `start` and of later blocks."""
        settled = settle_shared(self._foundation)
        rest = range(max(start, 1), self._foundation.blocks)
        made = None
        if self._workers is not None:
            self._workers.tell(Foundation.adopt_ticks, settled.ticks)
            made = self._workers.map(_parts_of, ((range(block, block + 1),) for block in rest))
        if start == 0:
            yield from self._attended(first_parts(self._foundation, settled))
        yield from later_parts(self._foundation, settled.ticks, rest) if made is None else chain.from_iterable(made)

    def _attended(self, parts: Iterator[Part]) -> Iterator[Part]:
        """Parts that this process makes. Between two parts it collects the results of the workers."""
        for part in parts:
            if self._workers is not None:
                self._workers.collect()
            yield part
            del part

    def _skip(self, blocks: int) -> None:
        self._stream = self._parts(blocks)

    def pieces(
        self, make: Make[T], each: int | None, skip: int = 0, elsewhere: Make[T] | None = None
    ) -> Iterator[Iterator[T]]:
        """The results of each group. This process makes the first group, and workers make the others meanwhile."""
        if self._workers is None or each is None:
            yield from super().pieces(make, each, skip)
            return
        blocks = self._foundation.blocks
        settled = settle_shared(self._foundation)
        starts = range(max(skip, 1) * each, blocks, each)
        theirs = elsewhere or make
        groups = ((range(start, min(start + each, blocks)), theirs, start // each) for start in starts)
        self._workers.tell(Foundation.adopt_ticks, settled.ticks)
        made = self._workers.map(_made, groups)
        if skip == 0:
            own = later_parts(self._foundation, settled.ticks, range(1, min(each, blocks)))
            self._stream = self._attended(chain(first_parts(self._foundation, settled), own))
            yield self._piece(make, 0, self)
        for result, sums, passed in made:
            self.tell(passed)
            self.sums += sums
            yield iter(result)


def of_blocks(parts: Iterator[Part], blocks: int | None) -> Iterator[Part]:
    """The parts of the next `blocks` blocks, or all parts for None. Later parts are not taken."""
    left = blocks
    while left != 0 and (part := next(parts, None)) is not None:
        if left is not None and part.ends_block:
            left -= 1
        yield part
        del part


def _parts_of(foundation: Foundation, blocks: range) -> list[Part]:
    return list(later_parts(foundation, foundation.ticks, blocks))


def _made(foundation: Foundation, blocks: range, make: Make[T], number: int) -> tuple[list[T], Sums, Passed]:
    """Makes one group in a worker. Returns its results, its sums, and the report for the watchers."""
    passed: list[Passed] = []
    source = PartSource(later_parts(foundation, foundation.ticks, blocks), passed.append)
    source.alone = False
    [made] = map(list, source.pieces(lambda _, parts: make(number, parts), None))
    return made, source.sums, reduce(Passed.__add__, passed)


def source_of(parts: Iterable[Part]) -> PartSource:
    """The parts as a `PartSource`. A `PartSource` is returned unchanged."""
    return parts if isinstance(parts, PartSource) else PartSource(parts)
